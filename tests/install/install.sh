#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# install.sh [TREE]: scripts/install and uninstall on a Debian 13 with DKMS, which is
# the platform's root below an overlay in memory: the modules are built and found, our
# files win, and afterwards every file of the system is as it was. ALL=1: staged
# elsewhere, and twice, too.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tests/lib/ktap.sh"
TREE=${1:-$ROOT}
PLATFORM=$ROOT/build/platform

# The tests run in a mount namespace of their own, so that no mount outlives them.
if [ "${IN_NAMESPACE-}" != 1 ] && [ "$(id -u)" -eq 0 ]; then
	IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$TREE"
fi

# make_machine: $SYSTEM is a Debian 13 that may be written to; $TOP/upper has what was
make_machine() {
	TOP=$(mktemp -d "${TMPDIR:-/tmp}/install.XXXXXX")
	mount -t tmpfs -o size=2g install "$TOP" || return
	mkdir "$TOP/upper" "$TOP/work" "$TOP/system"
	mount -t overlay -o "lowerdir=$PLATFORM,upperdir=$TOP/upper,workdir=$TOP/work" \
		install "$TOP/system" || return
	SYSTEM=$TOP/system
	mount -t proc proc "$SYSTEM/proc" && mount --rbind /dev "$SYSTEM/dev" &&
		mount -t tmpfs tmp "$SYSTEM/tmp" && mkdir "$SYSTEM/tmp/tree" || return
	(cd "$TREE" && find . -path ./build -prune -o -path ./.git -prune -o -type f -print0 |
		tar -c --null -T -) | tar -x -C "$SYSTEM/tmp/tree"
	kernel=$(find "$SYSTEM/lib/modules" -mindepth 1 -maxdepth 1 -printf '%f\n' | tail -n 1)
	inside depmod "$kernel"
	listing >"$TOP/before"
	inside dpkg --verify >"$TOP/verify.before"
	cp -a "$TOP/upper" "$TOP/upper.before"
}

inside() {
	chroot "$SYSTEM" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"
}

tree() { inside "/tmp/tree/scripts/$1" "${@:2}"; }

listing() {
	(cd "$SYSTEM" && find . \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp \) \
		-prune -o -printf '%p %y %m %u %g %l\n' | sort)
}

# untouched: same paths, modes and owners; same contents of what was written to
untouched() {
	local path

	diff "$TOP/before" <(listing) || return
	(cd "$TOP/upper" && find . -type f -print) | while IFS= read -r path; do
		cmp "$SYSTEM/$path" "$TOP/upper.before/$path" 2>/dev/null ||
			cmp "$SYSTEM/$path" "$PLATFORM/$path" || exit 1
	done
}

# verified: dpkg finds nothing that it did not find before
verified() { diff "$TOP/verify.before" <(inside dpkg --verify); }

# fails TEXT COMMAND...
fails() {
	local out

	out=$("${@:2}" 2>&1) && {
		echo "it succeeded"
		return 1
	}
	grep -qF "$1" <<<"$out" || {
		echo "$out"
		return 1
	}
}

module_list() { sed -n 's/^BUILT_MODULE_NAME.*="\(.*\)"/\1/p' "$TREE/dkms.conf"; }

staged() {
	tree install --destdir /tmp/staged &&
		[ -x "$SYSTEM/tmp/staged/etc/xen/scripts/block-tandem" ] &&
		find "$SYSTEM/tmp/staged/usr/src" -name dkms.conf | grep -q . &&
		tree uninstall --destdir /tmp/staged || return
	[ -z "$(find "$SYSTEM/tmp/staged" -mindepth 1)" ] || {
		find "$SYSTEM/tmp/staged"
		return 1
	}
}

installs() { tree install --kernel "$kernel"; }

modules_built() {
	local module

	for module in $(module_list); do
		inside modinfo -k "$kernel" -F filename "$module" | grep updates/dkms || return
	done
}

ours_win() { # ALIAS
	inside modprobe -S "$kernel" --show-depends "$1" | grep /tandem_blkback.ko || {
		inside modprobe -S "$kernel" --show-depends "$1"
		return 1
	}
}

programs() {
	cmp "$SYSTEM/etc/xen/scripts/block-tandem" "$TREE/scripts/hotplug/block-tandem" &&
		[ -x "$SYSTEM/etc/xen/scripts/block-tandem" ] &&
		runs tandem-status scripts/tandem-status &&
		runs tandem-resize scripts/hotplug/tandem-resize &&
		runs xm scripts/dom0/xm
}

runs() { # NAME SOURCE: the command is there, and is ours
	[ -x "$SYSTEM/usr/sbin/$1" ] && cmp "$SYSTEM/usr/sbin/$1" "$TREE/$2"
}

gone() { # no command of ours, wherever it is looked for
	local name

	for name in tandem-status tandem-resize xm; do
		! inside sh -c "command -v $name" || return
	done
}

# an installation that cannot be made leaves the one that there is
keeps() {
	fails 'no headers for kernel 0.0' tree install --kernel 0.0 && modules_built && programs
}

# dkms_fails: what could not be taken away is still recorded, for the next time
dkms_fails() {
	local dkms=$SYSTEM/usr/sbin/dkms status=0

	mv "$dkms" "$dkms.real"
	# shellcheck disable=SC2016 # expanded there
	printf '#!/bin/sh\n[ "$1" != remove ] && exec dkms.real "$@"\nexit 1\n' >"$dkms"
	chmod +x "$dkms"
	fails 'dkms does not remove' tree uninstall && programs || status=1
	mv "$dkms.real" "$dkms"
	return $status
}

uninstalls() { tree uninstall; }
twice() { fails 'nothing is installed' tree uninstall; }

foreign_file() { # somebody's file of that name: refused, kept, nothing else left
	mkdir -p "$SYSTEM/etc/xen/scripts"
	echo mine >"$SYSTEM/etc/xen/scripts/block-tandem"
	fails 'block-tandem is there already and not ours' tree install --kernel "$kernel" || return
	[ "$(cat "$SYSTEM/etc/xen/scripts/block-tandem")" = mine ] || return
	rm "$SYSTEM/etc/xen/scripts/block-tandem"
	! grep -q ' ./etc/xen/scripts d' "$TOP/before" && rmdir -p "$SYSTEM/etc/xen/scripts" 2>/dev/null
	untouched
}

foreign_xm() { # somebody's xm: one line says that it stays, the rest is installed
	local out

	echo mine >"$SYSTEM/usr/sbin/xm"
	out=$(tree install --destdir / 2>&1) || return
	grep -xF '/usr/sbin/xm is there already and not ours: it stays, and ours is not installed' <<<"$out" || {
		echo "$out"
		return 1
	}
	runs tandem-status scripts/tandem-status && tree uninstall --destdir / &&
		[ "$(cat "$SYSTEM/usr/sbin/xm")" = mine ] || return
	rm "$SYSTEM/usr/sbin/xm"
	untouched
}

no_headers() {
	fails 'no headers for kernel 0.0' tree install --kernel 0.0 && untouched
}

no_build() {
	local source

	source=$(cd "$TREE" && find common -name '*.c' | head -n 1)
	echo '#error on purpose' >>"$SYSTEM/tmp/tree/$source"
	fails 'on purpose' tree install --kernel "$kernel" && untouched || return
	cp "$TREE/$source" "$SYSTEM/tmp/tree/$source"
}

ktap_begin
if [ "$(id -u)" -ne 0 ]; then
	ktap_skip install "not root"
elif [ ! -x "$PLATFORM/usr/sbin/dkms" ]; then
	ktap_skip install "no platform with DKMS: run scripts/setup platform"
elif [ ! -e "$TREE/Kbuild" ]; then
	ktap_skip install "no Kbuild: there is no module yet"
elif ! make_machine; then
	ktap_check machine false
else
	if [ "${ALL-}" ]; then
		ktap_check staged staged
		ktap_check staged.untouched untouched
	fi
	ktap_check installs installs
	ktap_check modules_built modules_built
	ktap_check ours_win.device ours_win xen-backend:vbd
	ktap_check ours_win.modprobe ours_win xen-blkback
	ktap_check programs programs
	ktap_check keeps keeps
	if [ "${ALL-}" ]; then
		ktap_check installs_again installs
		ktap_check modules_built_again modules_built
	fi
	ktap_check dkms_fails dkms_fails
	ktap_check uninstalls uninstalls
	ktap_check gone gone
	ktap_check untouched untouched
	ktap_check uninstall_twice twice
	ktap_check foreign_file foreign_file
	ktap_check foreign_xm foreign_xm
	ktap_check no_headers no_headers
	ktap_check no_build no_build
	ktap_check verified verified
fi
[ -z "${TOP-}" ] || {
	umount -R "$TOP" 2>/dev/null || umount -lR "$TOP"
	rmdir "$TOP"
}
ktap_end
