/* SPDX-License-Identifier: ISC */
/*
 * All transfers: a fixed number of them, found by the client's address and port, by their id, or by the next deadline; and
 * what is remembered of clients between their transfers. No memory is asked for, and no packet makes a search longer than
 * the bounds below.
 */
#ifndef DISKLESS_TFTP_TABLE_H
#define DISKLESS_TFTP_TABLE_H

#include "tftp_transfer.h"

#define TFTP_TRANSFERS  4096 /* a power of two */
#define TFTP_PER_CLIENT 16
#define TFTP_STRANGERS \
	(TFTP_TRANSFERS / 2) /* questions about addresses that are no client's yet: the rest is for clients */
#define TFTP_CLIENTS 4096
#define TFTP_SOCKETS 16

/* An address that was granted or refused a file by name: a client's. */
struct tftp_client {
	uint32_t address; /* 0: none */
	uint16_t port;    /* of its last transfer, which ended at ended */
	uint8_t socket;   /* for its next transfer: a new transfer identifier */
	uint64_t ended;
};

struct tftp_table {
	uint32_t seed;      /* of the hash: nobody outside can fill one bucket */
	uint16_t free;      /* a list, the latest first: its memory is warm */
	uint16_t count;     /* of transfers, which is also the heap's size */
	uint16_t strangers; /* of transfers */
	uint8_t sockets;    /* of them, 1 .. TFTP_SOCKETS */
	uint8_t socket;     /* for the next stranger */
	uint16_t bucket[TFTP_TRANSFERS];
	uint16_t heap[TFTP_TRANSFERS];
	struct tftp_transfer transfer[TFTP_TRANSFERS];
	struct tftp_client client[TFTP_CLIENTS]; /* each in its place; a newer one takes it */
};

void tftp_table_init(struct tftp_table *, uint32_t seed, unsigned sockets);

/* There is at most one for an address and port. NULL: none. */
struct tftp_transfer *tftp_table_find(struct tftp_table *, uint32_t address, uint16_t port);
/* The one that id was given to, if it still waits for an answer. */
struct tftp_transfer *tftp_table_waiting(struct tftp_table *, uint32_t id);
/* How many the address has; *oldest is the one that waited longest for nothing but its last ACK, or NULL. */
unsigned tftp_table_of(struct tftp_table *, uint32_t address, struct tftp_transfer **oldest);

/* A new one; its decisions are still zero. NULL: the table is full, or the client's share is, or the strangers'. */
struct tftp_transfer *tftp_table_add(struct tftp_table *, uint32_t address, uint16_t port);
void tftp_table_remove(struct tftp_table *, struct tftp_transfer *, uint64_t now);

/* After t->deadline has changed. Cheap: a later deadline is only looked at when the earlier one comes. */
void tftp_table_schedule(struct tftp_table *, struct tftp_transfer *);
/* One whose deadline has passed; NULL: none. The caller moves its deadline or removes it. */
struct tftp_transfer *tftp_table_due(struct tftp_table *, uint64_t now);
/* Not later than the next deadline; UINT64_MAX: there is none. */
uint64_t tftp_table_next(const struct tftp_table *);

/* The client at address, or NULL. */
struct tftp_client *tftp_table_client(struct tftp_table *, uint32_t address);
/* It is a client's. */
void tftp_table_remember(struct tftp_table *, struct tftp_transfer *);
void tftp_table_forget(struct tftp_table *, uint32_t address);

#endif
