#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Each Coccinelle rule on its fixtures: in bad.c it reports exactly the lines marked
# "caught", in every good.c (some in a folder where the rule allows more) nothing.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tests/lib/ktap.sh"

RULES=$ROOT/scripts/coccinelle

# lines_of FILE: those that a finding is expected on
marked() { grep -n '/\* caught \*/' "$1" | cut -d: -f1 | sort -nu; }

catches() { # RULE
	local bad=$RULES/fixtures/$1/bad.c found

	found=$("$ROOT/scripts/cocci" --rule "$1" "$RULES/fixtures/$1")
	[ $? -ne 2 ] || return
	diff <(marked "$bad" | sed 's/^/bad.c:/') \
		<(grep '^bad\.c:' <<<"$found" | cut -d: -f1,2 | sort -u -t: -k2,2n) ||
		{ echo "$found" && return 1; }
}

passes() { # RULE
	local found

	found=$("$ROOT/scripts/cocci" --rule "$1" "$RULES/fixtures/$1")
	[ $? -ne 2 ] || return
	! grep '\<good\.c:' <<<"$found"
}

described() { # RULE: has what the kernel's front end and its readers look for
	local field

	for field in '^/// .' '^// Confidence: (Low|Moderate|High)$' '^// Options: ' '^virtual report$'; do
		grep -qE "$field" "$RULES/$1.cocci" || {
			echo "no $field"
			return 1
		}
	done
}

ktap_begin
if ! command -v spatch >/dev/null; then
	ktap_skip cocci "spatch is not installed"
	ktap_end
	exit
fi
for rule in "$RULES"/*.cocci; do
	rule=$(basename "$rule" .cocci)
	ktap_check "$rule.described" described "$rule"
	ktap_check "$rule.catches" catches "$rule"
	ktap_check "$rule.passes" passes "$rule"
done
ktap_end
