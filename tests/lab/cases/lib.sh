# shellcheck shell=sh
# What the cases share. Sourced by tests/lab/suite and by each case; runs inside the lab's machine.
#
# Every fact is one line: `ok - NAME`, `not ok - NAME` or `skip - NAME: REASON`. Nothing else begins with these words.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin
export lab=tests/lab
SERVER=192.168.10.11
LOG=/run/lab/diskless.log

ok() {
	echo "ok - $*"
}

not_ok() { # name, reason
	echo "not ok - $1${2:+: $2}"
}

# check NAME COMMAND...: ok if the command succeeds. Its output is shown only if it does not.
check() {
	check_name=$1
	shift
	if check_output=$("$@" 2>&1); then
		ok "$check_name"
	else
		not_ok "$check_name" "$(printf '%s' "$check_output" | tail -n 3 | tr '\n' ' ' | cut -c1-300)"
	fi
}

# refuse NAME COMMAND...: ok if the command fails.
refuse() {
	refuse_name=$1
	shift
	if refuse_output=$("$@" 2>&1); then
		not_ok "$refuse_name" "it succeeded: $(printf '%s' "$refuse_output" | head -n 2 | tr '\n' ' ' | cut -c1-200)"
	else
		ok "$refuse_name"
	fi
}

# within SECONDS COMMAND...: true as soon as the command succeeds.
within() {
	within_end=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$within_end" ] || return 1
		sleep 0.2
	done
}

contains() { # text, part
	case $1 in
	*"$2"*) return 0 ;;
	esac
	echo "no '$2' in: $1"
	return 1
}

# ---- the suite ----

start_server() {
	disklessd -d -v >>"$LOG" 2>&1 &
	echo $! >/run/lab-disklessd.pid
	within 60 server_ready
}

server_ready() {
	[ "$(disklessctl status --json 2>/dev/null | grep -o '"state": *"ready"' | wc -l)" -ge 3 ]
}

server_pid() {
	cat /run/lab-disklessd.pid
}

# Waits for the end, so that the next start finds the lock free.
end_server() { # signal
	end_pid=$(server_pid)
	kill "-$1" "$end_pid"
	while [ -d "/proc/$end_pid" ] && ! grep -q '^State:.Z' "/proc/$end_pid/status" 2>/dev/null; do sleep 0.1; done
}

child_pid() { # broker | dhcp | tftp
	pidof "diskless-$1"
}

# For a case that is not about nfsd's start.
need_nfsd() {
	[ "$(cat /proc/fs/nfsd/threads)" -gt 0 ] || "$lab/nfsd" up
	within 60 exported bob
}

exported() { # client
	grep -q "^/srv/diskless/$1	" /var/lib/nfs/etab
}

# ---- NFSv4 ----

pseudo=/run/pseudo-root

# A machine whose own root cannot be exported serves no version 4, so for version 4 it shows mountd one that can: else it
# would refuse everybody, and the refusals would mean nothing.
pseudo_root_on() { # directory of /srv that holds the exports
	pseudo_exports=/srv/$1
	mount --make-rshared /srv
	mkdir -p "$pseudo$pseudo_exports" /etc/nfs.conf.d
	mount --rbind "$pseudo_exports" "$pseudo$pseudo_exports"
	# What is mounted and unmounted here from now on is so there, and not the other way round.
	mount --make-rslave "$pseudo$pseudo_exports"
	printf '[exports]\nrootdir=%s\n' "$pseudo" >/etc/nfs.conf.d/pseudo-root.conf
	restart_mountd
}

pseudo_root_off() {
	rm -f /etc/nfs.conf.d/pseudo-root.conf
	restart_mountd
	umount -R "$pseudo$pseudo_exports" || umount -R -l "$pseudo$pseudo_exports"
}

restart_mountd() {
	for pid in $(pidof rpc.mountd); do
		kill "$pid"
		while [ -d "/proc/$pid" ]; do sleep 0.1; done
	done
	rpc.mountd
	exportfs -ra
	exportfs -f
}

# ---- clients ----

# A command in a client's namespace with its root mounted at /mnt.
in_root() { # client, command...
	in_root_client=$1
	shift
	# shellcheck disable=SC2016 # expanded by the inner shell
	ip netns exec "$in_root_client" sh -c 'mount -t nfs -o vers=3,tcp,nolock,timeo=50,retrans=2,retry=0 "$0" /mnt && shift 0 && "$@"' \
	    "$SERVER:/srv/diskless/$in_root_client" "$@"
}

# ---- a client that works in its root ----

# Bob mounts his root and reads and writes it until /run/stop appears; each turn is a line, an error ends it with a line that says so.
worker_starts() {
	rm -f /run/stop
	cat >/run/worker <<-'END'
		mount -t nfs -o vers=3,tcp,nolock,timeo=50,retrans=2,retry=0 "$1:/srv/diskless/bob" /mnt || { echo "error mount"; exit 1; }
		exec 5</mnt/etc/os-release
		n=0
		until [ -e /run/stop ]; do
			n=$((n + 1))
			echo "$n" >/mnt/var/lib/turn && sync /mnt/var/lib/turn && [ "$(cat /mnt/var/lib/turn)" = "$n" ] || { echo "error write $n"; exit 1; }
			ls /mnt/usr >/dev/null && [ "$(wc -c <&5)" -ge 0 ] || { echo "error read $n"; exit 1; }
			echo "turn $n"
			sleep 0.2
		done
		echo "end $n"
	END
	ip netns exec bob sh /run/worker "$SERVER" >/run/worker.out 2>&1 &
}

turns() {
	grep -c '^turn' /run/worker.out
}

# goes_on [TURNS]: true if it does more than so many turns (10) within half a minute
goes_on() {
	goes_on_from=$(turns)
	within 30 sh -c "[ \$(grep -c '^turn' /run/worker.out) -gt $((goes_on_from + ${1:-10})) ]" || { tail -n 1 /run/worker.out; return 1; }
}

# true if it met no error
worker_ends() {
	touch /run/stop
	within 30 grep -qE '^(end|error)' /run/worker.out
	grep -q '^end' /run/worker.out || { tail -n 1 /run/worker.out; return 1; }
}

# Its root mounted and a file open in it, as a board that runs; until board_off.
board_on() { # client
	ip netns exec "$1" sh -c 'mount -t nfs -o vers=3,tcp,nolock,soft,timeo=20,retrans=2,retry=0 "$0" /mnt &&
		exec sh -c "exec 3>>/mnt/var/board-runs; while :; do date >&3; sleep 0.2; done" 2>/dev/null' \
		"$SERVER:/srv/diskless/$1" >/dev/null 2>&1 &
	board=$!
	check "a board runs" within 20 test -s "/srv/diskless/$1/var/board-runs"
}
board_off() {
	kill "$board" 2>/dev/null
	wait "$board" 2>/dev/null
}
