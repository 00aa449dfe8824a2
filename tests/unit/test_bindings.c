/* SPDX-License-Identifier: ISC */
/* Who is who, and what becomes of a read. */
#include "broker_samples.h"

static struct msg_neighbour
question(uint32_t network, const char *address, const uint8_t *mac, const char *path)
{
	struct msg_neighbour n = { .read = { .id = 7, .epoch = 3, .network = network, .address = inet_addr(address) },
		.found = mac != NULL };

	if (mac != NULL)
		memcpy(n.mac, mac, MAC_SIZE);
	snprintf(n.read.path, sizeof(n.read.path), "%s", path);
	return n;
}

Test(bindings, a_clients_own_file_is_opened_for_it)
{
	struct bindings *b = sample_bindings(5, 3);
	struct msg_neighbour n = question(0, "192.168.10.12", mac_1, "1234abcd/start4.elf");
	struct decision d;

	bindings_decide(b, &n, &d);
	cr_assert(d.grant);
	cr_expect_eq(d.verdict, ACCESS_GRANTED);
	cr_expect_str_eq(d.client->name, "node1");
	cr_expect_eq(d.open.client, 0);
	cr_expect_eq(d.open.generation, 5);
	cr_expect_str_eq(d.open.rest, "start4.elf");
	cr_expect_arr_eq(d.open.mac, mac_1, MAC_SIZE);
	cr_expect_arr_eq(&d.open.read, &n.read, sizeof(n.read));
	bindings_free(b);
}

Test(bindings, everything_else_is_refused_and_strangers_hear_nothing)
{
	static const uint8_t mac_card[] = { 0xdc, 0xa6, 0x32, 1, 2, 5 };
	static const struct {
		uint32_t network;
		const char *address;
		const uint8_t *mac;
		const char *path;
		enum access_verdict verdict;
		enum refusal refusal;
	} cases[] = {
		{ 0, "192.168.10.99", mac_1, "config.txt", ACCESS_NO_CLIENT, REFUSE_SILENTLY },
		{ 1, "192.168.10.12", mac_1, "config.txt", ACCESS_NO_CLIENT, REFUSE_SILENTLY },
		{ 0, "192.168.10.12", mac_2, "config.txt", ACCESS_WRONG_MAC, REFUSE_SILENTLY },
		{ 0, "192.168.10.12", NULL, "config.txt", ACCESS_WRONG_MAC, REFUSE_SILENTLY },
		{ 0, "192.168.10.12", mac_1, "b66c4c16/config.txt", ACCESS_FOREIGN, REFUSE_ACCESS },
		{ 0, "192.168.10.12", mac_1, "dc-a6-32-01-02-04/config.txt", ACCESS_FOREIGN, REFUSE_ACCESS },
		{ 0, "192.168.10.12", mac_1, "../shadow", ACCESS_BAD_PATH, REFUSE_ACCESS },
		{ 1, "192.168.20.12", mac_1, "config.txt", ACCESS_WRONG_MAC, REFUSE_SILENTLY },
		{ 1, "192.168.20.12", mac_card, "config.txt", ACCESS_NOT_SERVED, REFUSE_ACCESS },
	};
	struct bindings *b = sample_bindings(1, 3);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct msg_neighbour n = question(cases[i].network, cases[i].address, cases[i].mac, cases[i].path);
		struct decision d;

		bindings_decide(b, &n, &d);
		cr_expect_not(d.grant, "case %zu", i);
		cr_expect_eq(d.verdict, cases[i].verdict, "case %zu: %s", i, access_text(d.verdict));
		cr_expect_eq(d.refuse.why, cases[i].refusal, "case %zu", i);
		cr_expect_eq(d.refuse.id, 7, "case %zu", i);
		cr_expect_eq(d.client == NULL, cases[i].verdict == ACCESS_NO_CLIENT, "case %zu", i);
	}
	bindings_free(b);
}

Test(bindings, a_client_is_found_by_what_it_shows)
{
	struct bindings *b = sample_bindings(1, 3);

	cr_expect_str_eq(bindings_at(b, 0, inet_addr("192.168.10.13"))->name, "node2");
	cr_expect_null(bindings_at(b, 1, inet_addr("192.168.10.13")));
	cr_expect_str_eq(bindings_by_mac(b, 0, mac_2)->name, "node2");
	cr_expect_null(bindings_by_mac(b, 1, mac_2));
	cr_expect_str_eq(bindings_named(b, 0, "/B66C4C16/start.elf")->name, "node2");
	cr_expect_str_eq(bindings_named(b, 0, "dc-a6-32-01-02-03/config.txt")->name, "node1");
	cr_expect_null(bindings_named(b, 1, "b66c4c16/start.elf"));
	cr_expect_null(bindings_named(b, 1, "00000000/start.elf"), "a client without a serial has not serial 0");
	cr_expect_null(bindings_named(b, 0, "start4.elf"));
	cr_expect_null(bindings_named(b, 0, ""));
	bindings_free(b);
}

Test(bindings, an_index_counts_in_its_own_generation_only)
{
	struct bindings *b = sample_bindings(4, 2);

	cr_expect_str_eq(bindings_client_of(b, 1, 4)->name, "node2");
	cr_expect_null(bindings_client_of(b, 1, 3));
	cr_expect_null(bindings_client_of(b, 2, 4));
	bindings_free(b);
}

Test(bindings, a_configuration_without_clients_finds_none)
{
	struct bindings *b = sample_bindings(1, 0);

	cr_expect_null(bindings_at(b, 0, inet_addr("192.168.10.12")));
	cr_expect_null(bindings_named(b, 0, "1234abcd/x"));
	bindings_free(b);
}

Test(bindings, a_configuration_has_what_its_beginning_says)
{
	struct msg_config_begin begin = { .generation = 1, .networks = 1, .clients = 1 };
	struct msg_config_end end = { .generation = 1 }, other = { .generation = 2 };
	struct msg_network network = { .index = 0 }, second = { .index = 1 };
	struct msg_client client = sample_client(0, "node1", 0, "192.168.10.12", 3, 1), bad;
	const char *why = NULL;
	struct bindings *b = bindings_begin(&begin, &why);

	client.generation = 1;
	cr_expect_not(bindings_client(b, &client, &why), "before its network");
	cr_expect_not(bindings_network(b, &second, &why), "out of order");
	cr_expect(bindings_network(b, &network, &why));
	cr_expect_not(bindings_network(b, &second, &why), "too many");
	bad = client;
	bad.generation = 2;
	cr_expect_not(bindings_client(b, &bad, &why), "of another generation");
	bad = client;
	bad.network = 1;
	cr_expect_not(bindings_client(b, &bad, &why), "of no network");
	cr_expect_not(bindings_end(b, &end, &why), "not whole");
	cr_expect(bindings_client(b, &client, &why));
	cr_expect_not(bindings_client(b, &client, &why), "too many");
	cr_expect_not(bindings_end(b, &other, &why), "of another generation");
	cr_expect(bindings_end(b, &end, &why));
	bindings_free(b);
}

Test(bindings, a_configuration_beyond_all_bounds_is_none)
{
	struct msg_config_begin networks = { .networks = BINDINGS_NETWORKS_MAX + 1 };
	struct msg_config_begin clients = { .clients = BINDINGS_CLIENTS_MAX + 1 };
	const char *why = NULL;

	cr_expect_null(bindings_begin(&networks, &why));
	cr_expect_null(bindings_begin(&clients, &why));
	cr_expect_str_eq(why, "more networks or clients than there may be");
}
