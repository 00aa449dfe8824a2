/* SPDX-License-Identifier: ISC */
/*
 * From one tree of a client's to another (beneath.h). Below the first path nothing is resolved: each entry is opened by its own
 * name in a directory that is open, without following it, so what a client planted leads nowhere.
 */
#include "beneath_place.h"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define CARRY_DEPTH 128 /* directories in directories: two descriptors each */
#define XATTR_SIZE  4096
#define COPY_SIZE   ((size_t)1 << 17)

static int carry_entry(int to, int from, const char *name, int depth, struct carried *);

static void
close_quietly(int fd)
{
	int saved = errno;

	if (fd != -1)
		close(fd);
	errno = saved;
}

/* Errors after which nothing more can be carried. */
static bool
is_final(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EIO || error == EROFS || error == ENOMEM ||
	       error == EMFILE || error == ENFILE;
}

/* Left behind, and noted; or -1 if that is no matter of this entry. */
static int
leave(struct carried *c, const char *name, const char *why)
{
	char visible[PATH_SIZE_CARRIED / 2];

	if (why == NULL && is_final(errno))
		return -1;
	if (c->left++ == 0)
		snprintf(c->first, sizeof(c->first), "%s (%.60s)",
		    log_visible(visible, sizeof(visible), name, strlen(name)), why != NULL ? why : strerror(errno));
	return 0;
}

/* ---- what a file has beside its bytes ---- */

static bool
xattr_wanted(const char *name)
{
	return strncmp(name, "user.", 5) == 0 || strncmp(name, "system.posix_acl_", 17) == 0;
}

/* As far as it goes: an attribute that the new filesystem does not take is no reason to leave the file. */
static void
copy_xattrs(int to, int from)
{
	char names[XATTR_SIZE], value[XATTR_SIZE];
	ssize_t length = flistxattr(from, names, sizeof(names)), size;

	for (const char *name = names; length > 0 && name < names + length; name += strlen(name) + 1)
		if (xattr_wanted(name) && (size = fgetxattr(from, name, value, sizeof(value))) >= 0)
			(void)fsetxattr(to, name, value, (size_t)size, 0);
}

static int
dress(int to, int from, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchown(to, st->st_uid, st->st_gid) == -1 || fchmod(to, st->st_mode & 07777) == -1)
		return -1;
	copy_xattrs(to, from);
	return futimens(to, times);
}

/* ---- files ---- */

static int
copy_part(int to, int from, off_t at, off_t end, struct carried *c)
{
	static char bytes[COPY_SIZE];

	while (at < end) {
		size_t want = end - at < (off_t)sizeof(bytes) ? (size_t)(end - at) : sizeof(bytes);
		ssize_t got = pread(from, bytes, want, at), put;

		if (got <= 0)
			return (int)got; /* its end came early: it is as long as it is */
		for (ssize_t done = 0; done < got; done += put)
			if ((put = pwrite(to, bytes + done, (size_t)(got - done), at + done)) == -1)
				return -1;
		at += got;
		c->bytes += (uint64_t)got;
	}
	return 0;
}

/* Only what is data: a hole of terabytes takes no time. */
static int
copy_data(int to, int from, off_t size, struct carried *c)
{
	off_t at = 0, end;

	while (at < size && (at = lseek(from, at, SEEK_DATA)) != -1) {
		end = lseek(from, at, SEEK_HOLE);
		if (end == -1 || copy_part(to, from, at, end < size ? end : size, c) == -1)
			return -1;
		at = end;
	}
	if (at == -1 && errno != ENXIO)
		return -1;
	return ftruncate(to, size);
}

/* The image has it already, unchanged: nothing is to be written. */
static bool
is_there(int to, const char *name, const struct stat *st)
{
	struct stat now;

	return fstatat(to, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(now.st_mode) &&
	       now.st_size == st->st_size && now.st_mode == st->st_mode && now.st_uid == st->st_uid &&
	       now.st_gid == st->st_gid && now.st_mtim.tv_sec == st->st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == st->st_mtim.tv_nsec;
}

/* Beside its place and renamed into it; -1 with errno. */
static int
write_file(int to, const char *name, int from, const struct stat *st, struct carried *c)
{
	char draft[32];
	int fd, result, saved;

	if (beneath_temporary_name(draft, sizeof(draft)) == -1)
		return -1;
	fd = openat(to, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	result = copy_data(fd, from, st->st_size, c);
	if (result == 0)
		result = dress(fd, from, st);
	if (result == 0)
		result = renameat(to, draft, to, name);
	saved = errno;
	if (result == -1)
		unlinkat(to, draft, 0);
	close(fd);
	errno = saved;
	return result;
}

/* looked_at: O_PATH, a regular file. */
static int
carry_file(int to, int looked_at, const char *name, const struct stat *st, struct carried *c)
{
	char self[32];
	int from, result;

	if (is_there(to, name, st)) {
		c->entries++;
		return 0;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", looked_at);
	from = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	result = from == -1 ? -1 : write_file(to, name, from, st, c);
	close_quietly(from);
	if (result == -1)
		return leave(c, name, NULL);
	c->entries++;
	return 0;
}

static int
carry_link(int to, int from, const char *name, const struct stat *st, struct carried *c)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	char target[PATH_MAX], draft[32];
	ssize_t length = readlinkat(from, name, target, sizeof(target) - 1);
	int result = -1;

	if (length == -1)
		return leave(c, name, NULL);
	target[length] = '\0';
	if (beneath_temporary_name(draft, sizeof(draft)) == 0 && symlinkat(target, to, draft) == 0) {
		result = fchownat(to, draft, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW);
		if (result == 0)
			result = utimensat(to, draft, times, AT_SYMLINK_NOFOLLOW);
		if (result == 0)
			result = renameat(to, draft, to, name);
		if (result == -1) {
			int saved = errno;

			unlinkat(to, draft, 0);
			errno = saved;
		}
	}
	if (result == -1)
		return leave(c, name, NULL);
	c->entries++;
	return 0;
}

/* ---- directories ---- */

/* The descriptors are taken. */
static int
carry_entries(int to, int from, int depth, struct carried *c)
{
	DIR *entries = fdopendir(from);
	struct dirent *entry;
	int result = 0;

	if (entries == NULL) {
		close_quietly(from);
		return -1;
	}
	while (result == 0 && (entry = readdir(entries)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = carry_entry(to, from, entry->d_name, depth + 1, c);
	closedir(entries);
	return result;
}

/* A directory of that name, new or the one that is there. */
static int
enter(int to, const char *name)
{
	if (mkdirat(to, name, 0700) == -1 && errno != EEXIST)
		return -1;
	return beneath_child(to, name);
}

static int
carry_directory(int to, int from, const char *name, const struct stat *st, int depth, struct carried *c)
{
	int there, here = beneath_child(from, name), again, result;

	if (here == -1)
		return leave(c, name, NULL);
	there = enter(to, name);
	if (there == -1) {
		close_quietly(here);
		return leave(c, name, NULL);
	}
	c->entries++;
	again = dup(here); /* carry_entries() takes one, and dress() wants one when all is in it */
	result = carry_entries(there, here, depth, c);
	if (result == 0 && (again == -1 || dress(there, again, st) == -1))
		result = leave(c, name, NULL);
	close_quietly(again);
	close_quietly(there);
	return result;
}

static int
carry_entry(int to, int from, const char *name, int depth, struct carried *c)
{
	int looked_at = openat(from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), result;
	struct stat st;

	if (looked_at == -1 || fstat(looked_at, &st) == -1)
		result = leave(c, name, NULL);
	else if (S_ISREG(st.st_mode))
		result = carry_file(to, looked_at, name, &st, c);
	else if (S_ISLNK(st.st_mode))
		result = carry_link(to, from, name, &st, c);
	else if (!S_ISDIR(st.st_mode))
		result = leave(c, name, "no file, directory or link");
	else if (depth >= CARRY_DEPTH)
		result = leave(c, name, "directories nest too deep");
	else
		result = carry_directory(to, from, name, &st, depth, c);
	close_quietly(looked_at);
	return result;
}

static int
carry_place(int root, const struct place *source, const char *path, struct carried *c)
{
	size_t length = strlen(path);
	char parent[PATH_MAX];
	struct place place;
	struct stat st;
	int result;

	if (fstatat(source->directory, source->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : leave(c, path, NULL);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return leave(c, path, "no file or directory");
	while (length > 0 && path[length - 1] != '/')
		length--;
	snprintf(parent, sizeof(parent), "/%.*s", (int)length, path);
	if (beneath_mkdirs(root, parent, 0755) == -1 || beneath_place(root, path, &place) == -1)
		return leave(c, path, NULL);
	result = carry_entry(place.directory, source->directory, source->name, 0, c);
	close_quietly(place.directory);
	return result;
}

int
beneath_carry(int root, int from, const char *path, struct carried *c)
{
	struct place source;
	int result;

	if (beneath_place(from, path, &source) == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -1;
	result = carry_place(root, &source, path, c);
	close_quietly(source.directory);
	return result;
}
