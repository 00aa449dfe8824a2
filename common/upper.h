/* SPDX-License-Identifier: ISC */
/* Files of uppers. As root, while they are attached nowhere. */
#ifndef DISKLESS_UPPER_H
#define DISKLESS_UPPER_H

#include <stddef.h>

#include "manifest.h"

#define UPPER_FRESH "fresh.ext4" /* beside the upper.ext4 of a client with `persistence discard`: as it was made */

/* Copies a file to an empty one: shared where the filesystem can, else what is data in it. -1 with errno. */
int upper_copy(int to, int from);
/* Puts a copy of the fresh one in the place of the upper in force, which is gone then. 0; -1 and why. */
int upper_discard(const struct client_manifest *, char *why, size_t size);

#endif
