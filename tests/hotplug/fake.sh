# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# fake.sh: a dom0 in a folder: xenstore, the backend bus in sysfs, /etc/xen/scripts.
#
# fake_dom0 makes it, with the kernel's driver and ours loaded; fake_vbd adds a
# device. The bind and unbind files of the drivers are pipes with a reader, so that
# the script's writes act as the kernel would.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)

fake_dom0() {
	FAKE=$(mktemp -d "${TMPDIR:-/tmp}/hotplug.XXXXXX")
	export FAKE TANDEM_SYSFS=$FAKE/sys
	PATH=$HERE/bin:$PATH
	BUS=$TANDEM_SYSFS/bus/xen-backend
	SCRIPTS=$FAKE/etc/xen/scripts
	READERS=()
	trap fake_end EXIT
	mkdir -p "$BUS/devices" "$SCRIPTS" "$FAKE/xs/local/domain/0"
	cp "$ROOT/scripts/hotplug/block-tandem" "$SCRIPTS/block-tandem"
	ln -s block-tandem "$SCRIPTS/block"
	cat >"$SCRIPTS/block.xen" <<-'END'
		#!/bin/sh
		echo "$1 $XENBUS_PATH" >>"$FAKE/chained"
	END
	chmod +x "$SCRIPTS/block.xen"
	fake_driver vbd
	fake_driver tandem_blkback
	image=$FAKE/guest.img
	truncate -s 1M "$image"
}

fake_end() {
	[ ${#READERS[@]} -eq 0 ] || kill "${READERS[@]}" 2>/dev/null
	rm -rf "$FAKE"
}

# fake_driver NAME: one that is loaded
fake_driver() {
	local dir=$BUS/drivers/$1

	mkdir -p "$dir"
	mkfifo "$dir/bind" "$dir/unbind"
	fake_reader "$dir/bind" "$1" &
	READERS+=($!)
	fake_reader "$dir/unbind" '' &
	READERS+=($!)
}

# fake_reader PIPE DRIVER: do to a device what is written; "" unbinds. A driver with
# a file "refuses" fails to probe.
fake_reader() {
	local id

	exec <>"$1"
	while IFS= read -r id; do
		echo "${1##*/drivers/} $id" >>"$FAKE/bus.log"
		[ ! -e "${1%/*}/refuses" ] || continue
		fake_bind "$id" "$2"
	done
}

fake_bind() {
	local device=$BUS/devices/$1

	rm -f "$device/driver" "$device"/store*
	[ -n "$2" ] || return 0
	ln -s "../../drivers/$2" "$device/driver"
	[ "$2" != tandem_blkback ] || echo none >"$device/store"
}

# fake_vbd DRIVER PARAMS [KEY=VALUE...]: device 3/2049 (sda1), new, bound to DRIVER
fake_vbd() {
	local pair

	export XENBUS_PATH=backend/vbd/3/2049
	DEVICE=$BUS/devices/vbd-3-2049
	mkdir -p "$DEVICE"
	fake_bind vbd-3-2049 "$1"
	put_key params "$2"
	for pair in type=phy mode=w dev=sda1 state=2 frontend-id=3 "${@:3}"; do
		put_key "${pair%%=*}" "${pair#*=}"
	done
	xenstore-write -R /local/domain/3/name uclibroot /local/domain/3/vm /vm/one
}

# fake_other DRIVER STORE [VM]: another guest has STORE, a path or for the kernel's driver
# a number in hexadecimal, as its xvda
fake_other() {
	local other=$BUS/devices/vbd-5-51712

	mkdir -p "$other"
	if [ "$1" = vbd ]; then
		echo "$2" >"$other/physical_device"
	else
		echo "$2" >"$other/store"
	fi
	echo w >"$other/mode"
	xenstore-write -R backend/vbd/5/51712/dev xvda /local/domain/5/name kanotix \
		/local/domain/5/vm "${3-/vm/two}"
}

# fake_loop DEVICE RO: a loop device that has the image
fake_loop() {
	echo "$1 $2" >"$FAKE/loops"
	mkdir -p "$TANDEM_SYSFS/block/loop0/loop"
}

put_key() { xenstore-write -R "$XENBUS_PATH/$1" "$2"; }
get_key() { xenstore-read -R "$XENBUS_PATH/$1"; }

# fake_refusal TEXT: our driver will not open the store, and says TEXT. What refuses a
# write, and can be read without an end as /dev/full cannot, is a directory.
fake_refusal() {
	rm "$DEVICE/store"
	mkdir "$DEVICE/store"
	[ -z "$1" ] || echo "$1" >"$DEVICE/store_error"
}

# run NAME ARG...: a script of /etc/xen/scripts, as libxl would
run() {
	local name=$1
	shift
	"$SCRIPTS/$name" "$@" 2>"$FAKE/stderr" </dev/null
}

# is NAME WANT GOT
is() {
	[ "$2" = "$3" ] && return
	printf '%s: want "%s", got "%s"\n' "$1" "$2" "$3"
	return 1
}

# refused TEXT: the last run set one line of hotplug-error that says whose disk it is,
# and contains TEXT
refused() {
	is hotplug-status error "$(get_key hotplug-status)" || return
	is line-breaks 0 "$(get_key hotplug-error | wc -l)" || return
	case $(get_key hotplug-error) in
	"disk sda1 of uclibroot: "*"$1"*) ;;
	*)
		is hotplug-error "$1" "$(get_key hotplug-error)"
		return
		;;
	esac
}
