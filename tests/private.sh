# shellcheck shell=bash
# private: a machine of the test's own, without a virtual one: our installation, its users, an image and whole mounts of it, in
# mount, network and process namespaces that die with the test. Sourced by tests/bench/run, tests/boards, tests/clients and
# tests/hostile, which start themselves again inside; die() is theirs.

tmpfs() {
	mount -t tmpfs -o mode=755 none "$1"
}

# private_machine BUILD WORK [DIRECTORY=PLACE...]: layers over /etc, /usr and /var that hold our installation; they and all else
# are read-only from then on, but /srv, WORK below it, which becomes the current directory, and each DIRECTORY at its PLACE.
private_machine() {
	local build=$1 work=$2 kept name id=64101
	shift 2
	mount --make-rprivate /
	tmpfs /srv
	mkdir /srv/stage "$work"
	for kept; do
		mkdir "${kept#*=}"
		mount --bind "${kept%%=*}" "${kept#*=}"
	done
	make -s install VARIANT="$(basename "$build")" DESTDIR=/srv/stage
	cp /etc/passwd /etc/group /srv/stage/etc
	for name in broker dhcp tftp; do
		echo "_diskless-$name:x:$id:$id::/run/diskless/empty:/usr/sbin/nologin" >>/srv/stage/etc/passwd
		echo "_diskless-$name:x:$id:" >>/srv/stage/etc/group
		id=$((id + 1))
	done
	echo "diskless:x:$id:" >>/srv/stage/etc/group
	mkdir -p /srv/stage/etc/exports.d /srv/stage/var/lib/diskless /srv/stage/var/lib/nfs
	for name in etc usr var; do
		mount -t overlay -o "lowerdir=/srv/stage/$name:/$name" none "/$name"
	done
	for name in /etc/diskless /etc/exports.d /var/lib/diskless /var/lib/nfs /run; do
		tmpfs "$name"
	done
	mount -o remount,bind,ro /
	for name in / /etc /usr /var; do
		! mkdir "$name/private.guard" 2>/dev/null || { rmdir "$name/private.guard"; die "$name is in reach"; }
	done
	cd "$work" || die "no $work"
	export TMPDIR=$work
}

# disk_image OUT FAT-DIRECTORY MIB ROOT-DIRECTORY MIB: laid out as Raspberry Pi OS lays out its own.
disk_image() {
	local fat=$3 root=$5
	truncate -s "${fat}M" boot.fat
	mformat -i boot.fat -T $((fat * 2048)) -h 16 -s 32 -v BOOTFS ::
	mcopy -i boot.fat "$2"/* ::
	truncate -s "${root}M" root.ext4
	mke2fs -q -F -t ext4 -L rootfs -d "$4" root.ext4
	truncate -s $((1 + fat + root))M "$1"
	printf 'label: dos\nlabel-id: 0x5d1a1ab5\nstart=2048, size=%d, type=c\nstart=%d, size=%d, type=83\n' \
		$((fat * 2048)) $((2048 + fat * 2048)) $((root * 2048)) | sfdisk -q "$1"
	dd if=boot.fat of="$1" bs=1M seek=1 conv=notrunc status=none
	dd if=root.ext4 of="$1" bs=1M seek=$((1 + fat)) conv=notrunc status=none
	rm boot.fat root.ext4
}

mounted() {
	grep -c ' /srv/diskless/' /proc/self/mountinfo || true
}

# await_roots PID COUNT LOG: until disklessd has mounted so many roots.
await_roots() {
	local wait
	for ((wait = 0; wait < 600; wait++)); do
		kill -0 "$1" 2>/dev/null || { tail "$3"; die 'disklessd ended'; }
		[ "$(mounted)" -lt "$2" ] || return 0
		sleep 0.1
	done
	tail "$3"
	die "only $(mounted) of $2 roots are mounted"
}

# serve IMAGE ROOTS CHILDREN: imports disk.img as IMAGE, makes the roots and starts disklessd, $disklessd; logs go to /srv/out.
serve() {
	local wait
	disklessctl image import disk.img --name "$1" >/srv/out/import.log 2>&1 || { cat /srv/out/import.log; die 'the import failed'; }
	disklessctl client prepare >/srv/out/prepare.log 2>&1 || true # it says that no server runs
	disklessd -d -v >/srv/out/disklessd.log 2>&1 &
	disklessd=$!
	await_roots $disklessd "$2" /srv/out/disklessd.log
	for ((wait = 0; wait < 100; wait++)); do
		[ "$(disklessctl status --json 2>/dev/null | grep -o '"state": *"ready"' | wc -l)" -lt "$3" ] || return 0
		sleep 0.1
	done
	die 'the children do not get ready'
}

# A client's network namespace, with its eth0 at a bridge of ours.
join() { # namespace, bridge, MAC, address or nothing
	ip netns add "$1"
	ip -batch - <<-END
		link add v-$1 type veth peer name eth0 address $3 netns $1
		link set v-$1 master $2 up
	END
	ip -n "$1" -batch - <<-END
		link set lo up
		link set eth0 up
		${4:+address add $4/24 dev eth0}
	END
}

# One line, ok or not ok; $failed is 1 after the latter.
check() { # name, command...
	local name=$1
	shift
	if "$@" >said 2>&1; then
		echo "ok - $name"
	else
		echo "not ok - $name: $(tail -n 3 said | tr '\n' ' ' | cut -c1-300)"
		# shellcheck disable=SC2034 # the test's exit status
		failed=1
	fi
}
