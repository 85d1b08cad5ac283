# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# data.sh: one disk through its paces, between a running guest g and a store.
#
#   data_cases LABEL SPEC PATH [full|short|brief]
#
# Not "full": no counters, no trims at random. "brief": no fio, no file system, but for ALL=1.
# SPEC is the store as in a disk line (file:/x, phy:/x), PATH what dom0 reads. The
# store has at least 32 MiB.
# shellcheck disable=SC2016 # text for the guest's shell

DISK=xvdb

data_from_dom0() {
	local at
	at=$(($(store_mb "$1") - 1))
	dd if=/dev/urandom of="$1" bs=1M count=2 conv=notrunc,fsync status=none
	dd if=/dev/urandom of="$1" bs=1M count=1 seek=$at conv=notrunc,fsync status=none
	blank "$1"
	same "$(sum_cached "$1" 0 2)" "$(G "disktest sum $DISK 0 2")" "the first two MiB"
	same "$(sum_cached "$1" "$at" 1)" "$(G "disktest sum $DISK $at 1")" "the last MiB"
}

store_mb() {
	if [ -b "$1" ]; then
		echo $(($(blockdev --getsize64 "$1") >> 20))
	else
		echo $(($(stat -c %s "$1") >> 20))
	fi
}

# blank PATH: dom0 forgets what it has of it in its cache
blank() {
	sync
	if [ -b "$1" ]; then
		blockdev --flushbufs "$1"
	else
		dd of="$1" oflag=nocache conv=notrunc,fdatasync count=0 status=none
	fi
}

data_from_guest() {
	local fill odd
	fill=$(G "disktest fill $DISK 3 2") || must false
	odd=$(G "disktest odd $DISK $((11 * 2048 + 3)) 5") || must false
	blank "$1"
	same "$fill" "$(sum_cached "$1" 3 2)" "two MiB"
	same "$odd" "$(dd if="$1" bs=512 skip=$((11 * 2048 + 3)) count=5 2>/dev/null | md5sum | cut -d' ' -f1)" \
		"five sectors"
}

data_flush() {
	local before
	before=$(counter g $DISK f_req)
	must G "n=\$(disk $DISK); dd if=/dev/zero of=\$n bs=4k count=1 seek=2000 conv=notrunc,fsync 2>/dev/null"
	more "$(counter g $DISK f_req)" "$before" "flushes"
}

data_counters() {
	local r w rq wq device
	find_device g $DISK
	cd "$BUS/devices/$device/statistics" || must false
	r=$(<rd_sect) w=$(<wr_sect) rq=$(<rd_req) wq=$(<wr_req)
	must G "n=\$(disk $DISK); dd if=\$n of=/dev/null bs=64k count=16 iflag=direct 2>/dev/null &&
		dd if=/dev/zero of=\$n bs=64k count=8 seek=100 oflag=direct conv=notrunc 2>/dev/null"
	same $((r + 2048)) "$(<rd_sect)" "sectors read"
	same $((w + 1024)) "$(<wr_sect)" "sectors written"
	more "$(<rd_req)" $((rq + 15)) "reads"
	more "$(<wr_req)" $((wq + 7)) "writes"
}

# data_sysfs PATH: what others than xentop read of a disk
data_sysfs() {
	local device number
	find_device g $DISK
	device=$BUS/devices/$device
	number=$(stat -c '%Hd %Ld' "$1")
	[ ! -b "$1" ] || number=$(stat -L -c '%Hr %Lr' "$1")
	same w "$(<"$device/mode")" "the mode"
	# shellcheck disable=SC2086 # two numbers
	same "$(printf '%x:%x' $number)" "$(<"$device/physical_device")" "the store's device"
}

# granularity PATH: in which units dom0 itself gives room back
granularity() {
	if [ -b "$1" ]; then
		lsblk -bdno DISC-GRAN "$1" | xargs
	else
		stat -f -c %S "$1"
	fi
}

# discard_keys PATH: what the backend says of discard is so
discard_keys() {
	local node limit
	node=$(backend_node g $DISK)
	limit="/sys/block/\$(basename \$(disk $DISK))/queue/discard_granularity"
	same "$(granularity "$1")" "$(xenstore-read "$node/discard-granularity")" "discard-granularity"
	same "$(granularity "$1")" "$(G "cat $limit")" "the guest's discard_granularity"
	same 0 "$(xenstore-read "$node/discard-secure")" "discard-secure, which no store here has"
}

data_discard() {
	local before after ds
	must offers_discard
	[ "$LAB_BACK_VBD" != ours ] || discard_keys "$1"
	must G "disktest mark $DISK 16 8"
	ds=$(counter g $DISK ds_req)
	[ -b "$1" ] || before=$(blocks "$1")
	must G "blkdiscard -o $((17 << 20)) -l $((6 << 20)) \$(disk $DISK)"
	more "$(counter g $DISK ds_req)" "$ds" "discards"
	must G "disktest zero $DISK 17 6"
	must_not G "disktest zero $DISK 16 1"
	must_not G "disktest zero $DISK 23 1"
	[ -b "$1" ] && return
	after=$(blocks "$1")
	within $((after + 6000)) "$before" "KiB of the file afterwards, and the six MiB that went"
	same $((32 << 20)) "$(stat -c %s "$1")" "its size"
}

# discards PATH: can dom0 itself discard in it; files of our file systems can
discards() { [ ! -b "$1" ] || [ "$(lsblk -bdno DISC-MAX "$1")" -gt 0 ]; }
# offers_discard: does the backend say so
offers_discard() { [ "$(xenstore-read "$(backend_node g $DISK)/feature-discard" 2>/dev/null)" = 1 ]; }

# fio trims at random, here and there, and verifies what it wrote
data_trims() {
	local before
	before=$(counter g $DISK ds_req)
	must G "disktest trims $DISK 2"
	more "$(counter g $DISK ds_req)" $((before + 31)) "discards"
}

data_fs() { must G "disktest fs $DISK"; }
data_fio() { must G "disktest fio $DISK 6"; }

data_closed() {
	must detach $DISK
	[ -b "$1" ] || return 0
	# nobody holds it: it can be claimed for a moment
	must python3 -c 'import os, sys; os.close(os.open(sys.argv[1], os.O_RDWR | os.O_EXCL))' "$1"
}

data_discards() {
	if discards "$2"; then
		check "$1: discard" data_discard "$2"
		[ "$3" != full ] || [ -b "$2" ] || check "$1: fio trims and verifies" data_trims
	else
		ktap_skip "$1: discard" "$2 has none"
	fi
}

data_cases() {
	local label=$1 spec=$2 path=$3
	check "$label: attach" attached "$spec,$DISK,w"
	check "$label: dom0 writes, the guest reads the same" data_from_dom0 "$path"
	check "$label: the guest writes, dom0 reads the same" data_from_guest "$path"
	if [ "${4-full}" = full ]; then
		check "$label: fsync in the guest is a flush here" data_flush
		check "$label: the counters count sectors and requests" data_counters
		[ "$LAB_BACK_VBD" != ours ] || check "$label: its mode and device" data_sysfs "$path"
	fi
	data_discards "$label" "$path" "${4-full}"
	if [ "${4-full}" != brief ] || [ "${ALL-}" ]; then
		check "$label: fio verifies 4k to 1M, random and sequential" data_fio
		check "$label: mkfs, a tree, umount, fsck, the tree again" data_fs
	fi
	check "$label: detach, nothing left" data_closed "$path"
}

# The stores

# make_journal: ext4 with its data in the journal, at /mnt/journal: it takes no direct I/O
make_journal() {
	must mkfs.ext4 -q -F "$PARTITION"
	mkdir -p /mnt/journal
	must mount -o data=journal "$PARTITION" /mnt/journal
	make_file /mnt/journal/a.img
}

make_file() { truncate -s 32M "$1"; }

# scratch_disk: the lab's disk in two partitions; the second is ext4 at /mnt/ext4
scratch_disk() {
	local disk=${LAB_DISKS%% *}
	printf '%s\n' 'size=64M' 'size=+' | sfdisk -q "$disk"
	udevadm settle
	mkfs.ext4 -q "${disk}2"
	mkdir -p /mnt/ext4
	mount "${disk}2" /mnt/ext4
	# shellcheck disable=SC2034 # for the topic
	PARTITION=${disk}1
}

make_lv() {
	truncate -s 64M /dev/shm/pv.img
	modprobe brd rd_nr=1 rd_size=65536
	pvcreate -q -y /dev/ram0 && vgcreate -q tandem /dev/ram0 &&
		lvcreate -q -y -W n -Z n -L 40M -n disk tandem
}

make_nbd() {
	modprobe nbd nbds_max=1
	truncate -s 40M /dev/shm/nbd.img
	qemu-nbd --socket=/run/nbd.sock -f raw --persistent --fork --discard=unmap /dev/shm/nbd.img &&
		nbd-client -unix /run/nbd.sock /dev/nbd0
}

# cdrom IMAGE: it is made, and is a CD in the guest
cdrom() {
	mkdir -p /tmp/cd
	head -c 1000000 /dev/urandom >/tmp/cd/file
	must quiet xorriso -as mkisofs -quiet -o "$1" /tmp/cd
	must attach "script=block-tandem,format=raw,vdev=hdc,devtype=cdrom,access=r,target=$1"
	same "$(md5sum <"$1" | cut -d' ' -f1)" \
		"$(G 'dd if=$(disk hdc) bs=64k 2>/dev/null | md5sum | cut -d" " -f1')" "its content"
	same 1 "$(G 'cat /sys/block/$(basename $(disk hdc))/ro')" "what the guest knows"
	same 5 "$(xenstore-read "$(backend_node g hdc)/info")" "info: CD, read-only"
	must_not G 'disktest mark hdc 0 1'
	must detach hdc
}

# null_device SETTING=VALUE...: a disk in memory, made and taken away at will; the kernel
# calls it as its directory is called
NULL=/sys/kernel/config/nullb/nullb0
null_device() {
	local setting
	modprobe null_blk nr_devices=0
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
	mkdir $NULL || return
	for setting in memory_backed=1 "$@" power=1; do
		echo "${setting#*=}" >"$NULL/${setting%=*}" || return
	done
	udevadm settle
	[ -b "$(null_node)" ]
}

null_node() { echo "/dev/${NULL##*/}"; }
null_off() { echo 0 >$NULL/power; }
null_gone() { rmdir $NULL; }

queue_limit() { G "cat /sys/block/\$(basename \$(disk $1))/queue/$2"; }

# large_attached: a device of 4096-byte sectors becomes xvdb, and is what it should be
large_attached() {
	local fill
	must null_device blocksize=4096 size=64 discard=1
	must attach "phy:$(null_node),xvdb,w"
	same 4096 "$(queue_limit xvdb logical_block_size)" "the logical sector"
	same $((64 * 2048)) "$(G 'cat /sys/block/$(basename $(disk xvdb))/size')" "the size"
	fill=$(G 'disktest fill xvdb 3 2') || must false
	same "$fill" "$(sum_cached "$(null_node)" 3 2)" "what dom0 reads"
}

large() {
	large_attached
	must detach xvdb
	must null_gone
}
