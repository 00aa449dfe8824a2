/* SPDX-License-Identifier: ISC */
/*
 * Makes and destroys roots. Runs as root, holds a lock on the clients' directory all the while; what it makes is seen whole or
 * not at all. Must never touch a root that is attached.
 */
#include "root_make.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapt.h"
#include "attach.h"
#include "beneath.h"
#include "manifest.h"
#include "paths.h"
#include "program.h"

#define FSID_TEXT 32
#define LABEL_MAX 16 /* of ext4 */

struct making {
	struct client_manifest manifest;
	struct attach_paths paths;
	int clients;              /* PATH_CLIENTS, locked */
	char name[NAME_SIZE + 8]; /* .NAME.tmp */
	char path[PATH_SIZE];     /* the same, whole */
	char *why;
	size_t size;
};

static int failed(struct making *, const char *, ...) __attribute__((format(printf, 2, 3)));

static int
failed(struct making *m, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(m->why, m->size, format, ap);
	va_end(ap);
	return -1;
}

/* ---- the clients' directory ---- */

/* The lock is ours: whatever is hidden there was left by somebody who was ended. */
static int
remove_left_overs(struct making *m)
{
	DIR *entries = opendir(PATH_CLIENTS);
	struct dirent *entry;
	int result = 0;

	if (entries == NULL)
		return failed(m, "%s: %s", PATH_CLIENTS, strerror(errno));
	while (result == 0 && (entry = readdir(entries)) != NULL)
		if (entry->d_name[0] == '.' && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    beneath_remove_tree(m->clients, entry->d_name) == -1)
			result = failed(m, "%s/%s: %s", PATH_CLIENTS, entry->d_name, strerror(errno));
	closedir(entries);
	return result;
}

static int
lock_clients(struct making *m)
{
	if ((mkdir(PATH_STATE, 0755) == -1 && errno != EEXIST) || (mkdir(PATH_CLIENTS, 0700) == -1 && errno != EEXIST))
		return failed(m, "%s: %s", PATH_CLIENTS, strerror(errno));
	m->clients = open(PATH_CLIENTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->clients == -1 || flock(m->clients, LOCK_EX) == -1)
		return failed(m, "%s: %s", PATH_CLIENTS, strerror(errno));
	return remove_left_overs(m);
}

static int
no_clients(struct making *m)
{
	DIR *entries = opendir(PATH_CLIENTS);
	struct dirent *entry;
	int found = 0;

	if (entries == NULL)
		return failed(m, "%s: %s", PATH_CLIENTS, strerror(errno));
	while ((entry = readdir(entries)) != NULL)
		found += entry->d_name[0] != '.';
	closedir(entries);
	if (found == 0)
		return 0;
	return failed(m,
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
		failed(m, "%s: %s", PATH_NEXT_FSID, strerror(errno));
		return 0;
	}
	number = strtoull(text, &end, 10);
	if (text[0] < '1' || text[0] > '9' || strcmp(end, "\n") != 0 || number >= UINT32_MAX) {
		failed(m, "%s: it should be a number from 1 to %u", PATH_NEXT_FSID, UINT32_MAX - 1);
		number = 0;
	}
	free(text);
	return (uint32_t)number;
}

/* Written before it is used: a number that was given out once is gone, whatever happens. */
static int
take_fsid(struct making *m)
{
	int state = open(PATH_STATE, O_RDONLY | O_DIRECTORY | O_CLOEXEC), length, result = -1;
	char text[FSID_TEXT];

	if (state == -1)
		return failed(m, "%s: %s", PATH_STATE, strerror(errno));
	m->manifest.fsid = read_next_fsid(m, state);
	if (m->manifest.fsid != 0) {
		length = snprintf(text, sizeof(text), "%" PRIu32 "\n", m->manifest.fsid + 1);
		result = beneath_write(state, "next-fsid", text, (size_t)length, 0600);
		if (result == -1 || fsync(state) == -1)
			result = failed(m, "%s: %s", PATH_NEXT_FSID, strerror(errno));
	}
	close(state);
	return result;
}

/* ---- making ---- */

static int
describe(struct making *m, const struct config_client *client)
{
	struct stat st;

	if (client->image == NULL)
		return failed(m, "client %s has no image", client->name);
	if (client->quota < CONFIG_QUOTA_MIN)
		return failed(m,
		    "client %s: a quota of %" PRIu64 " bytes is too small for a filesystem; it should be %" PRIu64
		    "M or more",
		    client->name, client->quota, CONFIG_QUOTA_MIN >> 20);
	if (fstatat(m->clients, client->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return failed(m,
		    "client %s has a root already: %s/%s; if an add or remove was cut short, end it: disklessctl "
		    "client remove %s",
		    client->name, PATH_CLIENTS, client->name, client->name);
	snprintf(m->manifest.name, sizeof(m->manifest.name), "%s", client->name);
	snprintf(m->manifest.image, sizeof(m->manifest.image), "%s", client->image->name);
	m->manifest.quota = client->quota;
	m->manifest.version = image_newest(client->image->name);
	if (m->manifest.version == 0)
		return failed(m, "image %s has no version; import one: disklessctl image import FILE --name %s",
		    client->image->name, client->image->name);
	return 0;
}

static int
make_directory(struct making *m)
{
	snprintf(m->name, sizeof(m->name), ".%s.tmp", m->manifest.name);
	snprintf(m->path, sizeof(m->path), "%s/%s", PATH_CLIENTS, m->name);
	if (mkdirat(m->clients, m->name, 0700) == -1)
		return failed(m, "%s: %s", m->path, strerror(errno));
	attach_paths(&m->manifest, &m->paths);
	snprintf(m->paths.upper_file, PATH_SIZE, "%.200s/upper.ext4", m->path);
	snprintf(m->paths.image, PATH_SIZE, "%.200s/image", m->path);
	snprintf(m->paths.upper, PATH_SIZE, "%.200s/upper", m->path);
	snprintf(m->paths.root, PATH_SIZE, "%.200s/root", m->path);
	return 0;
}

/* All zeros already, so that nothing but its tables is written: a new root takes less than a megabyte of the disk. */
static int
make_upper(struct making *m)
{
	char label[LABEL_MAX + 1], output[PROGRAM_OUTPUT], reason[TEXT_SIZE];
	const char *const argv[] = { "/sbin/mke2fs", "-F", "-q", "-t", "ext4", "-m", "0", "-e", "remount-ro", "-L",
		label, "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0", m->paths.upper_file,
		NULL };
	struct program program = { .argv = argv };
	int fd = open(m->paths.upper_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd == -1 || ftruncate(fd, (off_t)m->manifest.quota) == -1) {
		failed(m, "%s: %s", m->paths.upper_file, strerror(errno));
		if (fd != -1)
			close(fd);
		return -1;
	}
	close(fd);
	snprintf(label, sizeof(label), "%.*s", LABEL_MAX, m->manifest.name);
	if (program_run(&program, output, reason, sizeof(reason)) == -1)
		return failed(m, "client %s: making its filesystem: %s", m->manifest.name, reason);
	return 0;
}

struct try_job {
	const struct making *making;
	char why[TEXT_SIZE];
};

static int
try_root(void *argument)
{
	struct try_job *job = argument;
	const struct making *m = job->making;
	int root, result = -1;

	if (attach_root(&m->paths, job->why, sizeof(job->why)) == -1)
		return -1;
	root = open(m->paths.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root == -1) {
		snprintf(job->why, sizeof(job->why), "%s: %s", m->paths.root, strerror(errno));
	} else {
		result = adapt_client(root, m->manifest.name, job->why, sizeof(job->why));
		close(root);
	}
	if ((detach_root(&m->paths) == -1 || detach_image(m->paths.image) == -1) && result == 0) {
		snprintf(job->why, sizeof(job->why), "%s: detaching it: %s", m->paths.root, strerror(errno));
		result = -1;
	}
	return result;
}

static int
try_it(struct making *m)
{
	struct try_job *job = shared_memory(sizeof(*job));

	if (job == NULL)
		return failed(m, "no memory");
	job->making = m;
	if (in_mount_namespace(try_root, job, job->why, sizeof(job->why)) == -1)
		return failed(m, "client %s: its new root: %s", m->manifest.name, job->why);
	return 0;
}

static int
publish(struct making *m)
{
	int directory = openat(m->clients, m->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = -1;

	if (directory != -1 && client_manifest_write(directory, &m->manifest, m->why, m->size) == -1) {
		close(directory);
		return -1;
	}
	if (directory != -1 && fsync(directory) == 0 &&
	    renameat2(m->clients, m->name, m->clients, m->manifest.name, RENAME_NOREPLACE) == 0)
		result = fsync(m->clients);
	if (result == -1)
		failed(m, "%s/%s: %s", PATH_CLIENTS, m->manifest.name, strerror(errno));
	if (directory != -1)
		close(directory);
	return result;
}

int
root_make(const struct config_client *client, char *why, size_t size)
{
	static int (*const steps[])(struct making *) = { make_directory, make_upper, try_it, take_fsid, publish };
	struct making m = { .clients = -1, .why = why, .size = size };
	int result = lock_clients(&m);

	if (result == 0)
		result = describe(&m, client);
	for (size_t i = 0; result == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		result = steps[i](&m);
	if (result == -1 && m.name[0] != '\0')
		beneath_remove_tree(m.clients, m.name);
	if (m.clients != -1)
		close(m.clients);
	return result;
}

/* ---- destroying ---- */

static int
destroy(struct making *m, const char *name)
{
	char upper[PATH_SIZE + NAME_SIZE];

	snprintf(upper, sizeof(upper), "%s/%s/upper.ext4", PATH_CLIENTS, name);
	if (attach_in_use(upper))
		return failed(m,
		    "the root of client %s is attached; take it out of the configuration first: disklessctl client "
		    "remove %s",
		    name, name);
	snprintf(m->name, sizeof(m->name), ".%s.gone", name);
	if (renameat2(m->clients, name, m->clients, m->name, RENAME_NOREPLACE) == -1)
		return errno == ENOENT ? 0 : failed(m, "%s/%s: %s", PATH_CLIENTS, name, strerror(errno));
	if (fsync(m->clients) == -1 || beneath_remove_tree(m->clients, m->name) == -1)
		return failed(m, "%s/%s: %s", PATH_CLIENTS, m->name, strerror(errno));
	return 0;
}

int
root_destroy(const char *name, char *why, size_t size)
{
	struct making m = { .clients = -1, .why = why, .size = size };
	int result = lock_clients(&m);

	if (!config_name_valid(name))
		result = failed(&m, "no client has such a name");
	if (result == 0)
		result = destroy(&m, name);
	if (m.clients != -1)
		close(m.clients);
	return result;
}
