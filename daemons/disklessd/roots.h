/* SPDX-License-Identifier: ISC */
/* One client's root as the parent holds it: for roots.c, which attaches and detaches, and roots_look.c, which looks at them. */
#ifndef DISKLESS_ROOTS_H
#define DISKLESS_ROOTS_H

#include "disklessd.h"

#include <sys/queue.h>

#include "manifest.h"

struct root {
	TAILQ_ENTRY(root) next;
	char name[NAME_SIZE];
	struct client_manifest manifest;
	struct attach_paths paths;
	char boot[PATH_SIZE];
	bool known; /* manifest and paths are read */
	bool attached;
	bool held;       /* disklessctl works on it; it is attached when that ends */
	bool dirty;      /* a board has used it since it was made: it is discarded at the next boot, if it is to be */
	bool discarding; /* now: its export goes, it is detached, replaced and attached */
	bool configured; /* false: it is on its way out */
	bool try_again;  /* text or not */
	bool listed;     /* in the export lines last given out */
	bool exported;   /* and in force */
	struct restless restless;
	bool connected;   /* its address has a connection to nfsd */
	uint32_t address; /* that it was exported to last */
	uint32_t client;  /* index in the configuration, while configured */
	uint64_t attached_at;
	unsigned errors;   /* of its filesystem, after which it could be written all the same */
	uint64_t flush_at; /* clock, while it cannot be detached; 0: it was not tried */
	uint64_t flush_ms;
	uint64_t told_used;   /* bytes */
	char text[TEXT_SIZE]; /* why it is not attached */
	char note[TEXT_SIZE]; /* what is not as the configuration says, though it is served */
};

TAILQ_HEAD(root_list, root);
extern struct root_list roots;

/* ---- roots.c ---- */

/* NULL: there is none of this name. */
struct root *root_find(const char *name);
/* It is not served as it should be, and why: logged once. */
void root_failed(struct root *, const char *why);
/* The broker and, through it, the operator are told its state. */
void root_tell(struct root *);
/* Something may be done: attach, detach, discard; from the loop. */
void roots_work(void);

/* ---- roots_look.c ---- */

void roots_look_init(struct server *);
/* What is mounted but not in the list: roots of no client any more, and of whoever was ended before it detached them. */
void roots_take_over(void);

#endif
