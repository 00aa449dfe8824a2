/* SPDX-License-Identifier: ISC */
/*
 * Duty: decides on each request whether it is a board that boots, whose it is, and how it wants to be answered. Runs as part of
 * diskless-dhcp. Holds the table of clients, the answers that wait and the limits of reports; must never do I/O.
 */
#include "dhcp_offer.h"

#include <stdlib.h>
#include <string.h>

/*
 * The ROM of the first network-booting boards, and the bootcode.bin that it loads, use one transaction id on every board; the ROM asks
 * for 12 parameters, all later stages for 14; a 3B has a machine id of sixteen 0x44.
 */
#define ROM_XID        0x26f30339
#define ROM_PARAMETERS 12
#define ROM_NO_SERIAL  0x44444444

#define CLIENTS_FIRST 64

/* That ROM locks up when it has its answers within 2 s of asking, and misses them unless another broadcast follows. */
#define ROM_DELAY_MS 1500
static const struct manner {
	uint32_t delay;
	bool arp;
} manners[] = {
	[BOARD_OTHER] = { 0, false },
	[BOARD_PI3] = { ROM_DELAY_MS, true },
	[BOARD_PI4] = { 0, false },
	[BOARD_PI5] = { 0, false },
};

enum situation { NO_BOOT, CLIENT, CLIENT_NOT_SERVED, STRANGER, STRANGER_ANSWERED };
static const struct action {
	uint32_t verdict;
	bool offer;
} actions[] = {
	[NO_BOOT] = { 0, false },
	[CLIENT] = { SEEN_OFFERED, true },
	[CLIENT_NOT_SERVED] = { SEEN_NOT_SERVED, false },
	[STRANGER] = { SEEN_UNKNOWN, false },
	[STRANGER_ANSWERED] = { SEEN_UNKNOWN, true },
};

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

static struct dhcp_client *
table_find(const struct dhcp_table *table, const uint8_t *mac)
{
	struct dhcp_client key = { 0 };

	if (table->count == 0)
		return NULL;
	memcpy(key.mac, mac, MAC_SIZE);
	return bsearch(&key, table->client, table->count, sizeof(key), compare_mac);
}

static uint32_t
little32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* "RPi4", or "4iPR" as some firmware has it. 0: neither. */
static char
fourcc_digit(const uint8_t *p)
{
	if (memcmp(p, "RPi", 3) == 0)
		return (char)p[3];
	if (memcmp(p + 1, "iPR", 3) == 0)
		return (char)p[0];
	return 0;
}

static enum board_model
model_of(char digit)
{
	switch (digit) {
	case '3':
		return BOARD_PI3;
	case '4':
		return BOARD_PI4;
	case '5':
		return BOARD_PI5;
	default:
		return BOARD_OTHER;
	}
}

/* The older machine id: the serial, four times. All zeros and all ones are what PCs without an id send. */
static void
identify_by_serial(const struct dhcp_request *request, const uint8_t *id, struct dhcp_board *board)
{
	uint32_t serial = little32(id);

	if (memcmp(id, id + 4, 12) != 0 || serial == 0 || serial == UINT32_MAX)
		return;
	board->pi = true;
	if (serial == ROM_NO_SERIAL || request->parameters == ROM_PARAMETERS || request->xid == ROM_XID)
		board->model = BOARD_PI3;
	if (serial != ROM_NO_SERIAL) {
		board->has_serial = true;
		board->serial = serial;
	}
}

void
dhcp_identify(const struct dhcp_request *request, struct dhcp_board *board)
{
	const uint8_t *id = request->machine_id + 1;
	char digit;

	memset(board, 0, sizeof(*board));
	if (!request->has_machine_id || request->machine_id[0] != 0)
		return;
	digit = fourcc_digit(id);
	if (digit == 0) {
		identify_by_serial(request, id, board);
		return;
	}
	board->pi = true;
	board->model = model_of(digit);
	board->revision = little32(id + 4);
	board->serial = little32(id + 12);
	board->has_serial = board->serial != 0;
}

/* Firmware that boots. What comes later from the same board, its kernel's and userland's DHCP, has another class or none. */
static bool
is_boot(const struct dhcp_request *request)
{
	static const char pxe[] = "PXEClient";

	return request->type == DHCP_TYPE_DISCOVER && request->giaddr == 0 && request->vendor_length >= strlen(pxe) &&
	       memcmp(request->vendor, pxe, strlen(pxe)) == 0;
}

static enum situation
situation(const struct dhcp_table *table, const struct dhcp_request *request, const struct dhcp_decision *decision)
{
	bool proxy = table->network.dhcp == DHCP_PROXY;

	if (!is_boot(request))
		return NO_BOOT;
	if (decision->client == NULL)
		return proxy && decision->board.pi && table->network.unknown == UNKNOWN_ANSWER ? STRANGER_ANSWERED
											       : STRANGER;
	if (!proxy || decision->client->boot != BOOT_NETWORK)
		return CLIENT_NOT_SERVED;
	/* A board that hides what it is, as its owner may tell it to; but every Pi says architecture 0. */
	if (!decision->board.pi && request->arch != 0)
		return CLIENT_NOT_SERVED;
	return CLIENT;
}

void
dhcp_decide(const struct dhcp_table *table, const struct dhcp_request *request, struct dhcp_decision *decision)
{
	const struct action *action;
	const struct manner *manner;

	memset(decision, 0, sizeof(*decision));
	dhcp_identify(request, &decision->board);
	decision->client = table_find(table, request->mac);
	action = &actions[situation(table, request, decision)];
	manner = &manners[decision->board.model];
	decision->verdict = action->verdict;
	decision->offer = action->offer;
	decision->arp = action->offer && manner->arp;
	decision->delay = action->offer ? manner->delay : 0;
}

bool
dhcp_queue_put(struct dhcp_queue *queue, const struct dhcp_waiting *waiting)
{
	struct dhcp_waiting *w;

	for (w = queue->waiting; w < queue->waiting + queue->count; w++) {
		if (memcmp(w->answer.mac, waiting->answer.mac, MAC_SIZE) == 0) {
			w->answer = waiting->answer;
			return true;
		}
	}
	if (queue->count == DHCP_QUEUE_MAX)
		return false;
	queue->waiting[queue->count++] = *waiting;
	return true;
}

static const struct dhcp_waiting *
queue_first(const struct dhcp_queue *queue)
{
	const struct dhcp_waiting *first = queue->waiting;
	size_t i;

	if (queue->count == 0)
		return NULL;
	for (i = 1; i < queue->count; i++) {
		if (queue->waiting[i].due < first->due)
			first = &queue->waiting[i];
	}
	return first;
}

bool
dhcp_queue_take(struct dhcp_queue *queue, uint64_t now, struct dhcp_waiting *waiting)
{
	const struct dhcp_waiting *first = queue_first(queue);

	if (first == NULL || first->due > now)
		return false;
	*waiting = *first;
	queue->waiting[first - queue->waiting] = queue->waiting[--queue->count];
	return true;
}

uint64_t
dhcp_queue_next(const struct dhcp_queue *queue)
{
	const struct dhcp_waiting *first = queue_first(queue);

	return first == NULL ? UINT64_MAX : first->due;
}

/* FNV-1a; the seed makes a group's members hard to guess, no more is needed. */
static size_t
stranger_group(uint32_t seed, const uint8_t *mac)
{
	uint32_t hash = 2166136261u ^ seed;
	size_t i;

	for (i = 0; i < MAC_SIZE; i++)
		hash = (hash ^ mac[i]) * 16777619u;
	return (hash ^ hash >> 16) % DHCP_STRANGERS;
}

bool
dhcp_report(struct dhcp_reports *reports, struct dhcp_client *client, const uint8_t mac[static MAC_SIZE], uint64_t now)
{
	uint64_t *last = client != NULL ? &client->reported : &reports->stranger[stranger_group(reports->seed, mac)];

	if (*last != 0 && now - *last < DHCP_REPORT_MS)
		return false;
	*last = now;
	return true;
}
