#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back kernel --front ours --timeout 900
#
# QEMU's backend over our frontend: a raw image; with ALL=1 a qcow2 image, too.
# shellcheck disable=SC2016 # text for the guest's shell
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

E=/mnt/ext4
XEN_QEMU=/usr/libexec/xen-qemu-system-i386

disk_line() { echo "backendtype=qdisk,format=$2,vdev=xvdb,access=w,target=$1"; }

guest_up() {
	truncate -s 32M $E/a.img
	dd if=/dev/urandom of=$E/a.img bs=1M count=2 conv=notrunc,fsync status=none
	must start -f ours -k builtin -m 160 -x /lab/disktest:/lab/bin/disktest -d "$(disk_line $E/a.img raw)"
	must G 'disktest wait xvdb'
}

qdisk_node() { echo "/local/domain/0/backend/qdisk/$(domid g)/$(number xvdb)"; }

is_qdisk() {
	must xenstore-exists "$(qdisk_node)"
	same 4 "$(state g xvdb)" "the frontend's state"
	xenstore-ls "$(qdisk_node)"
}

data() {
	local fill
	fill=$(G 'disktest fill xvdb 3 2') || must false
	same "$fill" "$(sum_cached "$1" 3 2)" "what dom0 reads"
	same "$(sum_cached "$1" 0 2)" "$(G 'disktest sum xvdb 0 2')" "what the guest reads"
}

odd() {
	local odd
	odd=$(G 'disktest odd xvdb 22531 5') || must false
	same "$odd" "$(dd if="$1" bs=512 skip=22531 count=5 2>/dev/null | md5sum | cut -d' ' -f1)" "five sectors"
}

fio_verifies() { must G 'disktest fio xvdb 6'; }
file_system() { must G 'disktest fs xvdb'; }

trims() {
	must G 'disktest mark xvdb 16 4; blkdiscard -o 17825792 -l 2097152 $(disk xvdb) && disktest zero xvdb 17 2 && ! disktest zero xvdb 16 1'
	must G 'disktest trims xvdb 2'
}

guest_down() {
	guest stop g
	must eventually 20 no_domain
}

qcow2() {
	local fill
	must qemu-img create -q -f qcow2 $E/b.qcow2 32M
	must start -f ours -k builtin -m 160 -x /lab/disktest:/lab/bin/disktest -d "$(disk_line $E/b.qcow2 qcow2)"
	must G 'disktest fio xvdb 4 && disktest fs xvdb'
	fill=$(G 'disktest fill xvdb 3 2') || must false
	guest_down
	must qemu-img convert -f qcow2 -O raw $E/b.qcow2 $E/b.raw
	same "$fill" "$(sum_cached $E/b.raw 3 2)" "what dom0 reads"
}

ktap_begin
scratch_disk
if [ -x $XEN_QEMU ]; then
	check "a guest starts on QEMU's backend" guest_up
	check "it is QEMU's backend" is_qdisk
	check "data in both directions" data $E/a.img
	check "sectors that are not aligned" odd $E/a.img
	check "fio verifies 4k to 1M, random and sequential" fio_verifies
	check "discard" trims
	check "mkfs, a tree, umount, fsck, the tree again" file_system
	check "the guest goes" guest_down
	variant "a qcow2 image" qcow2
else
	ktap_skip "QEMU's backend" "no qemu-system-xen in dom0"
fi
check "no image is left open" umount $E
ktap_end
