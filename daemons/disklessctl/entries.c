/* SPDX-License-Identifier: ISC */
/* Directories of foreign trees (entries.h). Writes nothing. */
#include "entries.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"
#include "messages.h"

int
each_entry(
    int root, const char *directory, int (*visit)(int root, const char *path, const char *name, void *), void *argument)
{
	int fd = beneath_directory(root, directory), list, result = 0;
	struct dirent *entry;
	DIR *entries;

	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	list = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(fd);
	entries = list == -1 ? NULL : fdopendir(list);
	if (entries == NULL)
		return -1;
	while (result == 0 && (entry = readdir(entries)) != NULL) {
		char path[2 * PATH_SIZE];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%.200s/%s", directory, entry->d_name);
		result = visit(root, path, entry->d_name, argument);
	}
	closedir(entries);
	return result;
}

bool
is_there(int root, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	char parent[PATH_SIZE];
	struct stat st;
	bool there;
	int fd;

	snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	fd = beneath_directory(root, parent);
	if (fd == -1)
		return false;
	there = fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	close(fd);
	return there;
}
