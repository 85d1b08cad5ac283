# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# built.sh: what a test of the lab runs is what is in the tree. Sourced with $root set.

# failed NAME: the whole run has failed before its cases
failed() {
	echo "KTAP version 1"
	echo "not ok 1 $1"
	echo "1..1"
	exit 1
}

# built: the modules and what guests boot, or the run has failed. With BUILD_FIRST=no it
# is known to be so.
# shellcheck disable=SC2154 # $root is set by who sources this
built() {
	[ "${BUILD_FIRST-yes}" = yes ] || return 0
	"$root/scripts/modules" 6.12 >&2 || failed "the modules do not build"
	"$root/scripts/guest-kernel" --build >&2 || failed "the guests' kernels do not build"
	"$root/scripts/guest-initrd" >&2 || failed "the guests' initial file system is not made"
}

# built_debug: the debug kernel of dom0, and the modules for it
built_debug() {
	"$root/scripts/guest-kernel" --build debug >&2 || failed "the debug kernel does not build"
	"$root/scripts/modules" debug >&2 || failed "the modules do not build for the debug kernel"
}
