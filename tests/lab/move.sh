#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# add: scripts/tandem-status
# lab: --back ours --front ours --timeout 1200
#
# What happens to a disk of a running guest: new size, detach, surprise removal, save,
# restore, migration, a backend that is bound anew. MOVES says how often it is saved and
# restored, CYCLES how often a disk comes and goes while the guest's memory is watched (not
# at all if not said). With ALL=1 the guest is saved when idle, as a checkpoint, and paused,
# too; and migrated with a write in flight.
# shellcheck disable=SC2016 # text for the guest's shell
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

E=/mnt/ext4
MOVES=${MOVES:-1}
CYCLES=${CYCLES:-0}

guest_up() {
	truncate -s 32M $E/a.img
	truncate -s 16M $E/b.img
	guest_of pv
}

# guest_of TYPE
guest_of() {
	must start -f "$LAB_FRONT_VBD" -t "$1" -m 96 -x /lab/disktest:/lab/bin/disktest -d file:$E/a.img,xvda,w
}

sectors() { G "cat /sys/block/\$(basename \$(disk $1))/size"; }
has_sectors() { [ "$(sectors "$1")" = "$2" ]; }

# watch_events, event_seen VARIABLE=VALUE: what the guest's kernel tells its programs
watch_events() { must G 'uevent env >/run/uevents 2>&1 </dev/null & echo $! >/run/uevent; sleep 0.5'; }
event_seen() {
	must eventually 10 G "grep -aq '^$1\$' /run/uevents || { cat /run/uevents; false; }"
	must G 'kill $(cat /run/uevent)'
}

resized() {
	local fill
	must attach file:$E/b.img,xvdb,w
	same 32768 "$(sectors xvdb)" "the size"
	watch_events
	truncate -s 24M $E/b.img
	echo 1 >"$(device_dir g xvdb)/resize" || must false
	must eventually 10 has_sectors xvdb 49152
	event_seen RESIZE=1
	fill=$(G 'disktest fill xvdb 22 2') || must false
	must detach xvdb
	blank $E/b.img
	same "$fill" "$(sum_cached $E/b.img 22 2)" "what was written to the new part"
}

resized_mounted() {
	must attach file:$E/b.img,xvdb,w
	must G 'mkfs.ext4 -q -F $(disk xvdb) && mkdir -p /mnt && mount $(disk xvdb) /mnt && echo text >/mnt/file'
	truncate -s 30M $E/b.img
	must tandem_resize
	must eventually 10 has_sectors xvdb 61440
	must G 'resize2fs $(disk xvdb) && cat /mnt/file && umount /mnt && e2fsck -fn $(disk xvdb)'
	must detach xvdb
}

tandem_resize() { /etc/xen/scripts/tandem-resize "$(domid g)" xvdb; }

# A frozen file system is whole on the disk, as a copy of it shows; a new size does not wait
# for it, nor the other way round; then the guest writes on.
frozen() {
	truncate -s 16M $E/b.img
	must attach file:$E/b.img,xvdb,w
	must G 'mkfs.ext4 -q -F $(disk xvdb) && mkdir -p /mnt && mount $(disk xvdb) /mnt'
	must G '(cd /mnt && for i in $(seq 60); do
			dd if=/dev/urandom of=$i bs=16k count=1 conv=fsync && md5sum $i >>/run/sums || exit
		done; touch /run/written) >/dev/null 2>&1 </dev/null &
		until [ -e /mnt/20 ]; do sleep 0.1; done; fsfreeze --freeze /mnt'
	blank $E/b.img
	cp $E/b.img $E/copy.img
	must e2fsck -fn $E/copy.img
	truncate -s 24M $E/b.img
	must tandem_resize
	must eventually 10 has_sectors xvdb 49152
	must G '[ ! -e /run/written ] && fsfreeze --unfreeze /mnt'
	must eventually 60 G '[ -e /run/written ]'
	must G 'umount /mnt && e2fsck -fn $(disk xvdb) && mount $(disk xvdb) /mnt &&
		[ $(wc -l </run/sums) = 60 ] && cd /mnt && md5sum -c /run/sums >/dev/null && cd / && umount /mnt'
	must detach xvdb
	truncate -s 16M $E/b.img
}

# The file system that the image is on, frozen: writes wait, reads go on.
frozen_below() {
	local status
	must attach file:$E/b.img,xvdb,w
	must fsfreeze --freeze $E
	G 'd=$(disk xvdb); (dd if=/dev/zero of=$d bs=4k count=1 oflag=direct conv=notrunc; touch /run/wrote) \
		>/dev/null 2>&1 </dev/null & sleep 0.5
		timeout 10 dd if=$d of=/dev/null bs=64k count=16 skip=16 iflag=direct 2>/dev/null && [ ! -e /run/wrote ]'
	status=$?
	must fsfreeze --unfreeze $E
	same 0 $status "reading while a write waits"
	must eventually 10 G '[ -e /run/wrote ]'
	must detach xvdb
}

# An image without a name, on a frozen file system, cannot be closed. Other disks come and
# go meanwhile.
closes_late() {
	local status
	truncate -s 8M $E/gone.img /dev/shm/other.img
	must attach file:$E/gone.img,xvdb,w
	rm $E/gone.img
	must fsfreeze --freeze $E
	quiet xl block-detach --force g xvdb
	(attach file:/dev/shm/other.img,xvdc,w && G 'disktest fill xvdc 1 1' && detach xvdc)
	status=$?
	must fsfreeze --unfreeze $E
	same 0 $status "another disk meanwhile"
	must gone "$(device_dir g xvdb)"
}

# A store that is being opened, on a frozen file system, when its disk goes
opens_late() {
	local id store status
	must attach file:$E/b.img,xvdb,w
	id=$(device g xvdb)
	store=$BUS/devices/$id/store
	echo "$id" >$DRIVER/unbind || must false
	echo "$id" >$DRIVER/bind || must false
	must eventually 10 [ -e "$store" ]
	must fsfreeze --freeze $E
	sh -c "echo file:$E/b.img >$store" 2>/dev/null &
	eventually 10 waits_in_kernel $!
	same none "$(timeout 5 cat "$store")" "the store while it is being opened"
	quiet xl block-detach --force g xvdb
	(attach file:/dev/shm/other.img,xvdc,w && G 'disktest fill xvdc 1 1' && detach xvdc)
	status=$?
	must fsfreeze --unfreeze $E
	wait
	same 0 $status "another disk meanwhile"
	must gone "$BUS/devices/$id"
}

waits_in_kernel() { grep -q '^State:.D' "/proc/$1/status"; }

# xentop -x: a line for each disk; what it shows is what the backend has counted
topped() {
	local wanted
	must G 'disktest read xvda 0 1 && disktest fill xvda 1 1'
	wanted="OO: $(counter g xvda oo_req) RD: $(counter g xvda rd_req) WR: $(counter g xvda wr_req)"
	wanted+=" RSECT: $(counter g xvda rd_sect) WSECT: $(counter g xvda wr_sect)"
	xentop -b -i 1 -x >/tmp/top || must false
	grep "^VBD.* $(number xvda) " /tmp/top | grep -o 'OO:.*' | tr -s ' ' >/tmp/top.disk
	same "$wanted" "$(sed 's/ $//' /tmp/top.disk)" "the disk in xentop"
	more "$(counter g xvda wr_sect)" 2047 "sectors written"
}

# tandem-status: every column of a disk at work has its value, and nothing is wrong
told() {
	local id
	id=$(domid g)
	/lab/tandem-status >/tmp/status || must false
	matches /tmp/status "^g +$id xvda +Connected +tandem +w +[1-9][0-9]* +[0-4] +[0-9]+ +[0-9]+ +0 +file:" \
		"the line of a disk"
	must_not grep -E 'store:|last error|cannot go' /tmp/status
}

# a mounted disk: the detach fails, the disk works; the guest lets go: it closes
detach_mounted() {
	must attach file:$E/b.img,xvdb,w
	must G 'mkfs.ext4 -q -F $(disk xvdb) && mkdir -p /mnt && mount $(disk xvdb) /mnt && echo before >/mnt/file'
	must_not quiet xl block-detach g xvdb
	must G 'echo after >>/mnt/file && sync && disktest read xvdb 0 4'
	must [ -e "$(device_dir g xvdb)" ]
	must G 'umount /mnt'
	must eventually 10 is_state g xvdb 6
	must detach xvdb
	must mount -o loop $E/b.img /mnt/loop
	same "before after" "$(xargs </mnt/loop/file)" "the file"
	must umount /mnt/loop
}

# slabs FILE: the objects that the guest's kernel has, by kind, when each has given back
# what it does not use; areas of vmalloc are given back by the thousand, and each process
# has some
slabs() {
	G "for i in /sys/kernel/slab/*/shrink; do echo 1 >\$i; done
		awk 'NR > 2 && \$1 != \"vmap_area\" { print \$1, \$2 }' /proc/slabinfo" >"$1"
}

# Some kinds come in batches that wait for their turn; none grows with each cycle.
no_more_slabs() {
	slabs /tmp/slabs.now
	awk -v most=$((CYCLES * 3 / 4)) 'NR == FNR { was[$1] = $2; next }
		$2 > was[$1] + most { print $1 ": from " was[$1] " to " $2; bad = 1 }
		END { exit bad }' /tmp/slabs.before /tmp/slabs.now
}

cycled() {
	must attach file:$E/b.img,xvdb,w
	must G 'disktest fill xvdb 1 1'
	must detach xvdb
}

guest_leaks() {
	for _ in 1 2 3; do cycled; done
	slabs /tmp/slabs.before
	more "$(wc -l </tmp/slabs.before)" 20 "kinds of objects"
	for _ in $(seq "$CYCLES"); do cycled; done
	must eventually 10 no_more_slabs
}

detach_forced() {
	must attach file:$E/b.img,xvdb,w
	torn xvdb
	must G 'disktest fill xvda 1 1'
}

forced_mounted() {
	must attach file:$E/b.img,xvdb,w
	must G 'mkfs.ext4 -q -F $(disk xvdb) && mkdir -p /mnt && mount $(disk xvdb) /mnt && echo before >/mnt/file && sync'
	quiet xl block-detach --force g xvdb
	must eventually 20 gone "$(device_dir g xvdb)"
	must_not G 'dd if=/dev/zero of=/mnt/other bs=1M count=4 conv=fsync'
	must G 'umount -l /mnt; disktest fill xvda 1 1'
	# and the same name again
	must attach file:$E/b.img,xvdb,w
	must G 'disktest fill xvdb 1 1'
	must detach xvdb
}

# A disk that answers after 0.3 s goes while more is being written than it takes at a time:
# whoever writes gets an error, and is waited for by nobody.
forced_written() {
	must null_device size=48 irqmode=2 completion_nsec=300000000
	must attach "phy:$(null_node),xvdb,w"
	steps 'mkfs.ext4 -q -F $(disk xvdb)' 'mkdir -p /mnt' 'mount $(disk xvdb) /mnt' \
		'dd if=/dev/zero of=/mnt/file bs=1M count=16 conv=fsync 2>/dev/null' \
		'fio --output=/tmp/o --name=t --filename=/mnt/file --rw=randwrite --bs=4k --size=16m --io_size=6m --invalidate=0' \
		'(sync; touch /run/synced) >/dev/null 2>&1 </dev/null & sleep 1' '[ ! -e /run/synced ]'
	quiet xl block-detach --force g xvdb
	must eventually 20 gone "$(device_dir g xvdb)"
	must eventually 30 G '[ -e /run/synced ]'
	must G 'umount -l /mnt'
	must eventually 20 G '! disk xvdb'
	must G 'disktest fill xvda 1 1'
	must null_off
	must null_gone
}

read_only() {
	local before
	before=$(sum_cached $E/b.img 0 8)
	must attach file:$E/b.img,xvdb,r
	same 1 "$(G 'cat /sys/block/$(basename $(disk xvdb))/ro')" "what the guest knows"
	must_not G 'disktest fill xvdb 0 1'
	must detach xvdb
	blank $E/b.img
	same "$before" "$(sum_cached $E/b.img 0 8)" "the data"
}

saved() {
	local left=$MOVES fill
	fill=$(G 'disktest fill xvda 20 4') || must false
	load xvda 4
	turn xvda
	while [ $((left -= 1)) -ge 0 ]; do
		must quiet xl save g /srv/t/g.save
		must eventually 10 domain_gone g
		must quiet xl restore /srv/t/g.save
		turn xvda
	done
	rm /srv/t/g.save
	loaded xvda
	same "$fill" "$(G 'disktest sum xvda 20 4')" "what was written before"
	blank $E/a.img
	same "$fill" "$(sum_cached $E/a.img 20 4)" "the same in dom0"
}

checkpointed() {
	local fill
	fill=$(G 'disktest fill xvda 20 2') || must false
	load xvda 4
	turn xvda
	must quiet xl save -c g /srv/t/g.save
	turn xvda
	rm /srv/t/g.save
	loaded xvda
	same "$fill" "$(G 'disktest sum xvda 20 2')" "what was written before"
}

idle_saved() {
	must quiet xl save g /srv/t/g.save
	must eventually 10 domain_gone g
	must quiet xl restore /srv/t/g.save
	must G 'disktest fill xvda 1 1'
	rm /srv/t/g.save
}

# note_reads: when, by the guest's clock, each of many reads of its disk ended
note_reads() {
	must G 'd=$(disk xvda); while dd if=$d of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null; do
			read -r now _ </proc/uptime; echo $now >>/run/reads; sleep 0.1
		done </dev/null >/dev/null 2>&1 &'
}

# downtime: the longest time without a read, which is told and not judged
downtime() {
	must G 'awk "{ if (NR > 1 && \$1 - last > gap) gap = \$1 - last; last = \$1 }
		END { print gap, NR; exit NR < 3 }" /run/reads' >/tmp/downtime
}

# Xen as Debian builds it does not log the dirty pages of PV guests, so: a PVH guest
migrated() {
	local fill id
	guest stop g
	must eventually 20 no_domain
	guest_of pvh
	id=$(domid g)
	fill=$(G 'disktest fill xvda 20 2') || must false
	load xvda 4
	turn xvda
	note_reads
	must quiet xl migrate -s '' g 'xl migrate-receive'
	must [ "$(domid g)" != "$id" ]
	its_log_moves
	turn xvda
	downtime
	loaded xvda
	same "$fill" "$(G 'disktest sum xvda 20 2')" "what was written before"
	must eventually 20 xen_forgets "$id"
}

tidy_stores() {
	null_off
	null_gone
	dmsetup resume held
	dmsetup remove held
	losetup --noheadings --output NAME --associated /dev/shm/held.img | xargs -r losetup --detach
}

# held_disk: /dev/mapper/held, whose I/O waits while it is suspended
held_disk() {
	truncate -s 16M /dev/shm/held.img
	must dmsetup create held --table "0 32768 linear $(losetup --find --show /dev/shm/held.img) 0"
	must udevadm settle
}

held_gone() {
	local loop
	loop=$(losetup --noheadings --output NAME --associated /dev/shm/held.img)
	must eventually 10 dmsetup remove held
	must losetup --detach "$loop"
	rm /dev/shm/held.img
}

flies() { grep -q 'in flight [1-9]' "$DEBUGFS/$(device g "$1")/ring"; }

# A store that has stopped answering holds a write of the domain that left. The one that
# came sends it anew, and what comes after it: not before the first has ended. (Whoever waits
# for the write can be interrupted: another would keep the guest from being suspended.)
migrated_in_flight() {
	local id written
	id=$(domid g)
	held_disk
	must attach phy:/dev/mapper/held,xvdb,w
	must dmsetup suspend --nolockfs held
	must G '(fio --name=t --filename=$(disk xvdb) --ioengine=libaio --direct=1 --rw=write --bs=64k --size=256k \
		--iodepth=4 && touch /run/wrote) >/dev/null 2>&1 </dev/null &'
	must eventually 10 flies xvdb
	must quiet xl migrate -s '' g 'xl migrate-receive'
	its_log_moves
	must G 'disktest fill xvda 1 1'
	must_not is_state g xvdb 4
	same "waits for what domain $id has in flight" "$(tail -n 1 "$DEBUGFS/$(device g xvdb)/store")" "what is told"
	must grep -q "waits for what domain $id has" <(/lab/tandem-status)
	must G '[ ! -e /run/wrote ]'
	must dmsetup resume held
	must eventually 10 is_state g xvdb 4
	must eventually 10 G '[ -e /run/wrote ]'
	same path "$(tail -n 1 "$DEBUGFS/$(device g xvdb)/store" | sed 's|.*/dev/mapper/held|path|')" "the store, not waited for"
	written=$(G 'disktest fill xvdb 0 1') || must false
	must detach xvdb
	same "$written" "$(sum /dev/mapper/held 0 1)" "what was written last"
	held_gone
	must eventually 20 xen_forgets "$id"
}

# The guest that arrived writes to another log; what it said before stays to be looked through.
its_log_moves() {
	local log=/var/log/xen/console/guest-g
	mv $log.log $log--before-$EPOCHSECONDS.log
	mv $log--incoming.log $log.log
}

paused() {
	load xvda 4
	turn xvda
	must xl pause g
	sleep 2
	must xl unpause g
	turn xvda
	loaded xvda
}

ktap_begin
scratch_disk
mkdir -p /mnt/loop
check "a guest starts" guest_up
check "a new size arrives, with a uevent" resized
variant "a new size arrives at a mounted disk" resized_mounted
variant "a frozen file system, and a new size meanwhile" frozen
check "the file system below is frozen: writes wait, reads go on" frozen_below
variant "a store that cannot be closed holds up no other disk" closes_late
variant "nor does one that cannot be opened" opens_late
check "xentop shows what the backend counts" topped
check "tandem-status shows the disk" told
check "a mounted disk stays; it goes when the guest lets go" detach_mounted
[ "$CYCLES" -eq 0 ] || check "$CYCLES connections leave nothing in the guest" guest_leaks
check "surprise removal under load" detach_forced
variant "surprise removal of a mounted disk" forced_mounted
variant "surprise removal of a disk that is being written to" forced_written
check "a read-only disk refuses writes" read_only
check "save and restore under verified load, times $MOVES" saved
variant "save and restore of an idle guest" idle_saved
variant "a checkpoint under verified load (save -c)" checkpointed
variant "a pause under verified load" paused
check "unbind and bind behind our frontend that writes" rebind xvda 1
check "migration of a PVH guest to localhost under verified load" migrated
variant "migration with a write in flight, which the store holds" migrated_in_flight
[ ! -s /tmp/downtime ] ||
	awk '{ print "# the longest time without a read, by its clock: " $1 " s, among " $2 }' /tmp/downtime
guest stop g
check "the guest goes" eventually 20 no_domain
check "no store is left open" umount $E
ktap_end
