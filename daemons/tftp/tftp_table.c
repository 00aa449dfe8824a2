/* SPDX-License-Identifier: ISC */
/*
 * See tftp_table.h. One hash over the address alone serves for finding, counting and replacing: a chain holds at most
 * TFTP_PER_CLIENT transfers of each client in it. The heap is lazy: a deadline that moves on, as each packet makes it, leaves
 * the heap as it is.
 */
#include "tftp_table.h"

#include <string.h>

#define NONE UINT16_MAX

static uint32_t
hash(const struct tftp_table *table, uint32_t address)
{
	uint32_t h = (address ^ table->seed) * UINT32_C(0x9e3779b1);

	h = (h ^ h >> 15 ^ table->seed) * UINT32_C(0x85ebca6b);
	return h ^ h >> 13;
}

static uint16_t *
bucket_of(struct tftp_table *table, uint32_t address)
{
	return &table->bucket[hash(table, address) % TFTP_TRANSFERS];
}

static uint16_t
slot_of(const struct tftp_table *table, const struct tftp_transfer *t)
{
	return (uint16_t)(t - table->transfer);
}

void
tftp_table_init(struct tftp_table *table, uint32_t seed, unsigned sockets)
{
	unsigned i;

	memset(table, 0, sizeof(*table));
	table->seed = seed;
	table->sockets = (uint8_t)sockets;
	for (i = 0; i < TFTP_TRANSFERS; i++) {
		table->bucket[i] = NONE;
		table->transfer[i].id = i;
		table->transfer[i].fd = -1;
		table->transfer[i].next = i + 1 < TFTP_TRANSFERS ? (uint16_t)(i + 1) : NONE;
	}
}

/* ---- finding ---- */

struct tftp_transfer *
tftp_table_find(struct tftp_table *table, uint32_t address, uint16_t port)
{
	struct tftp_transfer *t;
	uint16_t slot;

	for (slot = *bucket_of(table, address); slot != NONE; slot = t->next) {
		t = &table->transfer[slot];
		if (t->address == address && t->port == port)
			return t;
	}
	return NULL;
}

struct tftp_transfer *
tftp_table_waiting(struct tftp_table *table, uint32_t id)
{
	struct tftp_transfer *t = &table->transfer[id % TFTP_TRANSFERS];

	return t->state == TFTP_WAITING && t->id == id ? t : NULL;
}

unsigned
tftp_table_of(struct tftp_table *table, uint32_t address, struct tftp_transfer **oldest)
{
	struct tftp_transfer *t;
	unsigned count = 0;
	uint16_t slot;

	*oldest = NULL;
	for (slot = *bucket_of(table, address); slot != NONE; slot = t->next) {
		t = &table->transfer[slot];
		if (t->address != address)
			continue;
		count++;
		if (tftp_transfer_is_lingering(t) && (*oldest == NULL || t->sent_at < (*oldest)->sent_at))
			*oldest = t;
	}
	return count;
}

/* ---- the heap: the earliest queued time on top ---- */

static void
place(struct tftp_table *table, unsigned at, uint16_t slot)
{
	table->heap[at] = slot;
	table->transfer[slot].heap = (uint16_t)at;
}

static uint64_t
queued(const struct tftp_table *table, unsigned at)
{
	return table->transfer[table->heap[at]].queued;
}

static void
sift_up(struct tftp_table *table, unsigned at)
{
	uint16_t slot = table->heap[at];

	for (; at > 0 && queued(table, (at - 1) / 2) > table->transfer[slot].queued; at = (at - 1) / 2)
		place(table, at, table->heap[(at - 1) / 2]);
	place(table, at, slot);
}

static void
sift_down(struct tftp_table *table, unsigned at)
{
	uint16_t slot = table->heap[at];
	unsigned child;

	while ((child = 2 * at + 1) < table->count) {
		if (child + 1 < table->count && queued(table, child + 1) < queued(table, child))
			child++;
		if (queued(table, child) >= table->transfer[slot].queued)
			break;
		place(table, at, table->heap[child]);
		at = child;
	}
	place(table, at, slot);
}

static void
heap_remove(struct tftp_table *table, unsigned at)
{
	uint16_t moved = table->heap[--table->count];

	if (at == table->count)
		return;
	place(table, at, moved);
	sift_up(table, at);
	sift_down(table, table->transfer[moved].heap);
}

void
tftp_table_schedule(struct tftp_table *table, struct tftp_transfer *t)
{
	if (t->deadline >= t->queued)
		return;
	t->queued = t->deadline;
	sift_up(table, t->heap);
}

struct tftp_transfer *
tftp_table_due(struct tftp_table *table, uint64_t now)
{
	struct tftp_transfer *t;

	while (table->count > 0) {
		t = &table->transfer[table->heap[0]];
		if (t->queued > now)
			return NULL;
		if (t->deadline <= now)
			return t;
		t->queued = t->deadline;
		sift_down(table, 0);
	}
	return NULL;
}

uint64_t
tftp_table_next(const struct tftp_table *table)
{
	return table->count == 0 ? UINT64_MAX : queued(table, 0);
}

/* ---- coming and going ---- */

static uint8_t
next_socket(struct tftp_table *table, uint32_t address)
{
	struct tftp_client *client = tftp_table_client(table, address);
	uint8_t *next = client != NULL ? &client->socket : &table->socket;

	*next = (uint8_t)((*next + 1) % table->sockets);
	return *next;
}

struct tftp_transfer *
tftp_table_add(struct tftp_table *table, uint32_t address, uint16_t port)
{
	struct tftp_transfer *t, *oldest;
	uint16_t slot = table->free, *bucket = bucket_of(table, address);
	bool stranger = tftp_table_client(table, address) == NULL;
	uint32_t id;

	if (slot == NONE || (stranger && table->strangers >= TFTP_STRANGERS) ||
	    tftp_table_of(table, address, &oldest) >= TFTP_PER_CLIENT)
		return NULL;
	t = &table->transfer[slot];
	table->free = t->next;
	id = t->id + TFTP_TRANSFERS; /* another generation: answers to the slot's earlier questions miss */
	memset(t, 0, sizeof(*t));
	t->id = id;
	t->fd = -1;
	t->address = address;
	t->port = port;
	t->socket = next_socket(table, address);
	t->stranger = stranger;
	table->strangers += stranger;
	t->next = *bucket;
	*bucket = slot;
	t->deadline = t->queued = UINT64_MAX;
	place(table, table->count++, slot);
	return t;
}

static void
unchain(struct tftp_table *table, struct tftp_transfer *t)
{
	uint16_t *link = bucket_of(table, t->address), slot = slot_of(table, t);

	while (*link != slot)
		link = &table->transfer[*link].next;
	*link = t->next;
}

void
tftp_table_remove(struct tftp_table *table, struct tftp_transfer *t, uint64_t now)
{
	struct tftp_client *client = tftp_table_client(table, t->address);

	if (client != NULL && t->state != TFTP_WAITING) {
		client->port = t->port;
		client->ended = now;
	}
	table->strangers -= t->stranger;
	heap_remove(table, t->heap);
	unchain(table, t);
	t->state = TFTP_FREE;
	t->next = table->free;
	table->free = slot_of(table, t);
}

/* ---- clients ---- */

static struct tftp_client *
place_of(struct tftp_table *table, uint32_t address)
{
	return &table->client[hash(table, address) % TFTP_CLIENTS];
}

struct tftp_client *
tftp_table_client(struct tftp_table *table, uint32_t address)
{
	struct tftp_client *client = place_of(table, address);

	return client->address == address && address != 0 ? client : NULL;
}

void
tftp_table_remember(struct tftp_table *table, struct tftp_transfer *t)
{
	struct tftp_client *client = place_of(table, t->address);

	table->strangers -= t->stranger;
	t->stranger = false;
	if (client->address == t->address)
		return;
	memset(client, 0, sizeof(*client));
	client->address = t->address;
	client->socket = t->socket;
}

void
tftp_table_forget(struct tftp_table *table, uint32_t address)
{
	struct tftp_client *client = tftp_table_client(table, address);

	if (client != NULL)
		memset(client, 0, sizeof(*client));
}
