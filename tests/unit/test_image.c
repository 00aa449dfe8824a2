/* SPDX-License-Identifier: ISC */
/* Import, as far as it is pure: partition tables, and the texts that are rewritten for the network. */
#include "disklessctl/mbr.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "disklessctl/adapt.h"

#define MIB ((uint64_t)1 << 20)

static char why[TEXT_SIZE];

struct entry {
	uint8_t status, type;
	uint32_t start, sectors;
};

static void
put32(uint8_t *to, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(number >> (8 * i));
}

static void
table(uint8_t sector[MBR_SIZE], const struct entry *entries, size_t count)
{
	memset(sector, 0, MBR_SIZE);
	for (size_t i = 0; i < count; i++) {
		uint8_t *to = sector + 446 + 16 * i;

		to[0] = entries[i].status;
		to[4] = entries[i].type;
		put32(to + 8, entries[i].start);
		put32(to + 12, entries[i].sectors);
	}
	sector[510] = 0x55;
	sector[511] = 0xaa;
}

/* As pi-gen lays out its images: FAT at 4 MiB (sector 8192), root behind it. */
static const struct entry stock[] = { { 0, 0x0c, 8192, 1048576 }, { 0, 0x83, 1056768, 4096000 } };
#define STOCK_SIZE ((uint64_t)(1056768 + 4096000) * 512)

Test(image, a_stock_table_has_one_of_each)
{
	uint8_t sector[MBR_SIZE];
	struct mbr mbr;

	table(sector, stock, 2);
	cr_assert(mbr_parse(sector, STOCK_SIZE, &mbr, why, sizeof(why)) == 0, "%s", why);
	cr_expect(mbr.boot.offset == 4 * MIB && mbr.boot.size == 512 * MIB && mbr.boot.type == 0x0c);
	cr_expect(mbr.root.offset == 516 * MIB && mbr.root.size == 2000 * MIB && mbr.root.type == 0x83);
}

Test(image, the_order_and_the_place_of_entries_do_not_matter)
{
	static const struct entry entries[] = { { 0, 0, 0, 0 }, { 0, 0x83, 4096, 4096 }, { 0, 0, 7, 7 },
		{ 0x80, 0x0e, 2048, 2048 } };
	uint8_t sector[MBR_SIZE];
	struct mbr mbr;

	table(sector, entries, 4);
	cr_expect(mbr_parse(sector, 8192 * 512, &mbr, why, sizeof(why)) == 0, "%s", why);
}

Test(image, every_kind_of_fat_partition_is_one)
{
	static const uint8_t types[] = { 0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e };

	for (size_t i = 0; i < sizeof(types); i++) {
		struct entry entries[] = { stock[0], stock[1] };
		uint8_t sector[MBR_SIZE];
		struct mbr mbr;

		entries[0].type = types[i];
		table(sector, entries, 2);
		cr_expect(mbr_parse(sector, STOCK_SIZE, &mbr, why, sizeof(why)) == 0, "%02x: %s", types[i], why);
	}
}

struct damage {
	struct entry entries[4];
	uint64_t size;
	const char *says;
};

Test(image, a_table_that_is_not_just_that_is_refused_with_the_reason)
{
	static const struct damage damages[] = {
		{ { { 0 } }, STOCK_SIZE, "no FAT partition" },
		{ { { 0, 0x0c, 8192, 1048576 } }, STOCK_SIZE, "no Linux partition" },
		{ { { 0, 0x83, 8192, 1048576 } }, STOCK_SIZE, "no FAT partition" },
		{ { { 0, 0x0c, 8192, 8 }, { 0, 0x83, 9000, 8 }, { 0, 0x0b, 10000, 8 } }, STOCK_SIZE, "second FAT" },
		{ { { 0, 0x0c, 8192, 8 }, { 0, 0x83, 9000, 8 }, { 0, 0x83, 10000, 8 } }, STOCK_SIZE, "second Linux" },
		{ { { 0, 0x0c, 8192, 8 }, { 0, 0x83, 9000, 8 }, { 0, 0x82, 10000, 8 } }, STOCK_SIZE, "type 0x82" },
		{ { { 0, 0xee, 1, 0xffffffff } }, STOCK_SIZE, "GPT" },
		{ { { 0, 0x0c, 8192, 8 }, { 0, 0x05, 9000, 8 } }, STOCK_SIZE, "extended" },
		{ { { 0, 0x0c, 8192, 8 }, { 0, 0x0f, 9000, 8 } }, STOCK_SIZE, "extended" },
		{ { { 0x7f, 0x0c, 8192, 8 } }, STOCK_SIZE, "status 0x7f" },
		{ { { 0, 0x0c, 0, 8 } }, STOCK_SIZE, "begins at sector 0" },
		{ { { 0, 0x0c, 8192, 0 } }, STOCK_SIZE, "no sectors" },
		{ { { 0, 0x0c, 8192, 1048576 }, { 0, 0x83, 1056768, 4096000 } }, STOCK_SIZE - 1, "cut short" },
		{ { { 0, 0x0c, 0xffffffff, 0xffffffff } }, STOCK_SIZE, "cut short" },
		{ { { 0, 0x0c, 8192, 1000 }, { 0, 0x83, 9191, 1000 } }, STOCK_SIZE, "overlap" },
		{ { { 0, 0x0c, 9191, 1000 }, { 0, 0x83, 8192, 1000 } }, STOCK_SIZE, "overlap" },
		{ { { 0, 0x0c, 8192, 1000 }, { 0, 0x83, 8192, 1000 } }, STOCK_SIZE, "overlap" },
		{ { { 0, 0x0c, 8300, 10 }, { 0, 0x83, 8192, 1000 } }, STOCK_SIZE, "overlap" },
	};

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		uint8_t sector[MBR_SIZE];
		struct mbr mbr;

		why[0] = '\0';
		table(sector, damages[i].entries, 4);
		cr_expect(mbr_parse(sector, damages[i].size, &mbr, why, sizeof(why)) == -1, "row %zu was taken", i);
		cr_expect_not_null(
		    strstr(why, damages[i].says), "row %zu wants `%s`, gives: %s", i, damages[i].says, why);
	}
}

Test(image, neighbours_do_not_overlap)
{
	static const struct entry entries[] = { { 0, 0x0c, 8192, 1000 }, { 0, 0x83, 9192, 1000 } };
	uint8_t sector[MBR_SIZE];
	struct mbr mbr;

	table(sector, entries, 2);
	cr_expect(mbr_parse(sector, (uint64_t)10192 * 512, &mbr, why, sizeof(why)) == 0, "%s", why);
}

Test(image, without_its_signature_a_sector_is_no_table)
{
	uint8_t sector[MBR_SIZE];
	struct mbr mbr;

	table(sector, stock, 2);
	sector[511] = 0x55;
	cr_expect(mbr_parse(sector, STOCK_SIZE, &mbr, why, sizeof(why)) == -1);
	table(sector, stock, 2);
	cr_expect(mbr_parse(sector, 511, &mbr, why, sizeof(why)) == -1);
}

/* ---- texts ---- */

#define MARK "# diskless: not used, the root comes over the network: "

struct text {
	const char *before;
	const char *after;
};

Test(image, fstab_loses_the_disk_and_keeps_the_rest)
{
	static const struct text table[] = {
		{ "", "" },
		{ "\n\n", "\n\n" },
		{ "# a comment / with words\n", "# a comment / with words\n" },
		{ "#PARTUUID=x / ext4\n", "#PARTUUID=x / ext4\n" },
		{ "PARTUUID=1-02 / ext4 defaults 0 1\n", MARK "PARTUUID=1-02 / ext4 defaults 0 1\n" },
		{ "PARTUUID=1-01\t/boot\tvfat defaults 0 2\n", MARK "PARTUUID=1-01\t/boot\tvfat defaults 0 2\n" },
		{ "/dev/mmcblk0p1 /boot/firmware vfat defaults\n",
		    MARK "/dev/mmcblk0p1 /boot/firmware vfat defaults\n" },
		{ "  /var/swap none swap sw 0 0\n", MARK "  /var/swap none swap sw 0 0\n" },
		{ "LABEL=s none swap sw", MARK "LABEL=s none swap sw" },
		{ "tmpfs /tmp tmpfs defaults 0 0\nPARTUUID=1-02 / ext4 x 0 1\nproc /proc proc x 0 0\n",
		    "tmpfs /tmp tmpfs defaults 0 0\n" MARK "PARTUUID=1-02 / ext4 x 0 1\nproc /proc proc x 0 0\n" },
		{ "x /boot\nfirmware vfat\n", "x /boot\nfirmware vfat\n" },
		{ "s:/e /boot/firmware2 nfs x\n", "s:/e /boot/firmware2 nfs x\n" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *after = adapt_fstab(table[i].before);

		cr_expect_str_eq(after, table[i].after, "row %zu gives: %s", i, after);
		free(after);
	}
}

Test(image, fstab_adapted_twice_is_the_same)
{
	char *once = adapt_fstab("PARTUUID=1-02 / ext4 x 0 1\n"), *twice = adapt_fstab(once);

	cr_expect_str_eq(once, twice);
	free(once);
	free(twice);
}

Test(image, hosts_names_the_client_once)
{
	static const struct text table[] = {
		{ "", "127.0.1.1\tnode1\n" },
		{ "127.0.0.1\tlocalhost\n127.0.1.1\t\traspberrypi\n::1 localhost\n",
		    "127.0.0.1\tlocalhost\n127.0.1.1\tnode1\n::1 localhost\n" },
		{ "127.0.0.1 localhost", "127.0.0.1 localhost\n127.0.1.1\tnode1\n" },
		{ "127.0.1.1 a\n127.0.1.1 b\n", "127.0.1.1\tnode1\n" },
		{ "127.0.1.1 a", "127.0.1.1\tnode1\n" },
		{ "127.0.1.10 a\n#127.0.1.1 b\n", "127.0.1.10 a\n#127.0.1.1 b\n127.0.1.1\tnode1\n" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *after = adapt_hosts(table[i].before, "node1");

		cr_expect_str_eq(after, table[i].after, "row %zu gives: %s", i, after);
		free(after);
	}
}

Test(image, very_long_lines_are_kept_whole)
{
	char *text = malloc(100001), *after;

	memset(text, 'x', 100000);
	text[99999] = '\n';
	text[100000] = '\0';
	after = adapt_fstab(text);
	cr_expect_str_eq(text, after);
	free(after);
	free(text);
}
