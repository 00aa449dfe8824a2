/* SPDX-License-Identifier: ISC */
/*
 * Duty: DHCP requests out of bytes, replies into bytes. Runs as part of diskless-dhcp, on what anyone in the network sends. Holds
 * nothing; must never read or write outside what it is given.
 */
#include "dhcp_wire.h"

#include <string.h>

#include <arpa/inet.h>

#include "address.h"

/* Offsets of RFC 2131 figure 1. */
enum {
	AT_OP = 0,
	AT_HTYPE = 1,
	AT_HLEN = 2,
	AT_XID = 4,
	AT_SECS = 8,
	AT_FLAGS = 10,
	AT_CIADDR = 12,
	AT_YIADDR = 16,
	AT_SIADDR = 20,
	AT_GIADDR = 24,
	AT_CHADDR = 28,
	AT_SNAME = 44,
	AT_FILE = 108,
	AT_COOKIE = 236,
	AT_OPTIONS = 240,
};

#define OP_REQUEST     1
#define OP_REPLY       2
#define HTYPE_ETHERNET 1
#define COOKIE         0x63825363

enum {
	OPTION_PAD = 0,
	OPTION_NETMASK = 1,
	OPTION_ROUTER = 3,
	OPTION_NAME_SERVERS = 6,
	OPTION_HOST_NAME = 12,
	OPTION_BROADCAST = 28,
	OPTION_VENDOR_INFORMATION = 43,
	OPTION_REQUESTED = 50,
	OPTION_LEASE = 51,
	OPTION_OVERLOAD = 52,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_PARAMETERS = 55,
	OPTION_MAX_SIZE = 57,
	OPTION_RENEWAL = 58,
	OPTION_REBINDING = 59,
	OPTION_VENDOR_CLASS = 60,
	OPTION_CLIENT = 61,
	OPTION_USER_CLASS = 77,
	OPTION_AGENT = 82,
	OPTION_ARCH = 93,
	OPTION_MACHINE_ID = 97,
	OPTION_IPXE = 175,
	OPTION_END = 255,
};

#define OVERLOAD_FILE  1
#define OVERLOAD_SNAME 2

#define AGENT_LINK  5   /* RFC 3527 */
#define PXE_ITEM    71  /* PXE 2.1: type and layer of the chosen boot server */
#define SIZE_ALWAYS 548 /* a client takes a datagram of 576 bytes, so this much DHCP (RFC 2131, option 57) */
#define HEADERS     28  /* IP and UDP, which option 57 counts */

/*
 * Option 43 (PXE 2.1). Menu: 6 no discovery but of us, 10 no prompt, 9 its one entry. The ROM of the Pi 3B compares three bytes more
 * than the text has, hence the spaces; later boards look for the text within the entry. File: 6 "use the file of this packet".
 */
static const uint8_t menu_pi[] = "\x06\x01\x03"
				 "\x0a\x04\x00"
				 "PXE"
				 "\x09\x17\x00\x00\x14"
				 "Raspberry Pi Boot   "
				 "\xff";
static const uint8_t menu_file[] = "\x06\x01\x08"
				   "\x0a\x04\x00"
				   "PXE"
				   "\xff";
#define ITEM_SIZE 7

/* Four kilobytes that would be zeroed for each packet (HARDEN in the Makefile); length says what of them is there. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define UNINITIALIZED __attribute__((uninitialized))
#endif
#endif
#ifndef UNINITIALIZED
#define UNINITIALIZED
#endif

/* The options that we look into; an option's parts are joined here. length may be more than what bytes holds. */
#define PART_MAX DHCP_ID_MAX
struct part {
	size_t length;
	uint8_t bytes[PART_MAX];
};
enum {
	OTHER,
	TYPE,
	OVERLOAD,
	SERVER,
	REQUESTED,
	PARAMETERS,
	MAX_SIZE,
	VENDOR,
	INFORMATION,
	CLIENT,
	USER_CLASS,
	AGENT,
	ARCH,
	MACHINE,
	IPXE,
	PARTS
};
static const uint8_t part_of[UINT8_MAX + 1] = {
	[OPTION_TYPE] = TYPE,
	[OPTION_OVERLOAD] = OVERLOAD,
	[OPTION_SERVER] = SERVER,
	[OPTION_REQUESTED] = REQUESTED,
	[OPTION_PARAMETERS] = PARAMETERS,
	[OPTION_MAX_SIZE] = MAX_SIZE,
	[OPTION_VENDOR_CLASS] = VENDOR,
	[OPTION_VENDOR_INFORMATION] = INFORMATION,
	[OPTION_CLIENT] = CLIENT,
	[OPTION_USER_CLASS] = USER_CLASS,
	[OPTION_AGENT] = AGENT,
	[OPTION_ARCH] = ARCH,
	[OPTION_MACHINE_ID] = MACHINE,
	[OPTION_IPXE] = IPXE,
};

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint32_t
get_address(const uint8_t *p)
{
	uint32_t address;

	memcpy(&address, p, sizeof(address));
	return address;
}

static void
collect(struct part parts[static PARTS], uint8_t code, const uint8_t *bytes, size_t size)
{
	struct part *part = &parts[part_of[code]];
	size_t room = part->length < PART_MAX ? PART_MAX - part->length : 0;

	if (part == &parts[OTHER])
		return;
	if (room > 0)
		memcpy(part->bytes + part->length, bytes, size < room ? size : room);
	part->length += size;
}

static bool
walk(const uint8_t *p, size_t size, struct part parts[static PARTS])
{
	size_t i = 0;

	while (i < size && p[i] != OPTION_END) {
		if (p[i] == OPTION_PAD) {
			i++;
			continue;
		}
		if (size - i < 2 || size - i - 2 < p[i + 1])
			return false;
		collect(parts, p[i], p + i + 2, p[i + 1]);
		i += 2u + p[i + 1];
	}
	return true;
}

/* All fields that hold options, in the order in which RFC 3396 joins them. */
static bool
walk_all(const uint8_t *packet, size_t size, struct part parts[static PARTS])
{
	unsigned overload;

	for (unsigned i = 0; i < PARTS; i++)
		parts[i].length = 0;
	if (!walk(packet + AT_OPTIONS, size - AT_OPTIONS, parts))
		return false;
	overload = parts[OVERLOAD].length > 0 ? parts[OVERLOAD].bytes[0] : 0;
	if (overload & OVERLOAD_FILE && !walk(packet + AT_FILE, AT_COOKIE - AT_FILE, parts))
		return false;
	if (overload & OVERLOAD_SNAME && !walk(packet + AT_SNAME, AT_FILE - AT_SNAME, parts))
		return false;
	return true;
}

static const char *
header_fault(const uint8_t *packet, size_t size)
{
	if (size < AT_OPTIONS)
		return "shorter than a DHCP packet";
	if (packet[AT_OP] != OP_REQUEST)
		return "not a request";
	if (packet[AT_HTYPE] != HTYPE_ETHERNET || packet[AT_HLEN] != MAC_SIZE)
		return "not of an Ethernet";
	if (get32(packet + AT_COOKIE) != COOKIE)
		return "no DHCP cookie";
	if (!mac_is_unicast(packet + AT_CHADDR))
		return "its hardware address is no machine's";
	return NULL;
}

/* ---- what a request says ---- */

/* The value of an option that has exactly this length; the rest counts as absent. */
static bool
is_long(const struct part *part, size_t length)
{
	return part->length == length;
}

/* A suboption of exactly size bytes, or NULL. */
static const uint8_t *
suboption(const struct part *part, uint8_t code, size_t size)
{
	size_t length = part->length < PART_MAX ? part->length : PART_MAX, i = 0;

	while (length - i >= 2 && part->bytes[i] != OPTION_END) {
		size_t next = i + 2u + part->bytes[i + 1];

		if (next > length)
			return NULL;
		if (part->bytes[i] == code && part->bytes[i + 1] == size)
			return part->bytes + i + 2;
		i = next;
	}
	return NULL;
}

/* iPXE: option 175 is its own; in 77 it says its name, with and without the length that RFC 3004 puts before it. */
static bool
is_ipxe(const struct part *user_class, const struct part *own)
{
	return own->length > 0 || (is_long(user_class, 4) && memcmp(user_class->bytes, "iPXE", 4) == 0) ||
	       (is_long(user_class, 5) && memcmp(user_class->bytes, "\004iPXE", 5) == 0);
}

static void
take_bytes(const struct part *part, struct dhcp_bytes *bytes)
{
	bytes->length = (uint8_t)(part->length <= DHCP_ID_MAX ? part->length : 0);
	memcpy(bytes->byte, part->bytes, bytes->length);
}

static void
take_numbers(const struct part parts[static PARTS], struct dhcp_request *request)
{
	const uint8_t *link = suboption(&parts[AGENT], AGENT_LINK, sizeof(request->link));

	request->type = parts[TYPE].bytes[0];
	request->parameters = (uint8_t)(parts[PARAMETERS].length < UINT8_MAX ? parts[PARAMETERS].length : UINT8_MAX);
	if (is_long(&parts[SERVER], sizeof(request->server_id)))
		request->server_id = get_address(parts[SERVER].bytes);
	if (is_long(&parts[REQUESTED], sizeof(request->requested)))
		request->requested = get_address(parts[REQUESTED].bytes);
	if (is_long(&parts[MAX_SIZE], sizeof(request->max_size)))
		request->max_size = get16(parts[MAX_SIZE].bytes);
	if (link != NULL)
		request->link = get_address(link);
}

static void
take_boot(const struct part parts[static PARTS], struct dhcp_request *request)
{
	const struct part *vendor = &parts[VENDOR], *machine = &parts[MACHINE], *arch = &parts[ARCH];
	const uint8_t *item = suboption(&parts[INFORMATION], PXE_ITEM, 4);

	for (size_t i = 0; i < DHCP_ARCHS && 2 * i + 1 < arch->length; i++)
		request->arch[request->arch_count++] = get16(arch->bytes + 2 * i);
	request->vendor_length = (uint8_t)(vendor->length < NAME_SIZE ? vendor->length : NAME_SIZE);
	memcpy(request->vendor, vendor->bytes, request->vendor_length);
	request->has_machine_id = machine->length == DHCP_MACHINE_ID;
	if (request->has_machine_id)
		memcpy(request->machine_id, machine->bytes, DHCP_MACHINE_ID);
	request->ipxe = is_ipxe(&parts[USER_CLASS], &parts[IPXE]);
	request->has_item = item != NULL;
	if (item != NULL) {
		request->item_type = get16(item);
		request->item_layer = get16(item + 2);
	}
}

bool
dhcp_decode(const uint8_t *packet, size_t size, struct dhcp_request *request, const char **why)
{
	struct part parts[PARTS] UNINITIALIZED;

	memset(request, 0, sizeof(*request));
	*why = header_fault(packet, size);
	if (*why != NULL)
		return false;
	if (!walk_all(packet, size, parts)) {
		*why = "an option runs past its field";
		return false;
	}
	if (parts[TYPE].length != 1) {
		*why = "no message type";
		return false;
	}
	request->xid = get32(packet + AT_XID);
	request->secs = get16(packet + AT_SECS);
	request->flags = get16(packet + AT_FLAGS);
	request->ciaddr = get_address(packet + AT_CIADDR);
	request->giaddr = get_address(packet + AT_GIADDR);
	memcpy(request->mac, packet + AT_CHADDR, MAC_SIZE);
	take_numbers(parts, request);
	take_boot(parts, request);
	take_bytes(&parts[CLIENT], &request->client);
	take_bytes(&parts[AGENT], &request->agent);
	return true;
}

/* ---- replies ---- */

/* Options being written: an option that does not fit, with END behind it, is left out. */
struct options {
	uint8_t *next;
	const uint8_t *end;
};

static void
put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void
put32(uint8_t *p, uint32_t value)
{
	put16(p, (uint16_t)(value >> 16));
	put16(p + 2, (uint16_t)value);
}

static void
put_option(struct options *o, uint8_t code, const void *bytes, size_t size)
{
	if (size > UINT8_MAX || (size_t)(o->end - o->next) < size + 3)
		return;
	*o->next++ = code;
	*o->next++ = (uint8_t)size;
	memcpy(o->next, bytes, size);
	o->next += size;
}

static void
put_address(struct options *o, uint8_t code, uint32_t address)
{
	if (address != 0)
		put_option(o, code, &address, sizeof(address));
}

static void
put_seconds(struct options *o, uint8_t code, uint32_t seconds)
{
	uint8_t bytes[4];

	put32(bytes, seconds);
	put_option(o, code, bytes, sizeof(bytes));
}

static void
put_menu(struct options *o, const struct dhcp_reply *r)
{
	uint8_t item[ITEM_SIZE] = { PXE_ITEM, 4, 0, 0, 0, 0, OPTION_END };

	switch (r->menu) {
	case DHCP_MENU_PI:
		put_option(o, OPTION_VENDOR_INFORMATION, menu_pi, sizeof(menu_pi) - 1);
		break;
	case DHCP_MENU_FILE:
		put_option(o, OPTION_VENDOR_INFORMATION, menu_file, sizeof(menu_file) - 1);
		break;
	case DHCP_MENU_ITEM:
		put16(item + 2, r->request->item_type);
		put16(item + 4, r->request->item_layer);
		put_option(o, OPTION_VENDOR_INFORMATION, item, sizeof(item));
		break;
	default:
		break;
	}
}

/* RFC 2131 4.4.5: renewal after half of the lease, rebinding after seven eighths. */
static void
put_lease(struct options *o, uint32_t lease)
{
	if (lease == 0)
		return;
	put_seconds(o, OPTION_LEASE, lease);
	put_seconds(o, OPTION_RENEWAL, lease / 2);
	put_seconds(o, OPTION_REBINDING, (uint32_t)((uint64_t)lease * 7 / 8));
}

static void
put_network(struct options *o, const struct msg_network *n)
{
	uint32_t mask;

	if (n == NULL)
		return;
	mask = prefix_mask(n->prefix);
	put_address(o, OPTION_NETMASK, mask);
	put_address(o, OPTION_BROADCAST, n->server | ~mask);
	put_address(o, OPTION_ROUTER, n->gateway);
	if (n->name_servers > 0 && n->name_servers <= NETWORK_NAME_SERVERS)
		put_option(o, OPTION_NAME_SERVERS, n->name_server, n->name_servers * sizeof(n->name_server[0]));
}

/* What a boot cannot do without comes before what only makes life nicer. */
static void
put_options(struct options *o, const struct dhcp_reply *r)
{
	put_option(o, OPTION_TYPE, &r->type, sizeof(r->type));
	put_address(o, OPTION_SERVER, r->server);
	put_lease(o, r->lease);
	if (r->vendor != NULL)
		put_option(o, OPTION_VENDOR_CLASS, r->vendor, strlen(r->vendor));
	if (r->request->has_machine_id)
		put_option(o, OPTION_MACHINE_ID, r->request->machine_id, DHCP_MACHINE_ID);
	put_menu(o, r);
	put_network(o, r->network);
	if (r->name != NULL)
		put_option(o, OPTION_HOST_NAME, r->name, strlen(r->name));
	if (r->request->client.length > 0)
		put_option(o, OPTION_CLIENT, r->request->client.byte, r->request->client.length);
}

static size_t
client_takes(uint16_t max_size)
{
	size_t size = max_size > SIZE_ALWAYS + HEADERS ? (size_t)max_size - HEADERS : SIZE_ALWAYS;

	return size < DHCP_REPLY_MAX - DHCP_ID_MAX - 2 ? size : DHCP_REPLY_MAX - DHCP_ID_MAX - 2;
}

static void
put_header(uint8_t *packet, const struct dhcp_reply *r)
{
	packet[AT_OP] = OP_REPLY;
	packet[AT_HTYPE] = HTYPE_ETHERNET;
	packet[AT_HLEN] = MAC_SIZE;
	put32(packet + AT_XID, r->xid);
	put16(packet + AT_FLAGS, r->flags);
	memcpy(packet + AT_CIADDR, &r->ciaddr, sizeof(r->ciaddr));
	memcpy(packet + AT_YIADDR, &r->yiaddr, sizeof(r->yiaddr));
	if (r->next_server)
		memcpy(packet + AT_SIADDR, &r->server, sizeof(r->server));
	memcpy(packet + AT_GIADDR, &r->giaddr, sizeof(r->giaddr));
	memcpy(packet + AT_CHADDR, r->request->mac, MAC_SIZE);
	if (r->file != NULL)
		memcpy(packet + AT_FILE, r->file, strnlen(r->file, AT_COOKIE - AT_FILE));
	put32(packet + AT_COOKIE, COOKIE);
}

size_t
dhcp_encode(const struct dhcp_reply *r, uint8_t packet[static DHCP_REPLY_MAX])
{
	struct options o = { packet + AT_OPTIONS, packet + client_takes(r->request->max_size) };
	size_t size;

	memset(packet, 0, AT_OPTIONS);
	put_header(packet, r);
	put_options(&o, r);
	o.end = packet + DHCP_REPLY_MAX;
	if (r->request->agent.length > 0)
		put_option(&o, OPTION_AGENT, r->request->agent.byte, r->request->agent.length);
	*o.next++ = OPTION_END;
	size = (size_t)(o.next - packet);
	if (size >= DHCP_REPLY_MIN)
		return size;
	memset(o.next, 0, DHCP_REPLY_MIN - size);
	return DHCP_REPLY_MIN;
}
