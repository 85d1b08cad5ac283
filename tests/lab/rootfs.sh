# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# rootfs.sh: guests that boot from a disk, with no help from the lab: a small root file
# system, and xl's own configuration file.
#
#   make_root IMAGE [MB]     a root file system with busybox; /sbin/init runs the
#                            script /task/NAME that the kernel's task=NAME selects,
#                            says "task NAME: STATUS", and powers off
#   task NAME                its script, from standard input (before make_root)
#   run_task NAME TASK CFG   create the guest, call MEANWHILE if it is set, wait until it
#                            has ended, print its console; succeeds if the task did

TREE=/srv/t/tree

task() {
	mkdir -p "$TREE/task"
	cat >"$TREE/task/$1"
}

make_tree() {
	local applet
	mkdir -p "$TREE"/{bin,sbin,proc,sys,dev,tmp,mnt,task}
	cp "$(command -v busybox)" "$TREE/bin/busybox"
	for applet in sh mount umount cat ls md5sum dd seq poweroff reboot swapon swapoff sync rm touch \
		grep awk free head mkdir sleep switch_root stat; do
		ln -sf busybox "$TREE/bin/$applet"
	done
	head -c 1000000 /dev/urandom >"$TREE/data"
	cat >"$TREE/sbin/init" <<-'END'
		#!/bin/sh
		export PATH=/bin:/sbin
		mount -t proc proc /proc
		mount -t sysfs sys /sys
		for w in $(cat /proc/cmdline); do
			case $w in task=*) t=${w#task=} ;; esac
		done
		sh /task/$t
		echo "task $t: $?"
		sync
		poweroff -f
	END
	chmod +x "$TREE/sbin/init"
}

make_root() {
	make_tree
	rm -f "$1"
	truncate -s "${2-16}M" "$1"
	mke2fs -q -F -t ext4 -E root_owner=0:0 -d "$TREE" "$1"
}

# run_task NAME TASK CFG-LINE...: CFG-LINEs are added to the configuration
run_task() {
	local name=$1 task=$2 log=/var/log/xen/console/guest-$1.log from
	shift 2
	{
		echo "name = \"$name\""
		echo "kernel = \"/lab/guests/builtin/vmlinuz\""
		echo "extra = \"console=hvc0 loglevel=5 oops=panic panic_on_warn=1 panic=-1 norandmaps task=$task\""
		echo 'on_crash = "preserve"'
		printf '%s\n' "$@"
	} >"/tmp/$name.cfg"
	touch "$log"
	from=$(stat -c %s "$log")
	quiet xl create -q "/tmp/$name.cfg" || return
	${MEANWHILE-} || return
	eventually 300 ended "$name" || return
	sleep 0.5
	tail -c "+$((from + 1))" "$log" | tr -d '\r' >"/tmp/$name.out"
	cat "/tmp/$name.out"
	domain_gone "$name" && grep -q "^task $task: 0" "/tmp/$name.out"
}

# gone, or crashed and kept
ended() {
	local state
	state=$(xl list "$1" 2>/dev/null | awk 'NR == 2 { print $(NF - 1) }')
	case $state in
	'' | *c*) ;;
	*) return 1 ;;
	esac
}
