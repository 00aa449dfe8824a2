/* SPDX-License-Identifier: ISC */
/* When connections to nfsd change as those of one machine do not. */
#include "disklessd/disklessd.h"

#include <criterion/criterion.h>

static struct restless r;

static bool
look(uint32_t ports, uint64_t seconds)
{
	return nfs_restless(&r, ports, 1000000 + seconds * 1000);
}

Test(peers, a_board_that_boots_and_runs_is_no_second_machine)
{
	cr_expect_not(look(0, 0) || look(800, 2) || look(0, 10) || look(900, 12));
	for (uint64_t s = 14; s < 600; s += 2)
		cr_expect_not(look(900, s));
	/* Idle ones are closed after minutes. */
	for (uint64_t s = 600; s < 6000; s += 300)
		cr_expect_not(look(0, s) || look((uint32_t)s, s + 2));
}

Test(peers, two_machines_that_take_it_from_each_other_are_told_once_a_minute)
{
	unsigned told = 0;

	for (uint64_t s = 0; s < 120; s += 2)
		told += look(s % 4 == 0 ? 800 : 900, s);
	cr_expect_eq(told, 2);
}

Test(peers, an_address_is_found_among_many)
{
	static const struct nfs_peer peers[] = { { 1, 10 }, { 5, 20 }, { 9, 30 } };

	cr_expect_eq(nfs_peer_of(peers, 3, 5)->ports, 20);
	cr_expect(nfs_peer_of(peers, 3, 4) == NULL);
	cr_expect(nfs_peer_of(NULL, 0, 4) == NULL);
}

Test(peers, a_line_of_the_kernels_table_tells_who_listens)
{
	static const char four[] =
	    "   2: 00000000:4E50 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 36 1";
	static const char six[] =
	    "   0: 00000000000000000000000000000000:4E50 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 9";
	static const char connected[] =
	    "   3: 0B0AA8C0:4E50 1F0AA8C0:03FF 01 00000000:00000000 00:00000000 00000000     0        0 37 1";

	cr_expect(tcp_line_listens(four, 20048));
	cr_expect(tcp_line_listens(six, 20048));
	cr_expect_not(tcp_line_listens(four, 2049));
	cr_expect_not(tcp_line_listens(connected, 20048));
	cr_expect_not(tcp_line_listens("  sl  local_address rem_address   st tx_queue", 20048));
}
