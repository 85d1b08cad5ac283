# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# lib.sh: what the lab's topics share. Sourced in dom0.
#
# A case is a function, run by `check NAME FUNCTION ARG...` in a subshell of its own:
# `must COMMAND...` ends it as failed, and what it printed is shown then.

# shellcheck source=tests/lib/ktap.sh
. /lab/ktap.sh
# shellcheck source=scripts/dom0/talk.sh
. /lab/bin/talk.sh

# the topic's arguments: NAME=VALUE
for argument; do
	export "${argument?}"
done

BUS=/sys/bus/xen-backend
DRIVER=$BUS/drivers/tandem_blkback
DEBUGFS=/sys/kernel/debug/tandem_blkback
IMAGES=/srv/t
mkdir -p "$IMAGES"

# check NAME FUNCTION ARG...: after a case that failed, loads are ended and disks that it
# left taken away, so that the next starts as if it had passed
check() {
	local failed=$ktap_failed
	ktap_check "$@"
	[ "$ktap_failed" -eq "$failed" ] || tidy >/dev/null 2>&1
}

# variant NAME FUNCTION ARG...: a case that ALL=1 asks for, because others have what it
# tries, or because it takes long
variant() { [ -z "${ALL-}" ] || check "$@"; }

# tidy: g has none of the disks that cases attach; then what is below them, which a topic
# may know
tidy() {
	local vdev dir
	domid g || return
	G 'killall fio'
	for vdev in xvdb xvdc hdc; do
		dir=$(device_dir g $vdev)
		[ -e "$dir" ] || continue
		G "grep -q ' /mnt ' /proc/mounts && umount -l /mnt"
		quiet xl block-detach g $vdev || quiet xl block-detach --force g $vdev
		eventually 20 gone "$dir"
	done
	! declare -F tidy_stores >/dev/null || tidy_stores
}

# must COMMAND...: or the case has failed
must() {
	"$@" || {
		echo "failed ($?): $*"
		exit 1
	}
}

# must_not COMMAND...: or the case has failed
must_not() {
	if "$@"; then
		echo "should have failed: $*"
		exit 1
	fi
}

# same WANTED FOUND WHAT
same() {
	[ "$1" = "$2" ] && return
	echo "$3: wanted '$1', found '$2'"
	exit 1
}

# more A B WHAT: A > B, both numbers
more() {
	[ "${1:-0}" -gt "${2:-0}" ] && return
	echo "$3: $1 is not more than $2"
	exit 1
}

# within A B WHAT: A <= B, both numbers
within() {
	[ "${1:-0}" -le "${2:-0}" ] && return
	echo "$3: $1 is more than $2"
	exit 1
}

# matches FILE REGEX WHAT: exactly one line of it matches
matches() {
	local n
	n=$(grep -cE -- "$2" "$1")
	[ "$n" = 1 ] && return
	echo "$3: $n lines match '$2' in:"
	cat "$1"
	exit 1
}

# A process costs an emulated machine some 50 ms: what is called all the time takes few.

# eventually SECONDS COMMAND...: until it is true. The seconds are those slept, in longer
# pauses after the first: what an emulated machine waits costs nothing, what it asks does.
eventually() {
	local pause=1 left=$(($1 * 10))
	shift
	until "$@"; do
		[ $((left -= pause)) -gt 0 ] || {
			echo "not within its time: $*"
			return 1
		}
		nap 0.$pause
		[ $pause -eq 5 ] || pause=$((pause + 1))
	done
}

gone() { [ ! -e "$1" ]; }
no_node() { ! xenstore-exists "$1"; }

# find_number VDEV: what Xen calls it, in $number
find_number() {
	local major shift=4 name=${1#??} index=0 letters part letter
	case $1 in
	xvd*) major=202 name=${1#xvd} ;;
	sd*) major=8 ;;
	hd[ab]*) major=3 shift=6 ;;
	hd[cd]*) major=22 shift=6 ;;
	esac
	letters=${name%%[0-9]*} part=${name##*[a-z]}
	while [ "$letters" ]; do
		printf -v letter %d "'$letters"
		index=$((index * 26 + letter - 96))
		letters=${letters#?}
	done
	index=$((index - 1))
	[ $major != 22 ] || index=$((index - 2))
	if [ $major = 202 ] && [ $index -gt 15 ]; then
		number=$((1 << 28 | index << 8 | ${part:-0}))
	else
		number=$((major << 8 | index << shift | ${part:-0}))
	fi
}

number() { find_number "$1" && echo "$number"; }

# find_domid GUEST: in $domid. Which it was the last time is noted, and asked for its name:
# xl takes longer.
find_domid() {
	local note=/run/domid.$1
	domid=
	[ ! -e "$note" ] || read -r domid <"$note"
	[ -n "$domid" ] && [ "$(xenstore-read "/local/domain/$domid/name" 2>/dev/null)" = "$1" ] && return
	domid=$(xl domid "$1" 2>/dev/null) && echo "$domid" >"$note"
}

domid() { find_domid "$1" && echo "$domid"; }

# find_device GUEST VDEV: $device, its name on the backend's bus; sets $domid and $number too
find_device() {
	find_domid "$1"
	find_number "$2"
	device=vbd-$domid-$number
}

device() { find_device "$@" && echo "$device"; }
device_dir() { find_device "$@" && echo "$BUS/devices/$device"; }
backend_node() { find_device "$@" && echo "/local/domain/0/backend/vbd/$domid/$number"; }
# error_node GUEST VDEV: where the backend says what is wrong with it
error_node() { find_device "$@" && echo "/local/domain/0/error/backend/vbd/$domid/$number/error"; }
frontend_node() { find_device "$@" && echo "/local/domain/$domid/device/vbd/$number"; }
state() { xenstore-read "$(frontend_node "$1" "$2")/state" 2>/dev/null; }
is_state() { [ "$(state "$1" "$2")" = "$3" ]; }

# counter GUEST VDEV NAME: of sysfs
counter() { find_device "$1" "$2" && echo "$(<"$BUS/devices/$device/statistics/$3")"; }
# inner GUEST VDEV NAME: of our debugfs
inner() { awk -v k="$3" '$1 == k { print $2 }' "$DEBUGFS/$(device "$1" "$2")/counters"; }

# quiet COMMAND...: output to a file first, so that a daemon it leaves does not
# keep the case's output open
quiet() {
	local status
	"$@" </dev/null >/tmp/quiet.out 2>&1
	status=$?
	cat /tmp/quiet.out
	return $status
}

start() { quiet guest start "$@"; }
G() { talk_run g "$1"; }

# steps COMMAND...: in g, one after the other; each must succeed, or fail if it is "! COMMAND"
steps() {
	local step all=''
	for step; do
		all+="$step || { echo 'in the guest: ${step//\'/}'; exit 1; }"$'\n'
	done
	must G "$all"
}

# attach SPEC: to the guest g, and wait until the guest has the disk
attach() {
	local vdev
	case $1 in
	*vdev=*) vdev=${1#*vdev=} ;;
	*) vdev=${1#*,} ;;
	esac
	vdev=${vdev%%,*}
	quiet xl block-attach g "$1" || return
	G "disktest wait ${vdev%%:*}"
}

# detach VDEV [GUEST]
detach() {
	local device domid number g=${2-g}
	find_device "$g" "$1"
	quiet xl block-detach "$g" "$1" || return
	eventually 20 gone "$BUS/devices/$device" &&
		eventually 5 no_node "/local/domain/$domid/device/vbd/$number" &&
		eventually 5 no_node "/local/domain/0/backend/vbd/$domid/$number"
}

attached() { must attach "$1"; }

# Verified load on disks of g. A round writes all of it at random and reads it back.
#
#   load VDEV MB		begin
#   turn VDEV		wait until one more round has ended well
#   loaded VDEV		end it; every round was good, and there was one at least
#   load_fails VDEV	wait until it has failed
load() { must G "disktest load $1 $2"; }
turn() { must G "disktest turn $1"; }
loaded() {
	same good "$(G "disktest loaded $1")" "the verdict on the load of $1"
	more "$(G "cat /run/turns.$1")" 0 "rounds of the load of $1"
}
load_fails() { same failed "$(G "disktest verdict $1")" "the verdict on the load of $1"; }

# script FILE VDEV: the hotplug script FILE gives the disk of g its store
script() {
	local node
	node=$(backend_node g "$2")
	must env XENBUS_PATH="${node#/local/domain/0/}" "$1" add
}

# bound_anew DEVICE DISK: it is ours again, and its script gives it its store
bound_anew() {
	echo "$1" >$DRIVER/bind || must false
	must eventually 10 [ -e "$BUS/devices/$1/store" ]
	same none "$(cat "$BUS/devices/$1/store")" "the store of a device that is bound anew"
	script /etc/xen/scripts/block-tandem "$2"
}

# rebound DEVICE DISK: our driver lets go of it and has it again
rebound() {
	echo "$1" >$DRIVER/unbind || must false
	must eventually 10 gone "$BUS/devices/$1/driver"
	bound_anew "$1" "$2"
}

# rebind DISK TIMES [WHEN...]: unbind and bind again while the guest writes and verifies, at
# a moment at which the command WHEN says so
rebind() {
	local disk=$1 times=$2 id
	shift 2
	id=$(device g "$disk")
	load "$disk" 1
	while [ $((times -= 1)) -ge 0 ]; do
		turn "$disk"
		[ $# -eq 0 ] || must eventually 20 "$@"
		rebound "$id" "$disk"
		turn "$disk"
	done
	loaded "$disk"
}

# torn VDEV: surprise removal under load; the guest gets errors, then has no such disk
torn() {
	local dir
	dir=$(device_dir g "$1")
	load "$1" 4
	turn "$1"
	quiet xl block-detach --force g "$1"
	must eventually 20 gone "$dir"
	load_fails "$1"
	must eventually 20 G "! disk $1"
}

# sum FILE SKIP_MB MB: checksum of a part
sum() { dd if="$1" bs=1M skip="$2" count="$3" iflag=direct 2>/dev/null | md5sum | cut -d' ' -f1; }
sum_cached() { dd if="$1" bs=1M skip="$2" count="$3" 2>/dev/null | md5sum | cut -d' ' -f1; }

# blocks FILE: what it takes on its file system, KiB
blocks() {
	sync "$1"
	du -k "$1" | cut -f1
}

# wait_log GUEST REGEX [SECONDS]: until its console says so
wait_log() {
	eventually "${3:-120}" grep -qaE -- "$2" "/var/log/xen/console/guest-$1.log" && return
	tail -n 20 "/var/log/xen/console/guest-$1.log"
	return 1
}

no_domain() { ! xl list 2>/dev/null | awk 'NR > 1 && $1 != "Domain-0"' | grep -q .; }
domain_gone() { ! xl list "$1" >/dev/null 2>&1; }
# xen_forgets DOMID: not even a zombie of it is left
xen_forgets() { ! xl list 2>/dev/null | awk '{ print $(NF - 4) }' | grep -qx "$1"; }

# The kernel's log from now on: mark, then since
mark() { dmesg | wc -l >/tmp/mark; }
since() { dmesg | tail -n "+$(($(cat /tmp/mark) + 1))"; }

# threads: kernel threads, without those that come and go with load
threads() { ps --ppid 2 -o comm= | awk '!/^kworker/ { n++ } END { print n + 0 }'; }
slab() { awk -v n="$1" '$1 == n { print $2 }' /proc/slabinfo; }
