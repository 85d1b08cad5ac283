#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# versions.sh [--report] VERSION...: the modules build for each, without a warning (see
# scripts/modules). With --report a build that fails is told, as a skip with its reason, and
# fails nothing: what is newest changes without us.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tests/lib/ktap.sh"

builds() { # VERSION: and all three are there
	local m
	"$ROOT/scripts/modules" "$1" || return
	for m in tandem tandem_blkback tandem_blkfront; do
		[ -s "$ROOT/build/modules/$1/$m.ko" ] || return
	done
}

# reported VERSION NAME
reported() {
	local out
	if out=$(builds "$1" 2>&1); then
		ktap_check "$2 ($(release "$1"))" true
	else
		ktap_skip "$2" "it does not gate, and fails: $(grep -m 1 -iE 'error|warning|failed' <<<"$out")"
	fi
}

release() { modinfo -F vermagic "$ROOT/build/modules/$1/tandem.ko" | cut -d' ' -f1; }

report=
[ "${1-}" != --report ] || {
	report=1
	shift
}
ktap_begin
for version in "$@"; do
	name="modules for Linux $version, W=1, no warning"
	if [ "$report" ]; then
		reported "$version" "$name"
	else
		ktap_check "$name" builds "$version"
	fi
done
ktap_end
