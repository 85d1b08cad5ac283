#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# add: scripts/tandem-status
# lab: --back ours --front kernel --timeout 1200
#
# Stores that fail: errors reach the guest, nothing hangs, the rest works; and
# a driver that lets go of a store and has it again. With ALL=1 more of them.
# shellcheck disable=SC2016 # text for the guest's shell
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

MB=2048		# sectors
E=/mnt/ext4

# map NAME TABLE: make the device, or give it another table
map() {
	if dmsetup info "$1" >/dev/null 2>&1; then
		dmsetup suspend --noflush "$1" && dmsetup load "$1" --table "$2" && dmsetup resume "$1"
	else
		dmsetup create "$1" --table "$2" && udevadm settle
	fi
}

good_table() { echo "0 $((32 * MB)) linear $PARTITION 0"; }

# MiB 8 to 16 fail
bad_table() {
	echo "0 $((8 * MB)) linear $PARTITION 0"
	echo "$((8 * MB)) $((8 * MB)) error"
	echo "$((16 * MB)) $((16 * MB)) linear $PARTITION $((16 * MB))"
}

tidy_stores() {
	local name
	umount /mnt/under /mnt/full
	for name in bad flaky under slow small; do
		dmsetup remove $name
	done
	null_gone
}

# The other disk works all the time.
guests_up() {
	truncate -s 32M $E/steady.img
	must start -m 160 -f kernel -x /lab/disktest:/lab/bin/disktest -d file:$E/steady.img,xvda,w
}

steady() { must G 'disktest fill xvda 20 1'; }

errors_arrive() {
	must attach phy:/dev/mapper/bad,xvdb,w
	steps 'disktest fill xvdb 1 1' '! disktest fill xvdb 10 1' '! disktest read xvdb 10 1' \
		'disktest fill xvdb 17 1'
	more "$(inner g xvdb io_errors)" 1 "errors counted"
	steady
}

errors_end() {
	local fill
	map bad "$(good_table)"
	fill=$(G 'disktest fill xvdb 9 2') || must false
	same "$fill" "$(G 'disktest sum xvdb 9 2')" "what was written"
	blank /dev/mapper/bad
	same "$fill" "$(sum_cached /dev/mapper/bad 9 2)" "what dom0 reads"
	must detach xvdb
	must dmsetup remove bad
}

# flaky_table SECONDS-GOOD SECONDS-BAD [FEATURE...]
flaky_table() {
	local good=$1 bad=$2
	shift 2
	echo "0 $((32 * MB)) flakey $PARTITION 0 $good $bad $# $*"
}

flaky_writes() {
	must map flaky "$(flaky_table 0 1000 error_writes)"
	must attach phy:/dev/mapper/flaky,xvdb,w
	steps '! disktest fill xvdb 1 1' 'disktest read xvdb 1 1'
	map flaky "$(good_table)"
	must G 'disktest fill xvdb 1 1'
	more "$(inner g xvdb io_errors)" 0 "errors counted"
	must detach xvdb
	must dmsetup remove flaky
}

# turns bad and good by itself: the guest sees both
flaky_turns() {
	must map flaky "$(good_table)"
	must attach phy:/dev/mapper/flaky,xvdb,w
	map flaky "$(flaky_table 2 2)"
	must G 'until ! disktest read xvdb 0 1; do sleep 0.5; done'
	must G 'until disktest read xvdb 0 1; do sleep 0.5; done'
	map flaky "$(good_table)"
	must G 'disktest fio xvdb 2'
	must detach xvdb
	must dmsetup remove flaky
}

# a file whose file system's device fails
file_errors() {
	must map under "$(good_table)"
	must mkfs.ext4 -q -F /dev/mapper/under
	mkdir -p /mnt/under
	must mount -o errors=continue /dev/mapper/under /mnt/under
	fallocate -l 24M /mnt/under/a.img
	dd if=/dev/zero of=/mnt/under/a.img bs=1M count=24 conv=notrunc,fsync status=none
	# what is in dom0's memory could be read whatever the device does
	blank /mnt/under/a.img
	must attach file:/mnt/under/a.img,xvdb,w
	must G 'disktest fill xvdb 1 1'
	map under "0 $((32 * MB)) error"
	steps '! disktest fill xvdb 2 1' '! disktest fill xvdb 4 4' '! disktest read xvdb 10 1' \
		'disktest fill xvda 20 1'
	map under "$(good_table)"
	must G 'disktest sum xvdb 5 1'
	must detach xvdb
	must umount /mnt/under
	must dmsetup remove under
}

# A slow store and a domain that dies: what is in flight is waited for
orphan() {
	local id
	# reads at once: the guest looks for partitions
	must map slow "0 $((32 * MB)) delay $PARTITION 0 0 $PARTITION 0 15000"
	must start -n slow -m 96 -f kernel -x /lab/disktest:/lab/bin/disktest -d phy:/dev/mapper/slow,xvdb,w
	id=$(domid slow)
	mark
	must guest sh slow 'dd if=/dev/zero of=$(disk xvdb) bs=64k count=8 seek=20 oflag=direct >/dev/null 2>&1 &
		sleep 1'
	guest stop slow
	must eventually 15 log_says "vbd-$id-.*removed with I/O in flight on /dev/mapper/slow"
	must in_use
	/lab/tandem-status >/tmp/status
	must grep -E "domain $id cannot go yet.* /dev/mapper/slow" /tmp/status
	steady
	must eventually 60 log_says "vbd-$id-.*the last I/O has ended; released"
	must eventually 20 xen_forgets "$id"
	must_not sh -c '/lab/tandem-status | grep "cannot go"'
	must eventually 10 dmsetup remove slow
}

# The driver lets a disk go with I/O in flight, and gets it back. The new life waits for the
# end of the old one, and each has a directory in debugfs; nothing is lost.
orphan_bound_anew() {
	local id
	must map slow "0 $((32 * MB)) delay $PARTITION 0 0 $PARTITION 0 9000"
	must attach phy:/dev/mapper/slow,xvdb,w
	id=$(device g xvdb)
	mark
	must G 'dd if=/dev/urandom of=/tmp/slow bs=64k count=2 2>/dev/null
		(dd if=/tmp/slow of=$(disk xvdb) bs=64k oflag=direct >/run/slow 2>&1; echo $? >>/run/slow) >/dev/null 2>&1 &
		sleep 1'
	echo "$id" >"$DRIVER/unbind" || must false
	must eventually 15 log_says "$id:.*removed with I/O in flight on /dev/mapper/slow"
	echo "$id" >"$DRIVER/bind" || must false
	must eventually 10 [ -e "$BUS/devices/$id/store" ]
	must grep -q 'in flight 1' "$DEBUGFS/$id".left*/ring
	must [ -e "$DEBUGFS/$id/ring" ]
	must_not sh -c "echo phy:/dev/mapper/slow >$BUS/devices/$id/store"
	must grep -q 'is in use by domain' "$BUS/devices/$id/store_error"
	must eventually 60 log_says "$id:.*the last I/O has ended; released"
	must_not sh -c "ls $DEBUGFS | grep left"
	# physical-device says what it had: nobody need tell it again
	must eventually 60 G 'grep -qx 0 /run/slow'
	must G 'dd if=$(disk xvdb) of=/tmp/read bs=64k count=2 iflag=direct 2>/dev/null && cmp /tmp/slow /tmp/read'
	must detach xvdb
	must eventually 10 dmsetup remove slow
}

in_use() { [ "$(awk '$1 == "tandem_blkback" { print $3 }' /proc/modules)" -gt 0 ]; }
log_says() { since | grep -qE "$1"; }

# full PATH: a sparse image where no room is left
full() {
	local fill
	truncate -s 24M "$1/sparse.img"
	must attach "file:$1/sparse.img,xvdb,w"
	fill=$(G 'disktest fill xvdb 0 1') || must false
	dd if=/dev/zero of="$1/room" bs=64k status=none 2>/dev/null
	steps '! disktest fill xvdb 8 8' 'disktest fill xvda 20 1'
	same "$fill" "$(G 'disktest sum xvdb 0 1')" "what was written before"
	must G 'disktest fill xvdb 0 1'
	rm "$1/room"
	sync
	fill=$(G 'disktest fill xvdb 8 2') || must false
	same "$fill" "$(G 'disktest sum xvdb 8 2')" "what is written when there is room again"
	must detach xvdb
}

full_tmpfs() {
	mkdir -p /mnt/full
	must mount -t tmpfs -o size=8m none /mnt/full
	full /mnt/full
	must umount /mnt/full
}

full_ext4() {
	must map small "$(good_table)"
	must mkfs.ext4 -q -F /dev/mapper/small
	mkdir -p /mnt/full
	must mount /dev/mapper/small /mnt/full
	full /mnt/full
	must umount /mnt/full
	must dmsetup remove small
}

says_gone() { [ "$(xenstore-read "$(error_node g xvdb)" 2>/dev/null)" = "19 $(null_node): the device went away" ]; }

store_goes() {
	must null_device size=32
	must attach "phy:$(null_node),xvdb,w"
	load xvdb 1
	load xvda 1
	turn xvdb
	null_off
	load_fails xvdb
	must eventually 5 says_gone
	must_not G 'disktest fill xvdb 0 1'
	turn xvda
	loaded xvda
	more "$(inner g xvdb io_errors)" 0 "errors counted"
	must detach xvdb
	must null_gone
}

# of those who only read, and so do not have it for themselves, the kernel tells none
read_store_goes() {
	must null_device size=32
	must attach "phy:$(null_node),xvdb,r"
	must G 'disktest read xvdb 0 1'
	quiet xenstore-rm "$(error_node g xvdb)"
	null_off
	must_not G 'disktest read xvdb 4 1'
	must eventually 5 says_gone
	must detach xvdb
	must null_gone
}

file_deleted() {
	truncate -s 16M $E/gone.img
	must attach file:$E/gone.img,xvdb,w
	rm $E/gone.img
	must G 'disktest fio xvdb 2'
	must detach xvdb
}

shrunk() {
	truncate -s 16M $E/short.img
	must attach file:$E/short.img,xvdb,w
	must G 'disktest fill xvdb 1 1'
	truncate -s 4M $E/short.img
	steps '! disktest read xvdb 10 1' 'disktest sum xvdb 1 1'
	must detach xvdb
}

module_stays() {
	must_not rmmod tandem_blkback
	must G 'disktest fill xvda 1 1'
}

module_goes() {
	must eventually 10 rmmod tandem_blkback
	must rmmod tandem
}

ktap_begin
scratch_disk
check "a guest starts" guests_up
map bad "$(bad_table)"
check "dm-error: errors reach the guest, the rest works" errors_arrive
check "dm-error: when it is good again, so is the disk" errors_end
check "dm-flakey: writes fail, reads do not" flaky_writes
variant "dm-flakey: errors, then none, data verified" flaky_turns
check "a file on a device that fails" file_errors
variant "dm-delay: a domain that dies with I/O in flight" orphan
variant "dm-delay: a disk bound anew with I/O in flight" orphan_bound_anew
variant "a sparse file on a full tmpfs" full_tmpfs
check "a sparse file on a full ext4" full_ext4
check "a device that goes away under load" store_goes
variant "the same, of a disk that is only read" read_store_goes
variant "a file that is deleted while in use" file_deleted
variant "a file that is made shorter" shrunk
check "unbind and bind behind a guest that writes" rebind xvda 1
check "the module cannot be unloaded in use" module_stays
guest stop g
check "the guest goes" eventually 20 no_domain
check "no store is left open" umount $E
check "the module unloads" module_goes
ktap_end
