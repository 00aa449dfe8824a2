/* SPDX-License-Identifier: ISC */
/*
 * Duty: decides on each request whether it is a machine that boots, whose it is, and how it wants to be answered. Runs as part of
 * diskless-dhcp. Holds the answers that wait and the limits of reports; must never do I/O.
 */
#include "dhcp_offer.h"

#include <string.h>

#include <netinet/in.h>

#include "address.h"
#include "boot_arch.h"

/*
 * The ROM of the first network-booting boards, and the bootcode.bin that it loads, use one transaction id on every board; the ROM asks
 * for 12 parameters, all later stages for 14; a 3B has a machine id of sixteen 0x44.
 */
#define ROM_XID        0x26f30339
#define ROM_PARAMETERS 12
#define ROM_NO_SERIAL  0x44444444

#define FLAG_BROADCAST 0x8000

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

/* What Raspberry Pis are sold with (ltsp's list): only to tell a client that hides its model from a PC. */
static const uint8_t pi_makers[][3] = {
	{ 0x28, 0xcd, 0xc1 },
	{ 0x2c, 0xcf, 0x67 },
	{ 0x88, 0xa2, 0x9e },
	{ 0xb8, 0x27, 0xeb },
	{ 0xd8, 0x3a, 0xdd },
	{ 0xdc, 0xa6, 0x32 },
	{ 0xe4, 0x5f, 0x01 },
};

/* ---- who asks ---- */

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

/* What the sender is at this moment. */
enum stage {
	STAGE_SYSTEM,  /* no firmware: the kernel's and userland's DHCP has another class or none */
	STAGE_PI,      /* firmware of a Raspberry Pi: it knows its files, and looks for a menu */
	STAGE_LOADER,  /* firmware or a loader that wants a first file: arch */
	STAGE_UNKNOWN, /* firmware that we have no file for */
};
struct machine {
	enum stage stage;
	enum boot_arch arch;
};

static bool
is_class(const struct dhcp_request *request, const char *class)
{
	return request->vendor_length >= strlen(class) && memcmp(request->vendor, class, strlen(class)) == 0;
}

static bool
maker_is_pi(const uint8_t *mac)
{
	for (size_t i = 0; i < sizeof(pi_makers) / sizeof(pi_makers[0]); i++)
		if (memcmp(pi_makers[i], mac, sizeof(pi_makers[i])) == 0)
			return true;
	return false;
}

/* Every Pi says architecture 0, as a PC's BIOS does. A client may hide its model; a stranger must show it. */
static bool
is_pi(const struct dhcp_request *request, const struct dhcp_decision *d)
{
	if (request->arch_count > 0 && request->arch[0] != 0)
		return false;
	return d->board.pi || (d->client != NULL && (d->client->pi || maker_is_pi(d->client->mac)));
}

/* Of the architectures that a machine says it has, the first one that there is a file for. */
static struct machine
machine_of_arch(const struct msg_network *network, const struct dhcp_request *request, bool http)
{
	for (unsigned i = 0; i < request->arch_count; i++) {
		int arch = boot_arch_of_number(request->arch[i]);

		if (arch != -1 && boot_arch_http((enum boot_arch)arch) == http && network->boot_file[arch][0] != '\0')
			return (struct machine){ STAGE_LOADER, (enum boot_arch)arch };
	}
	return (struct machine){ STAGE_UNKNOWN, BOOT_BIOS };
}

static struct machine
machine_of(const struct msg_network *network, const struct dhcp_request *request, const struct dhcp_decision *d)
{
	bool http = is_class(request, "HTTPClient");

	/* The first firmware of the Pi 4 left its class out of its REQUEST. */
	if (!http && !is_class(request, "PXEClient"))
		return (struct machine){ d->board.pi && request->type == DHCP_TYPE_REQUEST ? STAGE_PI : STAGE_SYSTEM,
			BOOT_BIOS };
	if (!http && request->ipxe)
		return (struct machine){ network->boot_file[BOOT_IPXE][0] != '\0' ? STAGE_LOADER : STAGE_UNKNOWN,
			BOOT_IPXE };
	if (!http && is_pi(request, d))
		return (struct machine){ STAGE_PI, BOOT_BIOS };
	return machine_of_arch(network, request, http);
}

/* ---- may it be answered ---- */

enum situation { NO_BOOT, CLIENT_SYSTEM, CLIENT, CLIENT_NOT_SERVED, STRANGER, STRANGER_ANSWERED };
static const struct action {
	uint32_t verdict;
	bool answer;
} actions[] = {
	[NO_BOOT] = { 0, false },
	[CLIENT_SYSTEM] = { 0, true },
	[CLIENT] = { SEEN_OFFERED, true },
	[CLIENT_NOT_SERVED] = { SEEN_NOT_SERVED, false },
	[STRANGER] = { SEEN_UNKNOWN, false },
	[STRANGER_ANSWERED] = { SEEN_UNKNOWN, true },
};

static enum situation
situation(const struct dhcp_table *table, const struct machine *machine, const struct dhcp_decision *d)
{
	bool reservations = table->network.dhcp == DHCP_RESERVATIONS;

	if (machine->stage == STAGE_SYSTEM)
		return d->client != NULL && reservations ? CLIENT_SYSTEM : NO_BOOT;
	if (d->client == NULL)
		return table->network.dhcp == DHCP_PROXY && machine->stage == STAGE_PI &&
			       table->network.unknown == UNKNOWN_ANSWER
			   ? STRANGER_ANSWERED
			   : STRANGER;
	if ((table->network.dhcp != DHCP_PROXY && !reservations) || d->client->boot != BOOT_NETWORK ||
	    machine->stage == STAGE_UNKNOWN)
		return CLIENT_NOT_SERVED;
	return CLIENT;
}

/*
 * A relay of our own network only, by where it stands and by what it says about the board's link (RFC 3527): a board in another
 * segment has no MAC address here that could be its own, and so would get no file.
 */
static bool
relay_is_ours(const struct msg_network *n, const struct dhcp_request *request)
{
	if (request->giaddr != 0 &&
	    (!address_is_host(request->giaddr, n->server, n->prefix) || request->giaddr == n->server))
		return false;
	return request->link == 0 || address_in(request->link, n->server, n->prefix);
}

/* The only entry of our menu, in the only layer that a boot server of ours has. */
static bool
item_is_ours(const struct dhcp_request *request)
{
	return request->item_type == 0 && request->item_layer == 0;
}

/* What a boot server answers to this, on this port. 0: nothing. */
static uint8_t
boot_server_type(const struct msg_network *n, const struct dhcp_request *request, uint16_t our_port)
{
	bool asks = request->type == DHCP_TYPE_REQUEST || request->type == DHCP_TYPE_INFORM;

	if (request->has_item && asks)
		return item_is_ours(request) && (request->server_id == 0 || request->server_id == n->server)
			   ? DHCP_TYPE_ACK
			   : 0;
	if (request->type == DHCP_TYPE_DISCOVER)
		return DHCP_TYPE_OFFER;
	return our_port == DHCP_BOOT_PORT && asks ? DHCP_TYPE_ACK : 0;
}

/* ---- the answer ---- */

static void
begin_reply(const struct dhcp_table *table, const struct dhcp_request *request, struct dhcp_reply *r)
{
	r->our_port = DHCP_SERVER_PORT;
	r->port = DHCP_CLIENT_PORT;
	r->xid = request->xid;
	r->flags = request->flags;
	r->giaddr = request->giaddr;
	r->server = table->network.server;
	r->next_server = true;
	r->request = request;
}

static void
boot_part(const struct msg_network *n, const struct machine *machine, struct dhcp_reply *r)
{
	/* BIOS ROMs without a word on discovery ask for a menu; UEFI takes a word on it for a menu, and asks port 4011 without. */
	static const uint8_t menus[BOOT_ARCHS] = { [BOOT_BIOS] = DHCP_MENU_FILE, [BOOT_IPXE] = DHCP_MENU_FILE };

	r->vendor = "PXEClient";
	r->menu = DHCP_MENU_PI;
	if (machine->stage != STAGE_LOADER)
		return;
	if (boot_arch_http(machine->arch))
		r->vendor = "HTTPClient";
	r->menu = menus[machine->arch];
	r->file = n->boot_file[machine->arch];
}

/* To the machine that asked, as it has an address already: its own word for it, else the packet's. false: that is not of ours. */
static bool
unicast(const struct msg_network *n, const struct dhcp_request *request, const struct dhcp_origin *origin,
    struct dhcp_reply *r)
{
	r->way = DHCP_UNICAST;
	r->our_port = origin->our_port;
	r->address = request->ciaddr != 0 ? request->ciaddr : origin->address;
	r->port = origin->our_port == DHCP_BOOT_PORT ? origin->port : DHCP_CLIENT_PORT;
	return address_is_host(r->address, n->server, n->prefix) && r->address != n->server && r->port != 0 &&
	       r->port != DHCP_SERVER_PORT;
}

/* false: it cannot be answered. */
static bool
address_boot_reply(const struct msg_network *n, const struct dhcp_request *request, const struct dhcp_origin *origin,
    struct dhcp_reply *r)
{
	if (request->giaddr != 0) {
		r->way = DHCP_UNICAST;
		r->address = request->giaddr;
		r->port = DHCP_SERVER_PORT;
		if (request->ciaddr == 0)
			r->flags |= FLAG_BROADCAST; /* the relay has no address to send it to (RFC 1542 4.1.2) */
		return origin->our_port == DHCP_SERVER_PORT;
	}
	if (origin->our_port == DHCP_BOOT_PORT || (request->ciaddr != 0 && r->type == DHCP_TYPE_ACK))
		return unicast(n, request, origin, r);
	r->way = DHCP_BROADCAST;
	r->flags |= FLAG_BROADCAST;
	return true;
}

static void
boot_reply(const struct dhcp_table *table, const struct dhcp_request *request, const struct dhcp_origin *origin,
    const struct machine *machine, struct dhcp_decision *d)
{
	struct dhcp_reply *r = &d->reply;

	begin_reply(table, request, r);
	r->type = boot_server_type(&table->network, request, origin->our_port);
	if (r->type == 0)
		return;
	boot_part(&table->network, machine, r);
	if (request->has_item && r->type == DHCP_TYPE_ACK) {
		r->menu = DHCP_MENU_ITEM;
		r->yiaddr = request->ciaddr;
	} else if (r->type == DHCP_TYPE_ACK) {
		r->ciaddr = request->ciaddr;
	}
	d->answer = address_boot_reply(&table->network, request, origin, r);
}

/* ---- addresses ---- */

/*
 * RFC 2131 4.3, for a client whose address is always the same: nothing is kept, and an offer binds as much as an acknowledgement. 0: no
 * answer: it chose another server, uses another address, or tells what changes nothing.
 */
static uint8_t
lease_type(const struct msg_network *n, const struct dhcp_request *request, uint32_t address)
{
	uint32_t wanted = request->requested != 0 ? request->requested : request->ciaddr;

	if (request->type == DHCP_TYPE_DISCOVER)
		return DHCP_TYPE_OFFER;
	if (request->type == DHCP_TYPE_INFORM)
		return request->ciaddr == address ? DHCP_TYPE_ACK : 0;
	if (request->type != DHCP_TYPE_REQUEST || wanted == 0 ||
	    (request->server_id != 0 && request->server_id != n->server))
		return 0;
	return wanted == address ? DHCP_TYPE_ACK : DHCP_TYPE_NAK;
}

/* RFC 2131 4.1. Without need nothing is broadcast: boards of model 3 have one transaction id and take each other's offers. */
static void
address_lease_reply(const struct dhcp_request *request, struct dhcp_reply *r)
{
	bool no = r->type == DHCP_TYPE_NAK;

	if (no)
		r->flags |= FLAG_BROADCAST;
	r->way = DHCP_UNICAST;
	if (request->giaddr != 0) {
		r->address = request->giaddr;
		r->port = DHCP_SERVER_PORT;
	} else if (r->ciaddr != 0) {
		r->address = r->ciaddr;
	} else if (no || (request->flags & FLAG_BROADCAST) != 0) {
		r->way = DHCP_BROADCAST;
	} else {
		r->way = DHCP_FRAME;
		r->address = r->yiaddr;
	}
}

/* Address and boot in one. A PC gets its file as any DHCP server names one: with a class it would ask for a menu or port 4011. */
static void
lease_reply(const struct dhcp_table *table, const struct dhcp_request *request, const struct machine *machine,
    struct dhcp_decision *d)
{
	const struct dhcp_client *client = d->client;
	struct dhcp_reply *r = &d->reply;

	begin_reply(table, request, r);
	r->type = lease_type(&table->network, request, client->address);
	d->answer = r->type != 0;
	if (r->type == DHCP_TYPE_NAK) {
		r->next_server = false;
	} else {
		if (machine->stage != STAGE_SYSTEM)
			boot_part(&table->network, machine, r);
		if (machine->stage == STAGE_LOADER && !boot_arch_http(machine->arch)) {
			r->vendor = NULL;
			r->menu = DHCP_MENU_NONE;
		}
		/* Who asks for its address by option 50 may say any other here, and it is where the answer would go. */
		r->ciaddr = r->type == DHCP_TYPE_ACK && request->ciaddr == client->address ? request->ciaddr : 0;
		r->yiaddr = request->type == DHCP_TYPE_INFORM ? 0 : client->address;
		r->lease = request->type == DHCP_TYPE_INFORM ? 0 : table->network.lease;
		r->network = &table->network;
		r->name = client->name;
	}
	address_lease_reply(request, r);
}

static void
reply(const struct dhcp_table *table, const struct dhcp_request *request, const struct dhcp_origin *origin,
    const struct machine *machine, struct dhcp_decision *d)
{
	bool boot_server = origin->our_port == DHCP_BOOT_PORT || request->has_item;

	if (table->network.dhcp == DHCP_PROXY || (boot_server && machine->stage != STAGE_SYSTEM))
		boot_reply(table, request, origin, machine, d);
	else if (origin->our_port == DHCP_SERVER_PORT)
		lease_reply(table, request, machine, d);
}

/* ---- what an operator should know ---- */

/* A board asks everybody, so that we hear of a foreign address that it was given even where we give out none. */
static void
look_for_fault(const struct msg_network *n, const struct dhcp_request *request, struct dhcp_decision *d)
{
	uint32_t wanted = request->requested != 0 ? request->requested : request->ciaddr;

	if (request->type == DHCP_TYPE_DECLINE)
		d->verdict = SEEN_DECLINED;
	if (request->type != DHCP_TYPE_REQUEST)
		return;
	d->other_server = request->server_id == n->server ? 0 : request->server_id;
	if (wanted != 0 && wanted != d->client->address) {
		d->other_address = wanted;
		d->verdict = SEEN_OTHER_ADDRESS;
	} else if (n->dhcp == DHCP_RESERVATIONS && d->other_server != 0) {
		d->verdict = SEEN_OTHER_SERVER;
	}
}

void
dhcp_decide(const struct dhcp_table *table, const struct dhcp_request *request, const struct dhcp_origin *origin,
    struct dhcp_decision *d)
{
	const struct action *action;
	struct machine machine;

	memset(d, 0, sizeof(*d));
	dhcp_identify(request, &d->board);
	d->relay_refused = !relay_is_ours(&table->network, request);
	if (d->relay_refused)
		return;
	d->client = dhcp_table_find(table, request->mac);
	machine = machine_of(&table->network, request, d);
	action = &actions[situation(table, &machine, d)];
	if (request->type == DHCP_TYPE_DISCOVER && origin->our_port == DHCP_SERVER_PORT)
		d->verdict = action->verdict;
	else if (d->client != NULL)
		look_for_fault(&table->network, request, d);
	if (action->answer)
		reply(table, request, origin, &machine, d);
	if (d->answer && d->reply.type == DHCP_TYPE_OFFER && machine.stage == STAGE_PI) {
		d->delay = manners[d->board.model].delay;
		d->arp = manners[d->board.model].arp;
	}
}

void
dhcp_pack(const struct dhcp_reply *r, struct dhcp_packet *packet)
{
	packet->way = r->way;
	packet->our_port = r->our_port;
	packet->port = r->port;
	packet->address = r->way == DHCP_BROADCAST ? INADDR_BROADCAST : r->address;
	memcpy(packet->mac, r->request->mac, MAC_SIZE);
	packet->size = dhcp_encode(r, packet->bytes + DHCP_FRAME_HEADER);
	if (r->way != DHCP_UNICAST)
		dhcp_frame_header(packet->bytes, packet->size, r->server, packet->address);
}

/* ---- answers that wait ---- */

bool
dhcp_queue_put(struct dhcp_queue *queue, const struct dhcp_waiting *waiting)
{
	struct dhcp_waiting *w;

	for (w = queue->waiting; w < queue->waiting + queue->count; w++) {
		if (memcmp(w->packet.mac, waiting->packet.mac, MAC_SIZE) == 0) {
			w->packet = waiting->packet;
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

bool
dhcp_report_fault(struct dhcp_client *client, uint64_t now)
{
	if (client == NULL || (client->warned != 0 && now - client->warned < DHCP_REPORT_MS))
		return false;
	client->warned = now;
	return true;
}
