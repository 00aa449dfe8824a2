/* SPDX-License-Identifier: ISC */
/*
 * The classic partition table, as the PC has it since 1983: four entries of 16 bytes at 446 (status, CHS, type, CHS, first
 * sector, sectors; little endian), 55 aa at 510. Foreign bytes: every bound is checked, nothing is guessed.
 */
#include "mbr.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ENTRIES    4
#define ENTRY_AT   446
#define ENTRY_SIZE 16
#define SECTOR     512

struct type {
	uint8_t type;
	char kind; /* b: boot, r: root */
};

static const struct type types[] = {
	{ 0x01, 'b' }, /* FAT12 */
	{ 0x04, 'b' }, /* FAT16, below 32 MiB */
	{ 0x06, 'b' }, /* FAT16 */
	{ 0x0b, 'b' }, /* FAT32 */
	{ 0x0c, 'b' }, /* FAT32, LBA */
	{ 0x0e, 'b' }, /* FAT16, LBA */
	{ 0x83, 'r' }, /* Linux */
};

struct reason {
	uint8_t type;
	const char *text;
};

static const struct reason reasons[] = {
	{ 0xee, "this is a GPT disk; an image of a Raspberry Pi OS has an MBR" },
	{ 0x05, "extended partitions are not read" },
	{ 0x0f, "extended partitions are not read" },
	{ 0x85, "extended partitions are not read" },
};

static uint32_t
little32(const uint8_t *b)
{
	return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

/* The place for a partition of this type: NULL and why if it has none, or is taken. */
static struct mbr_partition *
place_of(struct mbr *mbr, unsigned number, uint8_t type, char *why, size_t size)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].type == type) {
			snprintf(why, size, "partition %u has type 0x%02x: %s", number, type, reasons[i].text);
			return NULL;
		}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct mbr_partition *place = types[i].kind == 'b' ? &mbr->boot : &mbr->root;

		if (types[i].type != type)
			continue;
		if (place->size == 0)
			return place;
		snprintf(why, size, "partition %u is a second %s partition; there should be one", number,
		    types[i].kind == 'b' ? "FAT" : "Linux");
		return NULL;
	}
	snprintf(why, size, "partition %u has type 0x%02x; there should be one FAT and one Linux (0x83) partition",
	    number, type);
	return NULL;
}

static int
parse_entry(const uint8_t *entry, unsigned number, uint64_t image_size, struct mbr *mbr, char *why, size_t size)
{
	uint64_t start = (uint64_t)little32(entry + 8) * SECTOR, length = (uint64_t)little32(entry + 12) * SECTOR;
	struct mbr_partition *place;

	if (entry[4] == 0)
		return 0;
	if ((entry[0] & 0x7f) != 0) {
		snprintf(why, size, "partition %u has status 0x%02x; a table has 0x00 or 0x80 there", number, entry[0]);
		return -1;
	}
	place = place_of(mbr, number, entry[4], why, size);
	if (place == NULL)
		return -1;
	if (start == 0 || length == 0) {
		snprintf(why, size, "partition %u begins at sector 0 or has no sectors", number);
		return -1;
	}
	if (start + length > image_size) {
		snprintf(why, size,
		    "partition %u ends at byte %" PRIu64 ", but the image has %" PRIu64 " bytes; was it cut short?",
		    number, start + length, image_size);
		return -1;
	}
	*place = (struct mbr_partition){ start, length, entry[4] };
	return 0;
}

static bool
overlap(const struct mbr_partition *a, const struct mbr_partition *b)
{
	return a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

int
mbr_parse(const uint8_t sector[MBR_SIZE], uint64_t image_size, struct mbr *mbr, char *why, size_t size)
{
	memset(mbr, 0, sizeof(*mbr));
	if (image_size < MBR_SIZE || sector[510] != 0x55 || sector[511] != 0xaa) {
		snprintf(why, size, "no partition table (55 aa at byte 510); it should be a raw disk image");
		return -1;
	}
	for (unsigned i = 0; i < ENTRIES; i++)
		if (parse_entry(sector + ENTRY_AT + i * ENTRY_SIZE, i + 1, image_size, mbr, why, size) == -1)
			return -1;
	if (mbr->boot.size == 0 || mbr->root.size == 0) {
		snprintf(why, size, "no %s partition; there should be one FAT and one Linux (0x83) partition",
		    mbr->boot.size == 0 ? "FAT" : "Linux");
		return -1;
	}
	if (overlap(&mbr->boot, &mbr->root)) {
		snprintf(why, size, "the FAT and the Linux partition overlap");
		return -1;
	}
	return 0;
}
