/* SPDX-License-Identifier: ISC */
/* Ranges and lists of clients. */
#include "disklessctl/names.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static char why[TEXT_SIZE];

static const char *
all(const struct names *n)
{
	static char text[4096];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n->count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i == 0 ? "" : " ", n->name[i]);
	return text;
}

Test(names, words_stand_for_names)
{
	static const struct {
		const char *word, *names;
	} table[] = {
		{ "node1", "node1" },
		{ "node[1-3]", "node1 node2 node3" },
		{ "node[08-11]", "node08 node09 node10 node11" },
		{ "node[8-11]", "node8 node9 node10 node11" },
		{ "node[0-2]", "node0 node1 node2" },
		{ "rack[1-2,7]-a", "rack1-a rack2-a rack7-a" },
		{ "[1-2]", "1 2" },
		{ "a[5]", "a5" },
		{ "a[5-5,003]", "a5 a003" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct names n = { 0 };

		cr_expect(names_add(&n, table[i].word, why, sizeof(why)) == 0, "%s: %s", table[i].word, why);
		cr_expect_str_eq(all(&n), table[i].names);
		names_free(&n);
	}
}

Test(names, what_is_no_range_is_refused)
{
	static const char *const table[] = { "node[", "node[]", "node[1-]", "node[-3]", "node[3-1]", "node[1-2",
		"node[1,]", "node[,1]", "node[a-b]", "node[1-2]x[3-4]", "node[1 - 2]", "node]1[", "node[1-4097]",
		"node[0-9999999999]", "node[1--2]", "../[1-2]", "-[1-2]x", "node[1-2]/x", "", "a b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa[10-11]",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa[1-2]" };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct names n = { 0 };

		cr_expect(names_add(&n, table[i], why, sizeof(why)) == -1, "%s gives %s", table[i], all(&n));
		names_free(&n);
	}
}

Test(names, none_is_taken_twice)
{
	struct names n = { 0 };

	cr_expect(names_add(&n, "node[1-3]", why, sizeof(why)) == 0);
	cr_expect(names_add(&n, "node2", why, sizeof(why)) == -1);
	cr_expect_str_eq(why, "\"node2\" is named twice");
	names_free(&n);
}

Test(names, there_are_so_many_and_no_more)
{
	struct names n = { 0 };

	cr_expect(names_add(&n, "node[1-4096]", why, sizeof(why)) == 0, "%s", why);
	cr_expect_eq(n.count, NAMES_MAX);
	cr_expect(names_add(&n, "one", why, sizeof(why)) == -1);
	names_free(&n);
}

Test(names, each_has_a_value_of_a_list)
{
	char value[16];

	cr_expect(names_value("a,bc,d", 1, 3, value, sizeof(value), why, sizeof(why)) == 0);
	cr_expect_str_eq(value, "bc");
	cr_expect(names_value("a", 0, 1, value, sizeof(value), why, sizeof(why)) == 0);
	cr_expect_str_eq(value, "a");
	cr_expect(names_value("a,b", 0, 3, value, sizeof(value), why, sizeof(why)) == -1);
	cr_expect_str_eq(why, "\"a,b\" has 2 members for 3 clients; each needs one of its own");
}
