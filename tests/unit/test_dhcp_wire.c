/* SPDX-License-Identifier: ISC */
/* The bytes of DHCP: what boards send is understood, what is damaged is refused, what we send is the known-good OFFER. */
#include <criterion/criterion.h>

#include <arpa/inet.h>

#include "dhcp/dhcp_wire.h"
#include "dhcp_samples.h"

static struct sample s;
static struct dhcp_request r;

static const char *
fault(void)
{
	const char *why;

	return dhcp_decode(s.bytes, s.size, &r, &why) ? NULL : why;
}

#define assert_taken()       cr_assert_null(fault(), "%s", fault())
#define assert_refused(text) cr_assert_str_eq(fault() != NULL ? fault() : "taken", (text))

Test(dhcp_wire, a_pi_4_discover_is_understood)
{
	SAMPLE(&s, "\x12\x34\x56\x78", MAC_PI4, OPTIONS_PI4);
	cr_assert_eq(s.size, 322, "the length of the real packet");
	assert_taken();
	cr_assert_eq(r.xid, 0x12345678);
	cr_assert_eq(r.secs, 0);
	cr_assert_eq(r.flags, 0);
	cr_assert_eq(r.ciaddr, 0);
	cr_assert_eq(r.giaddr, 0);
	cr_assert_eq(r.server_id, 0);
	cr_assert_eq(r.arch_count, 1);
	cr_assert_eq(r.arch[0], 0);
	cr_assert_eq(r.type, DHCP_TYPE_DISCOVER);
	cr_assert_eq(r.parameters, 14);
	cr_assert_arr_eq(r.mac, MAC_PI4, 6);
	cr_assert_eq(r.vendor_length, 32);
	cr_assert_arr_eq(r.vendor, "PXEClient:Arch:00000:UNDI:002001", 32);
	cr_assert(r.has_machine_id);
	cr_assert_arr_eq(r.machine_id, &ID_PI4[2], 17);
}

Test(dhcp_wire, a_pi_3_rom_discover_is_understood)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI3, OPTIONS_G0);
	cr_assert_eq(s.size, 320, "the length of the real packet");
	assert_taken();
	cr_assert_eq(r.xid, 0x26f30339);
	cr_assert_eq(r.parameters, 12);
	cr_assert_arr_eq(r.machine_id, &ID_G0[2], 17);
}

Test(dhcp_wire, every_number_of_the_header_is_read)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, DISCOVER "\x36\x04\xc0\xa8\x0a\x01" ARCH_7 END);
	memcpy(s.bytes + 8, "\x01\x02\x80\x00\x0a\x00\x00\x05", 8);
	memcpy(s.bytes + 24, "\x0a\x00\x00\x06", 4);
	assert_taken();
	cr_assert_eq(r.secs, 0x0102);
	cr_assert_eq(r.flags, 0x8000);
	cr_assert_eq(r.ciaddr, inet_addr("10.0.0.5"));
	cr_assert_eq(r.giaddr, inet_addr("10.0.0.6"));
	cr_assert_eq(r.server_id, inet_addr("192.168.10.1"));
	cr_assert_eq(r.arch_count, 1);
	cr_assert_eq(r.arch[0], 7);
}

Test(dhcp_wire, hops_pads_and_a_missing_end_do_no_harm)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, "\0\0" DISCOVER "\0" ASK_12);
	s.bytes[3] = 17;
	assert_taken();
	cr_assert_eq(r.parameters, 12);
}

Test(dhcp_wire, what_follows_the_end_is_not_read)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, DISCOVER END "\x3c\xff");
	assert_taken();
	cr_assert_eq(r.vendor_length, 0);
}

Test(dhcp_wire, an_option_in_several_parts_is_joined)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4,
	    "\x3c\x04PXEC" DISCOVER "\x61\x09\x00RPi4\x01\x02\x03\x04"
	    "\x3c\x05lient"
	    "\x61\x08\x05\x06\x07\x08\x09\x0a\x0b\x0c" END);
	assert_taken();
	cr_assert_eq(r.vendor_length, 9);
	cr_assert_arr_eq(r.vendor, "PXEClient", 9);
	cr_assert(r.has_machine_id);
	cr_assert_arr_eq(r.machine_id, "\x00RPi4\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c", 17);
}

Test(dhcp_wire, options_are_read_from_file_and_sname_if_52_says_so)
{
	static const struct {
		const char *options;
		size_t vendor;
		bool id;
	} row[] = {
		{ DISCOVER "\x34\x01\x01" END, 5, false },
		{ DISCOVER "\x34\x01\x02" END, 4, true },
		{ DISCOVER "\x34\x01\x03" END, 9, true },
		{ DISCOVER "\x34\x01\x04" END, 0, false },
	};
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		sample_make(&s, ROM_CONSTANT_XID, MAC_PI4, row[i].options, 7);
		memcpy(s.bytes + 108, "\x3c\x05PXECl" END, 8);
		memcpy(s.bytes + 44, "\x3c\x04ient" ID_PI4 END, 26);
		assert_taken();
		cr_assert_eq(r.vendor_length, row[i].vendor, "row %zu: %u", i, r.vendor_length);
		cr_assert_eq(r.has_machine_id, row[i].id, "row %zu", i);
	}
	s.bytes[245] = 3;
	assert_taken();
	cr_assert_arr_eq(r.vendor, "PXEClient", 9, "file comes before sname");
}

Test(dhcp_wire, a_vendor_class_longer_than_we_keep_is_cut)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, DISCOVER);
	memcpy(s.bytes + 243, "\x3c\xff", 2);
	memset(s.bytes + 245, 'x', 255);
	memcpy(s.bytes + 500, "\x3c\xff", 2);
	memset(s.bytes + 502, 'y', 255);
	s.size = 757;
	assert_taken();
	cr_assert_eq(r.vendor_length, sizeof(r.vendor));
	cr_assert_eq(r.vendor[sizeof(r.vendor) - 1], 'x');
}

Test(dhcp_wire, a_machine_id_of_another_length_is_none)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, DISCOVER "\x61\x10\x00RPi4-1234-1234-" END);
	assert_taken();
	cr_assert_not(r.has_machine_id);
	SET_OPTIONS(&s, DISCOVER ID_PI4 ID_PI4 END);
	assert_taken();
	cr_assert_not(r.has_machine_id);
	SET_OPTIONS(&s, DISCOVER "\x61\x00" END);
	assert_taken();
	cr_assert_not(r.has_machine_id);
}

Test(dhcp_wire, options_of_a_wrong_length_count_as_absent)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4,
	    DISCOVER "\x5d\x01\x07"
		     "\x36\x03\x0a\x00\x00"
		     "\x34\x00"
		     "\x3c\x00" END);
	assert_taken();
	cr_assert_eq(r.arch_count, 0);
	cr_assert_eq(r.server_id, 0);
	cr_assert_eq(r.vendor_length, 0);
}

Test(dhcp_wire, of_the_architectures_eight_are_kept_in_their_order)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, DISCOVER "\x5d\x05\x00\x07\x00\x00\x01" END);
	assert_taken();
	cr_assert_eq(r.arch_count, 2, "half a number is none");
	cr_assert_eq(r.arch[0], 7);
	cr_assert_eq(r.arch[1], 0);
	SET_OPTIONS(&s, DISCOVER "\x5d\x14\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\10\0\11\0\12" END);
	assert_taken();
	cr_assert_eq(r.arch_count, 8);
	cr_assert_eq(r.arch[7], 8);
}

Test(dhcp_wire, ipxe_says_its_name_in_either_form_or_has_its_own_option)
{
	static const struct {
		const char *option;
		size_t size;
		bool ipxe;
	} row[] = {
		{ "\x4d\x04iPXE", 6, true },
		{ "\x4d\x05\x04iPXE", 7, true },
		{ "\xaf\x03\xb1\x01\x01", 5, true },
		{ "\x4d\x04gPXE", 6, false },
		{ "\x4d\x05iPXE2", 7, false },
		{ "\xaf\x00", 2, false },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, DISCOVER);
		memcpy(s.bytes + s.size, row[i].option, row[i].size);
		s.size += row[i].size;
		assert_taken();
		cr_assert_eq(r.ipxe, row[i].ipxe, "row %zu", i);
	}
}

Test(dhcp_wire, a_choice_from_a_menu_is_read_wherever_it_stands_in_option_43)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, DISCOVER "\x2b\x0a\x06\x01\x03\x47\x04\x80\x03\x00\x01\xff" END);
	assert_taken();
	cr_assert(r.has_item);
	cr_assert_eq(r.item_type, 0x8003);
	cr_assert_eq(r.item_layer, 1);
	SET_OPTIONS(&s, DISCOVER "\x2b\x07\xff\x47\x04\x80\x03\x00\x01" END);
	assert_taken();
	cr_assert_not(r.has_item, "behind the END of 43");
	SET_OPTIONS(&s, DISCOVER "\x2b\x05\x47\x04\x80\x03\x00" END);
	assert_taken();
	cr_assert_not(r.has_item, "cut");
}

Test(dhcp_wire, the_rest_that_a_client_says_is_read)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4,
	    DISCOVER
	    "\x32\x04\xc0\xa8\x0a\x0c\x39\x02\x05\xc0\x3d\x03\x01\x02\x03\x52\x08\x05\x04\xc0\xa8\x0a\x00\x01\x00" END);
	assert_taken();
	cr_assert_eq(r.requested, inet_addr("192.168.10.12"));
	cr_assert_eq(r.max_size, 1472);
	cr_assert_eq(r.client.length, 3);
	cr_assert_arr_eq(r.client.byte, "\1\2\3", 3);
	cr_assert_eq(r.agent.length, 8);
	cr_assert_eq(r.link, inet_addr("192.168.10.0"));
}

Test(dhcp_wire, a_packet_without_a_whole_header_is_refused)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, OPTIONS_PI4);
	for (s.size = 0; s.size < 240; s.size++)
		assert_refused("shorter than a DHCP packet");
	assert_refused("no message type");
}

Test(dhcp_wire, a_reply_is_refused)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, OPTIONS_PI4);
	s.bytes[0] = 2;
	assert_refused("not a request");
}

Test(dhcp_wire, another_link_layer_is_refused)
{
	static const uint8_t row[][2] = { { 6, 6 }, { 0, 6 }, { 1, 0 }, { 1, 16 }, { 1, 17 }, { 1, 255 } };
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, OPTIONS_PI4);
		memcpy(s.bytes + 1, row[i], 2);
		assert_refused("not of an Ethernet");
	}
}

Test(dhcp_wire, another_cookie_is_refused)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, OPTIONS_PI4);
	s.bytes[239] ^= 1;
	assert_refused("no DHCP cookie");
}

Test(dhcp_wire, a_hardware_address_of_no_machine_is_refused)
{
	SAMPLE(&s, ROM_CONSTANT_XID, "\x01\x00\x5e\x00\x00\x01", OPTIONS_PI4);
	assert_refused("its hardware address is no machine's");
	SAMPLE(&s, ROM_CONSTANT_XID, "\xff\xff\xff\xff\xff\xff", OPTIONS_PI4);
	assert_refused("its hardware address is no machine's");
	SAMPLE(&s, ROM_CONSTANT_XID, "\0\0\0\0\0\0", OPTIONS_PI4);
	assert_refused("its hardware address is no machine's");
}

Test(dhcp_wire, a_message_type_of_no_or_two_bytes_is_refused)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, "\x35\x00" END);
	assert_refused("no message type");
	SET_OPTIONS(&s, "\x35\x02\x01\x01" END);
	assert_refused("no message type");
	SET_OPTIONS(&s, DISCOVER DISCOVER END);
	assert_refused("no message type");
}

Test(dhcp_wire, an_option_past_the_end_is_refused)
{
	SAMPLE(&s, ROM_CONSTANT_XID, MAC_PI4, DISCOVER "\x3c\x05PXEC");
	assert_refused("an option runs past its field");
	SET_OPTIONS(&s, DISCOVER "\x3c");
	assert_refused("an option runs past its field");
	SET_OPTIONS(&s, DISCOVER "\x3c\xff" END);
	assert_refused("an option runs past its field");
	SET_OPTIONS(&s, DISCOVER "\x34\x01\x02" END);
	memcpy(s.bytes + 44, "\x3c\x3f", 2);
	assert_refused("an option runs past its field");
}

Test(dhcp_wire, no_cut_of_a_packet_is_read_past_its_end)
{
	struct sample whole;
	uint8_t *copy;
	const char *why;

	SAMPLE(&whole, ROM_CONSTANT_XID, MAC_PI4, OPTIONS_PI4);
	for (s.size = 0; s.size <= whole.size; s.size++) {
		copy = malloc(s.size + 1); /* exact, so that the sanitizer sees a byte too far */
		memcpy(copy + 1, whole.bytes, s.size);
		(void)dhcp_decode(copy + 1, s.size, &r, &why);
		free(copy);
	}
}

static struct dhcp_reply reply;

/* As a Pi is answered. */
static size_t
offer_of(uint8_t packet[static DHCP_REPLY_MAX])
{
	assert_taken();
	reply = (struct dhcp_reply){ .type = DHCP_TYPE_OFFER,
		.menu = DHCP_MENU_PI,
		.xid = r.xid,
		.flags = r.flags | 0x8000,
		.server = inet_addr("192.168.10.1"),
		.next_server = true,
		.vendor = "PXEClient",
		.request = &r };
	return dhcp_encode(&reply, packet);
}

Test(dhcp_wire, the_offer_is_the_known_good_one_byte_by_byte)
{
	static const uint8_t options[] = "\x63\x82\x53\x63"
					 "\x35\x01\x02"
					 "\x36\x04\xc0\xa8\x0a\x01"
					 "\x3c\x09PXEClient" ID_PI4 "\x2b\x23"
					 "\x06\x01\x03"
					 "\x0a\x04\x00\x50\x58\x45"
					 "\x09\x17\x00\x00\x14Raspberry Pi Boot   "
					 "\xff"
					 "\xff";
	static const uint8_t zeros[192];
	uint8_t packet[DHCP_REPLY_MAX];

	SAMPLE(&s, "\x12\x34\x56\x78", MAC_PI4, OPTIONS_PI4);
	cr_assert_eq(offer_of(packet), 236 + sizeof(options) - 1);
	cr_assert_arr_eq(packet, "\x02\x01\x06\x00\x12\x34\x56\x78\x00\x00\x80\x00", 12);
	cr_assert_arr_eq(packet + 12, zeros, 8, "ciaddr and yiaddr");
	cr_assert_arr_eq(packet + 20, "\xc0\xa8\x0a\x01\x00\x00\x00\x00", 8, "siaddr is the server, giaddr nobody");
	cr_assert_arr_eq(packet + 28, MAC_PI4, 6);
	cr_assert_arr_eq(packet + 34, zeros, 10);
	cr_assert_arr_eq(packet + 44, zeros, 192, "sname and file");
	cr_assert_arr_eq(packet + 236, options, sizeof(options) - 1);
}

Test(dhcp_wire, an_offer_without_machine_id_is_filled_up_to_300_bytes)
{
	uint8_t packet[DHCP_REPLY_MAX];

	SAMPLE(&s, "\x12\x34\x56\x78", MAC_PI4, DISCOVER VENDOR_CLASS END);
	cr_assert_eq(offer_of(packet), 300);
	cr_assert_arr_eq(packet + 240, "\x35\x01\x02\x36\x04\xc0\xa8\x0a\x01\x3c\x09PXEClient\x2b\x23\x06", 23);
	cr_assert_arr_eq(packet + 297, "\xff\x00\x00", 3, "END, and only then zeros");
}

Test(dhcp_wire, the_other_flags_are_given_back)
{
	uint8_t packet[DHCP_REPLY_MAX];

	SAMPLE(&s, "\x12\x34\x56\x78", MAC_PI4, OPTIONS_PI4);
	s.bytes[11] = 0x21;
	offer_of(packet);
	cr_assert_arr_eq(packet + 10, "\x80\x21", 2);
}

Test(dhcp_wire, our_own_offer_is_no_request)
{
	SAMPLE(&s, "\x12\x34\x56\x78", MAC_PI4, OPTIONS_PI4);
	s.size = offer_of(s.bytes);
	assert_refused("not a request");
}

/* The value of an option of a reply, or NULL; the last of them is END with nothing but zeros behind. */
static const uint8_t *
find(const uint8_t *packet, size_t size, uint8_t code)
{
	const uint8_t *found = NULL;
	size_t at = 240;

	while (packet[at] != 255) {
		cr_assert_neq(packet[at], 0, "a PAD before END");
		if (packet[at] == code)
			found = packet + at + 2;
		at += 2u + packet[at + 1];
		cr_assert_lt(at, size);
	}
	while (++at < size)
		cr_assert_eq(packet[at], 0);
	return found;
}

Test(dhcp_wire, a_lease_has_its_times_and_what_the_network_has)
{
	struct msg_network network = { .prefix = 24,
		.server = inet_addr("192.168.10.1"),
		.gateway = inet_addr("192.168.10.254"),
		.name_servers = 2,
		.name_server = { inet_addr("192.168.10.5"), inet_addr("9.9.9.9") } };
	uint8_t packet[DHCP_REPLY_MAX];
	size_t size;

	SAMPLE(&s, "\1\2\3\4", MAC_PI4, OPTIONS_PI4);
	offer_of(packet);
	reply.lease = 43200;
	reply.network = &network;
	reply.name = "node1";
	reply.file = "bootx64.efi";
	reply.yiaddr = inet_addr("192.168.10.12");
	size = dhcp_encode(&reply, packet);
	cr_assert_arr_eq(find(packet, size, 51) - 1, "\x04\x00\x00\xa8\xc0", 5);
	cr_assert_arr_eq(find(packet, size, 58) - 1, "\x04\x00\x00\x54\x60", 5, "half");
	cr_assert_arr_eq(find(packet, size, 59) - 1, "\x04\x00\x00\x93\xa8", 5, "seven eighths");
	cr_assert_arr_eq(find(packet, size, 1) - 1, "\x04\xff\xff\xff\x00", 5);
	cr_assert_arr_eq(find(packet, size, 28) - 1, "\x04\xc0\xa8\x0a\xff", 5);
	cr_assert_arr_eq(find(packet, size, 3) - 1, "\x04\xc0\xa8\x0a\xfe", 5);
	cr_assert_arr_eq(find(packet, size, 6) - 1, "\x08\xc0\xa8\x0a\x05\x09\x09\x09\x09", 9);
	cr_assert_arr_eq(find(packet, size, 12) - 1, "\x05node1", 6);
	cr_assert_arr_eq(packet + 16, "\xc0\xa8\x0a\x0c", 4);
	cr_assert_str_eq((char *)packet + 108, "bootx64.efi");
}

Test(dhcp_wire, what_a_relay_added_is_given_back_last_and_as_it_was)
{
	uint8_t packet[DHCP_REPLY_MAX];
	size_t size;

	SAMPLE(&s, "\1\2\3\4", MAC_PI4, DISCOVER VENDOR_CLASS "\x52\x05\x01\x03\x00\xff\x00" END);
	size = offer_of(packet);
	cr_assert_arr_eq(find(packet, size, 82) - 1, "\x05\x01\x03\x00\xff\x00", 6);
	cr_assert_eq(find(packet, size, 82)[5], 255, "the last option");
	memset(r.agent.byte, 7, sizeof(r.agent.byte));
	r.agent.length = 255;
	r.client.length = 255;
	r.max_size = UINT16_MAX;
	reply.request = &r;
	reply.name = "a-name-of-sixty-three-bytes-a-name-of-sixty-three-bytes-a-name-o";
	size = dhcp_encode(&reply, packet);
	cr_assert_leq(size, DHCP_REPLY_MAX);
	cr_assert_eq(find(packet, size, 82)[-1], 255);
	cr_assert_eq(find(packet, size, 82)[255], 255, "the last option");
}

Test(dhcp_wire, a_reply_is_no_longer_than_the_client_takes_and_loses_the_least_first)
{
	uint8_t packet[DHCP_REPLY_MAX];
	size_t size;

	SAMPLE(&s, "\1\2\3\4", MAC_PI4, OPTIONS_PI4);
	offer_of(packet);
	r.client.length = 255;
	reply.name = "node1";
	size = dhcp_encode(&reply, packet);
	cr_assert_leq(size, 548);
	cr_assert_null(find(packet, size, 61));
	cr_assert_not_null(find(packet, size, 12));
	for (r.max_size = 0; r.max_size <= 604; r.max_size++)
		cr_assert_leq(
		    dhcp_encode(&reply, packet), r.max_size < 576 ? 548u : r.max_size - 28u, "%u", r.max_size);
	r.max_size = 700;
	size = dhcp_encode(&reply, packet);
	cr_assert_not_null(find(packet, size, 61), "there is room now");
	cr_assert_gt(size, 548);
}

Test(dhcp_wire, a_choice_is_given_back)
{
	uint8_t packet[DHCP_REPLY_MAX];
	size_t size;

	SAMPLE(&s, "\1\2\3\4", MAC_PI4, DISCOVER VENDOR_CLASS "\x2b\x06\x47\x04\x00\x00\x00\x00" END);
	offer_of(packet);
	reply.menu = DHCP_MENU_ITEM;
	size = dhcp_encode(&reply, packet);
	cr_assert_arr_eq(find(packet, size, 43) - 1, "\x07\x47\x04\x00\x00\x00\x00\xff", 8);
	reply.menu = DHCP_MENU_FILE;
	size = dhcp_encode(&reply, packet);
	cr_assert_arr_eq(find(packet, size, 43) - 1, "\x0a\x06\x01\x08\x0a\x04\x00PXE\xff", 11);
	reply.menu = DHCP_MENU_NONE;
	size = dhcp_encode(&reply, packet);
	cr_assert_null(find(packet, size, 43));
}
