#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back ours --front ours --timeout 600
#
# Our frontend, built in, as the root disk: by the names of the configuration,
# without an initrd, in 32 MB, with swap under memory pressure. With --back kernel: under the
# kernel's backend. With ALL=1 more stores and names, an initrd, a reboot, and swap in a PVH
# guest and through reconnections, too.
# shellcheck disable=SC2016 # text for the guest's shell
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh
# shellcheck source=tests/lab/rootfs.sh
. /lab/rootfs.sh

E=/mnt/ext4
SUM=

tasks() {
	task root <<-'END'
		grep ' / ' /proc/mounts
		cat /proc/partitions
		echo "data $(md5sum </data)"
		touch /mark && sync && rm /mark
	END
	task names <<-'END'
		for d in sda1 hda5 hda3 xvda sdc; do
			[ -b /dev/$d ] || echo "no /dev/$d"
			[ -d /sys/block/$d ] || echo "no disk $d"
			s=$(dd if=/dev/$d bs=512 skip=2048 count=8 2>/dev/null | md5sum)
			echo "$d ${s%% *}"
		done
	END
	task swap_fill <<-'EOT'
		rm -f /sums
		swapon /dev/hda3 || exit 1
		mount -t tmpfs -o size=64m tmp /tmp || exit 1
		for i in $(seq 32); do
			dd if=/dev/urandom of=/tmp/$i bs=1M count=1 2>/dev/null || exit 1
			md5sum /tmp/$i >>/sums
		done
		awk '/^Swap(Total|Free)/ { v[$1] = $2 }
			END { print "swapped", v["SwapTotal:"] - v["SwapFree:"] }' /proc/meminfo
	EOT
	task swap <<-'EOT'
		. /task/swap_fill
		md5sum -c /sums >/ok || exit 1
		grep -c OK /ok
		md5sum -c /sums >/dev/null || exit 1
		rm -f /tmp/*
		swapoff /dev/hda3
	EOT
	task names_swap <<-'END'
		. /task/names
		. /task/swap
	END
	task swap_stays <<-'EOT'
		. /task/swap_fill
		(read line; touch /tmp/stop) </dev/console &
		n=0
		until [ -e /tmp/stop ]; do
			md5sum -c /sums >/dev/null || exit 1
			echo "round $((n += 1))"
		done
		md5sum -c /sums >/ok && grep -c OK /ok
	EOT
	task reboot <<-'END'
		if [ -e /mark ]; then
			echo "second boot, $(cat /mark)"
			exit 0
		fi
		echo first >/mark
		sync
		reboot -f
	END
}

prepare() {
	tasks
	make_root $E/root.img
	SUM=$(md5sum <$TREE/data)
	dd if=$E/root.img of="$PARTITION" bs=1M conv=fsync status=none
	truncate -s 8M $E/{a,b,c}.img
	for i in a b c; do
		dd if=/dev/urandom of=$E/$i.img bs=4k seek=256 count=1 conv=notrunc status=none
	done
	truncate -s 64M $E/swap.img
	mkswap -q $E/swap.img
}

# boots DISK NAME TYPE MB
boots() {
	must run_task r root "type = \"$3\"" "memory = $4" "disk = [ '$1' ]" "root = \"/dev/$2 rw\""
	same 1 "$(grep -cE "^/dev/(root|$2) / ext4 rw" /tmp/r.out)" "the root's line in /proc/mounts"
	same 1 "$(grep -cE " $2\$" /tmp/r.out)" "its name in /proc/partitions"
	same "data $SUM" "$(grep '^data ' /tmp/r.out)" "a file of it"
}

# initrd: finds the root by its name and changes to it
with_initrd() {
	local dir=/tmp/initrd
	mkdir -p $dir/{bin,proc,sys,dev,new}
	cp "$(command -v busybox)" $dir/bin/busybox
	cat >$dir/init <<-'END'
		#!/bin/busybox sh
		/bin/busybox mount -t devtmpfs dev /dev
		/bin/busybox mount -t ext4 /dev/hda5 /new
		exec /bin/busybox switch_root /new /sbin/init
	END
	chmod +x $dir/init
	(cd $dir && find . | busybox cpio -o -H newc 2>/dev/null) >/tmp/initrd.cpio
	must run_task r root 'memory = 64' "ramdisk = \"/tmp/initrd.cpio\"" \
		"disk = [ 'phy:$PARTITION,hda5,w', 'file:$E/swap.img,hda3,w' ]" 'root = "/dev/hda5 rw"'
	same 1 "$(grep -cE '^/dev/hda5 / ext4 rw' /tmp/r.out)" "the root's line in /proc/mounts"
	same "data $SUM" "$(grep '^data ' /tmp/r.out)" "a file of it"
}

# memory_swapped NAME: what that guest's task swap or swap_stays printed
memory_swapped() {
	more "$(awk '$1 == "swapped" { print $2 }' "/tmp/$1.out")" 15000 "KiB on swap"
	must grep -qx 32 "/tmp/$1.out"
}

names() {
	local d
	must run_task r names_swap 'memory = 32' 'root = "/dev/sda1 rw"' \
		"disk = [ 'file:$E/root.img,sda1,w', 'file:$E/a.img,hda5,w', 'file:$E/swap.img,hda3,w', 'file:$E/b.img,xvda,w', 'file:$E/c.img,sdc,r' ]"
	must_not grep -E '^no ' /tmp/r.out
	for d in a:hda5 b:xvda c:sdc root:sda1; do
		same "${d#*:} $(dd if="$E/${d%:*}.img" bs=512 skip=2048 count=8 2>/dev/null | md5sum | cut -d' ' -f1)" \
			"$(grep "^${d#*:} " /tmp/r.out)" "what is read from $d"
	done
	memory_swapped r
}

# swaps NAME TASK TYPE MB
swaps() {
	must run_task "$1" "$2" "type = \"$3\"" "memory = $4" 'root = "/dev/sda1 rw"' \
		"disk = [ 'file:$E/root.img,sda1,w', 'file:$E/swap.img,hda3,w' ]"
	memory_swapped "$1"
}

rounds() { grep -ca '^round ' /var/log/xen/console/guest-g.log; }
more_rounds() { [ "$(rounds)" -gt "$1" ]; }
# round: one more has ended
round() { must eventually 120 more_rounds "$(rounds)"; }

# While all of its memory comes and goes through the swap disk, the backend of both disks is
# unbound and bound, and the guest saved and restored.
disturbed() {
	local disk id
	round
	for disk in sda1 hda3; do
		[ "$LAB_BACK_VBD" = ours ] || break
		id=$(device g $disk)
		rebound "$id" $disk
		round
	done
	must quiet xl save g /srv/t/g.save
	must quiet xl restore /srv/t/g.save
	rm /srv/t/g.save
	round
	echo stop >"$(xenstore-read "/local/domain/$(domid g)/console/tty")"
}

swap_stays() {
	MEANWHILE=disturbed
	swaps g swap_stays pv 32
}

reboots() {
	local log=/var/log/xen/console/guest-b.log
	cat >/tmp/b.cfg <<-END
		name = "b"
		kernel = "/lab/guests/builtin/vmlinuz"
		memory = 32
		root = "/dev/sda1 rw"
		disk = [ 'file:$E/root.img,sda1,w' ]
		extra = "console=hvc0 loglevel=5 oops=panic panic=-1 task=reboot"
		on_reboot = "restart"
	END
	must quiet xl create -q /tmp/b.cfg
	must wait_log b 'task reboot: 0'
	must grep -qa 'second boot, first' $log
	must eventually 20 domain_gone b
	e2fsck -fn $E/root.img >/dev/null 2>&1 || must e2fsck -fp $E/root.img
}

ktap_begin
scratch_disk
prepare
variant "file, sda1, no initrd, 32 MB" boots file:$E/root.img,sda1,w sda1 pv 32
variant "partition, hda5, no initrd, 32 MB" boots "phy:$PARTITION,hda5,w" hda5 pv 32
variant "file, xvda, no initrd, 32 MB" boots file:$E/root.img,xvda,w xvda pv 32
variant "PVH: root disk, and swap under memory pressure" swaps r swap pvh 40
check "PVH: file, xvda, no initrd, 40 MB" boots file:$E/root.img,xvda,w xvda pvh 40
variant "partition hda5 with an initrd, swap file hda3" with_initrd
check "disks have the names of the configuration, one is for swap, under memory pressure in 32 MB" names
variant "swap under memory pressure in 32 MB, the backend bound anew, then save and restore" swap_stays
variant "reboot: what was written is there" reboots
check "all guests have gone" eventually 20 no_domain
check "no store is left open" umount $E
ktap_end
