/* SPDX-License-Identifier: ISC */
/*
 * The partitions of a disk image: the PC's table (MBR) with its logical ones, or a GUID partition table. Foreign bytes, so every
 * bound is checked and nothing is guessed. Pure: what is on the disk comes by a function.
 */
#ifndef DISKLESS_PARTITIONS_H
#define DISKLESS_PARTITIONS_H

#include <stddef.h>
#include <stdint.h>

#define SECTOR_SIZE    512
#define PARTITIONS_MAX 128

enum partition_kind {
	PARTITION_OTHER,
	PARTITION_FAT,      /* what firmware boots from */
	PARTITION_LINUX,    /* a filesystem of Linux: which is not said */
	PARTITION_ROOT,     /* GPT says that it is the root */
	PARTITION_BOOT,     /* GPT says that it is /boot alone (XBOOTLDR) */
	PARTITION_EXTENDED, /* holds the logical ones */
};

struct partition {
	uint64_t offset; /* bytes from the beginning of the image */
	uint64_t size;
	unsigned number; /* as Linux counts: 1 to 4, logical ones from 5 */
	enum partition_kind kind;
};

struct partitions {
	struct partition list[PARTITIONS_MAX];
	unsigned count;
};

struct disk_reader {
	uint64_t size; /* of the image */
	/* Exactly so many bytes, or -1. Never asked for what lies beyond the end. */
	int (*read)(const struct disk_reader *, uint64_t offset, void *bytes, size_t length);
	const void *argument;
};

/* 0: all partitions lie inside the image, behind the table, and apart (but logical ones in theirs). -1 and why. */
int partitions_read(const struct disk_reader *, struct partitions *, char *why, size_t size);

/* The one FAT partition, or NULL if there is none, and the one root. -1 and why, if it is not clear which. */
int partitions_choose(
    const struct partitions *, const struct partition **boot, const struct partition **root, char *why, size_t size);

/*
 * What a disk, or a partition, holds that we read not, by its first bytes (FOREIGN_HEAD of them, zeros behind the end): "a btrfs
 * filesystem; only ext4 is read"; NULL if none of these.
 */
#define FOREIGN_HEAD 66000
const char *foreign_content(const uint8_t head[FOREIGN_HEAD]);

#endif
