/* SPDX-License-Identifier: ISC */
/*
 * Holes that other DHCP servers had, by class: each test is named after the CVE whose class it is, and shows that we are not of it. Packets
 * are to the byte in memory of their own, so that a build with sanitizers sees a read behind them.
 */
#include "dhcp_network.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/answers.h"
#include "broker/control.h"
#include "config.h"
#include "ipc.h"
#include "log.h"
#include "manifest.h"
#include "messages_table.h"

static const char *why;
static struct dhcp_packet packet;

static void
begin(void)
{
	make_table();
	log_to_stderr("test");
	log_level(LOG_ALERT);
}

TestSuite(cve_dnsmasq, .init = begin, .fini = drop_table, .timeout = 60);
TestSuite(cve_isc_dhcp, .init = begin, .fini = drop_table, .timeout = 60);
TestSuite(cve_kea, .init = begin, .fini = drop_table, .timeout = 60);

/* The sample, in memory of exactly its size. */
static bool
taken(void)
{
	uint8_t *exact = malloc(s.size);
	bool good;

	cr_assert_not_null(exact);
	memcpy(exact, s.bytes, s.size);
	good = dhcp_decode(exact, s.size, &r, &why);
	free(exact);
	return good;
}

/* Through all of it; an answer is packed. */
static bool
answered(void)
{
	if (!taken())
		return false;
	dhcp_decide(table, &r, &origin, &d);
	if (d.answer)
		dhcp_pack(&d.reply, &packet);
	return d.answer;
}

#define OFFERED(mac, options) (SAMPLE(&s, ROM_CONSTANT_XID, mac, options), answered())

/* One more option, behind the others. */
static void
one_more(uint8_t code, size_t length, uint8_t byte)
{
	if (s.bytes[s.size - 1] == 0xff)
		s.size--;
	s.bytes[s.size++] = code;
	s.bytes[s.size++] = (uint8_t)length;
	memset(s.bytes + s.size, byte, length);
	s.size += length;
	s.bytes[s.size++] = 0xff;
}

/* A Pi 4's DISCOVER with one more option of this code and length; the value is the byte. */
static void
with_option(uint8_t code, size_t length, uint8_t byte)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, DISCOVER ASK_14_G2 ARCH_0 UNDI ID_PI4 VENDOR_CLASS END);
	one_more(code, length, byte);
}

static const uint8_t *
option_of(const struct dhcp_packet *p, uint8_t code)
{
	const uint8_t *at = p->bytes + DHCP_FRAME_HEADER + 240;

	while (*at != 0xff && *at != code)
		at += 2 + at[1];
	return *at == code ? at : NULL;
}

/* Does the answer hold this? Its headers are before it. */
static bool
says(const char *bytes, size_t size)
{
	return memmem(packet.bytes + DHCP_FRAME_HEADER, packet.size, bytes, size) != NULL;
}

/* A byte a packet would be seen; that the test's own words take a little is not. */
#define MANY 100000
static size_t
in_use(void)
{
	return mallinfo2().uordblks;
}

/* ---- dnsmasq ---- */

/* The address that a relay adds is copied by its length to where one address has room. */
Test(cve_dnsmasq, CVE_2017_14493_what_a_relay_adds_is_of_any_length)
{
	for (size_t length = 0; length <= 255; length++) {
		with_option(82, length, 5); /* suboption 5, of length 5, of 5: a link of five bytes */
		cr_expect_eq(taken(), true, "%zu", length);
		cr_expect_eq(r.agent.length, length);
		cr_expect_eq(r.link, 0);
		one_more(82, 255, 5); /* in parts it is longer than one option can be */
		cr_expect_eq(taken(), true, "%zu", length);
		cr_expect_eq(r.agent.length, length == 0 ? 255 : 0);
		cr_expect_eq(r.link, 0);
		cr_expect_eq(r.arch_count, 1, "what is kept behind it is whole");
	}
}

/* What a relay added comes back with bytes of ours behind it. */
Test(cve_dnsmasq, CVE_2017_14494_a_relay_gets_back_its_own_bytes_only)
{
	for (size_t length = 1; length <= 255; length++) {
		const uint8_t *back;

		memset(&packet, 0xee, sizeof(packet));
		with_option(82, length, 9);
		memcpy(s.bytes + 24, "\xc0\xa8\x0a\x05", 4);
		origin.address = inet_addr("192.168.10.5");
		cr_assert(answered(), "%zu", length);
		back = option_of(&packet, 82);
		cr_assert_not_null(back);
		cr_expect_eq(back[1], length);
		cr_expect_eq(back[2 + length], 0xff, "the end is behind it");
		cr_expect_not(says("\xee\xee", 2));
	}
	table->network.dhcp = DHCP_RESERVATIONS;
	memset(&packet, 0xee, sizeof(packet));
	cr_assert(OFFERED(MAC_PI4, "\x35\x01\x03\x32\x04\xc0\xa8\x0a\x0d" END));
	cr_expect_eq(packet.size, DHCP_REPLY_MIN, "the shortest answer is filled up");
	cr_expect_not(says("\xee\xee", 2));
}

/* A configuration that went is written to by an answer that waits. */
Test(cve_dnsmasq, CVE_2022_0934_an_answer_outlives_the_table_that_it_was_made_from)
{
	static struct dhcp_queue queue;
	struct dhcp_waiting waiting = { .due = 10 }, out;

	cr_assert(OFFERED(MAC_PC, DISCOVER ARCH_7 VENDOR_CLASS END));
	dhcp_pack(&d.reply, &waiting.packet);
	cr_assert(dhcp_queue_put(&queue, &waiting));
	dhcp_table_free(table);
	make_table(); /* perhaps in the same place, and it says otherwise */
	memset(table->network.boot_file[BOOT_EFI_X64], 'x', 4);
	cr_assert(dhcp_queue_take(&queue, 10, &out));
	cr_expect_eq(memcmp(&out.packet, &waiting.packet, sizeof(out.packet)), 0);
}

/* An identifier longer than expected overflows the process with rights that it is handed to: no message has one. */
Test(cve_dnsmasq, CVE_2026_4892_an_identifier_stays_with_who_reads_packets)
{
	with_option(61, 255, 'i');
	cr_assert(answered());
	cr_expect_eq(r.client.length, 255);
	for (size_t i = 1; i < message_rule_count; i++) {
		const struct message_rule *rule = &message_rules[i];

		cr_expect((rule->from & ROLE_DHCP) == 0 || strcmp(rule->name, "READY") == 0 || rule->to == ROLE_BROKER,
		    "dhcp speaks to the parent: %s", rule->name);
	}
	cr_expect_lt(sizeof(struct msg_dhcp_seen), 256, "and to the broker in little");
}

/* ---- isc-dhcp ---- */

/* A question about leases takes a reference that is never given back: it is not answered, and nothing is kept. */
Test(cve_isc_dhcp, CVE_2022_2928_a_leasequery)
{
	size_t before;

	for (int i = 0; i < 2; i++) {
		table->network.dhcp = i == 0 ? DHCP_PROXY : DHCP_RESERVATIONS;
		for (uint8_t type = 9; type < 20; type++) {
			SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, DISCOVER "\x32\x04\xc0\xa8\x0a\x0c" VENDOR_CLASS END);
			s.bytes[242] = type;
			memcpy(s.bytes + 12, "\xc0\xa8\x0a\x0c", 4); /* whose lease it asks about */
			cr_expect_not(answered(), "type %u", type);
		}
	}
	before = in_use();
	for (int i = 0; i < MANY; i++) {
		s.bytes[242] = (uint8_t)(9 + i % 11);
		(void)answered();
	}
	cr_expect_leq(in_use(), before + MANY / 2);
}

/* Labels of a name longer than 63 are an error whose way out leaks. */
Test(cve_isc_dhcp, CVE_2022_2929_a_name_with_a_label_too_long)
{
	size_t before;

	with_option(81, 255, 64);
	cr_assert(answered());
	before = in_use();
	for (int i = 0; i < MANY; i++)
		cr_assert(answered());
	cr_expect_leq(in_use(), before + MANY / 2);
}

/* A string of hex digits in what is read back at a start is longer than its buffer. */
Test(cve_isc_dhcp, CVE_2021_25217_hex_in_what_is_read_back)
{
	static const char form[] =
	    "name a\nversion 1\ndigest %0*d\nsize 1\nboot /boot\nkernel k\norigin o\norigin_digest -\n"
	    "made 2026-11-26T16:00:00Z\n";
	char text[8192], errors[8192];
	struct image_manifest m;

	/* All else is right: it is the length that is refused. From 1, as "%0*d" writes no less. */
	for (int digits = 1; digits < 2500; digits++) {
		int size = snprintf(text, sizeof(text), form, digits, 0);

		cr_expect_eq(image_manifest_parse("m", text, (size_t)size, &m, errors, sizeof(errors)),
		    digits == 64 ? 0 : -1, "a digest of %d", digits);
		size = snprintf(text, sizeof(text), "client \"a\" {\nserial \"%0*d\"\nmac \"02:00:00:00:00:%0*d\"\n}\n",
		    digits, 0, digits, 1);
		cr_expect_null(config_parse("c", text, (size_t)size, &config_resolver_system, errors, sizeof(errors)));
		cr_expect_eq(strstr(errors, "c:2:") == NULL, digits == 8 || digits == 16, "a serial of %d", digits);
		cr_expect_eq(strstr(errors, "c:3:") == NULL, digits == 2, "a MAC's end of %d", digits);
	}
}

/* More options than the buffer of a reply holds. */
Test(cve_isc_dhcp, CVE_2018_5732_a_reply_holds_what_fits)
{
	for (unsigned max = 0; max < 2000; max++) { /* one of them is what the reply takes, without its END */
		with_option(61, 255, 'i');
		one_more(57, 2, 0);
		s.bytes[s.size - 3] = (uint8_t)(max >> 8);
		s.bytes[s.size - 2] = (uint8_t)max;
		cr_assert(answered());
		cr_expect(packet.size >= DHCP_REPLY_MIN && packet.size <= DHCP_REPLY_MAX);
		cr_expect_leq(packet.size, max > 576 ? max - 28 : 548);
	}
}

/* A count of who uses a lease runs over: nothing of ours counts with the packets. */
Test(cve_isc_dhcp, CVE_2018_5733_packets_leave_nothing_to_count)
{
	struct dhcp_client clients[5];
	struct dhcp_table kept = *table;
	size_t before = in_use();

	cr_assert_eq(table->count, 5);
	memcpy(clients, table->client, sizeof(clients));
	for (int i = 0; i < MANY; i++)
		cr_assert(OFFERED(MAC_PI4, OPTIONS_PI4));
	cr_expect_leq(in_use(), before + MANY / 2);
	cr_expect_eq(memcmp(table, &kept, sizeof(kept)), 0);
	cr_expect_eq(memcmp(table->client, clients, sizeof(clients)), 0, "of whatever width, a count would be there");
}

/* Connections of operators without bound. test_control.c holds more open than there may be. */
Test(cve_isc_dhcp, CVE_2016_2774_connections_of_operators_are_counted)
{
	cr_expect_leq(CONTROL_CONNECTIONS_MAX, 64);
	cr_expect_lt(CONTROL_OTHERS_MAX, CONTROL_CONNECTIONS_MAX);
}

/* A length in a header is larger than what came. */
Test(cve_isc_dhcp, CVE_2015_8605_every_length_of_a_packet)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, OPTIONS_PI4);
	for (size_t size = s.size; size > 0; size--) {
		s.size = size;
		if (taken())
			cr_expect_gt(size, 242);
	}
}

/* A length 0 of the identifier makes an endless loop. */
Test(cve_isc_dhcp, CVE_2012_3571_identifiers_of_no_length)
{
	for (int code = 1; code < 255; code++) {
		with_option((uint8_t)code, 0, 0);
		(void)answered();
		with_option((uint8_t)code, 8, 0); /* of those that hold suboptions: four of no length */
		(void)answered();
	}
	cr_assert(OFFERED(MAC_PI4, "\x3d\x00\x3d\x00\x3d\x00" OPTIONS_PI4));
	cr_expect_eq(r.client.length, 0);
	cr_expect_null(option_of(&packet, 61));
}

/* The identifier and the hardware address disagree about its length. */
Test(cve_isc_dhcp, CVE_2012_3570_an_identifier_longer_than_an_address)
{
	for (size_t length = 1; length <= 255; length++) {
		with_option(61, length, 1);
		cr_assert(answered(), "%zu", length);
		cr_expect_eq(r.client.length, length);
	}
	for (int hlen = 0; hlen < 256; hlen++) {
		SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, OPTIONS_PI4);
		s.bytes[2] = (uint8_t)hlen;
		cr_expect_eq(taken(), hlen == MAC_SIZE);
	}
}

/* A packet of BOOTP, without a type, ends the server. */
Test(cve_isc_dhcp, CVE_2011_2748_a_packet_without_a_type)
{
	cr_expect(OFFERED(MAC_PI4, OPTIONS_PI4)); /* and where its type was, it may still lie */
	cr_expect_not(OFFERED(MAC_PI4, VENDOR_CLASS END));
	cr_expect_not(OFFERED(MAC_PI4, "\x35\x00" VENDOR_CLASS END));
	cr_expect_not(OFFERED(MAC_PI4, END));
	cr_expect_not(OFFERED(MAC_PI4, ""));
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, OPTIONS_PI4);
	memset(s.bytes + 236, 0, 4); /* no cookie */
	cr_expect_not(answered());
}

/* What a packet says becomes an expression that is evaluated. Ours is compared, byte by byte. */
Test(cve_isc_dhcp, CVE_2011_4539_a_pattern_for_a_vendor)
{
	static const char *const patterns[] = { ".*", "PXE.*", "P.*t", "^[A-Z]", "*", "PXE*", "P?EClient", "(P|H).*",
		"", "%s" };

	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) { /* of a client: a match would be answered */
		SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, DISCOVER ASK_14_G2 ARCH_0 UNDI ID_PI4 END);
		one_more(60, strlen(patterns[i]), 0);
		memcpy(s.bytes + s.size - 1 - strlen(patterns[i]), patterns[i], strlen(patterns[i]));
		cr_expect_not(answered(), "'%s'", patterns[i]);
	}
	cr_expect_not(OFFERED(MAC_NEW, DISCOVER "\x3c\x0a(a*)*[^]*$" END));
	cr_expect_not(OFFERED(MAC_NEW, DISCOVER "\x3c\x0a%n%n%n%n%n" END));
	cr_expect_eq(d.verdict, 0, "nor is it worth a word");
}

/* A host's name becomes a line of a shell. Only the configuration names clients, and by few letters. */
Test(cve_isc_dhcp, CVE_2011_0997_a_name_that_a_shell_would_run)
{
	static const char *const names[] = { "$(id)", "`id`", "a;id", "a|id", "a&b", "a b", "a\nb", "a'b", "a\"b",
		"../a", "a/b", "-a", "*", "", ".", "..", "a,b", "a(rw)" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		cr_expect_not(config_name_valid(names[i]), "'%s'", names[i]);
	with_option(12, 7, ';');
	cr_assert(answered());
	cr_expect_not(says(";;;;", 4), "nothing of it comes back");
}

/* An option of one address holds more: a mask on the stack overflows. */
Test(cve_isc_dhcp, CVE_2009_0692_addresses_longer_than_addresses)
{
	static const uint8_t codes[] = { 1, 3, 6, 28, 50, 54, 51, 57, 53, 93, 94, 97, 52 };

	for (size_t i = 0; i < sizeof(codes); i++)
		for (size_t length = 0; length <= 255; length++) {
			with_option(codes[i], length, 1);
			if (!taken())
				continue;
			if (length != 4)
				cr_expect_eq(r.requested | r.server_id, 0, "option %u of %zu", codes[i], length);
			cr_expect_eq(r.max_size, codes[i] == 57 && length == 2 ? 0x0101 : 0, "option %u of %zu",
			    codes[i], length);
			cr_expect_eq(r.has_machine_id, codes[i] != 97 || length == 0); /* the sample has a whole one */
			cr_expect_leq(r.arch_count, DHCP_ARCHS);
			cr_expect_eq(memcmp(r.vendor, "PXEClient", 9), 0, "what lies behind those is whole");
			cr_expect_eq(r.client.length | r.agent.length, 0);
		}
}

/* An identifier of no length ends the server. */
Test(cve_isc_dhcp, CVE_2010_2156_an_identifier_of_no_length_in_a_request)
{
	table->network.dhcp = DHCP_RESERVATIONS;
	cr_assert(OFFERED(MAC_PI4, "\x35\x01\x03\x3d\x00\x32\x04\xc0\xa8\x0a\x0c\x36\x04\xc0\xa8\x0a\x01" END));
	cr_expect_eq(d.reply.type, DHCP_TYPE_ACK);
	cr_expect_null(option_of(&packet, 61));
}

/* A relay without an address. */
Test(cve_isc_dhcp, CVE_2010_3611_a_relay_without_an_address)
{
	for (int hops = 0; hops < 256; hops += 51)
		for (int i = 0; i < 2; i++) {
			table->network.dhcp = i == 0 ? DHCP_PROXY : DHCP_RESERVATIONS;
			with_option(82, 6, 1);
			s.bytes[3] = (uint8_t)hops;
			cr_assert(answered());
			cr_expect_eq(d.reply.giaddr, 0);
			cr_expect_eq(d.reply.way, i == 0 ? DHCP_BROADCAST : DHCP_FRAME, "to the board itself");
		}
}

/* A host that is known by its identifier asks with another's hardware address. Ours are known by one thing. */
Test(cve_isc_dhcp, CVE_2009_1892_an_identifier_of_one_and_an_address_of_another)
{
	table->network.dhcp = DHCP_RESERVATIONS;
	cr_assert(OFFERED(MAC_PI3, DISCOVER "\x3d\x07\x01" MAC_PI4 END));
	cr_expect_eq(memcmp(d.client->mac, MAC_PI3, MAC_SIZE), 0);
	cr_expect_not(OFFERED(MAC_NEW, DISCOVER "\x3d\x07\x01" MAC_PI4 END));
	cr_expect_null(d.client);
}

/* ---- kea ---- */

/* What is dropped ends the server, but only where it is logged. */
Test(cve_kea, CVE_2015_8373_everything_dropped_is_logged)
{
	char text[4 * 256 + 1];

	log_level(LOG_DEBUG);
	fclose(stderr);
	stderr = fopen("/dev/null", "we");
	for (size_t size = 0; size < 300; size++) {
		SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, OPTIONS_PI4);
		s.bytes[240 + size % 80] ^= 0xff;
		s.size = size;
		why = NULL;
		if (taken())
			continue;
		cr_assert_not_null(why);
		log_debug("dropped a packet: %s", why);
		log_debug("%s", log_visible(text, sizeof(text), s.bytes, size < 256 ? size : 256));
	}
	for (size_t at = 0; at < 240; at++) { /* of the full length, with one byte of its header wrong */
		SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, OPTIONS_PI4);
		s.bytes[at] ^= 0xff;
		why = NULL;
		cr_expect(taken() || (why != NULL && why[0] != '\0'), "byte %zu", at);
	}
}

/* Each packet leaks a little. */
Test(cve_kea, CVE_2018_5739_nothing_leaks)
{
	size_t before = 0, after;

	for (int i = 0; i < 2 * MANY; i++) {
		if (i == MANY) /* by now malloc() keeps all that it will of what the test itself freed */
			before = in_use();
		with_option((uint8_t)i, (size_t)(i * 7 % 256), (uint8_t)(i >> 8));
		if (i % 3 == 1)
			s.bytes[i / 3 % 240] ^= 0xff; /* many of these are dropped for their header */
		if (i % 3 == 2)
			s.size -= 2; /* and these, most of them, for an option that is cut off */
		(void)answered();
	}
	after = in_use();
	cr_expect_eq(after, before, "nothing is said in between: not one byte");
}

/* An identifier, or a name, of a length that cannot be is asserted not to be. */
Test(cve_kea, CVE_2019_6472_identifiers_and_names_of_any_length)
{
	static const uint8_t codes[] = { 61, 97, 12, 81 };

	for (size_t i = 0; i < sizeof(codes); i++)
		for (size_t length = 0; length <= 255; length++) {
			with_option(codes[i], length, 0xff);
			cr_assert(answered(), "option %u of %zu", codes[i], length);
			one_more(codes[i], 255, 0xff);
			cr_assert(answered(), "option %u of %zu in parts", codes[i], 255 + length);
		}
}

/* What a packet made the server write down cannot be read at its next start. Ours writes nothing that a packet said. */
Test(cve_kea, CVE_2019_6474_nothing_of_a_packet_is_kept_over_a_restart)
{
	struct client_manifest again, m = { .name = "node1",
		.image = "image",
		.version = 1,
		.fsid = 7,
		.quota = 1,
		.generation = 1,
		.kept = "-",
		.label = "-",
		.made = "2026-11-26T16:00:00Z" };
	char reason[TEXT_SIZE], *text = client_manifest_print(&m, reason, sizeof(reason));

	cr_assert_not_null(text);
	cr_assert_eq(client_manifest_parse("m", text, strlen(text), &again, reason, sizeof(reason)), 0);
	cr_expect_eq(memcmp(&m, &again, sizeof(m)), 0);
	for (size_t i = 0; text[i] != '\0'; i++) { /* damaged it is an error, not an end */
		char kept = text[i];

		text[i] = '\x01';
		cr_expect_eq(client_manifest_parse("m", text, strlen(text), &again, reason, sizeof(reason)), -1);
		text[i] = kept;
	}
	free(text);
	memcpy(m.label, "a\nb", sizeof("a\nb"));
	cr_expect_null(client_manifest_print(&m, reason, sizeof(reason)), "nor is written what could not be read");
}

/* Anybody on the machine may change it by its interface. */
Test(cve_kea, CVE_2025_32801_who_is_not_root_changes_nothing)
{
	static struct bindings none; /* a server that has its configuration, so that it is the verb that is refused */
	struct facts facts = { .bindings = &none };
	struct msg_ctl_request request = { .version = ipc_version(), .verb = CTL_RELOAD };
	struct msg_ctl_end refusal;

	cr_expect_not(answer_allowed(&facts, &request, 1000, &refusal));
	cr_expect_neq(refusal.text[0], '\0');
	request.verb = CTL_AUDIT;
	cr_expect_not(answer_allowed(&facts, &request, 1000, &refusal));
	for (uint32_t verb = 0; verb < 100; verb++) {
		request.verb = verb;
		cr_expect_eq(
		    answer_allowed(&facts, &request, 0, &refusal), verb > 0 && verb <= CTL_AUDIT, "verb %u", verb);
		cr_expect_eq(
		    answer_allowed(&facts, &request, 1000, &refusal), verb > 0 && verb < CTL_RELOAD, "verb %u", verb);
	}
}

/* A datagram to the server itself, of no network that it serves, is asserted not to come. */
Test(cve_kea, CVE_2025_40779_a_datagram_of_no_network_of_ours)
{
	static const char *const elsewhere[] = { "10.9.8.7", "0.0.0.1", "255.255.255.255", "127.0.0.1", "224.0.0.1",
		"192.168.10.1", "192.168.10.0", "192.168.10.255" };

	for (size_t i = 0; i < 4 * sizeof(elsewhere) / sizeof(*elsewhere); i++)
		for (int field = 0; field <= 24; field += 12) { /* 0: only where it came from */
			uint32_t address = inet_addr(elsewhere[i / 4]);

			table->network.dhcp = i % 2 == 0 ? DHCP_PROXY : DHCP_RESERVATIONS;
			origin.our_port = i / 2 % 2 == 0 ? DHCP_SERVER_PORT : DHCP_BOOT_PORT;
			SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4,
			    "\x35\x01\x03\x32\x04\xc0\xa8\x0a\x0c" VENDOR_CLASS ID_PI4 END);
			if (field > 0)
				memcpy(s.bytes + field, &address, sizeof(address));
			origin.address = address;
			if (answered() && d.reply.way == DHCP_UNICAST)
				cr_expect((d.reply.address ^ inet_addr("192.168.10.0")) << 8 == 0 &&
					      d.reply.address != inet_addr("192.168.10.1") &&
					      d.reply.address != inet_addr("192.168.10.0") &&
					      d.reply.address != inet_addr("192.168.10.255"),
				    "%s", elsewhere[i / 4]);
		}
}

/* A name of which nothing is left once it is made fit. */
Test(cve_kea, CVE_2025_11232_a_name_of_which_nothing_is_left)
{
	char text[4 * 255 + 1];
	uint8_t bytes[255];

	memset(bytes, 0xff, sizeof(bytes));
	cr_expect_eq(strlen(log_visible(text, sizeof(text), bytes, sizeof(bytes))), 4 * 255);
	cr_expect_str_eq(log_visible(text, sizeof(text), bytes, 0), "");
	for (size_t length = 0; length <= 255; length++) {
		with_option(60, length, 0xff);
		(void)answered();
		cr_expect_leq(r.vendor_length, NAME_SIZE);
	}
}

/* What is nested deeply overflows the stack of who takes it apart. */
Test(cve_kea, CVE_2026_3608_nested_without_end)
{
	size_t length = 1 << 20;
	char *text = malloc(length), errors[8192];
	static const char *const opening[] = { "{", "client \"a\" {", "packages { ", "\"", "network {" };

	cr_assert_not_null(text);
	for (size_t i = 0; i < sizeof(opening) / sizeof(*opening); i++) {
		for (size_t at = 0; at < length; at++)
			text[at] = opening[i][at % strlen(opening[i])];
		cr_expect_null(
		    config_parse("c", text, length, &config_resolver_system, errors, sizeof(errors)), "%s", opening[i]);
		cr_expect_neq(errors[0], '\0');
	}
	free(text);
}
