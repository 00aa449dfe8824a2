/* SPDX-License-Identifier: ISC */
/*
 * The little files that say what an image version and a client's root are: lines `key value`, written whole (beside, fsync,
 * rename), read whole, unknown keys refused. Both are ours (root's); they are still checked like foreign input.
 */
#ifndef DISKLESS_MANIFEST_H
#define DISKLESS_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "messages.h"

struct image_manifest {
	char name[NAME_SIZE];
	uint32_t version;
	char digest[65];        /* sha256 of image.ext4, hex */
	uint64_t size;          /* bytes of image.ext4 */
	char boot[PATH_SIZE];   /* the boot directory in the tree: /boot/firmware or /boot */
	char kernel[PATH_SIZE]; /* kernel file names found there, space between; may be empty */
	char origin[PATH_SIZE]; /* the file it was made of */
	char origin_digest[65]; /* sha256 of that; - for a directory */
	char made[32];          /* 2026-11-23T20:00:00Z */
	/* What a recipe has; empty and 0 without one, and then not in the file. */
	char recipe[65];       /* sha256 of the file recipe beside the manifest */
	char tree[65];         /* sha256 of its tree, as disklessctl(8) says */
	char architecture[16]; /* arm64, armhf, amd64; empty if no program of it was run */
	uint64_t epoch;        /* SOURCE_DATE_EPOCH: no file is newer */
};

#define GENERATIONS_MAX  16 /* of a client, beside the one in force */
#define GENERATIONS_TEXT 192

/*
 * PATH_CLIENTS/NAME/manifest: the generation in force and the others that are kept. Its rename is what puts another generation in
 * force; a directory of a generation that it does not name is left over. PATH_CLIENTS/NAME/G/manifest: what generation G is.
 */
struct client_manifest {
	char name[NAME_SIZE];
	char image[NAME_SIZE];
	uint32_t version;            /* of the image that its upper belongs to */
	uint32_t fsid;               /* of its export; unique on this server, never reused */
	uint64_t quota;              /* bytes: the size of upper.ext4 */
	uint32_t inodes;             /* that it was made with; 0: as many as mke2fs(8) makes of that size */
	uint32_t generation;         /* from 1 */
	uint32_t previous;           /* the one in force before, if it is kept; or 0 */
	char kept[GENERATIONS_TEXT]; /* the others: "1,3", or "-" */
	char label[NAME_SIZE];       /* of a snapshot, or "-" */
	char made[32];               /* 2026-11-23T20:00:00Z */
};
/* The numbers of kept, ascending; how many. And back. */
size_t client_kept(const struct client_manifest *, uint32_t generation[GENERATIONS_MAX]);
void client_keep(struct client_manifest *, const uint32_t *generation, size_t count);

/* 0, or -1 and why (size bytes) names file, line and what would be right. */
int image_manifest_read(const char *name, uint32_t version, struct image_manifest *, char *why, size_t size);
int image_manifest_write(int directory, const struct image_manifest *, char *why, size_t size);
int client_manifest_read(const char *name, struct client_manifest *, char *why, size_t size);
/* Of one generation. */
int client_generation_read(const char *name, uint32_t generation, struct client_manifest *, char *why, size_t size);
int client_manifest_write(int directory, const struct client_manifest *, char *why, size_t size);
/* The newest version of an image that is whole, or 0. */
uint32_t image_newest(const char *name);

/* The bytes of the files, without a file: place is what errors begin with. Printing gives a malloc()ed text, or NULL and why. */
int image_manifest_parse(
    const char *place, const char *text, size_t length, struct image_manifest *, char *why, size_t size);
int client_manifest_parse(
    const char *place, const char *text, size_t length, struct client_manifest *, char *why, size_t size);
char *image_manifest_print(const struct image_manifest *, char *why, size_t size);
char *client_manifest_print(const struct client_manifest *, char *why, size_t size);

#endif
