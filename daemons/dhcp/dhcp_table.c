/* SPDX-License-Identifier: ISC */
/* Duty: the clients of the network, found by MAC. Runs as part of diskless-dhcp; must never do I/O. See dhcp_table.h. */
#include "dhcp_table.h"

#include <stdlib.h>
#include <string.h>

#define CLIENTS_FIRST 64

struct dhcp_table *
dhcp_table_new(const struct msg_network *network)
{
	struct dhcp_table *table = calloc(1, sizeof(*table));

	if (table != NULL)
		table->network = *network;
	return table;
}

void
dhcp_table_free(struct dhcp_table *table)
{
	if (table == NULL)
		return;
	free(table->client);
	free(table);
}

static bool
table_grow(struct dhcp_table *table)
{
	size_t size = table->size == 0 ? CLIENTS_FIRST : 2 * table->size;
	struct dhcp_client *client = reallocarray(table->client, size, sizeof(*client));

	if (client == NULL)
		return false;
	table->client = client;
	table->size = size;
	return true;
}

bool
dhcp_table_add(struct dhcp_table *table, const struct msg_client *row)
{
	struct dhcp_client *client;

	if (row->network != table->network.index)
		return true;
	if (table->count == DHCP_CLIENTS_MAX || (table->count == table->size && !table_grow(table)))
		return false;
	client = &table->client[table->count++];
	memset(client, 0, sizeof(*client));
	memcpy(client->mac, row->mac, MAC_SIZE);
	client->boot = (uint8_t)row->boot;
	client->pi = row->has_serial != 0;
	client->address = row->address;
	memcpy(client->name, row->name, sizeof(client->name));
	return true;
}

static int
compare_mac(const void *a, const void *b)
{
	const struct dhcp_client *left = a, *right = b;

	return memcmp(left->mac, right->mac, MAC_SIZE);
}

void
dhcp_table_seal(struct dhcp_table *table)
{
	/* In place: glibc's qsort() asks the kernel for the size of memory, which the jail does not allow. */
	if (table->count > 1)
		heapsort(table->client, table->count, sizeof(*table->client), compare_mac);
}

struct dhcp_client *
dhcp_table_find(const struct dhcp_table *table, const uint8_t mac[static MAC_SIZE])
{
	static struct dhcp_client key; /* only its mac is looked at; not cleared for each packet */

	if (table->count == 0)
		return NULL;
	memcpy(key.mac, mac, MAC_SIZE);
	return bsearch(&key, table->client, table->count, sizeof(key), compare_mac);
}
