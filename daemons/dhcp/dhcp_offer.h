/* SPDX-License-Identifier: ISC */
/* Who gets an OFFER, when, and what the broker hears of it. No I/O and no clock: now is milliseconds, the caller's. */
#ifndef DISKLESS_DHCP_OFFER_H
#define DISKLESS_DHCP_OFFER_H

#include "dhcp_frame.h"
#include "dhcp_table.h"
#include "dhcp_wire.h"

/* What a request says about the machine that sent it. */
struct dhcp_board {
	bool pi;
	enum board_model model;
	uint32_t revision; /* 0: not told */
	uint32_t serial;
	bool has_serial;
};
void dhcp_identify(const struct dhcp_request *, struct dhcp_board *);

/* Where a request came from: the port of ours that it came to, and its source. */
struct dhcp_origin {
	uint16_t our_port;
	uint16_t port;
	uint32_t address;
};

struct dhcp_decision {
	bool answer;
	bool arp;               /* an ARP announcement right behind the answer */
	bool relay_refused;     /* it came by a relay that is not of this network */
	uint32_t delay;         /* of the answer */
	uint32_t verdict;       /* enum dhcp_verdict for the broker; 0: not worth a word */
	uint32_t other_address; /* what a verdict is about: see msg_dhcp_seen */
	uint32_t other_server;
	struct dhcp_board board;
	struct dhcp_client *client; /* or NULL; the table's */
	struct dhcp_reply reply;    /* if there is an answer; it points into the table and the request */
};
void dhcp_decide(
    const struct dhcp_table *, const struct dhcp_request *, const struct dhcp_origin *, struct dhcp_decision *);

/* An answer on its way. Of a frame, the headers are in bytes, too. */
struct dhcp_packet {
	uint8_t way; /* enum dhcp_way */
	uint8_t mac[MAC_SIZE];
	uint16_t our_port;
	uint16_t port;
	uint32_t address;
	size_t size; /* of the DHCP in it */
	uint8_t bytes[DHCP_FRAME_HEADER + DHCP_REPLY_MAX];
};
void dhcp_pack(const struct dhcp_reply *, struct dhcp_packet *);

/* Answers that wait. A board that asks again meanwhile gets its latest question answered, at the time that was set first. */
#define DHCP_QUEUE_MAX 256
struct dhcp_queue {
	size_t count;
	struct dhcp_waiting {
		uint64_t due;
		bool arp;
		struct dhcp_packet packet;
	} waiting[DHCP_QUEUE_MAX];
};
/* false: full, and dropped; the board will ask again. */
bool dhcp_queue_put(struct dhcp_queue *, const struct dhcp_waiting *);
/* Takes one that is due. */
bool dhcp_queue_take(struct dhcp_queue *, uint64_t now, struct dhcp_waiting *);
/* When the next one is due; UINT64_MAX: none waits. */
uint64_t dhcp_queue_next(const struct dhcp_queue *);

/*
 * May the broker hear of this now? Once a second for each client, and for the rest of the world once a second for each of
 * DHCP_STRANGERS groups of MACs, so that no flood fills the pipe or hides a client. seed keeps the groups unpredictable.
 */
#define DHCP_STRANGERS 256
#define DHCP_REPORT_MS 1000
struct dhcp_reports {
	uint32_t seed;
	uint64_t stranger[DHCP_STRANGERS];
};
bool dhcp_report(struct dhcp_reports *, struct dhcp_client *, const uint8_t mac[static MAC_SIZE], uint64_t now);
/* The same for what is wrong with a client, which must not be lost behind its own DISCOVER. */
bool dhcp_report_fault(struct dhcp_client *, uint64_t now);

#endif
