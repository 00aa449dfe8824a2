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
#define LISTING_MAX    ((size_t)16 << 20) /* of what mdir says of that many */
#define LISTING_END    512

struct disk {
	struct image_make *make;
	struct image_origin *origin;
	struct partitions partitions;
	const struct partition *boot; /* NULL: it has none */
	const struct partition *root;
	struct progress progress; /* of the boot files: their sum is known at the end */
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
	struct disk *d = argument;
	struct image_measure m;
	bool damaged = too_much(d, &m);

	progress_at(&d->progress, m.bytes);
	return damaged;
}

/* The end of what mdir says, where the sum is. */
struct listing {
	char end[LISTING_END + 1];
	size_t have;
	size_t seen;
};

static int
take_listing(void *argument, const char *bytes, size_t length)
{
	struct listing *l = argument;
	size_t drop, more = length < LISTING_END ? length : LISTING_END;

	l->seen += length;
	drop = l->have + more > LISTING_END ? l->have + more - LISTING_END : 0;
	memmove(l->end, l->end + drop, l->have - drop);
	memcpy(l->end + l->have - drop, bytes + length - more, more);
	l->have += more - drop;
	l->end[l->have] = '\0';
	return l->seen > LISTING_MAX ? -1 : 0;
}

/* Of the last line "  12 files      3 105 000 bytes"; false: there is none. */
static bool
sum_of(const char *text, uint64_t *sum)
{
	const char *at = NULL, *next = text;

	while ((next = strstr(next, " file")) != NULL)
		at = next++;
	*sum = 0;
	if (at == NULL || strstr(at, "bytes") == NULL)
		return false;
	for (; *at != '\0' && *at != '\n'; at++)
		if (*at >= '0' && *at <= '9')
			*sum = *sum * 10 + (uint64_t)(*at - '0');
	return true;
}

/* mcopy ends a file where its clusters end, whatever its size is said to be. */
static int
check_sizes(struct disk *d, const char *drive, const struct image_measure *copied)
{
	const char *const argv[] = { "/usr/bin/mdir", "-a", "-f", "-/", "-i", drive, "::", NULL };
	struct listing listing = { .have = 0 };
	struct program program = { .argv = argv, .take = take_listing, .argument = &listing };
	char output[PROGRAM_OUTPUT], reason[TEXT_SIZE];
	uint64_t sum;

	if (program_run(&program, output, reason, sizeof(reason)) == -1)
		return image_failed(d->make, "%s: listing the FAT partition: %s", d->origin->file, reason);
	if (!sum_of(listing.end, &sum) || sum != copied->content)
		return image_failed(d->make,
		    "%s: the files of the FAT partition should have %" PRIu64 " bytes together, but %" PRIu64
		    " can be read; it is damaged",
		    d->origin->file, sum, copied->content);
	return 0;
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
	progress_begin(&d->progress, "reading", 0);
	result = program_run(&program, output, reason, sizeof(reason));
	progress_end(&d->progress);
	if (too_much(d, &m))
		return image_failed(
		    d->make, "%s: the files of the FAT partition are larger than it; it is damaged", d->origin->file);
	if (result == -1)
		return image_failed(d->make, "%s: reading the FAT partition: %s", d->origin->file, reason);
	if (check_sizes(d, drive, &m) == -1)
		return -1;
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
