#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back ours --front ours --timeout 600
#
# GRUB's own frontend for PV guests: it finds its configuration on a disk that our
# backend serves, loads a kernel from it, and boots it. With ALL=1 from a
# partition, too.
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh
# shellcheck source=tests/lab/rootfs.sh
. /lab/rootfs.sh

E=/mnt/ext4
GRUB=/usr/lib/grub-xen/grub-x86_64-xen.bin

prepare() {
	task root <<-'END'
		echo "data $(md5sum </data)"
		md5sum </boot/vmlinuz
		touch /written && sync
	END
	mkdir -p $TREE/boot/grub
	cp /lab/guests/builtin/vmlinuz $TREE/boot/vmlinuz
	cat >$TREE/boot/grub/grub.cfg <<-'END'
		set timeout=0
		echo "grub: loading"
		linux /boot/vmlinuz root=/dev/xvda rw console=hvc0 loglevel=5 oops=panic panic=-1 task=root
		boot
	END
	make_root $E/grub.img 48
}

GRUB_LOG=/var/log/xen/console/guest-grub.log

# fresh_log: a log of its own for each guest; what an earlier one said is still looked through
fresh_log() {
	[ ! -e $GRUB_LOG ] || mv $GRUB_LOG "${GRUB_LOG%.log}-$(date +%s%N).log"
	: >$GRUB_LOG
}

# boots SPEC
boots() {
	cat >/tmp/grub.cfg <<-END
		name = "grub"
		type = "pv"
		kernel = "$GRUB"
		memory = 128
		disk = [ '$1' ]
	END
	fresh_log
	must quiet xl create -q /tmp/grub.cfg
	must wait_log grub 'task root: 0' 200
	must eventually 20 domain_gone grub
	must grep -qaF "data $(md5sum <$TREE/data)" $GRUB_LOG
	must grep -qaF "$(md5sum <$TREE/boot/vmlinuz)" $GRUB_LOG
}

from_file() {
	boots file:$E/grub.img,xvda,w
	# debugfs itself never fails
	must eval "debugfs -R 'stat /written' $E/grub.img 2>&1 | grep -q 'Type: regular'"
}

from_partition() {
	dd if=$E/grub.img of="$PARTITION" bs=1M conv=fsync status=none
	boots "phy:$PARTITION,xvda,w"
}

ktap_begin
scratch_disk
if [ -e $GRUB ]; then
	prepare
	check "a kernel from an image file" from_file
	variant "a kernel from a partition" from_partition
else
	ktap_skip "a kernel from an image file" "no grub-xen-host in dom0"
fi
check "all guests have gone" eventually 20 no_domain
check "no store is left open" umount $E
ktap_end
