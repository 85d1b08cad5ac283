#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every checker of scripts/lint finds nothing.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tests/lib/ktap.sh"

ktap_begin
for tool in $("$ROOT/scripts/lint" --list); do
	ktap_check "$tool" "$ROOT/scripts/lint" "$tool"
done
ktap_end
