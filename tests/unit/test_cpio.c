/* SPDX-License-Identifier: ISC */
/* The names in an initramfs, in whatever pieces it comes. */
#include "disklessctl/cpio.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static uint8_t archive[16384];
static size_t length;
static char names[4096];
static struct cpio cpio;

static void
take(void *argument, const char *name)
{
	strncat(names, name, sizeof(names) - strlen(names) - 2);
	strcat(names, "\n");
}

static void
add(const char *name, const char *data)
{
	length +=
	    (size_t)sprintf((char *)archive + length, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", 1,
		0100644, 0, 0, 1, 0, strlen(data), 0, 0, 0, 0, strlen(name) + 1, 0);
	length += (size_t)sprintf((char *)archive + length, "%s", name) + 1;
	while (length % 4 != 0)
		archive[length++] = 0;
	length += (size_t)sprintf((char *)archive + length, "%s", data);
	while (length % 4 != 0)
		archive[length++] = 0;
}

static void
clear(void)
{
	memset(archive, 0, sizeof(archive));
	length = 0;
	names[0] = '\0';
	cpio_begin(&cpio, take, NULL);
}

TestSuite(cpio, .init = clear);

Test(cpio, names_are_told_and_the_trailer_is_none)
{
	add("init", "#!/bin/sh\n");
	add("bin/nfsmount", "");
	add("TRAILER!!!", "");
	cr_expect_eq(cpio_feed(&cpio, archive, length), (ssize_t)length);
	cr_expect_str_eq(names, "init\nbin/nfsmount\n");
	cr_expect(cpio_between(&cpio));
}

Test(cpio, it_is_the_same_in_single_bytes)
{
	add("init", "12345");
	add("x", "1");
	add("TRAILER!!!", "");
	for (size_t i = 0; i < length; i++)
		cr_assert_eq(cpio_feed(&cpio, archive + i, 1), 1, "byte %zu", i);
	cr_expect_str_eq(names, "init\nx\n");
	cr_expect(cpio_between(&cpio));
}

Test(cpio, archives_follow_each_other_behind_zeros_and_something_else_is_left)
{
	size_t end;

	add("kernel/x86/microcode/GenuineIntel.bin", "data");
	add("TRAILER!!!", "");
	length = (length + 511) / 512 * 512;
	add("second", "");
	add("TRAILER!!!", "");
	length += 36;
	end = length;
	memcpy(archive + length, "\x1f\x8b packed", 9);
	cr_expect_eq(cpio_feed(&cpio, archive, length + 9), (ssize_t)end);
	cr_expect_str_eq(names, "kernel/x86/microcode/GenuineIntel.bin\nsecond\n");
	cr_expect(cpio_between(&cpio));
}

Test(cpio, one_cut_short_is_not_at_its_end)
{
	add("init", "12345678");
	add("TRAILER!!!", "");
	for (size_t i = 1; i < length; i++) {
		cpio_begin(&cpio, take, NULL);
		cr_expect_eq(cpio_feed(&cpio, archive, i), (ssize_t)i);
		cr_expect_not(cpio_between(&cpio), "at byte %zu", i);
	}
}

static void
damaged(size_t at, const char *bytes, const char *says)
{
	clear();
	add("init", "1234");
	add("TRAILER!!!", "");
	memcpy(archive + at, bytes, strlen(bytes));
	cr_expect_eq(cpio_feed(&cpio, archive, length), -1, "%s", says);
	cr_assert_not_null(cpio.why);
	cr_expect_not_null(strstr(cpio.why, says), "%s: %s", says, cpio.why);
	cr_expect_not(cpio_between(&cpio));
	cr_expect_eq(cpio_feed(&cpio, archive, length), -1, "it stays damaged");
}

Test(cpio, lies_are_refused)
{
	damaged(0, "070707", "none of format newc");
	damaged(6 + 6 * 8, "zz", "a number");
	damaged(6 + 11 * 8, "00000000", "longer than a path, or empty");
	damaged(6 + 11 * 8, "00000401", "longer than a path");
	damaged(6 + 11 * 8, "ffffffff", "longer than a path");
	damaged(6 + 6 * 8, "00000008", "none of format newc");
}
