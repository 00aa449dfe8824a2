/* SPDX-License-Identifier: ISC */
/*
 * The import of a raw disk image, as a list of steps that each say what they do. Runs as root on foreign bytes: the partition
 * table and the FAT partition are read in user space alone, the Linux partition is checked by e2fsck before the kernel sees it,
 * and its tree is touched only through beneath.h.
 */
#include "image.h"

#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapt.h"
#include "beneath.h"
#include "log.h"
#include "loop.h"
#include "manifest.h"
#include "mbr.h"
#include "output.h"
#include "paths.h"
#include "program.h"

#define BOOT_FILES_MAX 20000                /* a Raspberry Pi OS has some 400 */
#define GROW_RESERVE   ((uint64_t)16 << 20) /* free for what is rewritten in the tree, beyond the boot files */
#define COPY_CHUNK     ((size_t)1 << 20)
#define COPY_HOLE      4096

struct import {
	const char *file;
	struct image_manifest manifest;
	struct mbr mbr;
	int source;
	int images; /* PATH_IMAGES */
	int work;   /* the directory it is made in, locked while we live */
	char work_name[NAME_SIZE + 16];
	char work_path[PATH_SIZE];
	char image[PATH_SIZE + 32]; /* of work: new/image.ext4 */
	char boot_files[PATH_SIZE + 32];
	char *why;
	size_t size;
};

static int failed(struct import *, const char *, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct import *, const char *, ...) __attribute__((format(printf, 2, 3)));

static int
failed(struct import *im, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(im->why, im->size, format, ap);
	va_end(ap);
	return -1;
}

static void
say(const struct import *im, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_info("image %s: %s", im->manifest.name, text);
}

static int
run(struct import *im, const char *const argv[], unsigned accept)
{
	struct program program = { .argv = argv, .accept = accept };
	char output[PROGRAM_OUTPUT];

	return program_run(&program, output, im->why, im->size);
}

/* ---- the source ---- */

struct packing {
	const char *magic;
	size_t length;
	const char *unpack;
};

static const struct packing packings[] = {
	{ "\xfd"
	  "7zXZ\0",
	    6, "xz -dk" },
	{ "\x1f\x8b", 2, "gzip -dk" },
	{ "PK\x03\x04", 4, "unzip" },
	{ "\x28\xb5\x2f\xfd", 4, "zstd -dk" },
};

static int
open_source(struct import *im)
{
	uint8_t sector[MBR_SIZE] = { 0 };
	char human[16], reason[TEXT_SIZE];
	struct stat st;

	im->source = open(im->file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (im->source == -1 || fstat(im->source, &st) == -1)
		return failed(im, "%s: %s", im->file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return failed(im, "%s: not a regular file; it should be a raw disk image", im->file);
	if (pread(im->source, sector, sizeof(sector), 0) == -1)
		return failed(im, "%s: %s", im->file, strerror(errno));
	for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++)
		if (memcmp(sector, packings[i].magic, packings[i].length) == 0)
			return failed(
			    im, "%s: it is packed; unpack it first: %s %s", im->file, packings[i].unpack, im->file);
	if (mbr_parse(sector, (uint64_t)st.st_size, &im->mbr, reason, sizeof(reason)) == -1)
		return failed(im, "%s: %s", im->file, reason);
	log_visible(im->manifest.origin, sizeof(im->manifest.origin), im->file, strlen(im->file));
	say(im, "reading %s, %s", im->file, output_human((uint64_t)st.st_size, human));
	return 0;
}

/* ---- the directory it is made in ---- */

static int
remove_if_dead(struct import *im, const char *name)
{
	int work = openat(im->images, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), result = 0;

	if (work == -1)
		return 0;
	if (flock(work, LOCK_EX | LOCK_NB) == 0) { /* else its import still runs */
		say(im, "removing %s, left by an import that was ended", name);
		result = beneath_remove_tree(im->images, name);
		if (result == -1)
			failed(im, "%s/%s: %s", PATH_IMAGES, name, strerror(errno));
	}
	close(work);
	return result;
}

static int
remove_left_overs(struct import *im)
{
	DIR *entries = opendir(PATH_IMAGES);
	struct dirent *entry;
	int result = 0;

	if (entries == NULL)
		return failed(im, "%s: %s", PATH_IMAGES, strerror(errno));
	while (result == 0 && (entry = readdir(entries)) != NULL)
		if (entry->d_name[0] == '.' && strstr(entry->d_name, ".tmp.") != NULL)
			result = remove_if_dead(im, entry->d_name);
	closedir(entries);
	return result;
}

static int
make_work(struct import *im)
{
	if ((mkdir(PATH_STATE, 0755) == -1 && errno != EEXIST) || (mkdir(PATH_IMAGES, 0755) == -1 && errno != EEXIST))
		return failed(im, "%s: %s", PATH_IMAGES, strerror(errno));
	im->images = open(PATH_IMAGES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (im->images == -1)
		return failed(im, "%s: %s", PATH_IMAGES, strerror(errno));
	if (remove_left_overs(im) == -1)
		return -1;
	snprintf(im->work_path, sizeof(im->work_path), "%s/.%s.tmp.XXXXXX", PATH_IMAGES, im->manifest.name);
	if (mkdtemp(im->work_path) == NULL)
		return failed(im, "%s: %s", im->work_path, strerror(errno));
	snprintf(im->work_name, sizeof(im->work_name), "%s", strrchr(im->work_path, '/') + 1);
	snprintf(im->image, sizeof(im->image), "%s/new/image.ext4", im->work_path);
	snprintf(im->boot_files, sizeof(im->boot_files), "%s/boot", im->work_path);
	im->work = open(im->work_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (im->work == -1 || flock(im->work, LOCK_EX | LOCK_NB) == -1 || mkdirat(im->work, "new", 0755) == -1 ||
	    mkdirat(im->work, "boot", 0755) == -1 || mkdirat(im->work, "root", 0700) == -1)
		return failed(im, "%s: %s", im->work_path, strerror(errno));
	return 0;
}

static void
remove_work(struct import *im)
{
	if (im->work_name[0] != '\0' && beneath_remove_tree(im->images, im->work_name) == -1)
		log_warn("%s", im->work_path);
	if (im->work != -1)
		close(im->work);
	if (im->images != -1)
		close(im->images);
	if (im->source != -1)
		close(im->source);
}

/* ---- the two partitions ---- */

static bool
all_zero(const char *bytes, size_t length)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

/* Blocks of zeros stay holes. */
static int
write_sparse(int to, const char *bytes, size_t length, off_t at)
{
	for (size_t done = 0; done < length;) {
		size_t n = length - done < COPY_HOLE ? length - done : COPY_HOLE;

		if (!all_zero(bytes + done, n) && pwrite(to, bytes + done, n, at + (off_t)done) != (ssize_t)n)
			return -1;
		done += n;
	}
	return 0;
}

static int
copy_partition(struct import *im, int to, const struct mbr_partition *partition)
{
	static char bytes[COPY_CHUNK];
	uint64_t done = 0;

	while (done < partition->size) {
		uint64_t left = partition->size - done;
		ssize_t got = pread(im->source, bytes, left < COPY_CHUNK ? (size_t)left : COPY_CHUNK,
		    (off_t)(partition->offset + done));

		if (got <= 0)
			return failed(
			    im, "%s: %s", im->file, got == 0 ? "it was cut short while it was read" : strerror(errno));
		if (write_sparse(to, bytes, (size_t)got, (off_t)done) == -1)
			return failed(im, "%s: %s", im->image, strerror(errno));
		done += (uint64_t)got;
	}
	return 0;
}

static int
copy_root(struct import *im)
{
	char human[16];
	int to = open(im->image, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), result;

	if (to == -1 || ftruncate(to, (off_t)im->mbr.root.size) == -1) {
		failed(im, "%s: %s", im->image, strerror(errno));
		if (to != -1)
			close(to);
		return -1;
	}
	say(im, "copying the Linux partition, %s", output_human(im->mbr.root.size, human));
	result = copy_partition(im, to, &im->mbr.root);
	if (close(to) == -1)
		result = failed(im, "%s: %s", im->image, strerror(errno));
	return result;
}

struct measure {
	uint64_t bytes; /* in whole blocks */
	uint64_t entries;
};

static void
measure_tree(const char *path, struct measure *m)
{
	char copy[PATH_MAX], *paths[] = { copy, NULL };
	FTSENT *entry;
	FTS *tree;

	*m = (struct measure){ 0, 0 };
	snprintf(copy, sizeof(copy), "%s", path);
	tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (tree == NULL)
		return;
	while ((entry = fts_read(tree)) != NULL) {
		if (entry->fts_info == FTS_DP)
			continue;
		m->entries++;
		if (entry->fts_statp != NULL)
			m->bytes += ((uint64_t)entry->fts_statp->st_size + 4095) / 4096 * 4096;
	}
	fts_close(tree);
}

/* A damaged FAT can describe more than it holds, without end. */
static bool
too_much(const struct import *im, struct measure *m)
{
	measure_tree(im->boot_files, m);
	return m->entries > BOOT_FILES_MAX || m->bytes > im->mbr.boot.size + m->entries * 4096;
}

static bool
enough(void *argument)
{
	struct measure m;

	return too_much(argument, &m);
}

static int
copy_boot(struct import *im)
{
	char drive[PATH_MAX], human[16], output[PROGRAM_OUTPUT], reason[TEXT_SIZE];
	const char *const argv[] = { "/usr/bin/mcopy", "-s", "-n", "-m", "-Q", "-i", drive, "::*", im->boot_files,
		NULL };
	struct program program = { .argv = argv, .enough = enough, .argument = im };
	struct measure m;
	int result;

	/* By descriptor: mtools looks for @@ in a name. */
	if (snprintf(drive, sizeof(drive), "/proc/%d/fd/%d@@%" PRIu64, (int)getpid(), im->source, im->mbr.boot.offset) <
	    0)
		return -1;
	say(im, "reading the FAT partition, %s", output_human(im->mbr.boot.size, human));
	result = program_run(&program, output, reason, sizeof(reason));
	if (too_much(im, &m))
		return failed(im, "%s: the files of the FAT partition are larger than it; it is damaged", im->file);
	if (result == -1)
		return failed(im, "%s: reading the FAT partition: %s", im->file, reason);
	say(im, "%" PRIu64 " boot files and directories, %s", m.entries - 1, output_human(m.bytes, human));
	return 0;
}

/* ---- the Linux filesystem ---- */

static int
check(struct import *im, const char *mode)
{
	const char *const argv[] = { "/sbin/e2fsck", "-f", mode, im->image, NULL };
	char reason[TEXT_SIZE];

	/* 1: errors were corrected (e2fsck(8)) */
	if (run(im, argv, strcmp(mode, "-n") == 0 ? 1u : 3u) == 0)
		return 0;
	snprintf(reason, sizeof(reason), "%s", im->why);
	return failed(im, "%s: the Linux partition is no sound ext4 filesystem: %s", im->file, reason);
}

static int
check_foreign(struct import *im)
{
	say(im, "checking its filesystem");
	return check(im, "-y");
}

static uint32_t
little32(const uint8_t *b)
{
	return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

/* From the superblock (Documentation/filesystems/ext4/super.rst), which e2fsck has just found right. */
static int
free_bytes(struct import *im, uint64_t *size, uint64_t *unused)
{
	int fd = open(im->image, O_RDONLY | O_CLOEXEC);
	uint8_t super[1024];
	uint64_t block;
	bool wide;
	ssize_t got;

	*size = *unused = 0;
	if (fd == -1)
		return failed(im, "%s: %s", im->image, strerror(errno));
	got = pread(fd, super, sizeof(super), 1024);
	close(fd);
	if (got != (ssize_t)sizeof(super) || super[0x38] != 0x53 || super[0x39] != 0xef || little32(super + 0x18) > 6)
		return failed(im, "%s: the Linux partition is no ext4 filesystem", im->file);
	block = (uint64_t)1024 << little32(super + 0x18);
	wide = (little32(super + 0x60) & 0x80) != 0; /* INCOMPAT_64BIT */
	*size = (little32(super + 0x4) | (wide ? (uint64_t)little32(super + 0x150) << 32 : 0)) * block;
	*unused = (little32(super + 0xc) | (wide ? (uint64_t)little32(super + 0x158) << 32 : 0)) * block;
	return 0;
}

/* The image has no other use for free space than the boot files. */
static int
make_room(struct import *im)
{
	const char *const argv[] = { "/sbin/resize2fs", im->image, NULL };
	uint64_t size, unused, wanted;
	char human[16];
	struct measure m;

	measure_tree(im->boot_files, &m);
	wanted = m.bytes + GROW_RESERVE;
	if (free_bytes(im, &size, &unused) == -1)
		return -1;
	if (unused >= wanted)
		return 0;
	size = (size + wanted - unused + 1048575) / 1048576 * 1048576;
	say(im, "growing its filesystem to %s, so that the boot files fit", output_human(size, human));
	if (truncate(im->image, (off_t)size) == -1)
		return failed(im, "%s: %s", im->image, strerror(errno));
	return run(im, argv, 0);
}

/*
 * What the superblock would tell the kernel to do is ours to say: no options, never a panic. An orphan file, which newer mke2fs
 * makes, goes first: a new UUID spoils its checksum (tune2fs 1.47.0), and without a journal it is unsound.
 */
static int
take_over(struct import *im)
{
	const char *const orphans[] = { "/sbin/tune2fs", "-O", "^orphan_file", im->image, NULL };
	const char *const argv[] = { "/sbin/tune2fs", "-U", "random", "-e", "remount-ro", "-E",
		"mount_opts=", im->image, NULL };

	return run(im, orphans, 0) == -1 ? -1 : run(im, argv, 0);
}

/* ---- the tree ---- */

/* In memory that the process of the mounts shares with us. */
struct tree_job {
	struct import *import;
	char boot[PATH_SIZE];
	char kernel[PATH_SIZE];
	char why[TEXT_SIZE];
};

static int
adapt_mounted(struct tree_job *job, const char *root_path)
{
	int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int boot_files = open(job->import->boot_files, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = -1;

	if (root == -1 || boot_files == -1)
		snprintf(job->why, sizeof(job->why), "%s: %s", root_path, strerror(errno));
	else
		result = adapt_image(root, boot_files, job->boot, job->kernel, job->why, sizeof(job->why));
	if (root != -1)
		close(root);
	if (boot_files != -1)
		close(boot_files);
	return result;
}

static int
tree_job(void *argument)
{
	struct tree_job *job = argument;
	char device[LOOP_PATH], root[PATH_SIZE + 32];
	int loop = loop_attach(job->import->image, false, device), result;

	snprintf(root, sizeof(root), "%s/root", job->import->work_path);
	if (loop == -1 || mount(device, root, "ext4", MS_NOSUID | MS_NODEV | MS_NOEXEC, "errors=remount-ro") == -1) {
		snprintf(job->why, sizeof(job->why), "%s: mounting it: %s", job->import->image, strerror(errno));
		return -1;
	}
	close(loop);
	result = adapt_mounted(job, root);
	if (umount2(root, UMOUNT_NOFOLLOW) == -1 && result == 0) {
		snprintf(job->why, sizeof(job->why), "%s: unmounting it: %s", root, strerror(errno));
		result = -1;
	}
	return result;
}

static int
adapt_tree(struct import *im)
{
	struct tree_job *job = shared_memory(sizeof(*job));
	int result;

	if (job == NULL)
		return failed(im, "no memory");
	job->import = im;
	say(im, "making its tree ready for the network");
	result = in_mount_namespace(tree_job, job, job->why, sizeof(job->why));
	if (result == -1)
		return failed(im, "%s: %s", im->file, job->why);
	memcpy(im->manifest.boot, job->boot, sizeof(job->boot));
	memcpy(im->manifest.kernel, job->kernel, sizeof(job->kernel));
	say(im, "boot files in %s; kernels: %s", im->manifest.boot,
	    im->manifest.kernel[0] == '\0' ? "none" : im->manifest.kernel);
	return 0;
}

/* ---- the end ---- */

static int
freeze(struct import *im)
{
	const char *const journal[] = { "/sbin/tune2fs", "-O", "^has_journal", im->image, NULL };
	const char *const read_only[] = { "/sbin/tune2fs", "-O", "read-only", im->image, NULL };

	say(im, "freezing it");
	if (check(im, "-p") == -1 || run(im, journal, 0) == -1 || run(im, read_only, 0) == -1 || check(im, "-n") == -1)
		return -1;
	return chmod(im->image, 0400) == 0 ? 0 : failed(im, "%s: %s", im->image, strerror(errno));
}

static int
digest_of(struct import *im, const char *file, char digest[65])
{
	const char *const argv[] = { "/usr/bin/sha256sum", "-b", "--", file, NULL };
	struct program program = { .argv = argv };
	char output[PROGRAM_OUTPUT];
	const char *at = output;

	if (program_run(&program, output, im->why, im->size) == -1)
		return -1;
	at += *at == '\\'; /* a name with a line's end in it is marked so (sha256sum(1)) */
	if (strspn(at, "0123456789abcdef") != 64)
		return failed(im, "%s: %s said no digest", file, argv[0]);
	snprintf(digest, 65, "%.64s", at);
	return 0;
}

static int
digests(struct import *im)
{
	say(im, "computing digests");
	if (digest_of(im, im->file, im->manifest.origin_digest) == -1)
		return -1;
	return digest_of(im, im->image, im->manifest.digest);
}

/* Of all directories there, also of versions that are not whole: a number is never used twice. */
static uint32_t
next_version(int versions)
{
	int copy = openat(versions, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = copy == -1 ? NULL : fdopendir(copy);
	struct dirent *entry;
	unsigned long long newest = 0;

	if (entries == NULL)
		return 0;
	while ((entry = readdir(entries)) != NULL)
		if (strspn(entry->d_name, "0123456789") == strlen(entry->d_name)) {
			unsigned long long version = strtoull(entry->d_name, NULL, 10);

			newest = version > newest ? version : newest;
		}
	closedir(entries);
	return newest < UINT32_MAX ? (uint32_t)newest + 1 : 0;
}

static int
sync_path(int directory, const char *path, int flags)
{
	int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | flags), result;

	if (fd == -1)
		return -1;
	result = fsync(fd);
	close(fd);
	return result;
}

/* versions is locked: two imports of one name get two numbers. */
static int
publish_as_next(struct import *im, int versions)
{
	int new = openat(im->work, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;
	char number[16];

	im->manifest.version = next_version(versions);
	if (new == -1 || im->manifest.version == 0)
		return failed(im, "%s/%s: no number for a version", PATH_IMAGES, im->manifest.name);
	result = image_manifest_write(new, &im->manifest, im->why, im->size);
	if (result == 0 && (sync_path(new, "image.ext4", 0) == -1 || fsync(new) == -1))
		result = failed(im, "%s: %s", im->image, strerror(errno));
	close(new);
	snprintf(number, sizeof(number), "%" PRIu32, im->manifest.version);
	if (result == 0 &&
	    (renameat2(im->work, "new", versions, number, RENAME_NOREPLACE) == -1 || fsync(versions) == -1))
		result = failed(im, "%s/%s/%s: %s", PATH_IMAGES, im->manifest.name, number, strerror(errno));
	return result;
}

static int
publish(struct import *im)
{
	time_t now = time(NULL);
	struct tm tm;
	struct stat st;
	int versions, result;

	strftime(im->manifest.made, sizeof(im->manifest.made), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	if (stat(im->image, &st) == -1 || (mkdirat(im->images, im->manifest.name, 0755) == -1 && errno != EEXIST))
		return failed(im, "%s/%s: %s", PATH_IMAGES, im->manifest.name, strerror(errno));
	im->manifest.size = (uint64_t)st.st_size;
	versions = openat(im->images, im->manifest.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (versions == -1 || flock(versions, LOCK_EX) == -1)
		return failed(im, "%s/%s: %s", PATH_IMAGES, im->manifest.name, strerror(errno));
	result = publish_as_next(im, versions);
	close(versions);
	fsync(im->images);
	return result;
}

int
image_import(const char *file, const char *name, uint32_t *version, char *why, size_t size)
{
	static int (*const steps[])(struct import *) = { open_source, make_work, copy_boot, copy_root, check_foreign,
		make_room, take_over, adapt_tree, freeze, digests, publish };
	struct import im = { .file = file, .source = -1, .images = -1, .work = -1, .why = why, .size = size };
	int result = 0;

	umask(022);
	snprintf(im.manifest.name, sizeof(im.manifest.name), "%s", name);
	for (size_t i = 0; result == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		result = steps[i](&im);
	remove_work(&im);
	*version = im.manifest.version;
	return result;
}
