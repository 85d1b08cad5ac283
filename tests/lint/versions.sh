#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# versions.sh VERSION...: the modules build for each, without a warning (see scripts/modules).
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

ktap_begin
for version in "$@"; do
	ktap_check "modules for Linux $version, W=1, no warning" builds "$version"
done
ktap_end
