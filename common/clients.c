/* SPDX-License-Identifier: ISC */
/* The directory of clients' roots (clients.h). What is removed lies beside the roots, never in one that is in force. */
#include "clients.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "beneath.h"
#include "config.h"
#include "mountinfo.h"
#include "paths.h"

/* visit() gets the name of each entry but "." and ".."; what it returns, if not 0, ends it and is returned. -1 with errno. */
static int
each_entry(int directory, int (*visit)(int directory, const char *name, void *), void *argument)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
	DIR *entries = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (entries == NULL)
		return -1;
	while (result == 0 && (entry = readdir(entries)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = visit(directory, entry->d_name, argument);
	closedir(entries);
	return result;
}

/* ---- left over ---- */

static bool
is_kept(const struct client_manifest *m, const char *name)
{
	uint32_t kept[GENERATIONS_MAX];
	size_t count = client_kept(m, kept);
	char *end;
	unsigned long long number = strtoull(name, &end, 10);

	if (strcmp(name, "manifest") == 0)
		return true;
	if (*end != '\0' || name[0] < '1' || name[0] > '9')
		return false;
	for (size_t i = 0; i < count; i++)
		if (kept[i] == number)
			return true;
	return number == m->generation;
}

static int
remove_unless_kept(int home, const char *name, void *manifest)
{
	return is_kept(manifest, name) ? 0 : beneath_remove_tree(home, name);
}

int
clients_tidy(int clients, const char *name, char *why, size_t size)
{
	struct client_manifest manifest;
	int home, result;

	if (client_manifest_read(name, &manifest, why, size) == -1)
		return -1;
	home = openat(clients, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	result = home == -1 ? -1 : each_entry(home, remove_unless_kept, &manifest);
	if (result == -1)
		snprintf(why, size, "%s/%s: removing what was left over: %s", PATH_CLIENTS, name, strerror(errno));
	if (home != -1)
		close(home);
	return result;
}

/* The lock is ours: whatever is hidden here was left by somebody who was ended. */
static int
tidy_entry(int clients, const char *name, void *unused)
{
	char why[TEXT_SIZE];

	if (name[0] == '.')
		return beneath_remove_tree(clients, name);
	if (config_name_valid(name))
		(void)clients_tidy(clients, name, why, sizeof(why)); /* one that cannot be read is left as it is */
	return 0;
}

/* Beside the roots lies the draft of a number that was being given out; one that stays does no harm. */
static int
tidy(int clients)
{
	int state = openat(clients, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (state != -1) {
		(void)beneath_remove_drafts(state);
		close(state);
	}
	return each_entry(clients, tidy_entry, NULL);
}

int
clients_lock(bool wait, char *why, size_t size)
{
	static bool tidied;
	int fd = -1;

	if ((mkdir(PATH_STATE, 0700) == 0 || errno == EEXIST) && (mkdir(PATH_CLIENTS, 0700) == 0 || errno == EEXIST))
		fd = open(PATH_CLIENTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1 && flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) == 0) {
		if (tidied || tidy(fd) == 0) {
			tidied = true;
			return fd;
		}
	}
	snprintf(why, size, "%s: %s", PATH_CLIENTS, strerror(errno));
	if (fd != -1)
		close(fd);
	return -1;
}

/* ---- holding ---- */

int
client_hold(const char *name, bool attach)
{
	char path[sizeof(PATH_CLIENTS) + NAME_SIZE];
	int fd, saved;

	snprintf(path, sizeof(path), "%s/%s", PATH_CLIENTS, name);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || flock(fd, (attach ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

bool
client_is_held(const char *name)
{
	int lock = client_hold(name, true);

	if (lock != -1)
		close(lock);
	return lock == -1 && errno == EWOULDBLOCK;
}

static bool
is_mounted(const char *point)
{
	char *mountinfo = mountinfo_read();
	struct mount_entry entry;
	bool mounted = mountinfo == NULL || mountinfo_find(mountinfo, point, &entry) > 0;

	free(mountinfo);
	return mounted;
}

bool
client_attached(const struct client_manifest *m)
{
	uint32_t generation[GENERATIONS_MAX + 1];
	size_t count = client_kept(m, generation);
	struct client_manifest g = *m;
	struct attach_paths paths;

	generation[count++] = m->generation;
	for (size_t i = 0; i < count; i++) {
		g.generation = generation[i];
		attach_paths(&g, &paths);
		if (attach_in_use(paths.upper_file))
			return true;
	}
	attach_paths(m, &paths);
	return is_mounted(paths.upper) || is_mounted(paths.root);
}

/* ---- images ---- */

struct image_version {
	const char *image;
	uint32_t version;
};

static bool
is_of(const struct client_manifest *m, const struct image_version *v)
{
	return m->version == v->version && strcmp(m->image, v->image) == 0;
}

static int
uses(int clients, const char *name, void *argument)
{
	const struct image_version *v = argument;
	uint32_t kept[GENERATIONS_MAX];
	struct client_manifest m;
	char why[TEXT_SIZE];
	size_t count;

	if (!config_name_valid(name))
		return 0;
	if (client_manifest_read(name, &m, why, sizeof(why)) == -1 || is_of(&m, v))
		return 1;
	count = client_kept(&m, kept);
	for (size_t i = 0; i < count; i++)
		if (client_generation_read(name, kept[i], &m, why, sizeof(why)) == -1 || is_of(&m, v))
			return 1;
	return 0;
}

bool
clients_use_image(const char *image, uint32_t version)
{
	struct image_version v = { .image = image, .version = version };
	int clients = open(PATH_CLIENTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;

	if (clients == -1)
		return errno != ENOENT;
	result = each_entry(clients, uses, &v);
	close(clients);
	return result != 0;
}
