/* SPDX-License-Identifier: ISC */
/* Who gets an OFFER, when, and what is told to the broker. */
#include <criterion/criterion.h>

#include <stdio.h>

#include <arpa/inet.h>

#include "dhcp_network.h"

static struct dhcp_board board;

TestSuite(dhcp_offer, .init = make_table, .fini = drop_table);

#define IDENTIFY(xid, options) \
	do { \
		SAMPLE(&s, (xid), MAC_NEW, options); \
		decode(); \
		dhcp_identify(&r, &board); \
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

Test(dhcp_offer, a_client_that_hides_its_model_is_a_pi_by_its_maker_or_by_its_serial_in_the_configuration)
{
	DECIDE("\1\2\3\4", MAC_PI4, OPTIONS(ASK_14_G2, ARCH_0, ID_PC));
	assert_decision(true, 0, false, SEEN_OFFERED);
	cr_assert_eq(d.reply.menu, DHCP_MENU_PI);
	DECIDE("\1\2\3\4", MAC_HID, OPTIONS(ASK_14_G2, ARCH_0, ID_PC));
	assert_decision(true, 0, false, SEEN_OFFERED);
	cr_assert_eq(d.reply.menu, DHCP_MENU_PI);
	DECIDE("\1\2\3\4", MAC_PI4, OPTIONS(ASK_14_G2, "", ""));
	assert_decision(true, 0, false, SEEN_OFFERED);
}

Test(dhcp_offer, a_client_of_an_architecture_without_a_file_is_seen_only)
{
	DECIDE("\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, "\x5d\x02\x00\x06", ID_PC));
	assert_decision(false, 0, false, SEEN_NOT_SERVED);
	DECIDE("\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, "\x5d\x02\x00\x1b", ID_PC));
	assert_decision(false, 0, false, SEEN_NOT_SERVED);
	DECIDE("\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, "", ID_PC));
	assert_decision(false, 0, false, SEEN_NOT_SERVED);
	table->network.boot_file[BOOT_IPXE][0] = '\0';
	DECIDE("\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, ARCH_0, ID_PC USER_IPXE));
	assert_decision(false, 0, false, SEEN_NOT_SERVED);
}

Test(dhcp_offer, each_kind_of_firmware_gets_the_file_of_its_own)
{
	DECIDE("\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, ARCH_0, ID_PC));
	assert_reply(DHCP_TYPE_OFFER, "PXEClient", DHCP_MENU_FILE, "undionly.kpxe");
	assert_way(DHCP_BROADCAST, NULL, 67, 68);
	cr_assert_eq(d.reply.flags, 0x8000);
	cr_assert_eq(d.reply.yiaddr, 0);
	DECIDE("\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, ARCH_7, ID_PC));
	assert_reply(DHCP_TYPE_OFFER, "PXEClient", DHCP_MENU_NONE, "bootx64.efi");
	DECIDE("\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, "\x5d\x02\x00\x09", ID_PC));
	assert_reply(DHCP_TYPE_OFFER, "PXEClient", DHCP_MENU_NONE, "bootx64.efi");
	DECIDE("\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, "\x5d\x02\x00\x0b", ID_PC));
	assert_reply(DHCP_TYPE_OFFER, "PXEClient", DHCP_MENU_NONE, "bootaa64.efi");
	DECIDE("\1\2\3\4", MAC_PI4, OPTIONS_PI4);
	assert_reply(DHCP_TYPE_OFFER, "PXEClient", DHCP_MENU_PI, NULL);
}

Test(dhcp_offer, a_pi_with_uefi_firmware_is_what_its_architecture_says)
{
	DECIDE("\1\2\3\4", MAC_PI4, OPTIONS(ASK_14_G2, "\x5d\x02\x00\x0b", ID_PI4));
	assert_reply(DHCP_TYPE_OFFER, "PXEClient", DHCP_MENU_NONE, "bootaa64.efi");
}

Test(dhcp_offer, ipxe_gets_its_script_whatever_it_was_loaded_by)
{
	DECIDE("\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, ARCH_0, ID_PC USER_IPXE));
	assert_reply(DHCP_TYPE_OFFER, "PXEClient", DHCP_MENU_FILE, "boot.ipxe");
	DECIDE("\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, ARCH_7, ID_PC USER_IPXE));
	assert_reply(DHCP_TYPE_OFFER, "PXEClient", DHCP_MENU_FILE, "boot.ipxe");
}

Test(dhcp_offer, of_several_architectures_the_first_with_a_file_is_taken)
{
	DECIDE("\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, "\x5d\x06\x00\x06\x00\x10\x00\x07", ID_PC));
	assert_reply(DHCP_TYPE_OFFER, "PXEClient", DHCP_MENU_NONE, "bootx64.efi");
}

Test(dhcp_offer, a_machine_that_boots_by_http_is_answered_only_if_there_is_a_uri)
{
	DECIDE("\1\2\3\4", MAC_PC, DISCOVER "\x5d\x02\x00\x10" HTTP_CLASS END);
	assert_reply(DHCP_TYPE_OFFER, "HTTPClient", DHCP_MENU_NONE, "http://192.168.10.1/boot.efi");
	DECIDE("\1\2\3\4", MAC_PC, DISCOVER "\x5d\x02\x00\x13" HTTP_CLASS END);
	assert_decision(false, 0, false, SEEN_NOT_SERVED);
	DECIDE("\1\2\3\4", MAC_PC, DISCOVER ARCH_7 HTTP_CLASS END);
	assert_decision(false, 0, false, SEEN_NOT_SERVED);
	DECIDE("\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, "\x5d\x02\x00\x10", ID_PC));
	assert_decision(false, 0, false, SEEN_NOT_SERVED);
}

Test(dhcp_offer, port_4011_answers_requests_and_informs_to_the_address_that_the_machine_has)
{
	static const uint8_t types[] = { DHCP_TYPE_REQUEST, DHCP_TYPE_INFORM };

	origin = (struct dhcp_origin){ .our_port = 4011, .port = 68, .address = inet_addr("192.168.10.57") };
	for (size_t i = 0; i < 2; i++) {
		SAMPLE(&s, "\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, ARCH_7, ID_PC));
		s.bytes[242] = types[i];
		decode();
		dhcp_decide(table, &r, &origin, &d);
		assert_reply(DHCP_TYPE_ACK, "PXEClient", DHCP_MENU_NONE, "bootx64.efi");
		assert_way(DHCP_UNICAST, "192.168.10.57", 4011, 68);
		cr_assert_eq(d.verdict, 0, "it was told of the offer");
		r.ciaddr = inet_addr("192.168.10.58");
		origin.port = 4011;
		dhcp_decide(table, &r, &origin, &d);
		assert_way(DHCP_UNICAST, "192.168.10.58", 4011, 4011);
		cr_assert_eq(d.reply.ciaddr, r.ciaddr);
		cr_assert_eq(d.reply.yiaddr, 0);
		origin.port = 68;
	}
	DECIDE("\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, ARCH_7, ID_PC));
	assert_reply(DHCP_TYPE_OFFER, "PXEClient", DHCP_MENU_NONE, "bootx64.efi");
	assert_way(DHCP_UNICAST, "192.168.10.57", 4011, 68);
}

Test(dhcp_offer, port_4011_answers_nobody_outside_and_no_server_port)
{
	static const struct {
		const char *source, *ciaddr;
		uint16_t port;
		bool answer;
	} row[] = {
		{ "192.168.10.57", "0.0.0.0", 68, true },
		{ "192.168.11.57", "0.0.0.0", 68, false },
		{ "192.168.10.57", "10.0.0.1", 68, false },
		{ "0.0.0.0", "0.0.0.0", 68, false },
		{ "192.168.10.1", "0.0.0.0", 68, false },
		{ "192.168.10.57", "0.0.0.0", 67, false },
		{ "192.168.10.57", "0.0.0.0", 0, false },
		{ "192.168.10.57", "0.0.0.0", 1234, true },
	};

	SAMPLE(&s, "\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, ARCH_7, ID_PC));
	s.bytes[242] = DHCP_TYPE_REQUEST;
	decode();
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		origin = (struct dhcp_origin){ 4011, row[i].port, inet_addr(row[i].source) };
		r.ciaddr = inet_addr(row[i].ciaddr);
		dhcp_decide(table, &r, &origin, &d);
		cr_assert_eq(d.answer, row[i].answer, "row %zu", i);
	}
}

#define ITEM(type, layer) "\x2b\x07\x47\x04" type layer "\xff"

Test(dhcp_offer, a_choice_of_our_only_entry_is_confirmed_on_both_ports)
{
	static const uint16_t ports[] = { 67, 4011 };

	for (size_t i = 0; i < 2; i++) {
		origin = (struct dhcp_origin){ ports[i], 68, inet_addr("192.168.10.57") };
		SAMPLE(&s, "\1\2\3\4", MAC_PC, "\x35\x01\x03" ITEM("\0\0", "\0\0") "\x5d\x02\x00\x00" VENDOR_CLASS END);
		memcpy(s.bytes + 12, "\xc0\xa8\x0a\x39", 4);
		decode();
		dhcp_decide(table, &r, &origin, &d);
		assert_reply(DHCP_TYPE_ACK, "PXEClient", DHCP_MENU_ITEM, "undionly.kpxe");
		assert_way(DHCP_UNICAST, "192.168.10.57", ports[i], 68);
		cr_assert_eq(d.reply.yiaddr, r.ciaddr);
		cr_assert_eq(d.reply.ciaddr, 0);
	}
	r.ciaddr = 0;
	origin.our_port = 67;
	dhcp_decide(table, &r, &origin, &d);
	assert_way(DHCP_BROADCAST, NULL, 67, 68);
}

Test(dhcp_offer, another_entry_layer_or_server_of_a_choice_is_not_ours)
{
	static const struct {
		uint16_t type, layer;
		const char *server;
		bool answer;
	} row[] = {
		{ 0, 0, "192.168.10.1", true },
		{ 0, 0, "192.168.10.2", false },
		{ 1, 0, "0.0.0.0", false },
		{ 0x8003, 0, "0.0.0.0", false },
		{ 0, 1, "0.0.0.0", false },
		{ 0, 0x8000, "0.0.0.0", false },
	};

	SAMPLE(&s, "\1\2\3\4", MAC_PC, "\x35\x01\x03" ITEM("\0\0", "\0\0") ARCH_0 VENDOR_CLASS END);
	decode();
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		r.item_type = row[i].type;
		r.item_layer = row[i].layer;
		r.server_id = inet_addr(row[i].server);
		dhcp_decide(table, &r, &origin, &d);
		cr_assert_eq(d.answer, row[i].answer, "row %zu", i);
	}
}

Test(dhcp_offer, a_client_that_boots_from_its_card_is_seen_only)
{
	DECIDE("\1\2\3\4", MAC_SD, OPTIONS_PI4);
	assert_decision(false, 0, false, SEEN_NOT_SERVED);
}

Test(dhcp_offer, nobody_is_answered_in_a_network_without_dhcp)
{
	static const uint32_t mode[] = { 0, DHCP_OFF, 99 };
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
		dhcp_decide(table, &r, &origin, &d);
		cr_assert_eq(d.answer, type == DHCP_TYPE_DISCOVER, "type %u", type);
		cr_assert_eq(d.verdict,
		    type == DHCP_TYPE_DISCOVER  ? SEEN_OFFERED
		    : type == DHCP_TYPE_DECLINE ? SEEN_DECLINED
						: 0,
		    "type %u", type);
	}
}

Test(dhcp_offer, a_relay_of_our_own_network_gets_the_answer_one_of_another_gets_none)
{
	SAMPLE(&s, "\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, ARCH_7, ID_PC));
	decode();
	r.giaddr = inet_addr("192.168.10.254");
	dhcp_decide(table, &r, &origin, &d);
	assert_reply(DHCP_TYPE_OFFER, "PXEClient", DHCP_MENU_NONE, "bootx64.efi");
	assert_way(DHCP_UNICAST, "192.168.10.254", 67, 67);
	cr_assert_eq(d.reply.giaddr, r.giaddr);
	cr_assert_eq(d.reply.flags, 0x8000, "without an address the relay can only broadcast it");
	cr_assert_not(d.relay_refused);
	r.giaddr = inet_addr("192.168.20.254");
	dhcp_decide(table, &r, &origin, &d);
	assert_decision(false, 0, false, 0);
	cr_assert(d.relay_refused);
	r.giaddr = inet_addr("192.168.10.1");
	dhcp_decide(table, &r, &origin, &d);
	cr_assert(d.relay_refused, "our own address: it would come back to us");
}

Test(dhcp_offer, the_link_that_a_relay_names_must_be_ours)
{
	SAMPLE(&s, "\1\2\3\4", MAC_PI4, OPTIONS_PI4);
	decode();
	r.link = inet_addr("192.168.10.0");
	dhcp_decide(table, &r, &origin, &d);
	cr_assert(d.answer);
	r.link = inet_addr("192.168.20.0");
	dhcp_decide(table, &r, &origin, &d);
	cr_assert_not(d.answer);
}

Test(dhcp_offer, a_client_of_another_network_is_unknown_here)
{
	add(MAC_NEW, BOOT_NETWORK, NETWORK + 1);
	dhcp_table_seal(table);
	cr_assert_eq(table->count, 5);
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
		dhcp_decide(table, &r, &origin, &d);
		cr_assert(d.answer);
		cr_assert_arr_eq(d.client->mac, r.mac, MAC_SIZE);
	}
}

static struct dhcp_queue queue;

static struct dhcp_waiting
waiting(uint32_t i, uint64_t due)
{
	struct dhcp_waiting w = { .due = due, .arp = true, .packet = { .address = i } };

	number_mac(i, w.packet.mac);
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
		cr_assert_eq(w.packet.address, order[i]);
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
		cr_assert_eq(w.packet.address, i);
	}
	cr_assert_not(dhcp_queue_take(&queue, 5000, &w));
}

Test(dhcp_offer, a_board_that_asks_again_has_its_last_question_answered_at_the_first_time)
{
	struct dhcp_waiting w = waiting(1, 1500);

	cr_assert(dhcp_queue_put(&queue, &w));
	w.due = 3000;
	w.packet.address = 77;
	cr_assert(dhcp_queue_put(&queue, &w));
	cr_assert(dhcp_queue_take(&queue, 1500, &w));
	cr_assert_eq(w.packet.address, 77);
	cr_assert_not(dhcp_queue_take(&queue, UINT64_MAX, &w));
}

Test(dhcp_offer, a_packet_of_a_broadcast_is_a_frame_to_everybody)
{
	static struct dhcp_packet packet;

	DECIDE("\1\2\3\4", MAC_PI4, OPTIONS_PI4);
	dhcp_pack(&d.reply, &packet);
	cr_assert_eq(packet.way, DHCP_BROADCAST);
	cr_assert_arr_eq(packet.mac, MAC_PI4, MAC_SIZE);
	cr_assert_arr_eq(packet.bytes + 12, "\xc0\xa8\x0a\x01\xff\xff\xff\xff\x00\x43\x00\x44", 12);
	cr_assert_arr_eq(packet.bytes + 28, "\x02\x01\x06\x00\x01\x02\x03\x04\x00\x00\x80\x00", 12);
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
