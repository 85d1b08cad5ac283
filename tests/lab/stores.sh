#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back ours --front ours --timeout 900
#
# Stores with habits of their own: CDs, sectors of 4096 bytes, file systems that lack
# something, and stores that must not see a page change while they write it. TURNS says how often 128 KiB are written so.
# shellcheck disable=SC2016 # text for the guest's shell
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

E=/mnt/ext4
TURNS=${TURNS:-100}

# the data's pages go to the backend as they are, not by a copy of the frontend's
guest_up() {
	must start -f ours -k builtin -m 160 -a tandem_blkfront.feature_persistent=0 \
		-x /lab/disktest:/lab/bin/disktest -x /lab/scribble:/lab/bin/scribble
}

# Sectors of 4096 bytes

# fio, since busybox's dd goes on without O_DIRECT when that is refused
direct_read() {
	G "fio --output=/tmp/o --name=t --filename=\$(disk xvdb) --direct=1 --rw=read --bs=$1 --offset=$1 --size=$1"
}

large_device() {
	large_attached
	must direct_read 4096
	must_not direct_read 512
	must G 'disktest fio xvdb 4 && disktest fs xvdb'
	must detach xvdb
}

# A partition that begins in the middle of what its disk erases at a time
aligned_oddly() {
	local loop alignment
	truncate -s 17M $E/odd.img
	must sfdisk --quiet $E/odd.img <<<'start=7, size=32768'
	loop=$(losetup --find --show --partscan $E/odd.img) || must false
	must udevadm settle
	alignment=$(lsblk -bdno DISC-ALN "${loop}p1" | xargs)
	more "$alignment" 0 "the alignment of discards"
	must attach "phy:${loop}p1,xvdb,w"
	same "$alignment" "$(xenstore-read "$(backend_node g xvdb)/discard-alignment")" discard-alignment
	must G 'disktest mark xvdb 0 16 && blkdiscard $(disk xvdb) && disktest zero xvdb 1 14'
	must detach xvdb
	must losetup --detach "$loop"
	rm $E/odd.img
}

large_under_file() {
	local odd
	must mkfs.ext4 -q -F "$(null_node)"
	mkdir -p /mnt/large
	must mount "$(null_node)" /mnt/large
	truncate -s 32M /mnt/large/a.img
	must attach file:/mnt/large/a.img,xvdb,w
	same 512 "$(queue_limit xvdb logical_block_size)" "the logical sector"
	same 4096 "$(queue_limit xvdb physical_block_size)" "the physical sector"
	odd=$(G 'disktest odd xvdb 4099 13') || must false
	same "$odd" "$(dd if=/mnt/large/a.img bs=512 skip=4099 count=13 2>/dev/null | md5sum | cut -d' ' -f1)" \
		"13 sectors, each written alone"
	must G 'fio --output=/tmp/o --name=t --filename=$(disk xvdb) --ioengine=libaio --direct=1 --rw=randwrite \
		--bsrange=512-16k --bs_unaligned=0 --blockalign=512 --size=2m --iodepth=8 --verify=crc32c --verify_fatal=1 \
		|| { tail /tmp/o; false; }'
	data_cases_large
	must detach xvdb
	must umount /mnt/large
	must null_gone
}

# neighbours of a write that is not aligned stay as they were
data_cases_large() {
	must G 'disktest mark xvdb 8 1'
	must G 'dd if=/dev/zero of=$(disk xvdb) bs=512 seek=16387 count=1 oflag=direct conv=notrunc,fsync 2>/dev/null'
	same "$( (
		tr '\0' '\245' </dev/zero | head -c 1536
		head -c 512 /dev/zero
		tr '\0' '\245' </dev/zero | head -c 2048
	) | md5sum)" "$(dd if=/mnt/large/a.img bs=4096 skip=2048 count=1 2>/dev/null | md5sum)" "a block of which one sector was written"
}

# File systems that cannot do something

# what cannot punch holes is not offered for discards, and never erased securely
no_punching() {
	mkdir -p /mnt/ram
	must mount -t ramfs ramfs /mnt/ram
	dd if=/dev/zero of=/mnt/ram/a.img bs=1M count=4 status=none
	must_not fallocate -p -o 0 -l 4096 /mnt/ram/a.img
	must attach file:/mnt/ram/a.img,xvdb,w
	same 0 "$(xenstore-read "$(backend_node g xvdb)/feature-discard")" "feature-discard"
	same 0 "$(xenstore-read "$(backend_node g xvdb)/discard-secure")" "discard-secure"
	must_not G 'blkdiscard $(disk xvdb)'
	must G 'disktest fill xvdb 1 2 && disktest fio xvdb 1'
	must detach xvdb
	must umount /mnt/ram
}

# Pages that change while they are written

scribbles() { must G "scribble \$(disk xvdb) 6 $TURNS"; }

on_btrfs() {
	must mkfs.btrfs -q -f --mixed "$PARTITION"
	mkdir -p /mnt/btrfs
	must mount -t btrfs "$PARTITION" /mnt/btrfs
	truncate -s 24M /mnt/btrfs/a.img
	must attach file:/mnt/btrfs/a.img,xvdb,w
	scribbles
	must G 'disktest fio xvdb 1'
	must detach xvdb
	must sync -f /mnt/btrfs
	must btrfs scrub start -B /mnt/btrfs
	btrfs scrub status /mnt/btrfs >/tmp/scrub
	matches /tmp/scrub 'no errors found' "lines about errors"
	must cat /mnt/btrfs/a.img >/dev/null
	must umount /mnt/btrfs
	must btrfs check --check-data-csum "$PARTITION"
}

# RAID 5 that computes its parity from the pages it was given, not from a copy
on_raid5() {
	modprobe brd rd_nr=3 rd_size=16384
	must mdadm --create /dev/md0 --run --level=5 --raid-devices=3 --assume-clean --chunk=64 --bitmap=none /dev/ram0 /dev/ram1 /dev/ram2
	echo 1 >/sys/block/md0/md/skip_copy || must false
	dd if=/dev/zero of=/dev/md0 bs=1M count=24 oflag=direct status=none
	must attach phy:/dev/md0,xvdb,w
	scribbles
	must G 'disktest fio xvdb 1'
	must detach xvdb
	echo check >/sys/block/md0/md/sync_action
	must eventually 60 idle_raid
	same 0 "$(cat /sys/block/md0/md/mismatch_cnt)" "blocks that do not match"
	must mdadm --stop /dev/md0
}

# What a network may send once more must not change: no page of the guest's is mapped for it.
on_nbd() {
	local maps copies maps0 copies0
	must make_nbd
	must attach phy:/dev/nbd0,xvdb,w
	maps0=$(inner g xvdb maps) copies0=$(inner g xvdb copies)
	must G 'dd if=/dev/zero of=$(disk xvdb) bs=256k count=8 oflag=direct conv=notrunc 2>/dev/null'
	maps=$(inner g xvdb maps) copies=$(inner g xvdb copies)
	same 0 $((maps - maps0)) "pages mapped for writes"
	more $((copies - copies0)) 511 "pages copied for writes"
	must detach xvdb
	must nbd-client -d /dev/nbd0
}

idle_raid() { [ "$(cat /sys/block/md0/md/sync_action)" = idle ]; }

ktap_begin
scratch_disk
check "a guest starts" guest_up
check "a CD" cdrom $E/cd.iso
check "a device of 4096-byte sectors" large_device
check "a file on a device of 4096-byte sectors" large_under_file
check "a partition whose discards are aligned oddly" aligned_oddly
check "ext4 that takes no direct I/O" make_journal
data_cases "without direct I/O" file:/mnt/journal/a.img /mnt/journal/a.img short
check "it is let go" umount /mnt/journal
check "ramfs, which has no holes" no_punching
check "btrfs: pages change while they are written, the checksums hold" on_btrfs
check "NBD: what is written is copied" on_nbd
check "RAID 5: pages change while they are written, the parity holds" on_raid5
guest stop g
check "the guest goes" eventually 20 no_domain
check "no store is left open" umount $E
ktap_end
