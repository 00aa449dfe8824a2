/* SPDX-License-Identifier: ISC */
/* What import is given, and the kinds of it. As root, on foreign bytes. */
#ifndef DISKLESS_IMAGE_SOURCE_H
#define DISKLESS_IMAGE_SOURCE_H

#include <sys/stat.h>

#include "image_make.h"

#define ORIGIN_HEAD 512

struct image_origin {
	const char *file;          /* as it was named */
	int fd;                    /* open for reading; of what was packed in it, once that is unpacked */
	struct stat st;            /* a regular file or a directory */
	uint8_t head[ORIGIN_HEAD]; /* its first bytes, zeros behind its end */
	const struct image_kind *kind;
};

/* The functions are those of struct image_source. */
struct image_kind {
	bool (*is)(const struct image_origin *); /* NULL: it is taken for this if it is nothing else */
	int (*make)(struct image_make *, struct image_origin *);
	int (*fill)(struct image_make *, int root, struct image_origin *);
};

extern const struct image_kind image_kind_directory;
extern const struct image_kind image_kind_tar;
extern const struct image_kind image_kind_disk;

/* Looks at what origin->fd is: st and head. */
int image_origin_look(struct image_make *, struct image_origin *);
/* Is it packed: xz, gzip, zstd or zip? */
bool image_is_packed(const struct image_origin *);
/*
 * Unpacks it to a file in the work directory, which origin->fd then is. Whatever it says of itself, it is stopped before the
 * images' filesystem is full, and at a size that no disk image here has.
 */
int image_unpack(struct image_make *, struct image_origin *);

/* Writes to a file of holes, where blocks of zeros stay so; *stored, if any, counts the bytes that do not. -1 with errno. */
int image_write_sparse(int to, const char *bytes, size_t length, uint64_t at, uint64_t *stored);

#endif
