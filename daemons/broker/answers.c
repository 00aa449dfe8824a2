/* SPDX-License-Identifier: ISC */
/*
 * Duty: puts each report where it belongs and answers an operator's question from it, row by row. Runs as part of diskless-broker.
 * Holds nothing but what the caller gives it; must never let a question change anything.
 */
#include "answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipc.h"
#include "log.h"

/* ---- what is known ---- */

bool
facts_configure(struct facts *f, struct bindings *b)
{
	struct msg_client_state *states = calloc(b->view.client_count + 1, sizeof(*states));

	if (states == NULL || !timelines_configured(&f->timelines, f->bindings, b)) {
		free(states);
		return false;
	}
	for (uint32_t i = 0; i < b->view.client_count; i++) {
		states[i].client = i;
		states[i].generation = b->generation;
		states[i].phase = CLIENT_WAITING;
	}
	sightings_configured(&f->sightings, f->bindings, b);
	bindings_free(f->bindings);
	free(f->states);
	f->bindings = b;
	f->states = states;
	return true;
}

bool
facts_process(struct facts *f, const struct msg_process_state *state)
{
	if (state->network >= BINDINGS_NETWORKS_MAX)
		return false;
	if (state->role == ROLE_BROKER)
		f->processes[0] = *state;
	else if (state->role == ROLE_DHCP || state->role == ROLE_TFTP)
		f->processes[1 + 2 * state->network + (state->role == ROLE_TFTP)] = *state;
	else
		return false;
	return true;
}

void
facts_client(struct facts *f, const struct msg_client_state *state)
{
	if (f->bindings != NULL && bindings_client_of(f->bindings, state->client, state->generation) != NULL)
		f->states[state->client] = *state;
}

void
facts_seen(struct facts *f, const struct msg_dhcp_seen *seen, uint64_t now)
{
	const struct msg_client *client;

	if (f->bindings == NULL)
		return;
	client = bindings_by_mac(f->bindings, seen->network, seen->mac);
	if (client == NULL)
		sightings_seen(&f->sightings, seen, now);
	else
		timeline_seen(&f->timelines, client, seen, now);
}

/* Would this path be opened for the client itself? Then a refusal came from the parent. */
static bool
granted(const struct facts *f, const struct msg_client *client, const char *path)
{
	struct msg_neighbour self = { .read = { .network = client->network, .address = client->address }, .found = 1 };
	struct decision decision;

	memcpy(self.mac, client->mac, MAC_SIZE);
	memcpy(self.read.path, path, sizeof(self.read.path));
	bindings_decide(f->bindings, &self, &decision);
	return decision.grant;
}

void
facts_done(struct facts *f, uint32_t network, const struct msg_done *done, uint64_t now)
{
	const struct msg_client *client = f->bindings == NULL ? NULL : bindings_at(f->bindings, network, done->address);

	if (client != NULL)
		timeline_done(&f->timelines, client, done, granted(f, client, done->path), now);
}

void
facts_stranger(struct facts *f, const struct msg_read *read, uint64_t now)
{
	const struct msg_client *named =
	    f->bindings == NULL ? NULL : bindings_named(f->bindings, read->network, read->path);

	if (named != NULL)
		timeline_elsewhere(&f->timelines, named, read->address, now);
}

void
facts_decided(struct facts *f, const struct msg_neighbour *neighbour, const struct decision *decision, uint64_t now)
{
	const struct msg_read *read = &neighbour->read;

	if (decision->client == NULL)
		return;
	if (decision->grant)
		timeline_read(&f->timelines, decision->client, read->path, now);
	else
		timeline_refused(&f->timelines, decision->client, decision->verdict,
		    neighbour->found ? neighbour->mac : NULL, bindings_named(f->bindings, read->network, read->path),
		    now);
}

void
facts_mounted(struct facts *f, const struct msg_mounted *mounted, uint64_t now)
{
	const struct msg_client *client =
	    f->bindings == NULL ? NULL : bindings_client_of(f->bindings, mounted->client, mounted->generation);

	if (client != NULL)
		timeline_mounted(&f->timelines, client, now);
}

/* ---- may it be asked ---- */

static const struct msg_client *
client_named(const struct facts *f, const char *name)
{
	for (size_t i = 0; f->bindings != NULL && i < f->bindings->view.client_count; i++)
		if (strcmp(f->bindings->view.clients[i].name, name) == 0)
			return &f->bindings->view.clients[i];
	return NULL;
}

bool
answer_allowed(const struct facts *f, const struct msg_ctl_request *request, uint32_t uid, struct msg_ctl_end *refusal)
{
	char name[4 * NAME_SIZE + 1];

	memset(refusal, 0, sizeof(*refusal));
	if (request->version != ipc_version())
		snprintf(refusal->text, sizeof(refusal->text),
		    "disklessctl is of another build than the server that runs: restart the server");
	else if (request->verb < CTL_STATUS || request->verb > CTL_AUDIT)
		snprintf(refusal->text, sizeof(refusal->text), "no such question");
	else if (request->follow > 1 || (request->follow == 1 && request->verb != CTL_BOOTS))
		snprintf(refusal->text, sizeof(refusal->text), "only boots can be followed");
	else if (request->verb == CTL_RELOAD && uid != 0)
		snprintf(refusal->text, sizeof(refusal->text), "only root may reload the configuration");
	else if (request->verb == CTL_AUDIT && uid != 0)
		snprintf(refusal->text, sizeof(refusal->text), "only root may have the server audited");
	else if (request->verb != CTL_RELOAD && request->verb != CTL_AUDIT && f->bindings == NULL)
		snprintf(refusal->text, sizeof(refusal->text), "the server has only just started: ask again");
	else if (request->name[0] != '\0' && client_named(f, request->name) == NULL)
		snprintf(refusal->text, sizeof(refusal->text), "there is no client \"%s\"",
		    log_visible(name, sizeof(name), request->name, strlen(request->name)));
	else
		return true;
	return false;
}

/* ---- rows ---- */

static struct timeline_context
context_of(const struct facts *f, size_t client)
{
	return (struct timeline_context){ &f->bindings->view.clients[client], &f->states[client], &f->server };
}

static bool
wanted(const struct msg_ctl_request *request, const struct msg_client *client)
{
	return request->name[0] == '\0' || strcmp(request->name, client->name) == 0;
}

#define ROW(row, name) ((row)->type = MSG_##name, (row)->size = sizeof((row)->body.name), &(row)->body.name)

typedef bool part(
    const struct facts *, const struct msg_ctl_request *, struct answer_cursor *, uint64_t now, struct answer_row *);

static bool
next_server(const struct facts *f, const struct msg_ctl_request *request, struct answer_cursor *at, uint64_t now,
    struct answer_row *row)
{
	if (at->index++ > 0)
		return false;
	*ROW(row, CTL_SERVER) = f->server;
	return true;
}

/* A network that is gone, or is not served by dhcp any more, has left its last word behind. */
static bool
is_current(const struct facts *f, const struct msg_process_state *state)
{
	const struct access_view *view = &f->bindings->view;

	if (state->phase == 0 || state->role == ROLE_BROKER)
		return state->phase != 0;
	return state->network < view->network_count &&
	       (state->role != ROLE_DHCP || view->networks[state->network].dhcp != DHCP_OFF);
}

static bool
next_process(const struct facts *f, const struct msg_ctl_request *request, struct answer_cursor *at, uint64_t now,
    struct answer_row *row)
{
	while (at->index < PROCESSES_MAX) {
		const struct msg_process_state *state = &f->processes[at->index++];

		if (!is_current(f, state))
			continue;
		*ROW(row, CTL_PROCESS) = *state;
		return true;
	}
	return false;
}

static bool
next_network(const struct facts *f, const struct msg_ctl_request *request, struct answer_cursor *at, uint64_t now,
    struct answer_row *row)
{
	if (at->index >= f->bindings->view.network_count)
		return false;
	*ROW(row, CTL_NETWORK) = f->bindings->view.networks[at->index++];
	return true;
}

static bool
next_client(const struct facts *f, const struct msg_ctl_request *request, struct answer_cursor *at, uint64_t now,
    struct answer_row *row)
{
	while (at->index < f->bindings->view.client_count) {
		size_t i = at->index++;
		const struct timeline *line = timeline_of(&f->timelines, (uint32_t)i);
		const struct boot *boot = timeline_boot(line, 0);
		struct msg_ctl_client *out;

		if (!wanted(request, &f->bindings->view.clients[i]))
			continue;
		out = ROW(row, CTL_CLIENT);
		memset(out, 0, sizeof(*out));
		out->client = f->bindings->view.clients[i];
		out->state = f->states[i];
		out->last_seen = line == NULL ? 0 : line->last_seen;
		out->step = boot == NULL ? 0 : boot->step;
		return true;
	}
	return false;
}

static bool
next_sighting(const struct facts *f, const struct msg_ctl_request *request, struct answer_cursor *at, uint64_t now,
    struct answer_row *row)
{
	if (at->index >= f->sightings.count)
		return false;
	sightings_row(&f->sightings.sighting[at->index++], f->bindings, ROW(row, CTL_SIGHTING));
	return true;
}

/* Of one client asked for by name: all its boots; of all clients, or following: the newest of each. */
static const struct boot *
boot_at(const struct timeline *line, const struct msg_ctl_request *request, const struct answer_cursor *at)
{
	if (request->follow)
		return line != NULL && line->changed > at->after && at->boot == 0 ? timeline_boot(line, 0) : NULL;
	return request->name[0] != '\0' || at->boot == 0 ? timeline_boot(line, at->boot) : NULL;
}

static bool
next_boot(const struct facts *f, const struct msg_ctl_request *request, struct answer_cursor *at, uint64_t now,
    struct answer_row *row)
{
	for (; at->index < f->bindings->view.client_count; at->index++, at->boot = 0) {
		struct timeline_context context = context_of(f, at->index);
		const struct boot *boot;

		if (!wanted(request, context.client))
			continue;
		boot = boot_at(timeline_of(&f->timelines, (uint32_t)at->index), request, at);
		if (boot == NULL)
			continue;
		at->boot++;
		timeline_row(boot, &context, now, ROW(row, CTL_BOOT));
		return true;
	}
	return false;
}

#define PARTS_MAX 4
static part *const parts[][PARTS_MAX] = {
	[CTL_STATUS] = { next_server, next_process, next_network },
	[CTL_CLIENTS] = { next_network, next_client },
	[CTL_SIGHTINGS] = { next_sighting },
	[CTL_BOOTS] = { next_boot },
	[CTL_RELOAD] = { NULL },
	[CTL_AUDIT] = { NULL },
};

bool
answer_next(const struct facts *f, const struct msg_ctl_request *request, struct answer_cursor *at, uint64_t now,
    struct answer_row *row)
{
	for (; at->part < PARTS_MAX && parts[request->verb][at->part] != NULL; at->part++, at->index = 0)
		if (parts[request->verb][at->part](f, request, at, now, row))
			return true;
	return false;
}
