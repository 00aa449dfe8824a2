/* SPDX-License-Identifier: ISC */
/*
 * The guard: a table of nftables that is made whole from the configuration (guard_rules.c), loaded in one transaction, and read
 * back, then and every minute. What cannot be loaded leaves what was in force, and what is not in force closes: no root of a
 * guarded network is exported before its guard is. It stays in force when this process ends.
 */
#include "disklessd.h"

#include <sys/wait.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "guard_rules.h"
#include "log.h"
#include "paths.h"
#include "process.h"

#define RETRY_SECONDS 10
#define CHECK_SECONDS 60
#define UNKNOWN_MAX   3 /* times that nft may fail to list before nothing counts as in force */

/* A table, and the networks that it guards. */
struct table {
	char *rules; /* NULL: there is none */
	char (*guarded)[INTERFACE_SIZE];
	size_t count;
	bool wanted; /* it is there to be listed */
};

static struct table wanted;   /* by the configuration */
static struct table in_force; /* what was read back last */
static bool busy;             /* nft runs */
static bool due;              /* as soon as this turn of the loop is over, with all that it changes */
static bool again;            /* something changed meanwhile */
static bool checking;         /* nothing was loaded before the list */
static unsigned unknown;      /* times that nft could not be asked, one after the other */
static char load_failed[TEXT_SIZE];
static struct event *timer;
static uint64_t *dropped; /* by each guarded network of in_force, when it was read last */

static void load(struct server *);

/* ---- tables ---- */

static void
drop_table(struct table *t)
{
	free(t->rules);
	free(t->guarded);
	*t = (struct table){ 0 };
}

static bool
copy_table(struct table *to, const struct table *from)
{
	struct table t = { .rules = strdup(from->rules),
		.guarded = calloc(from->count + 1, sizeof(*t.guarded)),
		.count = from->count,
		.wanted = from->wanted };

	if (t.rules == NULL || t.guarded == NULL) {
		drop_table(&t);
		return false;
	}
	memcpy(t.guarded, from->guarded, from->count * sizeof(*t.guarded));
	drop_table(to);
	*to = t;
	return true;
}

/* By a withdrawal, or by the auditor; each once. */
static size_t
closed_addresses(uint32_t **addresses)
{
	uint32_t *more;
	size_t count = withdraw_closed(addresses), others = roots_closed(&more);

	*addresses = reallocarray(*addresses, count + others + 1, sizeof(**addresses));
	if (*addresses == NULL)
		fatalx("no memory for the guard");
	for (size_t i = 0; i < others; i++) {
		size_t j = 0;

		while (j < count && (*addresses)[j] != more[i])
			j++;
		(*addresses)[j] = more[i];
		count += j == count;
	}
	free(more);
	return count;
}

static void
make_table(const struct server *s, struct table *t)
{
	bool *on = calloc(s->view.network_count + 1, sizeof(*on));
	struct guard_view view = { .networks = s->view.networks,
		.on = on,
		.network_count = s->view.network_count,
		.clients = s->view.clients,
		.client_count = s->view.client_count };
	uint32_t *closed;

	view.closed_count = closed_addresses(&closed);
	view.closed = closed;
	view.all_closed = audit_closes_all();
	*t = (struct table){ .guarded = calloc(s->view.network_count + 1, sizeof(*t->guarded)) };
	if (on == NULL || t->guarded == NULL)
		fatalx("no memory for the guard");
	for (size_t i = 0; i < s->view.network_count; i++) {
		on[i] = s->config->network[i].guard;
		if (on[i])
			memcpy(t->guarded[t->count++], s->networks[i].interface, INTERFACE_SIZE);
	}
	t->rules = guard_rules(&view);
	t->wanted = guard_wanted(&view);
	if (t->rules == NULL)
		fatalx("no memory for the guard");
	free(closed);
	free(on);
}

static bool
has(const struct table *t, const char *interface)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->guarded[i], interface) == 0)
			return true;
	return false;
}

bool
guard_holds(const struct server *s, uint32_t network)
{
	return !s->config->network[network].guard || has(&in_force, s->networks[network].interface);
}

bool
guard_in_force(void)
{
	return in_force.rules != NULL && wanted.rules != NULL && strcmp(in_force.rules, wanted.rules) == 0;
}

bool
guard_pending(const struct server *s)
{
	if (guard_busy() && audit_closes_all())
		return true;
	for (uint32_t i = 0; guard_busy() && i < s->view.network_count; i++)
		if (!guard_holds(s, i))
			return true;
	return false;
}

bool
guard_busy(void)
{
	return busy || due;
}

/* ---- telling ---- */

/* A trouble is logged when it begins, when it changes, and when it ends. */
static void
trouble(struct server *s, const char *text)
{
	if (strcmp(s->guard_trouble, text) == 0)
		return;
	if (text[0] != '\0')
		log_errx("%s", text);
	else
		log_info("the guard is in force again");
	snprintf(s->guard_trouble, sizeof(s->guard_trouble), "%s", text);
	children_tell_server(s);
}

static void
later(unsigned seconds)
{
	struct timeval wait = { (time_t)seconds, 0 };

	evtimer_add(timer, &wait);
}

/* A frame that claimed to be a client's and was not, or a stranger who asked for what only clients get. */
static void
tell_dropped(const char *listing)
{
	for (size_t i = 0; i < in_force.count; i++) {
		uint64_t now = guard_dropped(listing, in_force.guarded[i]);

		if (now > dropped[i])
			log_warnx(
			    "the guard of %s dropped %llu frames: forged as a client's, or a stranger's to NFS or TFTP",
			    in_force.guarded[i], (unsigned long long)(now - dropped[i]));
		dropped[i] = now;
	}
}

/* ---- what is in force ---- */

static void
now_in_force(struct server *s)
{
	if (!copy_table(&in_force, &wanted))
		fatalx("no memory for the guard");
	free(dropped);
	dropped = calloc(in_force.count + 1, sizeof(*dropped));
	if (dropped == NULL)
		fatalx("no memory for the guard");
	if (in_force.count > 0)
		log_info("the guard is in force on %zu networks", in_force.count);
	exports_request(s);
	audit_soon();
}

/* Nothing that we made is: what needs it is exported no more. */
static void
not_in_force(struct server *s)
{
	if (in_force.count > 0)
		exports_request(s);
	drop_table(&in_force);
}

/* The table is not what is wanted. Perhaps it is still what it was before. */
static void
on_wrong(struct server *s, const char *listing, const char *why)
{
	char text[TEXT_SIZE], ignored[TEXT_SIZE];
	bool old = in_force.rules != NULL && guard_verify(listing, in_force.rules, ignored, sizeof(ignored));

	snprintf(text, sizeof(text), "%s: %.180s",
	    old ? "the guard is still that of the configuration before"
		: "no guard is in force, and no root of its networks is exported",
	    load_failed[0] != '\0' ? load_failed : why);
	trouble(s, text);
	audit_soon();
	if (!old)
		not_in_force(s);
	later(RETRY_SECONDS);
}

/* nft says 1 where there is no such table; anything else tells nothing about it: perhaps nft is just being upgraded. */
static bool
not_listed(int status)
{
	if (status == 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 1))
		unknown = 0;
	return status != 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void
on_listed(int status, const char *listing, void *argument)
{
	struct server *s = argument;
	char why[TEXT_SIZE] = "";

	busy = false;
	if (again) {
		load(s);
		return;
	}
	exports_guarded();
	if (not_listed(status) && ++unknown < UNKNOWN_MAX) {
		later(RETRY_SECONDS);
		return;
	}
	if (status != 0)
		listing = "";
	if (guard_verify(listing, wanted.rules, why, sizeof(why))) {
		if (!guard_in_force())
			now_in_force(s);
		trouble(s, "");
		tell_dropped(listing);
		later(CHECK_SECONDS);
	} else if (checking) {
		log_errx("somebody changed the guard, it is made again: %s", why);
		load(s);
	} else {
		on_wrong(s, listing, why);
	}
}

static void
list(struct server *s)
{
	static const char *const command[] = { PATH_NFT, "list", "table", "netdev", "diskless", NULL };

	busy = true;
	if (tool_run(s->base, command, NULL, on_listed, s) == -1) {
		log_err("%s", PATH_NFT);
		busy = false;
		exports_guarded();
		later(RETRY_SECONDS);
	}
}

/* Whatever came of it: what is listed counts. */
static void
on_loaded(int status, const char *output, void *argument)
{
	char fate[128], visible[TEXT_SIZE];

	load_failed[0] = '\0';
	if (status != 0)
		snprintf(load_failed, sizeof(load_failed), "nft %s: %s", process_fate(status, fate, sizeof(fate)),
		    log_visible(visible, sizeof(visible), output, strcspn(output, "\n")));
	list(argument);
}

static void
load(struct server *s)
{
	static const char *const command[] = { PATH_NFT, "-f", "-", NULL };

	again = checking = false;
	busy = true;
	if (tool_run(s->base, command, wanted.rules, on_loaded, s) == -1) {
		log_err("%s", PATH_NFT);
		busy = false;
		exports_guarded();
		later(RETRY_SECONDS);
	}
}

/* Is it still what it was? */
static void
check(struct server *s)
{
	checking = true;
	list(s);
}

void
guard_apply(struct server *s)
{
	struct table now;

	make_table(s, &now);
	if (wanted.rules != NULL && strcmp(wanted.rules, now.rules) == 0) {
		drop_table(&now);
		if (!guard_busy() && wanted.wanted)
			check(s);
		return;
	}
	drop_table(&wanted);
	wanted = now;
	if (busy) {
		again = true;
	} else {
		due = true;
		later(0);
	}
}

/* What is wanted and not in force is loaded again. */
static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct server *s = argument;

	due = false;
	if (busy)
		return;
	if (!guard_in_force()) {
		load(s);
	} else if (wanted.wanted) {
		check(s);
	}
}

void
guard_init(struct server *s)
{
	timer = evtimer_new(s->base, on_timer, s);
	if (timer == NULL)
		fatalx("no memory for the guard");
}
