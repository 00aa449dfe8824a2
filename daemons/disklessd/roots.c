/* SPDX-License-Identifier: ISC */
/*
 * The roots of all clients: attached one at a time, so that the loop goes on meanwhile; withdrawn in the order export, cache,
 * mount. A root outlives this process and every reload that does not touch it: running boards notice nothing.
 */
#include "roots.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "address.h"
#include "clients.h"
#include "clock.h"
#include "log.h"
#include "paths.h"
#include "upper.h"

#define DETACH_RETRY_MS 500 /* nfsd's file cache lets go within seconds of the flush */
#define FLUSH_AGAIN_MS  2000

struct root_list roots = TAILQ_HEAD_INITIALIZER(roots);

static struct event *work;  /* there is something to do */
static struct event *retry; /* a root that was busy may not be any more */
static struct server *server;

static void on_work(evutil_socket_t, short, void *);

void
roots_init(struct server *s)
{
	server = s;
	work = evtimer_new(s->base, on_work, NULL);
	retry = evtimer_new(s->base, on_work, NULL);
	if (work == NULL || retry == NULL)
		fatalx("no memory for the roots");
	roots_look_init(s);
}

void
roots_work(void)
{
	static const struct timeval now = { 0, 0 };

	evtimer_add(work, &now);
}

static void
work_later(void)
{
	static const struct timeval wait = { 0, DETACH_RETRY_MS * 1000 };

	if (!evtimer_pending(retry, NULL))
		evtimer_add(retry, &wait);
}

struct root *
root_find(const char *name)
{
	struct root *r;

	TAILQ_FOREACH (r, &roots, next)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

/* ---- telling ---- */

static void
state_of(const struct root *r, struct msg_client_state *state)
{
	uint64_t size;

	memset(state, 0, sizeof(*state));
	state->client = r->client;
	state->generation = server->generation;
	state->phase = r->exported   ? CLIENT_EXPORTED
		       : r->attached ? CLIENT_ATTACHED
		       : r->text[0]  ? CLIENT_FAILED
				     : CLIENT_WAITING;
	state->fsid = r->manifest.fsid;
	state->quota = r->manifest.quota;
	if (r->attached && attach_usage(r->paths.upper, &size, &state->used) == -1)
		state->used = 0;
	snprintf(state->text, sizeof(state->text), "%s",
	    r->held      ? "disklessctl works on its root"
	    : r->text[0] ? r->text
			 : r->note);
}

void
root_tell(struct root *r)
{
	struct msg_client_state state;

	if (!r->configured)
		return;
	state_of(r, &state);
	r->told_used = state.used;
	children_tell(&state);
}

void
roots_tell_all(struct server *s)
{
	struct root *r;

	TAILQ_FOREACH (r, &roots, next)
		root_tell(r);
}

/* ---- attaching ---- */

void
root_failed(struct root *r, const char *why)
{
	if (strcmp(r->text, why) != 0)
		log_errx("client %s: %s", r->name, why);
	snprintf(r->text, sizeof(r->text), "%s", why);
}

/* A root is served as it was made: a change of the configuration does not take a board's root away from it. */
static void
note_differences(struct root *r, const struct config_client *client)
{
	char note[TEXT_SIZE] = "";

	if (client->image != NULL && strcmp(r->manifest.image, client->image->name) != 0)
		snprintf(note, sizeof(note),
		    "its root is of image %s, the configuration says %s; run: disklessctl client upgrade %s",
		    r->manifest.image, client->image->name, r->name);
	else if (r->manifest.quota != client->quota)
		snprintf(note, sizeof(note),
		    "its root has %" PRIu64 " bytes, the configuration says %" PRIu64
		    "; run: disklessctl client resize %s",
		    r->manifest.quota, client->quota, r->name);
	if (note[0] != '\0' && strcmp(note, r->note) != 0)
		log_warnx("client %s: %s", r->name, note);
	snprintf(r->note, sizeof(r->note), "%s", note);
}

static bool
learn(struct root *r, const struct config_client *client)
{
	struct image_manifest image;
	char why[TEXT_SIZE];

	if (client_manifest_read(r->name, &r->manifest, why, sizeof(why)) == -1) {
		char text[2 * TEXT_SIZE];

		snprintf(text, sizeof(text), "it has no root yet; make it with `disklessctl client prepare %s` (%s)",
		    r->name, why);
		text[TEXT_SIZE - 1] = '\0';
		root_failed(r, text);
		return false;
	}
	note_differences(r, client);
	if (image_manifest_read(r->manifest.image, r->manifest.version, &image, why, sizeof(why)) == -1) {
		root_failed(r, why);
		return false;
	}
	attach_paths(&r->manifest, &r->paths);
	snprintf(r->boot, sizeof(r->boot), "%s", image.boot);
	return r->known = true;
}

/* Another root with this fsid would be served in its place. */
static bool
fsid_taken(const struct root *mine)
{
	const struct root *r;

	TAILQ_FOREACH (r, &roots, next)
		if (r != mine && r->known && r->manifest.fsid == mine->manifest.fsid)
			return true;
	return false;
}

static void
attach_unheld(struct root *r)
{
	const struct config_client *client = &server->config->client[r->client];
	char why[TEXT_SIZE];

	r->try_again = false;
	if (!r->known && !learn(r, client))
		return;
	if (fsid_taken(r)) {
		r->known = false;
		root_failed(r, "its manifest has the fsid of another client");
		return;
	}
	if (attach_root(&r->paths, why, sizeof(why)) == -1) {
		root_failed(r, why);
		return;
	}
	r->dirty = !r->discarding; /* whoever used it before we began */
	r->discarding = false;
	r->attached = true;
	r->attached_at = clock_ms();
	r->text[0] = '\0';
	log_debug("client %s: root attached", r->name);
	exports_request(server);
}

/* Nobody begins to work on it while it is being attached. */
static void
attach(struct root *r)
{
	int lock = client_hold(r->name, true);

	if (lock == -1 && errno == EWOULDBLOCK) {
		log_info("client %s: its root is held", r->name);
		r->held = true;
		work_later(); /* it is tried again until whoever works on it lets go */
		return;
	}
	r->held = false;
	attach_unheld(r);
	if (lock != -1)
		close(lock);
}

/* ---- withdrawing ---- */

/*
 * Two flushes of nfsd's caches within a second: the kernel takes the second's time to be in the future, and clears nothing for half a
 * minute (net/sunrpc/cache.c, write_flush). What is still in use is flushed again, each time after twice as long.
 */
static void
flush_again(struct root *r)
{
	uint64_t now = clock_ms();

	if (r->flush_at == 0)
		r->flush_ms = FLUSH_AGAIN_MS;
	else if (now < r->flush_at)
		return;
	else
		exports_request(server);
	r->flush_at = now + r->flush_ms;
	r->flush_ms *= 2;
}

static bool
unmounted(struct root *r)
{
	if (r->listed || r->exported)
		return false; /* first exportfs, which flushes nfsd's caches */
	if (!r->attached || detach_root(&r->paths) == 0) {
		r->flush_at = 0;
		return true;
	}
	if (errno == EBUSY)
		flush_again(r);
	else
		log_warn("client %s: root not detached", r->name);
	work_later();
	return false;
}

/* true: it is gone. */
static bool
detach(struct root *r)
{
	if (!unmounted(r))
		return false;
	if (r->attached)
		log_info("client %s: root detached", r->name);
	if (r->known)
		detach_image(r->paths.image); /* EBUSY while other clients use it */
	else
		detach_images(); /* taken over: its image is not known */
	TAILQ_REMOVE(&roots, r, next);
	audit_root_gone();
	return true;
}

static void
want(uint32_t index, const struct config_client *client)
{
	struct root *r = calloc(1, sizeof(*r));

	if (r == NULL)
		fatalx("no memory for client %s", client->name);
	snprintf(r->name, sizeof(r->name), "%s", client->name);
	r->client = index;
	r->configured = true;
	TAILQ_INSERT_TAIL(&roots, r, next);
}

/* A root that had to go is replaced by one of the same name: it was removed and added again, or made anew. */
static void
want_again(const char *name)
{
	for (size_t i = 0; i < server->config->client_count; i++)
		if (server->config->client[i].image != NULL && strcmp(server->config->client[i].name, name) == 0)
			want((uint32_t)i, &server->config->client[i]);
}

/* Those that are held are asked for all at once, when the timer ends; the others wait for nobody. */
static void
try_held_again(void)
{
	struct root *r;

	TAILQ_FOREACH (r, &roots, next)
		if (r->held && r->configured) {
			r->held = client_is_held(r->name);
			if (r->held)
				work_later();
		}
}

/* true: it is detached, and as it was made; it is attached as any other. */
static bool
discard(struct root *r)
{
	char why[TEXT_SIZE];

	if (!unmounted(r))
		return false;
	r->attached = false;
	if (upper_discard(&r->manifest, why, sizeof(why)) == -1)
		log_errx("client %s: its root is not discarded: %s", r->name, why);
	return true;
}

/* One root a turn: a mount takes milliseconds, and a thousand of them must not keep READs waiting. */
static void
on_work(evutil_socket_t fd, short what, void *argument)
{
	struct root *r;

	try_held_again();
	TAILQ_FOREACH (r, &roots, next)
		if (!r->configured && detach(r)) {
			want_again(r->name);
			free(r);
			roots_work();
			return;
		}
	TAILQ_FOREACH (r, &roots, next)
		if (r->configured && r->attached && r->discarding && discard(r)) {
			roots_work();
			return;
		}
	TAILQ_FOREACH (r, &roots, next)
		if (r->configured && !r->attached && !r->held && (r->text[0] == '\0' || r->try_again)) {
			attach(r);
			root_tell(r);
			roots_work();
			return;
		}
}

/* ---- the configuration ---- */

/* Is the root on disk still the one that is attached? */
static bool
same(const struct root *r)
{
	struct client_manifest now;
	char why[TEXT_SIZE];

	return !r->attached || (r->known && client_manifest_read(r->name, &now, why, sizeof(why)) == 0 &&
				   now.fsid == r->manifest.fsid && now.version == r->manifest.version &&
				   strcmp(now.image, r->manifest.image) == 0);
}

static void
keep_or_want(uint32_t index, const struct config_client *client)
{
	struct root *r = root_find(client->name);

	if (r == NULL) {
		want(index, client);
	} else if (same(r) && !(r->attached && client_is_held(r->name))) {
		r->client = index;
		r->configured = true;
		r->held = false;
		r->known = r->attached; /* what is not attached is read again */
		r->text[0] = '\0';      /* and tried again */
		if (r->known)
			note_differences(r, client);
	}
}

/* What is somebody's no more, or another address's. */
static void
withdraw_changed(struct server *s)
{
	struct root *r;

	TAILQ_FOREACH (r, &roots, next)
		if ((r->listed || r->exported) && (!r->configured || s->clients[r->client].address != r->address))
			withdraw(s, r->address, r->paths.root);
}

bool
roots_at(size_t place, const char **name, const struct attach_paths **paths)
{
	struct root *r;

	TAILQ_FOREACH (r, &roots, next)
		if (place-- == 0) {
			*name = r->name;
			*paths = r->attached && r->known && r->configured ? &r->paths : NULL;
			return true;
		}
	return false;
}

void
roots_audited(struct server *s)
{
	struct root *r;

	TAILQ_FOREACH (r, &roots, next)
		if ((r->listed || r->exported) && audit_closes(r->name))
			withdraw(s, r->address, r->paths.root);
}

size_t
roots_closed(uint32_t **addresses)
{
	struct root *r;
	size_t count = 0;

	TAILQ_FOREACH (r, &roots, next)
		count++;
	*addresses = calloc(count + 1, sizeof(**addresses));
	if (*addresses == NULL)
		fatalx("no memory for the roots");
	count = 0;
	TAILQ_FOREACH (r, &roots, next)
		if (r->configured && audit_closes(r->name))
			(*addresses)[count++] = server->clients[r->client].address;
	return count;
}

void
roots_apply(struct server *s)
{
	struct root *r;

	TAILQ_FOREACH (r, &roots, next)
		r->configured = false;
	for (size_t i = 0; i < s->config->client_count; i++)
		if (s->config->client[i].image != NULL)
			keep_or_want((uint32_t)i, &s->config->client[i]);
	if (s->generation == 1)
		roots_take_over();
	withdraw_changed(s);
	exports_request(s);
	roots_work();
}

/*
 * The first file that a board asks for after it had its root: it boots anew. What it asks for comes from the image meanwhile. Only the
 * client itself can ask (its address by its MAC), so nobody takes the root of a board that runs but that board.
 */
void
roots_boot_begins(const char *name)
{
	struct root *r = root_find(name);

	if (r == NULL || !r->attached || !r->configured || !r->dirty || r->discarding)
		return;
	log_info("client %s: it boots, and what it wrote is discarded", name);
	r->discarding = true;
	withdraw(server, r->address, r->paths.root);
	roots_work();
}

bool
roots_attached(const char *name, const struct attach_paths **paths, const char **boot)
{
	const struct root *r = root_find(name);

	if (r == NULL || !r->known || !r->configured || (!r->attached && !r->discarding))
		return false;
	*paths = &r->paths;
	*boot = r->boot;
	return true;
}

/* ---- exports ---- */

int
roots_exports(const struct server *s, char **text)
{
	struct root *r;
	size_t length;
	FILE *out = open_memstream(text, &length);
	int lines = 0;

	if (out == NULL)
		return -1;
	TAILQ_FOREACH (r, &roots, next) {
		const struct msg_client *client;
		char line[512];

		r->listed = r->attached && r->configured && !r->discarding;
		if (!r->listed)
			continue;
		client = &s->clients[r->client];
		r->listed = access_export(&s->view, client, client->address) && guard_holds(s, client->network) &&
			    !audit_closes(r->name) && (!audit_closes_all() || guard_in_force());
		if (!r->listed)
			continue;
		r->address = client->address;
		exports_line(line, sizeof(line), r->name, client->address, r->manifest.fsid);
		fputs(line, out);
		lines++;
	}
	if (fclose(out) == EOF)
		return -1;
	withdraw_unlisted();
	return lines;
}

void
roots_exported(struct server *s, bool in_force)
{
	struct root *r;

	if (in_force)
		withdraw_exported(s);
	TAILQ_FOREACH (r, &roots, next) {
		bool was = r->exported;

		r->exported = in_force ? r->listed : r->exported;
		if (r->exported != was)
			root_tell(r);
	}
	roots_work();
}
