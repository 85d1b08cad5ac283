#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back ours --front ours --timeout 600
# add: build/article/uclibroot.img
# add: scripts/article/uclibroot.cfg
# add: scripts/article/kanotix.cfg
#
# The article's steps, as its readers type them: xm, two guests from their
# configuration files as they are, and their consoles.
# shellcheck disable=SC2016 # text for the guest's shell
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

FIRST=uclibroot
SECOND=kanotix
PASSWORD=Rahmen-27
SWAP_MB=300

# A conversation with a guest's console. What has been heard is behind us.
#
#   open COMMAND...   a command that gives the console, on a terminal of its own
#   say TEXT          type a line
#   hear REGEX        wait until the console has said so
#   ask COMMAND       run it in the guest's shell; its output, if it ends well
#   leave             with ^]
open() {
	rm -f /tmp/keys /tmp/screen
	mkfifo /tmp/keys /tmp/screen
	exec 7<>/tmp/keys 8<>/tmp/screen
	socat - EXEC:"$*",pty,setsid,ctty,raw,echo=0,stderr <&7 >&8 2>/dev/null 7>&- 8>&- &
	console=$! unheard=
}

say() { printf '%s\n' "$1" >&7; }

# one wait is as long as nothing comes
hear() {
	local piece silent=0
	until [[ $unheard =~ $1 ]]; do
		piece=
		IFS= read -r -t 0.2 -N 65536 piece <&8
		unheard+=${piece//$'\r'/}
		[ -z "$piece" ] || silent=0
		[ $((silent += 1)) -lt 300 ] || {
			printf 'not heard: %s\n%s\n' "$1" "$unheard"
			exit 1
		}
	done
	heard=$unheard unheard=
}

# the shell repeats what is typed: there the mark is not yet expanded
ask() {
	say "$1; echo \"<\$?>\""
	hear $'\n<[0-9]+>'
	sed '1d;/^<[0-9]*>/,$d' <<<"$heard"
	[[ $heard =~ $'\n<0>' ]]
}

# shows REGEX COMMAND: what it prints in the guest has such a line
shows() {
	ask "$2" >/tmp/shown || {
		cat /tmp/shown
		exit 1
	}
	must grep -E -- "$1" /tmp/shown
}

leave() {
	printf '\035' >&7
	wait "$console"
	exec 7>&- 8>&-
}

# log_in [PASSWORD]: as root, at a prompt that may have been there for long
log_in() {
	say ''
	hear 'login: $'
	say root
	if [ $# -gt 0 ]; then
		hear 'Password: '
		say "$1"
	fi
	hear '# (.\[6n)?$'
}

log_out() {
	say exit
	hear 'login: $'
	leave
}

boot_messages() {
	xm dmesg >/tmp/dmesg
	matches /tmp/dmesg 'Xen version 4' "lines with Xen's version"
	must grep -q 'Xen is relinquishing VGA console\|Initrd len\|Command line' /tmp/dmesg
}

list_alone() {
	xm list >/tmp/list
	matches /tmp/list '^Name +ID +Mem +VCPUs\s+State\s+Time\(s\)$' "heads"
	matches /tmp/list '^Domain-0 +0 +[0-9]+ +1 +r----- +[0-9.]+$' "lines of dom0"
	same 2 "$(wc -l </tmp/list)" "lines"
}

verbs() {
	local verb
	xm help >/tmp/help 2>&1
	for verb in create list console shutdown reboot destroy save restore migrate block-attach \
		block-detach network-attach mem-set pause unpause info dmesg; do
		matches /tmp/help "^ $verb " "lines on $verb"
	done
}

first_guest() {
	open xm create $FIRST.cfg -c
	hear "Linux version"
	hear 'login: $'
	leave
	xm list >/tmp/list
	matches /tmp/list "^$FIRST +$(domid $FIRST) +32 +1 +[-rb]{6} +[0-9.]+$" "lines of the guest"
}

# served GUEST VDEV STORE
served() {
	same tandem_blkback "$(basename "$(readlink "$(device_dir "$1" "$2")/driver")")" "the driver of $2"
	same "$3" "$(cat "$(device_dir "$1" "$2")/store")" "the store of $2"
	same "" "$(losetup -n -O NAME)" "loop devices"
}

root_named() {
	served $FIRST sda1 file:/tmp/uclibroot.img
	open xm console "$(domid $FIRST)"
	log_in
	shows ' on / type ext4 \(rw' mount
	shows ' sda1$' 'cat /proc/partitions'
	shows '/tandem_blkfront$' 'readlink /sys/block/sda1/device/driver'
	log_out
}

sets_password() {
	open xm console "$(domid $FIRST)"
	log_in
	say passwd
	hear 'New password: '
	say $PASSWORD
	hear 'Retype password: '
	say $PASSWORD
	hear 'changed by root'
	log_out
}

# slowly COMMAND...: until it is true. A second of sleep is nothing here, xl takes long.
slowly() {
	local left=60
	until "$@"; do
		[ $((left -= 1)) -gt 0 ] || must "$@"
		sleep 1
	done
}

came_back() { # OLD DOMID
	local id
	id=$(domid $FIRST) && [ "$id" -gt "$1" ]
}

# password_set: the empty one no longer does, the one that was set does
password_set() {
	open xm console $FIRST
	say ''
	hear 'login: $'
	say root
	hear 'Password: '
	say ''
	hear 'Login incorrect'
	log_in $PASSWORD
}

reboots_from_dom0() {
	local id
	id=$(domid $FIRST)
	must quiet xm shutdown -R "$id"
	slowly came_back "$id"
	password_set
	log_out
}

reboots_itself() {
	local id
	id=$(domid $FIRST)
	open xm console "$id"
	log_in $PASSWORD
	say reboot
	slowly came_back "$id"
	leave
	password_set
	log_out
}

ADDRESS=192.168.1.93

# network_up: with what the configuration says, by the guest's own script
network_up() {
	open xm console "$(domid $FIRST)"
	log_in $PASSWORD
	shows "inet $ADDRESS/24" 'ip addr show eth0'
	shows '^default via 192.168.1.252' 'ip route'
	log_out
	must quiet ping -c 1 -W 10 $ADDRESS
}

ssh_in() {
	open ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@$ADDRESS
	hear 'password: $'
	say $PASSWORD
	hear '# (.\[6n)?$'
}

ssh_out() {
	say exit
	wait "$console"
	exec 7>&- 8>&-
}

secure_shell() {
	ssh_in
	shows ' / type ext4 \(rw' mount
	ssh_out
}

# frozen_and_thawed: the session that was open goes on, and the disk is the one that it was
frozen_and_thawed() {
	local id
	id=$(domid $FIRST)
	ssh_in
	must ask 'echo before >/root/file'
	must quiet xm save $FIRST /srv/t/first.save
	slowly domain_gone $FIRST
	must quiet xm restore /srv/t/first.save
	must came_back "$id"
	must ask 'echo after >>/root/file && sync'
	shows '^before after $' 'tr "\n" " " </root/file; echo'
	ssh_out
	rm /srv/t/first.save
}

console_without_network() {
	open xm console "$(domid $FIRST)"
	log_in $PASSWORD
	must ask 'ip link set eth0 down'
	log_out
	open xm console "$(domid $FIRST)"
	log_in $PASSWORD
	shows 'eth0: <BROADCAST,MULTICAST>' 'ip link show eth0'
	log_out
}

bare_device() {
	must quiet xm block-attach $FIRST script=block-tandem,vdev=hda5,target=hda5
	served $FIRST hda5 phy:/dev/hda5
	must detach hda5 $FIRST
}

shuts_down() {
	must quiet xm shutdown $FIRST
	slowly domain_gone $FIRST
}

# moved: the image goes elsewhere and is there under the name that the configuration has
moved() {
	mkdir -p /srv/elsewhere
	cp /tmp/uclibroot.img /srv/elsewhere/
	rm /tmp/uclibroot.img
	ln -s /srv/elsewhere/uclibroot.img /tmp/uclibroot.img
	must quiet xm create /etc/xen/$FIRST.cfg
	password_set
	log_out
	xm destroy $FIRST
	slowly domain_gone $FIRST
}

swap_image() {
	must dd if=/dev/zero of=/tmp/swap.img bs=1M count=$SWAP_MB status=none
	must mkswap -q /tmp/swap.img
}

# initrd: finds what root= names, and changes to it
make_initrd() {
	local dir=/tmp/initrd
	mkdir -p $dir/{bin,proc,dev,new}
	cp "$(command -v busybox)" $dir/bin/busybox
	cat >$dir/init <<-'END'
		#!/bin/busybox sh
		/bin/busybox mount -t devtmpfs dev /dev
		/bin/busybox mount -t proc proc /proc
		read -r line </proc/cmdline
		for word in $line; do
			case $word in root=*) root=${word#root=} ;; esac
		done
		echo "initrd: root is $root"
		/bin/busybox mount -t ext4 "$root" /new
		/bin/busybox umount /proc
		exec /bin/busybox switch_root /new /sbin/init
	END
	chmod +x $dir/init
	(cd $dir && find . | busybox cpio -o -H newc 2>/dev/null) >/boot/initrd-6.12-tandem
}

# second_root: a system with an fstab that has the names of the configuration
second_root() {
	dd if=/lab/uclibroot.img of="$PARTITION" bs=1M status=none
	mkdir -p /mnt/root
	must mount "$PARTITION" /mnt/root
	printf '%s\n' '/dev/hda5 / ext4 defaults 0 1' '/dev/hda3 none swap sw 0 0' >/mnt/root/etc/fstab
	printf '%s\n' '#!/bin/sh' 'mount -o remount /' 'swapon -a' >/mnt/root/etc/init.d/S10fstab
	chmod +x /mnt/root/etc/init.d/S10fstab
	echo $SECOND >/mnt/root/etc/hostname
	must umount /mnt/root
}

second_guest() {
	open xm create $SECOND.cfg -c
	hear 'initrd: root is /dev/hda5'
	hear 'login: $'
	log_in
	served $SECOND hda5 phy:/dev/hda5
	served $SECOND hda3 file:/tmp/swap.img
	shows '^/dev/hda5 on / type ext4 \(rw' mount
	shows "^/dev/hda3[[:space:]]+partition[[:space:]]+$((SWAP_MB * 1024 - 4))[[:space:]]" 'cat /proc/swaps'
	shows ' hda5$' 'cat /proc/partitions'
	say poweroff
	slowly domain_gone $SECOND
	leave
}

prepare() {
	cp /lab/$FIRST.cfg /lab/$SECOND.cfg /etc/xen/
	cp /lab/uclibroot.img /tmp/
	ln -s /lab/guests/builtin/vmlinuz /boot/vmlinuz-6.12-tandem
	# this dom0's disk has another name than the article's
	ln -s "$PARTITION" /dev/hda5
}

ktap_begin
scratch_disk
prepare
check "row 1: xm dmesg" boot_messages
check "row 2: xm list" list_alone
check "row 10: xm help" verbs
check "rows 2, 3, 5: xm create -c, 32 MB" first_guest
check "row 4: sda1 is the image" root_named
check "row 7: log in without a password, set one" sets_password
check "row 7: xm shutdown -R: it comes back, the password is set" reboots_from_dom0
check "row 7: reboot: the same" reboots_itself
check "row 6: eth0 has its address" network_up
check "row 8: ssh" secure_shell
check "row 14: xm save, xm restore, and the ssh session goes on" frozen_and_thawed
check "row 9: xm console without a network" console_without_network
check "a device without /dev/ before it" bare_device
check "xm shutdown" shuts_down
check "row 15: the same configuration with a copy of the image" moved
check "row 12: $SWAP_MB MB by dd, mkswap" swap_image
make_initrd
check "row 11: its root" second_root
check "row 11: a partition and a swap file, an initrd, 200 MB" second_guest
check "all guests have gone" eventually 20 no_domain
ktap_end
