/* SPDX-License-Identifier: ISC */
/*
 * What is packed. The unpacker is a program of the system that runs as nobody, reads the file by its standard input and writes to
 * a pipe; we, as root, look at none of these bytes but whether they are zeros, and put them into a file of holes.
 */
#include "image_source.h"

#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "paths.h"
#include "program.h"
#include "progress.h"

#define HOLE 4096
/* Of what is unpacked, also of holes; a Raspberry Pi OS with all its applications has 12 GiB. */
#define IMAGE_MAX   ((uint64_t)64 << 30)
#define LOOK_EVERY  ((uint64_t)16 << 20) /* bytes stored between two looks at the free space */
#define FREE_SHARE  20                 /* of the filesystem, one part in so many stays free: clients write there too */
#define MEMBERS_MAX ((size_t)64 << 10) /* bytes of a zip's list of names that are looked at */

struct packing {
	const char *magic;
	size_t length;
	const char *argv[5];
	bool zip;
};

/* The first bytes are in each format's specification. --long lets zstd unpack what was packed with a large window. */
static const struct packing packings[] = {
	{ "\xfd"
	  "7zXZ\0",
	    6, { "/usr/bin/xz", "-dc" }, false },
	{ "\x1f\x8b", 2, { "/bin/gzip", "-dc" }, false },
	{ "\x28\xb5\x2f\xfd", 4, { "/usr/bin/zstd", "-dcq", "--long=30" }, false },
	{ "PK\x03\x04", 4, { "/usr/bin/bsdtar", "-xOqf", "-", "*.img" }, true },
};

static const struct packing *
packing_of(const struct image_origin *origin)
{
	for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++)
		if (memcmp(origin->head, packings[i].magic, packings[i].length) == 0)
			return &packings[i];
	return NULL;
}

bool
image_is_packed(const struct image_origin *origin)
{
	return packing_of(origin) != NULL;
}

/* ---- the bytes ---- */

static bool
all_zero(const char *bytes, size_t length)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

int
image_write_sparse(int to, const char *bytes, size_t length, uint64_t at, uint64_t *stored)
{
	for (size_t done = 0; done < length;) {
		size_t n = HOLE - (at + done) % HOLE;

		n = length - done < n ? length - done : n;
		if (!all_zero(bytes + done, n)) {
			if (pwrite(to, bytes + done, n, (off_t)(at + done)) != (ssize_t)n)
				return -1;
			if (stored != NULL)
				*stored += n;
		}
		done += n;
	}
	return 0;
}

struct unpacking {
	struct image_make *make;
	const struct image_origin *origin;
	int to;
	uint64_t most;   /* that is unpacked: IMAGE_MAX, or all of the images' filesystem */
	uint64_t size;   /* of what is unpacked */
	uint64_t stored; /* of that, what is no hole */
	uint64_t looked; /* at the free space, when so much was stored */
	bool refused;    /* make->why says why */
	struct progress progress;
};

static int
refuse(struct unpacking *u, const char *why)
{
	u->refused = true;
	return image_failed(u->make, "%s: unpacking it: %s", u->origin->file, why);
}

static int
look_at_free_space(struct unpacking *u)
{
	uint64_t all;
	struct statvfs fs;
	char why[TEXT_SIZE], human[16];

	u->looked = u->stored;
	if (fstatvfs(u->to, &fs) == -1)
		return refuse(u, strerror(errno));
	all = (uint64_t)fs.f_blocks * fs.f_frsize;
	u->most = all < IMAGE_MAX ? all : IMAGE_MAX;
	if (fs.f_bavail >= fs.f_blocks / FREE_SHARE)
		return 0;
	snprintf(why, sizeof(why), "at %s of it less than a %dth of the filesystem of %s is free; make room there",
	    output_human(u->size, human), FREE_SHARE, PATH_IMAGES);
	return refuse(u, why);
}

static int
take_bytes(void *argument, const char *bytes, size_t length)
{
	struct unpacking *u = argument;
	char why[TEXT_SIZE], human[16];

	if (length > u->most - u->size) {
		snprintf(why, sizeof(why), "it is larger than %s; no disk image is, or it has no place here",
		    output_human(u->most, human));
		return refuse(u, why);
	}
	if (image_write_sparse(u->to, bytes, length, u->size, &u->stored) == -1)
		return refuse(u, strerror(errno));
	u->size += length;
	return u->stored - u->looked < LOOK_EVERY ? 0 : look_at_free_space(u);
}

/* The unpacker reads by our descriptor, so its place in the file is ours to see. */
static bool
show_progress(void *argument)
{
	struct unpacking *u = argument;
	off_t at = lseek(u->origin->fd, 0, SEEK_CUR);

	if (at > 0)
		progress_at(&u->progress, (uint64_t)at);
	return false;
}

/* ---- a zip's members ---- */

struct members {
	char names[MEMBERS_MAX];
	size_t length;
};

static int
take_names(void *argument, const char *bytes, size_t length)
{
	struct members *members = argument;

	if (length >= MEMBERS_MAX - members->length)
		return -1;
	memcpy(members->names + members->length, bytes, length);
	members->length += length;
	members->names[members->length] = '\0';
	return 0;
}

/* How many lines end so. */
static unsigned
count_endings(const char *names, const char *ending)
{
	size_t length = strlen(ending), line;
	unsigned count = 0;

	for (; *names != '\0'; names += line + (names[line] == '\n')) {
		line = strcspn(names, "\n");
		if (line >= length && strncmp(names + line - length, ending, length) == 0)
			count++;
	}
	return count;
}

static int
check_zip(struct unpacking *u)
{
	static const char *const argv[] = { "/usr/bin/bsdtar", "-tf", "-", NULL };
	static struct members members;
	struct program program = {
		.argv = argv, .take = take_names, .argument = &members, .input = u->origin->fd, .nobody = true
	};
	char output[PROGRAM_OUTPUT], why[TEXT_SIZE], reason[TEXT_SIZE];
	unsigned images;

	members.length = 0;
	if (lseek(u->origin->fd, 0, SEEK_SET) == -1)
		return refuse(u, strerror(errno));
	if (program_run(&program, output, reason, sizeof(reason)) == -1)
		return refuse(u, reason);
	images = count_endings(members.names, ".img");
	if (images == 1)
		return 0;
	snprintf(why, sizeof(why), "the zip holds %u files that end in .img; it should hold one", images);
	return refuse(u, why);
}

/* ---- all of it ---- */

static int
run_unpacker(struct unpacking *u, const struct packing *packing)
{
	struct program program = { .argv = packing->argv,
		.take = take_bytes,
		.enough = show_progress,
		.argument = u,
		.input = u->origin->fd,
		.nobody = true };
	char output[PROGRAM_OUTPUT], reason[TEXT_SIZE];
	int result;

	if (look_at_free_space(u) == -1 || (packing->zip && check_zip(u) == -1))
		return -1;
	if (lseek(u->origin->fd, 0, SEEK_SET) == -1)
		return refuse(u, strerror(errno));
	progress_begin(&u->progress, "unpacking", (uint64_t)u->origin->st.st_size);
	result = program_run(&program, output, reason, sizeof(reason));
	progress_end(&u->progress);
	if (u->refused)
		return -1;
	if (result == -1)
		return refuse(u, reason);
	if (ftruncate(u->to, (off_t)u->size) == -1)
		return refuse(u, strerror(errno));
	return look_at_free_space(u);
}

int
image_unpack(struct image_make *m, struct image_origin *origin)
{
	struct unpacking u = { .make = m, .origin = origin };
	char human[16];

	u.to = openat(m->work, "unpacked", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (u.to == -1)
		return image_failed(m, "%s/unpacked: %s", m->work_path, strerror(errno));
	image_say(m, "unpacking it");
	if (run_unpacker(&u, packing_of(origin)) == -1) {
		close(u.to);
		return -1;
	}
	image_say(m, "it was %s unpacked", output_human(u.size, human));
	close(origin->fd);
	origin->fd = u.to;
	return image_origin_look(m, origin);
}
