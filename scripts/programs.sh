# shellcheck shell=bash
# programs.sh: copy programs of the dom0 root, with the libraries they need, into
# a small root of our own, $DIR. Source it after lib.sh.

# Debian's fio is linked with engines for storage that no guest has.
STUBBED="librbd librados libgfapi libnfs libibverbs librdmacm libpmem libnbd"

in_root() { chroot "$DOM0_ROOT" "$@"; }

# stub_library FILE SONAME: a library with the symbols that fio wants from it
stub_library() {
	in_root cat /usr/bin/fio >"$DIR/tmp/fio"
	python3 "$TANDEM_ROOT/scripts/lablib/stub.py" "$DIR/tmp/fio" "$2" "$DIR/tmp/stub"
	gcc -shared -nostdlib -fPIC -Wl,-soname,"$2" -Wl,--version-script="$DIR/tmp/stub.map" \
		-o "$1" "$DIR/tmp/stub.c"
}

# library PATH: put it in place, or its stub
library() {
	local name=${1##*/} stub
	mkdir -p "$DIR/lib"
	[ ! -e "$DIR/lib/$name" ] || return 0
	for stub in $STUBBED; do
		case $name in
		"$stub".so.*)
			stub_library "$DIR/lib/$name" "$name"
			return
			;;
		esac
	done
	cp -L "$DOM0_ROOT$1" "$DIR/lib/$name"
}

# libraries_of FILE: what it needs, itself and through others, not through stubs
libraries_of() {
	local name path
	objdump -p "$1" | awk '$1 == "NEEDED" { print $2 }' | while read -r name; do
		path=$(cd "$DOM0_ROOT" && ls -d usr/lib/x86_64-linux-gnu/"$name" usr/lib/"$name" 2>/dev/null) || :
		path=${path%%$'\n'*} # the first, if it is in both
		[ -n "$path" ] || die "$1 needs $name"
		[ ! -e "$DIR/lib/$name" ] || continue
		library "/$path"
		libraries_of "$DIR/lib/$name"
	done
}

program() {
	local path
	path=$(in_root sh -c "readlink -f \"\$(command -v $1)\"") || die "no $1 in the dom0 root"
	cp "$DOM0_ROOT$path" "$DIR/bin/$1"
	libraries_of "$DIR/bin/$1"
}

# busybox_links: busybox and its names
busybox_links() {
	local p names
	cp "$DOM0_ROOT/bin/busybox" "$DIR/bin/"
	names=$(in_root busybox --list | grep -vx busybox)
	for p in $names; do
		ln -sf busybox "$DIR/bin/$p"
	done
}

# small_root: an empty root with merged folders and a loader
small_root() {
	rm -rf "$DIR"
	mkdir -p "$DIR"/{bin,lib,etc,proc,sys,dev,tmp,run,mnt,root,usr}
	ln -s bin "$DIR/sbin"
	ln -s lib "$DIR/lib64"
	ln -s ../bin "$DIR/usr/bin"
	ln -s ../bin "$DIR/usr/sbin"
	ln -s ../lib "$DIR/usr/lib"
	cp -L "$DOM0_ROOT/lib64/ld-linux-x86-64.so.2" "$DIR/lib/"
	busybox_links
}
