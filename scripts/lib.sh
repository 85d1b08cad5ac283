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

# driver_sources: what the modules and the guests' frontends are built from, of that what
# there is
driver_sources() {
	local path
	for path in Kbuild Kconfig common blkif netif console backend frontend; do
		[ ! -e "$TANDEM_ROOT/$path" ] || echo "$path"
	done
}

# surroundings: this shell's variables and functions, without what a shell keeps itself
surroundings() {
	local names
	mapfile -t names < <(compgen -v | grep -vxE 'BASH.*|EUID|PPID|SHELLOPTS|UID|_')
	declare -p "${names[@]}"
	declare -f
}

# strictly COMMAND...: in a shell of its own, which ends where something fails, whoever asks
# for the status: within an `if' or before an `||', the caller's own shell would go on.
# What it sets stays in there.
strictly() {
	# shellcheck disable=SC2016 # expanded by the other shell
	bash -eu -o pipefail -c '. "$1"; shift; "$@"' "$0" <(surroundings) "$@"
}

# step NAME COMMAND...: run it strictly, say what and how long; its output goes to a log
step() {
	local name=$1 start=$SECONDS log
	shift
	log=$BUILD/logs/${name//[ \/]/-}.log
	mkdir -p "${log%/*}"
	printf '%-34s ' "$name" >&2
	if strictly "$@" >"$log" 2>&1; then
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
	flock -n "$LOCK_FD" || {
		say "waiting for another run ($BUILD/locks/$1)"
		flock "$LOCK_FD"
	}
}
