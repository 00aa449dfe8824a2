/* SPDX-License-Identifier: ISC */
/* Copies of uppers (upper.h): beside, and renamed into place. */
#include "upper.h"

#include <sys/ioctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "paths.h"

static int
copy_part(int to, int from, off_t at, off_t end)
{
	while (at < end) {
		off_t in = at, out = at;
		ssize_t got = copy_file_range(from, &in, to, &out, (size_t)(end - at), 0);

		if (got <= 0)
			return got == 0 ? 0 : -1;
		at += got;
	}
	return 0;
}

int
upper_copy(int to, int from)
{
	struct stat st;
	off_t at = 0, end;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	if (fstat(from, &st) == -1 || ftruncate(to, st.st_size) == -1)
		return -1;
	while (at < st.st_size && (at = lseek(from, at, SEEK_DATA)) != -1) {
		end = lseek(from, at, SEEK_HOLE);
		if (end == -1 || copy_part(to, from, at, end) == -1)
			return -1;
		at = end;
	}
	return at == -1 && errno != ENXIO ? -1 : 0;
}

/* In the directory of a generation. */
static int
replace(int directory)
{
	static const char draft[] = ".upper.ext4";
	int from = openat(directory, UPPER_FRESH, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), to, result = -1, saved;

	if (from == -1)
		return -1;
	unlinkat(directory, draft, 0); /* of one that was interrupted */
	to = openat(directory, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to != -1 && upper_copy(to, from) == 0 && fsync(to) == 0)
		result = renameat(directory, draft, directory, "upper.ext4");
	saved = errno;
	if (to != -1)
		close(to);
	close(from);
	errno = saved;
	return result;
}

int
upper_discard(const struct client_manifest *m, char *why, size_t size)
{
	char path[sizeof(PATH_CLIENTS) + NAME_SIZE + 16];
	int directory, result;

	snprintf(path, sizeof(path), "%s/%s/%" PRIu32, PATH_CLIENTS, m->name, m->generation);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	result = directory == -1 ? -1 : replace(directory);
	if (result == -1)
		snprintf(why, size, "%s/" UPPER_FRESH ": %s; run: disklessctl client reset %s", path, strerror(errno),
		    m->name);
	if (directory != -1)
		close(directory);
	return result;
}
