/* SPDX-License-Identifier: ISC */
/*
 * disklessctl image shell: a version of an image for hands. Runs as root. The shell is the image's own, in the sandbox of a recipe;
 * what it did is the next version if it ends with status 0, and gone otherwise.
 */
#include "image.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "beneath.h"
#include "config.h"
#include "log.h"
#include "recipe_same.h"
#include "sandbox.h"

#define ROOM ((uint64_t)2 << 30)

struct hands {
	const struct image_manifest *base;
	bool discard;
};

static int
work(struct image_make *m, int root, const void *argument)
{
	static const char *const bash[] = { "/bin/bash", "-l", NULL }, *const sh[] = { "/bin/sh", "-l", NULL };
	const struct hands *hands = argument;
	struct sandbox sandbox = { .network = true, .terminal = true, .epoch = m->manifest.epoch };
	int fd = beneath_read(root, "/bin/bash");

	sandbox.argv = fd == -1 ? sh : bash;
	if (fd != -1)
		close(fd);
	/* What a recipe was run on stays what it is: the next build does not begin with it. */
	snprintf(m->manifest.recipe, sizeof(m->manifest.recipe), "%s", hands->base->recipe);
	if (sandbox_can_run(m, root, m->manifest.architecture) == -1)
		return -1;
	image_say(m, "a shell in it, as root; exit 0 %s, any other status discards it",
	    hands->discard ? "discards it as well (--discard)" : "makes what was done the next version");
	if (sandbox_run(m, &sandbox) == -1)
		return image_failed(m, "the shell ended otherwise than with status 0: what was done is discarded");
	return hands->discard ? image_failed(m, "discarded") : recipe_make_same(m, root);
}

static int
run_shell(struct image_make *m, bool discard)
{
	struct image_manifest base;
	struct image_source source = image_source_base(&base);
	struct hands hands = { &base, discard };
	struct image_step step = { work, recipe_settle, &hands };
	uint32_t newest = image_newest(m->manifest.name);

	if (geteuid() != 0)
		return image_failed(m, "only root may work on images");
	if (newest == 0)
		return image_failed(m, "there is no version of it");
	if (image_manifest_read(m->manifest.name, newest, &base, m->why, sizeof(m->why)) == -1)
		return -1;
	m->room = ROOM;
	m->manifest.epoch = (uint64_t)time(NULL);
	return image_make(m, &source, &step);
}

int
image_shell_command(int argc, char **argv, bool json)
{
	static const struct option options[] = { { "discard", no_argument, NULL, 'd' }, { NULL, 0, NULL, 0 } };
	struct image_make *m;
	bool discard = false;
	int option, result;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'd')
			return usage_error(NULL);
		discard = true;
	}
	if (argc - optind != 1)
		return usage_error(argc == optind ? "an image's name is missing" : "one image at a time");
	if (!config_name_valid(argv[optind]))
		return usage_error("\"%s\" is no name of an image", argv[optind]);
	/* Keys of the terminal are the shell's; program.c gives them back to it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	m = image_make_new(argv[optind]);
	result = run_shell(m, discard);
	if (result == -1 && discard && strcmp(m->why, "discarded") == 0) {
		log_info("image %s: discarded", argv[optind]);
		image_make_free(m);
		return EXIT_OK;
	}
	return image_report(m, result, json);
}
