/* SPDX-License-Identifier: ISC */
/*
 * disklessctl image prune: removes versions that nobody needs. Runs as root, holds the clients' lock, under which roots are made,
 * so that nobody begins to need one meanwhile. Must never remove the newest version of an image, nor one that a root, a kept
 * generation or a mount needs, nor the one that the next build is made of.
 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "beneath.h"
#include "clients.h"
#include "config.h"
#include "image_users.h"
#include "log.h"
#include "output.h"
#include "paths.h"

struct pruning {
	struct image_users users;
	struct output *output;
	const char *only; /* or NULL: all images */
	bool dry;
	const char *image; /* of which we are */
	uint32_t newest, base;
	int images;
	int failed;
};

/* The newest that no recipe was run on: what the next build may begin with. */
static uint32_t
newest_base(const char *image, uint32_t newest)
{
	struct image_manifest m;
	char why[TEXT_SIZE];

	for (uint32_t version = newest; version > 0; version--)
		if (image_manifest_read(image, version, &m, why, sizeof(why)) == 0 && m.recipe[0] == '\0')
			return version;
	return 0;
}

/* NULL: it can go. */
static const char *
needed_by(const struct pruning *p, uint32_t version, char *text, size_t size)
{
	char file[PATH_SIZE], names[128];

	snprintf(file, sizeof(file), "%s/%s/%" PRIu32 "/image.ext4", PATH_IMAGES, p->image, version);
	if (version >= p->newest)
		return "the newest";
	if (image_users_of(&p->users, p->image, version, names, sizeof(names)) > 0) {
		snprintf(text, size, "used by %s", names);
		return text;
	}
	if (version == p->base)
		return "what the next build is made of";
	return attach_in_use(file) ? "attached" : NULL;
}

/* Out of sight first: what is left of it if we are killed is removed by the next who makes an image. */
static int
remove_version(const struct pruning *p, uint32_t version)
{
	char gone[NAME_SIZE + 32], path[NAME_SIZE + 16];

	snprintf(path, sizeof(path), "%s/%" PRIu32, p->image, version);
	snprintf(gone, sizeof(gone), ".%s.tmp.gone-%" PRIu32, p->image, version);
	if (renameat2(p->images, path, p->images, gone, RENAME_NOREPLACE) == -1 || fsync(p->images) == -1)
		return -1;
	return beneath_remove_tree(p->images, gone);
}

static int
visit(const char *image, uint32_t version, void *argument)
{
	struct pruning *p = argument;
	const char *why;
	char text[256];

	if (p->only != NULL && strcmp(p->only, image) != 0)
		return 0;
	p->image = image;
	p->newest = image_newest(image);
	if (p->newest == 0) /* without a whole version nothing is known of it */
		return 0;
	p->base = newest_base(image, p->newest);
	why = needed_by(p, version, text, sizeof(text));
	if (why == NULL && !p->dry && remove_version(p, version) == -1) {
		log_err("%s/%s/%" PRIu32, PATH_IMAGES, image, version);
		p->failed++;
		why = "it cannot be removed";
	}
	output_row(p->output);
	output_text(p->output, "name", image);
	output_number(p->output, "version", version);
	output_text(p->output, "state", why != NULL ? "kept" : p->dry ? "would be removed" : "removed");
	output_text(p->output, "because", why);
	return 0;
}

static int
prune(struct pruning *p, bool json)
{
	char why[2 * TEXT_SIZE];
	int clients = clients_lock(true, why, sizeof(why));

	if (clients == -1) {
		log_errx("%s", why);
		return EXIT_FAILED;
	}
	if (image_users_read(&p->users, why, sizeof(why)) == -1) {
		log_errx("%s", why);
		image_users_free(&p->users);
		return EXIT_FAILED;
	}
	p->output = output_new(stdout, json);
	output_list(p->output, NULL);
	p->failed += image_each_version(visit, p) != 0;
	p->failed += !output_end(p->output);
	image_users_free(&p->users);
	close(clients);
	return p->failed == 0 ? EXIT_OK : EXIT_FAILED;
}

int
image_prune_command(int argc, char **argv, bool json)
{
	static const struct option options[] = { { "dry-run", no_argument, NULL, 'n' }, { NULL, 0, NULL, 0 } };
	struct pruning p = { .dry = false };
	int option, status;

	while ((option = getopt_long(argc, argv, "n", options, NULL)) != -1) {
		if (option != 'n')
			return usage_error(NULL);
		p.dry = true;
	}
	if (argc - optind > 1)
		return usage_error("one image at a time, or all");
	p.only = argv[optind];
	if (geteuid() != 0) {
		log_errx("only root may remove images");
		return EXIT_FAILED;
	}
	p.images = open(PATH_IMAGES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p.images == -1 || (p.only != NULL && (!config_name_valid(p.only) || image_newest(p.only) == 0))) {
		log_errx("there is no image%s%s", p.only == NULL ? "" : " ", p.only == NULL ? "" : p.only);
		return EXIT_FAILED;
	}
	status = prune(&p, json);
	close(p.images);
	return status;
}
