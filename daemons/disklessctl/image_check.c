/* SPDX-License-Identifier: ISC */
/*
 * The check of an image. Runs as root; the version is mounted read-only over its own directory in a mount namespace that ends with
 * the check, and what was found comes back in shared memory.
 */
#include "image_check.h"

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boards.h"
#include "config.h"
#include "image_look.h"
#include "log.h"
#include "loop.h"
#include "manifest.h"
#include "output.h"
#include "paths.h"
#include "program.h"

#define WARNINGS     32
#define CAPABILITIES 64 /* names; the rest is counted */

struct image_findings {
	struct image_manifest manifest;
	struct board_verdict board[BOARDS];
	char warning[WARNINGS][2 * TEXT_SIZE];
	size_t warnings;
	char capable[CAPABILITIES][PATH_SIZE];
	size_t capables;
	char why[2 * TEXT_SIZE];
};

/* ---- looking ---- */

static void warn(void *, const char *, ...) __attribute__((format(printf, 2, 3)));

/* Each once: boards share what they load. */
static void
warn(void *argument, const char *format, ...)
{
	struct image_findings *r = argument;
	char text[2 * TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	for (size_t i = 0; i < r->warnings; i++)
		if (strcmp(r->warning[i], text) == 0)
			return;
	if (r->warnings < WARNINGS)
		log_visible(r->warning[r->warnings++], sizeof(r->warning[0]), text, strlen(text));
}

/* Of files alone: nothing else can have some. */
static void
look_for_capabilities(struct image_findings *r, char *mounted)
{
	char *paths[] = { mounted, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	FTSENT *entry;

	while (tree != NULL && (entry = fts_read(tree)) != NULL) {
		const char *name = entry->fts_path + strlen(mounted);

		if (entry->fts_info != FTS_F || lgetxattr(entry->fts_path, "security.capability", NULL, 0) <= 0)
			continue;
		if (r->capables < CAPABILITIES)
			log_visible(r->capable[r->capables], sizeof(r->capable[0]), name, strlen(name));
		r->capables++;
	}
	if (tree != NULL)
		fts_close(tree);
	if (r->capables > 0)
		warn(r, "%zu %s capabilities, which NFS does not carry: for users it is as if there were none",
		    r->capables, r->capables == 1 ? "file has" : "files have");
}

static int
failed(struct image_findings *r, const char *what)
{
	snprintf(r->why, sizeof(r->why), "%s: %s", what, strerror(errno));
	return -1;
}

static int
look(void *argument)
{
	struct image_findings *r = argument;
	char directory[PATH_SIZE], file[PATH_SIZE + 32], device[LOOP_PATH];
	struct image_look *looked;
	int loop, root;

	snprintf(directory, sizeof(directory), "%s/%s/%" PRIu32, PATH_IMAGES, r->manifest.name, r->manifest.version);
	snprintf(file, sizeof(file), "%s/image.ext4", directory);
	loop = loop_attach(file, true, device);
	if (loop == -1 ||
	    mount(device, directory, "ext4", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "errors=remount-ro") == -1)
		return failed(r, file);
	close(loop);
	root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root == -1)
		return failed(r, directory);
	looked = image_look_new(root, r->manifest.boot);
	boards_judge(image_look_source(looked), r->board, warn, r);
	image_look_free(looked);
	look_for_capabilities(r, directory);
	close(root);
	return 0;
}

struct image_findings *
image_check(const char *name, uint32_t version, char *why, size_t size)
{
	struct image_findings *r = shared_memory(sizeof(*r));

	if (r == NULL)
		fatalx("no memory");
	if (image_manifest_read(name, version, &r->manifest, why, size) == 0) {
		if (in_mount_namespace(look, r, why, size) == 0)
			return r;
		if (r->why[0] != '\0')
			snprintf(why, size, "%s", r->why);
	}
	image_findings_free(r);
	return NULL;
}

void
image_findings_free(struct image_findings *r)
{
	munmap(r, sizeof(*r));
}

/* ---- telling ---- */

int
image_findings_status(const struct image_findings *r)
{
	bool boots = false;

	for (size_t i = 0; i < BOARDS; i++)
		boots = boots || r->board[i].boots;
	if (!boots)
		return EXIT_BOOTS_NONE;
	return r->warnings > 0 ? EXIT_WARNED : EXIT_OK;
}

/* NULL, which is printed as that, for what is empty. */
static void
text(struct output *o, const char *key, const char *value)
{
	char visible[4 * TEXT_SIZE];

	output_text(o, key, value[0] == '\0' ? NULL : log_visible(visible, sizeof(visible), value, strlen(value)));
}

static void
print_board(struct output *o, const struct board_verdict *v)
{
	output_row(o);
	output_text(o, "board", v->board);
	output_bool(o, "boots", v->boots);
	text(o, "kernel", v->kernel);
	text(o, "release", v->release);
	text(o, "initramfs", v->initramfs);
	text(o, "nfs", v->nfs);
	text(o, "why", v->why);
}

void
image_findings_print(const struct image_findings *r, struct output *o)
{
	output_text(o, "name", r->manifest.name);
	output_number(o, "version", r->manifest.version);
	output_list(o, "boards");
	for (size_t i = 0; i < BOARDS; i++)
		print_board(o, &r->board[i]);
	output_close(o);
	output_list(o, "warnings");
	for (size_t i = 0; i < r->warnings; i++) {
		output_row(o);
		output_text(o, "warning", r->warning[i]);
	}
	output_close(o);
	output_list(o, "capabilities");
	for (size_t i = 0; i < r->capables && i < CAPABILITIES; i++) {
		output_row(o);
		output_text(o, "capable", r->capable[i]);
	}
	output_close(o);
}

/* ---- the command ---- */

static int
print(const struct image_findings *r, bool json)
{
	struct output *o = output_new(stdout, json);

	output_object(o, NULL);
	image_findings_print(r, o);
	output_close(o);
	return output_end(o) ? image_findings_status(r) : EXIT_FAILED;
}

/* A decimal number that is one of a version. */
static bool
version_of(const char *text, uint32_t *version)
{
	unsigned long long number = strtoull(text, NULL, 10);

	*version = (uint32_t)number;
	return text[0] >= '1' && text[0] <= '9' && strspn(text, "0123456789") == strlen(text) && strlen(text) < 12 &&
	       number <= UINT32_MAX;
}

int
image_check_command(int argc, char **argv, bool json)
{
	const char *name = argc > 1 ? argv[1] : "";
	struct image_findings *findings;
	char why[2 * TEXT_SIZE];
	uint32_t version;
	int status;

	if (argc < 2 || argc > 3)
		return usage_error(argc < 2 ? "a NAME is needed" : "\"%s\" is too much", argv[argc - 1]);
	if (!config_name_valid(name))
		return usage_error(
		    "\"%s\" is no name: it may hold letters, digits, - and _, at most %d", name, NAME_SIZE - 1);
	if (argc == 3 && !version_of(argv[2], &version))
		return usage_error("\"%s\" is no version: it should be a number of `image list`", argv[2]);
	if (argc == 2 && (version = image_newest(name)) == 0) {
		log_errx("image %s: it has no version; `disklessctl image list` has all there are", name);
		return EXIT_FAILED;
	}
	findings = image_check(name, version, why, sizeof(why));
	if (findings == NULL) {
		log_errx("image %s: %s", name, why);
		return EXIT_FAILED;
	}
	status = print(findings, json);
	image_findings_free(findings);
	return status;
}
