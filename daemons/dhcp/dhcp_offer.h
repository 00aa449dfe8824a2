/* SPDX-License-Identifier: ISC */
/* Who gets an OFFER, when, and what the broker hears of it. No I/O and no clock: now is milliseconds, the caller's. */
#ifndef DISKLESS_DHCP_OFFER_H
#define DISKLESS_DHCP_OFFER_H

#include "dhcp_wire.h"

#define DHCP_CLIENTS_MAX 65536

/* The clients of one network, by MAC. Filled row by row, then sealed, then only asked. */
struct dhcp_client {
	uint8_t mac[MAC_SIZE];
	uint8_t boot;      /* enum boot_kind */
	uint64_t reported; /* when dhcp_report() last passed for it */
};
struct dhcp_table {
	struct msg_network network;
	struct dhcp_client *client;
	size_t count;
	size_t size;
};
/* NULL when memory is out. */
struct dhcp_table *dhcp_table_new(const struct msg_network *);
void dhcp_table_free(struct dhcp_table *);
/* false: memory is out, or DHCP_CLIENTS_MAX is reached. A client of another network is left out, which is success. */
bool dhcp_table_add(struct dhcp_table *, const struct msg_client *);
void dhcp_table_seal(struct dhcp_table *);

/* What a request says about the machine that sent it. */
struct dhcp_board {
	bool pi;
	enum board_model model;
	uint32_t revision; /* 0: not told */
	uint32_t serial;
	bool has_serial;
};
void dhcp_identify(const struct dhcp_request *, struct dhcp_board *);

struct dhcp_decision {
	bool offer;
	bool arp;         /* an ARP announcement right behind the offer */
	uint32_t delay;   /* of the offer */
	uint32_t verdict; /* enum dhcp_verdict for the broker; 0: not worth a word */
	struct dhcp_board board;
	struct dhcp_client *client; /* or NULL; the table's */
};
void dhcp_decide(const struct dhcp_table *, const struct dhcp_request *, struct dhcp_decision *);

/* Answers that wait. A board that asks again meanwhile gets its latest question answered, at the time that was set first. */
#define DHCP_QUEUE_MAX 256
struct dhcp_queue {
	size_t count;
	struct dhcp_waiting {
		uint64_t due;
		bool arp;
		struct dhcp_answer answer;
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

#endif
