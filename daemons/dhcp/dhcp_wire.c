/* SPDX-License-Identifier: ISC */
/*
 * Duty: DHCP requests out of bytes, the OFFER for a Raspberry Pi into bytes. Runs as part of diskless-dhcp, on what anyone in the
 * network sends. Holds nothing; must never read or write outside what it is given.
 */
#include "dhcp_wire.h"

#include <string.h>

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
#define FLAG_BROADCAST 0x8000
#define COOKIE         0x63825363
#define ARP_REQUEST    1
#define ETHERTYPE_IPV4 0x0800

enum {
	OPTION_PAD = 0,
	OPTION_VENDOR_INFORMATION = 43,
	OPTION_OVERLOAD = 52,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_PARAMETERS = 55,
	OPTION_VENDOR_CLASS = 60,
	OPTION_ARCH = 93,
	OPTION_MACHINE_ID = 97,
	OPTION_END = 255,
};

#define OVERLOAD_FILE  1
#define OVERLOAD_SNAME 2

/*
 * Option 43 (PXE 2.1): 6 no discovery but of us, 10 no prompt, 9 the menu with its one entry. The ROM of the Pi 3B compares three
 * bytes more than the text has, hence the spaces; later boards look for the text within the entry.
 */
static const uint8_t boot_menu[] = "\x06\x01\x03"
				   "\x0a\x04\x00"
				   "PXE"
				   "\x09\x17\x00\x00\x14"
				   "Raspberry Pi Boot   "
				   "\xff";
#define BOOT_MENU_SIZE (sizeof(boot_menu) - 1)

/* The options that we look into; an option's parts are joined here. length may be more than what bytes holds. */
#define PART_MAX NAME_SIZE
struct part {
	size_t length;
	uint8_t bytes[PART_MAX];
};
enum { TYPE, OVERLOAD, SERVER, PARAMETERS, VENDOR, ARCH, MACHINE, PARTS };
static const uint8_t part_code[PARTS] = {
	[TYPE] = OPTION_TYPE,
	[OVERLOAD] = OPTION_OVERLOAD,
	[SERVER] = OPTION_SERVER,
	[PARAMETERS] = OPTION_PARAMETERS,
	[VENDOR] = OPTION_VENDOR_CLASS,
	[ARCH] = OPTION_ARCH,
	[MACHINE] = OPTION_MACHINE_ID,
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

static uint8_t *
put(uint8_t *p, const void *bytes, size_t size)
{
	memcpy(p, bytes, size);
	return p + size;
}

static uint8_t *
put16(uint8_t *p, uint16_t value)
{
	*p++ = (uint8_t)(value >> 8);
	*p++ = (uint8_t)value;
	return p;
}

static uint8_t *
put32(uint8_t *p, uint32_t value)
{
	return put16(put16(p, (uint16_t)(value >> 16)), (uint16_t)value);
}

static uint8_t *
put_option(uint8_t *p, uint8_t code, const void *bytes, size_t size)
{
	*p++ = code;
	*p++ = (uint8_t)size;
	return put(p, bytes, size);
}

static void
collect(struct part parts[static PARTS], uint8_t code, const uint8_t *bytes, size_t size)
{
	struct part *part;
	size_t i, room;

	for (i = 0; i < PARTS; i++) {
		if (part_code[i] != code)
			continue;
		part = &parts[i];
		room = part->length < PART_MAX ? PART_MAX - part->length : 0;
		if (room > 0)
			memcpy(part->bytes + part->length, bytes, size < room ? size : room);
		part->length += size;
	}
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

	if (!walk(packet + AT_OPTIONS, size - AT_OPTIONS, parts))
		return false;
	overload = parts[OVERLOAD].bytes[0];
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

static void
take_parts(const struct part parts[static PARTS], struct dhcp_request *request)
{
	const struct part *vendor = &parts[VENDOR], *machine = &parts[MACHINE];

	request->type = parts[TYPE].bytes[0];
	request->parameters = (uint8_t)(parts[PARAMETERS].length < UINT8_MAX ? parts[PARAMETERS].length : UINT8_MAX);
	if (parts[SERVER].length == sizeof(request->server_id))
		request->server_id = get_address(parts[SERVER].bytes);
	if (parts[ARCH].length >= 2)
		request->arch = get16(parts[ARCH].bytes);
	request->vendor_length = (uint8_t)(vendor->length < NAME_SIZE ? vendor->length : NAME_SIZE);
	memcpy(request->vendor, vendor->bytes, request->vendor_length);
	request->has_machine_id = machine->length == DHCP_MACHINE_ID;
	if (request->has_machine_id)
		memcpy(request->machine_id, machine->bytes, DHCP_MACHINE_ID);
}

bool
dhcp_decode(const uint8_t *packet, size_t size, struct dhcp_request *request, const char **why)
{
	struct part parts[PARTS] = { 0 };

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
	take_parts(parts, request);
	return true;
}

void
dhcp_answer(const struct dhcp_request *request, struct dhcp_answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	answer->xid = request->xid;
	answer->flags = request->flags;
	answer->has_machine_id = request->has_machine_id;
	memcpy(answer->machine_id, request->machine_id, DHCP_MACHINE_ID);
	memcpy(answer->mac, request->mac, MAC_SIZE);
}

size_t
dhcp_encode_offer(const struct dhcp_answer *answer, uint32_t server, uint8_t packet[static DHCP_OFFER_MAX])
{
	static const uint8_t offer = DHCP_TYPE_OFFER;
	uint8_t *p = packet + AT_OPTIONS;

	memset(packet, 0, DHCP_OFFER_MAX);
	packet[AT_OP] = OP_REPLY;
	packet[AT_HTYPE] = HTYPE_ETHERNET;
	packet[AT_HLEN] = MAC_SIZE;
	put32(packet + AT_XID, answer->xid);
	put16(packet + AT_FLAGS, answer->flags | FLAG_BROADCAST);
	put(packet + AT_SIADDR, &server, sizeof(server));
	put(packet + AT_CHADDR, answer->mac, MAC_SIZE);
	put32(packet + AT_COOKIE, COOKIE);
	p = put_option(p, OPTION_TYPE, &offer, sizeof(offer));
	p = put_option(p, OPTION_SERVER, &server, sizeof(server));
	p = put_option(p, OPTION_VENDOR_CLASS, "PXEClient", strlen("PXEClient"));
	if (answer->has_machine_id)
		p = put_option(p, OPTION_MACHINE_ID, answer->machine_id, DHCP_MACHINE_ID);
	p = put_option(p, OPTION_VENDOR_INFORMATION, boot_menu, BOOT_MENU_SIZE);
	*p++ = OPTION_END;
	return p - packet < DHCP_OFFER_MIN ? DHCP_OFFER_MIN : (size_t)(p - packet);
}

void
dhcp_encode_arp(const uint8_t mac[static MAC_SIZE], uint32_t address, uint8_t packet[static DHCP_ARP_SIZE])
{
	static const uint8_t nobody[MAC_SIZE];
	uint8_t *p = packet;

	p = put16(p, HTYPE_ETHERNET);
	p = put16(p, ETHERTYPE_IPV4);
	*p++ = MAC_SIZE;
	*p++ = sizeof(address);
	p = put16(p, ARP_REQUEST);
	p = put(p, mac, MAC_SIZE);
	p = put(p, &address, sizeof(address));
	p = put(p, nobody, MAC_SIZE);
	put(p, &address, sizeof(address));
}
