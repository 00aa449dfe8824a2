/* SPDX-License-Identifier: ISC */
/* Who is who in one generation of the configuration, and what may be read. No I/O, no clock. */
#ifndef DISKLESS_BINDINGS_H
#define DISKLESS_BINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access.h"
#include "messages.h"

#define BINDINGS_NETWORKS_MAX 256
#define BINDINGS_CLIENTS_MAX  65536

/* Clients by one of their numbers, sorted. */
struct binding {
	uint64_t key;
	uint32_t client;
};

struct bindings {
	uint32_t generation;
	struct access_view view;
	/* private */
	struct msg_config_begin announced;
	struct msg_network *networks;
	struct msg_client *clients;
	struct binding *by_address;
	struct binding *by_mac;
	struct binding *by_serial;
	size_t serials;
};

/* A generation arrives: begin, every network, every client, end. NULL or false, and why, if it is not as it must be. */
struct bindings *bindings_begin(const struct msg_config_begin *, const char **why);
bool bindings_network(struct bindings *, const struct msg_network *, const char **why);
bool bindings_client(struct bindings *, const struct msg_client *, const char **why);
bool bindings_end(struct bindings *, const struct msg_config_end *, const char **why);
void bindings_free(struct bindings *);

/* NULL: none. */
const struct msg_client *bindings_at(const struct bindings *, uint32_t network, uint32_t address);
const struct msg_client *bindings_by_mac(const struct bindings *, uint32_t network, const uint8_t mac[static MAC_SIZE]);
/* Whose prefix (serial or MAC with dashes) does this path begin with? */
const struct msg_client *bindings_named(const struct bindings *, uint32_t network, const char *path);
/* The client of an index that came with a generation. */
const struct msg_client *bindings_client_of(const struct bindings *, uint32_t client, uint32_t generation);

/* What becomes of a read whose neighbour is known: open is for the parent, or refuse is for tftp. */
struct decision {
	enum access_verdict verdict;
	const struct msg_client *client; /* whose address asked, or NULL */
	bool grant;
	struct msg_open open;
	struct msg_refuse refuse;
};
void bindings_decide(const struct bindings *, const struct msg_neighbour *, struct decision *);
/* The refusal of a verdict. */
void bindings_refuse(enum access_verdict, uint32_t id, struct msg_refuse *);

#endif
