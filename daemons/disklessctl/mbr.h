/* SPDX-License-Identifier: ISC */
/* The partition table of a Raspberry Pi style image: one FAT partition to boot from, one Linux partition as root. Pure. */
#ifndef DISKLESS_MBR_H
#define DISKLESS_MBR_H

#include <stddef.h>
#include <stdint.h>

#define MBR_SIZE 512

struct mbr_partition {
	uint64_t offset; /* bytes from the beginning of the image */
	uint64_t size;
	uint8_t type;
};

struct mbr {
	struct mbr_partition boot;
	struct mbr_partition root;
};

/*
 * The first sector of an image of image_size bytes. 0: both partitions lie inside the image, behind the table, and do not
 * overlap. -1 and why.
 */
int mbr_parse(const uint8_t sector[MBR_SIZE], uint64_t image_size, struct mbr *, char *why, size_t size);

#endif
