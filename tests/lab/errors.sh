#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back ours --front kernel --timeout 900
#
# What an operator can get wrong: each gives one clear error in xl's output, and
# leaves nothing behind. With ALL=1 more of them.
# shellcheck disable=SC2016 # text for the guest's shell
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

E=/mnt/ext4

# refused SPEC REGEX [GUEST]: attaching it as xvdb fails, with one line that says why. libxl
# leaves the directories of a device whose script fails, whatever the backend, until it is
# detached, which must work and leave nothing. What libxl itself refuses, it never makes.
refused() {
	local g=${3-g}
	must_not quiet xl block-attach "$g" "$1"
	cp /tmp/quiet.out /tmp/err
	matches /tmp/err "$2" "lines that say why"
	if xenstore-exists "$(backend_node "$g" xvdb)"; then
		same error "$(xenstore-read "$(backend_node "$g" xvdb)/hotplug-status")" hotplug-status
		must detach xvdb "$g"
	fi
	must gone "$(device_dir "$g" xvdb)"
	must no_node "$(frontend_node "$g" xvdb)"
}

# by_name PATH [ACCESS]: the disk line that names our script
by_name() { echo "script=block-tandem,vdev=xvdb,access=${2-w},target=$1"; }

missing_by_name() { refused "$(by_name $E/none.img)" "disk xvdb of g: $E/none.img: is not there: create it"; }
missing() { refused file:$E/none.img,xvdb,w "$E/none.img.*No such file"; }

missing_device() { refused "$(by_name /dev/nothing)" "/dev/nothing: is not there: is the disk plugged in"; }

dangling() {
	ln -sf $E/nowhere.img $E/link.img
	refused "$(by_name $E/link.img)" "$E/link.img: is a link to $E/nowhere.img, which is not there"
}

directory() {
	mkdir -p $E/dir.img
	refused "$(by_name $E/dir.img)" "$E/dir.img: is a directory"
}

empty() {
	: >$E/empty.img
	refused file:$E/empty.img,xvdb,w "$E/empty.img: is smaller than one sector"
}

fifo() {
	mkfifo $E/fifo.img
	refused "$(by_name $E/fifo.img)" "$E/fifo.img: is a FIFO"
}

character() { refused "$(by_name /dev/zero)" "/dev/zero: is a character device"; }

spaces() {
	local path="$E/an image  with spaces.img"
	truncate -s 32M "$path"
	must attach "file:$path,xvdb,w"
	same "file:$path" "$(cat "$(device_dir g xvdb)/store")" "the store"
	same "$(G 'disktest fill xvdb 1 1')" "$(blank "$path"; sum_cached "$path" 1 1)" "what the guest wrote"
	must detach xvdb
}

# An image that only the operator's own mounts show: the path means what it means to xl.
own_mounts() {
	local holder fill
	mkdir -p /tmp/own
	unshare --mount sh -c 'mount -t tmpfs own /tmp/own && truncate -s 8M /tmp/own/a.img && exec sleep 10000' &
	holder=$!
	must eventually 10 [ -e "/proc/$holder/root/tmp/own/a.img" ]
	must gone /tmp/own/a.img
	must quiet nsenter --target $holder --mount xl block-attach g file:/tmp/own/a.img,xvdb,w
	fill=$(G 'disktest fill xvdb 1 1') || must false
	same "$fill" "$(sum_cached "/proc/$holder/root/tmp/own/a.img" 1 1)" "what the guest wrote"
	must detach xvdb
	kill $holder
}

busy_elsewhere() {
	local h was
	was=$(stat -c '%y %z' $E/h.img)
	h=$(domid h)
	refused file:$E/h.img,xvdb,w "$E/h.img: is in use by domain $h \(h, disk xvda\): xl shutdown h, or xl block-detach h xvda"
	refused file:$E/h.img,xvdb,r "$E/h.img: is in use by domain $h"
	same "$was" "$(stat -c '%y %z' $E/h.img)" "the times of an image that was refused"
	ln -f $E/h.img $E/h2.img
	refused file:$E/h2.img,xvdb,w "$E/h2.img: is in use by domain $h \(h, disk xvda\)"
	must G true
	must guest sh h 'disktest sum xvda 0 1'
}

busy_device_elsewhere() {
	must quiet xl block-attach h "phy:$PARTITION,xvdb,w"
	refused "phy:$PARTITION,xvdb,w" "$PARTITION: is in use by domain $(domid h) \(h, disk xvdb\)"
	must detach xvdb h
}

two_readers() {
	must quiet xl block-attach h file:$E/ro.img,xvdc,r
	must attach file:$E/ro.img,xvdc,r
	same "$(sum_cached $E/ro.img 0 2)" "$(G 'disktest sum xvdc 0 2')" "what one guest reads"
	same "$(sum_cached $E/ro.img 0 2)" "$(guest sh h 'disktest sum xvdc 0 2')" "what the other reads"
	refused file:$E/ro.img,xvdb,w "$E/ro.img: is in use by domain"
}

# the first reader goes, the second stays: it is the one to be named
second_reader() {
	must detach xvdc h
	refused file:$E/ro.img,xvdb,w "$E/ro.img: is in use by domain $(domid g)" h
	must detach xvdc
}

mounted_partition() { refused "phy:${PARTITION%1}2,xvdb,w" "2: is in use: mounted on $E: umount $E"; }
whole_disk() { refused "phy:${PARTITION%1},xvdb,w" "${PARTITION%1}: is in use: mounted on $E \(${PARTITION%1}2\): umount $E"; }

swap_device() {
	must mkswap -q "$PARTITION"
	must swapon "$PARTITION"
	refused "phy:$PARTITION,xvdb,w" "$PARTITION: is in use as swap: swapoff $PARTITION"
	swapoff "$PARTITION"
}

swap_file() {
	must dd if=/dev/zero of=$E/swap.img bs=1M count=8 status=none
	chmod 600 $E/swap.img
	must mkswap -q $E/swap.img
	must swapon $E/swap.img
	refused file:$E/swap.img,xvdb,w "$E/swap.img: is in use as swap here: swapoff $E/swap.img"
	swapoff $E/swap.img
}

looped() {
	local loop
	truncate -s 8M $E/loop.img
	loop=$(losetup -f --show $E/loop.img) || must false
	refused file:$E/loop.img,xvdb,w "$E/loop.img: is in use by $loop: losetup -d $loop"
	losetup -d "$loop"
}

read_only_fs() {
	mkdir -p /mnt/ro
	must mount -t tmpfs none /mnt/ro
	truncate -s 8M /mnt/ro/a.img
	must mount -o remount,ro /mnt/ro
	refused file:/mnt/ro/a.img,xvdb,w "/mnt/ro/a.img: is on a read-only file system: mount -o remount,rw /mnt/ro, or"
	must attach file:/mnt/ro/a.img,xvdb,r
	must detach xvdb
	must umount /mnt/ro
}

read_only_device() {
	must blockdev --setro "$PARTITION"
	refused "phy:$PARTITION,xvdb,w" "$PARTITION: is read-only: blockdev --setrw $PARTITION, or"
	must attach "phy:$PARTITION,xvdb,r"
	must detach xvdb
	blockdev --setrw "$PARTITION"
}

write_refused() {
	local before
	before=$(sum_cached "$PARTITION" 0 4)
	must attach "phy:$PARTITION,xvdb,r"
	same 1 "$(G 'cat /sys/block/$(basename $(disk xvdb))/ro')" "what the guest knows"
	must_not G 'disktest fill xvdb 0 1'
	same 0 "$(counter g xvdb wr_req)" "writes"
	must detach xvdb
	blank "$PARTITION"
	same "$before" "$(sum_cached "$PARTITION" 0 4)" "the data"
}

bad_mode() { refused "file:$E/h.img,xvdb,q" "(mode|access|disk)"; }

# create_refused PATH REGEX
create_refused() {
	cat >/tmp/bad.cfg <<-END
		name = "bad"
		kernel = "/lab/guests/modular/vmlinuz"
		memory = 64
		disk = [ '$1' ]
	END
	must_not xl create -q /tmp/bad.cfg </dev/null >/tmp/err 2>&1
	matches /tmp/err "$2" "lines that say why"
	must eventually 10 domain_gone bad
	same "" "$(find "$BUS/devices/" -name 'vbd-*' | grep -vE "vbd-($(domid g)|$(domid h))-")" "devices left"
}

create_missing() { create_refused "script=block-tandem,vdev=xvda,access=w,target=$E/none.img" "none.img: is not there"; }
create_busy() { create_refused "file:$E/h.img,xvda,w" "h.img: is in use by domain $(domid h)"; }
create_directory() { create_refused "script=block-tandem,vdev=xvda,access=w,target=$E" "$E: is a directory"; }

# told TEXT REGEX: the driver itself refuses such a store, and says why
told() {
	local store
	store=$(device_dir g xvdb)/store
	must_not sh -c "echo '$1' >$store" 2>/dev/null
	matches "${store}_error" "$2" "lines that say why $1 is refused"
}

# complains NODE TEXT
complains() { [[ "$(xenstore-read "$1" 2>/dev/null)" = *"$2"* ]]; }

# Without our script, which looks first, it is the driver that says what is wrong. A script
# that knows nothing of it writes physical-device. What was wrong once does not stay so.
without_script() {
	local id back error number
	truncate -s 8M $E/d.img
	: >$E/empty.img
	must attach file:$E/d.img,xvdb,w
	id=$(device g xvdb) back=$(backend_node g xvdb) error=$(error_node g xvdb)
	told "file:$E/h.img" "^already open: $E/d.img$"
	echo "$id" >$DRIVER/unbind || must false
	xenstore-rm "$back/physical-device"
	echo "$id" >$DRIVER/bind || must false
	must eventually 10 [ -e "$BUS/devices/$id/store" ]
	told file:d.img '^d.img: not an absolute path$'
	told "file:$E/none.img" "^$E/none.img: no such file or device$"
	told "file:$E" "^$E: is a directory, not a disk image$"
	told "phy:$E/d.img" "^$E/d.img: is a file \(use file: for it\), not a block device$"
	told file:/dev/zero '^/dev/zero: is neither file nor block device, not a disk image$'
	told "file:$E/empty.img" "^$E/empty.img: is empty; give it a size first$"
	told "file:$E/h.img" "^$E/h.img: is in use by domain $(domid h) "
	told "phy:${PARTITION%1}2" '2: is in use: mounted, swap, or held by'
	cp "$(command -v sleep)" $E/program
	$E/program 1000 &
	told "file:$E/program" "^$E/program: is in use as a program$"
	kill $!
	must mount --bind $E /mnt/ro
	must mount -o remount,bind,ro /mnt/ro
	told file:/mnt/ro/d.img '^/mnt/ro/d.img: is on a read-only file system: use mode r$'
	must umount /mnt/ro
	for number in one:two 7 7:1: 7:1x 100000007:1 -7:1 '' 0:0 1000:1; do
		quiet xenstore-rm "$error"
		must xenstore-write -- "$back/physical-device" "$number"
		must eventually 10 complains "$error" 'physical-device is not major:minor in hex' "$number"
	done
	echo "file:$E/d.img" >"$BUS/devices/$id/store" || must false
	must G 'disktest fill xvdb 1 1'
	must detach xvdb
}

after_detach() {
	local back
	truncate -s 8M $E/d.img
	must attach file:$E/d.img,xvdb,w
	back=$(backend_node g xvdb)
	must xenstore-exists "$back"
	same connected "$(xenstore-read "$back/hotplug-status")" hotplug-status
	must detach xvdb
	must gone "$DEBUGFS/$(device g xvdb)"
}

tidy_stores() {
	swapoff -a
	losetup -D
	blockdev --setrw "$PARTITION"
	umount /mnt/ro
}

guests_up() {
	truncate -s 32M $E/h.img
	truncate -s 8M $E/ro.img
	dd if=/dev/urandom of=$E/ro.img bs=1M count=2 conv=notrunc status=none
	must start -m 96 -f kernel -x /lab/disktest:/lab/bin/disktest
	must start -n h -m 96 -f kernel -x /lab/disktest:/lab/bin/disktest -d file:$E/h.img,xvda,w
}

ktap_begin
scratch_disk
check "two guests start" guests_up
variant "a missing image, named to our script" missing_by_name
check "a missing image" missing
check "a missing device" missing_device
variant "a link to nothing" dangling
check "a directory" directory
variant "an empty file" empty
variant "a FIFO" fifo
variant "a character device" character
check "a path with spaces works" spaces
variant "an image that only the operator's own mounts show" own_mounts
check "an image that another guest writes" busy_elsewhere
variant "a device that another guest writes" busy_device_elsewhere
check "an image that two guests read works" two_readers
check "an image that is read, after its first reader has gone" second_reader
check "a mounted partition" mounted_partition
variant "a disk with a mounted partition" whole_disk
check "a device used as swap" swap_device
variant "a file used as swap" swap_file
check "a file that a loop device holds" looped
check "a read-only file system" read_only_fs
variant "a read-only device" read_only_device
check "a write to a disk that is read-only" write_refused
check "an unknown mode" bad_mode
check "xl create: a missing image" create_missing
variant "xl create: a directory" create_directory
check "xl create: an image in use" create_busy
check "the driver's own errors, without a script" without_script
variant "detaching leaves no node" after_detach
guest stop g
guest stop h
check "the guests go" eventually 20 no_domain
check "no store is left open" umount $E
ktap_end
