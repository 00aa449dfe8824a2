/* SPDX-License-Identifier: ISC */
/*
 * A client's root on disk and its generations: /var/lib/diskless/clients/NAME/{manifest,G/{upper.ext4,manifest}}. As root; one at a
 * time on a machine. What is made is made beside; the rename of NAME/manifest puts it in force. Whatever fails or is killed before
 * leaves the generation that was in force, and a directory that the next one removes.
 *
 * All return 0, or -1 and why. All but root_make() are refused while the root is attached: hold it (hold.h).
 */
#ifndef DISKLESS_ROOT_MAKE_H
#define DISKLESS_ROOT_MAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "manifest.h"

#define EARLIER_MAX   2 /* generations without a label that are kept beside the one in force: the latest */
#define SNAPSHOTS_MAX 8 /* generations with one */

/* What a generation is made for. */
struct root_wish {
	const struct config_client *client;
	uint64_t low_water;       /* bytes that stay free on the disk; 0: a twentieth of it, at most 4G */
	uint32_t version;         /* of client->image; 0: its newest */
	char note[2 * TEXT_SIZE]; /* out: what the operator should know of, or empty */
};

/*
 * The first: an empty upper of the client's quota over the newest version of its image, with an fsid that no other root had; attached
 * once in a mount namespace of its own, which shows that the kernel takes it, and given the client's personal files.
 */
int root_make(struct root_wish *, char *why, size_t size);
/* The same over the version that it has. The generation before is kept, unless it is to be purged. */
int root_reset(struct root_wish *, bool purge, char *why, size_t size);
/* The same over another version, with what the client keeps carried over. */
int root_upgrade(struct root_wish *, char *why, size_t size);
/* A copy of the upper of the client's quota; the one before goes. Refused if it holds more. */
int root_resize(struct root_wish *, char *why, size_t size);
/* A copy of the upper that is kept under a label. */
int root_snapshot(struct root_wish *, const char *label, char *why, size_t size);
/* Puts in force a copy of a snapshot, or an earlier generation itself (by its number); to NULL: the one in force before. */
int root_rollback(struct root_wish *, const char *to, char *why, size_t size);
/* Removes a snapshot or an earlier generation; which NULL: all earlier generations, but no snapshot. */
int root_prune(struct root_wish *, const char *which, char *why, size_t size);
/* Removes it all. Not there is success. */
int root_destroy(const char *name, char *why, size_t size);

#endif
