#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Each checker of scripts/lint can go red: a small tree with one fault for each.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tests/lib/ktap.sh"

export TANDEM_BUILD	# of the planted tree
tree=$(mktemp -d "${TMPDIR:-/tmp}/planted.XXXXXX")
trap 'rm -rf "$tree"' EXIT

# plant PATH: a file of the tree, from stdin
plant() {
	mkdir -p "$tree/$(dirname "$1")"
	cat >"$tree/$1"
}

layout() {
	local build=${TANDEM_BUILD:-$ROOT/build} path

	mkdir -p "$tree/build" "$tree/scripts"
	for path in platform linux; do
		[ ! -e "$build/$path" ] || ln -s "$build/$path" "$tree/build/$path"
	done
	TANDEM_BUILD=$tree/build
	for path in lib.sh kernel-scripts.sh lint cocci house-rules in-platform coccinelle; do
		cp -r "$ROOT/scripts/$path" "$tree/scripts/"
	done
	rm -rf "$tree/scripts/coccinelle/fixtures"
	git -C "$tree" init -q
	echo /build/ >"$tree/.gitignore"
	plant Kbuild <<-'END'
		obj-m := planted.o
		planted-y := common/planted.o
	END
	plant common/planted.c <<-'END'
		// SPDX-License-Identifier: GPL-2.0-only
		#include <linux/bug.h>
		#include <linux/module.h>

		typedef u32 __bitwise planted_t;
		/**
		 * planted() - kernel-doc: one of the arguments is missing
		 * @value: the value
		 */
		int planted(planted_t value, int other);
		int planted(planted_t value, int other)
		{
			BUG_ON(other);
			if(value > 3)
				return 1;
			return 0;
		}
		MODULE_LICENSE("GPL");
	END
	plant tools/planted.sh <<-'END'
		#!/bin/sh
		rm -r $1
	END
	plant tools/planted.py <<-'END'
		def planted(:
	END
	plant common/planted.h <<-'END'
		/* SPDX-License-Identifier: GPL-2.0-only */
		#include "backend/blk/device.h"
	END
}

# finds TOOL TEXT...: it fails, and says each text
finds() {
	local out text

	out=$("$tree/scripts/lint" "$1") && {
		echo "$1 found nothing"
		return 1
	}
	shift
	for text; do
		grep -q "$text" <<<"$out" || {
			echo "no \"$text\" in:"
			echo "$out"
			return 1
		}
	done
}

ktap_begin
layout
ktap_check checkpatch finds checkpatch 'planted.c:14: .*space required before'
ktap_check sparse finds sparse 'planted.c:14:.*restricted planted_t'
ktap_check cocci finds cocci 'planted.c:13:.*\[no_bug\]'
ktap_check kernel-doc finds kernel-doc 'planted.c:.*other'
ktap_check shellcheck finds shellcheck 'planted.sh:2:.*SC2086'
ktap_check python finds python 'planted.py'
ktap_check house-rules finds house-rules 'planted.h:2: common/ knows no' 'planted.c:13: a peer'
ktap_end
