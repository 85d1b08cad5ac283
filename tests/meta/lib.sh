# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# lib.sh: what the tests of the lab share.

META=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$META/../..
# shellcheck disable=SC2034 # for those who source this
META_BUILD=$ROOT/build/tests/meta
# shellcheck source=tests/lib/ktap.sh
. "$ROOT/tests/lib/ktap.sh"

# lab ARGS...: with the kernel's drivers: these tests are not about ours
lab() { "$ROOT/scripts/lab" --quiet --back kernel --front kernel "$@"; }

# exits STATUS ARGS...: the lab ends with that status
exits() {
	local want=$1 got=0
	shift
	lab "$@" || got=$?
	[ "$got" -eq "$want" ] || {
		echo "exit $got, not $want"
		return 1
	}
}

# red PATTERN ARGS...: the lab ends with 125 and names a line with the pattern
red() {
	local pattern=$1 out got=0
	shift
	out=$(lab "$@" 2>&1) || got=$?
	printf '%s\n' "$out"
	[ "$got" -eq 125 ] || {
		echo "exit $got, not 125"
		return 1
	}
	printf '%s\n' "$out" | grep -q "^lab: red: .*$pattern" || {
		echo "no red line with '$pattern'"
		return 1
	}
}
