/* SPDX-License-Identifier: ISC */
/* A client's root on disk: /var/lib/diskless/clients/NAME/{upper.ext4,manifest}. As root; one at a time on a machine. */
#ifndef DISKLESS_ROOT_MAKE_H
#define DISKLESS_ROOT_MAKE_H

#include <stddef.h>

#include "config.h"

/*
 * An empty upper of the client's quota over the newest version of its image, with an fsid that no other root had; attached once
 * in a mount namespace of its own, which shows that the kernel takes it, and given the client's host name. 0; -1 and why, and
 * nothing is left behind.
 */
int root_make(const struct config_client *, char *why, size_t size);
/* Removes it. Refused while it is attached. Not there is success. */
int root_destroy(const char *name, char *why, size_t size);

#endif
