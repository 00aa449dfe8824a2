/* SPDX-License-Identifier: ISC */
/*
 * Paths below a directory that somebody else writes in (beneath.h). Everything that names a path goes through resolve(), the
 * one place with the flags of openat2(2); what is written is a draft beside its place until it is renamed into it.
 */
#include "beneath_place.h"

#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESOLVE_TRIES 16 /* EAGAIN: something was renamed while ".." was resolved (openat2(2)) */
#define COPY_DEPTH    32 /* directories in directories of a tree that is copied */

/* A file that is not in its place yet. */
struct draft {
	struct place place;
	int fd;
	char name[32];
};

static void
close_quietly(int fd)
{
	int saved = errno;

	if (fd != -1)
		close(fd);
	errno = saved;
}

static void
close_entries(DIR *entries)
{
	int saved = errno;

	closedir(entries);
	errno = saved;
}

static int
resolve(int root, const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV };
	long fd;
	int tries = 0;

	do
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd == -1 && (errno == EAGAIN || errno == EINTR) && ++tries < RESOLVE_TRIES);
	return (int)fd;
}

int
beneath_directory(int root, const char *path)
{
	return resolve(root, path, O_PATH | O_DIRECTORY);
}

/* A directory that can be read and synced; directory itself may be O_PATH. */
static int
readable(int directory)
{
	return openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int
beneath_place(int root, const char *path, struct place *place)
{
	size_t length = strlen(path), start;
	char parent[PATH_MAX] = "/";

	while (length > 0 && path[length - 1] == '/')
		length--;
	for (start = length; start > 0 && path[start - 1] != '/'; start--)
		;
	if (start >= sizeof(parent) || length - start > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(place->name, path + start, length - start);
	place->name[length - start] = '\0';
	if (place->name[0] == '\0' || strcmp(place->name, ".") == 0 || strcmp(place->name, "..") == 0) {
		errno = EINVAL;
		return -1;
	}
	if (start > 0) {
		memcpy(parent, path, start);
		parent[start] = '\0';
	}
	place->directory = beneath_directory(root, parent);
	return place->directory == -1 ? -1 : 0;
}

/* ---- reading ---- */

static int
open_regular(int fd)
{
	char self[32];
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EACCES;
		return -1;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int
beneath_read(int root, const char *path)
{
	int looked_at = resolve(root, path, O_PATH), fd;

	if (looked_at == -1)
		return -1;
	fd = open_regular(looked_at);
	close_quietly(looked_at);
	return fd;
}

ssize_t
beneath_readlink(int root, const char *path, char *target, size_t size)
{
	struct place place;
	ssize_t length;

	if (beneath_place(root, path, &place) == -1)
		return -1;
	length = readlinkat(place.directory, place.name, target, size);
	close_quietly(place.directory);
	return length;
}

/* Up to size bytes: fewer only at the end of the file. */
static ssize_t
read_fully(int fd, char *bytes, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t got = read(fd, bytes + have, size - have);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

static int
slurp(int fd, size_t max, char **text, size_t *length)
{
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_size < 0 || (uintmax_t)st.st_size > max) {
		errno = EFBIG;
		return -1;
	}
	*text = malloc((size_t)st.st_size + 1);
	if (*text == NULL)
		return -1;
	got = read_fully(fd, *text, (size_t)st.st_size);
	if (got == -1) {
		int saved = errno;

		free(*text);
		*text = NULL;
		errno = saved;
		return -1;
	}
	(*text)[got] = '\0';
	*length = (size_t)got;
	return 0;
}

int
beneath_slurp(int root, const char *path, size_t max, char **text, size_t *length)
{
	int fd = beneath_read(root, path), result;

	*text = NULL;
	*length = 0;
	if (fd == -1)
		return -1;
	result = slurp(fd, max, text, length);
	close_quietly(fd);
	return result;
}

/* ---- writing ---- */

int
beneath_temporary_name(char *name, size_t size)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return -1;
	snprintf(name, size, BENEATH_DRAFT "%016llx", (unsigned long long)number);
	return 0;
}

int
beneath_remove_drafts(int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
	DIR *entries = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (entries == NULL) {
		if (fd != -1)
			close_quietly(fd);
		return -1;
	}
	while (result == 0 && (entry = readdir(entries)) != NULL)
		if (strncmp(entry->d_name, BENEATH_DRAFT, sizeof(BENEATH_DRAFT) - 1) == 0)
			result = unlinkat(fd, entry->d_name, 0);
	closedir(entries);
	return result;
}

static int
draft_open(int root, const char *path, struct draft *draft)
{
	draft->fd = -1;
	if (beneath_place(root, path, &draft->place) == -1)
		return -1;
	if (beneath_temporary_name(draft->name, sizeof(draft->name)) == 0)
		draft->fd = openat(
		    draft->place.directory, draft->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (draft->fd == -1)
		close_quietly(draft->place.directory);
	return draft->fd == -1 ? -1 : 0;
}

/* Into its place, if result is 0; else it vanishes. Returns what came of it. */
static int
draft_close(struct draft *draft, mode_t mode, int result)
{
	int directory = draft->place.directory, saved;

	if (result == 0)
		result = fchmod(draft->fd, mode);
	if (result == 0)
		result = renameat(directory, draft->name, directory, draft->place.name);
	saved = errno;
	if (result == -1)
		unlinkat(directory, draft->name, 0);
	close(draft->fd);
	close(directory);
	errno = saved;
	return result;
}

static int
write_fully(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t put = write(fd, bytes, length);

		if (put == -1 && errno == EINTR)
			continue;
		if (put == -1)
			return -1;
		bytes += put;
		length -= (size_t)put;
	}
	return 0;
}

static int
write_draft(int root, const char *path, const void *bytes, size_t length, mode_t mode, bool sync)
{
	struct draft draft;
	int result;

	if (draft_open(root, path, &draft) == -1)
		return -1;
	result = write_fully(draft.fd, bytes, length);
	if (result == 0 && sync)
		result = fsync(draft.fd);
	return draft_close(&draft, mode, result);
}

int
beneath_write(int root, const char *path, const void *bytes, size_t length, mode_t mode)
{
	return write_draft(root, path, bytes, length, mode, true);
}

int
beneath_put(int root, const char *path, const void *bytes, size_t length, mode_t mode)
{
	return write_draft(root, path, bytes, length, mode, false);
}

int
beneath_symlink(int root, const char *target, const char *path)
{
	struct place place;
	char name[32];
	int result;

	if (beneath_place(root, path, &place) == -1)
		return -1;
	result = beneath_temporary_name(name, sizeof(name));
	if (result == 0)
		result = symlinkat(target, place.directory, name);
	if (result == 0 && (result = renameat(place.directory, name, place.directory, place.name)) == -1) {
		int saved = errno;

		unlinkat(place.directory, name, 0);
		errno = saved;
	}
	close_quietly(place.directory);
	return result;
}

static int
make_directory(int root, const char *path, mode_t mode)
{
	struct place place;
	int result;

	if (beneath_place(root, path, &place) == -1)
		return -1;
	result = mkdirat(place.directory, place.name, mode);
	if (result == 0)
		result = fchmodat(place.directory, place.name, mode, 0); /* whatever the umask */
	close_quietly(place.directory);
	return result;
}

int
beneath_mkdirs(int root, const char *path, mode_t mode)
{
	char prefix[PATH_MAX];
	size_t length = strlen(path), end = 0;
	int fd;

	if (length >= sizeof(prefix)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	do {
		end += strspn(path + end, "/");
		end += strcspn(path + end, "/");
		memcpy(prefix, path, end);
		prefix[end] = '\0';
		fd = beneath_directory(root, end == 0 ? "/" : prefix);
		if (fd != -1)
			close(fd);
		else if (errno != ENOENT || make_directory(root, prefix, mode) == -1)
			return -1;
	} while (end < length);
	return 0;
}

/* ---- removing ---- */

int
beneath_unlink(int root, const char *path)
{
	struct place place;
	int result;

	if (beneath_place(root, path, &place) == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	result = unlinkat(place.directory, place.name, 0);
	if (result == -1 && errno == ENOENT)
		result = 0;
	close_quietly(place.directory);
	return result;
}

int
beneath_child(int directory, const char *name)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV };

	return (int)syscall(SYS_openat2, directory, name, &how, sizeof(how));
}

static int
move_up(int from, const char *name, int to, uint64_t *counter)
{
	char fresh[32];
	int result;

	do {
		snprintf(fresh, sizeof(fresh), ".removed.%llu", (unsigned long long)(*counter)++);
		result = renameat2(from, name, to, fresh, RENAME_NOREPLACE);
	} while (result == -1 && errno == EEXIST);
	return result;
}

static int remove_entries(int directory, int top, uint64_t *counter, uint64_t *seen);

static int
remove_entry(int directory, const char *name, int top, uint64_t *counter, uint64_t *seen)
{
	int child;

	if (unlinkat(directory, name, 0) == 0)
		return 0;
	if (errno != EISDIR)
		return -1;
	if (unlinkat(directory, name, AT_REMOVEDIR) == 0)
		return 0;
	if (top != -1)
		return move_up(directory, name, top, counter);
	child = beneath_child(directory, name);
	return child == -1 ? -1 : remove_entries(child, directory, counter, seen);
}

/*
 * Removes what directory holds and takes the descriptor; directories that hold something go up to top. Without a top it is the
 * top itself, and those are emptied first. *seen counts the entries that were there.
 */
static int
remove_entries(int directory, int top, uint64_t *counter, uint64_t *seen)
{
	DIR *entries = fdopendir(directory);
	struct dirent *entry;
	int result = 0;

	if (entries == NULL) {
		close_quietly(directory);
		return -1;
	}
	while (result == 0 && (errno = 0, entry = readdir(entries)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		++*seen;
		result = remove_entry(directory, entry->d_name, top, counter, seen);
	}
	if (errno != 0)
		result = -1;
	close_entries(entries);
	return result;
}

/*
 * Flat, not by recursion: the owner of a tree can make it deeper than our stack and our descriptors reach. Each pass empties
 * the directories that top holds by moving what they hold up into top.
 */
static int
empty(int top)
{
	uint64_t counter = 0, seen;
	int result;

	do {
		int directory = readable(top);

		seen = 0;
		if (directory == -1)
			return -1;
		result = remove_entries(directory, -1, &counter, &seen);
	} while (result == 0 && seen > 0);
	return result;
}

static int
remove_at(const struct place *place)
{
	int top, result;

	if (unlinkat(place->directory, place->name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR || (top = beneath_child(place->directory, place->name)) == -1)
		return -1;
	result = empty(top);
	close_quietly(top);
	return result == 0 ? unlinkat(place->directory, place->name, AT_REMOVEDIR) : -1;
}

int
beneath_remove_tree(int root, const char *path)
{
	struct place place;
	int result;

	if (beneath_place(root, path, &place) == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	result = remove_at(&place);
	close_quietly(place.directory);
	return result;
}

/* ---- copying ---- */

static int
copy_bytes(int to, int from)
{
	char bytes[65536];
	ssize_t got;

	while ((got = read_fully(from, bytes, sizeof(bytes))) > 0)
		if (write_fully(to, bytes, (size_t)got) == -1)
			return -1;
	return got == -1 ? -1 : 0;
}

/* Not synced one by one: a tree is synced by whoever unmounts it. */
static int
copy_file(int root, const char *path, int from, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	struct draft draft;
	int result;

	if (draft_open(root, path, &draft) == -1)
		return -1;
	result = copy_bytes(draft.fd, from);
	if (result == 0)
		result = futimens(draft.fd, times);
	return draft_close(&draft, st->st_mode & 0777, result);
}

static int copy_directory(int root, const char *path, int from, const struct stat *st, int depth);

static int
copy_entry(int root, const char *path, int directory, const char *name, int depth)
{
	char below[PATH_MAX];
	struct stat st;
	int from, result, length = snprintf(below, sizeof(below), "%s/%s", path, name);

	if (length < 0 || (size_t)length >= sizeof(below)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	from = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (from == -1 || fstat(from, &st) == -1) {
		close_quietly(from);
		return -1;
	}
	if (S_ISDIR(st.st_mode))
		return copy_directory(root, below, from, &st, depth + 1);
	if (S_ISREG(st.st_mode)) {
		result = copy_file(root, below, from, &st);
	} else {
		errno = EACCES;
		result = -1;
	}
	close_quietly(from);
	return result;
}

/* Takes from. */
static int
copy_directory(int root, const char *path, int from, const struct stat *st, int depth)
{
	DIR *entries = NULL;
	struct dirent *entry;
	int result;

	if (depth > COPY_DEPTH)
		errno = ELOOP;
	else if (beneath_mkdirs(root, path, st->st_mode & 0777) == 0)
		entries = fdopendir(from);
	if (entries == NULL) {
		close_quietly(from);
		return -1;
	}
	while ((errno = 0, entry = readdir(entries)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (copy_entry(root, path, from, entry->d_name, depth) == -1)
			break;
	}
	result = errno == 0 ? 0 : -1;
	close_entries(entries);
	return result;
}

int
beneath_copy_tree(int root, const char *path, int from)
{
	int directory = readable(from);
	struct stat st;

	if (directory == -1 || fstat(directory, &st) == -1) {
		close_quietly(directory);
		return -1;
	}
	return copy_directory(root, path, directory, &st, 0);
}
