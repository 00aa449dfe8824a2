/* SPDX-License-Identifier: ISC */
/*
 * DHCP packets as bytes and as structs (RFC 2131, 2132, 3396, 4578). Pure: no I/O, no clock, no memory of its own.
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
#define DHCP_PACKET_MAX  2048 /* longer ones are dropped: no board sends more than 548 bytes (RFC 2131, option 57) */
#define DHCP_OFFER_MIN   300  /* a BOOTP packet (RFC 951) */
#define DHCP_OFFER_MAX   320
#define DHCP_ARP_SIZE    28
#define DHCP_MACHINE_ID  17 /* type 0 and 16 bytes (RFC 4578) */

enum dhcp_type { DHCP_TYPE_DISCOVER = 1, DHCP_TYPE_OFFER = 2, DHCP_TYPE_REQUEST = 3 };

struct dhcp_request {
	uint32_t xid;
	uint16_t secs;
	uint16_t flags;
	uint32_t ciaddr;
	uint32_t giaddr;
	uint32_t server_id;    /* option 54, or 0 */
	uint16_t arch;         /* the first of option 93, or 0: every Pi says 0 */
	uint8_t mac[MAC_SIZE]; /* chaddr: one machine's, never a group's */
	uint8_t type;          /* option 53, any value */
	uint8_t parameters;    /* how many of them option 55 asks for */
	bool has_machine_id;
	uint8_t machine_id[DHCP_MACHINE_ID]; /* option 97, if it is of exactly this length */
	uint8_t vendor_length;
	uint8_t vendor[NAME_SIZE]; /* option 60, or the first bytes of it; any bytes, no NUL behind them */
};

/*
 * One request out of a packet. Refused, with *why: a reply, a link layer that is not Ethernet (htype 1, hlen 6), no cookie, an
 * option that runs past its field, no message type. Taken as they come: a missing END, PADs, options in file and sname
 * (option 52), options in several parts (joined), unknown ones.
 */
bool dhcp_decode(const uint8_t *packet, size_t size, struct dhcp_request *, const char **why);

/* What differs from one OFFER to the next. */
struct dhcp_answer {
	uint32_t xid;
	uint16_t flags; /* of the request */
	bool has_machine_id;
	uint8_t machine_id[DHCP_MACHINE_ID];
	uint8_t mac[MAC_SIZE];
};
void dhcp_answer(const struct dhcp_request *, struct dhcp_answer *);

/*
 * The proxy OFFER that every Pi is known to take: broadcast flag, no address, server for siaddr and option 54, then options
 * 60, 97 (echoed) and 43 (boot menu); no PAD before END. Returns its size.
 */
size_t dhcp_encode_offer(const struct dhcp_answer *, uint32_t server, uint8_t packet[static DHCP_OFFER_MAX]);

/* An ARP announcement (RFC 5227) of address at mac, without its Ethernet header. */
void dhcp_encode_arp(const uint8_t mac[static MAC_SIZE], uint32_t address, uint8_t packet[static DHCP_ARP_SIZE]);

#endif
