#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --mode mt --back ours --front ours --timeout 600
# add: tests/lab/pipe
#
# One of the two machines of `pair`: a guest under load leaves it, for the other.
# shellcheck disable=SC2016 # text for the guest's shell
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh

guest_up() {
	must start -f "$LAB_FRONT_VBD" -t pvh -m 96 -x /lab/disktest:/lab/bin/disktest -d "phy:$LAB_SHARE,xvda,w"
}

# works: its disk is filled in one place and under load in another, and it tells its client
# of each read that ends
works() {
	must G 'disktest fill xvda 20 2' >/tmp/filled
	load xvda 4
	turn xvda
	must G 'd=$(disk xvda); n=0; while dd if=$d of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null; do
			echo "beat $((n += 1))"; sleep 0.1
		done </dev/null >/dev/console 2>&1 &'
}

hears() { grep -q 'beat 3' "$TALK_LOGS/guest-g.log"; }
ready() { IFS= read -r said <&3 && [ "$said" = ready ]; }
leaves() { must quiet xl migrate -s '' g /lab/pipe; }

left() {
	must eventually 30 no_domain
	must eventually 10 gone "$dir"
	same "" "$(find "$DEBUGFS" -mindepth 1 -maxdepth 1 -type d)" "the backend's devices"
}

ktap_begin
check "a guest starts" guest_up
dir=$(device_dir g xvda)
check "it works on its disk" works
echo "# filled $(</tmp/filled)"
tail -n +1 -f "$TALK_LOGS/guest-g.log" | sed -un 's/.*\(beat [0-9]*\).*/# \1/p' &
check "its client hears of it" eventually 20 hears
exec 3<>/dev/virtio-ports/link
check "the other machine is ready" ready
check "the guest leaves" leaves
check "nothing of it is left" left
kill %1
ktap_end
