/* SPDX-License-Identifier: ISC */
/*
 * What befalls roots without an event, so that it is looked at now and then: what was mounted before us, a filesystem that went
 * read-only, boards that mount, room that is used. Must never detach or export a root itself: it says what roots.c has to do.
 */
#include "roots.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "mountinfo.h"
#include "paths.h"

#define PATH_UPPERS  PATH_MOUNTS "/uppers/"
#define LOOK_SECONDS 10                   /* at what went wrong: it may have passed */
#define MEND_MS      20000                /* at most so often: a disk that stays bad is nobody's to mend */
#define MEND_ROOM    ((uint64_t)16 << 20) /* free on the state's disk before a root that had none is attached anew */
#define USAGE_TURNS  15                   /* looks for mounts between two looks at what roots hold */

/* A client's name, of a mount point that is directory (with its slash) and NAME. */
static bool
name_below(struct slice point, const char *directory, char name[NAME_SIZE])
{
	size_t prefix = strlen(directory);

	if (!slice_starts(point, directory) || point.length <= prefix || point.length - prefix >= NAME_SIZE)
		return false;
	snprintf(name, NAME_SIZE, "%.*s", (int)(point.length - prefix), point.at + prefix);
	return config_name_valid(name);
}

/* ---- what went wrong ---- */

static bool
has_room(void)
{
	struct statvfs st;

	return statvfs(PATH_STATE, &st) == 0 && (uint64_t)st.f_bavail * st.f_frsize >= MEND_ROOM;
}

/* It is withdrawn, and attached anew by want_again(): mounting replays its journal. Its client's handles stay good. */
static void
mend(struct server *s, struct root *r)
{
	if (!r->configured || !r->attached)
		return;
	root_failed(
	    r, "its filesystem went read-only after an error (is " PATH_STATE " full?); with room it is attached anew");
	root_tell(r);
	if (clock_ms() - r->attached_at < MEND_MS || !has_room())
		return;
	log_warnx("client %s: its root is attached anew", r->name);
	r->configured = false;
	exports_request(s);
}

/* ext4's own count, which is kept on the disk. */
static unsigned
errors_of(struct slice device)
{
	char path[64], text[16] = "";
	int skip = (int)sizeof("/dev/") - 1, fd;

	snprintf(path, sizeof(path), "/sys/fs/ext4/%.*s/errors_count", (int)device.length - skip, device.at + skip);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	if (read(fd, text, sizeof(text) - 1) == -1)
		text[0] = '\0';
	close(fd);
	return (unsigned)strtoul(text, NULL, 10);
}

/* Beside what the client sees. A chmod would not do: ext4 lets it pass. */
static bool
can_be_written(const struct root *r)
{
	char path[PATH_SIZE + sizeof("/tried")];
	bool can;

	snprintf(path, sizeof(path), "%s/tried", r->paths.upper);
	rmdir(path); /* of one of us that was ended */
	can = mkdir(path, 0700) == 0 || (errno != EROFS && errno != EIO);
	rmdir(path);
	return can;
}

/*
 * ext4 does that to itself when it cannot write. Linux 6.15 shows it as emergency_ro, older ones as ro; some between (6.12, and
 * stable ones that took over its change of fs/ext4/super.c) do not show it, so after each new error it is tried.
 */
static bool
went_read_only(struct root *r, const struct mount_entry *upper)
{
	unsigned errors;

	if (options_have(upper->super, "ro", NULL) || options_have(upper->super, "emergency_ro", NULL))
		return true;
	errors = slice_starts(upper->source, "/dev/") ? errors_of(upper->source) : 0;
	if (errors == r->errors)
		return false;
	if (!can_be_written(r))
		return true;
	r->errors = errors;
	return false;
}

static void
look_for_read_only(struct server *s)
{
	char *mountinfo = mountinfo_read(), name[NAME_SIZE];
	const char *at = mountinfo;
	struct mount_entry entry;
	struct root *r;

	while (mountinfo != NULL && mountinfo_next(&at, &entry))
		if (name_below(entry.point, PATH_UPPERS, name) && (r = root_find(name)) != NULL &&
		    went_read_only(r, &entry))
			mend(s, r);
	free(mountinfo);
}

static void
on_look(evutil_socket_t fd, short what, void *argument)
{
	struct root *r;

	TAILQ_FOREACH (r, &roots, next)
		if (r->configured && !r->attached && r->text[0] != '\0') {
			r->known = false; /* it may have been made meanwhile */
			r->try_again = true;
		}
	look_for_read_only(argument);
	roots_work();
}

void
roots_look_init(struct server *s)
{
	static const struct timeval interval = { LOOK_SECONDS, 0 };
	struct event *look = event_new(s->base, -1, EV_PERSIST, on_look, s);

	if (look == NULL || event_add(look, &interval) == -1)
		fatalx("no memory for the roots");
}

/* ---- what was there before us ---- */

/* A root of no client any more: whoever withdrew it was ended. etab may still have it. */
static void
take_over(const char *name)
{
	struct root *r = root_find(name);

	if (r == NULL) {
		r = calloc(1, sizeof(*r));
		if (r == NULL)
			fatalx("no memory for the roots");
		snprintf(r->name, sizeof(r->name), "%s", name);
		snprintf(r->paths.root, sizeof(r->paths.root), "%s/%s", PATH_ROOTS, name);
		snprintf(r->paths.upper, sizeof(r->paths.upper), "%s%s", PATH_UPPERS, name);
		r->attached = r->exported = true;
		TAILQ_INSERT_TAIL(&roots, r, next);
	}
}

void
roots_take_over(void)
{
	char *mountinfo = mountinfo_read(), name[NAME_SIZE];
	const char *at = mountinfo;
	struct mount_entry entry;

	while (mountinfo != NULL && mountinfo_next(&at, &entry))
		if (name_below(entry.point, PATH_ROOTS "/", name) || name_below(entry.point, PATH_UPPERS, name))
			take_over(name);
	free(mountinfo);
}

/* ---- who is connected, and what is used ---- */

/* What a board writes is no event here: it is looked at now and then. */
static void
tell_usage(void)
{
	static unsigned turns;
	struct root *r;
	uint64_t size, used;

	if (turns++ % USAGE_TURNS != 0)
		return;
	TAILQ_FOREACH (r, &roots, next)
		if (r->attached && attach_usage(r->paths.upper, &size, &used) == 0 && used != r->told_used)
			root_tell(r);
}

void
roots_look_for_mounts(struct server *s)
{
	struct nfs_peer *peers;
	size_t count = nfs_peers(&peers);
	struct root *r;

	TAILQ_FOREACH (r, &roots, next) {
		const struct nfs_peer *peer;

		if (!r->exported || !r->configured)
			continue;
		peer = nfs_peer_of(peers, count, s->clients[r->client].address);
		r->dirty = r->dirty || peer != NULL;
		if (peer != NULL && !r->connected)
			children_tell_mounted(r->client, s->generation);
		r->connected = peer != NULL;
		if (nfs_restless(&r->restless, peer == NULL ? 0 : peer->ports, clock_ms()))
			log_warnx("client %s: its connections to nfsd do not last: is there a second machine with its "
				  "MAC and address?",
			    r->name);
	}
	free(peers);
	tell_usage();
}
