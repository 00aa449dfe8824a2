/* SPDX-License-Identifier: ISC */
/*
 * Takes from an address what it had: its export goes at once, so that what it asks next gets an error and does not wait; then its NFSv4
 * state and locks are revoked and its connections cut, and its root can be unmounted. If the export is not gone within a second the
 * address is dropped by the guard's table until it is.
 */
#include "disklessd.h"

#include <sys/queue.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "address.h"
#include "log.h"
#include "paths.h"

#define NFSD_CLIENTS           "/proc/fs/nfsd/clients"
#define NFSD_UNLOCK_FILESYSTEM "/proc/fs/nfsd/unlock_filesystem"
#define INFO_SIZE              256 /* what we look for is in the second line; what clients call themselves comes later */

struct withdrawal {
	STAILQ_ENTRY(withdrawal) next;
	uint32_t address;
	char root[PATH_SIZE]; /* that it had */
	bool unlisted;        /* exportfs was given lines without it */
	bool late;            /* it still has its export: it is dropped */
};

static struct event *limit; /* for the export to be gone */
static STAILQ_HEAD(withdrawal_list, withdrawal) withdrawals = STAILQ_HEAD_INITIALIZER(withdrawals);

static void
on_limit(evutil_socket_t fd, short what, void *argument)
{
	struct withdrawal *w;

	STAILQ_FOREACH (w, &withdrawals, next) {
		if (!w->late)
			log_warnx("%s is still exported: its address is dropped", w->root);
		w->late = true;
	}
	guard_apply(argument);
}

static void
start_limit(struct server *s)
{
	static const struct timeval second = { 1, 0 };

	if (limit == NULL)
		limit = evtimer_new(s->base, on_limit, s);
	if (limit == NULL || evtimer_add(limit, &second) == -1)
		fatalx("no memory for a withdrawal");
}

void
withdraw(struct server *s, uint32_t address, const char *root)
{
	struct withdrawal *w;
	char text[ADDRESS_TEXT];

	STAILQ_FOREACH (w, &withdrawals, next)
		if (w->address == address && strcmp(w->root, root) == 0)
			return;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		fatalx("no memory for a withdrawal");
	w->address = address;
	snprintf(w->root, sizeof(w->root), "%s", root);
	STAILQ_INSERT_TAIL(&withdrawals, w, next);
	log_info("%s is withdrawn from %s", root, address == 0 ? "whoever had it" : address_text(address, text));
	start_limit(s);
	exports_request_now(s);
}

size_t
withdraw_closed(uint32_t **addresses)
{
	struct withdrawal *w;
	size_t count = 0;

	STAILQ_FOREACH (w, &withdrawals, next)
		count++;
	*addresses = calloc(count + 1, sizeof(**addresses));
	if (*addresses == NULL)
		fatalx("no memory for a withdrawal");
	count = 0;
	STAILQ_FOREACH (w, &withdrawals, next) {
		size_t i = 0;

		if (w->address == 0 || !w->late)
			continue;
		while (i < count && (*addresses)[i] != w->address)
			i++;
		(*addresses)[i] = w->address;
		count += i == count;
	}
	return count;
}

void
withdraw_unlisted(void)
{
	struct withdrawal *w;

	STAILQ_FOREACH (w, &withdrawals, next)
		w->unlisted = true;
}

/* ---- what an address holds ---- */

bool
withdraw_is_of(const char *info, uint32_t address)
{
	static const char head[] = "\naddress: \"";
	char text[ADDRESS_TEXT];
	const char *at = strstr(info, head);
	size_t length = strlen(address_text(address, text));

	return at != NULL && strncmp(at + sizeof(head) - 1, text, length) == 0 &&
	       (at[sizeof(head) - 1 + length] == ':' || at[sizeof(head) - 1 + length] == '"');
}

/* false, with errno: it was not told, or a part only. */
static bool
tell_kernel(int directory, const char *file, const char *text)
{
	int fd = openat(directory, file, O_WRONLY | O_CLOEXEC), why;
	ssize_t length = (ssize_t)strlen(text), put;

	if (fd == -1)
		return false;
	put = write(fd, text, (size_t)length);
	why = put == -1 ? errno : EIO;
	close(fd);
	errno = why;
	return put == length;
}

/* One client of NFSv4, as the kernel has it: a directory named by a number. */
static void
expire_if_of(int clients, const char *name, uint32_t address)
{
	char path[64], info[INFO_SIZE + 1];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "%.32s/info", name);
	fd = openat(clients, path, O_RDONLY | O_CLOEXEC);
	length = fd == -1 ? -1 : read(fd, info, sizeof(info) - 1);
	if (fd != -1)
		close(fd);
	info[length > 0 ? length : 0] = '\0';
	if (!withdraw_is_of(info, address))
		return;
	snprintf(path, sizeof(path), "%.32s/ctl", name);
	if (!tell_kernel(clients, path, "expire\n") && errno != ENOENT)
		log_warn("%s/%s", NFSD_CLIENTS, path);
}

static void
expire(uint32_t address)
{
	DIR *clients = opendir(NFSD_CLIENTS);
	const struct dirent *entry;

	if (clients == NULL) {
		if (errno != ENOENT)
			log_warn("%s", NFSD_CLIENTS);
		return;
	}
	while ((entry = readdir(clients)) != NULL)
		if (entry->d_name[0] != '.')
			expire_if_of(dirfd(clients), entry->d_name, address);
	closedir(clients);
}

/* ---- connections ---- */

struct cut {
	char address[ADDRESS_TEXT];
	const char *argv[14];
};

static void
on_cut(int status, const char *output, void *argument)
{
	struct cut *cut = argument;

	/* A kernel that cannot: what comes over the connection gets errors all the same. */
	if (status != 0)
		log_warnx("connections of %s are not cut: %.80s", cut->address, output);
	free(cut);
}

static void
cut_connections(struct server *s, uint32_t address)
{
	static const char *const command[] = { PATH_SS, "--kill", "--no-header", "--numeric", "--tcp", "state",
		"connected", "dst", NULL, "sport", "=", "2049", NULL };
	struct cut *cut = calloc(1, sizeof(*cut));

	if (cut == NULL)
		return;
	memcpy(cut->argv, command, sizeof(command));
	cut->argv[8] = address_text(address, cut->address);
	if (tool_run(s->base, cut->argv, NULL, on_cut, cut) == -1) {
		log_warn("connections of %s are not cut", cut->address);
		free(cut);
	}
}

void
withdraw_exported(struct server *s)
{
	struct withdrawal *w, *after;
	char line[PATH_SIZE + 1];
	bool any = false;

	for (w = STAILQ_FIRST(&withdrawals); w != NULL; w = after) {
		after = STAILQ_NEXT(w, next);
		if (!w->unlisted)
			continue;
		if (w->address != 0) {
			expire(w->address);
			cut_connections(s, w->address);
		}
		snprintf(line, sizeof(line), "%s\n", w->root);
		if (!tell_kernel(AT_FDCWD, NFSD_UNLOCK_FILESYSTEM, line) && errno != ENOENT)
			log_debug("%s: locks not released: %s", w->root, strerror(errno));
		STAILQ_REMOVE(&withdrawals, w, withdrawal, next);
		any = any || w->late;
		free(w);
	}
	if (STAILQ_EMPTY(&withdrawals) && limit != NULL)
		evtimer_del(limit);
	if (any)
		guard_apply(s);
}
