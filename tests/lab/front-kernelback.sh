#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back kernel --front ours --timeout 900
#
# The kernel's backend over our frontend, built into the guest's kernel. With ALL=1 as a
# module and in a PVH guest, too, which under our backend it is elsewhere.
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

ALL=${ALL:-}

# guest_up KERNEL TYPE
guest_up() { must start -f ours -k "$1" -t "$2" -m 160 -x /lab/disktest:/lab/bin/disktest; }

guest_down() {
	guest stop g
	must eventually 20 no_domain
}

ktap_begin
scratch_disk
check "a guest starts, driver built in, PV" guest_up builtin pv
make_file /mnt/ext4/a.img
data_cases "file through loop" file:/mnt/ext4/a.img /mnt/ext4/a.img
data_cases "partition" "phy:$PARTITION" "$PARTITION"
check "it goes" guest_down
if [ "$ALL" ]; then
	check "a guest starts, driver as module, PV" guest_up modular pv
	data_cases "module: partition" "phy:$PARTITION" "$PARTITION" short
	check "it goes" guest_down
	check "a guest starts, driver built in, PVH" guest_up builtin pvh
	data_cases "PVH: partition" "phy:$PARTITION" "$PARTITION" short
	check "it goes" guest_down
fi
check "the file system of the images can be unmounted" umount /mnt/ext4
ktap_end
