/* SPDX-License-Identifier: ISC */
/* Is an image what its manifest says? Its bytes are read whole for that, so it is done once a boot of the server and remembered. */
#ifndef DISKLESS_IMAGE_VERIFY_H
#define DISKLESS_IMAGE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifest.h"

/*
 * Compares the SHA-256 of a version with its manifest's; unless again, not if that was right since the server was started and the
 * file has not changed since (size, times, inode). -1 and why: it is another, or cannot be read.
 */
int image_verify(const char *name, uint32_t version, bool again, char *why, size_t size);
/* Its digest has been computed just now, by who made it. */
void image_verified(const struct image_manifest *);

#endif
