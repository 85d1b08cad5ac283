#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tandem-resize and tandem-status on a dom0 made of files.
set -u
. "$(dirname "$0")/../lib/ktap.sh"
. "$(dirname "$0")/fake.sh"

in_dom0() (
	fake_dom0
	fake_vbd tandem_blkback "$image" sectors=2048 frontend=/local/domain/3/device/vbd/2049
	xenstore-write -R /local/domain/3/name uclibroot /local/domain/3/device/vbd/2049/state 4
	"$@"
)

resize() { "$ROOT/scripts/hotplug/tandem-resize" "$@" 2>&1; }
status() { "$ROOT/scripts/tandem-status" 2>&1; }

# said TEXT OUTPUT: blanks count as one
said() {
	case $(tr -s ' ' <<<"$2") in
	*"$1"*) ;;
	*) is output "$1" "$2" ;;
	esac
}

# counters ID RING GRANTS COUNTERS LAST_ERROR: the files of debugfs
counters() {
	local dir=$TANDEM_SYSFS/kernel/debug/tandem_blkback/$1

	mkdir -p "$dir"
	printf '%s\n' "$2" >"$dir/ring"
	printf '%s\n' "$3" >"$dir/grants"
	printf '%s\n' "$4" >"$dir/counters"
	printf '%s\n' "$5" >"$dir/last_error"
}

resize_poked() { # VDEV
	: >"$DEVICE/resize"
	said 'sda1 of domain 3: 2048 sectors before, 2048 now' "$(resize 3 "$1")" &&
		is resize 1 "$(cat "$DEVICE/resize")"
}

resize_by_name() { resize_poked sda1; }
resize_by_number() { resize_poked 2049; }
resize_all() { resize_poked all; }

resize_nothing() { # VDEV
	: >"$DEVICE/resize"
	resize 3 xvdz && return 1
	said 'domain 3 has no such disk of ours: xvdz' "$(resize 3 xvdz)" || return
	resize 3x sda1 && return 1
	said "3x: not a domain's number" "$(resize 3x sda1)"
}

resize_not_ours() {
	resize 3 sda1 && return 1
	said 'is not served by tandem_blkback' "$(resize 3 sda1)"
}

resize_fails() {
	ln -s /dev/full "$DEVICE/resize"
	resize 3 sda1 && return 1
	said 'cannot read the size of its store' "$(resize 3 sda1)"
}

status_line() {
	echo "file:$image" >"$DEVICE/store"
	counters vbd-3-2049 '  private: req_cons 9 rsp_prod 4 in flight 5 parked 0' \
		'queue 0: kept 12 of 1056, foreign pages in use 3' \
		$'rd_req 9\nbad_req 1\nio_errors 2' ''
	xenstore-write -R /local/domain/3/device/vbd/2049/multi-queue-num-queues 2 \
		/local/domain/3/device/vbd/2049/ring-page-order 4
	said "uclibroot 3 sda1 Connected tandem w 2 4 12 5 3 file:$image" "$(status)"
}

status_sums_queues() {
	counters vbd-3-2049 $'  private: in flight 2 parked 0\n  private: in flight 3 parked 1' \
		$'queue 0: kept 10 of 1056\nqueue 1: kept 7 of 1056' 'bad_req 0' ''
	said ' 17 5 0 none' "$(status)"
}

status_bare() { # nothing but sysfs and xenstore
	said 'uclibroot 3 sda1 Connected tandem w 1 0 - - - none' "$(status)" &&
		said 'no counters: debugfs is not mounted' "$(status)"
}

status_kernel() {
	fake_bind vbd-3-2049 vbd
	said "Connected kernel w 1 0 - - - $image" "$(status)"
}

status_hostile() { # a frontend writes what it likes
	xenstore-write -R /local/domain/3/device/vbd/2049/ring-page-order $'4\e[2J' \
		/local/domain/3/device/vbd/2049/state 99999 \
		/local/domain/3/device/vbd/2049/multi-queue-num-queues -1
	counters vbd-3-2049 '' '' '' $'a\e[31mb'
	said 'sda1 99999 tandem w - - 0' "$(status)" &&
		said 'last error: a?[31mb' "$(status)"
}

status_dying() {
	rm -r "$DEVICE"
	xenstore-rm /local/domain/3
	counters vbd-3-2049 'in flight 7' '' '' ''
	said 'domain 3 cannot go yet: vbd-3-2049 holds its pages' "$(status)" &&
		said "7 requests are in flight on $image" "$(status)"
}

status_left() { # the same of a device that has left the bus
	rm -r "$DEVICE"
	xenstore-rm /local/domain/3
	counters vbd-3-2049.left4 'in flight 7' '' '' ''
	echo "$image" >"$TANDEM_SYSFS/kernel/debug/tandem_blkback/vbd-3-2049.left4/store"
	said 'domain 3 cannot go yet: vbd-3-2049.left4 holds its pages' "$(status)" &&
		said "7 requests are in flight on $image" "$(status)"
}

status_bound_anew() { # the guest runs, and its disk waits for the end of an earlier life
	counters vbd-3-2049.left4 'in flight 7' '' '' ''
	echo "$image" >"$TANDEM_SYSFS/kernel/debug/tandem_blkback/vbd-3-2049.left4/store"
	said "vbd-3-2049.left4: the disk is not served anew before 7 requests of its earlier life have ended on $image" "$(status)"
}

status_left_behind() { # the device is gone, its I/O is not
	rm -r "$DEVICE"
	xenstore-rm /local/domain/3
	said 'domain 3 cannot go yet: tandem_blkback vbd-3-2049: removed with I/O in flight on /srv/a.img' "$(status)"
}

status_error() {
	echo "$image: is in use by domain 5" >"$DEVICE/store_error"
	said "store: $image: is in use by domain 5" "$(status)"
}

status_empty() {
	rm -r "$DEVICE"
	said 'no block device is served from here' "$(status)"
}

status_no_xen() {
	rm -r "$BUS"
	status && return 1
	said 'is this a domain of Xen' "$(status)"
}

ktap_begin
for t in resize_by_name resize_by_number resize_all resize_nothing resize_not_ours \
	resize_fails status_line status_sums_queues status_bare status_kernel \
	status_hostile status_dying status_left status_bound_anew status_left_behind status_error status_empty status_no_xen; do
	ktap_check "$t" in_dom0 "$t"
done
ktap_end
