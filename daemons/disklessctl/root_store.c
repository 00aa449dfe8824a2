/* SPDX-License-Identifier: ISC */
/*
 * Generations of roots as they are kept (root_store.h). Runs as root, holds a lock on the clients' directory all the while; what it
 * makes is seen whole or not at all. Must never touch a root that is attached.
 */
#include "root_store.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "beneath.h"
#include "clients.h"
#include "output.h"
#include "paths.h"
#include "space.h"

#define FSID_TEXT 32

int
making_failed(struct making *m, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(m->why, m->size, format, ap);
	va_end(ap);
	return -1;
}

/* ---- fsids ---- */

static int
no_clients(struct making *m)
{
	DIR *entries = opendir(PATH_CLIENTS);
	struct dirent *entry;
	int found = 0;

	if (entries == NULL)
		return making_failed(m, "%s: %s", PATH_CLIENTS, strerror(errno));
	while ((entry = readdir(entries)) != NULL)
		found += entry->d_name[0] != '.';
	closedir(entries);
	if (found == 0)
		return 0;
	return making_failed(m,
	    "%s is missing, though there are roots; write a number there that is larger than each fsid in "
	    "%s/*/manifest",
	    PATH_NEXT_FSID, PATH_CLIENTS);
}

/* The number in the file, or 1 if there was no root yet. 0 and why. */
static uint32_t
read_next_fsid(struct making *m, int state)
{
	unsigned long long number;
	char *text, *end;
	size_t length;

	if (beneath_slurp(state, "next-fsid", FSID_TEXT, &text, &length) == -1) {
		if (errno == ENOENT)
			return no_clients(m) == 0 ? 1 : 0;
		making_failed(m, "%s: %s", PATH_NEXT_FSID, strerror(errno));
		return 0;
	}
	number = strtoull(text, &end, 10);
	if (text[0] < '1' || text[0] > '9' || strcmp(end, "\n") != 0 || number >= UINT32_MAX) {
		making_failed(m, "%s: it should be a number from 1 to %u", PATH_NEXT_FSID, UINT32_MAX - 1);
		number = 0;
	}
	free(text);
	return (uint32_t)number;
}

/* Written before it is used: a number that was given out once is gone, whatever happens. */
int
making_fsid(struct making *m)
{
	int state = open(PATH_STATE, O_RDONLY | O_DIRECTORY | O_CLOEXEC), length, result = -1;
	char text[FSID_TEXT];

	if (state == -1)
		return making_failed(m, "%s: %s", PATH_STATE, strerror(errno));
	m->next.fsid = read_next_fsid(m, state);
	if (m->next.fsid != 0) {
		length = snprintf(text, sizeof(text), "%" PRIu32 "\n", m->next.fsid + 1);
		result = beneath_write(state, "next-fsid", text, (size_t)length, 0600);
		if (result == -1 || fsync(state) == -1)
			result = making_failed(m, "%s: %s", PATH_NEXT_FSID, strerror(errno));
	}
	close(state);
	return result;
}

/* ---- beginning and end ---- */

static int
begin_first(struct making *m)
{
	struct stat st;

	if (fstatat(m->clients, m->now.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return making_failed(m, "it has a root already: %s/%s", PATH_CLIENTS, m->now.name);
	snprintf(m->home_name, sizeof(m->home_name), ".%s.tmp", m->now.name);
	snprintf(m->now.kept, sizeof(m->now.kept), "-");
	if (mkdirat(m->clients, m->home_name, 0700) == -1)
		return making_failed(m, "%s/%s: %s", PATH_CLIENTS, m->home_name, strerror(errno));
	return 0;
}

static int
begin_next(struct making *m)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "%s", m->now.name);
	snprintf(m->home_name, sizeof(m->home_name), "%s", name);
	if (client_manifest_read(name, &m->now, m->why, m->size) == -1 ||
	    clients_tidy(m->clients, name, m->why, m->size) == -1)
		return -1;
	m->next = m->now;
	return 0;
}

static int
begin(struct making *m, const char *name, bool first)
{
	m->home = -1;
	m->first = first;
	m->clients = -1;
	if (!config_name_valid(name))
		return making_failed(m, "no client has such a name");
	snprintf(m->now.name, sizeof(m->now.name), "%s", name);
	m->clients = clients_lock(true, m->why, m->size);
	if (m->clients == -1 || (first ? begin_first(m) : begin_next(m)) == -1)
		return -1;
	snprintf(m->home_path, sizeof(m->home_path), "%s/%s", PATH_CLIENTS, m->home_name);
	snprintf(m->work, sizeof(m->work), "%.200s/.work", m->home_path);
	m->home = openat(m->clients, m->home_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (m->home == -1)
		return making_failed(m, "%s: %s", m->home_path, strerror(errno));
	return 0;
}

int
making_open(struct making *m, const char *name)
{
	return begin(m, name, false);
}

int
making_begin(struct making *m, const char *name, bool first)
{
	if (begin(m, name, first) == -1)
		return -1;
	if (first)
		return 0;
	return client_attached(&m->now) ? making_failed(m, "its root is attached") : 0;
}

int
making_end(struct making *m, int result)
{
	if (m->home != -1)
		beneath_remove_tree(m->home, ".work");
	if (result != 0 && m->home != -1 && m->first)
		beneath_remove_tree(m->clients, m->home_name);
	else if (result != 0 && m->home != -1 && m->directory[0] != '\0')
		beneath_remove_tree(m->home, m->directory);
	if (m->home != -1)
		close(m->home);
	if (m->clients != -1)
		close(m->clients);
	return result;
}

/* ---- the disk ---- */

int
making_room(struct making *m, uint64_t bytes)
{
	char free_text[16], low_text[16], bytes_text[16];
	struct space space;

	if (!space_of_disk(m->wish->low_water, &space))
		return making_failed(m, "%s: %s", PATH_STATE, strerror(errno));
	if (space.free >= bytes && space.free - bytes >= space.low_water)
		return 0;
	return making_failed(m,
	    "only %s are free below %s; this takes up to %s, and %s must stay free for the roots that are there "
	    "(low-water): make room, for example with `client prune`",
	    output_human(space.free, free_text), PATH_STATE, output_human(bytes, bytes_text),
	    output_human(space.low_water, low_text));
}

/* ---- a new generation ---- */

static void
time_now(char text[32])
{
	time_t now = time(NULL);
	struct tm tm;

	memset(text, 0, 32);
	strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

int
making_directory(struct making *m)
{
	uint32_t kept[GENERATIONS_MAX];
	size_t count = client_kept(&m->now, kept);

	m->next.generation = m->now.generation;
	if (count > 0 && kept[count - 1] > m->next.generation)
		m->next.generation = kept[count - 1];
	m->next.generation++;
	memset(m->next.label, 0, sizeof(m->next.label));
	m->next.label[0] = '-';
	time_now(m->next.made);
	snprintf(m->directory, sizeof(m->directory), "%" PRIu32, m->next.generation);
	snprintf(m->upper, sizeof(m->upper), "%.200s/%s/upper.ext4", m->home_path, m->directory);
	if (mkdirat(m->home, m->directory, 0700) == -1)
		return making_failed(m, "%s/%s: %s", m->home_path, m->directory, strerror(errno));
	return 0;
}

int
making_describe(struct making *m)
{
	int fd = openat(m->home, m->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), result;
	struct client_manifest alone = m->next;

	alone.previous = 0;
	client_keep(&alone, NULL, 0);
	if (fd == -1)
		return making_failed(m, "%s/%s: %s", m->home_path, m->directory, strerror(errno));
	result = client_manifest_write(fd, &alone, m->why, m->size);
	if (result == 0 && (fsync(fd) == -1 || fsync(m->home) == -1))
		result = making_failed(m, "%s/%s: %s", m->home_path, m->directory, strerror(errno));
	close(fd);
	return result;
}

/* ---- putting in force ---- */

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool
is_snapshot(const struct making *m, uint32_t generation)
{
	struct client_manifest g;
	char why[TEXT_SIZE];

	return client_generation_read(m->now.name, generation, &g, why, sizeof(why)) == 0 && strcmp(g.label, "-") != 0;
}

/* Of those without a label only the latest stay, and the one that was in force before. */
static size_t
drop_earlier(const struct making *m, uint32_t *kept, size_t count, uint32_t spare)
{
	size_t earlier = 0, left = 0;

	for (size_t i = 0; i < count; i++)
		earlier += !is_snapshot(m, kept[i]);
	for (size_t i = 0; i < count; i++) {
		bool drop = earlier > EARLIER_MAX && kept[i] != spare && !is_snapshot(m, kept[i]);

		earlier -= drop;
		if (!drop)
			kept[left++] = kept[i];
	}
	return left;
}

static int
write_manifest(struct making *m)
{
	if (client_manifest_write(m->home, &m->next, m->why, m->size) == -1)
		return -1;
	if (!m->first)
		m->directory[0] = '\0'; /* it is in force: whatever fails now, it stays */
	if (fsync(m->home) == -1)
		return making_failed(m, "%s: %s", m->home_path, strerror(errno));
	if (!m->first)
		return clients_tidy(m->clients, m->now.name, m->why, m->size);
	beneath_remove_tree(m->home, ".work");
	if (renameat2(m->clients, m->home_name, m->clients, m->now.name, RENAME_NOREPLACE) == -1)
		return making_failed(m, "%s/%s: %s", PATH_CLIENTS, m->now.name, strerror(errno));
	m->first = false;
	m->directory[0] = '\0';
	if (fsync(m->clients) == -1)
		return making_failed(m, "%s: %s", PATH_CLIENTS, strerror(errno));
	return 0;
}

int
making_publish(struct making *m, uint32_t drop)
{
	uint32_t all[GENERATIONS_MAX + 2] = { 0 }, kept[GENERATIONS_MAX];
	size_t old = client_kept(&m->now, kept), count = 0;

	for (size_t i = 0; i < old; i++)
		if (kept[i] != drop && kept[i] != m->next.generation)
			all[count++] = kept[i];
	m->next.previous = 0;
	if (m->now.generation != 0 && m->now.generation != drop && m->now.generation != m->next.generation)
		m->next.previous = all[count++] = m->now.generation;
	else if (m->now.generation == m->next.generation || m->now.generation == drop)
		m->next.previous = m->now.previous;
	qsort(all, count, sizeof(*all), compare);
	count = drop_earlier(m, all, count, m->next.previous);
	client_keep(&m->next, all, count);
	if (m->next.previous == m->next.generation || m->next.previous == drop)
		m->next.previous = 0;
	return write_manifest(m);
}

int
making_publish_beside(struct making *m)
{
	uint32_t kept[GENERATIONS_MAX + 1];
	size_t count = client_kept(&m->now, kept);

	kept[count++] = m->next.generation;
	m->next = m->now;
	client_keep(&m->next, kept, count);
	return write_manifest(m);
}
