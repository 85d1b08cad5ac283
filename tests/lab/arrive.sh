#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: --mode mt --back ours --front ours --timeout 600
#
# The other of the two machines of `pair`: a guest arrives from the first, its load going on.
set -u
# shellcheck source=tests/lab/lib.sh
. /lab/lib.sh

arrives() { must xl migrate-receive <&3 >&3 2>/tmp/receive.err; }

# its_log: what it says here is heard, by its name, and by its client
its_log() { must mv "$TALK_LOGS"/guest-g{--incoming,}.log; }

works() {
	turn xvda
	loaded xvda
	must is_state g xvda 4
}

writes() { must G 'disktest fill xvda 30 2' >/tmp/written; }
down() { guest stop g && must eventually 30 no_domain; }

ktap_begin
exec 3<>/dev/virtio-ports/link
echo ready >&3
check "a guest arrives" arrives
sed 's/^/# /' /tmp/receive.err
check "its console is here" its_log
tail -n +1 -f "$TALK_LOGS/guest-g.log" | sed -un 's/.*\(beat [0-9]*\).*/# \1/p' &
check "its load goes on, verified" works
check "what was written there is read here" G 'disktest sum xvda 20 2 >/run/sum'
echo "# found $(G 'cat /run/sum')"
check "it writes" writes
echo "# written $(</tmp/written)"
kill %1
check "it goes" down
ktap_end
