/* SPDX-License-Identifier: ISC */
/* What import is given, and the kinds of it. As root, on foreign bytes. */
#ifndef DISKLESS_IMAGE_SOURCE_H
#define DISKLESS_IMAGE_SOURCE_H

#include <sys/stat.h>

#include "image_make.h"

#define ORIGIN_HEAD 512

struct image_origin {
	const char *file;          /* as it was named */
	int fd;                    /* open for reading */
	struct stat st;            /* a regular file or a directory */
	uint8_t head[ORIGIN_HEAD]; /* its first bytes, zeros behind its end */
};

/* make() and fill() are those of struct image_source; their argument is the struct image_origin. */
struct image_kind {
	bool (*is)(const struct image_origin *);
	int (*make)(struct image_make *, void *origin);
	int (*fill)(struct image_make *, int root, void *origin);
};

extern const struct image_kind image_kind_disk; /* the rest: a raw disk image, or it is said why it is none */

#endif
