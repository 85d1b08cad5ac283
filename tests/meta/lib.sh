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

# named LOG PATTERN FILE: the lab's output in FILE names such a line of that log
named() {
	grep -q "^lab: red: $1: .*$2" "$3" || {
		echo "no line of $1 with '$2' in:"
		cat "$3"
		return 1
	}
}

# every_complaint LOG FILE STATUS: what tests/meta/misbehave made of a run, FILE being
# the lab's output
every_complaint() {
	ktap_check "all is well, says the script" grep -qx 'all is well' "$2"
	ktap_check "and yet: 125" [ "$3" -eq 125 ]
	ktap_check "WARN" named "$1" 'WARNING: CPU.*redlog_warn' "$2"
	ktap_check "oops" named "$1" 'BUG: kernel NULL pointer\|Oops: ' "$2"
	ktap_check "BUG" named "$1" 'kernel BUG at .*redlog.c' "$2"
	ktap_check "a task that hangs" named "$1" 'INFO: task redlog.* blocked for more than' "$2"
	ktap_check "a processor that hangs" named "$1" 'soft lockup - CPU#0 stuck .*redlog' "$2"
	ktap_check "an RCU stall" named "$1" 'rcu: .*stall' "$2"
	ktap_check "text of UBSAN" named "$1" 'UBSAN: ' "$2"
	ktap_check "text of KASAN" named "$1" 'KASAN: ' "$2"
	ktap_check "text of kmemleak" named "$1" 'unreferenced object' "$2"
	ktap_check "text of lockdep" named "$1" 'possible circular locking' "$2"
	ktap_check "a grant that leaks" named "$1" 'leaking g\.e\.' "$2"
}
