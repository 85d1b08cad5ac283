#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The hotplug script on a dom0 made of files: what it takes, what it leaves to Xen's
# own script, and that each thing that can be wrong with a disk line is one clear error.
set -u
. "$(dirname "$0")/../lib/ktap.sh"
. "$(dirname "$0")/fake.sh"

# in_dom0 COMMAND...: a fresh dom0 for each test, gone afterwards
in_dom0() (
	fake_dom0
	"$@"
)

served() {
	is store "$1" "$(cat "$DEVICE/store")" &&
		is driver tandem_blkback "$(basename "$(readlink "$DEVICE/driver")")" &&
		is hotplug-status connected "$(get_key hotplug-status)" &&
		is physical-device-path "${1#*:}" "$(get_key physical-device-path)" &&
		is hotplug-error '' "$(get_key hotplug-error 2>/dev/null)"
}

serves() { # SCRIPT PARAMS STORE
	fake_vbd tandem_blkback "$2"
	run "$1" add && served "$3"
}

serves_file() { serves block-tandem "$image" "file:$image"; }
serves_prefixed() { serves block-tandem "file:$image" "file:$image"; }
serves_in_place() { serves block "$image" "file:$image"; }

serves_absolute_path() {
	fake_vbd tandem_blkback "$image"
	export XENBUS_PATH=/local/domain/0/$XENBUS_PATH
	run block-tandem add && served "file:$image"
}

serves_odd_names() {
	local name

	# shellcheck disable=SC2016 # names that a shell would expand
	for name in 'two words' ' lead' 'é' 'b\101ck' "quote'\"" '$HOME' '*' 'a:b' '-n'; do
		cp "$image" "$FAKE/$name"
		serves block-tandem "$FAKE/$name" "file:$FAKE/$name" || return
		rm -rf "$DEVICE" "$FAKE/xs/local/domain/0/backend"
	done
}

serves_phy() {
	serves block-tandem "phy:$disk" "phy:$disk" || return
	is physical-device "$(stat -c %t:%T "$disk")" "$(get_key physical-device)" || return
	rm -rf "$DEVICE" "$FAKE/xs/local/domain/0/backend"
	serves block-tandem "phy:${disk#/dev/}" "phy:$disk"
}

number_of_disk() { printf '%d:%d' "0x$(stat -c %t "$disk")" "0x$(stat -c %T "$disk")"; }

# proc HOW...: the block device is mounted so in dom0, in as many places
proc() {
	local how

	export TANDEM_PROC=$FAKE/proc
	mkdir -p "$TANDEM_PROC/self"
	echo 'Filename Type Size Used Priority' >"$TANDEM_PROC/swaps"
	for how; do
		echo "36 35 ${number:=$(number_of_disk)} / /mnt/$how $how,noatime shared:1 - ext4 $disk $how,errors=continue"
	done >"$TANDEM_PROC/self/mountinfo"
}

reads_phy() { # what dom0 only reads, a guest may read
	proc ro ro
	fake_vbd tandem_blkback "phy:$disk" mode=r
	run block-tandem add && served "phy:$disk"
}

refuses_mounted() {
	proc ro rw
	refuses "phy:$disk" "$disk: is in use: mounted on /mnt/rw: umount /mnt/rw, or mount -o remount,ro /mnt/rw (mode r is for" mode=r
}

refuses_swap() {
	proc
	echo "$disk partition 1024 0 -2" >>"$TANDEM_PROC/swaps"
	refuses "phy:$disk" "$disk: is in use as swap: swapoff $disk" mode=ro
}

shares_mounted() { # mode r!: the operator takes the blame
	proc rw
	fake_vbd tandem_blkback "phy:$disk" mode=r!
	run block-tandem add && served "phy:$disk"
}

serves_readonly() {
	chmod 444 "$image"
	fake_vbd tandem_blkback "$image" mode=r
	run block-tandem add && served "file:$image"
}

takes_from_kernel() { # SCRIPT
	fake_vbd vbd "$image"
	run "$1" add && served "file:$image" &&
		is bus "vbd/unbind vbd-3-2049 tandem_blkback/bind vbd-3-2049 " \
			"$(tr '\n' ' ' <"$FAKE/bus.log")"
}

takes_unbound() {
	fake_vbd '' "$image"
	run block-tandem add && served "file:$image"
}

waits_for_device() {
	fake_vbd tandem_blkback "$image"
	mv "$DEVICE" "$FAKE/later"
	(sleep 0.4 && mv "$FAKE/later" "$DEVICE") &
	run block-tandem add && served "file:$image"
}

twice() {
	serves_file || return
	echo "file:first" >"$DEVICE/store"
	run block-tandem add || return
	is store file:first "$(cat "$DEVICE/store")"
}

gives_back() { # our driver refuses the device: the kernel's has it again
	fake_vbd vbd "$image"
	touch "$BUS/drivers/tandem_blkback/refuses"
	run block-tandem add && return 1
	refused "tandem_blkback does not take vbd-3-2049 (not bound): the kernel's log says why" || return
	for _ in {1..50}; do
		[ ! -e "$DEVICE/driver" ] || break
		sleep 0.1
	done
	is driver vbd "$(basename "$(readlink "$DEVICE/driver")")"
}

leaves_served() { # SCRIPT: the kernel's driver serves a guest with it already
	fake_vbd vbd "$image" physical-device=7:0 state=4
	run block-tandem add && return 1
	refused "the kernel's driver serves it already: detach the disk and attach it again" &&
		is driver vbd "$(basename "$(readlink "$DEVICE/driver")")"
}

other_driver() {
	fake_driver mine
	fake_vbd mine "$image"
	run block-tandem add && return 1
	refused "driver mine has it: echo vbd-3-2049 >$BUS/drivers/mine/unbind"
}

chained() { # COMMAND
	is chained "$1 $XENBUS_PATH" "$(cat "$FAKE/chained" 2>&1)" &&
		is hotplug-status '' "$(get_key hotplug-status 2>/dev/null)"
}

chains_without_module() {
	rm -r "$BUS/drivers/tandem_blkback"
	fake_vbd vbd "$image"
	run block add && chained add
}

chains_when_told() {
	echo take=bound >"$FAKE/etc/xen/tandem.conf"
	fake_vbd vbd "$image"
	run block add && chained add
}

chains_to_configured() {
	mv "$SCRIPTS/block.xen" "$SCRIPTS/block.other"
	printf 'take=bound\noriginal=%s\n' "$SCRIPTS/block.other" >"$FAKE/etc/xen/tandem.conf"
	fake_vbd vbd "$image"
	run block add && chained add
}

chains_served() {
	fake_vbd vbd "$image" physical-device=7:0
	run block add && chained add
}

chains_removal() {
	fake_vbd vbd "$image" physical-device=7:0
	run block remove && chained remove
}

no_original() {
	rm "$SCRIPTS/block.xen"
	rm -r "$BUS/drivers/tandem_blkback"
	fake_vbd vbd "$image"
	run block add && return 1
	refused "$SCRIPTS/block.xen: is not there, and tandem_blkback does not serve this disk: reinstall xen-utils-common"
}

not_loaded() {
	rm -r "$BUS/drivers/tandem_blkback"
	fake_vbd vbd "$image"
	run block-tandem add && return 1
	refused "tandem_blkback is not loaded, and does not load: modprobe tandem_blkback, and the kernel's log, say why"
}

no_device() {
	fake_vbd tandem_blkback "$image"
	rm -r "$DEVICE"
	run block-tandem add && return 1
	refused "vbd-3-2049 does not appear on the backends' bus within 5 s: is the guest still there"
}

refuses() { # PARAMS TEXT [KEY=VALUE...]
	fake_vbd tandem_blkback "$1" "${@:3}"
	run block-tandem add && return 1
	refused "$2" && is store none "$(cat "$DEVICE/store")"
}

refuses_missing() { refuses "$FAKE/none.img" "$FAKE/none.img: is not there: create it, or correct"; }
refuses_folder() { refuses /no/such.img '/no/such.img: is not there, nor is the folder /no: is its file system mounted?'; }
refuses_device() { refuses phy:/dev/nothing '/dev/nothing: is not there: is the disk plugged in, the volume active?'; }
refuses_bare() { refuses guest.img "/dev/guest.img: is not there: a name without a folder is looked for in /dev: write an image's whole path"; }
refuses_directory() { refuses "$FAKE" "$FAKE: is a directory: name an image"; }
refuses_empty() { refuses '' 'no image is named: write a path in the disk line'; }
refuses_bare_prefix() { refuses 'file:' 'no image is named'; }
refuses_chardev() { refuses /dev/null 'is a character device'; }
refuses_mode() { refuses "$image" 'mode x is unknown: end the disk line in r or w' mode=x; }

refuses_odd_modes() {
	local mode

	for mode in '' W wr w!! '!' 'r ' rx; do
		refuses "$image" "mode $mode is unknown" "mode=$mode" || return
		rm -rf "$DEVICE" "$FAKE/xs/local/domain/0/backend"
	done
}

serves_modes() {
	local mode

	for mode in r ro r! ro! w rw w! rw!; do
		fake_vbd tandem_blkback "$image" "mode=$mode"
		run block-tandem add && served "file:$image" || return
		rm -rf "$DEVICE" "$FAKE/xs/local/domain/0/backend"
	done
}
refuses_newline() { refuses $'/srv/a\nb' 'contains a line break'; }

refuses_fifo() {
	mkfifo "$FAKE/fifo"
	refuses "$FAKE/fifo" 'is a FIFO: name an image'
}

refuses_dangling() {
	ln -s /no/where "$FAKE/link"
	refuses "$FAKE/link" 'is a link to /no/where, which is not there'
}

refuses_short() {
	truncate -s 511 "$image"
	refuses "$image" "$image: is smaller than one sector: give it its size first: truncate -s 1G $image"
}

refuses_readonly() {
	chmod 444 "$image"
	refuses "$image" "$image: is read-only by its permissions: chmod u+w $image, or end the disk line in r"
}

# backend_says STORE REASON TEXT: it does not open it, and the operator reads TEXT
backend_says() {
	fake_vbd tandem_blkback "$1"
	fake_refusal "$2"
	run block-tandem add && return 1
	refused "$3"
}

busy="is in use: mounted, swap, or held by another device or domain"
by_other="is in use by domain 5 (kanotix, disk xvda): xl shutdown kanotix, or xl block-detach kanotix xvda"

says_guest() { # found by the file, whatever its name there
	ln "$image" "$FAKE/other.img"
	fake_other tandem_blkback "file:$FAKE/other.img"
	backend_says "$image" "$image: is in use by domain 4 (two)" "$image: $by_other"
}

says_gone() { # nobody whom anybody knows
	backend_says "$image" "$image: is in use by domain 5 (two)" \
		"$image: is in use by domain 5 (two): tandem-status and fuser -v $image show by whom"
}

says_whole_path() { # of which the backend gives the beginning
	local long

	long=$FAKE/$(printf 'x%.0s' {1..120})
	cp "$image" "$long"
	backend_says "$long" "${long:0:80}: has no medium" "$long: has no medium: insert one"
}

says_swap_file() { backend_says "$image" "$image: is in use as swap here" "$image: is in use as swap here: swapoff $image"; }
says_program() { backend_says "$image" "$image: is in use as a program" "fuser -v $image show by whom"; }
says_readonly() { backend_says "$image" "$image: is on a read-only file system: use mode r" "use mode r: end the disk line in r, or"; }
says_right() { backend_says "$image" "$image: permission denied" "permission denied: root of this domain may not open it"; }
says_unplugged() { backend_says "$image" "$image: no such file or device" "it went away just now: is it unplugged"; }
says_open() { backend_says "$image" "already open: $image" "already open: $image: detach the disk and attach it again"; }
says_else() { backend_says "$image" "$image: cannot be opened" "cannot be opened: Is a directory: the kernel's log"; }
says_nothing() { backend_says "$image" '' "$image: Is a directory: the kernel's log may say more"; }

busy_with() { backend_says "phy:$disk" "$disk: $busy" "$disk: $1"; }

busy_mounted() {
	proc rw
	busy_with "is in use: mounted on /mnt/rw: umount /mnt/rw"
}

busy_swap() {
	proc
	echo "$disk partition 1024 0 -2" >>"$TANDEM_PROC/swaps"
	busy_with "is in use as swap: swapoff $disk"
}

busy_guest() {
	proc
	fake_other tandem_blkback "phy:$disk"
	busy_with "$by_other"
}

busy_unknown() {
	proc
	busy_with "$busy: tandem-status and fuser -v $disk show by whom"
}

# below NAME: a volume or array of that name is made of the block device
below() {
	held=$TANDEM_SYSFS/dev/block/$(number_of_disk)/holders/$1
	mkdir -p "$held/dm"
	proc
}

busy_volume() {
	below dm-3
	echo vg-root >"$held/dm/name"
	busy_with "is in use by dm-3 (vg-root): name /dev/mapper/vg-root in the disk line, or dmsetup remove vg-root"
}

busy_array() {
	below md127
	busy_with "is in use by md127: name /dev/md127 in the disk line, or mdadm --stop /dev/md127"
}

busy_other_layer() {
	below bcache0
	busy_with "is in use by bcache0: name that in the disk line, or end it"
}

busy_partition() { # of the disk that is to be served
	number=250:7 proc rw
	sed -i "s,$disk,/dev/part7," "$TANDEM_PROC/self/mountinfo"
	mkdir -p "$TANDEM_SYSFS/dev/block/$(number_of_disk)/part7"
	echo 7 >"$TANDEM_SYSFS/dev/block/$(number_of_disk)/part7/partition"
	echo 250:7 >"$TANDEM_SYSFS/dev/block/$(number_of_disk)/part7/dev"
	# a character device of the disk's, with the number of a block device in use
	mkdir -p "$TANDEM_SYSFS/dev/block/$(number_of_disk)/device"
	echo 250:8 >"$TANDEM_SYSFS/dev/block/$(number_of_disk)/device/dev"
	busy_with "is in use: mounted on /mnt/rw (/dev/part7): umount /mnt/rw"
}

# by_kernel [VM]: the kernel's driver serves it to another guest, and knows of no holder
by_kernel() {
	proc
	fake_other vbd "$(stat -c %t:%T "$disk")" "$@"
}

refuses_kernels() {
	by_kernel
	refuses "phy:$disk" "$disk: $by_other"
}

refuses_kernels_reading() {
	by_kernel
	refuses "phy:$disk" "$disk: $by_other (mode r is for" mode=r
}

shares_with_kernels() {
	by_kernel
	echo r >"$BUS/devices/vbd-5-51712/mode"
	fake_vbd tandem_blkback "phy:$disk" mode=r
	run block-tandem add && served "phy:$disk"
}

follows_kernels() { # one machine, before and after its migration to this host
	by_kernel /vm/one
	fake_vbd tandem_blkback "phy:$disk"
	run block-tandem add && served "phy:$disk"
}

refuses_loop() {
	proc
	fake_loop "$disk" 0
	refuses "$image" "$image: is in use by $disk: losetup -d $disk"
}

refuses_mounted_loop() {
	proc ro
	fake_loop "$disk" 1
	refuses "$image" "$image: is in use by $disk, which is in use: mounted on /mnt/ro: umount /mnt/ro, then losetup -d $disk"
}

refuses_kernels_loop() { # Xen's own script makes one for each image
	by_kernel
	fake_loop "$disk" 0
	refuses "$image" "$image: is in use by $disk, which $by_other, then losetup -d $disk"
}

refuses_written_loop() {
	proc rw
	fake_loop "$disk" 0
	refuses "$image" "$image: is in use by $disk, which is in use: mounted on /mnt/rw: umount /mnt/rw, or mount -o remount,ro /mnt/rw, then losetup -d $disk (mode r" mode=r
}

refuses_readonly_device() {
	proc
	mkdir -p "$TANDEM_SYSFS/dev/block/$(number_of_disk)"
	echo 1 >"$TANDEM_SYSFS/dev/block/$(number_of_disk)/ro"
	refuses "phy:$disk" "$disk: is read-only: blockdev --setrw $disk, or end the disk line in r"
}

directory_gone() { # the toolstack gave up: nothing is written, nothing stays open
	fake_vbd tandem_blkback "$image"
	xenstore-rm "$XENBUS_PATH/state"
	run block-tandem add && return 1
	is hotplug-status '' "$(get_key hotplug-status 2>/dev/null)" &&
		is store none "$(cat "$DEVICE/store")"
}

removes() {
	serves_file || return
	run block-tandem remove && is store none "$(cat "$DEVICE/store")" || return
	run block-tandem remove && run block remove
}

removes_gone() {
	serves_file || return
	rm -r "$DEVICE"
	run block-tandem remove && run block remove &&
		is chained '' "$(cat "$FAKE/chained" 2>/dev/null)"
}

removes_failed_add() { # add was killed between the store and its note in xenstore
	fake_vbd tandem_blkback "$image"
	echo "file:$image" >"$DEVICE/store"
	run block remove && is store none "$(cat "$DEVICE/store")"
}

removes_not() {
	fake_vbd tandem_blkback "$image"
	put_key physical-device-path "$image"
	# it is held, by what is read, and cannot be written
	ln -sf /proc/version "$DEVICE/store"
	run block-tandem remove && return 1
	refused "the backend still holds $image ("
}

unknown_command() {
	fake_vbd tandem_blkback "$image"
	run block-tandem change && return 1
	refused 'change: unknown command: the toolstack says add or remove'
}

other_class() {
	fake_vbd tandem_blkback "$image"
	export XENBUS_PATH=backend/qdisk/3/2049
	put_key state 2
	run block-tandem add && return 1
	refused "$XENBUS_PATH: is not a block device of ours: script=block-tandem is for disk lines"
}

ktap_begin
for t in serves_file serves_prefixed serves_in_place serves_absolute_path serves_odd_names \
	serves_readonly takes_unbound waits_for_device twice gives_back \
	leaves_served other_driver chains_without_module chains_when_told \
	chains_to_configured chains_served chains_removal no_original not_loaded no_device \
	refuses_missing refuses_folder refuses_device refuses_bare refuses_directory refuses_empty refuses_bare_prefix \
	refuses_chardev refuses_mode refuses_odd_modes serves_modes refuses_newline refuses_fifo refuses_dangling \
	refuses_short refuses_readonly says_guest says_gone says_whole_path says_swap_file \
	says_program says_readonly says_right says_unplugged says_open says_else says_nothing directory_gone \
	removes removes_gone removes_failed_add removes_not unknown_command other_class; do
	ktap_check "$t" in_dom0 "$t"
done
ktap_check takes_from_kernel in_dom0 takes_from_kernel block-tandem
ktap_check takes_from_kernel_in_place in_dom0 takes_from_kernel block
disk=$(find /dev -maxdepth 1 -type b | head -n 1)
if [ -n "$disk" ]; then
	for t in serves_phy reads_phy refuses_mounted refuses_swap shares_mounted \
		busy_mounted busy_swap busy_guest busy_unknown busy_volume busy_array \
		busy_other_layer busy_partition refuses_kernels refuses_kernels_reading \
		shares_with_kernels follows_kernels refuses_loop refuses_mounted_loop \
		refuses_kernels_loop refuses_written_loop refuses_readonly_device; do
		ktap_check "$t" in_dom0 "$t"
	done
else
	ktap_skip serves_phy "no block device on this machine"
fi
ktap_end
