/* SPDX-License-Identifier: ISC */
/*
 * Who may read and mount what. Pure functions of the configuration and the question, no I/O: the broker decides with
 * them, the parent checks each request of the broker's with them again.
 */
#ifndef DISKLESS_ACCESS_H
#define DISKLESS_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"

/* The clients and networks of one configuration. Borrowed. */
struct access_view {
	const struct msg_network *networks;
	size_t network_count;
	const struct msg_client *clients;
	size_t client_count;
};

enum access_verdict {
	ACCESS_GRANTED,
	ACCESS_NO_CLIENT,  /* no client has that address on that network: nothing at all */
	ACCESS_WRONG_MAC,  /* a client's address, held by another MAC (or by none that is known) */
	ACCESS_FOREIGN,    /* the path names another client */
	ACCESS_BAD_PATH,   /* "..", empty, a byte that is no text, too long */
	ACCESS_NOT_SERVED, /* that client boots from a card, not from the network */
};

/*
 * May the machine at (network, address, mac) read path? mac NULL: the kernel knows none. Path as requested: leading '/'
 * and repeated '/' count as nothing, '\\' is an ordinary byte. A first component that is a serial (8 hex digits) or a MAC with
 * dashes must be the client's own, in either case, and is taken off. On ACCESS_GRANTED *client is the client and rest (size
 * PATH_SIZE) the path below its boot directory, never empty, without "." and ".." components. Otherwise rest is empty, and
 * *client is whose address it is, for the count of refusals, or NULL.
 */
enum access_verdict access_read(const struct access_view *, uint32_t network, uint32_t address, const uint8_t *mac,
    const char *path, const struct msg_client **client, char rest[static PATH_SIZE]);

/* May the root of this client be exported to this address? Only to its own, one literal address, and only an NFS root. */
bool access_export(const struct access_view *, const struct msg_client *client, uint32_t address);

const char *access_text(enum access_verdict);

#endif
