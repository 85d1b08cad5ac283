#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/operating.md says what there is: each parameter of both modules, each error of the
# hotplug script, and no others; its one-liners use fields that the tracepoints have.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tests/lib/ktap.sh"
cd "$ROOT" || exit
PAGE=docs/operating.md
SCRIPT=scripts/hotplug/block-tandem

parameters() { # FOLDER
	grep -ho '\<module_param\(_named\)\?([a-z0-9_]*' "$1"/*.c | sed 's/.*(//' | sort
}

documented() { # MODULE: the names of its table
	awk -v section="### $1" '/^#/ { on = $0 == section }
		on && $2 ~ /^`/ { gsub("`", "", $2); print $2 }' "$PAGE" | sort
}

same_parameters() { diff <(parameters "$1") <(documented "$2"); }

# literals: each line's parts between what the shell puts in
literals() {
	perl -ne '
		chomp;
		my $nest; $nest = qr/\((?:[^()]|(??{ $nest }))*\)/;
		s/\$$nest|\$\{[^}]*\}|\$\w+/\0/g;
		print map { s/^\s+|\s+$//gr . "\n" } grep { /\w\w\w.*\w\w/ } split /\0/;'
}

# said: what the script tells an operator
said() {
	{
		sed -n 's/.*\<fail "\(.*\)".*/\1/p; s/.*\<echo "\(.*\)".*/\1/p' "$SCRIPT"
		sed -n 's/.*print "\(in use[^"]*\)".*/\1/p' "$SCRIPT"
		sed -n "s/.*what='\(.*\)'.*/\1/p; s/.*\<or=\"\(.*\)\".*/\1/p" "$SCRIPT"
	} | literals | sed 's/^[: ,]*//' | sort -u
}

# errors: the texts of the page, without what stands for something else
errors() { sed -n '/^## Errors/,$s/^| `\([^`]*\)`.*/\1/p' "$PAGE"; }

missing_from() { # TEXT: lines of stdin that it has not
	local line bad=0

	while IFS= read -r line; do
		grep -qF -- "$line" <<<"$1" || {
			echo "nowhere: $line"
			bad=1
		}
	done
	return $bad
}

script_documented() {
	[ "$(said | wc -l)" -gt 40 ] && said | missing_from "$(cat "$PAGE")"
}

# What the backend says is in its own files.
page_true() {
	[ "$(errors | wc -l)" -gt 30 ] && errors |
		sed -E 's/tandem_blkback|\<[A-Z]+[A-Z]\>|within 5 s/\n/g' |
		sed -E 's/^[]: ,()/]+//; s/[[: ,()/>]+$//' | grep '....' |
		missing_from "$(cat "$SCRIPT" backend/blk/*.c)"
}

words() { grep -o "$1" "$PAGE" | sed 's/.*[:>]//' | sort -u; }

fields_exist() {
	local name bad=0

	while read -r name; do
		grep -qE "(TRACE_EVENT\(|DEFINE_EVENT\([a-z_]*, )$name," backend/blk/trace.h || bad="tracepoint $name"
	done < <(words 'tandem_blkback:blkback_[a-z_]*')
	while read -r name; do
		grep -q "__field([a-z0-9]*, $name)" backend/blk/trace.h || bad="field $name"
	done < <(words 'args->[a-z_]*')
	[ "$bad" = 0 ] || echo "no $bad"
	[ "$bad" = 0 ]
}

# `make help` has each target that the Makefile has for people
help_whole() {
	local target help
	help=$(make -s help) || return
	for target in run check bench soak lint install uninstall; do
		grep -qE "^ *make $target( |\$)" <<<"$help" || {
			echo "no make $target in: $help"
			return 1
		}
	done
}

ktap_begin
ktap_check parameters.tandem_blkback same_parameters backend/blk tandem_blkback
ktap_check parameters.tandem_blkfront same_parameters frontend/blk tandem_blkfront
ktap_check errors.documented script_documented
ktap_check errors.true page_true
ktap_check tracepoints fields_exist
ktap_check make.help help_whole
ktap_end
