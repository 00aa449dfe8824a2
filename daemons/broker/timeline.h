/* SPDX-License-Identifier: ISC */
/* The boots of clients: how far each came, when, and what an operator should look at. No I/O; now is the wall clock in ms, the caller's. */
#ifndef DISKLESS_TIMELINE_H
#define DISKLESS_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bindings.h"
#include "messages.h"

#define TIMELINE_BOOTS 4 /* kept for each client */
#define WANTED_SIZE    48

/* What went wrong last, apart from standing still. */
enum trouble {
	TROUBLE_NONE,
	TROUBLE_FOREIGN,    /* asked for files of client other */
	TROUBLE_BAD_PATH,   /* asked for what is no path of a file */
	TROUBLE_NOT_SERVED, /* asked, but boots from its card */
	TROUBLE_NOT_OPENED, /* the parent did not open it: a link that leads out, a device */
};

struct boot {
	uint64_t at[STEPS]; /* enum boot_step */
	uint64_t last;      /* its latest event */
	uint64_t bytes;
	uint32_t step;
	uint32_t offers;
	uint32_t asked;
	uint32_t files;
	uint32_t missing;
	uint32_t refused;
	uint32_t retransmits;
	uint32_t had;         /* classes of files that were sent: bits */
	uint32_t wanted;      /* the class of the file below plus one; 0: none */
	uint32_t failed;      /* enum done_status of the latest transfer, if it was cut off; else 0 */
	uint32_t elsewhere;   /* the address that its files were asked for from, if it is not its own */
	enum trouble trouble; /* the latest */
	uint32_t dhcp_fault;  /* enum dhcp_verdict behind SEEN_NOT_SERVED, or 0 */
	uint32_t given;       /* SEEN_OTHER_ADDRESS: which */
	uint32_t given_by;    /* and by whom, or 0 */
	bool held;            /* its address by another MAC, or by one that nobody knows */
	bool held_known;
	bool stalled; /* when timelines_age() looked last */
	uint8_t holder[MAC_SIZE];
	char other[NAME_SIZE];
	char wanted_file[WANTED_SIZE]; /* the first one that was asked for and was not there */
	char file[PATH_SIZE];          /* made visible */
};

/* One client's. */
struct timeline {
	uint64_t last_seen;
	uint64_t changed; /* grows with each change of the newest boot: see timelines.sequence */
	uint32_t newest;
	uint32_t count;
	struct boot boot[TIMELINE_BOOTS];
};

/* By client index; NULL until the client does something. */
struct timelines {
	struct timeline **of;
	size_t count;
	uint64_t sequence;
};

/* Another configuration: a client that keeps its name keeps its boots. false: memory is out, nothing is changed. */
bool timelines_configured(struct timelines *, const struct bindings *old, const struct bindings *now);

void timeline_seen(struct timelines *, const struct msg_client *, const struct msg_dhcp_seen *, uint64_t now);
/* A read that was granted. */
void timeline_read(struct timelines *, const struct msg_client *, const char *path, uint64_t now);
/* A read that was not; mac: who holds the address, NULL if nobody knows; other: whose files it asked for, or NULL. */
void timeline_refused(struct timelines *, const struct msg_client *, enum access_verdict, const uint8_t *mac,
    const struct msg_client *other, uint64_t now);
/* Somebody asked for this client's files from an address that is no client's. */
void timeline_elsewhere(struct timelines *, const struct msg_client *, uint32_t address, uint64_t now);
/* granted: would the broker have granted it? Then a refusal was the parent's, and was not counted yet. */
void timeline_done(struct timelines *, const struct msg_client *, const struct msg_done *, bool granted, uint64_t now);
void timeline_mounted(struct timelines *, const struct msg_client *, uint64_t now);

/* Marks as changed the boots that have come to a standstill since. */
void timelines_age(struct timelines *, const struct bindings *, uint64_t now);

/* NULL: nothing yet. */
const struct timeline *timeline_of(const struct timelines *, uint32_t client);
/* number 0: the newest. NULL: there are not so many. */
const struct boot *timeline_boot(const struct timeline *, unsigned number);

/* What the fault of a boot depends on, besides itself. */
struct timeline_context {
	const struct msg_client *client;
	const struct msg_client_state *state;
	const struct msg_server_state *server;
};
bool timeline_stalled(const struct boot *, const struct msg_client *, uint64_t now);
void timeline_row(const struct boot *, const struct timeline_context *, uint64_t now, struct msg_ctl_boot *);

#endif
