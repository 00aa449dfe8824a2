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

#include "output.h"
#include "partitions.h"
#include "program.h"
#include "progress.h"

#define BOOT_FILES_MAX 20000 /* a Raspberry Pi OS has some 400 */
#define COPY_CHUNK     ((size_t)1 << 20)

struct disk {
	struct image_make *make;
	struct image_origin *origin;
	struct partitions partitions;
	const struct partition *boot; /* NULL: it has none */
	const struct partition *root;
};

static int
read_disk(const struct disk_reader *disk, uint64_t offset, void *bytes, size_t length)
{
	const struct image_origin *origin = disk->argument;

	return pread(origin->fd, bytes, length, (off_t)offset) == (ssize_t)length ? 0 : -1;
}

/* What it is instead of what is wanted: a reason that helps more than a missing table. */
static const char *
foreign_at(const struct disk *d, uint64_t offset)
{
	static uint8_t head[FOREIGN_HEAD];

	memset(head, 0, sizeof(head));
	return pread(d->origin->fd, head, sizeof(head), (off_t)offset) > 0 ? foreign_content(head) : NULL;
}

static int
read_table(struct disk *d)
{
	const struct disk_reader reader = { (uint64_t)d->origin->st.st_size, read_disk, d->origin };
	char human[16], reason[TEXT_SIZE];
	const char *foreign;

	image_say(d->make, "reading %s, %s", d->origin->file, output_human(reader.size, human));
	if (partitions_read(&reader, &d->partitions, reason, sizeof(reason)) == -1 ||
	    partitions_choose(&d->partitions, &d->boot, &d->root, reason, sizeof(reason)) == -1) {
		foreign = foreign_at(d, 0);
		if (foreign != NULL)
			return image_failed(d->make, "%s: it is %s", d->origin->file, foreign);
		return image_failed(d->make, "%s: %s", d->origin->file, reason);
	}
	foreign = foreign_at(d, d->root->offset);
	if (foreign != NULL)
		return image_failed(
		    d->make, "%s: partition %u, its root, is %s", d->origin->file, d->root->number, foreign);
	for (unsigned i = 0; i < d->partitions.count; i++)
		if (&d->partitions.list[i] != d->boot && &d->partitions.list[i] != d->root &&
		    d->partitions.list[i].kind != PARTITION_EXTENDED)
			image_say(d->make, "partition %u is not used", d->partitions.list[i].number);
	return 0;
}

/* ---- the two partitions ---- */

static int
copy_partition(struct disk *d, int to, const struct partition *partition)
{
	static char bytes[COPY_CHUNK];
	struct progress progress;
	uint64_t done = 0;

	progress_begin(&progress, "copying", partition->size);
	while (done < partition->size) {
		uint64_t left = partition->size - done;
		ssize_t got = pread(d->origin->fd, bytes, left < COPY_CHUNK ? (size_t)left : COPY_CHUNK,
		    (off_t)(partition->offset + done));

		if (got <= 0)
			return image_failed(d->make, "%s: %s", d->origin->file,
			    got == 0 ? "it was cut short while it was read" : strerror(errno));
		if (image_write_sparse(to, bytes, (size_t)got, done, NULL) == -1)
			return image_failed(d->make, "%s: %s", d->make->image, strerror(errno));
		progress_at(&progress, done);
		done += (uint64_t)got;
	}
	progress_end(&progress);
	return 0;
}

static int
copy_root(struct disk *d)
{
	char human[16];
	int to = open(d->make->image, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), result;

	if (to == -1 || ftruncate(to, (off_t)d->root->size) == -1) {
		image_failed(d->make, "%s: %s", d->make->image, strerror(errno));
		if (to != -1)
			close(to);
		return -1;
	}
	image_say(d->make, "copying the Linux partition, %s", output_human(d->root->size, human));
	result = copy_partition(d, to, d->root);
	if (close(to) == -1)
		result = image_failed(d->make, "%s: %s", d->make->image, strerror(errno));
	return result;
}

/* A damaged FAT can describe more than it holds, without end. */
static bool
too_much(const struct disk *d, struct image_measure *m)
{
	image_measure(d->make->boot_files, m);
	return m->entries > BOOT_FILES_MAX || m->bytes > d->boot->size + m->entries * 4096;
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
	if (snprintf(drive, sizeof(drive), "/proc/%d/fd/%d@@%" PRIu64, (int)getpid(), d->origin->fd, d->boot->offset) <
	    0)
		return -1;
	image_say(d->make, "reading the FAT partition, %s", output_human(d->boot->size, human));
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
make_disk(struct image_make *m, struct image_origin *origin)
{
	struct disk d = { .make = m, .origin = origin };

	if (read_table(&d) == -1 || (d.boot != NULL && copy_boot(&d) == -1) || copy_root(&d) == -1)
		return -1;
	return image_check_foreign(m);
}

const struct image_kind image_kind_disk = { NULL, make_disk, NULL };
