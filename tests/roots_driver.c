/* SPDX-License-Identifier: ISC */
/* What tests/roots calls: one function of attach.h or root_make.h a run, with its words on stderr and its result as status. `jailed` in front: as disklessd. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "attach.h"
#include "confine.h"
#include "disklessctl/root_make.h"
#include "log.h"
#include "upper.h"

static char why[TEXT_SIZE];

static int
make(const char *name, const char *image_name, const char *quota)
{
	char image_text[NAME_SIZE], name_text[NAME_SIZE];
	struct config_image image = { .name = image_text };
	struct config_client client = { .name = name_text, .image = &image };

	snprintf(image_text, sizeof(image_text), "%s", image_name);
	snprintf(name_text, sizeof(name_text), "%s", name);
	if (!config_size_parse(quota, &client.quota))
		return -1;
	return root_make(&(struct root_wish){ .client = &client }, why, sizeof(why));
}

static int
detach(const struct attach_paths *paths)
{
	int result = detach_root(paths);

	snprintf(why, sizeof(why), "%s", strerror(errno));
	return result;
}

static int
usage(const struct attach_paths *paths)
{
	uint64_t size, used;

	if (attach_usage(paths->upper, &size, &used) == -1)
		return -1;
	printf("%" PRIu64 " %" PRIu64 "\n", size, used);
	return 0;
}

static int
with_root(const char *verb, const char *name)
{
	struct client_manifest manifest;
	struct attach_paths paths;

	if (client_manifest_read(name, &manifest, why, sizeof(why)) == -1)
		return -1;
	attach_paths(&manifest, &paths);
	if (strcmp(verb, "attach") == 0)
		return attach_root(&paths, why, sizeof(why));
	if (strcmp(verb, "discard") == 0)
		return upper_discard(&manifest, why, sizeof(why));
	if (strcmp(verb, "detach") == 0)
		return detach(&paths);
	if (strcmp(verb, "detach-image") == 0)
		return detach_image(paths.image);
	if (strcmp(verb, "used") == 0)
		return attach_in_use(paths.upper_file) ? 0 : -1;
	return strcmp(verb, "usage") == 0 ? usage(&paths) : -1;
}

int
main(int argc, char **argv)
{
	int result = -1;

	log_to_stderr("roots");
	if (argc > 1 && strcmp(argv[1], "jailed") == 0) {
		confine_parent(); /* attach.h must work as disklessd calls it */
		argc--;
		argv++;
	}
	if (argc == 5 && strcmp(argv[1], "make") == 0)
		result = make(argv[2], argv[3], argv[4]);
	else if (argc == 3 && strcmp(argv[1], "destroy") == 0)
		result = root_destroy(argv[2], why, sizeof(why));
	else if (argc == 3)
		result = with_root(argv[1], argv[2]);
	if (result == -1)
		fprintf(stderr, "%s\n", why);
	return result == 0 ? 0 : 1;
}
