#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Each checker of scripts/lint can go red: a small tree with one fault for each. So can
# lint itself, when a checker did nothing, and the build of the modules, more than once.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tests/lib/ktap.sh"

tree=$(mktemp -d "${TMPDIR:-/tmp}/planted.XXXXXX")
trap 'rm -rf "$tree"' EXIT

# plant PATH: a file of the tree, from stdin
plant() {
	mkdir -p "$tree/$(dirname "$1")"
	cat >"$tree/$1"
}

layout() {
	local path

	mkdir -p "$tree/build" "$tree/scripts"
	for path in platform linux; do
		[ ! -e "$ROOT/build/$path" ] || ln -s "$ROOT/build/$path" "$tree/build/$path"
	done
	for path in lib.sh kernel-scripts.sh lint cocci house-rules in-platform coccinelle modules; do
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
	plant tools/unused.py <<-'END'
		import os
	END
	plant common/planted.h <<-'END'
		/* SPDX-License-Identifier: GPL-2.0-only */
		#include "backend/blk/device.h"
	END
}

# finds TOOL TEXT...: it fails, and says each text
finds() {
	local out text

	out=$("$tree/scripts/lint" "$1" 2>&1) && {
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

# crashed: a checker that ends with 1, as if it had findings, and has none
crashed() {
	mv "$tree/scripts/house-rules" "$tree/house-rules"
	plant scripts/house-rules <<-'END'
		#!/bin/sh
		echo "it crashed" >&2
		[ "$1" != --count ] || { echo 1 && exit; }
		exit 1
	END
	chmod +x "$tree/scripts/house-rules"
	finds house-rules 'it crashed' 'house-rules could not do its work'
	status=$?
	mv "$tree/house-rules" "$tree/scripts/house-rules"
	return $status
}

no_file() {
	mv "$tree/common" "$tree/build/common"
	finds kernel-doc 'kernel-doc saw no file'
	status=$?
	mv "$tree/build/common" "$tree/common"
	return $status
}

no_checkout() {
	mv "$tree/.git" "$tree/build/git"
	GIT_CEILING_DIRECTORIES=$tree/.. finds shellcheck 'this is no checkout' &&
		"$tree/scripts/house-rules" 2>&1 | grep 'git does not list'
	status=$?
	mv "$tree/build/git" "$tree/.git"
	return $status
}

# warns TEXT: a module of the source on stdin; each of two builds says so, and fails
warns() {
	local out time

	echo 'obj-m := warns.o' | plant Kbuild
	echo 'warns-y := common/warns.o' >>"$tree/Kbuild"
	plant common/warns.c
	for time in first second; do
		out=$("$tree/scripts/modules" 6.12 2>&1) && {
			echo "it passes the $time time"
			return 1
		}
		grep -q "$1" <<<"$out" || {
			echo "no \"$1\" the $time time, in:"
			echo "$out"
			return 1
		}
	done
}

compiler_warns() {
	warns 'common/warns.c:2:.*unused' <<-'END'
		#include <linux/module.h>
		static int unused(void) { return 0; }
		MODULE_DESCRIPTION("It warns");
		MODULE_LICENSE("GPL");
	END
}

modpost_warns() {
	warns 'WARNING: modpost: missing MODULE_DESCRIPTION' <<-'END'
		#include <linux/module.h>
		MODULE_LICENSE("GPL");
	END
}

ktap_begin
layout
ktap_check checkpatch finds checkpatch 'planted.c:14: .*space required before'
ktap_check sparse finds sparse 'planted.c:14:.*restricted planted_t'
ktap_check cocci finds cocci 'planted.c:13:.*\[no_bug\]'
ktap_check kernel-doc finds kernel-doc 'planted.c:.*other'
ktap_check shellcheck finds shellcheck 'planted.sh:2:.*SC2086'
ktap_check python finds python 'planted.py' "unused.py:1:.*'os'"
ktap_check house-rules finds house-rules 'planted.h:2: common/ knows no' 'planted.c:13: a peer'
ktap_check crashed crashed
ktap_check no_file no_file
ktap_check no_checkout no_checkout
ktap_check modules.compiler compiler_warns
ktap_check modules.modpost modpost_warns
ktap_end
