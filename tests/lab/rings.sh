#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back ours --front ours --vcpus 2 --xenstore oxenstored --timeout 900
#
# How our frontend connects: ring orders, queues, indirect segments, kept pages, or no
# trust in the backend; with four CPUs in the guest (--mode mt: with real concurrency).
# SHAPES are the rings to try, each as ORDER/QUEUES/SEGMENTS; SAVES says how often the
# guest is saved and restored. With ALL=1 more shapes, and variants of other cases.
# shellcheck disable=SC2016 # text for the guest's shell
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

E=/mnt/ext4
ALL=${ALL:-}
SHAPES=${SHAPES:-${ALL:+0/1/0 2/2/32 }4/4/256}
SAVES=${SAVES:-1}

guest_up() {
	echo 4 >/sys/module/tandem_blkback/parameters/max_queues
	truncate -s 32M $E/a.img
	must start -f ours -k modular -v 4 -m 192 -x /lab/disktest:/lab/bin/disktest -d file:$E/a.img,xvda,w
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
limit() { G "cat /sys/block/\$(basename \$(disk xvda))/queue/$1"; }

# kept: pages that the backend keeps mapped, in all queues
kept() { awk '{ n += $4 } END { print n }' "$DEBUGFS/$(device g xvda)/grants"; }

# inside FILE NAME: the sum of what the frontend's queues say behind this word
inside() {
	G "cat /sys/kernel/debug/tandem_blkfront/vbd-$(number xvda)/$1" >/tmp/inside
	must grep -q "$2 [0-9]" /tmp/inside
	grep -o "$2 [0-9]*" /tmp/inside | awk '{ n += $2 } END { print n }'
}

# four jobs, each with a part of its own; requests of all sizes
data() {
	must G 'fio --output=/tmp/o --name=t --filename=$(disk xvda) --ioengine=libaio --direct=1 --rw=randwrite \
		--bsrange=4k-512k --size=2m --offset_increment=2m --numjobs=4 --iodepth=8 --verify=crc32c \
		--verify_fatal=1 || { tail /tmp/o; false; }'
}

has_order() {
	if [ "$1" -eq 0 ]; then
		same 0 "$(front ring-page-order || echo 0)" ring-page-order
	else
		same "$1" "$(front ring-page-order)" ring-page-order
		same $((1 << $1)) "$(front num-ring-pages)" num-ring-pages
	fi
	same $((32 << $1)) "$(awk '/slots/ { print $4; exit }' "$DEBUGFS/$(device g xvda)/ring")" "slots of a ring"
}

# What debugfs shows of a ring at rest: what is published is what is taken and answered.
at_rest() {
	awk '$1 == "shared:" { prod = $3; rsp = $7 }
		$1 == "private:" { n++; if ($3 != prod || $5 != rsp || $3 != rsp) bad = 1; sum += $3 }
		END { exit bad || !n || !sum }' "$DEBUGFS/$(device g xvda)/ring"
}

rings() { grep -c '^queue' "$DEBUGFS/$(device g xvda)/ring"; }

# has_queues NR: and all but one queue are in use, since fio's jobs go where they like
has_queues() {
	local used
	[ "$1" = 1 ] || same "$1" "$(front multi-queue-num-queues)" multi-queue-num-queues
	same "$1" "$(rings)" "rings"
	same "$1" "$(G 'ls /sys/block/$(basename $(disk xvda))/mq | wc -l')" "hardware queues of the disk"
	used=$(awk '/req_cons/ && $3 > 0 { n++ } END { print n }' "$DEBUGFS/$(device g xvda)/ring")
	[ "$1" = 1 ] || more "$used" 1 "rings that were used"
}

# shape ORDER QUEUES SEGMENTS: no more queues than the host has CPUs; eleven segments
# without indirect ones
shape() {
	local queues=$2 segments=$3
	[ "$queues" -le "$LAB_VCPUS" ] || queues=$LAB_VCPUS
	[ "$segments" -gt 11 ] || segments=11
	with "max_ring_page_order=$1 max_queues=$2 max_indirect_segments=$3"
	data
	has_order "$1"
	has_queues "$queues"
	must eventually 5 at_rest
	same $((segments * 4)) "$(limit max_hw_sectors_kb)" "KiB of the largest request"
	more "$(kept)" 0 "pages kept"
}

not_kept() {
	with feature_persistent=0
	data
	same 0 "$(kept)" "pages kept"
	more "$(inside grants lent)" 0 "pages lent"
}

# counted NAME...: these counters of the backend's end, in one line
counted() {
	local name
	for name; do
		inner g xvda "$name"
	done | xargs
}

# What the guest sends together is told of once, taken together, and granted pages are
# copied by one hypercall: a quarter would do, where sixteen come at a time.
batched() {
	local reads events drains calls pushes reads0 events0 drains0 calls0
	with feature_persistent=0
	read -r reads0 events0 drains0 calls0 <<<"$(counted rd_req events_seen drains grant_calls)"
	pushes=$(inside counters pushes)
	must G 'fio --output=/tmp/o --name=t --filename=$(disk xvda) --ioengine=libaio --direct=1 --rw=randread --bs=4k \
		--size=8m --number_ios=1024 --iodepth=16 --iodepth_batch_submit=16 --iodepth_batch_complete_min=16 ||
		{ tail /tmp/o; false; }'
	read -r reads events drains calls <<<"$(counted rd_req events_seen drains grant_calls)"
	reads=$((reads - reads0))
	more $reads 1023 reads
	within $((4 * ($(inside counters pushes) - pushes))) $reads "times that the guest publishes, times four"
	within $((4 * (events - events0))) $reads "events from the guest, times four, for $reads reads"
	within $((4 * (drains - drains0))) $reads "looks at the ring that found something, times four"
	within $((4 * (calls - calls0))) $reads "hypercalls for grants, times four"
}

few_kept() {
	with max_kept_pages=16
	data
	more "$(kept)" 0 "pages kept"
	within "$(kept)" $((16 * LAB_VCPUS)) "pages kept"
}

# room NODES: the guest has so many entries of Xen's store left; it fills all that it may
# have, in large pieces first, and gives so many back. Without a number: room as ever.
room() {
	local fill='entries() { while [ $1 -lt $2 ]; do echo "data/fill/$1 $3"; set -- $(($1 + 1)) $2 $3; done; }
		first=0
		for size in 512 256 128 64 32 16 8 4 2 1; do
			while xenstore-write $(entries $first $((first + size)) x) 2>/dev/null; do
				first=$((first + size))
			done
		done
		[ $first -gt 500 ] && xenstore-rm $(entries 0 $room)'
	G 'xenstore-rm data/fill 2>/dev/null'
	[ $# -eq 0 ] || must G "room=$1; $fill"
}

tidy_stores() { room; }

# A guest that has hardly any room left in the store takes smaller rings, then fewer.
quota() {
	with 'max_ring_page_order=0 max_queues=1'
	must no_node "$(frontend_node g xvda)/queue-0"
	must no_node "$(frontend_node g xvda)/queue-1"
	room 8
	with 'max_ring_page_order=4 max_queues=4'
	has_order 0
	same "$LAB_VCPUS" "$(rings)" "rings, with room for small ones"
	with 'max_ring_page_order=0 max_queues=1'
	room 3
	with 'max_ring_page_order=4 max_queues=4'
	must G 'disktest fill xvda 1 1'
	same 1 "$(rings)" "rings, with room for one"
	room
	with 'max_ring_page_order=4 max_queues=4'
	has_order 4
	same "$LAB_VCPUS" "$(rings)" "rings, with all the room"
}

# Pages are made when they are needed, and not for all that a ring can take.
lazy() {
	with ''
	within "$(inside grants pages)" $((32 * LAB_VCPUS)) "pages of a disk that was only looked at"
	data
	more "$(inside grants pages)" $((32 * LAB_VCPUS)) "pages of a disk that was used"
}

untrusted() {
	with trusted=0
	data
	same 0 "$(inside grants lent)" "pages lent"
}

# named VDEV NAME: the disk VDEV is attached, and called so; data that tells it from others
named() {
	truncate -s 4M "$E/$1.img"
	dd if=/dev/urandom of="$E/$1.img" bs=1M count=1 conv=notrunc,fsync status=none
	must attach "file:$E/$1.img,$1,w"
	same "/dev/$2" "$(G "disk $1")" "the node of $1"
	same "$(sum_cached "$E/$1.img" 0 1)" "$(G "disktest sum $1 0 1")" "what is read from $1"
}

# A module calls all disks xvd; a name that is taken is not given twice.
names() {
	local d
	with ''
	named sdb1 xvdb1
	named xvdq xvdq
	named sda xvdaa
	named xvdaa xvdba
	for d in sdb1 xvdq sda xvdaa; do
		must detach $d
	done
}

native_names() {
	with native_names=1
	named sda sda
	named hdc3 hdc3
	same "/dev/xvda" "$(G 'disk xvda')" "the node of xvda"
	must detach sda
	must detach hdc3
}

saved() {
	local left=$SAVES
	load xvda 2
	turn xvda
	while [ $((left -= 1)) -ge 0 ]; do
		must quiet xl save g /srv/t/g.save
		must quiet xl restore /srv/t/g.save
		rm /srv/t/g.save
		turn xvda
	done
	loaded xvda
}

# The backend that comes back offers no kept pages, and then does again: the ring stays the
# one that it was.
rebind_offers() {
	local offer=/sys/module/tandem_blkback/parameters/feature_persistent status=0
	echo 0 >$offer
	(rebind xvda 1) || status=1
	echo 1 >$offer
	[ $status -eq 0 ] && rebind xvda 1
}

ktap_begin
scratch_disk
check "a guest of four CPUs starts" guest_up
for s in $SHAPES; do
	IFS=/ read -r order queues segments <<<"$s"
	check "order $order, at most $queues queues, $segments indirect segments" shape "$order" "$queues" "$segments"
done
variant "pages not kept granted: the guest's own are lent" not_kept
check "sixteen requests at a time: few events and hypercalls" batched
variant "few pages kept granted" few_kept
check "pages are granted as they are needed" lazy
variant "hardly any room in Xen's store: smaller rings, then fewer" quota
check "a backend that is not trusted: no page of ours is lent" untrusted
check "names of a module's disks; names that are taken" names
check "names of the configuration" native_names
variant "save and restore on four CPUs under verified load" saved
variant "unbind and bind behind our frontend that writes" rebind xvda 2
variant "the same, and less is offered" rebind_offers
guest stop g
check "the guest goes" eventually 20 no_domain
check "no store is left open" umount $E
ktap_end
