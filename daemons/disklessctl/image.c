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

static void
list_version(struct output *o, const char *name, const char *number)
{
	struct image_manifest m;
	char why[TEXT_SIZE];

	if (image_manifest_read(name, (uint32_t)strtoul(number, NULL, 10), &m, why, sizeof(why)) == -1) {
		log_warnx("%s", why);
		return;
	}
	output_row(o);
	output_text(o, "name", m.name);
	output_number(o, "version", m.version);
	output_bytes(o, "size", m.size);
	output_text(o, "made", m.made);
	output_text(o, "boot", m.boot);
	output_text(o, "kernel", m.kernel[0] == '\0' ? NULL : m.kernel);
	output_text(o, "origin", m.origin);
	output_text(o, "digest", m.digest);
}

static void
list_versions(struct output *o, const char *name)
{
	char path[PATH_SIZE];
	struct dirent **versions;
	int count;

	snprintf(path, sizeof(path), "%s/%s", PATH_IMAGES, name);
	count = config_name_valid(name) ? scandir(path, &versions, visible, versionsort) : -1;
	if (count == -1)
		return;
	for (int i = 0; i < count; i++) {
		list_version(o, name, versions[i]->d_name);
		free(versions[i]);
	}
	free(versions);
}

int
image_list_command(int argc, char **argv, bool json)
{
	struct dirent **names;
	struct output *o;
	int count;

	if (argc > 1)
		return usage_error("\"%s\" is too much", argv[1]);
	count = scandir(PATH_IMAGES, &names, visible, alphasort);
	if (count == -1 && errno != ENOENT) {
		log_err("%s", PATH_IMAGES);
		return EXIT_FAILED;
	}
	o = output_new(stdout, json);
	output_list(o, NULL);
	for (int i = 0; i < count; i++) {
		list_versions(o, names[i]->d_name);
		free(names[i]);
	}
	if (count > 0)
		free(names);
	output_close(o);
	return output_end(o) ? EXIT_OK : EXIT_FAILED;
}
