/* SPDX-License-Identifier: ISC */
/*
 * Duty: `client list` and `client show`. Runs as part of disklessctl, as its caller. Holds nothing; what the server does not tell (a client's
 * image) comes from the configuration and the manifest, where the caller may read them.
 */
#include "disklessctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "client_files.h"
#include "config.h"
#include "log.h"
#include "manifest.h"
#include "output.h"
#include "paths.h"
#include "request.h"
#include "space.h"

struct answer {
	struct rows rows[3];
	const struct msg_network *networks;
	size_t network_count;
	const struct msg_ctl_client *clients;
	size_t client_count;
	struct config *config; /* or NULL */
};

static bool
ask(struct answer *a, const char *name)
{
	struct request r = { .verb = CTL_CLIENTS, .name = name, .row = rows_keep, .argument = a->rows };
	char errors[1024];

	*a = (struct answer){ .rows = { { .type = MSG_CTL_NETWORK, .size = sizeof(struct msg_network) },
				  { .type = MSG_CTL_CLIENT, .size = sizeof(struct msg_ctl_client) },
				  { .type = MSG_NONE } } };
	if (!request_or_complain(&r))
		return false;
	a->networks = (const struct msg_network *)(const void *)a->rows[0].row;
	a->network_count = a->rows[0].count;
	a->clients = (const struct msg_ctl_client *)(const void *)a->rows[1].row;
	a->client_count = a->rows[1].count;
	a->config = config_load(PATH_CONFIG, NULL, errors, sizeof(errors));
	return true;
}

static void
forget(struct answer *a)
{
	rows_free(a->rows);
	config_free(a->config);
}

static const char *
network_name(const struct answer *a, uint32_t index)
{
	for (size_t i = 0; i < a->network_count; i++)
		if (a->networks[i].index == index)
			return a->networks[i].name;
	return NULL;
}

static const char *
image_name(const struct answer *a, const char *client)
{
	for (size_t i = 0; a->config != NULL && i < a->config->client_count; i++)
		if (strcmp(a->config->client[i].name, client) == 0 && a->config->client[i].image != NULL)
			return a->config->client[i].image->name;
	return NULL;
}

/* ---- client list ---- */

void
row_client(struct output *o, const struct msg_ctl_client *c, const char *network, const char *image)
{
	char address[ADDRESS_TEXT], mac[MAC_TEXT];

	output_row(o);
	output_text(o, "name", c->client.name);
	output_text(o, "network", network);
	output_text(o, "address", address_text(c->client.address, address));
	output_text(o, "mac", mac_text(c->client.mac, mac));
	output_text(o, "image", image);
	output_text(o, "phase", word_phase(c->state.phase));
	output_bytes(o, "used", c->state.used);
	output_bytes(o, "quota", c->state.quota);
	output_text(o, "boot", word_step(c->step));
	output_time(o, "last_seen", c->last_seen);
	output_text(o, "fault", c->state.text[0] == '\0' ? NULL : c->state.text);
}

static const struct msg_ctl_client *
client_of(const struct answer *a, const char *name)
{
	for (size_t i = 0; i < a->client_count; i++)
		if (strcmp(a->clients[i].client.name, name) == 0)
			return &a->clients[i];
	log_errx("there is no client \"%s\"", name);
	return NULL;
}

static void
list_one(struct output *o, const struct answer *a, const struct msg_ctl_client *c)
{
	row_client(o, c, network_name(a, c->client.network), image_name(a, c->client.name));
}

static int
list(const struct names *names, bool json)
{
	struct answer a = { 0 };
	struct output *o;
	bool good = true;

	if (!ask(&a, NULL))
		return EXIT_FAILED;
	o = output_new(stdout, json);
	output_list(o, NULL);
	for (size_t i = 0; names->count == 0 && i < a.client_count; i++)
		list_one(o, &a, &a.clients[i]);
	for (size_t i = 0; i < names->count; i++) {
		const struct msg_ctl_client *c = client_of(&a, names->name[i]);

		good = good && c != NULL;
		if (c != NULL)
			list_one(o, &a, c);
	}
	good = output_end(o) && good;
	forget(&a);
	return good ? EXIT_OK : EXIT_FAILED;
}

int
client_list(int argc, char **argv, bool json)
{
	struct names names = { 0 };
	int status = EXIT_USAGE;

	if (argc == 1 || clients_named(&names, argc - 1, argv + 1))
		status = list(&names, json);
	names_free(&names);
	return status;
}

/* ---- client show ---- */

static void
show_identity(struct output *o, const struct msg_client *c, const char *network)
{
	char address[ADDRESS_TEXT], mac[MAC_TEXT], serial[16];

	snprintf(serial, sizeof(serial), "%08" PRIx32, c->serial);
	output_text(o, "name", c->name);
	output_text(o, "network", network);
	output_text(o, "address", address_text(c->address, address));
	output_text(o, "mac", mac_text(c->mac, mac));
	output_text(o, "serial", c->has_serial ? serial : NULL);
	output_text(o, "boot_from", c->boot == BOOT_SD ? "sd" : "network");
	output_text(o, "root", c->root == ROOT_LOCAL ? "local" : "nfs");
}

static void
show_root(struct output *o, const struct msg_ctl_client *c, const char *image)
{
	struct client_manifest manifest;
	char why[TEXT_SIZE], path[sizeof(PATH_ROOTS) + NAME_SIZE];

	output_text(o, "image", image);
	if (client_manifest_read(c->client.name, &manifest, why, sizeof(why)) == 0)
		output_number(o, "image_version", manifest.version);
	snprintf(path, sizeof(path), "%s/%s", PATH_ROOTS, c->client.name);
	output_text(o, "path", path);
	output_text(o, "phase", word_phase(c->state.phase));
	output_number(o, "fsid", c->state.fsid);
	output_bytes(o, "used", c->state.used);
	output_bytes(o, "quota", c->state.quota);
	output_bytes(o, "disk", space_of_client(c->client.name));
	output_text(o, "boot", word_step(c->step));
	output_time(o, "last_seen", c->last_seen);
	output_text(o, "fault", c->state.text[0] == '\0' ? NULL : c->state.text);
}

static void
show_one(struct output *o, const struct answer *a, const struct msg_ctl_client *c)
{
	show_identity(o, &c->client, network_name(a, c->client.network));
	show_root(o, c, image_name(a, c->client.name));
}

static void
row_generation(struct output *o, const char *client, uint32_t generation, uint32_t in_force)
{
	struct client_manifest m;
	char why[TEXT_SIZE];
	bool snapshot;

	if (client_generation_read(client, generation, &m, why, sizeof(why)) == -1)
		return;
	snapshot = strcmp(m.label, "-") != 0;
	output_row(o);
	output_number(o, "generation", generation);
	output_text(o, "state", generation == in_force ? "in force" : snapshot ? "snapshot" : "earlier");
	output_text(o, "name", snapshot ? m.label : NULL);
	output_text(o, "image", m.image);
	output_number(o, "version", m.version);
	output_text(o, "made", m.made);
	output_bytes(o, "quota", m.quota);
	output_bytes(o, "disk", space_of_generation(client, generation));
}

/* Only root can see them. */
static void
show_generations(struct output *o, const char *client)
{
	uint32_t all[GENERATIONS_MAX];
	struct client_manifest m;
	char why[TEXT_SIZE];
	size_t count;

	if (client_manifest_read(client, &m, why, sizeof(why)) == -1)
		return;
	output_list(o, "generations");
	count = client_kept(&m, all);
	for (size_t i = 0; i < count; i++)
		row_generation(o, client, all[i], m.generation);
	row_generation(o, client, m.generation, m.generation);
	output_close(o);
}

/* For people each as a table of its own; JSON of several is a list. */
static bool
show_all(const struct answer *a, const struct names *names, bool json)
{
	struct output *rows = json && names->count > 1 ? output_new(stdout, true) : NULL;
	bool good = true;

	if (rows != NULL)
		output_list(rows, NULL);
	for (size_t i = 0; i < names->count; i++) {
		const struct msg_ctl_client *c = client_of(a, names->name[i]);
		struct output *o = rows;

		good = good && c != NULL;
		if (c == NULL)
			continue;
		if (rows != NULL) {
			output_row(rows);
		} else {
			if (i > 0)
				putchar('\n');
			o = output_new(stdout, json);
			output_object(o, NULL);
		}
		show_one(o, a, c);
		if (rows == NULL)
			show_generations(o, c->client.name);
		good = (rows != NULL || output_end(o)) && good;
	}
	return (rows == NULL || output_end(rows)) && good;
}

static int
show(const struct names *names, bool json)
{
	struct answer a = { 0 };
	int status = EXIT_FAILED;

	if (!ask(&a, names->count == 1 ? names->name[0] : NULL))
		return EXIT_FAILED;
	if (show_all(&a, names, json))
		status = EXIT_OK;
	forget(&a);
	return status;
}

int
client_show(int argc, char **argv, bool json)
{
	struct names names = { 0 };
	int status = EXIT_USAGE;

	if (clients_named(&names, argc - 1, argv + 1))
		status = show(&names, json);
	names_free(&names);
	return status;
}
