/* SPDX-License-Identifier: ISC */
/* Duty: holds on clients' roots (hold.h). Runs as part of disklessctl, as root. Must never say that a root is held while it is attached. */
#include "hold.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client_files.h"
#include "clients.h"

#define LOCK_TRIES    50 /* the server locks a root for as long as it takes to attach it */
#define LOCK_EVERY_MS 100

static int
lock_root(const char *name)
{
	struct timespec pause = { 0, LOCK_EVERY_MS * 1000000L };
	int fd;

	for (int i = 0; (fd = client_hold(name, false)) == -1 && errno == EWOULDBLOCK && i < LOCK_TRIES; i++)
		nanosleep(&pause, NULL);
	return fd;
}

static void
take(struct hold *h)
{
	h->fd = lock_root(h->name);
	if (h->fd != -1)
		return;
	if (errno == EWOULDBLOCK)
		snprintf(h->why, sizeof(h->why), "somebody else works on its root");
	else if (errno == ENOENT)
		snprintf(h->why, sizeof(h->why), "it has no root; make it: disklessctl client prepare %s", h->name);
	else
		snprintf(h->why, sizeof(h->why), "%s/%s: %s", PATH_CLIENTS, h->name, strerror(errno));
}

/* The server is asked only if there is something that it has to let go. */
static bool
any_attached(const struct hold *holds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (holds[i].fd != -1 && root_attached(holds[i].name))
			return true;
	return false;
}

static void
wait_for(struct hold *h, enum server server)
{
	if (server == SERVER_RELOADED ? wait_until_detached(h->name) : !root_attached(h->name))
		return;
	snprintf(h->why, sizeof(h->why), "its root is still mounted%s",
	    server == SERVER_AWAY      ? ", and the server that could unmount it does not run"
	    : server == SERVER_REFUSED ? ", as the server did not read its configuration"
				       : ": something on this server uses it; try again");
	hold_release(h);
}

void
holds_take(struct hold *holds, size_t count)
{
	enum server server = SERVER_RELOADED;

	for (size_t i = 0; i < count; i++) {
		holds[i].fd = -1;
		if (holds[i].why[0] == '\0')
			take(&holds[i]);
	}
	if (any_attached(holds, count))
		server = server_read_again();
	for (size_t i = 0; i < count; i++)
		if (holds[i].fd != -1)
			wait_for(&holds[i], server);
}

void
hold_release(struct hold *h)
{
	if (h->fd != -1)
		close(h->fd);
	h->fd = -1;
}
