# shellcheck shell=bash
# talk.sh: commands to the agent of a guest (scripts/guest/init), and what it answers.
# `guest` is made of it. A script that gives guests many commands may source it:
#
#   talk_run NAME COMMANDS         run commands in a running guest: their output and status
#   talk_put NAME DEST             write standard input to a file there
#   nap SECONDS                    sleep
#
# Status 120: the guest crashed or ended; 121: it took too long; 122: no guest.
#
# Under emulation a process costs some 50 ms, and tests talk all the time: so functions
# that set a variable rather than print, here and in `guest`.
TALK_GUESTS=/run/lab/guests
TALK_LOGS=/var/log/xen/console
TALK_CRASHED=120 TALK_SLOW=121 TALK_NONE=122

# nap SECONDS: sleep, without a process
exec {talk_never}<> <(:)
nap() { read -r -t "$1" -u "$talk_never" || :; }

# talk_hear NAME LIMIT: what its console says is heard from here on, for so many seconds,
# and known by $talk_nonce
talk_hear() {
	local log=$TALK_LOGS/guest-$1.log

	talk_limit=$2
	talk_end=$((SECONDS + talk_limit))
	printf -v talk_nonce '%08x%08x' "$SRANDOM" "$SRANDOM"
	[ -e "$log" ] || touch "$log"
	exec {talk_log}<"$log"
	mapfile -u "$talk_log" _
}

talk_alive() {
	local state

	state=$(xl list "$1" 2>/dev/null | awk 'NR == 2 { print $(NF - 1) }')
	case $state in
	'' | *[scd]*) return 1 ;;
	esac
}

# talk_take LINE WORD: print it if it is output; set status if it is the agent's WORD
talk_take() {
	case $1 in
	*$'\036'*) printf '%s\n' "${1#*$'\036'}" ;;
	*$'\037'"$2 $talk_nonce"*)
		status=0
		[ "$2" = up ] || status=${1##* }
		;;
	esac
}

# talk_follow NAME WORD: print the output lines of its console from where talk_hear was,
# until the agent says "up", or "done" with the status to return
talk_follow() {
	local line part='' naps=0 wait=50 last=0 status=''

	while [ -z "$status" ]; do
		if IFS= read -r -u "$talk_log" line; then
			talk_take "$part${line%$'\r'}" "$2"
			part='' naps=0 wait=50
			continue
		fi
		# the end of a line is not there yet, its beginning was read
		part+=$line
		if ((++naps % wait)); then
			nap 0.02
		elif talk_alive "$1"; then
			# to ask costs more than the time between: less and less often
			((wait >= 400)) || ((wait *= 2))
		else
			# the console daemon may still be writing: two more looks
			[ $((last += 1)) -le 2 ] || status=$TALK_CRASHED
			wait=50
		fi
		[ -n "$status" ] || ((SECONDS <= talk_end)) || status=$TALK_SLOW
	done
	exec {talk_log}<&-
	[ "$status" -ne $TALK_CRASHED ] || echo "guest $1 crashed or ended" >&2
	[ "$status" -ne $TALK_SLOW ] || echo "guest $1: no end after $talk_limit s" >&2
	return "$status"
}

# talk_find NAME: its console, in $talk_tty. Which domain it was the last time is noted,
# and asked for its name: that is one process, where a search by xl is much work.
talk_find() {
	local note=$TALK_GUESTS/$1/domid id='' found

	[ ! -e "$note" ] || read -r id <"$note"
	mapfile -t found < <(xenstore-read "/local/domain/$id/name" "/local/domain/$id/console/tty" 2>/dev/null)
	if [ "${found[0]-}" != "$1" ]; then
		if ! id=$(xl domid "$1" 2>/dev/null); then
			echo "guest: no guest $1" >&2
			return $TALK_NONE
		fi
		found=("$1" "$(xenstore-read "/local/domain/$id/console/tty")")
		[ ! -d "$TALK_GUESTS/$1" ] || echo "$id" >"$note"
	fi
	talk_tty=${found[1]}
}

talk_begin() {
	local limit=600

	talk_find "$1" || return
	[ ! -e "$TALK_GUESTS/$1/limit" ] || read -r limit <"$TALK_GUESTS/$1/limit"
	talk_hear "$1" "$limit"
}

# talk_is_plain TEXT: can go through a terminal as it is, line by line
talk_is_plain() {
	local line

	[[ $1 != *[!$' \t\n'!-~]* ]] || return 1
	while IFS= read -r line; do
		((${#line} < 1000)) || return 1
	done <<<"$1"
}

# talk_body TEXT: as the agent takes it, without a process where that is possible
talk_body() {
	local line

	if talk_is_plain "$1"; then
		echo "run $talk_nonce plain"
		while IFS= read -r line; do
			printf '>%s\n' "$line"
		done <<<"$1"
	else
		echo "run $talk_nonce base64"
		base64 <<<"$1"
	fi
	echo .
}

talk_run() {
	talk_begin "$1" || return
	talk_body "$2" >"$talk_tty"
	talk_follow "$1" 'done'
}

talk_put() {
	talk_begin "$1" || return
	{
		echo "put $talk_nonce base64 $2"
		base64
		echo .
	} >"$talk_tty"
	talk_follow "$1" 'done'
}
