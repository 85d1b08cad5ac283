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

# proc HOW...: the block device is mounted so in dom0, in as many places
proc() {
	local how number

	number=$(printf '%d:%d' "0x$(stat -c %t "$disk")" "0x$(stat -c %T "$disk")")
	export TANDEM_PROC=$FAKE/proc
	mkdir -p "$TANDEM_PROC/self"
	echo 'Filename Type Size Used Priority' >"$TANDEM_PROC/swaps"
	for how; do
		echo "36 35 $number / /mnt/$how $how,noatime shared:1 - ext4 $disk $how,errors=continue"
	done >"$TANDEM_PROC/self/mountinfo"
}

reads_phy() { # what dom0 only reads, a guest may read
	proc ro ro
	fake_vbd tandem_blkback "phy:$disk" mode=r
	run block-tandem add && served "phy:$disk"
}

refuses_mounted() {
	proc ro rw
	refuses "phy:$disk" "$disk: is in use: mounted on /mnt/rw, for writing" mode=r
}

refuses_swap() {
	proc
	echo "$disk partition 1024 0 -2" >>"$TANDEM_PROC/swaps"
	refuses "phy:$disk" "$disk: is in use as swap, for writing" mode=ro
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
	refused 'tandem_blkback does not take it' || return
	for _ in {1..50}; do
		[ ! -e "$DEVICE/driver" ] || break
		sleep 0.1
	done
	is driver vbd "$(basename "$(readlink "$DEVICE/driver")")"
}

leaves_served() { # SCRIPT: the kernel's driver serves a guest with it already
	fake_vbd vbd "$image" physical-device=7:0 state=4
	run block-tandem add && return 1
	refused "the kernel's driver serves it already" &&
		is driver vbd "$(basename "$(readlink "$DEVICE/driver")")"
}

other_driver() {
	fake_driver mine
	fake_vbd mine "$image"
	run block-tandem add && return 1
	refused 'driver mine has it'
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
	refused 'block script is missing'
}

not_loaded() {
	rm -r "$BUS/drivers/tandem_blkback"
	fake_vbd vbd "$image"
	run block-tandem add && return 1
	refused 'tandem_blkback is not loaded: modprobe'
}

no_device() {
	fake_vbd tandem_blkback "$image"
	rm -r "$DEVICE"
	run block-tandem add && return 1
	refused 'no such device after 5 s'
}

refuses() { # PARAMS TEXT [KEY=VALUE...]
	fake_vbd tandem_blkback "$1" "${@:3}"
	run block-tandem add && return 1
	refused "$2" && is store none "$(cat "$DEVICE/store")"
}

refuses_missing() { refuses /no/such.img '/no/such.img: is not there: create it'; }
refuses_directory() { refuses "$FAKE" "$FAKE: is a directory: name an image"; }
refuses_empty() { refuses '' 'disk sda1 names no image'; }
refuses_bare_prefix() { refuses 'file:' 'disk sda1 names no image'; }
refuses_chardev() { refuses /dev/null 'is a character device'; }
refuses_mode() { refuses "$image" 'mode x is unknown' mode=x; }

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
	refuses "$image" 'is smaller than one sector'
}

refuses_readonly() {
	chmod 444 "$image"
	refuses "$image" 'is read-only: make it writable, or end the disk line of sda1 in r'
}

kernel_says() {
	fake_vbd tandem_blkback "$image"
	fake_refusal "$image: is in use by domain 3 (vm 1234)"
	run block-tandem add && return 1
	refused "$image: is in use by domain 3 (vm 1234)"
}

kernel_silent() {
	fake_vbd tandem_blkback "$image"
	fake_refusal ''
	run block-tandem add && return 1
	refused "$image: No space left on device"
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

unknown_command() {
	fake_vbd tandem_blkback "$image"
	run block-tandem change && return 1
	refused 'change: unknown command'
}

other_class() {
	fake_vbd tandem_blkback "$image"
	export XENBUS_PATH=backend/qdisk/3/2049
	put_key state 2
	run block-tandem add && return 1
	refused 'is not a block device of ours'
}

ktap_begin
for t in serves_file serves_prefixed serves_in_place serves_absolute_path serves_odd_names \
	serves_readonly takes_unbound waits_for_device twice gives_back \
	leaves_served other_driver chains_without_module chains_when_told \
	chains_to_configured chains_served chains_removal no_original not_loaded no_device \
	refuses_missing refuses_directory refuses_empty refuses_bare_prefix \
	refuses_chardev refuses_mode refuses_odd_modes serves_modes refuses_newline refuses_fifo refuses_dangling \
	refuses_short refuses_readonly kernel_says kernel_silent directory_gone \
	removes removes_gone removes_failed_add unknown_command other_class; do
	ktap_check "$t" in_dom0 "$t"
done
ktap_check takes_from_kernel in_dom0 takes_from_kernel block-tandem
ktap_check takes_from_kernel_in_place in_dom0 takes_from_kernel block
disk=$(find /dev -maxdepth 1 -type b | head -n 1)
if [ -n "$disk" ]; then
	for t in serves_phy reads_phy refuses_mounted refuses_swap shares_mounted; do
		ktap_check "$t" in_dom0 "$t"
	done
else
	ktap_skip serves_phy "no block device on this machine"
fi
ktap_end
