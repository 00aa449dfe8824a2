/* SPDX-License-Identifier: ISC */
/*
 * A raw disk image as the source of a tree. Runs as root on foreign bytes: the partition table and the FAT partition are read in
 * user space alone, the Linux partition is checked by e2fsck before the kernel sees it.
 */
#include "image_source.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mbr.h"
#include "output.h"
#include "program.h"

#define BOOT_FILES_MAX 20000 /* a Raspberry Pi OS has some 400 */
#define COPY_CHUNK     ((size_t)1 << 20)
#define COPY_HOLE      4096

struct disk {
	struct image_make *make;
	const struct image_origin *origin;
	struct mbr mbr;
};

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
read_table(struct disk *d)
{
	char human[16], reason[TEXT_SIZE];

	for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++)
		if (memcmp(d->origin->head, packings[i].magic, packings[i].length) == 0)
			return image_failed(d->make, "%s: it is packed; unpack it first: %s %s", d->origin->file,
			    packings[i].unpack, d->origin->file);
	if (mbr_parse(d->origin->head, (uint64_t)d->origin->st.st_size, &d->mbr, reason, sizeof(reason)) == -1)
		return image_failed(d->make, "%s: %s", d->origin->file, reason);
	image_say(d->make, "reading %s, %s", d->origin->file, output_human((uint64_t)d->origin->st.st_size, human));
	return 0;
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
copy_partition(struct disk *d, int to, const struct mbr_partition *partition)
{
	static char bytes[COPY_CHUNK];
	uint64_t done = 0;

	while (done < partition->size) {
		uint64_t left = partition->size - done;
		ssize_t got = pread(d->origin->fd, bytes, left < COPY_CHUNK ? (size_t)left : COPY_CHUNK,
		    (off_t)(partition->offset + done));

		if (got <= 0)
			return image_failed(d->make, "%s: %s", d->origin->file,
			    got == 0 ? "it was cut short while it was read" : strerror(errno));
		if (write_sparse(to, bytes, (size_t)got, (off_t)done) == -1)
			return image_failed(d->make, "%s: %s", d->make->image, strerror(errno));
		done += (uint64_t)got;
	}
	return 0;
}

static int
copy_root(struct disk *d)
{
	char human[16];
	int to = open(d->make->image, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), result;

	if (to == -1 || ftruncate(to, (off_t)d->mbr.root.size) == -1) {
		image_failed(d->make, "%s: %s", d->make->image, strerror(errno));
		if (to != -1)
			close(to);
		return -1;
	}
	image_say(d->make, "copying the Linux partition, %s", output_human(d->mbr.root.size, human));
	result = copy_partition(d, to, &d->mbr.root);
	if (close(to) == -1)
		result = image_failed(d->make, "%s: %s", d->make->image, strerror(errno));
	return result;
}

/* A damaged FAT can describe more than it holds, without end. */
static bool
too_much(const struct disk *d, struct image_measure *m)
{
	image_measure(d->make->boot_files, m);
	return m->entries > BOOT_FILES_MAX || m->bytes > d->mbr.boot.size + m->entries * 4096;
}

static bool
enough(void *argument)
{
	struct image_measure m;

	return too_much(argument, &m);
}

static int
copy_boot(struct disk *d)
{
	char drive[PATH_MAX], human[16], output[PROGRAM_OUTPUT], reason[TEXT_SIZE];
	const char *const argv[] = { "/usr/bin/mcopy", "-s", "-n", "-m", "-Q", "-i", drive, "::*", d->make->boot_files,
		NULL };
	struct program program = { .argv = argv, .enough = enough, .argument = d };
	struct image_measure m;
	int result;

	/* By descriptor: mtools looks for @@ in a name. */
	if (snprintf(
		drive, sizeof(drive), "/proc/%d/fd/%d@@%" PRIu64, (int)getpid(), d->origin->fd, d->mbr.boot.offset) < 0)
		return -1;
	image_say(d->make, "reading the FAT partition, %s", output_human(d->mbr.boot.size, human));
	result = program_run(&program, output, reason, sizeof(reason));
	if (too_much(d, &m))
		return image_failed(
		    d->make, "%s: the files of the FAT partition are larger than it; it is damaged", d->origin->file);
	if (result == -1)
		return image_failed(d->make, "%s: reading the FAT partition: %s", d->origin->file, reason);
	image_say(d->make, "%" PRIu64 " boot files and directories, %s", m.entries - 1, output_human(m.bytes, human));
	return 0;
}

static int
make_disk(struct image_make *m, void *origin)
{
	struct disk d = { .make = m, .origin = origin };

	if (read_table(&d) == -1 || copy_boot(&d) == -1 || copy_root(&d) == -1)
		return -1;
	return image_check_foreign(m);
}

static bool
is_disk(const struct image_origin *origin)
{
	return true;
}

const struct image_kind image_kind_disk = { is_disk, make_disk, NULL };
