/* SPDX-License-Identifier: ISC */
/* disklessctl image: the words of the command line and what is printed. Import is root's; everybody may list. */
#include "image.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "image_check.h"
#include "image_users.h"
#include "log.h"
#include "manifest.h"
#include "output.h"
#include "paths.h"

/* What came of it: the image is there, whatever is found in it. */
static int
tell(const char *name, uint32_t version, bool json)
{
	char why[2 * TEXT_SIZE];
	struct image_findings *findings = image_check(name, version, why, sizeof(why));
	struct output *o = output_new(stdout, json);

	if (findings == NULL)
		log_warnx("image %s: it was not looked at: %s", name, why);
	output_object(o, NULL);
	if (findings == NULL) {
		output_text(o, "name", name);
		output_number(o, "version", version);
	} else {
		image_findings_print(findings, o);
		image_findings_free(findings);
	}
	output_close(o);
	return output_end(o) ? EXIT_OK : EXIT_FAILED;
}

int
image_report(struct image_make *m, int result, bool json)
{
	char name[NAME_SIZE];
	uint32_t version = m->manifest.version;

	snprintf(name, sizeof(name), "%s", m->manifest.name);
	if (result == -1)
		log_errx("image %s: %s", name, m->why);
	else
		log_info("image %s: version %" PRIu32 " is there", name, version);
	image_make_free(m);
	if (result == -1)
		return EXIT_FAILED;
	return tell(name, version, json);
}

int
image_import_command(int argc, char **argv, bool json)
{
	static const struct option options[] = { { "name", required_argument, NULL, 'n' },
		{ "sha256", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 } };
	const char *name = NULL, *sha256 = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "n:s:", options, NULL)) != -1) {
		if (option != 'n' && option != 's')
			return usage_error(NULL);
		*(option == 'n' ? &name : &sha256) = optarg;
	}
	if (argc - optind != 1 || name == NULL)
		return usage_error(name == NULL ? "--name is missing" : "one FILE is needed");
	if (!config_name_valid(name))
		return usage_error(
		    "\"%s\" is no name: it may hold letters, digits, - and _, at most %d", name, NAME_SIZE - 1);
	if (sha256 != NULL && (strlen(sha256) != 64 || strspn(sha256, "0123456789abcdefABCDEF") != 64))
		return usage_error("--sha256 \"%s\": it should be 64 hexadecimal digits", sha256);
	return image_import(argv[optind], name, sha256, json);
}

/* ---- list ---- */

static int
visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int
each_version_of(const char *name, int (*visit)(const char *, uint32_t, void *), void *argument)
{
	char path[PATH_SIZE];
	struct dirent **versions;
	int count, result = 0;

	snprintf(path, sizeof(path), "%s/%s", PATH_IMAGES, name);
	count = config_name_valid(name) ? scandir(path, &versions, visible, versionsort) : -1;
	if (count == -1)
		return 0;
	for (int i = 0; i < count; i++) {
		const char *number = versions[i]->d_name;

		if (result == 0 && strlen(number) <= 10 && strspn(number, "0123456789") == strlen(number))
			result = visit(name, (uint32_t)strtoul(number, NULL, 10), argument);
		free(versions[i]);
	}
	free(versions);
	return result;
}

int
image_each_version(int (*visit)(const char *, uint32_t, void *), void *argument)
{
	struct dirent **names;
	int count = scandir(PATH_IMAGES, &names, visible, alphasort), result = 0;

	if (count == -1) {
		if (errno == ENOENT)
			return 0;
		log_err("%s", PATH_IMAGES);
		return -1;
	}
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = each_version_of(names[i]->d_name, visit, argument);
		free(names[i]);
	}
	free(names);
	return result;
}

struct listing {
	struct image_users users;
	struct output *output;
};

static int
list_version(const char *name, uint32_t version, void *argument)
{
	const struct listing *l = argument;
	struct output *o = l->output;
	struct image_manifest m;
	char why[TEXT_SIZE], clients[256];
	size_t count;

	if (image_manifest_read(name, version, &m, why, sizeof(why)) == -1) {
		log_warnx("%s", why);
		return 0;
	}
	count = image_users_of(&l->users, m.name, m.version, clients, sizeof(clients));
	output_row(o);
	output_text(o, "name", m.name);
	output_number(o, "version", m.version);
	output_bytes(o, "size", m.size);
	output_text(o, "made", m.made);
	output_text(o, "boot", m.boot);
	output_text(o, "kernel", m.kernel[0] == '\0' ? NULL : m.kernel);
	output_number(o, "clients", count);
	output_text(o, "used_by", count == 0 ? NULL : clients);
	output_bool(o, "recipe", m.recipe[0] != '\0');
	output_text(o, "origin", m.origin);
	output_text(o, "digest", m.digest);
	return 0;
}

int
image_list_command(int argc, char **argv, bool json)
{
	struct listing l;
	char why[TEXT_SIZE];
	int result;

	if (argc > 1)
		return usage_error("\"%s\" is too much", argv[1]);
	if (image_users_read(&l.users, why, sizeof(why)) == -1)
		log_warnx("who uses them is not known: %s", why);
	l.output = output_new(stdout, json);
	output_list(l.output, NULL);
	result = image_each_version(list_version, &l);
	output_close(l.output);
	image_users_free(&l.users);
	return output_end(l.output) && result == 0 ? EXIT_OK : EXIT_FAILED;
}
