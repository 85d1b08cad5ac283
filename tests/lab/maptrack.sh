#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back ours --front ours --xen-args gnttab_max_maptrack_frames=1 --timeout 900
#
# Xen has room for 256 mappings in dom0, not for a quarter of a million: fewer than one
# busy disk has pages on their way. What cannot be mapped is copied, and nothing fails.
# shellcheck disable=SC2016 # text for the guest's shell
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

E=/mnt/ext4

TOTAL=/sys/module/tandem_blkback/parameters/max_persistent_total

guest_up() {
	truncate -s 32M $E/a.img $E/b.img $E/c.img
	must start -m 192 -x /lab/disktest:/lab/bin/disktest -d file:$E/a.img,xvda,w -d file:$E/b.img,xvdb,w
}

kept() { awk '{ n += $4 } END { print n }' "$DEBUGFS/$(device g "$1")/grants"; }

# 4 MiB on their way at a time, a thousand pages
crowd='--ioengine=libaio --direct=1 --rw=randwrite --bs=256k --size=24m --iodepth=16 --verify=crc32c --verify_fatal=1'
data() {
	must G "fio --output=/tmp/o --name=a --filename=\$(disk xvda) $crowd --name=b --filename=\$(disk xvdb) $crowd ||
		{ tail -n 20 /tmp/o; false; }"
}

# all_kept: of both; a drain may pass the bound by what it maps at once
all_kept() { echo $(($(kept xvda) + $(kept xvdb))); }

bounded() {
	echo 64 >$TOTAL
	data
	more "$(all_kept)" 0 "pages kept"
	within "$(all_kept)" 192 "pages kept"
	must attach file:$E/c.img,xvdc,w
	must G 'disktest fill xvdc 1 1'
	must detach xvdc
}

short() {
	local before
	before=$(($(inner g xvda copies) + $(inner g xvdb copies)))
	echo 131072 >$TOTAL
	data
	more "$(all_kept)" 192 "pages kept"
	within "$(all_kept)" 256 "pages kept"
	more $(($(inner g xvda copies) + $(inner g xvdb copies))) $((before + 500)) "pages copied"
	same "0 0" "$(inner g xvda io_errors) $(inner g xvdb io_errors)" "I/O errors"
}

# no room for a ring: one error, and no harm to others
no_ring() {
	quiet xl block-attach g file:$E/c.img,xvdc,w
	must eventually 20 xenstore-exists "$(error_node g xvdc)"
	xenstore-read "$(error_node g xvdc)" >/tmp/error
	matches /tmp/error 'ring' "the error"
	must_not G 'disk xvdc'
	quiet xl block-detach --force g xvdc
	must eventually 20 gone "$(device_dir g xvdc)"
	must G 'disktest fill xvdb 1 1'
}

# What one disk kept is room for others once it is gone.
room_again() {
	local maps
	must detach xvda
	echo 192 >$TOTAL
	maps=$(inner g xvdb maps)
	must G "fio --output=/tmp/o --name=b --filename=\$(disk xvdb) $crowd || { tail -n 20 /tmp/o; false; }"
	more "$(inner g xvdb maps)" "$maps" "pages mapped"
	must attach file:$E/a.img,xvda,w
	must G 'disktest fill xvda 1 1'
}

ktap_begin
scratch_disk
check "a guest with two disks starts" guest_up
check "what is kept leaves room for another disk" bounded
check "more pages on their way than there is room for mappings" short
check "a disk that finds no room for its ring says so" no_ring
check "a disk that goes makes room for another" room_again
guest stop g
check "the guest goes" eventually 20 no_domain
check "no store is left open" umount $E
ktap_end
