# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# install.sh: what install and uninstall share; lib.sh comes first, and $destdir is set
# before anything is called.
#
# The manifest has a line for each thing made, in order, so that the reverse order
# takes it away:
#   dir PATH      a folder that was not there
#   file PATH
#   trace PATH    not there before and DKMS may make it; goes if DKMS has nothing else
#   dkms NAME/VERSION

# shellcheck disable=SC2034 # used by those who read this file
CODE="backend frontend common blkif netif console"
PACKAGE=$(sed -n 's/^PACKAGE_NAME="\(.*\)"/\1/p' "$TANDEM_ROOT/dkms.conf")
VERSION=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$TANDEM_ROOT/dkms.conf")
# shellcheck disable=SC2034 # used by those who read this file
SOURCES=/usr/src/$PACKAGE-$VERSION
MANIFEST=/var/lib/tandem/manifest
destdir=${destdir-}

need() { command -v "$1" >/dev/null || die "$1 is not installed: apt-get install $1"; }

record() { printf '%s %s\n' "$1" "$2" >>"$destdir$MANIFEST"; }

# make_manifest: its own folders are the first that it lists
make_manifest() {
	local dir missing=()

	for dir in /var/lib/tandem /var/lib /var; do
		[ -d "$destdir$dir" ] || missing=("$dir" ${missing[@]+"${missing[@]}"})
	done
	mkdir -p "$destdir/var/lib/tandem"
	: >"$destdir$MANIFEST"
	for dir in ${missing[@]+"${missing[@]}"}; do
		record dir "$dir"
	done
}

dkms_is_empty() {
	[ -z "$(find /var/lib/dkms -mindepth 1 -maxdepth 1 -type d 2>/dev/null)" ]
}

remove_modules() { # NAME/VERSION
	! command -v dkms >/dev/null || [ -z "$(dkms status "$1" 2>/dev/null)" ] ||
		dkms remove "$1" --all >/dev/null || die "dkms does not remove $1"
	rm -rf "/var/lib/dkms/$1"
	rmdir "/var/lib/dkms/${1%/*}" 2>/dev/null || :
}

# remove_trace PATH: a file or an empty folder
remove_trace() {
	case $1 in
	/var/lib/dkms*) dkms_is_empty || return 0 ;;
	esac
	rm -f "$1" 2>/dev/null || rmdir "$1" 2>/dev/null || :
}

# remove_all: everything in the manifest, last first. DKMS goes before its sources,
# and what it may have left after everything else.
remove_all() {
	local kind path lines

	mapfile -t lines < <(tac "$destdir$MANIFEST")
	# What may fail comes first, and can be tried again.
	for line in "${lines[@]}"; do
		[ "${line%% *}" != dkms ] || remove_modules "${line#* }"
	done
	rm "$destdir$MANIFEST"
	for line in "${lines[@]}"; do
		kind=${line%% *} path=${line#* }
		case $kind in
		file) rm -f "$destdir$path" ;;
		dir) rmdir "$destdir$path" 2>/dev/null || say "$path is not empty: it stays" ;;
		esac
	done
	for line in "${lines[@]}"; do
		case $line in
		"trace "*) remove_trace "${line#* }" ;;
		esac
	done
}

# list_guests DRIVER TEXT: the running devices that DRIVER serves
list_guests() {
	local device found=

	for device in /sys/bus/xen-backend/drivers/"$1"/vbd-*; do
		[ ! -e "$device" ] || found="$found ${device##*/}"
	done
	[ -z "$found" ] || say "these devices (vbd-DOMAIN-DISK) $2:$found"
}
