/* SPDX-License-Identifier: ISC */
/*
 * Duty: holds one generation of networks and clients, finds a client by what it shows, and decides with policy/access.h on each
 * read. Runs as part of diskless-broker. Must never keep a request, nor decide by a rule that is not in access.c.
 */
#include "bindings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

#define SERIAL_DIGITS 8

/* ---- keys ---- */

static uint64_t
key_of_number(uint32_t network, uint32_t number)
{
	return (uint64_t)network << 32 | number;
}

static uint64_t
key_of_mac(uint32_t network, const uint8_t mac[static MAC_SIZE])
{
	uint64_t key = network;

	for (int i = 0; i < MAC_SIZE; i++)
		key = key << 8 | mac[i];
	return key;
}

static int
compare(const void *a, const void *b)
{
	const struct binding *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static const struct msg_client *
find(const struct bindings *b, const struct binding *index, size_t count, uint64_t key)
{
	struct binding wanted = { .key = key };
	const struct binding *found = count == 0 ? NULL : bsearch(&wanted, index, count, sizeof(*index), compare);

	return found == NULL ? NULL : &b->clients[found->client];
}

/* ---- a generation arrives ---- */

struct bindings *
bindings_begin(const struct msg_config_begin *begin, const char **why)
{
	struct bindings *b;

	*why = "more networks or clients than there may be";
	if (begin->networks > BINDINGS_NETWORKS_MAX || begin->clients > BINDINGS_CLIENTS_MAX)
		return NULL;
	*why = "no memory for a configuration";
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return NULL;
	b->generation = begin->generation;
	b->announced = *begin;
	b->networks = calloc(begin->networks + 1, sizeof(*b->networks));
	b->clients = calloc(begin->clients + 1, sizeof(*b->clients));
	b->by_address = calloc(begin->clients + 1, sizeof(*b->by_address));
	b->by_mac = calloc(begin->clients + 1, sizeof(*b->by_mac));
	b->by_serial = calloc(begin->clients + 1, sizeof(*b->by_serial));
	if (b->networks != NULL && b->clients != NULL && b->by_address != NULL && b->by_mac != NULL &&
	    b->by_serial != NULL)
		return b;
	bindings_free(b);
	return NULL;
}

bool
bindings_network(struct bindings *b, const struct msg_network *network, const char **why)
{
	*why = "a network out of its place";
	if (b->view.network_count == b->announced.networks || network->index != b->view.network_count)
		return false;
	b->networks[b->view.network_count++] = *network;
	return true;
}

bool
bindings_client(struct bindings *b, const struct msg_client *client, const char **why)
{
	size_t i = b->view.client_count;

	*why = "a client out of its place";
	if (i == b->announced.clients || client->index != i || client->generation != b->generation ||
	    client->network >= b->view.network_count)
		return false;
	b->clients[i] = *client;
	b->by_address[i] = (struct binding){ key_of_number(client->network, client->address), client->index };
	b->by_mac[i] = (struct binding){ key_of_mac(client->network, client->mac), client->index };
	if (client->has_serial)
		b->by_serial[b->serials++] =
		    (struct binding){ key_of_number(client->network, client->serial), client->index };
	b->view.client_count++;
	return true;
}

bool
bindings_end(struct bindings *b, const struct msg_config_end *end, const char **why)
{
	*why = "a configuration that is not whole";
	if (end->generation != b->generation || b->view.network_count != b->announced.networks ||
	    b->view.client_count != b->announced.clients)
		return false;
	qsort(b->by_address, b->view.client_count, sizeof(*b->by_address), compare);
	qsort(b->by_mac, b->view.client_count, sizeof(*b->by_mac), compare);
	qsort(b->by_serial, b->serials, sizeof(*b->by_serial), compare);
	b->view.networks = b->networks;
	b->view.clients = b->clients;
	return true;
}

void
bindings_free(struct bindings *b)
{
	if (b == NULL)
		return;
	free(b->networks);
	free(b->clients);
	free(b->by_address);
	free(b->by_mac);
	free(b->by_serial);
	free(b);
}

/* ---- looking up ---- */

const struct msg_client *
bindings_at(const struct bindings *b, uint32_t network, uint32_t address)
{
	return find(b, b->by_address, b->view.client_count, key_of_number(network, address));
}

const struct msg_client *
bindings_by_mac(const struct bindings *b, uint32_t network, const uint8_t mac[static MAC_SIZE])
{
	return find(b, b->by_mac, b->view.client_count, key_of_mac(network, mac));
}

const struct msg_client *
bindings_named(const struct bindings *b, uint32_t network, const char *path)
{
	char first[MAC_TEXT];
	uint8_t mac[MAC_SIZE];
	size_t length;

	path += strspn(path, "/");
	length = strcspn(path, "/");
	if (length >= sizeof(first))
		return NULL;
	memcpy(first, path, length);
	first[length] = '\0';
	if (length == SERIAL_DIGITS && strspn(first, "0123456789abcdefABCDEF") == length)
		return find(b, b->by_serial, b->serials, key_of_number(network, (uint32_t)strtoul(first, NULL, 16)));
	return mac_parse(first, mac) ? bindings_by_mac(b, network, mac) : NULL;
}

const struct msg_client *
bindings_client_of(const struct bindings *b, uint32_t client, uint32_t generation)
{
	return generation == b->generation && client < b->view.client_count ? &b->clients[client] : NULL;
}

/* ---- deciding ---- */

/* What a stranger is told: nothing. What a client is told: no, and why. */
static const enum refusal refusals[] = {
	[ACCESS_NO_CLIENT] = REFUSE_SILENTLY,
	[ACCESS_WRONG_MAC] = REFUSE_SILENTLY,
	[ACCESS_FOREIGN] = REFUSE_ACCESS,
	[ACCESS_BAD_PATH] = REFUSE_ACCESS,
	[ACCESS_NOT_SERVED] = REFUSE_ACCESS,
};

void
bindings_refuse(enum access_verdict verdict, uint32_t id, struct msg_refuse *refuse)
{
	memset(refuse, 0, sizeof(*refuse));
	refuse->id = id;
	refuse->why = refusals[verdict];
	snprintf(refuse->text, sizeof(refuse->text), "%s", access_text(verdict));
}

void
bindings_decide(const struct bindings *b, const struct msg_neighbour *neighbour, struct decision *decision)
{
	const struct msg_read *read = &neighbour->read;
	const uint8_t *mac = neighbour->found ? neighbour->mac : NULL;
	const struct msg_client *client = bindings_at(b, read->network, read->address);
	/* access_read() walks its clients: it gets the only one that can matter. */
	struct access_view view = { b->view.networks, b->view.network_count, client, client == NULL ? 0 : 1 };

	memset(decision, 0, sizeof(*decision));
	decision->verdict =
	    access_read(&view, read->network, read->address, mac, read->path, &decision->client, decision->open.rest);
	decision->grant = decision->verdict == ACCESS_GRANTED;
	if (!decision->grant) {
		bindings_refuse(decision->verdict, read->id, &decision->refuse);
		return;
	}
	decision->open.read = *read;
	decision->open.client = decision->client->index;
	decision->open.generation = b->generation;
	memcpy(decision->open.mac, neighbour->mac, MAC_SIZE);
}
