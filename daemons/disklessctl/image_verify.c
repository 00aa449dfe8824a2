/* SPDX-License-Identifier: ISC */
/*
 * Whether images are what they were (image_verify.h), and `image verify`. Runs as root. What was right is remembered below /run,
 * which only root can write and which a restart of the machine empties; a memory that cannot be kept costs time and nothing else.
 */
#include "image_verify.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"
#include "config.h"
#include "image.h"
#include "log.h"
#include "output.h"
#include "paths.h"

#define PATH_VERIFIED PATH_RUN "/verified" /* NAME-N */
#define MEMORY_SIZE   256

static void
file_of(const char *name, uint32_t version, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "%s/%s/%" PRIu32 "/image.ext4", PATH_IMAGES, name, version);
}

/* What is remembered of a file whose digest is right: all that changes when it does. */
static int
describe(const struct image_manifest *m, char text[MEMORY_SIZE])
{
	char path[PATH_SIZE];
	struct stat st;

	file_of(m->name, m->version, path);
	if (lstat(path, &st) == -1)
		return -1;
	snprintf(text, MEMORY_SIZE, "%ju %ju %jd %jd.%09ld %jd.%09ld %s\n", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
	    (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec,
	    st.st_ctim.tv_nsec, m->digest);
	return 0;
}

static int
open_memory(void)
{
	if ((mkdir(PATH_RUN, 0755) == -1 && errno != EEXIST) || (mkdir(PATH_VERIFIED, 0700) == -1 && errno != EEXIST))
		return -1;
	return open(PATH_VERIFIED, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool
is_remembered(const struct image_manifest *m)
{
	char name[NAME_SIZE + 16], now[MEMORY_SIZE], *then = NULL;
	int memory = open_memory();
	size_t length;
	bool same;

	if (memory == -1)
		return false;
	snprintf(name, sizeof(name), "%s-%" PRIu32, m->name, m->version);
	same = describe(m, now) == 0 && beneath_slurp(memory, name, MEMORY_SIZE, &then, &length) == 0 &&
	       strcmp(now, then) == 0;
	free(then);
	close(memory);
	return same;
}

void
image_verified(const struct image_manifest *m)
{
	char name[NAME_SIZE + 16], now[MEMORY_SIZE];
	int memory = open_memory();

	if (memory == -1)
		return;
	snprintf(name, sizeof(name), "%s-%" PRIu32, m->name, m->version);
	if (describe(m, now) == 0)
		beneath_write(memory, name, now, strlen(now), 0600);
	close(memory);
}

/* m: its manifest, as read. */
static int
compare(const struct image_manifest *m, char *why, size_t size)
{
	struct image_make *make = image_make_new(m->name);
	char path[PATH_SIZE], digest[65];
	int result;

	file_of(m->name, m->version, path);
	result = image_digest_of(make, path, digest);
	if (result == -1) {
		snprintf(why, size, "%s", make->why);
	} else if (strcmp(digest, m->digest) != 0) {
		snprintf(why, size, "%s: its digest is %s; it should be %s: it was changed or the disk is failing",
		    path, digest, m->digest);
		result = -1;
	}
	image_make_free(make);
	return result;
}

int
image_verify(const char *name, uint32_t version, bool again, char *why, size_t size)
{
	struct image_manifest m;

	if (image_manifest_read(name, version, &m, why, size) == -1)
		return -1;
	if (!again && is_remembered(&m))
		return 0;
	if (compare(&m, why, size) == -1)
		return -1;
	image_verified(&m);
	return 0;
}

/* ---- the command ---- */

struct verifying {
	const char *only; /* or NULL */
	struct output *output;
	unsigned seen, wrong;
};

static int
visit(const char *name, uint32_t version, void *argument)
{
	struct verifying *v = argument;
	char why[2 * TEXT_SIZE];
	int result;

	if (v->only != NULL && strcmp(v->only, name) != 0)
		return 0;
	result = image_verify(name, version, true, why, sizeof(why));
	if (result == -1)
		log_errx("%s", why);
	v->seen++;
	v->wrong += result == -1;
	output_row(v->output);
	output_text(v->output, "name", name);
	output_number(v->output, "version", version);
	output_text(v->output, "state", result == 0 ? "right" : "wrong");
	return 0;
}

int
image_verify_command(int argc, char **argv, bool json)
{
	struct verifying v = { .only = argc > 1 ? argv[1] : NULL };
	bool good;

	if (argc > 2)
		return usage_error("one image at a time, or all");
	if (geteuid() != 0) {
		log_errx("only root may read images");
		return EXIT_FAILED;
	}
	v.output = output_new(stdout, json);
	output_list(v.output, NULL);
	good = image_each_version(visit, &v) == 0;
	good = output_end(v.output) && good;
	if (v.only != NULL && v.seen == 0) {
		log_errx("there is no image %s", v.only);
		return EXIT_FAILED;
	}
	return good && v.wrong == 0 ? EXIT_OK : EXIT_FAILED;
}
