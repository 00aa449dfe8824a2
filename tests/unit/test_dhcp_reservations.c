/* SPDX-License-Identifier: ISC */
/* Addresses for clients of the configuration, and nothing for anyone else. */
#include <criterion/criterion.h>

#include <arpa/inet.h>

#include "dhcp_network.h"

#define OURS     "\x36\x04\xc0\xa8\x0a\x01"
#define OTHER    "\x36\x04\xc0\xa8\x0a\x02"
#define WANTS_12 "\x32\x04\xc0\xa8\x0a\x0c"
#define WANTS_57 "\x32\x04\xc0\xa8\x0a\x39"
#define REQUEST  "\x35\x01\x03"
#define INFORM   "\x35\x01\x08"

static void
assert_lease(uint8_t type, const char *yiaddr, uint32_t lease)
{
	cr_assert(d.answer);
	cr_assert_eq(d.reply.type, type, "type %u", d.reply.type);
	cr_assert_eq(d.reply.yiaddr, inet_addr(yiaddr));
	cr_assert_eq(d.reply.lease, lease);
	cr_assert_eq(d.reply.network, &table->network);
	cr_assert_str_eq(d.reply.name, "node1");
}

static void
give_addresses(void)
{
	make_table();
	table->network.dhcp = DHCP_RESERVATIONS;
}

TestSuite(dhcp_reservations, .init = give_addresses, .fini = drop_table);

Test(dhcp_reservations, a_board_gets_address_and_menu_in_one_answer_to_its_mac_alone)
{
	DECIDE("\1\2\3\4", MAC_PI4, OPTIONS_PI4);
	assert_lease(DHCP_TYPE_OFFER, "192.168.10.12", 43200);
	assert_reply(DHCP_TYPE_OFFER, "PXEClient", DHCP_MENU_PI, NULL);
	assert_way(DHCP_FRAME, "192.168.10.12", 67, 68);
	cr_assert_eq(d.reply.flags, 0);
	cr_assert_eq(d.verdict, SEEN_OFFERED);
}

Test(dhcp_reservations, a_pi_3_is_never_answered_by_broadcast_and_late)
{
	DECIDE(ROM_CONSTANT_XID, MAC_PI3, OPTIONS_G0);
	assert_lease(DHCP_TYPE_OFFER, "192.168.10.12", 43200);
	assert_way(DHCP_FRAME, "192.168.10.12", 67, 68);
	assert_decision(true, 1500, true, SEEN_OFFERED);
}

Test(dhcp_reservations, a_request_without_class_of_a_pi_gets_the_menu_too)
{
	DECIDE("\1\2\3\4", MAC_PI4, REQUEST OURS WANTS_12 ID_PI4 END);
	assert_reply(DHCP_TYPE_ACK, "PXEClient", DHCP_MENU_PI, NULL);
	assert_lease(DHCP_TYPE_ACK, "192.168.10.12", 43200);
}

Test(dhcp_reservations, a_pc_gets_its_file_without_a_class)
{
	DECIDE("\1\2\3\4", MAC_PC, OPTIONS(ASK_14_G2, ARCH_7, ID_PC));
	assert_lease(DHCP_TYPE_OFFER, "192.168.10.12", 43200);
	cr_assert_null(d.reply.vendor);
	cr_assert_eq(d.reply.menu, DHCP_MENU_NONE);
	cr_assert_str_eq(d.reply.file, "bootx64.efi");
	cr_assert(d.reply.next_server);
	DECIDE("\1\2\3\4", MAC_PC, DISCOVER "\x5d\x02\x00\x10" HTTP_CLASS END);
	cr_assert_str_eq(d.reply.vendor, "HTTPClient");
}

Test(dhcp_reservations, the_system_of_a_client_gets_its_address_also_one_that_boots_from_its_card)
{
	static const char *const macs[] = { MAC_PI4, MAC_SD };

	for (size_t i = 0; i < 2; i++) {
		DECIDE("\1\2\3\4", macs[i], DISCOVER "\x3c\x0cudhcp 1.35.0" END);
		assert_lease(DHCP_TYPE_OFFER, "192.168.10.12", 43200);
		cr_assert_null(d.reply.file);
		cr_assert_null(d.reply.vendor);
		cr_assert_eq(d.verdict, 0);
	}
	DECIDE("\1\2\3\4", MAC_SD, OPTIONS_PI4);
	assert_decision(false, 0, false, SEEN_NOT_SERVED);
}

Test(dhcp_reservations, each_state_of_a_client_is_answered_as_rfc_2131_has_it)
{
	static const struct {
		const char *what, *options;
		size_t size;
		const char *ciaddr;
		uint8_t type; /* 0: no answer */
		uint8_t way;
	} row[] = {
#define ROW(what, options, ...) { what, options, sizeof(options) - 1, __VA_ARGS__ }
		ROW("selecting us", REQUEST OURS WANTS_12 END, "0.0.0.0", DHCP_TYPE_ACK, DHCP_FRAME),
		ROW("selecting us, another address", REQUEST OURS WANTS_57 END, "0.0.0.0", DHCP_TYPE_NAK,
		    DHCP_BROADCAST),
		ROW("selecting another server", REQUEST OTHER WANTS_12 END, "0.0.0.0", 0, 0),
		ROW("selecting us, from elsewhere", REQUEST OURS WANTS_12 END, "10.9.8.7", DHCP_TYPE_ACK, DHCP_FRAME),
		ROW("init-reboot", REQUEST WANTS_12 END, "0.0.0.0", DHCP_TYPE_ACK, DHCP_FRAME),
		ROW("init-reboot, another address", REQUEST WANTS_57 END, "0.0.0.0", DHCP_TYPE_NAK, DHCP_BROADCAST),
		ROW("renewing or rebinding", REQUEST END, "192.168.10.12", DHCP_TYPE_ACK, DHCP_UNICAST),
		ROW("renewing another address", REQUEST END, "192.168.10.57", DHCP_TYPE_NAK, DHCP_BROADCAST),
		ROW("wanting nothing", REQUEST END, "0.0.0.0", 0, 0),
		ROW("inform", INFORM END, "192.168.10.12", DHCP_TYPE_ACK, DHCP_UNICAST),
		ROW("inform of another address", INFORM END, "192.168.10.57", 0, 0),
		ROW("decline", "\x35\x01\x04" OURS WANTS_12 END, "0.0.0.0", 0, 0),
		ROW("release", "\x35\x01\x07" OURS END, "192.168.10.12", 0, 0),
		ROW("leasequery", "\x35\x01\x0a" END, "192.168.10.12", 0, 0),
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		sample_make(&s, "\1\2\3\4", MAC_PC, row[i].options, row[i].size);
		decode();
		r.ciaddr = inet_addr(row[i].ciaddr);
		dhcp_decide(table, &r, &origin, &d);
		cr_assert_eq(d.answer, row[i].type != 0, "%s", row[i].what);
		if (!d.answer)
			continue;
		cr_assert_eq(d.reply.type, row[i].type, "%s", row[i].what);
		cr_assert_eq(d.reply.way, row[i].way, "%s", row[i].what);
		cr_assert_eq(d.reply.lease, row[i].type == DHCP_TYPE_NAK || r.type == DHCP_TYPE_INFORM ? 0u : 43200u,
		    "%s", row[i].what);
	}
}

Test(dhcp_reservations, a_no_has_neither_address_nor_file_and_is_heard_by_all)
{
	DECIDE("\1\2\3\4", MAC_PC, REQUEST OURS WANTS_57 ARCH_7 VENDOR_CLASS END);
	cr_assert_eq(d.reply.type, DHCP_TYPE_NAK);
	cr_assert_eq(d.reply.yiaddr, 0);
	cr_assert_null(d.reply.file);
	cr_assert_null(d.reply.network);
	cr_assert_not(d.reply.next_server);
	cr_assert_eq(d.reply.flags, 0x8000);
}

Test(dhcp_reservations, who_wants_a_broadcast_gets_one_and_a_relay_its_answer)
{
	SAMPLE(&s, "\1\2\3\4", MAC_PC, DISCOVER END);
	s.bytes[10] = 0x80;
	decode();
	dhcp_decide(table, &r, &origin, &d);
	assert_way(DHCP_BROADCAST, NULL, 67, 68);
	r.giaddr = inet_addr("192.168.10.254");
	dhcp_decide(table, &r, &origin, &d);
	assert_way(DHCP_UNICAST, "192.168.10.254", 67, 67);
	cr_assert_eq(d.reply.yiaddr, inet_addr("192.168.10.12"));
}

Test(dhcp_reservations, nobody_else_is_answered_whatever_he_asks)
{
	table->network.unknown = UNKNOWN_ANSWER;
	DECIDE("\1\2\3\4", MAC_NEW, OPTIONS_PI4);
	assert_decision(false, 0, false, SEEN_UNKNOWN);
	DECIDE("\1\2\3\4", MAC_NEW, DISCOVER END);
	assert_decision(false, 0, false, 0);
	DECIDE("\1\2\3\4", MAC_NEW, REQUEST OURS WANTS_57 END);
	assert_decision(false, 0, false, 0);
}

Test(dhcp_reservations, what_is_wrong_with_a_clients_address_is_told)
{
	DECIDE("\1\2\3\4", MAC_PC, REQUEST OTHER WANTS_57 END);
	cr_assert_eq(d.verdict, SEEN_OTHER_ADDRESS);
	cr_assert_eq(d.other_address, inet_addr("192.168.10.57"));
	cr_assert_eq(d.other_server, inet_addr("192.168.10.2"));
	DECIDE("\1\2\3\4", MAC_PC, REQUEST OTHER WANTS_12 END);
	cr_assert_eq(d.verdict, SEEN_OTHER_SERVER);
	DECIDE("\1\2\3\4", MAC_PC, REQUEST OURS WANTS_12 END);
	cr_assert_eq(d.verdict, 0);
	DECIDE("\1\2\3\4", MAC_PC, "\x35\x01\x04" OURS WANTS_12 END);
	cr_assert_eq(d.verdict, SEEN_DECLINED);
	DECIDE("\1\2\3\4", MAC_NEW, REQUEST OTHER WANTS_57 END);
	cr_assert_eq(d.verdict, 0, "nobody's business");
	table->network.dhcp = DHCP_PROXY;
	DECIDE("\1\2\3\4", MAC_PC, REQUEST OTHER WANTS_12 END);
	cr_assert_eq(d.verdict, 0, "the other server is the one that gives addresses");
	DECIDE("\1\2\3\4", MAC_PC, REQUEST OTHER WANTS_57 END);
	cr_assert_eq(d.verdict, SEEN_OTHER_ADDRESS);
}

Test(dhcp_reservations, a_fault_is_told_once_a_second_whatever_else_is)
{
	struct dhcp_reports reports = { 0 };
	struct dhcp_client *c = &table->client[0];

	cr_assert(dhcp_report(&reports, c, c->mac, 5000));
	cr_assert(dhcp_report_fault(c, 5000));
	cr_assert_not(dhcp_report_fault(c, 5999));
	cr_assert(dhcp_report_fault(c, 6000));
	cr_assert_not(dhcp_report_fault(NULL, 9000));
}

Test(dhcp_reservations, port_4011_gives_files_and_no_addresses)
{
	origin = (struct dhcp_origin){ 4011, 68, inet_addr("192.168.10.12") };
	DECIDE("\1\2\3\4", MAC_PC, REQUEST ARCH_7 VENDOR_CLASS END);
	assert_reply(DHCP_TYPE_ACK, "PXEClient", DHCP_MENU_NONE, "bootx64.efi");
	cr_assert_eq(d.reply.lease, 0);
	DECIDE("\1\2\3\4", MAC_PC, REQUEST WANTS_12 END);
	cr_assert_not(d.answer);
}
