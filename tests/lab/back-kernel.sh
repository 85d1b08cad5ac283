#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back ours --front kernel --timeout 900
#
# Our backend under the kernel's frontend: every kind of store, data checked in both
# directions.
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

sparse_small() { within "$(blocks "$1")" 8200 "KiB of a file of 32 MiB"; }

# what was written by the cases before is given back
sparse_shrinks() {
	local before
	must attach "file:$1,$DISK,w"
	must G "disktest mark $DISK 0 32"
	before=$(blocks "$1")
	more "$before" 32000 "KiB of the full file"
	must G "blkdiscard \$(disk $DISK)"
	within "$(blocks "$1")" 64 "KiB after all of it is discarded"
	must G "disktest zero $DISK 0 32"
	must detach $DISK
}

sparse_stays() {
	truncate -s 32M "$1"
	must attach "file:$1,$DISK,w"
	must G "disktest fill $DISK 5 2"
	must G "mkfs.ext4 -q -F -E nodiscard \$(disk $DISK)"
	must detach $DISK
	sparse_small "$1"
}

no_discard_kept() {
	fallocate -l 32M "$1"
	must attach "vdev=$DISK,access=w,no-discard,target=$1"
	must_not offers_discard
	must_not G "blkdiscard \$(disk $DISK)"
	must detach $DISK
	more "$(blocks "$1")" 32700 "KiB of the preallocated file"
}

guest_up() { must start -f kernel -m 160 -x /lab/disktest:/lab/bin/disktest; }

ktap_begin
scratch_disk
check "a guest starts" guest_up
make_file /dev/shm/a.img
data_cases "file on tmpfs" file:/dev/shm/a.img /dev/shm/a.img brief
make_file /mnt/ext4/a.img
data_cases "file on ext4" file:/mnt/ext4/a.img /mnt/ext4/a.img
check "sparse file: stays sparse in use" sparse_stays /mnt/ext4/sparse.img
check "sparse file: shrinks when discarded" sparse_shrinks /mnt/ext4/sparse.img
check "no-discard: a preallocated file keeps its blocks" no_discard_kept /mnt/ext4/full.img
data_cases "partition" "phy:$PARTITION" "$PARTITION"
check "a logical volume is made" make_lv
data_cases "logical volume" phy:/dev/tandem/disk /dev/tandem/disk brief
check "a network block device is made" make_nbd
data_cases "nbd" phy:/dev/nbd0 /dev/nbd0 brief
check "a CD" cdrom /mnt/ext4/cd.iso
check "a device of 4096-byte sectors" large
guest stop g
check "the guest goes" eventually 20 no_domain
check "the file system of the images can be unmounted" umount /mnt/ext4
ktap_end
