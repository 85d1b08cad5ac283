#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back ours --front ours --timeout 1200
#
# Our backend under our frontend, which is built in. With ALL=1 more stores, the driver as a
# module of our guests' kernel and of the distribution's, and PVH, too, each of which other
# topics have.
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

ALL=${ALL:-}

# guest_up KERNEL TYPE MB
guest_up() { must start -f ours -k "$1" -t "$2" -m "$3" -x /lab/disktest:/lab/bin/disktest; }

guest_down() {
	guest stop g
	must eventually 20 no_domain
}

ktap_begin
scratch_disk
check "a guest starts, driver built in, PV" guest_up builtin pv 160
check "ext4 that takes no direct I/O: the cache stands in for it" make_journal
data_cases "without direct I/O" file:/mnt/journal/a.img /mnt/journal/a.img short
check "it is let go" umount /mnt/journal
make_file /mnt/ext4/a.img
data_cases "file on ext4" file:/mnt/ext4/a.img /mnt/ext4/a.img
check "a device of 4096-byte sectors" large
if [ "$ALL" ]; then
	make_file /dev/shm/a.img
	data_cases "file on tmpfs" file:/dev/shm/a.img /dev/shm/a.img short
	data_cases "partition" "phy:$PARTITION" "$PARTITION" short
fi
check "it goes" guest_down
if [ "$ALL" ]; then
	check "a guest starts, driver as module, PV" guest_up modular pv 160
	data_cases "module: file on ext4" file:/mnt/ext4/a.img /mnt/ext4/a.img short
	check "it goes" guest_down
	check "a guest starts, driver built in, PVH" guest_up builtin pvh 160
	data_cases "PVH: file on ext4" file:/mnt/ext4/a.img /mnt/ext4/a.img short
	check "it goes" guest_down
	check "a guest starts, stock kernel, driver as module, PV" guest_up stock pv 384
	data_cases "stock: file on ext4" file:/mnt/ext4/a.img /mnt/ext4/a.img short
	check "it goes" guest_down
fi
check "the file system of the images can be unmounted" umount /mnt/ext4
ktap_end
