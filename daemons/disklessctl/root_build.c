/* SPDX-License-Identifier: ISC */
/*
 * The upper of a new generation: empty and then tried, or a copy (root_store.h). Runs as root. Mounts only in mount namespaces of its own, and
 * writes into a client's tree only there, where it is attached nowhere else.
 */
#include "root_store.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapt.h"
#include "beneath.h"
#include "personal.h"
#include "program.h"
#include "upper.h"

#define LABEL_MAX  16                  /* of ext4 */
#define FRESH_SIZE ((uint64_t)8 << 20) /* tables of a filesystem, and personal files */

/* ---- programs ---- */

static int
run(struct making *m, const char *what, const char *const argv[], unsigned accept)
{
	struct program program = { .argv = argv, .accept = accept };
	char output[PROGRAM_OUTPUT], reason[TEXT_SIZE];

	if (program_run(&program, output, reason, sizeof(reason)) == 0)
		return 0;
	return making_failed(m, "%s: %s", what, reason);
}

/* All zeros already, so that nothing but its tables is written: a new root takes a few megabytes of the disk. */
static int
make_upper(struct making *m)
{
	char label[LABEL_MAX + 1], inodes[16];
	const char *argv[] = { "/sbin/mke2fs", "-F", "-q", "-t", "ext4", "-m", "0", "-e", "remount-ro", "-L", label,
		"-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0", m->upper, NULL, NULL, NULL };
	int fd = open(m->upper, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd == -1 || ftruncate(fd, (off_t)m->next.quota) == -1) {
		making_failed(m, "%s: %s", m->upper, strerror(errno));
		if (fd != -1)
			close(fd);
		return -1;
	}
	close(fd);
	snprintf(label, sizeof(label), "%.*s", LABEL_MAX, m->now.name);
	if (m->next.inodes != 0) {
		snprintf(inodes, sizeof(inodes), "%" PRIu32, m->next.inodes);
		argv[13] = "-N";
		argv[14] = inodes;
		argv[15] = m->upper;
	}
	return run(m, "making its filesystem", argv, 0);
}

static int
sync_upper(struct making *m)
{
	int fd = open(m->upper, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), result = fd == -1 ? -1 : fsync(fd);

	if (result == -1)
		making_failed(m, "%s: %s", m->upper, strerror(errno));
	if (fd != -1)
		close(fd);
	return result;
}

/* What the upper of a generation takes of the disk; 0 if that cannot be told, which opening it will say. */
static uint64_t
upper_bytes(const struct making *m, uint32_t generation)
{
	char path[PATH_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), "%.200s/%" PRIu32 "/upper.ext4", m->home_path, generation);
	return stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

/* ---- fresh ---- */

/* What the process of the mounts needs, and says. */
struct try_job {
	const struct making *making;
	struct attach_paths paths;
	struct attach_paths old; /* of what is carried over; root empty: nothing */
	struct carried carried;
	char why[TEXT_SIZE];
};

static void
paths_below(const char *work, const char *prefix, const struct client_manifest *of, struct attach_paths *p)
{
	attach_paths(of, p);
	snprintf(p->image, sizeof(p->image), "%.200s/%simage", work, prefix);
	snprintf(p->upper, sizeof(p->upper), "%.200s/%supper", work, prefix);
	snprintf(p->root, sizeof(p->root), "%.200s/%sroot", work, prefix);
}

static int
job_failed(struct try_job *job, const char *what)
{
	snprintf(job->why, sizeof(job->why), "%.160s: %s", what, strerror(errno));
	return -1;
}

static int
carry_all(struct try_job *job, int root, int old)
{
	const struct config_client *client = job->making->wish->client;
	const struct config_list *lists[] = { client->image == NULL ? NULL : &client->image->keep, &client->keep };

	if (personal_carry(root, old, &job->carried) == -1)
		return job_failed(job, "carrying over what makes it itself");
	for (size_t l = 0; l < sizeof(lists) / sizeof(*lists); l++)
		for (size_t i = 0; lists[l] != NULL && i < lists[l]->count; i++)
			if (beneath_carry(root, old, lists[l]->word[i], &job->carried) == -1)
				return job_failed(job, lists[l]->word[i]);
	return 0;
}

static int
carry(struct try_job *job, int root)
{
	int old = -1, result = -1;

	if (attach_root(&job->old, job->why, sizeof(job->why)) == -1)
		return -1;
	old = open(job->old.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (old == -1)
		job_failed(job, job->old.root);
	else
		result = carry_all(job, root, old);
	if (old != -1)
		close(old);
	if ((detach_root(&job->old) == -1 || detach_image(job->old.image) == -1) && result == 0)
		result = job_failed(job, "detaching what was carried from");
	return result;
}

static int
fill(struct try_job *job, int root)
{
	const struct making *m = job->making;

	if (personal_begin(root, job->why, sizeof(job->why)) == -1)
		return -1;
	if (job->old.root[0] != '\0' && carry(job, root) == -1)
		return -1;
	return personal_finish(root, m->wish->client, m->work, job->why, sizeof(job->why));
}

static int
try_root(void *argument)
{
	struct try_job *job = argument;
	int root, result = -1;

	if (attach_root(&job->paths, job->why, sizeof(job->why)) == -1)
		return -1;
	root = open(job->paths.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root == -1) {
		job_failed(job, job->paths.root);
	} else {
		result = fill(job, root);
		close(root);
	}
	if ((detach_root(&job->paths) == -1 || detach_image(job->paths.image) == -1) && result == 0)
		result = job_failed(job, "detaching it");
	return result;
}

static void
note_carried(struct making *m, const struct carried *c)
{
	if (c->left > 0)
		snprintf(m->wish->note, sizeof(m->wish->note),
		    "%" PRIu64 " entries were not carried over, the first: %s", c->left, c->first);
}

/* What the server makes the upper of at every boot (upper.h). */
static int
keep_fresh(struct making *m)
{
	char path[PATH_SIZE];
	int from = open(m->upper, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), to, result = -1;

	snprintf(path, sizeof(path), "%.200s/%s/" UPPER_FRESH, m->home_path, m->directory);
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (from != -1 && to != -1 && upper_copy(to, from) == 0)
		result = fsync(to);
	if (result == -1)
		making_failed(m, "%s: %s", path, strerror(errno));
	if (to != -1)
		close(to);
	if (from != -1)
		close(from);
	return result;
}

int
build_fresh(struct making *m, bool carry_over)
{
	struct try_job *job = shared_memory(sizeof(*job));

	if (job == NULL)
		return making_failed(m, "no memory");
	if (making_room(m, FRESH_SIZE + (carry_over ? upper_bytes(m, m->now.generation) : 0)) == -1)
		return -1;
	if (mkdirat(m->home, ".work", 0700) == -1)
		return making_failed(m, "%s: %s", m->work, strerror(errno));
	if (make_upper(m) == -1)
		return -1;
	job->making = m;
	paths_below(m->work, "", &m->next, &job->paths);
	snprintf(job->paths.upper_file, sizeof(job->paths.upper_file), "%s", m->upper);
	if (carry_over)
		paths_below(m->work, "old-", &m->now, &job->old);
	if (in_mount_namespace(try_root, job, job->why, sizeof(job->why)) == -1)
		return making_failed(m, "its new root: %s", job->why);
	note_carried(m, &job->carried);
	if (sync_upper(m) == -1)
		return -1;
	return m->wish->client->persistence == PERSISTENCE_DISCARD ? keep_fresh(m) : 0;
}

/* ---- copies ---- */

int
build_copy(struct making *m, uint32_t generation)
{
	char path[PATH_SIZE];
	int from, to, result = -1;

	snprintf(path, sizeof(path), "%.200s/%" PRIu32 "/upper.ext4", m->home_path, generation);
	if (making_room(m, upper_bytes(m, generation)) == -1)
		return -1;
	from = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (from == -1)
		return making_failed(m, "%s: %s", path, strerror(errno));
	to = open(m->upper, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to != -1) {
		result = upper_copy(to, from);
		if (result == 0)
			result = fsync(to);
	}
	if (result == -1)
		making_failed(m, "%s: %s", m->upper, strerror(errno));
	if (to != -1)
		close(to);
	close(from);
	return result;
}

/* It is our copy: what is cut off, or fails, is nobody's. */
int
build_resize(struct making *m, uint64_t bytes)
{
	char size[32];
	const char *const check[] = { "/sbin/e2fsck", "-f", "-y", m->upper, NULL };
	const char *const resize[] = { "/sbin/resize2fs", m->upper, size, NULL };

	/* In whole blocks of any size that mke2fs chooses. */
	snprintf(size, sizeof(size), "%" PRIu64 "K", bytes / 4096 * 4);
	if (bytes > m->next.quota && truncate(m->upper, (off_t)bytes) == -1)
		return making_failed(m, "%s: %s", m->upper, strerror(errno));
	if (run(m, "checking its filesystem", check, 3) == -1)
		return -1;
	if (run(m, bytes < m->next.quota ? "it holds more than that" : "resizing its filesystem", resize, 0) == -1)
		return -1;
	if (bytes < m->next.quota && truncate(m->upper, (off_t)bytes) == -1)
		return making_failed(m, "%s: %s", m->upper, strerror(errno));
	m->next.quota = bytes;
	return sync_upper(m);
}
