/* SPDX-License-Identifier: ISC */
/*
 * A directory, or a tar (what `docker export` writes), as the source of a tree. Runs as root, in a mount namespace. tar's names
 * are foreign: it runs with a root directory in which there are the system's programs, read-only, and the new tree, so that no
 * name, link or member leads anywhere else. Device nodes are kept as they are; wherever a tree is mounted here, it is with nodev.
 */
#include "image_jail.h"
#include "image_source.h"

#include <sys/mount.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "output.h"
#include "program.h"
#include "progress.h"

struct filling {
	struct image_make *make;
	struct image_origin *origin;
	struct image_measure content;
	struct progress progress;
};

/* ---- a directory ---- */

static bool
is_directory(const struct image_origin *origin)
{
	return S_ISDIR(origin->st.st_mode);
}

/* By descriptor: what was looked at is what is copied. */
static void
path_of(const struct image_origin *origin, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "/proc/%d/fd/%d/.", (int)getpid(), origin->fd);
}

static int
make_directory(struct image_make *m, struct image_origin *origin)
{
	struct image_measure content;
	char path[PATH_SIZE], human[16];

	path_of(origin, path);
	image_measure(path, &content);
	image_say(
	    m, "%s holds %s in %" PRIu64 " entries", origin->file, output_human(content.bytes, human), content.entries);
	return image_new_filesystem(m, content.bytes, content.entries);
}

static bool
show_copied(void *argument)
{
	struct filling *f = argument;
	struct statvfs fs;

	if (statvfs(f->make->root, &fs) == 0)
		progress_at(&f->progress, (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize);
	return false;
}

static int
fill_directory(struct image_make *m, int root, struct image_origin *origin)
{
	struct filling f = { .make = m, .origin = origin };
	char from[PATH_SIZE], output[PROGRAM_OUTPUT], reason[TEXT_SIZE];
	const char *const argv[] = { "/bin/cp", "-a", "-x", "--sparse=always", "--", from, m->root, NULL };
	struct program program = { .argv = argv, .enough = show_copied, .argument = &f };
	int result;

	path_of(origin, from);
	image_measure(from, &f.content);
	progress_begin(&f.progress, "copying", f.content.bytes);
	result = program_run(&program, output, reason, sizeof(reason));
	progress_end(&f.progress);
	return result == 0 ? 0 : image_failed(m, "%s: copying it: %s", origin->file, reason);
}

const struct image_kind image_kind_directory = { is_directory, make_directory, fill_directory };

/* ---- a tar ---- */

/* POSIX.1-1988 and later, and GNU's: "ustar" at 257. */
static bool
is_tar(const struct image_origin *origin)
{
	return memcmp(origin->head + 257, "ustar", 5) == 0;
}

/* A line each: tar(1) writes a line's end in a name as \n. */
static int
count_lines(void *argument, const char *bytes, size_t length)
{
	struct filling *f = argument;

	for (size_t i = 0; i < length; i++)
		f->content.entries += bytes[i] == '\n';
	return 0;
}

static bool
show_read(void *argument)
{
	struct filling *f = argument;
	off_t at = lseek(f->origin->fd, 0, SEEK_CUR);

	if (at > 0)
		progress_at(&f->progress, (uint64_t)at);
	return false;
}

/* tar tells that it makes names relative, which is no fault. */
static void
first_complaint(const char *output, char *reason, size_t size)
{
	const char *line = output;

	while (strstr(line, "Removing leading") != NULL && strchr(line, '\n') != NULL &&
	       strstr(line, "Removing leading") < strchr(line, '\n') && strchr(line, '\n')[1] != '\0')
		line = strchr(line, '\n') + 1;
	log_visible(reason, size, line, strcspn(line, "\n"));
}

static int
run_tar(struct filling *f, struct program *program, const char *what)
{
	char output[PROGRAM_OUTPUT], reason[TEXT_SIZE];
	int result;

	if (lseek(f->origin->fd, 0, SEEK_SET) == -1)
		return image_failed(f->make, "%s: %s", f->origin->file, strerror(errno));
	program->enough = show_read;
	program->argument = f;
	program->input = f->origin->fd;
	progress_begin(&f->progress, what, (uint64_t)f->origin->st.st_size);
	result = program_run(program, output, reason, sizeof(reason));
	progress_end(&f->progress);
	if (result == 0)
		return 0;
	/* Its last line only says that there were others. */
	if (output[0] != '\0')
		first_complaint(output, reason, sizeof(reason));
	return image_failed(f->make, "%s: %s it: %s", f->origin->file, what, reason);
}

/* A member takes at most its bytes in the tar and what its last block has too much. */
static int
make_tar(struct image_make *m, struct image_origin *origin)
{
	static const char *const argv[] = { "/usr/bin/tar", "-t", "-f", "-", NULL };
	struct program program = { .argv = argv, .take = count_lines, .nobody = true };
	struct filling f = { .make = m, .origin = origin };
	char human[16];

	image_say(m, "reading %s, a tar of %s", origin->file, output_human((uint64_t)origin->st.st_size, human));
	if (run_tar(&f, &program, "listing") == -1)
		return -1;
	return image_new_filesystem(m, (uint64_t)origin->st.st_size + f.content.entries * 2 * 4096, f.content.entries);
}

static int
fill_tar(struct image_make *m, int root, struct image_origin *origin)
{
	static const char *const nothing_else[] = { NULL };
	static const char *const argv[] = { "/usr/bin/tar", "-x", "-p", "--numeric-owner", "--same-owner", "--acls",
		"--xattrs", "--xattrs-include=*", "-C", "/tree", "-f", "-", NULL };
	char jail[PATH_SIZE + 32], tree[PATH_SIZE + 64];
	struct program program = { .argv = argv, .root = jail };
	struct filling f = { .make = m, .origin = origin };
	int result;

	snprintf(jail, sizeof(jail), "%s/jail", m->work_path);
	result = image_jail(m, jail, nothing_else, MS_NOSUID | MS_NODEV | MS_NOEXEC);
	if (result == 0)
		result = run_tar(&f, &program, "unpacking");
	snprintf(tree, sizeof(tree), "%s/tree", jail);
	umount2(tree, UMOUNT_NOFOLLOW | MNT_DETACH); /* else the filesystem stays mounted */
	return result;
}

const struct image_kind image_kind_tar = { is_tar, make_tar, fill_tar };
