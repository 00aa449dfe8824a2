/* SPDX-License-Identifier: ISC */
/*
 * DHCP packets as bytes and as structs (RFC 2131, 2132, 3046, 3396, 4578, PXE 2.1). Pure: no I/O, no clock, no memory of its own.
 * Addresses are in network byte order, every other number in the host's.
 */
#ifndef DISKLESS_DHCP_WIRE_H
#define DISKLESS_DHCP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68
#define DHCP_BOOT_PORT   4011 /* PXE 2.1: questions for a boot server */
#define DHCP_PACKET_MAX  2048 /* longer ones are dropped: no board sends more than 548 bytes (RFC 2131, option 57) */
#define DHCP_REPLY_MIN   300  /* a BOOTP packet (RFC 951) */
#define DHCP_REPLY_MAX   1024
#define DHCP_MACHINE_ID  17  /* type 0 and 16 bytes (RFC 4578) */
#define DHCP_ARCHS       8   /* entries of option 93 that are looked at */
#define DHCP_ID_MAX      255 /* of options 61 and 82: what one option can hold, so that it can be given back in one */

enum dhcp_type {
	DHCP_TYPE_DISCOVER = 1,
	DHCP_TYPE_OFFER,
	DHCP_TYPE_REQUEST,
	DHCP_TYPE_DECLINE,
	DHCP_TYPE_ACK,
	DHCP_TYPE_NAK,
	DHCP_TYPE_RELEASE,
	DHCP_TYPE_INFORM,
};

/* Bytes of a length; none: length 0. */
struct dhcp_bytes {
	uint8_t length;
	uint8_t byte[DHCP_ID_MAX];
};

struct dhcp_request {
	uint32_t xid;
	uint16_t secs;
	uint16_t flags;
	uint32_t ciaddr;
	uint32_t giaddr;
	uint32_t server_id;    /* option 54, or 0 */
	uint32_t requested;    /* option 50, or 0 */
	uint32_t link;         /* option 82, suboption 5 (RFC 3527), or 0 */
	uint16_t max_size;     /* option 57, or 0 */
	uint8_t mac[MAC_SIZE]; /* chaddr: one machine's, never a group's */
	uint8_t type;          /* option 53, any value */
	uint8_t parameters;    /* how many of them option 55 asks for */
	uint8_t arch_count;
	uint16_t arch[DHCP_ARCHS]; /* option 93, in its order */
	bool ipxe;                 /* by option 77 or 175 */
	bool has_item;             /* option 43, suboption 71: a choice from a boot menu */
	uint16_t item_type;
	uint16_t item_layer;
	bool has_machine_id;
	uint8_t machine_id[DHCP_MACHINE_ID]; /* option 97, if it is of exactly this length */
	uint8_t vendor_length;
	uint8_t vendor[NAME_SIZE]; /* option 60, or the first bytes of it; any bytes, no NUL behind them */
	struct dhcp_bytes client;  /* option 61 */
	struct dhcp_bytes agent;   /* option 82 */
};

/*
 * One request out of a packet. Refused, with *why: a reply, a link layer that is not Ethernet (htype 1, hlen 6), no cookie, an
 * option that runs past its field, no message type. Taken as they come: a missing END, PADs, options in file and sname
 * (option 52), options in several parts (joined), unknown ones.
 */
bool dhcp_decode(const uint8_t *packet, size_t size, struct dhcp_request *, const char **why);

/* What option 43 says. */
enum dhcp_menu {
	DHCP_MENU_NONE,
	DHCP_MENU_PI,   /* the menu with the one entry that every Pi looks for */
	DHCP_MENU_FILE, /* no menu, no discovery: load the file of this packet */
	DHCP_MENU_ITEM, /* the choice, given back */
};

/* Where an answer goes. */
enum dhcp_way {
	DHCP_BROADCAST, /* a frame to all, to 255.255.255.255 port 68 */
	DHCP_FRAME,     /* a frame to mac, to address and port 68: its owner answers no ARP yet */
	DHCP_UNICAST,   /* a datagram to address and port, from our port */
};

struct dhcp_reply {
	uint8_t way; /* enum dhcp_way */
	uint16_t our_port;
	uint16_t port;
	uint32_t address;

	uint8_t type; /* DHCP_TYPE_OFFER, _ACK, _NAK */
	uint8_t menu; /* enum dhcp_menu */
	uint32_t xid;
	uint16_t flags;
	uint32_t ciaddr;
	uint32_t yiaddr;
	uint32_t giaddr;
	uint32_t server;                    /* option 54 */
	bool next_server;                   /* and siaddr */
	uint32_t lease;                     /* seconds; 0: options 51, 58 and 59 are left out */
	const char *vendor;                 /* option 60, or NULL */
	const char *file;                   /* or NULL */
	const char *name;                   /* option 12, or NULL */
	const struct msg_network *network;  /* options 1, 3, 6 and 28 as it has them, or NULL: left out */
	const struct dhcp_request *request; /* options 61, 82 and 97 are given back, and the choice of a menu */
};

/*
 * The packet of a reply; its size, at least DHCP_REPLY_MIN. No PAD before END, option 82 last. What does not fit into 548 bytes,
 * or more if option 57 says so, is left out, the least needed first: option 61, then 12, 6 and 3; option 82 comes on top.
 */
size_t dhcp_encode(const struct dhcp_reply *, uint8_t packet[static DHCP_REPLY_MAX]);

#endif
