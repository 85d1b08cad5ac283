#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back ours --front kernel --timeout 1200
#
# Connecting and letting go, again and again; unbinding behind a guest's back; and
# whether anything leaks.
# shellcheck disable=SC2016 # text for the guest's shell
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

CYCLES=${CYCLES:-2}
DISKS=${DISKS:-2}
FORCED=${FORCED:-1}
E=/mnt/ext4

# census: what must not grow, as "name number" lines
census() {
	echo "threads $(threads)"
	echo "requests $(slab blkback_req)"
	echo "devices $(find "$DEBUGFS" -mindepth 1 -maxdepth 1 | wc -l)"
	echo "files $(cut -f1 /proc/sys/fs/file-nr)"
	echo "module $(awk '$1 == "tandem_blkback" { print $3 }' /proc/modules)"
	echo "vmalloc $(grep -cE 'tandem|xenbus_map_ring|gnttab' /proc/vmallocinfo)"
}

# as_before: no number is larger than before, by more than what others may use and what
# the ring of xvda keeps to use again
as_before() {
	local name n was slack bad=0
	census >/tmp/census.now
	while read -r name n; do
		was=$(awk -v k="$name" '$1 == k { print $2 }' /tmp/census.before)
		case $name in
		files) slack=40 ;;
		threads) slack=2 ;;
		requests) slack=64 ;;
		*) slack=0 ;;
		esac
		[ "$n" -le $((was + slack)) ] || {
			echo "$name: from $was to $n"
			bad=1
		}
	done </tmp/census.now
	return $bad
}

guest_up() {
	truncate -s 32M $E/steady.img
	truncate -s 16M $E/cycle.img
	must start -m $((112 + 16 * DISKS)) -f kernel -x /lab/disktest:/lab/bin/disktest -d file:$E/steady.img,xvda,w
}

# one cycle before the census: what is made once is made by then
warm_up() {
	must cycle 0
	census >/tmp/census.before
	cat /tmp/census.before
}

cycle() {
	local fill
	must attach file:$E/cycle.img,xvdb,w
	fill=$(G "disktest fill xvdb $(($1 % 15)) 1") || must false
	must detach xvdb
	blank $E/cycle.img
	same "$fill" "$(sum_cached $E/cycle.img $(($1 % 15)) 1)" "cycle $1"
}

cycles() {
	local i
	load xvda 1
	for i in $(seq "$CYCLES"); do
		cycle "$i"
	done
	loaded xvda
}

forced() {
	local i
	for i in $(seq "$FORCED"); do
		must attach file:$E/cycle.img,xvdb,w
		torn xvdb
	done
}

# balanced: of guests' pages only those are mapped that the disks there are keep, and none
# is held for copies
balanced() {
	local kept mapped copied each
	kept=$(total kept) mapped=$(total mapped) copied=$(total copied)
	each=$(cat "$DEBUGFS"/vbd-*/grants | grep -o 'kept [0-9]*' | awk '{ n += $2 } END { print n + 0 }')
	[ "$kept" -eq "$each" ] && [ "$mapped" -eq "$kept" ] && [ "$copied" -eq 0 ] && return
	echo "kept $kept ($each by the disks), mapped $mapped, for copies $copied"
	return 1
}

total() { awk -v name="$1" '$1 == name { print $2 }' "$DEBUGFS/totals"; }

no_leak() {
	sleep 2
	must eventually 1 as_before
	must eventually 1 balanced
}

domains() {
	local i
	for i in 1 2; do
		must start -n "d$i" -m 96 -f kernel -d file:$E/cycle.img,xvda,w
		guest stop "d$i"
		must eventually 20 domain_gone "d$i"
	done
}

has_parked() { grep -q 'parked 1' "$DEBUGFS/$1/ring"; }

# Requests that were taken and wait for room then are not lost, nor answered with an error.
# The store is slow, so that some always wait.
rebind_parked() {
	local limit=/sys/module/tandem_blkback/parameters/max_inflight_pages was status
	modprobe dm-delay
	must dmsetup create slow --table "0 65536 delay $PARTITION 0 60"
	must mkfs.ext4 -q /dev/mapper/slow
	mkdir -p /mnt/slow
	must mount /dev/mapper/slow /mnt/slow
	truncate -s 8M /mnt/slow/a.img
	must attach file:/mnt/slow/a.img,xvdb,w
	was=$(<$limit)
	echo 1 >$limit
	(rebind xvdb 1 has_parked "$(device g xvdb)")
	status=$?
	echo "$was" >$limit
	must detach xvdb
	must umount /mnt/slow
	must eventually 10 dmsetup remove slow
	return $status
}

store_busy() {
	must_not sh -c "echo none >'$(device_dir g xvda)/store'"
	must G 'disktest sum xvda 0 1'
}

letters() { printf '%s\n' b c d e f g h i j k l m n o p q | head -n "$DISKS"; }

many() {
	local i all
	all=$(letters | xargs)
	for i in $all; do
		truncate -s 8M "$E/$i.img"
		must attach "file:$E/$i.img,xvd$i,w"
	done
	for i in $all; do
		load "xvd$i" 1
	done
	for i in $all; do
		turn "xvd$i"
	done
	for i in $all; do
		loaded "xvd$i"
	done
	for i in $all; do
		must detach "xvd$i"
	done
}

# A new device that the kernel's driver has becomes ours. Ours is loaded first and
# gets it first, so a script of the test's gives it to the kernel's before ours runs.
handover() {
	modprobe_theirs
	cat >/etc/xen/scripts/block-theirs <<-'END'
		#!/bin/bash
		bus=/sys/bus/xen-backend/drivers id=vbd-$(echo "$XENBUS_PATH" | tr / '\n' | tail -n 2 | paste -sd-)
		[ "$1" != add ] || {
			until [ -e $bus/tandem_blkback/$id ]; do sleep 0.1; done
			echo $id >$bus/tandem_blkback/unbind
			until echo $id >$bus/vbd/bind; do sleep 0.1; done
			basename "$(readlink $bus/vbd/$id/driver)" >/tmp/theirs
		}
		exec /etc/xen/scripts/block-tandem "$1"
	END
	chmod +x /etc/xen/scripts/block-theirs
	must attach "script=block-theirs,vdev=xvdb,access=w,target=$E/cycle.img"
	same vbd "$(cat /tmp/theirs)" "the driver before"
	same tandem_blkback "$(basename "$(readlink "$(device_dir g xvdb)/driver")")" "the driver after"
	must G 'disktest fill xvdb 1 1'
	must detach xvdb
}

modprobe_theirs() { must insmod "$(find "/lib/modules/$(uname -r)/" -name 'xen-blkback.ko*')"; }

# A device in use, unbound by hand: theirs finds no store that it knows; then it is ours
by_hand() {
	local id
	id=$(device g xvda)
	echo "$id" >$DRIVER/unbind || must false
	must eventually 10 gone "$BUS/devices/$id/driver"
	echo "$id" >$BUS/drivers/vbd/bind || must false
	same vbd "$(basename "$(readlink "$BUS/devices/$id/driver")")" "the driver between"
	echo "$id" >$BUS/drivers/vbd/unbind || must false
	must eventually 10 gone "$BUS/devices/$id/driver"
	bound_anew "$id" xvda
	must G 'disktest fill xvda 1 1'
}

unloads() {
	must eventually 10 rmmod tandem_blkback
	must rmmod tandem
	must gone "$DEBUGFS"
	same "" "$(slab blkback_req)" "the slab cache"
}

ktap_begin
scratch_disk
check "a guest starts" guest_up
check "one cycle" warm_up
check "$CYCLES connections under load, each verified" cycles
[ "$FORCED" -eq 0 ] || check "$FORCED times removed by force under load" forced
check "two guests come and go" domains
check "no thread, request, file, mapping or module reference is left" no_leak
check "the store cannot be taken from a connected guest" store_busy
check "unbind and bind behind a guest that writes" rebind xvda 1
check "unbind and bind while requests wait for room" rebind_parked
check "$DISKS disks at once" many
check "still nothing leaked" no_leak
check "a new device is taken over from the kernel's driver" handover
check "an idle device goes to the kernel's driver and back" by_hand
guest stop g
check "the guest goes" eventually 20 no_domain
check "no store is left open" umount $E
check "the module unloads" unloads
ktap_end
