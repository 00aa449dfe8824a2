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
#include "config.h"
#include "manifest.h"
#include "output.h"
#include "paths.h"
#include "request.h"

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

int
client_list(int argc, char **argv, bool json)
{
	struct answer a = { 0 };
	struct output *o;
	bool good;

	if (argc > 1)
		return usage_error("\"%s\" is too much", argv[1]);
	if (!ask(&a, NULL))
		return EXIT_FAILED;
	o = output_new(stdout, json);
	output_list(o, NULL);
	for (size_t i = 0; i < a.client_count; i++)
		row_client(o, &a.clients[i], network_name(&a, a.clients[i].client.network),
		    image_name(&a, a.clients[i].client.name));
	good = output_end(o);
	forget(&a);
	return good ? EXIT_OK : EXIT_FAILED;
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
	output_text(o, "boot", word_step(c->step));
	output_time(o, "last_seen", c->last_seen);
	output_text(o, "fault", c->state.text[0] == '\0' ? NULL : c->state.text);
}

int
client_show(int argc, char **argv, bool json)
{
	struct answer a = { 0 };
	struct output *o;
	bool good;

	if (argc != 2)
		return usage_error(argc < 2 ? "a client's name is missing" : "one client at a time");
	if (!ask(&a, argv[1]))
		return EXIT_FAILED;
	o = output_new(stdout, json);
	output_object(o, NULL);
	if (a.client_count > 0) {
		show_identity(o, &a.clients[0].client, network_name(&a, a.clients[0].client.network));
		show_root(o, &a.clients[0], image_name(&a, a.clients[0].client.name));
	}
	good = output_end(o);
	forget(&a);
	return good ? EXIT_OK : EXIT_FAILED;
}
