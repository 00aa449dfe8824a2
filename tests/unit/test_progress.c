/* SPDX-License-Identifier: ISC */
/* What is said of a long step. */
#include "disklessctl/progress.h"

#include <criterion/criterion.h>

#define MIB ((uint64_t)1 << 20)

struct line {
	uint64_t done, total, ms;
	const char *text;
};

Test(progress, share_rate_and_time_left_are_told)
{
	static const struct line lines[] = {
		{ 0, 100 * MIB, 0, "0% of 100M" },
		{ 25 * MIB, 100 * MIB, 5000, "25% of 100M, 5M/s, 15 s left" },
		{ MIB, 1024 * MIB, 1000, "0% of 1G, 1M/s, 17 min left" },
		{ 100 * MIB, 100 * MIB, 10000, "100% of 100M, 10M/s, 0 s left" },
		{ 200 * MIB, 100 * MIB, 10000, "100% of 100M, 20M/s, 0 s left" },
		{ 0, 0, 0, "0" },
		{ 0, 0, 1000, "0" },
		{ 50 * MIB, 0, 10000, "50M, 5M/s" },
		{ UINT64_MAX, UINT64_MAX, 1, "100% of 16E, 16E/s, 0 s left" },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char text[80];

		progress_text(lines[i].done, lines[i].total, lines[i].ms, text, sizeof(text));
		cr_expect_str_eq(text, lines[i].text, "row %zu gives: %s", i, text);
	}
}
