/* SPDX-License-Identifier: ISC */
/*
 * The names in a cpio archive, as it comes: format "newc" (Documentation/driver-api/early-userspace/buffer-format.rst), archives one
 * behind the other with zeros between. Pure; the bytes are foreign: nothing of them is kept but a name of bounded length.
 */
#ifndef DISKLESS_CPIO_H
#define DISKLESS_CPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CPIO_HEADER 110
#define CPIO_NAME   1024

struct cpio {
	void (*entry)(void *, const char *name);
	void *argument;
	const char *why; /* it is damaged; NULL: not yet */
	int state;
	uint64_t have; /* bytes of what state reads */
	uint64_t name_size, data_size;
	char bytes[CPIO_NAME];
};

void cpio_begin(struct cpio *, void (*entry)(void *, const char *name), void *argument);
/*
 * How many of the bytes it took: fewer than length if an archive is at its end and no other follows but something else, packed most
 * likely. -1: why.
 */
ssize_t cpio_feed(struct cpio *, const uint8_t *bytes, size_t length);
/* Is it between archives, where an end is right? */
bool cpio_between(const struct cpio *);

#endif
