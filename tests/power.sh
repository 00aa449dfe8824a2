# shellcheck shell=bash
# power: what a server does when its power may be cut at any moment, and what must hold at its next start. Sourced by tests/power-cut
# and tests/lab/power-cut, which have the disk and the cut; write_note() and read_note() are theirs, and nfsd_on().
#
# What was asked for and acknowledged before the cut is in $journal, which outlives it: `begin NUMBER OPERATION NAME`, `done NUMBER`.
# shellcheck disable=SC2154,SC2034 # journal is of who sources it, personal for it

personal=home

# Seconds from the first operation to the cut: up to $3, with a thousandth. Chosen by seed and cut.
moment() {
	awk -v seed=$(($1 + $2)) -v most="$3" 'BEGIN { srand(seed); printf "%.3f", rand() * most }'
}

# work SEED SITE: the first time all is made; later it is looked over. Then operations without end.
work() {
	sequence=$1
	number=$(grep -c '^begin' "$journal" 2>/dev/null)
	make_tree
	if [ -s "$journal" ]; then
		look_over
	else
		bash "$2" configure
		start_server
		nfsd_on
		operate import small
		operate add alice 01
		operate add bob 02
		sync
	fi
	echo working
	while :; do one_operation; done
}

make_tree() {
	mkdir -p /run/tree/boot /run/tree/etc /run/tree/usr/bin /run/tree/home
	cp /bin/busybox /run/tree/usr/bin
	echo 'a kernel of the lab' >/run/tree/boot/kernel8.img
	echo 'arm_64bit=1' >/run/tree/boot/config.txt
	echo 'NAME=lab' >/run/tree/etc/os-release
}

# number, as in every address and serial of a client
add() { # name number
	disklessctl client add "$1" --serial "aa00aa$2" --mac "52:54:00:00:01:$2" --address "192.168.10.$((0x$2 + 30))" --image small \
	    --quota 16M
}

# ---- operations ------------------------------------------------------------------------------------------------------------

# operate OPERATION NAME [ARGUMENT...]: in the journal before, and after it has succeeded.
operate() {
	number=$((number + 1))
	echo "begin $number $1 $2" >>"$journal"
	if "op_$1" "${@:2}" >/run/op.log 2>&1; then
		echo "done $number" >>"$journal"
	else
		echo "failed $number" >>"$journal"
		not_ok "$1 $2 succeeds" "$(tail -n 2 /run/op.log | tr '\n' ' ')"
	fi
}

op_import() {
	disklessctl image import /run/tree --name small
}

op_add() {
	add "$@"
}

op_remove() {
	disklessctl client remove "$1" --yes
}

op_reload() {
	disklessctl reload
}

# An operator's editor: another address for the client, written beside and renamed.
op_edit() {
	local file=/etc/diskless/clients.d/$1.conf
	sed "s/address .*/address 192.168.10.$2/" "$file" >"$file.new"
	mv "$file.new" "$file"
	disklessctl reload
}

# What was done to the client before may be in force a moment later.
op_note() { # client
	within 30 has_root "$1"
	write_note "$1" "$number"
}

has_root() { # client
	exported "$1" && grep -q " /srv/diskless/$1 " /proc/self/mountinfo
}

# A number below $1 in $drawn, of a sequence that LAB_SEED chooses.
draw() {
	sequence=$(((sequence * 1103515245 + 12345) % 2147483648))
	drawn=$((sequence / 65536 % $1))
}

configured() { # name
	[ -e "/etc/diskless/clients.d/$1.conf" ]
}

# A fresh root, of which an earlier generation stays.
op_reset() {
	disklessctl client reset "$1"
}

# Carries $personal over.
op_upgrade() {
	disklessctl client upgrade "$1"
}

op_snapshot() { # client label
	disklessctl client prune "$1" --only "$2" >/dev/null 2>&1 || true
	disklessctl client snapshot "$1" --name "$2"
}

op_rollback() {
	disklessctl client reset "$1" && disklessctl client rollback "$1"
}

op_resize() { # client MiB
	disklessctl client resize "$1" --quota "$2M"
}

# The table: what may be asked for, and of whom. Alice and bob keep what they wrote.
one_operation() {
	local spare
	draw 3
	spare=spare$drawn
	draw 17
	case $drawn in
	0 | 1 | 2) if configured $spare; then operate remove $spare; else operate add $spare "1${spare#spare}"; fi ;;
	3 | 4) ! configured $spare || operate edit $spare $((200 + ${spare#spare} * 10 + number % 10)) ;;
	5) operate import small ;;
	6) operate reload - ;;
	7 | 8 | 9) operate note bob ;;
	10) operate note alice ;;
	11) operate upgrade alice ;;
	12) operate snapshot bob "s$((number % 3))" ;;
	13) ! configured $spare || operate reset $spare ;;
	14) ! configured $spare || operate rollback $spare ;;
	15 | 16) ! configured $spare || operate resize $spare $((16 + number % 3 * 8)) ;;
	esac
}

# ---- looking it over -------------------------------------------------------------------------------------------------------

# The journal folded: of each (operation, name) of this kind the last that was acknowledged and whether one was under way.
last() { # acknowledged | open, pattern of operations, name
	awk -v want="$1" -v operation="^($2)\$" -v name="$3" '
		$1 == "begin" && $3 ~ operation && $4 == name { op[$2] = $3; order[++n] = $2 }
		$1 == "done" { acknowledged[$2] = 1 }
		END {
			for (i = n; i > 0; i--)
				if (want == "open" ? i == n && !acknowledged[order[i]] : acknowledged[order[i]]) {
					print op[order[i]], order[i]
					exit
				}
		}' "$journal"
}

names() {
	awk '$3 == "add" { print $4 }' "$journal" | sort -u
}

# What configuration says, as `NAME ADDRESS` lines.
configuration() {
	sed -n -e 's/^client "\(.*\)" {/\1/p' -e 's/^[[:space:]]*address \(.*\)/\1/p' /etc/diskless/clients.d/*.conf | paste -d' ' - - | sort
}

exports_of() { # a file with lines PATH ADDRESS(...)
	sed -n 's|^/srv/diskless/\([^[:space:]]*\)[[:space:]]\([0-9.]*\)(.*|\1 \2|p' "$1" | sort
}

equal() { # texts
	[ "$1" = "$2" ] || { diff <(echo "$1") <(echo "$2"); return 1; }
}

exports_right() {
	equal "$(configuration)" "$(exports_of /var/lib/nfs/etab)" && equal "$(configuration)" "$(exports_of /etc/exports.d/diskless.exports)"
}

# Those that its manifest names, and after the next command no other; what is in force has its upper.
generations_whole() { # client
	local home=/var/lib/diskless/clients/$1 named
	[ -f "$(upper_of "$1")" ] || { echo "$(upper_of "$1") is not there"; return 1; }
	[ -z "$(last open 'reset|upgrade|snapshot|rollback|resize' "$1")" ] || disklessctl client prune "$1" || return 1
	named=$(sed -n -e 's/^generation //p' -e 's/^kept //p' "$home/manifest" | tr ',' '\n' | grep -v '^-$' | sort)
	equal "$named" "$(find "$home" -mindepth 1 -maxdepth 1 ! -name manifest -printf '%f\n' | sort)"
}

upper_of() { # client
	echo "/var/lib/diskless/clients/$1/$(sed -n 's/^generation //p' "/var/lib/diskless/clients/$1/manifest")/upper.ext4"
}

exports_become_right() {
	within 60 exports_right || exports_right
}

client_as_acknowledged() { # name
	if [ -n "$(last open 'add|remove' "$1")" ]; then
		# Neither, or whole; what was half done is done again by the same command.
		configured "$1" || ! [ -e "/var/lib/diskless/clients/$1" ] || disklessctl client remove "$1" --yes || return 1
	elif [ "$(last acknowledged 'add|remove' "$1" | cut -d' ' -f1)" = add ]; then
		configured "$1" || { echo "it is not configured"; return 1; }
	else
		! configured "$1" || { echo "it is configured"; return 1; }
	fi
	if configured "$1"; then
		generations_whole "$1"
	else
		! [ -e "/var/lib/diskless/clients/$1" ] || { echo "its root is there"; return 1; }
	fi
}

upper_sound() { # name
	fsfreeze -f "/run/diskless/mounts/uppers/$1"
	local status=0
	e2fsck -fn "$(upper_of "$1")" || status=$?
	fsfreeze -u "/run/diskless/mounts/uppers/$1"
	return $status
}

images_whole() {
	local version
	for version in /var/lib/diskless/images/small/*; do
		[ "$(sha256sum <"$version/image.ext4" | cut -d' ' -f1)" = "$(sed -n 's/^digest //p' "$version/manifest")" ] ||
			{ echo "$version is not what its manifest says"; return 1; }
	done
	[ "$(find /var/lib/diskless/images/small -mindepth 1 -maxdepth 1 | wc -l)" -ge "$(imports_acknowledged)" ]
}

imports_acknowledged() {
	awk '$1 == "begin" && $3 == "import" { import[$2] = 1 } $1 == "done" && import[$2] { n++ } END { print n + 0 }' "$journal"
}

fsids_unique() {
	sed -n 's/^fsid //p' /var/lib/diskless/clients/*/manifest | sort -n | tee /run/fsids | uniq -d | grep . && return 1
	[ "$(tail -n 1 /run/fsids)" -lt "$(cat /var/lib/diskless/next-fsid)" ]
}

# The note that the client's sync of was acknowledged; and it can go on.
note_kept() { # client
	local kept
	kept=$(last acknowledged note "$1" | cut -d' ' -f2)
	[ -n "$kept" ] || return 0
	[ "$(read_note "$1" "$kept")" = "$kept" ]
}

# What the server writes is tidied by its start; what disklessctl had begun, by the next of its kind.
nothing_left_over() {
	! find /etc/exports.d -mindepth 1 ! -name diskless.exports | grep . || return 1
	disklessctl client add fresh --serial ff00ff00 --mac 52:54:00:00:01:f0 --address 192.168.10.250 --image small --quota 16M &&
		disklessctl client remove fresh --yes && disklessctl image import /run/tree --name fresh || return 1
	rm -rf /var/lib/diskless/images/fresh
	! find /var/lib/diskless /etc/diskless -name '.*' | grep .
}

look_over() {
	local name
	check "the configuration parses" disklessd -n
	check "the server starts" start_server
	nfsd_on
	check "what is exported is what is configured" exports_become_right
	for name in $(names); do
		check "client $name is as it was acknowledged" client_as_acknowledged "$name"
	done
	check "and so are the exports" exports_become_right
	for name in $(configuration | cut -d' ' -f1); do
		check "the upper of $name is sound" upper_sound "$name"
	done
	check "each image is what its manifest says" images_whole
	check "no fsid is used twice, nor was one given back" fsids_unique
	check "bob boots, and what he had synced is there" note_kept bob
	check "alice boots, and what she had synced is there" note_kept alice
	check "nothing is left over" nothing_left_over
}

