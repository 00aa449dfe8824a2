/* SPDX-License-Identifier: ISC */
/* The partition tables of disk images, whole and damaged, on a small disk in memory that claims any size. */
#include "disklessctl/partitions.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#define MIB     ((uint64_t)1 << 20)
#define SECTORS 256 /* that the disk really has: the rest of it reads as zeros */
#define LAST    (SECTORS - 1)

struct disk {
	uint8_t bytes[SECTORS * SECTOR_SIZE];
};

struct entry {
	uint8_t status, type;
	uint32_t start, sectors;
};

static struct disk disk;
static struct partitions found;
static const struct partition *boot, *root;
static char why[256];

static int
read_disk(const struct disk_reader *reader, uint64_t offset, void *bytes, size_t length)
{
	cr_assert(length <= reader->size && offset <= reader->size - length, "asked for what is not there");
	memset(bytes, 0, length);
	if (offset < sizeof(disk.bytes))
		memcpy(bytes, disk.bytes + offset,
		    length < sizeof(disk.bytes) - offset ? length : sizeof(disk.bytes) - (size_t)offset);
	return 0;
}

static int
parse(uint64_t size)
{
	const struct disk_reader reader = { size, read_disk, NULL };

	why[0] = '\0';
	if (partitions_read(&reader, &found, why, sizeof(why)) == -1)
		return -1;
	return partitions_choose(&found, &boot, &root, why, sizeof(why));
}

static void
refused(uint64_t size, const char *says, const char *what)
{
	cr_expect(parse(size) == -1, "%s was taken", what);
	cr_expect_not_null(strstr(why, says), "%s should say `%s`, says: %s", what, says, why);
}

static void
put32(uint8_t *to, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(number >> (8 * i));
}

static void
put64(uint8_t *to, uint64_t number)
{
	put32(to, (uint32_t)number);
	put32(to + 4, (uint32_t)(number >> 32));
}

/* ---- the PC's table ---- */

static void
table(unsigned sector, const struct entry *entries, size_t count)
{
	uint8_t *at = disk.bytes + (size_t)sector * SECTOR_SIZE;

	memset(at, 0, SECTOR_SIZE);
	for (size_t i = 0; i < count; i++) {
		uint8_t *to = at + 446 + 16 * i;

		to[0] = entries[i].status;
		to[4] = entries[i].type;
		put32(to + 8, entries[i].start);
		put32(to + 12, entries[i].sectors);
	}
	at[510] = 0x55;
	at[511] = 0xaa;
}

/* As pi-gen lays out its images: FAT at 4 MiB (sector 8192), root behind it. */
static const struct entry stock[] = { { 0, 0x0c, 8192, 1048576 }, { 0, 0x83, 1056768, 4096000 } };
#define STOCK_SIZE ((uint64_t)(1056768 + 4096000) * 512)

Test(partitions, a_stock_table_has_one_of_each)
{
	table(0, stock, 2);
	cr_assert(parse(STOCK_SIZE) == 0, "%s", why);
	cr_expect(boot->offset == 4 * MIB && boot->size == 512 * MIB && boot->number == 1);
	cr_expect(root->offset == 516 * MIB && root->size == 2000 * MIB && root->number == 2);
}

Test(partitions, the_order_and_the_place_of_entries_do_not_matter)
{
	static const struct entry entries[] = { { 0, 0, 0, 0 }, { 0, 0x83, 4096, 4096 }, { 0, 0, 7, 7 },
		{ 0x80, 0x0e, 2048, 2048 } };

	table(0, entries, 4);
	cr_assert(parse(8192 * 512) == 0, "%s", why);
	cr_expect(boot->number == 4 && root->number == 2);
}

Test(partitions, every_kind_of_fat_partition_is_one)
{
	static const uint8_t types[] = { 0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e, 0xef };

	for (size_t i = 0; i < sizeof(types); i++) {
		struct entry entries[] = { stock[0], stock[1] };

		entries[0].type = types[i];
		table(0, entries, 2);
		cr_expect(parse(STOCK_SIZE) == 0, "%02x: %s", types[i], why);
	}
}

Test(partitions, an_image_may_boot_from_its_root)
{
	table(0, stock + 1, 1);
	cr_assert(parse(STOCK_SIZE) == 0, "%s", why);
	cr_expect_null(boot);
}

Test(partitions, swap_and_what_is_not_known_is_left_aside)
{
	static const struct entry entries[] = { { 0, 0x0c, 8192, 8 }, { 0, 0x82, 9000, 8 }, { 0, 0xda, 9100, 8 },
		{ 0, 0x83, 10000, 8 } };

	table(0, entries, 4);
	cr_assert(parse(STOCK_SIZE) == 0, "%s", why);
	cr_expect(found.count == 4 && root->number == 4);
}

struct damage {
	struct entry entries[4];
	uint64_t size;
	const char *says;
};

Test(partitions, a_table_that_is_not_just_that_is_refused_with_the_reason)
{
	static const struct damage damages[] = {
		{ { { 0 } }, STOCK_SIZE, "no Linux partition" },
		{ { { 0, 0x0c, 8192, 1048576 } }, STOCK_SIZE, "no Linux partition" },
		{ { { 0, 0x0c, 8192, 8 }, { 0, 0x83, 9000, 8 }, { 0, 0x0b, 10000, 8 } }, STOCK_SIZE, "second FAT" },
		{ { { 0, 0x0c, 8192, 8 }, { 0, 0x83, 9000, 8 }, { 0, 0x83, 10000, 8 } }, STOCK_SIZE, "second Linux" },
		{ { { 0, 0x05, 8192, 8 }, { 0, 0x0f, 9000, 8 } }, STOCK_SIZE, "no 55 aa" },
		{ { { 0x7f, 0x0c, 8192, 8 } }, STOCK_SIZE, "status 0x7f" },
		{ { { 0, 0x0c, 0, 8 } }, STOCK_SIZE, "begins at sector 0" },
		{ { { 0, 0x0c, 8192, 0 } }, STOCK_SIZE, "no sectors" },
		{ { { 0, 0x0c, 8192, 1048576 }, { 0, 0x83, 1056768, 4096000 } }, STOCK_SIZE - 1, "cut short" },
		{ { { 0, 0x0c, 0xffffffff, 0xffffffff } }, STOCK_SIZE, "cut short" },
		{ { { 0, 0x0c, 8192, 1000 }, { 0, 0x83, 9191, 1000 } }, STOCK_SIZE, "overlap" },
		{ { { 0, 0x0c, 9191, 1000 }, { 0, 0x83, 8192, 1000 } }, STOCK_SIZE, "overlap" },
		{ { { 0, 0x0c, 8192, 1000 }, { 0, 0x83, 8192, 1000 } }, STOCK_SIZE, "overlap" },
		{ { { 0, 0x0c, 8300, 10 }, { 0, 0x83, 8192, 1000 } }, STOCK_SIZE, "overlap" },
		{ { { 0, 0x82, 8300, 10 }, { 0, 0x83, 8192, 1000 } }, STOCK_SIZE, "overlap" },
	};

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		char row[16];

		snprintf(row, sizeof(row), "row %zu", i);
		table(0, damages[i].entries, 4);
		refused(damages[i].size, damages[i].says, row);
	}
}

Test(partitions, neighbours_do_not_overlap)
{
	static const struct entry entries[] = { { 0, 0x0c, 8192, 1000 }, { 0, 0x83, 9192, 1000 } };

	table(0, entries, 2);
	cr_expect(parse((uint64_t)10192 * 512) == 0, "%s", why);
}

Test(partitions, without_its_signature_a_sector_is_no_table)
{
	table(0, stock, 2);
	disk.bytes[511] = 0x55;
	refused(STOCK_SIZE, "no partition table", "a wrong signature");
	table(0, stock, 2);
	refused(511, "no partition table", "half a sector");
}

/* ---- logical partitions ---- */

static const struct entry extended[] = { { 0, 0x0c, 1000, 500 }, { 0, 0x05, 100, 100 } };
/* Two logical ones: at 110 and 160; the second table is 40 sectors behind the first. */
static const struct entry logical_1[] = { { 0, 0x82, 10, 20 }, { 0, 0x05, 40, 60 } };
static const struct entry logical_2[] = { { 0, 0x83, 20, 30 } };

static void
chain(void)
{
	table(0, extended, 2);
	table(100, logical_1, 2);
	table(140, logical_2, 1);
}

Test(partitions, logical_ones_are_found_along_their_chain)
{
	chain();
	cr_assert(parse(2000 * 512) == 0, "%s", why);
	cr_expect(root->number == 6 && root->offset == 160 * 512 && root->size == 30 * 512);
	cr_expect(boot->number == 1);
}

Test(partitions, a_cyclic_chain_is_refused)
{
	static const struct entry back[] = { { 0, 0x83, 20, 30 }, { 0, 0x05, 40, 60 } };

	chain();
	table(140, back, 2);
	refused(2000 * 512, "cyclic", "a table that leads to itself");
}

Test(partitions, a_chain_that_leaves_its_partition_is_refused)
{
	static const struct entry far_link[] = { { 0, 0x83, 20, 30 }, { 0, 0x05, 100, 60 } };
	static const struct entry other_link[] = { { 0, 0x83, 20, 30 }, { 0, 0x83, 20, 60 } };
	static const struct entry beyond[] = { { 0, 0x83, 20, 41 } };
	static const struct entry over_table[] = { { 0, 0x83, 0, 30 } };
	static const struct entry over_neighbour[] = { { 0, 0x83, 20, 30 }, { 0, 0x05, 20, 60 } };

	chain();
	table(140, far_link, 2);
	refused(2000 * 512, "leads nowhere", "a link out of the extended partition");
	table(140, other_link, 2);
	refused(2000 * 512, "leads nowhere", "a link to what is no table");
	table(140, beyond, 1);
	refused(2000 * 512, "outside of its extended", "a partition that is too long");
	table(140, over_table, 1);
	refused(2000 * 512, "outside of its extended", "a partition over its own table");
	table(140, over_neighbour, 2);
	table(120, logical_2, 1);
	refused(2000 * 512, "overlap", "two logical partitions in one place");
	chain();
	disk.bytes[140 * SECTOR_SIZE + 511] = 0;
	refused(2000 * 512, "no 55 aa", "a table without signature");
}

Test(partitions, a_chain_without_end_is_refused)
{
	chain();
	for (unsigned i = 0; i < 140; i++) {
		struct entry on[] = { { 0 }, { 0, 0x05, i + 1, 1 } };

		table(100 + i, on, 2);
	}
	table(0, (struct entry[]){ { 0, 0x05, 100, 150 } }, 1);
	refused(2000 * 512, "more than 128", "140 tables");
}

/* ---- GUID ---- */

static uint32_t
crc(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0xffffffff;

	for (size_t i = 0; i < length; i++) {
		sum ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			sum = (sum & 1) != 0 ? sum >> 1 ^ 0xedb88320 : sum >> 1;
	}
	return ~sum;
}

static const uint8_t efi[] = { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9,
	0x3b };
static const uint8_t data[] = { 0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47,
	0x7d, 0xe4 };
static const uint8_t arm64[] = { 0x45, 0xb0, 0x21, 0xb9, 0xf0, 0x1d, 0xc3, 0x41, 0xaf, 0x44, 0x4c, 0x6f, 0x28, 0x0d,
	0x3f, 0xae };
static const uint8_t xboot[] = { 0xff, 0xc2, 0x13, 0xbc, 0xe6, 0x59, 0x62, 0x42, 0xa3, 0x52, 0xb2, 0x75, 0xfd, 0x6f,
	0x71, 0x72 };

#define ENTRIES 128
#define LISTED  32 /* sectors of the list */

static uint8_t *
header_at(unsigned sector)
{
	return disk.bytes + (size_t)sector * SECTOR_SIZE;
}

static uint8_t *
gpt_entry(unsigned number)
{
	return header_at(2) + (size_t)(number - 1) * 128;
}

static void
seal_header(unsigned sector)
{
	put32(header_at(sector) + 16, 0);
	put32(header_at(sector) + 16, crc(header_at(sector), 92));
}

static void
header(unsigned sector, unsigned other, unsigned list)
{
	uint8_t *h = header_at(sector);

	memset(h, 0, SECTOR_SIZE);
	memcpy(h, "EFI PART", 8);
	put32(h + 8, 0x00010000);
	put32(h + 12, 92);
	put64(h + 24, sector);
	put64(h + 32, other);
	put64(h + 40, 2 + LISTED);
	put64(h + 48, LAST - LISTED - 1);
	memset(h + 56, 0x77, 16);
	put64(h + 72, list);
	put32(h + 80, ENTRIES);
	put32(h + 84, 128);
	put32(h + 88, crc(header_at(2), ENTRIES * 128));
	seal_header(sector);
}

static void
gpt_seal(void)
{
	memcpy(header_at(LAST - LISTED), header_at(2), LISTED * SECTOR_SIZE);
	header(1, LAST, 2);
	header(LAST, 1, LAST - LISTED);
}

static void
gpt_put(unsigned number, const uint8_t *type, uint64_t first, uint64_t last)
{
	uint8_t *to = gpt_entry(number);

	memcpy(to, type, 16);
	memset(to + 16, (int)number, 16);
	put64(to + 32, first);
	put64(to + 40, last);
}

static void
gpt(void)
{
	memset(&disk, 0, sizeof(disk));
	table(0, (struct entry[]){ { 0, 0xee, 1, 0xffffffff } }, 1);
	gpt_put(1, efi, 40, 79);
	gpt_put(2, data, 80, 199);
	gpt_seal();
}

#define GPT_SIZE ((uint64_t)SECTORS * SECTOR_SIZE)

Test(partitions, the_checksum_is_that_of_the_standard)
{
	cr_expect(crc((const uint8_t *)"123456789", 9) == 0xcbf43926);
}

Test(partitions, a_gpt_is_read)
{
	gpt();
	cr_assert(parse(GPT_SIZE) == 0, "%s", why);
	cr_expect(boot->offset == 40 * 512 && boot->size == 40 * 512 && boot->number == 1);
	cr_expect(root->offset == 80 * 512 && root->size == 120 * 512 && root->number == 2);
}

Test(partitions, what_gpt_calls_the_root_is_it)
{
	gpt();
	gpt_put(2, data, 80, 99);
	gpt_put(3, arm64, 100, 199);
	gpt_seal();
	cr_assert(parse(GPT_SIZE) == 0, "%s", why);
	cr_expect(root->number == 3);
}

Test(partitions, a_boot_partition_apart_is_refused)
{
	gpt();
	gpt_put(3, xboot, 200, 210);
	gpt_seal();
	refused(GPT_SIZE, "/boot alone", "XBOOTLDR");
}

struct flip {
	unsigned sector;
	unsigned byte;
	const char *says;
};

/* Nothing is sealed again: a checksum sees it. */
Test(partitions, a_damaged_gpt_is_refused)
{
	static const struct flip flips[] = {
		{ 1, 0, "GPT header is not in sector 1" },
		{ 1, 12, "GPT header has a wrong checksum" },
		{ 1, 40, "GPT header has a wrong checksum" },
		{ 1, 91, "GPT header has a wrong checksum" },
		{ 2, 0, "list of partitions of the GPT header has a wrong checksum" },
		{ 33, 511, "list of partitions of the GPT header has a wrong checksum" },
		{ LAST, 3, "backup header is not in sector" },
		{ LAST, 88, "backup header has a wrong checksum" },
		{ LAST - LISTED, 40, "list of partitions of the GPT backup header has a wrong checksum" },
	};

	for (size_t i = 0; i < sizeof(flips) / sizeof(flips[0]); i++) {
		char row[16];

		snprintf(row, sizeof(row), "row %zu", i);
		gpt();
		header_at(flips[i].sector)[flips[i].byte] ^= 0x10;
		refused(GPT_SIZE, flips[i].says, row);
	}
}

struct lie {
	unsigned sector;
	unsigned byte;
	uint64_t value;
	unsigned width;
	const char *says;
};

/* Sealed again: every checksum is right. */
Test(partitions, a_lying_gpt_is_refused)
{
	static const struct lie lies[] = {
		{ 1, 24, 7, 8, "says that it is in another sector" },
		{ 1, 32, 1, 8, "own sectors are usable" },
		{ 1, 32, UINT64_MAX, 8, "cut short" },
		{ 1, 40, 2, 8, "own sectors are usable" },
		{ 1, 48, LAST, 8, "own sectors are usable" },
		{ 1, 72, 1, 8, "own sectors are usable" },
		{ 1, 72, UINT64_MAX, 8, "own sectors are usable" },
		{ 1, 80, 0, 4, "entries of" },
		{ 1, 80, UINT32_MAX, 4, "entries of" },
		{ 1, 84, 64, 4, "entries of" },
		{ 1, 84, 130, 4, "entries of" },
		{ 1, 84, 4096, 4, "entries of" },
		{ LAST, 32, 3, 8, "do not say the same" },
		{ LAST, 56, 0, 8, "do not say the same" },
		{ LAST, 72, UINT64_MAX, 8, "beyond the end" },
		{ LAST, 80, 64, 4, "do not say the same" },
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		uint8_t *at;
		char row[16];

		snprintf(row, sizeof(row), "row %zu", i);
		gpt();
		at = header_at(lies[i].sector) + lies[i].byte;
		if (lies[i].width == 8)
			put64(at, lies[i].value);
		else
			put32(at, (uint32_t)lies[i].value);
		seal_header(lies[i].sector);
		refused(GPT_SIZE, lies[i].says, row);
	}
}

Test(partitions, entries_of_a_gpt_lie_where_it_says_and_apart)
{
	gpt();
	gpt_put(2, data, 79, 199);
	gpt_seal();
	refused(GPT_SIZE, "overlap", "two in one place");
	gpt();
	gpt_put(2, data, 33, 199);
	gpt_seal();
	refused(GPT_SIZE, "outside of what", "one over the list");
	gpt();
	gpt_put(2, data, 80, LAST);
	gpt_seal();
	refused(GPT_SIZE, "outside of what", "one over the backup");
	gpt();
	gpt_put(2, data, 199, 80);
	gpt_seal();
	refused(GPT_SIZE, "outside of what", "one that ends before it begins");
}

Test(partitions, a_gpt_disk_cut_short_is_refused)
{
	gpt();
	refused(GPT_SIZE - 512, "cut short", "without the last sector");
	refused((uint64_t)100 * 512, "cut short", "without the second half");
}

/* ---- what it is instead ---- */

Test(partitions, other_filesystems_are_named)
{
	static uint8_t head[FOREIGN_HEAD];

	cr_expect_null(foreign_content(head));
	memcpy(head + 0x10040, "_BHRfS_M", 8);
	cr_expect_not_null(strstr(foreign_content(head), "btrfs"));
	memcpy(head, "QFI\xfb", 4);
	cr_expect_not_null(strstr(foreign_content(head), "qcow2"));
}
