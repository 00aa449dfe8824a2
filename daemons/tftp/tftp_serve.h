/* SPDX-License-Identifier: ISC */
/*
 * All transfers together: which packet belongs to which, who gets an answer at all, and what happens when. No I/O and no
 * clock: what is to be done is asked of an edge, which tftp.c and the tests each have one of.
 */
#ifndef DISKLESS_TFTP_SERVE_H
#define DISKLESS_TFTP_SERVE_H

#include "tftp_table.h"

#define TFTP_STRAY_BURST 100   /* answers a second, in all, to packets that belong to no transfer */
#define TFTP_LATE_MS     10000 /* a packet of a transfer that ended is no stranger's for so long */

/* Where a packet came from, and on which of our sockets. */
struct tftp_peer {
	uint32_t address;
	uint16_t port;  /* in the host's order */
	uint8_t socket; /* of the transfers' */
};

struct tftp_edge {
	/* Asks the broker, now or when it is back. false: there is no room for the question. */
	bool (*ask)(void *, const struct tftp_transfer *);
	/* Sends the OACK, or blocks: those it sets last and to of a translated file by. false: the file failed us. */
	bool (*send)(void *, struct tftp_transfer *, const struct tftp_action *);
	void (*error)(void *, const struct tftp_peer *, enum tftp_error);
	/* Hands in, by tftp_serve_reply(), what lies in a transfer socket unread. */
	void (*drain)(void *, unsigned socket);
	/* It is over: close its file; report is 0 or an enum done_status for the broker. */
	void (*finish)(void *, struct tftp_transfer *, uint32_t report, uint64_t now);
};

struct tftp_counts {
	uint64_t full;       /* requests dropped for want of room */
	uint64_t starved;    /* and for want of a descriptor */
	uint64_t unanswered; /* neither the broker nor the parent answered */
};

struct tftp_server {
	struct tftp_table table;
	struct tftp_counts counts;
	const struct tftp_edge *edge;
	void *argument;
	uint32_t mtu;
	uint64_t stray_second; /* of the count below */
	uint32_t strays;
};

void tftp_serve_init(
    struct tftp_server *, const struct tftp_edge *, void *argument, uint32_t seed, unsigned sockets, uint32_t mtu);

/* A packet to port 69; peer->socket is not looked at. */
void tftp_serve_request(
    struct tftp_server *, const struct tftp_peer *, const uint8_t *packet, size_t size, uint64_t now);
/* A packet to a transfer socket. */
void tftp_serve_reply(struct tftp_server *, const struct tftp_peer *, const uint8_t *packet, size_t size, uint64_t now);

/* The broker's and the parent's answers. true: fd is the transfer's now. */
void tftp_serve_refused(struct tftp_server *, const struct msg_refuse *, uint64_t now);
bool tftp_serve_file(struct tftp_server *, const struct msg_file *, int fd, uint64_t now);
/* A new broker: what waits is asked anew. */
void tftp_serve_ask_again(struct tftp_server *);

/* Everything that is due. When to call again: tftp_table_next(). */
void tftp_serve_time(struct tftp_server *, uint64_t now);

#endif
