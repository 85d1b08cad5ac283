#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --back ours --front ours --timeout 900
#
# A driver domain: our backend in a guest, d, under the distribution's kernel; another
# guest, g, has its disks from it (backend=d). What xl devd does there is done by hand.
# shellcheck disable=SC2016 # text for the guests' shells
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh
# shellcheck source=tests/lab/data.sh
. /lab/data.sh

E=/mnt/ext4
D() { talk_run d "$1"; }

# its own disk's pages go to dom0 as they are, where they may: pages of g may not
domain_up() {
	truncate -s 24M $E/d.img
	must start -n d -k stock -m 384 -x /lab/disktest:/lab/bin/disktest \
		-x /lab/modules/tandem_blkback.ko:/lab/modules/tandem_blkback.ko
	must D 'rmmod tandem_blkfront && cd /lab/modules && insmod tandem_blkfront.ko feature_persistent=0 &&
		insmod tandem_blkback.ko'
	must quiet xl block-attach d file:$E/d.img,xvda,w
	must D 'disktest wait xvda'
}

guest_up() { must start -k builtin -m 160 -x /lab/disktest:/lab/bin/disktest; }

# the device's directory of sysfs, in d
device_of_d() { find_device g xvdb && echo "$BUS/devices/$device"; }
node_of_d() { find_device g xvdb && echo "/local/domain/$(domid d)/backend/vbd/$domid/$number"; }

# attach_to_d STORE: xl waits for the backend, which waits for its store, as d knows it
attach_to_d() {
	local dir
	dir=$(device_of_d)
	quiet xl block-attach g "format=raw,vdev=xvdb,access=w,backend=d,target=${1#*:}" &
	must D "i=0; until [ -e $dir/store ] || [ \$((i += 1)) -gt 200 ]; do sleep 0.05; done; echo $1 >$dir/store"
	must wait $!
	must G 'disktest wait xvdb'
	same tandem_blkback "$(D "basename \$(readlink $dir/driver)")" "who serves it"
}

# detach_from_d: xl waits until the toolstack of d has taken the directory away
detach_from_d() {
	local node
	node=$(node_of_d)
	quiet xl block-detach g xvdb &
	must eventually 8 closed "$node"
	xenstore-rm "$node"
	must wait $!
	must D "i=0; while [ -e $(device_of_d) ]; do [ \$((i += 1)) -lt 200 ] && sleep 0.05 || exit; done"
}

closed() { [ "$(xenstore-read "$1/state")" = 6 ]; }

# works SUM: data in both directions, SUM being what d says of the third MiB
works() {
	local fill
	fill=$(G 'disktest fill xvdb 2 1') || must false
	same "$fill" "$(D "$1")" "what the driver domain reads"
	must G 'disktest fio xvdb 4'
	must G 'disktest fs xvdb'
}

from_file() {
	must D 'mkdir -p /tmp/store && truncate -s 24M /tmp/store/a.img'
	attach_to_d file:/tmp/store/a.img
	works "dd if=/tmp/store/a.img bs=1M skip=2 count=1 2>/dev/null | md5sum | cut -d' ' -f1"
	detach_from_d
}

# what d itself has from dom0: pages of g pass through two pairs of drivers
from_disk() {
	attach_to_d "phy:$(D 'disk xvda')"
	works 'disktest sum xvda 2 1'
	detach_from_d
	blank $E/d.img
	must e2fsck -fn $E/d.img
}

domain_goes() {
	must D 'rmmod tandem_blkback'
	guest stop g
	guest stop d
	must eventually 20 no_domain
}

ktap_begin
scratch_disk
check "a driver domain starts" domain_up
check "a guest starts" guest_up
check "a disk from a file of the driver domain" from_file
check "a disk from a disk of the driver domain" from_disk
check "nothing is left in either" domain_goes
check "no store is left open" umount $E
ktap_end
