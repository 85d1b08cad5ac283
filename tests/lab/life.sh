#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back ours --front kernel --raw-disk 256 --timeout 1200
#
# Connecting and letting go, again and again; unbinding behind a guest's back; and
# whether anything leaks.
# shellcheck disable=SC2016 # text for the guest's shell
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

CYCLES=${CYCLES:-30}
DISKS=${DISKS:-8}
E=/mnt/ext4

# census: what must not grow, as "name number" lines
census() {
	echo "threads $(threads)"
	echo "requests $(slab blkback_req)"
	echo "devices $(find "$DEBUGFS" -mindepth 1 -maxdepth 1 | wc -l)"
	echo "files $(cut -f1 /proc/sys/fs/file-nr)"
	echo "module $(awk '$1 == "tandem_blkback" { print $3 }' /proc/modules)"
	echo "vmalloc $(grep -cE 'tandem|xenbus_map_ring|gnttab' /proc/vmallocinfo)"
}

# grown BEFORE AFTER SLACK: fails if a number grew by more than its slack
grown() {
	local name n was bad=0
	while read -r name n; do
		was=$(awk -v k="$name" '$1 == k { print $2 }' "$1")
		case $name in
		files) was=$((was + 40)) ;;
		threads) was=$((was + 2)) ;;
		esac
		if [ "$n" -gt "$was" ]; then
			echo "$name: from $(awk -v k="$name" '$1 == k { print $2 }' "$1") to $n"
			bad=1
		fi
	done <"$2"
	return $bad
}

guest_up() {
	truncate -s 32M $E/steady.img
	truncate -s 16M $E/cycle.img
	must start -m 160 -f kernel -x /lab/disktest:/lab/bin/disktest -d file:$E/steady.img,xvda,w
}

# one cycle before the census: what is made once is made by then
warm_up() {
	must cycle 0
	census >/tmp/census.before
	cat /tmp/census.before
}

cycle() {
	local fill
	must attach file:$E/cycle.img,xvdb,w
	fill=$(G "disktest fill xvdb $(($1 % 15)) 1") || must false
	must detach xvdb
	blank $E/cycle.img
	same "$fill" "$(sum_cached $E/cycle.img $(($1 % 15)) 1)" "cycle $1"
}

cycles() {
	local i
	must G 'disktest load xvda 4'
	for i in $(seq "$CYCLES"); do
		cycle "$i"
	done
	more "$(G 'cat /run/turns.xvda')" 1 "rounds of the load"
	same good "$(G 'disktest loaded xvda')" "the load's verdict"
}

forced() {
	local i
	for i in 1 2 3 4 5; do
		must attach file:$E/cycle.img,xvdb,w
		must G 'disktest load xvdb 8'
		sleep 1
		quiet xl block-detach g xvdb --force
		must eventually 20 gone "$BUS/devices/$(device g xvdb)"
		must eventually 60 G '[ -e /run/load.xvdb ]'
		same failed "$(G 'cat /run/load.xvdb')" "the load's verdict"
		must eventually 20 G '! disk xvdb'
	done
}

no_leak() {
	sleep 3
	census >/tmp/census.after
	must grown /tmp/census.before /tmp/census.after
}

domains() {
	local i
	for i in 1 2 3; do
		must start -n "d$i" -m 96 -f kernel -d file:$E/cycle.img,xvda,w
		guest stop "d$i"
		must eventually 20 domain_gone "d$i"
	done
}

# unbind and bind again while the guest writes and verifies
rebind() {
	local id node
	id=$(device g xvda) node=$(backend_node g xvda)
	must G 'disktest load xvda 4'
	for i in 1 2 3; do
		sleep 1
		echo "$id" >$DRIVER/unbind || must false
		must eventually 10 gone "$BUS/devices/$id/driver"
		sleep 1
		echo "$id" >$DRIVER/bind || must false
		must eventually 10 [ -e "$BUS/devices/$id/store" ]
		if [ "$(cat "$BUS/devices/$id/store")" = none ]; then
			must env XENBUS_PATH="${node#/local/domain/0/}" /etc/xen/scripts/block-tandem add
		fi
		must eventually 10 moves xvda
	done
	same good "$(G 'disktest loaded xvda')" "the load's verdict"
}

# moves VDEV: requests are answered
moves() {
	local before
	before=$(inner g "$1" wr_sect)
	sleep 0.3
	[ "$(inner g "$1" wr_sect)" -gt "${before:-0}" ]
}

# the guest's driver lets go and comes back: the store stays open meanwhile
reconnect() {
	local id n before
	id=$(device g xvda)
	n=$(number xvda)
	before=$(G 'disktest fill xvda 2 1') || must false
	must G "cd /sys/bus/xen/drivers/vbd && echo vbd-$n >unbind"
	must eventually 10 is_state g xvda 6
	sleep 1
	same "file:$E/steady.img" "$(cat "$BUS/devices/$id/store")" "the store while nobody is connected"
	must G "xenstore-write device/vbd/$n/state 1; cd /sys/bus/xen/drivers/vbd && echo vbd-$n >bind"
	must G 'disktest wait xvda'
	same "file:$E/steady.img" "$(cat "$BUS/devices/$id/store")" "the store afterwards"
	same "$before" "$(G 'disktest sum xvda 2 1')" "the data"
}

store_busy() {
	must_not sh -c "echo none >'$(device_dir g xvda)/store'"
	must G 'disktest sum xvda 0 1'
}

letters() { printf '%s\n' b c d e f g h i j k l m n o p q | head -n "$DISKS"; }

many() {
	local i all
	all=$(letters | xargs)
	for i in $all; do
		truncate -s 8M "$E/$i.img"
		must attach "file:$E/$i.img,xvd$i,w"
	done
	for i in $all; do
		must G "disktest load xvd$i 1"
	done
	sleep 8
	same "$(yes good | head -n "$DISKS")" "$(G "for i in $all; do disktest loaded xvd\$i; done")" "the verdicts"
	for i in $all; do
		must detach "xvd$i"
	done
}

# a device that the kernel's driver has, and that nobody uses yet, becomes ours
handover() {
	insmod "$(find /lib/modules -name xen-blkback.ko)" || must false
	must attach "script=block-tandem,vdev=xvdb,access=w,target=$E/cycle.img"
	same tandem_blkback "$(basename "$(readlink "$(device_dir g xvdb)/driver")")" "the driver"
	must G 'disktest fill xvdb 1 1'
	must detach xvdb
}

# the same by hand: theirs, then ours, while the guest is idle
by_hand() {
	local id
	id=$(device g xvda)
	sleep 1
	echo "$id" >$DRIVER/unbind
	must eventually 10 gone "$BUS/devices/$id/driver"
	echo "$id" >$BUS/drivers/vbd/bind || must false
	sleep 1
	echo "$id" >$BUS/drivers/vbd/unbind || must false
	must eventually 10 gone "$BUS/devices/$id/driver"
	echo "$id" >$DRIVER/bind || must false
	must eventually 10 [ -e "$BUS/devices/$id/store" ]
	node=$(backend_node g xvda)
	must env XENBUS_PATH="${node#/local/domain/0/}" /etc/xen/scripts/block-tandem add
	must G 'disktest fill xvda 1 1'
}

unloads() {
	must eventually 10 rmmod tandem_blkback
	must rmmod tandem
	must gone "$DEBUGFS"
	same "" "$(slab blkback_req)" "the slab cache"
}

ktap_begin
scratch_disk
check "a guest starts" guest_up
check "one cycle" warm_up
check "$CYCLES connections under load, each verified" cycles
check "five forced removals under load" forced
check "three guests come and go" domains
check "no thread, request, file, mapping or module reference is left" no_leak
check "the store stays open while the guest's driver reconnects" reconnect
check "the store cannot be taken from a connected guest" store_busy
check "unbind and bind behind a guest that writes" rebind
check "$DISKS disks at once" many
check "still nothing leaked" no_leak
check "a new device is taken over from the kernel's driver" handover
check "an idle device goes to the kernel's driver and back" by_hand
guest stop g
check "the guest goes" eventually 20 no_domain
check "no store is left open" umount $E
check "the module unloads" unloads
ktap_end
