#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Who builds a guest's kernel finds Tandem in its configuration: each symbol can be n, m
# and y, and stays so; menuconfig shows the entry, and what is changed there is saved.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tests/lib/ktap.sh"
OUT=build/tests/kconfig

inside() { "$ROOT/scripts/in-platform" "$@"; }
kmake() { inside make -s -C /tandem/build/linux "O=/tandem/$OUT" "$@"; }

# prepare: a configuration for guests without Tandem, in a tree with it
prepare() {
	"$ROOT/scripts/guest-kernel" "$ROOT/build/linux" && rm -rf "${ROOT:?}/$OUT" &&
		mkdir -p "$ROOT/$OUT" && kmake tinyconfig || return
	{
		grep -v TANDEM "$ROOT/scripts/guest.config"
		echo '# CONFIG_XEN_BLKDEV_FRONTEND is not set'
	} >>"$ROOT/$OUT/.config"
	kmake olddefconfig 2>&1
}

# value SYMBOL: y, m, n, or nothing when the symbol is not to be had
value() {
	sed -n "s/^CONFIG_$1=//p; s/^# CONFIG_$1 is not set/n/p" "$ROOT/$OUT/.config"
}

is() { # SYMBOL VALUE
	[ "$(value "$1")" = "$2" ] || {
		echo "$1: want \"$2\", got \"$(value "$1")\""
		return 1
	}
}

# sets VALUE SYMBOL...: each stays as it is set
sets() {
	local symbol edits=()

	for symbol in "${@:2}"; do
		edits+=(--set-val "$symbol" "$1")
	done
	"$ROOT/build/linux/scripts/config" --file "$ROOT/$OUT/.config" "${edits[@]}" &&
		kmake olddefconfig || return
	for symbol in "${@:2}"; do
		is "$symbol" "$1" || return
	done
}

offered() { # as new, to whoever had a configuration before
	sed -i /TANDEM/d "$ROOT/$OUT/.config"
	kmake listnewconfig | grep -x CONFIG_TANDEM=n
}

both() { # MODE: shared layers and the frontend, whose help text is there
	sets "$1" TANDEM TANDEM_BLKFRONT
}

backend() { sets y XEN_BACKEND && sets m TANDEM TANDEM_BLKBACK; }

alone() { # nothing of it without the shared layers
	sets n TANDEM && is TANDEM_BLKFRONT ''
}

not_beside() { # the kernel's own frontend, when that is built in
	sets y XEN_BLKDEV_FRONTEND && sets y TANDEM && is TANDEM_BLKFRONT ''
	status=$?
	sets n XEN_BLKDEV_FRONTEND && return $status
}

menuconfig() {
	both y || return
	inside python3 /tandem/tests/install/menuconfig.py \
		make -s -C /tandem/build/linux "O=/tandem/$OUT" menuconfig &&
		is TANDEM_BLKFRONT n && is TANDEM y
}

ktap_begin
if [ "$(id -u)" -ne 0 ]; then
	ktap_skip kconfig "not root"
elif [ ! -e "$ROOT/build/linux/Kconfig" ]; then
	ktap_skip kconfig "no kernel source: run scripts/setup guest-source"
else
	ktap_check prepare prepare
	ktap_check offered offered
	ktap_check y both y
	ktap_check m both m
	ktap_check backend backend
	ktap_check n alone
	ktap_check not_beside not_beside
	ktap_check menuconfig menuconfig
fi
ktap_end
