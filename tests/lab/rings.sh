#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back ours --front ours --vcpus 2 --timeout 900
#
# How our frontend connects: ring orders, queues, indirect segments, kept pages, or no
# trust in the backend; with four CPUs in the guest (--mode mt: with real concurrency).
# shellcheck disable=SC2016 # text for the guest's shell
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

E=/mnt/ext4

guest_up() {
	echo 4 >/sys/module/tandem_blkback/parameters/max_queues
	truncate -s 32M $E/a.img
	must start -f ours -k modular -v 4 -m 256 -x /lab/disktest:/lab/bin/disktest -d file:$E/a.img,xvda,w
}

# with PARAMETER...: load the driver again with these
with() {
	must G "echo vbd-$(number xvda) >/sys/bus/xen/drivers/tandem_blkfront/unbind && rmmod tandem_blkfront"
	must eventually 10 is_state g xvda 6
	same "file:$E/a.img" "$(cat "$(device_dir g xvda)/store")" "the store while nobody is connected"
	must G "insmod /lab/modules/tandem_blkfront.ko $* && disktest wait xvda"
	must eventually 10 is_state g xvda 4
}

front() { xenstore-read "$(frontend_node g xvda)/$1" 2>/dev/null; }
data() { must G 'disktest fio xvda 4'; }
inside() { G "cat /sys/kernel/debug/tandem_blkfront/*/$1"; }

order() {
	with "max_ring_page_order=$1"
	data
	if [ "$1" -eq 0 ]; then
		same 0 "$(front ring-page-order || echo 0)" ring-page-order
	else
		same "$1" "$(front ring-page-order)" ring-page-order
		same $((1 << $1)) "$(front num-ring-pages)" num-ring-pages
	fi
	same $((32 << $1)) "$(awk '/slots/ { print $4; exit }' "$DEBUGFS/$(device g xvda)/ring")" "slots of a ring"
}

# queues WANTED: no more than the host has CPUs
queues() {
	local used nr=$1
	[ "$nr" -le "$LAB_VCPUS" ] || nr=$LAB_VCPUS
	with "max_queues=$1"
	if [ "$nr" -gt 1 ]; then
		same "$nr" "$(front multi-queue-num-queues)" multi-queue-num-queues
	fi
	same "$nr" "$(grep -c '^queue' "$DEBUGFS/$(device g xvda)/ring")" "rings"
	same "$nr" "$(G 'ls /sys/block/$(basename $(disk xvda))/mq | wc -l')" "hardware queues of the disk"
	must G 'fio --output=/tmp/o --name=t --filename=$(disk xvda) --ioengine=libaio --direct=1 --rw=randwrite --bs=4k \
		--size=1m --offset_increment=1m --numjobs=4 --iodepth=8 --verify=crc32c --verify_fatal=1 || { tail /tmp/o; false; }'
	used=$(awk '/req_cons/ && $3 > 0 { n++ } END { print n }' "$DEBUGFS/$(device g xvda)/ring")
	[ "$nr" = 1 ] || more "$used" 1 "rings that were used"
}

plain() { # PARAMETER...
	with "$@"
	data
}

untrusted() {
	with trusted=0
	data
	same 0 "$(inside grants | grep -o 'lent [0-9]*' | awk '{ n += $2 } END { print n + 0 }')" "pages lent"
	must G 'disktest fs xvda'
}

mixed_load() {
	load xvda 8
	turn xvda
	turn xvda
	loaded xvda
}

saved() {
	load xvda 8
	turn xvda
	must quiet xl save g /srv/t/g.save
	must quiet xl restore /srv/t/g.save
	rm /srv/t/g.save
	turn xvda
	loaded xvda
}

ktap_begin
scratch_disk
check "a guest of four CPUs starts" guest_up
for o in 0 1 2 3 4; do
	check "ring of order $o" order $o
done
for q in 1 2 4; do
	check "at most $q queues" queues $q
done
check "without indirect segments" plain max_indirect_segments=0
check "with 32 indirect segments" plain max_indirect_segments=32
check "pages not kept granted" plain feature_persistent=0
check "few pages kept granted" plain max_kept_pages=16
check "a backend that is not trusted: no page of ours is lent" untrusted
check "verified load on four CPUs" mixed_load
check "save and restore on four CPUs under load" saved
guest stop g
check "the guest goes" eventually 20 no_domain
check "no store is left open" umount $E
ktap_end
