# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel-scripts.sh: where the kernel's own checkers are. Debian packages them only
# inside the kernel's source; lib.sh comes first.

# kernel_scripts: a folder with scripts/{checkpatch.pl,coccicheck,kernel-doc} below
kernel_scripts() {
	local dir=$BUILD/lint/kernel tar

	if [ -e "$BUILD/linux/scripts/checkpatch.pl" ]; then
		echo "$BUILD/linux"
		return
	fi
	if [ ! -e "$dir/scripts/checkpatch.pl" ]; then
		tar=$(find "$PLATFORM/usr/src" /usr/src -maxdepth 1 -name 'linux-source-*.tar.xz' \
			2>/dev/null | head -n 1)
		[ -n "$tar" ] || die "no kernel source: run scripts/setup platform"
		mkdir -p "$dir"
		tar -C "$dir" -xf "$tar" --strip-components=1 --wildcards \
			'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' \
			'*/scripts/const_structs.checkpatch' '*/scripts/coccicheck' \
			'*/scripts/kernel-doc'
	fi
	echo "$dir"
}
