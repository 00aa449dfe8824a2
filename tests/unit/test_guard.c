/* SPDX-License-Identifier: ISC */
/* The guard's table: what is written for nft, and what is accepted when it is read back. */
#include "disklessd/guard_rules.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "address.h"

static struct msg_network networks[] = {
	{ .index = 0, .name = "lab", .interface = "eth1" },
	{ .index = 1, .name = "den", .interface = "eth2.20" },
};
static struct msg_client clients[] = {
	{ .network = 0, .mac = { 2, 0, 0, 0, 0, 1 }, .name = "alice" },
	{ .network = 0, .mac = { 2, 0, 0, 0, 0, 2 }, .name = "bob" },
	{ .network = 1, .mac = { 2, 0, 0, 0, 0, 3 }, .name = "carol" },
};
static bool on[2];
static uint32_t closed;
static struct guard_view view = {
	.networks = networks, .on = on, .network_count = 2, .clients = clients, .client_count = 3, .closed = &closed
};
static char why[TEXT_SIZE];

static uint32_t
address(const char *text)
{
	uint32_t value = 0;

	cr_assert(address_parse(text, &value));
	return value;
}

static void
set_up(void)
{
	networks[0].server = address("10.0.0.1");
	networks[1].server = address("10.0.1.1");
	clients[0].address = address("10.0.0.10");
	clients[1].address = address("10.0.0.11");
	clients[2].address = address("10.0.1.12");
	closed = address("10.0.1.99");
	on[0] = true;
}

TestSuite(guard, .init = set_up);

/* The chain of an interface, up to its end. */
static char *
chain_of(const char *rules, const char *device)
{
	const char *at = strstr(rules, device), *end = at == NULL ? NULL : strstr(at, "\n\t}");

	return end == NULL ? NULL : strndup(at, (size_t)(end - at));
}

static size_t
place(const char *text, const char *part)
{
	const char *at = strstr(text, part);

	cr_assert(at != NULL, "no '%s' in: %s", part, text);
	return (size_t)(at - text);
}

Test(guard, a_pair_is_bound_on_its_own_interface_alone)
{
	char *rules, *chain;

	on[1] = true;
	rules = guard_rules(&view);
	place(rules, "set bound0 {\n\t\ttype ether_addr . ipv4_addr\n\t\telements = { 02:00:00:00:00:01 . 10.0.0.10,\n"
		     "\t\t\t     02:00:00:00:00:02 . 10.0.0.11 }\n");
	place(
	    rules, "set bound1 {\n\t\ttype ether_addr . ipv4_addr\n\t\telements = { 02:00:00:00:00:03 . 10.0.1.12 }\n");
	chain = chain_of(rules, "device \"eth1\"");
	cr_assert(chain != NULL && strstr(chain, "@bound0") != NULL && strstr(chain, "@bound1") == NULL);
	free(chain);
	chain = chain_of(rules, "device \"eth2.20\"");
	cr_assert(chain != NULL && strstr(chain, "@bound1") != NULL && strstr(chain, "@bound0") == NULL);
	free(chain);
	free(rules);
}

Test(guard, every_address_of_a_client_and_of_ours_is_held)
{
	char *rules;

	on[1] = true;
	rules = guard_rules(&view);
	place(rules, "set held {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.1,\n\t\t\t     10.0.1.1,\n"
		     "\t\t\t     10.0.0.10,\n\t\t\t     10.0.0.11,\n\t\t\t     10.0.1.12 }\n");
	free(rules);
}

/* What is closed goes first, the bound go on, and only then what is forged or asked by strangers is dropped; DHCP never is. */
Test(guard, the_order_of_the_rules_is_what_makes_them_right)
{
	char *rules = guard_rules(&view), *chain = chain_of(rules, "device \"eth1\"");
	static const char *const order[] = { "vlan id != 0 accept\n", "meta protocol 8021q counter drop\n",
		"ip saddr @closed counter drop\n", "ether saddr . ip saddr @bound0 accept\n",
		"arp saddr ip @held counter drop\n", "udp dport { 67, 4011 } accept\n",
		"\t\tip saddr @held counter drop\n", "tcp dport { 111, 2049, 20048 } counter drop\n",
		"udp dport { 69, 111, 2049, 20048, 61069-61229 } counter drop" };

	cr_assert(chain != NULL);
	for (size_t i = 1; i < sizeof(order) / sizeof(*order); i++)
		cr_expect(
		    place(chain, order[i - 1]) < place(chain, order[i]), "%s is not before %s", order[i - 1], order[i]);
	free(chain);
	free(rules);
}

Test(guard, a_network_without_guard_is_left_alone)
{
	char *rules = guard_rules(&view);

	cr_expect(strstr(rules, "eth2.20") == NULL && strstr(rules, "10.0.1.12") == NULL);
	cr_expect(guard_wanted(&view));
	free(rules);
	on[0] = false;
	rules = guard_rules(&view);
	cr_expect_not(guard_wanted(&view));
	cr_expect_str_eq(rules, "add table netdev diskless\ndelete table netdev diskless\n");
	free(rules);
}

Test(guard, who_is_closed_gets_nothing_with_guard_or_without)
{
	char *rules, *chain;

	view.closed_count = 1;
	rules = guard_rules(&view);
	place(rules, "set closed {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.1.99 }\n");
	chain = chain_of(rules, "device \"eth2.20\"");
	cr_assert(chain != NULL);
	place(chain, "ip saddr @closed counter drop");
	cr_expect(strstr(chain, "bound") == NULL && strstr(chain, "@held") == NULL && strstr(chain, "2049") == NULL);
	free(chain);
	free(rules);
}

Test(guard, what_is_closed_to_all_is_closed_to_the_bound_as_well)
{
	char *rules, *chain;

	view.all_closed = true;
	rules = guard_rules(&view);
	chain = chain_of(rules, "device \"eth1\"");
	cr_assert(chain != NULL);
	cr_expect(place(chain, "tcp dport { 111, 2049, 20048 } counter drop") < place(chain, "@bound0 accept"));
	free(chain);
	chain = chain_of(rules, "device \"eth2.20\"");
	cr_assert(chain != NULL);
	place(chain, "udp dport { 111, 2049, 20048 } counter drop");
	free(chain);
	free(rules);
}

Test(guard, an_interface_that_would_end_the_text_is_left_out)
{
	char *rules;

	memcpy(networks[0].interface, "a\"b", 4);
	on[1] = true;
	rules = guard_rules(&view);
	cr_expect(strstr(rules, "a\"b") == NULL);
	place(rules, "eth2.20");
	free(rules);
	memcpy(networks[0].interface, "eth1", 5);
}

/* ---- reading back ---- */

/* As nft prints it: counted, elements in its own order and over lines of its own. */
#define LISTED(elements, rule) \
	"table netdev diskless {\n\tset held {\n\t\ttype ipv4_addr\n\t\telements = { " elements " }\n\t}\n\n" \
	"\tchain network0 {\n\t\ttype filter hook ingress device \"eth1\" priority -500; policy accept;\n" rule \
	"\t}\n}\n"
#define RULE "\t\tip saddr @held counter drop\n"
#define WANTED \
	"add table netdev diskless\ndelete table netdev diskless\n" LISTED("10.0.0.1,\n\t\t\t     10.0.0.10", RULE)

Test(guard, the_table_as_nft_lists_it_is_right)
{
	cr_expect(guard_verify(LISTED("10.0.0.10, 10.0.0.1", "\t\tip saddr @held counter packets 17 bytes 1020 drop\n"),
		      WANTED, why, sizeof(why)),
	    "%s", why);
	cr_expect(guard_verify("", "add table netdev diskless\ndelete table netdev diskless\n", why, sizeof(why)));
}

Test(guard, any_other_table_is_not)
{
	static const struct {
		const char *listing;
		const char *says;
	} wrong[] = {
		{ "", "'nothing'" },
		{ LISTED("10.0.0.10", RULE), "10.0.0.1'" },
		{ LISTED("10.0.0.10, 10.0.0.1, 10.0.0.2", RULE), "10.0.0.2" },
		{ LISTED("10.0.0.10, 10.0.0.1", ""), "'}' where 'ip saddr @held counter drop'" },
		{ LISTED("10.0.0.10, 10.0.0.1", "\t\taccept\n" RULE), "'accept'" },
		{ LISTED("10.0.0.10, 10.0.0.1", "\t\tip saddr @held counter packets 1 bytes 2 accept\n"), "accept" },
		{ "table netdev diskless {\n\tset held {\n\t\telements = { 10.0.0.1", "without an end" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		cr_expect_not(guard_verify(wrong[i].listing, WANTED, why, sizeof(why)), "taken: %s", wrong[i].listing);
		cr_expect(strstr(why, wrong[i].says) != NULL, "said \"%s\" of: %s", why, wrong[i].listing);
	}
	cr_expect_not(guard_verify(LISTED("10.0.0.1", RULE), "add table netdev diskless\n", why, sizeof(why)));
}

Test(guard, what_an_interface_dropped_is_counted)
{
	static const char listing[] =
	    "\tchain network0 {\n\t\ttype filter hook ingress device \"eth1\" priority -500; policy accept;\n"
	    "\t\tip saddr @held counter packets 17 bytes 1020 drop\n\t\tcounter packets 5 bytes 1\n\t}\n"
	    "\tchain network1 {\n\t\ttype filter hook ingress device \"eth2\" priority -500; policy accept;\n"
	    "\t\tcounter packets 100 bytes 1\n\t}\n";

	cr_expect_eq(guard_dropped(listing, "eth1"), 22);
	cr_expect_eq(guard_dropped(listing, "eth2"), 100);
	cr_expect_eq(guard_dropped(listing, "eth"), 0);
	cr_expect_eq(guard_dropped("", "eth1"), 0);
}
