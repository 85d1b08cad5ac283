# shellcheck shell=bash
# lib.sh: what the setup and build scripts share: folders, progress with times, stamps.

TANDEM_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$TANDEM_ROOT/build
PLATFORM=$BUILD/platform
DOM0_ROOT=$BUILD/dom0
STAMPS=$BUILD/stamps
export TANDEM_ROOT BUILD PLATFORM DOM0_ROOT STAMPS

say() { printf '%s\n' "$*" >&2; }

die() {
	say "${0##*/}: $*"
	exit 1
}

need_root() { [ "$(id -u)" -eq 0 ] || die "run as root"; }

# packages NAME: the words of scripts/packages/NAME without comments
packages() { sed 's/#.*//' "$TANDEM_ROOT/scripts/packages/$1" | xargs; }

# driver_sources: what the modules and the guests' frontends are built from
driver_sources() {
	(cd "$TANDEM_ROOT" && find Kbuild Kconfig common blkif netif console backend frontend \
		-maxdepth 0 2>/dev/null)
}

# step NAME COMMAND...: run it, say what and how long; its output goes to a log
step() {
	local name=$1 start=$SECONDS log
	shift
	log=$BUILD/logs/${name//[ \/]/-}.log
	mkdir -p "${log%/*}"
	printf '%-34s ' "$name" >&2
	if "$@" >"$log" 2>&1; then
		say "$((SECONDS - start)) s"
	else
		say "failed after $((SECONDS - start)) s; the end of $log:"
		tail -n 25 "$log" >&2
		return 1
	fi
}

# fresh STAMP INPUT...: true if the stamp is newer than every input
fresh() {
	local stamp=$STAMPS/$1 input
	shift
	[ -e "$stamp" ] || return 1
	for input in "$@"; do
		[ -e "$input" ] || continue
		[ -z "$(find "$input" -newer "$stamp" -print -quit)" ] || return 1
	done
}

stamp() {
	mkdir -p "$STAMPS"
	touch "$STAMPS/$1"
}

# lock NAME: one at a time; held until the process ends
lock() {
	mkdir -p "$BUILD/locks"
	exec {LOCK_FD}>"$BUILD/locks/$1"
	flock "$LOCK_FD"
}
