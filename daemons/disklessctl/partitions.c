/* SPDX-License-Identifier: ISC */
/*
 * Two tables. The PC's, of 1983: four entries of 16 bytes at 446 (status, CHS, type, CHS, first sector, sectors; little endian),
 * 55 aa at 510; an extended partition holds a chain of such sectors, each with one logical partition and a link. And the GUID
 * partition table (UEFI specification 2.10, section 5.3): a header in sector 1 and its copy at the end, both with checksums.
 */
#include "partitions.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PRIMARY        4
#define ENTRY_AT       446
#define ENTRY_SIZE     16
#define GPT_PROTECTIVE 0xee
#define GPT_ENTRY_MAX  1024
#define GPT_SIGNATURE  "EFI PART"
#define GUID_TEXT      37
#define ONE_EACH       "there should be one Linux partition, and one FAT partition if it boots from one"

struct table {
	const struct disk_reader *disk;
	struct partitions *to;
	char *why;
	size_t size;
};

/* NULL, with the reason said: a table's function returns it as -1. */
#define REFUSE(t, ...) (snprintf((t)->why, (t)->size, __VA_ARGS__), -1)

static uint32_t
little32(const uint8_t *b)
{
	return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

static uint64_t
little64(const uint8_t *b)
{
	return (uint64_t)little32(b + 4) << 32 | little32(b);
}

static int
read_bytes(const struct table *t, uint64_t offset, void *bytes, size_t length, const char *what)
{
	if (length > t->disk->size || offset > t->disk->size - length)
		return REFUSE(t, "%s is at byte %" PRIu64 ", but the image has %" PRIu64 " bytes; was it cut short?",
		    what, offset, t->disk->size);
	if (t->disk->read(t->disk, offset, bytes, length) == -1)
		return REFUSE(t, "%s cannot be read", what);
	return 0;
}

/* Sectors first to first + sectors - 1. */
static int
add(const struct table *t, unsigned number, enum partition_kind kind, uint64_t first, uint64_t sectors)
{
	if (first == 0 || sectors == 0)
		return REFUSE(t, "partition %u begins at sector 0 or has no sectors", number);
	if (sectors > t->disk->size / SECTOR_SIZE || first > t->disk->size / SECTOR_SIZE - sectors)
		return REFUSE(t,
		    "partition %u ends behind sector %" PRIu64 ", but the image has %" PRIu64 "; was it cut short?",
		    number, first, t->disk->size / SECTOR_SIZE);
	if (t->to->count == PARTITIONS_MAX)
		return REFUSE(t, "there are more than %d partitions", PARTITIONS_MAX);
	t->to->list[t->to->count++] = (struct partition){ first * SECTOR_SIZE, sectors * SECTOR_SIZE, number, kind };
	return 0;
}

/* ---- the PC's ---- */

struct mbr_type {
	uint8_t type;
	enum partition_kind kind;
};

static const struct mbr_type mbr_types[] = {
	{ 0x01, PARTITION_FAT },                               /* FAT12 */
	{ 0x04, PARTITION_FAT },                               /* FAT16, below 32 MiB */
	{ 0x05, PARTITION_EXTENDED }, { 0x06, PARTITION_FAT }, /* FAT16 */
	{ 0x0b, PARTITION_FAT },                               /* FAT32 */
	{ 0x0c, PARTITION_FAT },                               /* FAT32, LBA */
	{ 0x0e, PARTITION_FAT },                               /* FAT16, LBA */
	{ 0x0f, PARTITION_EXTENDED }, { 0x83, PARTITION_LINUX }, { 0x85, PARTITION_EXTENDED },
	{ 0xef, PARTITION_FAT }, /* EFI system partition */
};

static enum partition_kind
mbr_kind(uint8_t type)
{
	for (size_t i = 0; i < sizeof(mbr_types) / sizeof(mbr_types[0]); i++)
		if (mbr_types[i].type == type)
			return mbr_types[i].kind;
	return PARTITION_OTHER;
}

static bool
has_signature(const uint8_t *sector)
{
	return sector[510] == 0x55 && sector[511] == 0xaa;
}

/*
 * The chain of logical partitions. A link counts from the beginning of the extended partition, the partition beside it from the
 * sector that names it.
 */
static int
read_logical(const struct table *t, const struct partition *extended)
{
	uint64_t begin = extended->offset / SECTOR_SIZE, sectors = extended->size / SECTOR_SIZE, at = 0;
	uint64_t seen[PARTITIONS_MAX];
	unsigned count = 0;

	do {
		uint8_t sector[SECTOR_SIZE];
		const uint8_t *entry = sector + ENTRY_AT, *link = entry + ENTRY_SIZE;
		uint64_t first, length;

		for (unsigned i = 0; i < count; i++)
			if (seen[i] == at)
				return REFUSE(
				    t, "the logical partitions are cyclic: partition %u leads back", count + 4);
		if (count == PARTITIONS_MAX)
			return REFUSE(t, "there are more than %d partitions", PARTITIONS_MAX);
		seen[count++] = at;
		if (read_bytes(t, (begin + at) * SECTOR_SIZE, sector, sizeof(sector), "a logical partition's table") ==
		    -1)
			return -1;
		if (!has_signature(sector))
			return REFUSE(t, "the table of logical partition %u has no 55 aa at its end", count + 4);
		first = at + little32(entry + 8);
		length = little32(entry + 12);
		if (entry[4] != 0 && (little32(entry + 8) == 0 || length > sectors || first > sectors - length))
			return REFUSE(t, "logical partition %u lies outside of its extended partition", count + 4);
		if (entry[4] != 0 && add(t, count + 4, mbr_kind(entry[4]), begin + first, length) == -1)
			return -1;
		at = link[4] == 0 ? 0 : little32(link + 8);
		if (link[4] != 0 && (mbr_kind(link[4]) != PARTITION_EXTENDED || at == 0 || at >= sectors))
			return REFUSE(t, "the link behind logical partition %u leads nowhere in its extended partition",
			    count + 4);
	} while (at != 0);
	return 0;
}

static int
read_mbr(const struct table *t, const uint8_t *sector)
{
	bool extended = false;

	for (unsigned i = 0; i < PRIMARY; i++) {
		const uint8_t *entry = sector + ENTRY_AT + (size_t)i * ENTRY_SIZE;
		enum partition_kind kind = mbr_kind(entry[4]);

		if (entry[4] == 0)
			continue;
		if ((entry[0] & 0x7f) != 0)
			return REFUSE(
			    t, "partition %u has status 0x%02x; a table has 0x00 or 0x80 there", i + 1, entry[0]);
		if (kind == PARTITION_EXTENDED && extended)
			return REFUSE(t, "partition %u is a second extended partition; a table has one", i + 1);
		if (add(t, i + 1, kind, little32(entry + 8), little32(entry + 12)) == -1)
			return -1;
		extended = extended || kind == PARTITION_EXTENDED;
		if (kind == PARTITION_EXTENDED && read_logical(t, &t->to->list[t->to->count - 1]) == -1)
			return -1;
	}
	return 0;
}

/* ---- GUID ---- */

struct gpt_type {
	const char *guid;
	enum partition_kind kind;
};

/* UEFI specification; Discoverable Partitions Specification of the UAPI group. */
static const struct gpt_type gpt_types[] = {
	{ "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", PARTITION_FAT },   /* EFI system */
	{ "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", PARTITION_FAT },   /* basic data */
	{ "0fc63daf-8483-4772-8e79-3d69d8477de4", PARTITION_LINUX }, /* Linux */
	{ "44479540-f297-41b2-9af7-d131d5f0458a", PARTITION_ROOT },  /* root, x86 */
	{ "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", PARTITION_ROOT },  /* root, x86-64 */
	{ "69dad710-2ce4-4e3c-b16c-21a1d49abed3", PARTITION_ROOT },  /* root, 32-bit ARM */
	{ "b921b045-1df0-41c3-af44-4c6f280d3fae", PARTITION_ROOT },  /* root, 64-bit ARM */
	{ "bc13c2ff-59e6-4262-a352-b275fd6f7172", PARTITION_BOOT },  /* XBOOTLDR */
};

/* The first three parts are little endian. */
static void
guid_text(const uint8_t *b, char text[GUID_TEXT])
{
	snprintf(text, GUID_TEXT, "%08" PRIx32 "-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", little32(b),
	    b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static enum partition_kind
gpt_kind(const uint8_t *guid)
{
	char text[GUID_TEXT];

	guid_text(guid, text);
	for (size_t i = 0; i < sizeof(gpt_types) / sizeof(gpt_types[0]); i++)
		if (strcmp(gpt_types[i].guid, text) == 0)
			return gpt_types[i].kind;
	return PARTITION_OTHER;
}

/* CRC-32 of ISO 3309, which Ethernet has too. crc: that of what came before, 0 at first. */
static uint32_t
crc32_more(uint32_t crc, const uint8_t *bytes, size_t length)
{
	crc = ~crc;
	for (; length > 0; length--) {
		crc ^= *bytes++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
	}
	return ~crc;
}

struct gpt {
	const char *what;
	uint64_t at;
	uint64_t other;
	uint64_t first_usable, last_usable;
	uint64_t entries_at;
	uint32_t entries, entry_size, entries_crc;
	uint8_t disk[16];
};

static int
read_header(const struct table *t, struct gpt *g, uint64_t at, const char *what)
{
	uint8_t sector[SECTOR_SIZE];
	uint32_t length, crc;

	*g = (struct gpt){ .what = what, .at = at };
	if (at > t->disk->size / SECTOR_SIZE || read_bytes(t, at * SECTOR_SIZE, sector, sizeof(sector), what) == -1)
		return REFUSE(t, "%s is in sector %" PRIu64 ", but the image has %" PRIu64 "; was it cut short?", what,
		    at, t->disk->size / SECTOR_SIZE);
	if (memcmp(sector, GPT_SIGNATURE, 8) != 0)
		return REFUSE(t, "%s is not in sector %" PRIu64 ", where it should be", what, at);
	length = little32(sector + 12);
	crc = little32(sector + 16);
	memset(sector + 16, 0, 4);
	if (length < 92 || length > SECTOR_SIZE || crc32_more(0, sector, length) != crc)
		return REFUSE(t, "%s has a wrong checksum", what);
	g->other = little64(sector + 32);
	g->first_usable = little64(sector + 40);
	g->last_usable = little64(sector + 48);
	memcpy(g->disk, sector + 56, sizeof(g->disk));
	g->entries_at = little64(sector + 72);
	g->entries = little32(sector + 80);
	g->entry_size = little32(sector + 84);
	g->entries_crc = little32(sector + 88);
	if (little64(sector + 24) != at)
		return REFUSE(t, "%s says that it is in another sector", what);
	if (g->entries == 0 || g->entries > GPT_ENTRY_MAX || g->entry_size < 128 || g->entry_size > SECTOR_SIZE ||
	    SECTOR_SIZE % g->entry_size != 0)
		return REFUSE(t,
		    "%s has %" PRIu32 " entries of %" PRIu32 " bytes; there should be at most %d of 128 to %d", what,
		    g->entries, g->entry_size, GPT_ENTRY_MAX, SECTOR_SIZE);
	return 0;
}

static int
add_entry(const struct table *t, const struct gpt *g, const uint8_t *entry, unsigned number)
{
	static const uint8_t unused[16];
	uint64_t first = little64(entry + 32), last = little64(entry + 40);

	if (memcmp(entry, unused, sizeof(unused)) == 0)
		return 0;
	if (first < g->first_usable || last < first || last > g->last_usable)
		return REFUSE(t, "partition %u lies outside of what %s says is usable", number, g->what);
	return add(t, number, gpt_kind(entry), first, last - first + 1);
}

/* A sector at a time; with list the partitions are added, once the checksum is known to be right. */
static int
read_entries(const struct table *t, const struct gpt *g, bool list)
{
	unsigned in_sector = SECTOR_SIZE / g->entry_size;
	uint32_t crc = 0;

	for (uint32_t i = 0; i < g->entries; i += in_sector) {
		unsigned count = g->entries - i < in_sector ? g->entries - i : in_sector;
		uint8_t sector[SECTOR_SIZE];
		uint64_t at = g->entries_at + i / in_sector;

		if (at < g->entries_at || at > t->disk->size / SECTOR_SIZE)
			return REFUSE(t, "%s has its entries beyond the end of the image; was it cut short?", g->what);
		if (read_bytes(t, at * SECTOR_SIZE, sector, sizeof(sector), "the list of partitions") == -1)
			return -1;
		crc = crc32_more(crc, sector, (size_t)count * g->entry_size);
		for (unsigned j = 0; list && j < count; j++)
			if (add_entry(t, g, sector + (size_t)j * g->entry_size, i + j + 1) == -1)
				return -1;
	}
	return crc == g->entries_crc ? 0 : REFUSE(t, "the list of partitions of %s has a wrong checksum", g->what);
}

/* Both copies must be whole and say the same: an image of which one is damaged was not written by its maker alone. */
static int
read_gpt(const struct table *t)
{
	struct gpt g, copy;
	uint64_t list;

	if (read_header(t, &g, 1, "the GPT header") == -1 ||
	    read_header(t, &copy, g.other, "the GPT backup header") == -1)
		return -1;
	list = ((uint64_t)g.entries * g.entry_size + SECTOR_SIZE - 1) / SECTOR_SIZE;
	if (g.entries_at < 2 || g.first_usable < list || g.entries_at > g.first_usable - list || g.first_usable < 2 ||
	    g.last_usable >= g.other)
		return REFUSE(t, "the GPT header says that its own sectors are usable for partitions");
	if (copy.at == g.at || copy.other != g.at || copy.entries != g.entries || copy.entry_size != g.entry_size ||
	    copy.entries_crc != g.entries_crc || memcmp(copy.disk, g.disk, sizeof(g.disk)) != 0)
		return REFUSE(t, "the GPT header and its backup do not say the same");
	return read_entries(t, &g, false) == -1 || read_entries(t, &copy, false) == -1 ? -1 : read_entries(t, &g, true);
}

/* ---- both ---- */

static bool
overlap(const struct partition *a, const struct partition *b)
{
	return a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

/* A logical partition lies in its extended one: read_logical() has seen to that. */
static bool
one_in_the_other(const struct partition *a, const struct partition *b)
{
	return (a->kind == PARTITION_EXTENDED && b->number > PRIMARY) ||
	       (b->kind == PARTITION_EXTENDED && a->number > PRIMARY);
}

static int
check_apart(const struct table *t)
{
	const struct partition *list = t->to->list;

	for (unsigned i = 0; i < t->to->count; i++)
		for (unsigned j = 0; j < i; j++)
			if (overlap(&list[i], &list[j]) && !one_in_the_other(&list[i], &list[j]))
				return REFUSE(t, "partitions %u and %u overlap", list[j].number, list[i].number);
	return 0;
}

static bool
is_protective(const uint8_t *sector)
{
	for (unsigned i = 0; i < PRIMARY; i++)
		if (sector[ENTRY_AT + (size_t)i * ENTRY_SIZE + 4] == GPT_PROTECTIVE)
			return true;
	return false;
}

int
partitions_read(const struct disk_reader *disk, struct partitions *to, char *why, size_t size)
{
	struct table t = { disk, to, why, size };
	uint8_t sector[SECTOR_SIZE];

	to->count = 0;
	if (disk->size < SECTOR_SIZE)
		return REFUSE(&t, "no partition table: it is shorter than one");
	if (read_bytes(&t, 0, sector, sizeof(sector), "the partition table") == -1)
		return -1;
	if (!has_signature(sector))
		return REFUSE(&t, "no partition table (55 aa at byte 510); it should be a disk image");
	if ((is_protective(sector) ? read_gpt(&t) : read_mbr(&t, sector)) == -1)
		return -1;
	return check_apart(&t);
}

/* The one of this kind: NULL if there is none. */
static int
only(const struct partitions *p, enum partition_kind kind, const struct partition **found, char *why, size_t size)
{
	*found = NULL;
	for (unsigned i = 0; i < p->count; i++) {
		if (p->list[i].kind != kind)
			continue;
		if (*found != NULL) {
			snprintf(why, size, "partition %u is a second %s partition, beside partition %u; " ONE_EACH,
			    p->list[i].number, kind == PARTITION_FAT ? "FAT" : "Linux", (*found)->number);
			return -1;
		}
		*found = &p->list[i];
	}
	return 0;
}

int
partitions_choose(
    const struct partitions *p, const struct partition **boot, const struct partition **root, char *why, size_t size)
{
	const struct partition *separate;

	if (only(p, PARTITION_FAT, boot, why, size) == -1 || only(p, PARTITION_BOOT, &separate, why, size) == -1 ||
	    only(p, PARTITION_ROOT, root, why, size) == -1)
		return -1;
	if (separate != NULL) {
		snprintf(why, size,
		    "partition %u is /boot alone (XBOOTLDR); an image whose kernels are not on its root is not read",
		    separate->number);
		return -1;
	}
	if (*root == NULL && only(p, PARTITION_LINUX, root, why, size) == -1)
		return -1;
	if (*root == NULL) {
		snprintf(why, size, "no Linux partition; " ONE_EACH);
		return -1;
	}
	return 0;
}

/* ---- what it is instead ---- */

struct magic {
	uint32_t offset;
	uint8_t length;
	const char *bytes;
	const char *what;
};

#define ONLY_EXT4 "; only ext4 is read"
#define TO_RAW    "; make a raw image of it: qemu-img convert -O raw"

static const struct magic magics[] = {
	{ 0, 4, "QFI\xfb", "a qcow2 disk" TO_RAW },
	{ 0, 4, "KDMV", "a VMDK disk" TO_RAW },
	{ 0, 8, "conectix", "a VHD disk" TO_RAW },
	{ 0, 8, "vhdxfile", "a VHDX disk" TO_RAW },
	{ 0x40, 4, "\x7f\x10\xda\xbe", "a VDI disk" TO_RAW },
	{ 0x8001, 5, "CD001", "a CD (ISO 9660), an installer's; an installed system's disk is needed" },
	{ 4096, 8, "EFI PART", "a disk with sectors of 4096 bytes; only 512 are read" },
	{ 0x10040, 8, "_BHRfS_M", "a btrfs filesystem" ONLY_EXT4 },
	{ 0, 4, "XFSB", "an XFS filesystem" ONLY_EXT4 },
	{ 0x400, 4, "\x10\x20\xf5\xf2", "an F2FS filesystem" ONLY_EXT4 },
	{ 0, 4, "hsqs", "a squashfs" ONLY_EXT4 },
	{ 0x400, 4, "\xe2\xe1\xf5\xe0", "an EROFS" ONLY_EXT4 },
	{ 0, 6, "LUKS\xba\xbe", "encrypted (LUKS)" ONLY_EXT4 },
	{ 0x218, 8, "LVM2 001", "a physical volume of LVM" ONLY_EXT4 },
	{ 0xff6, 10, "SWAPSPACE2", "swap space" ONLY_EXT4 },
	{ 3, 4, "NTFS", "an NTFS filesystem" ONLY_EXT4 },
};

const char *
foreign_content(const uint8_t head[FOREIGN_HEAD])
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (memcmp(head + magics[i].offset, magics[i].bytes, magics[i].length) == 0)
			return magics[i].what;
	return NULL;
}
