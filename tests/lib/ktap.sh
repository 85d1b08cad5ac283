# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ktap.sh: KTAP version 1 for tests in shell.
#
#   ktap_begin
#   ktap_check NAME COMMAND...		ok if the command succeeds; what it
#					prints is shown only if it fails
#   ktap_skip NAME REASON
#   ktap_end				prints the plan and sets the exit status

ktap_begin() {
	ktap_passed=0 ktap_failed=0 ktap_skipped=0
	echo "KTAP version 1"
}

ktap_number() { echo $((ktap_passed + ktap_failed + ktap_skipped)); }

ktap_check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		ktap_passed=$((ktap_passed + 1))
		echo "ok $(ktap_number) $name"
	else
		ktap_failed=$((ktap_failed + 1))
		[ -z "$out" ] || printf '%s\n' "$out" | tail -n 40 | sed 's/^/# /'
		echo "not ok $(ktap_number) $name"
	fi
}

ktap_skip() {
	ktap_skipped=$((ktap_skipped + 1))
	echo "ok $(ktap_number) $1 # SKIP $2"
}

ktap_end() {
	echo "1..$(ktap_number)"
	echo "# Totals: pass:$ktap_passed fail:$ktap_failed xfail:0 xpass:0 skip:$ktap_skipped error:0"
	[ "$ktap_failed" -eq 0 ]
}
