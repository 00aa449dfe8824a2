/* SPDX-License-Identifier: ISC */
/*
 * disklessctl image build: the next version of an image as its block of the configuration has it. Runs as root. Chooses what it
 * is made of (a file, a suite of Debian; else the newest version that no recipe was run on) and has the recipe run on that.
 */
#include "image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "image_source.h"
#include "image_suite.h"
#include "log.h"
#include "paths.h"
#include "recipe.h"

struct build {
	struct image_make *make;
	const struct config_image *image;
	struct image_manifest base;
	struct image_origin origin;
	struct image_source source;
	struct suite suite;
};

/* ---- what it is made of ---- */

static int
from_file(struct build *b)
{
	b->origin = (struct image_origin){ .file = b->image->source, .fd = -1 };
	b->source = image_source_file(&b->origin);
	if (image_origin_open(b->make, &b->origin, b->image->sha256) == -1)
		return -1;
	b->make->manifest.epoch = (uint64_t)b->origin.st.st_mtim.tv_sec;
	return 0;
}

static int
from_suite(struct build *b)
{
	b->suite.image = b->image;
	b->source = image_source_suite(&b->suite);
	return 0;
}

static uint64_t
time_of(const struct image_manifest *m)
{
	struct tm tm = { 0 };

	return strptime(m->made, "%Y-%m-%dT%H:%M:%SZ", &tm) == NULL ? 0 : (uint64_t)timegm(&tm);
}

/* Not one that a recipe was run on: run on it again, the recipe would be there twice. */
static int
from_version(struct build *b)
{
	char why[TEXT_SIZE];

	for (uint32_t version = image_newest(b->image->name); version > 0; version--)
		if (image_manifest_read(b->image->name, version, &b->base, why, sizeof(why)) == 0 &&
		    b->base.recipe[0] == '\0') {
			b->source = image_source_base(&b->base);
			b->make->manifest.epoch = time_of(&b->base);
			return 0;
		}
	return image_failed(b->make,
	    "there is nothing to make it of: its block should have a source or a suite, or a file be imported as it: "
	    "disklessctl image import FILE --name %s",
	    b->image->name);
}

/* The caller's, who knows what is to be the same; else that of what it is made of. */
static int
choose_epoch(struct build *b)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end;

	if (text == NULL)
		return 0;
	errno = 0;
	b->make->manifest.epoch = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || b->make->manifest.epoch > INT64_MAX)
		return image_failed(b->make, "SOURCE_DATE_EPOCH is \"%s\"; it should be a number of seconds", text);
	return 0;
}

static int
build(struct build *b)
{
	struct image_step step = recipe_step(b->image);
	int result;

	if (geteuid() != 0)
		return image_failed(b->make, "only root may build images");
	if (b->image->suite != NULL)
		result = from_suite(b);
	else
		result = b->image->source != NULL ? from_file(b) : from_version(b);
	if (result == -1 || choose_epoch(b) == -1)
		return -1;
	b->make->room = recipe_room(b->image);
	return image_make(b->make, &b->source, &step);
}

/* ---- the command ---- */

int
image_build_command(int argc, char **argv, bool json)
{
	struct build b = { .origin.fd = -1 };
	struct config *config;
	char errors[8192];
	int status;

	if (argc != 2)
		return usage_error(argc < 2 ? "an image's name is missing" : "one image at a time");
	config = config_load(PATH_CONFIG, NULL, errors, sizeof(errors));
	if (config == NULL) {
		fputs(errors, stderr);
		return EXIT_FAILED;
	}
	b.image = config_image_named(config, argv[1]);
	if (b.image == NULL) {
		log_errx("there is no image \"%s\" in %s", argv[1], PATH_CONFIG);
		config_free(config);
		return EXIT_FAILED;
	}
	b.make = image_make_new(b.image->name);
	status = image_report(b.make, build(&b), json);
	if (b.origin.fd != -1)
		close(b.origin.fd);
	config_free(config);
	return status;
}
