/* SPDX-License-Identifier: ISC */
/*
 * The ext4 filesystem of an image that is being made. Runs as root, mounts nothing: every step is a program of e2fsprogs on the
 * file, and what they are told comes from its superblock once e2fsck has found that right.
 */
#include "image_ext4.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "paths.h"

#define GROW_RESERVE ((uint64_t)16 << 20) /* free for what is rewritten in the tree, beyond the boot files */
#define MIB          ((uint64_t)1 << 20)

/* ---- measuring ---- */

void
image_measure(const char *path, struct image_measure *m)
{
	char copy[PATH_MAX], *paths[] = { copy, NULL };
	FTSENT *entry;
	FTS *tree;

	*m = (struct image_measure){ 0 };
	snprintf(copy, sizeof(copy), "%s", path);
	tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	if (tree == NULL)
		return;
	while ((entry = fts_read(tree)) != NULL) {
		if (entry->fts_info == FTS_DP)
			continue;
		m->entries++;
		if (entry->fts_info == FTS_F)
			m->content += (uint64_t)entry->fts_statp->st_size;
		if (entry->fts_statp != NULL)
			m->bytes += ((uint64_t)entry->fts_statp->st_size + 4095) / 4096 * 4096;
	}
	fts_close(tree);
}

/* ---- checking ---- */

static int
check(struct image_make *m, const char *mode)
{
	const char *const argv[] = { "/sbin/e2fsck", "-f", mode, m->image, NULL };
	char reason[TEXT_SIZE];

	/* 1: errors were corrected (e2fsck(8)) */
	if (image_run(m, argv, strcmp(mode, "-n") == 0 ? 1u : 3u) == 0)
		return 0;
	snprintf(reason, sizeof(reason), "%s", m->why);
	return image_failed(m, "its root is no sound ext4 filesystem: %s", reason);
}

int
image_check_foreign(struct image_make *m)
{
	image_say(m, "checking its filesystem");
	return check(m, "-y");
}

/* ---- sizes ---- */

static uint32_t
little32(const uint8_t *b)
{
	return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

/* From the superblock (Documentation/filesystems/ext4/super.rst), which e2fsck has just found right. */
static int
free_bytes(struct image_make *m, uint64_t *size, uint64_t *unused)
{
	int fd = open(m->image, O_RDONLY | O_CLOEXEC);
	uint8_t super[1024];
	uint64_t block;
	bool wide;
	ssize_t got;

	*size = *unused = 0;
	if (fd == -1)
		return image_failed(m, "%s: %s", m->image, strerror(errno));
	got = pread(fd, super, sizeof(super), 1024);
	close(fd);
	if (got != (ssize_t)sizeof(super) || super[0x38] != 0x53 || super[0x39] != 0xef || little32(super + 0x18) > 6)
		return image_failed(m, "its root is no ext4 filesystem");
	block = (uint64_t)1024 << little32(super + 0x18);
	wide = (little32(super + 0x60) & 0x80) != 0; /* INCOMPAT_64BIT */
	*size = (little32(super + 0x4) | (wide ? (uint64_t)little32(super + 0x150) << 32 : 0)) * block;
	*unused = (little32(super + 0xc) | (wide ? (uint64_t)little32(super + 0x158) << 32 : 0)) * block;
	return 0;
}

/* resize2fs wants a check that is later than the last mount. */
static int
resize(struct image_make *m, uint64_t size)
{
	const char *const argv[] = { "/sbin/resize2fs", m->image, NULL };

	if (check(m, "-p") == -1)
		return -1;
	if (truncate(m->image, (off_t)size) == -1)
		return image_failed(m, "%s: %s", m->image, strerror(errno));
	return image_run(m, argv, 0);
}

int
image_make_room(struct image_make *m)
{
	uint64_t size, unused, wanted;
	struct image_measure boot;
	char human[16];

	image_measure(m->boot_files, &boot);
	wanted = boot.bytes + GROW_RESERVE + m->room;
	if (free_bytes(m, &size, &unused) == -1)
		return -1;
	if (unused >= wanted)
		return 0;
	size = (size + wanted - unused + MIB - 1) / MIB * MIB;
	image_say(m, "growing its filesystem to %s, so that all fits", output_human(size, human));
	return resize(m, size);
}

static int
check_free(struct image_make *m, uint64_t bytes)
{
	char need[16], have[16];
	struct statvfs fs;
	uint64_t unused;

	if (fstatvfs(m->work, &fs) == -1)
		return image_failed(m, "%s: %s", m->work_path, strerror(errno));
	unused = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (bytes <= unused)
		return 0;
	return image_failed(m, "it takes %s, but %s has %s free; make room there", output_human(bytes, need),
	    PATH_IMAGES, output_human(unused, have));
}

/*
 * An inode of 256 bytes an entry; a sixty-fourth for what else ext4 keeps. More inodes than entries, for what a step adds: one for
 * each 16 KiB of room, as mke2fs has by default.
 */
int
image_new_filesystem(struct image_make *m, uint64_t bytes, uint64_t entries)
{
	uint64_t inodes = entries + m->room / 16384 + 4096,
		 size = bytes + bytes / 64 + inodes * 256 + GROW_RESERVE + m->room;
	char number[24];
	const char *const argv[] = { "/sbin/mke2fs", "-F", "-q", "-t", "ext4", "-b", "4096", "-I", "256", "-m", "0",
		"-N", number, "-O", "^has_journal,^resize_inode", "-E", "nodiscard,lazy_itable_init=1,root_owner=0:0",
		m->image, NULL };
	int fd = open(m->image, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	size = (size + MIB - 1) / MIB * MIB;
	if (fd != -1 && check_free(m, bytes) == -1) {
		close(fd);
		return -1;
	}
	if (fd == -1 || ftruncate(fd, (off_t)size) == -1) {
		image_failed(m, "%s: %s", m->image, strerror(errno));
		if (fd != -1)
			close(fd);
		return -1;
	}
	close(fd);
	m->new_filesystem = true;
	snprintf(number, sizeof(number), "%" PRIu64, inodes);
	return image_run(m, argv, 0);
}

/* ---- ours ---- */

/*
 * What the superblock would tell the kernel to do is ours to say: no options, never a panic. An orphan file, which newer mke2fs
 * makes, goes first: a new UUID spoils its checksum (tune2fs 1.47.0), and without a journal it is unsound.
 */
int
image_take_over(struct image_make *m)
{
	const char *const orphans[] = { "/sbin/tune2fs", "-O", "^orphan_file", m->image, NULL };
	const char *const argv[] = { "/sbin/tune2fs", "-U", "random", "-e", "remount-ro", "-E", "mount_opts=", m->image,
		NULL };

	return image_run(m, orphans, 0) == -1 ? -1 : image_run(m, argv, 0);
}

/* resize2fs makes the file as small as the filesystem in it. */
int
image_shrink(struct image_make *m)
{
	const char *const argv[] = { "/sbin/resize2fs", "-M", m->image, NULL };

	if (check(m, "-p") == -1)
		return -1;
	return m->room == 0 && !m->new_filesystem ? 0 : image_run(m, argv, 0);
}

int
image_freeze(struct image_make *m)
{
	const char *const journal[] = { "/sbin/tune2fs", "-O", "^has_journal", m->image, NULL };
	const char *const read_only[] = { "/sbin/tune2fs", "-O", "read-only", m->image, NULL };

	image_say(m, "freezing it");
	if (image_run(m, journal, 0) == -1 || image_run(m, read_only, 0) == -1 || check(m, "-n") == -1)
		return -1;
	return chmod(m->image, 0400) == 0 ? 0 : image_failed(m, "%s: %s", m->image, strerror(errno));
}
