/* SPDX-License-Identifier: ISC */
/*
 * The directory of clients' roots, PATH_CLIENTS: who works on what, and what an interrupted work has left over. As root.
 *
 * A root is held by a lock (flock(2)) on its directory: disklessctl takes it to work on a root, asks the server to reload, and
 * waits until the root is attached no more; the server does not attach a root that is held. A lock ends with its process.
 */
#ifndef DISKLESS_CLIENTS_H
#define DISKLESS_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifest.h"

/*
 * The directory, locked: roots are made and changed one at a time. What was left over is removed, once a process. With wait false
 * it is not waited for: -1 then, as on errors, with why.
 */
int clients_lock(bool wait, char *why, size_t size);
/* Removes what the manifest of a client does not name. clients: of clients_lock(). */
int clients_tidy(int clients, const char *name, char *why, size_t size);

/*
 * Locks a client's root: to work on it, or, with attach, to attach it. A descriptor, -1 with errno: EWOULDBLOCK if somebody
 * works on it, ENOENT if there is none.
 */
int client_hold(const char *name, bool attach);
/* Does somebody work on it? */
bool client_is_held(const char *name);

/* Is the root of this client attached, whichever of its generations? */
bool client_attached(const struct client_manifest *);

/* Does any generation of any client use this version of an image? Also true if that cannot be told. */
bool clients_use_image(const char *image, uint32_t version);

#endif
