/* SPDX-License-Identifier: ISC */
/* Who gets an OFFER, when, and what is told to the broker. */
#include <criterion/criterion.h>

#include <stdio.h>

#include "dhcp/dhcp_offer.h"
#include "dhcp_samples.h"

#define NETWORK 2
#define MAC_SD  "\xdc\xa6\x32\x00\x00\x5d"
#define MAC_NEW "\xdc\xa6\x32\x99\x99\x99"

static struct sample s;
static struct dhcp_request r;
static struct dhcp_board board;
static struct dhcp_decision d;
static struct dhcp_table *table;

static void
add(const char *mac, enum boot_kind boot, uint32_t network)
{
	struct msg_client client = { .network = network, .boot = boot };

	memcpy(client.mac, mac, MAC_SIZE);
	cr_assert(dhcp_table_add(table, &client));
}

static void
make_table(void)
{
	struct msg_network network = { .index = NETWORK, .dhcp = DHCP_PROXY, .unknown = UNKNOWN_OBSERVE };

	table = dhcp_table_new(&network);
	cr_assert_not_null(table);
	add(MAC_PI4, BOOT_NETWORK, NETWORK);
	add(MAC_PI3, BOOT_NETWORK, NETWORK);
	add(MAC_SD, BOOT_SD, NETWORK);
	dhcp_table_seal(table);
}

static void
drop_table(void)
{
	dhcp_table_free(table);
}

TestSuite(dhcp_offer, .init = make_table, .fini = drop_table);

static void
decode(void)
{
	const char *why = NULL;

	cr_assert(dhcp_decode(s.bytes, s.size, &r, &why), "%s", why);
}

#define IDENTIFY(xid, options) \
	do { \
		SAMPLE(&s, (xid), MAC_NEW, options); \
		decode(); \
		dhcp_identify(&r, &board); \
	} while (0)
#define DECIDE(xid, mac, options) \
	do { \
		SAMPLE(&s, (xid), (mac), options); \
		decode(); \
		dhcp_decide(table, &r, &d); \
	} while (0)

static void
assert_board(enum board_model model, uint32_t revision, uint32_t serial, bool has_serial)
{
	cr_assert(board.pi);
	cr_assert_eq(board.model, model, "model %u", board.model);
	cr_assert_eq(board.revision, revision, "revision %x", board.revision);
	cr_assert_eq(board.serial, serial, "serial %x", board.serial);
	cr_assert_eq(board.has_serial, has_serial);
}

Test(dhcp_offer, a_pi_4_tells_model_revision_and_serial)
{
	IDENTIFY("\1\2\3\4", OPTIONS_PI4);
	assert_board(BOARD_PI4, 0xc03114, 0x1234abcd, true);
}

Test(dhcp_offer, a_pi_5_tells_model_revision_and_serial)
{
	IDENTIFY("\1\2\3\4", OPTIONS_PI5);
	assert_board(BOARD_PI5, 0xd04170, 0xbd989aa1, true);
}

Test(dhcp_offer, a_swapped_fourcc_is_a_pi_too)
{
	IDENTIFY("\1\2\3\4", OPTIONS(ASK_14_G2, ARCH_0, ID_SWAPPED));
	assert_board(BOARD_PI4, 0xa03141, 0x33221160, true);
}

Test(dhcp_offer, a_pi_of_a_model_to_come_is_a_pi)
{
	IDENTIFY("\1\2\3\4", OPTIONS(ASK_14_G2, ARCH_0,
				 "\x61\x11\x00"
				 "RPi6"
				 "\1\0\0\0"
				 "\2\0\0\0"
				 "\3\0\0\0"));
	assert_board(BOARD_OTHER, 1, 3, true);
}

Test(dhcp_offer, the_rom_of_the_3b_has_no_serial)
{
	IDENTIFY(ROM_CONSTANT_XID, OPTIONS_G0);
	assert_board(BOARD_PI3, 0, 0, false);
	IDENTIFY("\1\2\3\4", OPTIONS(ASK_14_G2, ARCH_0, ID_G0));
	assert_board(BOARD_PI3, 0, 0, false);
}

Test(dhcp_offer, a_serial_four_times_is_a_pi_3_if_the_rom_asks)
{
	IDENTIFY("\1\2\3\4", OPTIONS(ASK_12, ARCH_0, ID_SERIAL));
	assert_board(BOARD_PI3, 0, 0xb66c4c16, true);
	IDENTIFY(ROM_CONSTANT_XID, OPTIONS_G1);
	assert_board(BOARD_PI3, 0, 0xb66c4c16, true);
}

Test(dhcp_offer, a_serial_four_times_from_later_firmware_is_some_pi)
{
	IDENTIFY("\1\2\3\4", OPTIONS(ASK_14_G2, ARCH_0, ID_SERIAL));
	assert_board(BOARD_OTHER, 0, 0xb66c4c16, true);
}

#define ID_TYPE_1 \
	"\x61\x11\x01" \
	"RPi4" \
	"\1\0\0\0" \
	"\2\0\0\0" \
	"\3\0\0\0"

Test(dhcp_offer, a_pc_is_no_pi_whatever_its_transaction_id)
{
	IDENTIFY(ROM_CONSTANT_XID, OPTIONS(ASK_12, ARCH_0, ID_PC));
	cr_assert_not(board.pi);
	IDENTIFY(ROM_CONSTANT_XID, OPTIONS(ASK_12, ARCH_0, ID_ZEROS));
	cr_assert_not(board.pi);
	IDENTIFY(ROM_CONSTANT_XID, OPTIONS(ASK_12, ARCH_0, ID_ONES));
	cr_assert_not(board.pi);
	IDENTIFY(ROM_CONSTANT_XID, OPTIONS(ASK_12, ARCH_0, ID_TYPE_1));
	cr_assert_not(board.pi);
	IDENTIFY(ROM_CONSTANT_XID, OPTIONS(ASK_12, ARCH_0, ""));
	cr_assert_not(board.pi);
	cr_assert_eq(board.model, BOARD_OTHER);
}

static void
assert_decision(bool offer, uint32_t delay, bool arp, uint32_t verdict)
{
	cr_assert_eq(d.offer, offer);
	cr_assert_eq(d.delay, delay, "delay %u", d.delay);
	cr_assert_eq(d.arp, arp);
	cr_assert_eq(d.verdict, verdict, "verdict %u", d.verdict);
}

Test(dhcp_offer, a_client_of_model_4_or_5_is_answered_at_once)
{
	DECIDE("\1\2\3\4", MAC_PI4, OPTIONS_PI4);
	assert_decision(true, 0, false, SEEN_OFFERED);
	DECIDE("\1\2\3\4", MAC_PI4, OPTIONS_PI5);
	assert_decision(true, 0, false, SEEN_OFFERED);
	DECIDE("\1\2\3\4", MAC_PI4, OPTIONS(ASK_14_G2, ARCH_0, ID_SWAPPED));
	assert_decision(true, 0, false, SEEN_OFFERED);
}

Test(dhcp_offer, a_client_of_model_3_is_answered_late_and_with_arp)
{
	DECIDE(ROM_CONSTANT_XID, MAC_PI3, OPTIONS_G0);
	assert_decision(true, 1500, true, SEEN_OFFERED);
	DECIDE(ROM_CONSTANT_XID, MAC_PI3, OPTIONS_G1);
	assert_decision(true, 1500, true, SEEN_OFFERED);
}

Test(dhcp_offer, a_client_that_hides_its_model_is_known_by_its_mac)
{
	DECIDE("\1\2\3\4", MAC_PI4, OPTIONS(ASK_14_G2, ARCH_0, ID_PC));
	assert_decision(true, 0, false, SEEN_OFFERED);
	DECIDE("\1\2\3\4", MAC_PI4, OPTIONS(ASK_14_G2, "", ""));
	assert_decision(true, 0, false, SEEN_OFFERED);
}

Test(dhcp_offer, a_client_of_another_architecture_is_seen_only)
{
	DECIDE("\1\2\3\4", MAC_PI4, OPTIONS(ASK_14_G2, ARCH_7, ID_PC));
	assert_decision(false, 0, false, SEEN_NOT_SERVED);
}

Test(dhcp_offer, a_client_that_boots_from_its_card_is_seen_only)
{
	DECIDE("\1\2\3\4", MAC_SD, OPTIONS_PI4);
	assert_decision(false, 0, false, SEEN_NOT_SERVED);
}

Test(dhcp_offer, nobody_is_answered_unless_the_network_is_a_proxy)
{
	static const uint32_t mode[] = { 0, DHCP_OFF, DHCP_RESERVATIONS, 99 };
	size_t i;

	table->network.unknown = UNKNOWN_ANSWER;
	for (i = 0; i < sizeof(mode) / sizeof(mode[0]); i++) {
		table->network.dhcp = mode[i];
		DECIDE("\1\2\3\4", MAC_PI4, OPTIONS_PI4);
		assert_decision(false, 0, false, SEEN_NOT_SERVED);
		DECIDE("\1\2\3\4", MAC_NEW, OPTIONS_PI4);
		assert_decision(false, 0, false, SEEN_UNKNOWN);
	}
}

Test(dhcp_offer, an_unknown_board_is_observed)
{
	DECIDE("\1\2\3\4", MAC_NEW, OPTIONS_PI4);
	assert_decision(false, 0, false, SEEN_UNKNOWN);
	cr_assert_null(d.client);
	cr_assert_eq(d.board.serial, 0x1234abcd);
	DECIDE(ROM_CONSTANT_XID, MAC_NEW, OPTIONS_G0);
	assert_decision(false, 0, false, SEEN_UNKNOWN);
}

Test(dhcp_offer, an_unknown_board_is_answered_if_the_operator_wants_it)
{
	table->network.unknown = UNKNOWN_ANSWER;
	DECIDE("\1\2\3\4", MAC_NEW, OPTIONS_PI4);
	assert_decision(true, 0, false, SEEN_UNKNOWN);
	DECIDE(ROM_CONSTANT_XID, MAC_NEW, OPTIONS_G0);
	assert_decision(true, 1500, true, SEEN_UNKNOWN);
}

Test(dhcp_offer, an_unknown_pc_is_never_answered_even_with_the_vendor_part_of_a_pi)
{
	table->network.unknown = UNKNOWN_ANSWER;
	DECIDE("\1\2\3\4", "\xb8\x27\xeb\x01\x01\x01", OPTIONS(ASK_14_G2, ARCH_0, ID_PC));
	assert_decision(false, 0, false, SEEN_UNKNOWN);
}

Test(dhcp_offer, a_mac_alone_is_enough_a_vendor_part_is_not_needed)
{
	add("\x02\x00\x00\x00\x00\x07", BOOT_NETWORK, NETWORK);
	dhcp_table_seal(table);
	DECIDE("\1\2\3\4", "\x02\x00\x00\x00\x00\x07", OPTIONS_PI4);
	assert_decision(true, 0, false, SEEN_OFFERED);
}

Test(dhcp_offer, the_dhcp_of_kernel_and_userland_is_ignored)
{
	DECIDE("\1\2\3\4", MAC_PI4, DISCOVER "\x37\x03\x01\x03\x06" END);
	assert_decision(false, 0, false, 0);
	DECIDE("\1\2\3\4", MAC_PI4, DISCOVER "\x3c\x0cudhcp 1.35.0" END);
	assert_decision(false, 0, false, 0);
	DECIDE("\1\2\3\4", MAC_PI4, DISCOVER ID_PI4 "\x3c\x09pxeclient" END);
	assert_decision(false, 0, false, 0);
	DECIDE("\1\2\3\4", MAC_PI4, DISCOVER ID_PI4 "\x3c\x08PXEClien" END);
	assert_decision(false, 0, false, 0);
}

Test(dhcp_offer, only_a_discover_is_answered)
{
	uint8_t type;

	SAMPLE(&s, "\1\2\3\4", MAC_PI4, OPTIONS_PI4);
	for (type = 0; type < UINT8_MAX; type++) {
		s.bytes[242] = type;
		decode();
		dhcp_decide(table, &r, &d);
		cr_assert_eq(d.offer, type == DHCP_TYPE_DISCOVER, "type %u", type);
		cr_assert_eq(d.verdict, type == DHCP_TYPE_DISCOVER ? SEEN_OFFERED : 0, "type %u", type);
	}
}

Test(dhcp_offer, a_relayed_request_is_ignored)
{
	SAMPLE(&s, "\1\2\3\4", MAC_PI4, OPTIONS_PI4);
	s.bytes[27] = 1;
	decode();
	dhcp_decide(table, &r, &d);
	assert_decision(false, 0, false, 0);
}

Test(dhcp_offer, a_client_of_another_network_is_unknown_here)
{
	add(MAC_NEW, BOOT_NETWORK, NETWORK + 1);
	dhcp_table_seal(table);
	cr_assert_eq(table->count, 3);
	DECIDE("\1\2\3\4", MAC_NEW, OPTIONS_PI4);
	assert_decision(false, 0, false, SEEN_UNKNOWN);
}

Test(dhcp_offer, a_network_without_clients_knows_nobody)
{
	table->count = 0;
	DECIDE("\1\2\3\4", MAC_PI4, OPTIONS_PI4);
	assert_decision(false, 0, false, SEEN_UNKNOWN);
}

static void
number_mac(uint32_t i, uint8_t mac[static MAC_SIZE])
{
	i *= 40503; /* odd: a permutation of 16 bits, so that rows come in disorder */
	memcpy(mac, "\x02\x00\x00\x00", 4);
	mac[4] = (uint8_t)(i >> 8);
	mac[5] = (uint8_t)i;
}

Test(dhcp_offer, a_table_holds_65536_clients_finds_each_and_takes_no_more)
{
	struct msg_client client = { .network = NETWORK, .boot = BOOT_NETWORK };
	uint32_t i;

	table->count = 0;
	for (i = 0; i < DHCP_CLIENTS_MAX; i++) {
		number_mac(i, client.mac);
		cr_assert(dhcp_table_add(table, &client));
	}
	cr_assert_not(dhcp_table_add(table, &client));
	dhcp_table_seal(table);
	SAMPLE(&s, "\1\2\3\4", MAC_PI4, OPTIONS_PI4);
	decode();
	for (i = 0; i < DHCP_CLIENTS_MAX; i += 7) {
		number_mac(i, r.mac);
		dhcp_decide(table, &r, &d);
		cr_assert(d.offer);
		cr_assert_arr_eq(d.client->mac, r.mac, MAC_SIZE);
	}
}

static struct dhcp_queue queue;

static struct dhcp_waiting
waiting(uint32_t i, uint64_t due)
{
	struct dhcp_waiting w = { .due = due, .arp = true, .answer = { .xid = i } };

	number_mac(i, w.answer.mac);
	return w;
}

static bool
put(uint32_t i, uint64_t due)
{
	struct dhcp_waiting w = waiting(i, due);

	return dhcp_queue_put(&queue, &w);
}

Test(dhcp_offer, answers_wait_until_they_are_due_and_come_in_order)
{
	static const uint32_t order[] = { 2, 3, 1 };
	struct dhcp_waiting w;
	size_t i;

	cr_assert_eq(dhcp_queue_next(&queue), UINT64_MAX);
	cr_assert_not(dhcp_queue_take(&queue, UINT64_MAX, &w));
	cr_assert(put(1, 1700) && put(2, 1500) && put(3, 1600));
	cr_assert_eq(dhcp_queue_next(&queue), 1500);
	cr_assert_not(dhcp_queue_take(&queue, 1499, &w));
	for (i = 0; i < 3; i++) {
		cr_assert(dhcp_queue_take(&queue, 1700, &w));
		cr_assert_eq(w.answer.xid, order[i]);
		cr_assert(w.arp);
	}
	cr_assert_eq(dhcp_queue_next(&queue), UINT64_MAX);
}

Test(dhcp_offer, a_full_queue_drops_the_newest)
{
	struct dhcp_waiting w;
	uint32_t i;

	for (i = 0; i < DHCP_QUEUE_MAX; i++)
		cr_assert(put(i, 1000 + i));
	cr_assert_not(put(DHCP_QUEUE_MAX, 1));
	cr_assert(put(7, 9999), "a board that waits already needs no room");
	for (i = 0; i < DHCP_QUEUE_MAX; i++) {
		cr_assert(dhcp_queue_take(&queue, 5000, &w));
		cr_assert_eq(w.answer.xid, i);
	}
	cr_assert_not(dhcp_queue_take(&queue, 5000, &w));
}

Test(dhcp_offer, a_board_that_asks_again_has_its_last_question_answered_at_the_first_time)
{
	struct dhcp_waiting w = waiting(1, 1500);

	cr_assert(dhcp_queue_put(&queue, &w));
	w.due = 3000;
	w.answer.xid = 77;
	cr_assert(dhcp_queue_put(&queue, &w));
	cr_assert(dhcp_queue_take(&queue, 1500, &w));
	cr_assert_eq(w.answer.xid, 77);
	cr_assert_not(dhcp_queue_take(&queue, UINT64_MAX, &w));
}

static struct dhcp_reports reports;

Test(dhcp_offer, a_client_is_reported_once_a_second)
{
	struct dhcp_client *a = &table->client[0], *b = &table->client[1];

	cr_assert(dhcp_report(&reports, a, a->mac, 5000));
	cr_assert_not(dhcp_report(&reports, a, a->mac, 5999));
	cr_assert(dhcp_report(&reports, b, b->mac, 5999));
	cr_assert(dhcp_report(&reports, a, a->mac, 6000));
}

Test(dhcp_offer, a_flood_of_strangers_is_reported_at_a_bounded_rate_and_hides_no_client)
{
	struct dhcp_client *client = &table->client[0];
	uint8_t mac[MAC_SIZE];
	unsigned passed = 0;
	uint32_t i;

	reports.seed = 0x1234567;
	for (i = 0; i < 60000; i++) {
		number_mac(i, mac);
		passed += dhcp_report(&reports, NULL, mac, 5000 + i / 100);
	}
	cr_assert_leq(passed, DHCP_STRANGERS);
	cr_assert_gt(passed, DHCP_STRANGERS * 9 / 10, "groups are used: %u", passed);
	cr_assert(dhcp_report(&reports, client, client->mac, 5600));
}

Test(dhcp_offer, a_stranger_is_reported_once_a_second)
{
	const uint8_t *mac = (const uint8_t *)MAC_NEW;

	cr_assert(dhcp_report(&reports, NULL, mac, 1));
	cr_assert_not(dhcp_report(&reports, NULL, mac, 1000));
	cr_assert(dhcp_report(&reports, NULL, mac, 1001));
}
