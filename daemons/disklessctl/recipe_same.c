/* SPDX-License-Identifier: ISC */
/* Makes trees comparable (recipe_same.h). Runs as root on a tree that nothing else has open; paths of it go through beneath.h or fts(3). */
#include "recipe_same.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapt.h"
#include "beneath.h"
#include "program.h"

#define STATUS_MAX ((size_t)64 << 20)

/* mode: of the directory that is made again, or 0. */
static const struct {
	const char *path;
	mode_t mode;
} of_this_run[] = {
	/* caches, which their owners make again */
	{ "/var/lib/apt/lists", 0755 },
	{ "/var/cache/apt", 0755 },
	{ "/var/cache/ldconfig", 0 },
	{ "/var/cache/debconf/config.dat-old", 0 },
	{ "/var/cache/debconf/templates.dat-old", 0 },
	{ "/var/cache/man", 0 },
	{ "/tmp", 01777 },
	{ "/var/tmp", 01777 },
	/* logs, locks, and files as they were before */
	{ "/var/log/apt", 0755 },
	{ "/var/log/alternatives.log", 0 },
	{ "/var/log/bootstrap.log", 0 },
	{ "/var/log/dpkg.log", 0 },
	{ "/var/log/fontconfig.log", 0 },
	{ "/var/lib/dpkg/available-old", 0 },
	{ "/var/lib/dpkg/diversions-old", 0 },
	{ "/var/lib/dpkg/statoverride-old", 0 },
	{ "/var/lib/dpkg/status-old", 0 },
	{ "/etc/passwd-", 0 },
	{ "/etc/group-", 0 },
	{ "/etc/shadow-", 0 },
	{ "/etc/gshadow-", 0 },
	{ "/etc/subuid-", 0 },
	{ "/etc/subgid-", 0 },
};

static int
in_root(struct image_make *m, const char *path)
{
	return image_failed(m, "%s in the root: %s", path, strerror(errno));
}

static bool
is_directory(int root, const char *path)
{
	int fd = beneath_directory(root, path);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

static int
tidy(struct image_make *m, int root)
{
	for (size_t i = 0; i < sizeof(of_this_run) / sizeof(of_this_run[0]); i++) {
		const char *path = of_this_run[i].path;
		mode_t mode = of_this_run[i].mode;

		if (mode != 0 && !is_directory(root, path))
			continue;
		if (beneath_remove_tree(root, path) == -1 && errno != ENOENT)
			return in_root(m, path);
		if (mode != 0 && beneath_mkdirs(root, path, mode) == -1)
			return in_root(m, path);
	}
	return 0;
}

/* What packages brought is made ready for the network as what was there before them; its identities go as well. */
static int
adapt_again(struct image_make *m, int root)
{
	int no_boot_files, result;

	if (mkdirat(m->work, "none", 0700) == -1 ||
	    (no_boot_files = openat(m->work, "none", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return image_failed(m, "%s/none: %s", m->work_path, strerror(errno));
	result = adapt_image(root, no_boot_files, m->why, sizeof(m->why));
	close(no_boot_files);
	return result;
}

/* Changes its directory: it is a process of its own, and a name may be too long for a path. */
static int
clamp_times(struct image_make *m, uint64_t epoch)
{
	struct timespec times[2] = { { .tv_sec = (time_t)epoch }, { .tv_sec = (time_t)epoch } };
	char *paths[] = { m->root, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_XDEV, NULL);
	FTSENT *entry;
	int result = 0;

	if (tree == NULL)
		return image_failed(m, "%s: %s", m->root, strerror(errno));
	while (result == 0 && (entry = fts_read(tree)) != NULL)
		if (entry->fts_info != FTS_D && entry->fts_statp != NULL &&
		    (entry->fts_statp->st_mtim.tv_sec > times[1].tv_sec ||
			(entry->fts_statp->st_mtim.tv_sec == times[1].tv_sec &&
			    entry->fts_statp->st_mtim.tv_nsec > 0)) &&
		    utimensat(AT_FDCWD, entry->fts_accpath, times, AT_SYMLINK_NOFOLLOW) == -1)
			result = image_failed(m, "%s: its time: %s", entry->fts_path, strerror(errno));
	fts_close(tree);
	return result;
}

/* As a tar of it, which has all that a tree is but nothing of how a filesystem holds it. */
static int
digest_tree(struct image_make *m)
{
	const char *const argv[] = { "/usr/bin/tar", "--create", "--sort=name", "--format=posix",
		"--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime", "--numeric-owner", "--xattrs",
		"--xattrs-include=*", "--acls", "--one-file-system", "--warning=no-file-ignored",
		"--use-compress-program=/usr/bin/sha256sum", "--file=-", "--directory", m->root, ".", NULL };
	struct program program = { .argv = argv };
	char output[PROGRAM_OUTPUT], why[TEXT_SIZE];

	image_say(m, "digesting its tree");
	if (program_run(&program, output, why, sizeof(why)) == -1)
		return image_failed(m, "digesting its tree: %s", why);
	if (strspn(output, "0123456789abcdef") != 64)
		return image_failed(m, "digesting its tree: %s said no digest: %.200s", argv[0], output);
	snprintf(m->manifest.tree, sizeof(m->manifest.tree), "%.64s", output);
	return 0;
}

/* ---- packages ---- */

/* The value of a field in the paragraph at text, which ends at an empty line; *length 0: there is none. */
static const char *
field_of(const char *text, const char *field, size_t *length)
{
	size_t named = strlen(field);

	*length = 0;
	for (; *text != '\0' && *text != '\n'; text += strcspn(text, "\n"), text += *text == '\n')
		if (strncmp(text, field, named) == 0 && strncmp(text + named, ": ", 2) == 0) {
			*length = strcspn(text + named + 2, "\n");
			return text + named + 2;
		}
	return text;
}

/* The next paragraph, behind the empty lines that end this one. */
static const char *
next_paragraph(const char *text)
{
	while (*text != '\0' && *text != '\n') {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return text + strspn(text, "\n");
}

char *
packages_installed(const char *status)
{
	static const char *const shown[] = { "Package", "Version", "Architecture" };
	static const char installed[] = " ok installed"; /* behind what is wanted: install, hold ... */
	char *list = NULL;
	size_t size, length;
	FILE *out = open_memstream(&list, &size);

	if (out == NULL)
		return NULL;
	for (; *status != '\0'; status = next_paragraph(status)) {
		const char *state = field_of(status, "Status", &length);

		if (length == 0 || strncmp(state + strcspn(state, " \n"), installed, strlen(installed)) != 0)
			continue;
		for (size_t i = 0; i < 3; i++) {
			const char *value = field_of(status, shown[i], &length);

			fprintf(out, "%.*s%c", (int)(length < 256 ? length : 256), value, i == 2 ? '\n' : ' ');
		}
	}
	return fclose(out) == 0 ? list : NULL;
}

int
recipe_record(struct image_make *m, const char *file, const char *text)
{
	int new = openat(m->work, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = -1;

	if (new != -1)
		result = beneath_write(new, file, text, strlen(text), 0644);
	if (result == -1)
		image_failed(m, "%s/new/%s: %s", m->work_path, file, strerror(errno));
	if (new != -1)
		close(new);
	return result;
}

static int
record_packages(struct image_make *m, int root)
{
	static const char path[] = "/var/lib/dpkg/status";
	char *status, *list;
	size_t length;
	int result;

	if (beneath_slurp(root, path, STATUS_MAX, &status, &length) == -1)
		return errno == ENOENT ? 0 : in_root(m, path);
	list = packages_installed(status);
	result =
	    list == NULL ? image_failed(m, "no memory for the list of packages") : recipe_record(m, "packages", list);
	free(list);
	free(status);
	return result;
}

int
recipe_make_same(struct image_make *m, int root)
{
	return tidy(m, root) == -1 || adapt_again(m, root) == -1 ? -1 : record_packages(m, root);
}

int
recipe_settle(struct image_make *m, int root, const void *unused)
{
	return clamp_times(m, m->manifest.epoch) == -1 ? -1 : digest_tree(m);
}
