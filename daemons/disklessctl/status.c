/* SPDX-License-Identifier: ISC */
/*
 * Duty: `status`, `network list` and `reload`: the server as a whole. Runs as part of disklessctl, as its caller. Holds nothing; must never
 * hide a fault behind a count.
 */
#include "disklessctl.h"

#include <stdio.h>
#include <stdlib.h>

#include "address.h"
#include "config.h"
#include "ipc.h"
#include "output.h"
#include "paths.h"
#include "request.h"
#include "space.h"

enum { SERVER, PROCESS, NETWORK, CLIENT, SIGHTING, NONE };

#define ROWS_OF_EVERYTHING \
	{ \
		[SERVER] = { .type = MSG_CTL_SERVER, .size = sizeof(struct msg_server_state) }, \
		[PROCESS] = { .type = MSG_CTL_PROCESS, .size = sizeof(struct msg_process_state) }, \
		[NETWORK] = { .type = MSG_CTL_NETWORK, .size = sizeof(struct msg_network) }, \
		[CLIENT] = { .type = MSG_CTL_CLIENT, .size = sizeof(struct msg_ctl_client) }, \
		[SIGHTING] = { .type = MSG_CTL_SIGHTING, .size = sizeof(struct msg_ctl_sighting) }, \
		[NONE] = { .type = MSG_NONE }, \
	}

static bool
ask(enum ctl_verb verb, struct rows *rows)
{
	struct request r = { .verb = verb, .row = rows_keep, .argument = rows };

	return request_or_complain(&r);
}

static const struct msg_network *
network_of(const struct rows *networks, uint32_t index)
{
	const struct msg_network *network = (const struct msg_network *)(const void *)networks->row;

	for (size_t i = 0; i < networks->count; i++)
		if (network[i].index == index)
			return &network[i];
	return NULL;
}

/* ---- status ---- */

static void
show_server(struct output *o, const struct rows *servers)
{
	const struct msg_server_state *s = (const struct msg_server_state *)(const void *)servers->row;

	output_object(o, "server");
	if (servers->count > 0) {
		output_time(o, "started", s->started);
		output_number(o, "generation", s->generation);
		output_text(o, "nfsd", s->nfsd ? "running" : "not running");
		output_number(o, "exports", s->exports);
		output_text(o, "fault", s->text[0] == '\0' ? NULL : s->text);
	}
	output_close(o);
}

static void
show_counts(struct output *o, const struct rows *clients, const struct rows *sightings)
{
	const struct msg_ctl_client *c = (const struct msg_ctl_client *)(const void *)clients->row;
	unsigned phases[CLIENT_FAILED + 1] = { 0 }, mounted = 0;

	for (size_t i = 0; i < clients->count; i++) {
		if (c[i].state.phase <= CLIENT_FAILED)
			phases[c[i].state.phase]++;
		mounted += c[i].step == STEP_MOUNTED;
	}
	output_object(o, "counts");
	output_number(o, "clients", clients->count);
	for (uint32_t phase = CLIENT_WAITING; phase <= CLIENT_FAILED; phase++)
		output_number(o, word_phase(phase), phases[phase]);
	output_number(o, "mounted", mounted);
	output_number(o, "sightings", sightings->count);
	output_close(o);
}

/* What is promised to clients, and what there is. */
static void
show_disk(struct output *o, const struct rows *clients)
{
	const struct msg_ctl_client *c = (const struct msg_ctl_client *)(const void *)clients->row;
	struct config *config = config_load(PATH_CONFIG, NULL, NULL, 0);
	uint64_t promised = 0;
	struct space space;

	for (size_t i = 0; i < clients->count; i++)
		promised += c[i].state.quota;
	output_object(o, "disk");
	output_bytes(o, "promised", promised);
	output_bytes(o, "taken", space_of_clients());
	if (space_of_disk(config == NULL ? 0 : config->low_water, &space)) {
		output_bytes(o, "size", space.size);
		output_bytes(o, "free", space.free);
		output_bytes(o, "low_water", space.low_water);
	}
	output_close(o);
	config_free(config);
}

static void
show_processes(struct output *o, const struct rows *processes, const struct rows *networks)
{
	const struct msg_process_state *p = (const struct msg_process_state *)(const void *)processes->row;

	output_list(o, "processes");
	for (size_t i = 0; i < processes->count; i++) {
		const struct msg_network *network =
		    p[i].role == ROLE_BROKER ? NULL : network_of(networks, p[i].network);

		output_row(o);
		output_text(o, "process", ipc_role(p[i].role));
		output_text(o, "network", network == NULL ? NULL : network->name);
		output_text(o, "state", word_process(p[i].phase));
		output_number(o, "pid", p[i].pid);
		output_number(o, "restarts", p[i].restarts);
	}
	output_close(o);
}

int
ctl_status(int argc, char **argv, bool json)
{
	struct rows rows[] = ROWS_OF_EVERYTHING;
	struct rows again[] = { { .type = MSG_CTL_CLIENT, .size = sizeof(struct msg_ctl_client) },
		{ .type = MSG_NONE } };
	struct output *o;
	bool good;

	if (argc > 1)
		return usage_error("\"%s\" is too much", argv[1]);
	/* The networks come with the clients once more: they are kept from one answer only. */
	if (!ask(CTL_STATUS, rows) || !ask(CTL_CLIENTS, again) || !ask(CTL_SIGHTINGS, rows))
		return EXIT_FAILED;
	o = output_new(stdout, json);
	output_object(o, NULL);
	show_server(o, &rows[SERVER]);
	show_counts(o, &again[0], &rows[SIGHTING]);
	show_disk(o, &again[0]);
	show_processes(o, &rows[PROCESS], &rows[NETWORK]);
	output_close(o);
	good = output_end(o);
	rows_free(rows);
	rows_free(again);
	return good ? EXIT_OK : EXIT_FAILED;
}

/* ---- network list ---- */

static void
show_network(struct output *o, const struct msg_network *n)
{
	char text[ADDRESS_TEXT];

	output_row(o);
	output_text(o, "name", n->name);
	output_text(o, "interface", n->interface);
	output_text(o, "server", address_text(n->server, text));
	output_number(o, "prefix", n->prefix);
	output_text(o, "gateway", n->gateway == 0 ? NULL : address_text(n->gateway, text));
	output_text(o, "dhcp", word_dhcp(n->dhcp));
	output_text(o, "unknown", word_unknown(n->unknown));
}

int
network_list(int argc, char **argv, bool json)
{
	struct rows rows[] = ROWS_OF_EVERYTHING;
	struct output *o;
	bool good;

	if (argc > 1)
		return usage_error("\"%s\" is too much", argv[1]);
	if (!ask(CTL_STATUS, rows))
		return EXIT_FAILED;
	o = output_new(stdout, json);
	output_list(o, NULL);
	for (size_t i = 0; i < rows[NETWORK].count; i++)
		show_network(o, &((const struct msg_network *)(const void *)rows[NETWORK].row)[i]);
	good = output_end(o);
	rows_free(rows);
	return good ? EXIT_OK : EXIT_FAILED;
}

/* ---- reload ---- */

int
ctl_reload(int argc, char **argv, bool json)
{
	struct request r = { .verb = CTL_RELOAD };
	struct output *o;

	if (argc > 1)
		return usage_error("\"%s\" is too much", argv[1]);
	if (!request_or_complain(&r))
		return EXIT_FAILED;
	if (!json) {
		printf("reloaded: %s\n", r.text);
		return EXIT_OK;
	}
	o = output_new(stdout, json);
	output_object(o, NULL);
	output_text(o, "reloaded", r.text);
	return output_end(o) ? EXIT_OK : EXIT_FAILED;
}
