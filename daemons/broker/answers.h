/* SPDX-License-Identifier: ISC */
/* What the broker knows, and the rows in which it tells an operator. No I/O; now is the wall clock in ms, the caller's. */
#ifndef DISKLESS_ANSWERS_H
#define DISKLESS_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bindings.h"
#include "messages.h"
#include "sightings.h"
#include "timeline.h"

#define PROCESSES_MAX (1 + 2 * BINDINGS_NETWORKS_MAX)

struct facts {
	struct bindings *bindings;                         /* NULL until the first configuration is whole */
	struct msg_client_state *states;                   /* by client index */
	struct msg_process_state processes[PROCESSES_MAX]; /* phase 0: never heard of */
	struct msg_server_state server;
	struct sightings sightings;
	struct timelines timelines;
};

/* Replaces the configuration, and takes it; what is known of its clients stays. false: memory is out, nothing is changed. */
bool facts_configure(struct facts *, struct bindings *);
/* What the parent says; false: of a network or a client that cannot be. What is of another generation is passed over. */
bool facts_process(struct facts *, const struct msg_process_state *);
void facts_client(struct facts *, const struct msg_client_state *);
/* What dhcp and tftp say. */
void facts_seen(struct facts *, const struct msg_dhcp_seen *, uint64_t now);
void facts_done(struct facts *, uint32_t network, const struct msg_done *, uint64_t now);
/* A read by an address that is no client's: whose files did it ask for? */
void facts_stranger(struct facts *, const struct msg_read *, uint64_t now);
void facts_decided(struct facts *, const struct msg_neighbour *, const struct decision *, uint64_t now);
void facts_mounted(struct facts *, const struct msg_mounted *, uint64_t now);

/* May uid ask this? false: refusal is the answer. */
bool answer_allowed(const struct facts *, const struct msg_ctl_request *, uint32_t uid, struct msg_ctl_end *refusal);

/* Where an answer has got to. Zeroed at first. */
struct answer_cursor {
	uint32_t part;
	uint32_t boot;  /* of the client */
	size_t index;   /* in the part */
	uint64_t after; /* following: only boots that changed after this timelines.sequence */
};
struct answer_row {
	enum msg_type type;
	size_t size;
	union msg_payload body;
};
/* The next row; false: there are no more. Rows of one answer may be of two generations, if it takes long. */
bool answer_next(
    const struct facts *, const struct msg_ctl_request *, struct answer_cursor *, uint64_t now, struct answer_row *);

#endif
