/* SPDX-License-Identifier: ISC */
/* What the files of root_make.h share: a generation that is being made. Included by nobody else. */
#ifndef DISKLESS_ROOT_STORE_H
#define DISKLESS_ROOT_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "attach.h"
#include "config.h"
#include "manifest.h"
#include "root_make.h"

struct making {
	struct client_manifest now;  /* in force when it began; name only if there is none */
	struct client_manifest next; /* of the generation that is being made */
	struct root_wish *wish;
	int clients; /* PATH_CLIENTS, locked */
	int home;    /* the directory of the client in it */
	char home_name[NAME_SIZE + 8];
	char home_path[PATH_SIZE];
	char work[PATH_SIZE];  /* below it: for mount points and other passing things */
	char directory[16];    /* of the new generation, below home; empty: none is being made */
	char upper[PATH_SIZE]; /* its upper.ext4 */
	bool first;            /* home is hidden until it is published */
	char *why;
	size_t size;
};

int making_failed(struct making *, const char *, ...) __attribute__((format(printf, 2, 3)));

/* Locks; reads what is in force, which must not be attached. With first there must be none. making_end() in any case. */
int making_begin(struct making *, const char *name, bool first);
/* The same for what changes no upper: it may be attached. */
int making_open(struct making *, const char *name);
/* Would as many bytes more leave enough of the disk free? 0, or -1 and why. */
int making_room(struct making *, uint64_t bytes);
/* Removes what was made if result is not 0, which it returns. */
int making_end(struct making *, int result);

/* The directory of a new generation: next.generation, directory and upper are set; next is else as now. */
int making_directory(struct making *);
/* next.fsid: one that no root had. */
int making_fsid(struct making *);
/* Writes down what the new generation is, in its directory. */
int making_describe(struct making *);
/* Puts next in force; now's generation is kept with its others, but for drop (or 0). What is not kept is removed. */
int making_publish(struct making *, uint32_t drop);
/* The same, but now stays in force and the new one is kept beside it. */
int making_publish_beside(struct making *);

/* root_build.c: the new generation's upper */
int build_fresh(struct making *, bool carry);
int build_copy(struct making *, uint32_t generation);
int build_resize(struct making *, uint64_t bytes);

#endif
