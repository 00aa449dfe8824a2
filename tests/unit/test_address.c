/* SPDX-License-Identifier: ISC */
/* Addresses as text and back. */
#include "address.h"

#include <string.h>

#include <criterion/criterion.h>

static bool
parses(const char *text)
{
	uint32_t address;

	return address_parse(text, &address);
}

Test(address, is_in_network_byte_order)
{
	uint32_t address;
	uint8_t bytes[4];

	cr_assert(address_parse("192.168.10.1", &address));
	memcpy(bytes, &address, sizeof(bytes));
	cr_expect_arr_eq(bytes, ((uint8_t[]){ 192, 168, 10, 1 }), 4);
}

Test(address, goes_through_text_and_comes_back)
{
	static const char *const texts[] = { "0.0.0.0", "255.255.255.255", "10.0.0.1", "1.22.100.199" };
	char text[ADDRESS_TEXT];
	uint32_t address;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_assert(address_parse(texts[i], &address));
		cr_expect_str_eq(address_text(address, text), texts[i]);
	}
}

Test(address, is_four_numbers_without_leading_zeros_and_nothing_else)
{
	static const char *const wrong[] = { "", ".", "1", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.4.5", "1.2.3.256",
		"1.2.3.04", "00.2.3.4", "1.2.3.1000", "1.2.3.99999999999", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4\n",
		"1..3.4", "-1.2.3.4", "+1.2.3.4", "1.2.3.a", "0x1.2.3.4", "1,2,3,4" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect(!parses(wrong[i]), "%s", wrong[i]);
}

Test(address, of_ethernet_goes_through_text_and_comes_back)
{
	uint8_t mac[6];
	char text[MAC_TEXT];

	cr_assert(mac_parse("dc:A6:32:01:02:fF", mac));
	cr_expect_arr_eq(mac, ((uint8_t[]){ 0xdc, 0xa6, 0x32, 1, 2, 0xff }), 6);
	cr_expect_str_eq(mac_text(mac, text), "dc:a6:32:01:02:ff");
	cr_expect_str_eq(mac_dashes(mac, text), "dc-a6-32-01-02-ff");
	cr_expect(mac_parse("00-00-00-00-00-01", mac));
}

Test(address, of_ethernet_is_six_pairs_with_one_kind_of_separator)
{
	static const char *const wrong[] = { "", "dc", "dc:a6:32:01:02", "dc:a6:32:01:02:", "dc:a6:32:01:02:03:04",
		"dc:a6:32:01:02:3", "dc:a6:32-01:02:03", "dca632010203", "dc.a6.32.01.02.03", "dg:a6:32:01:02:03",
		"dc:a6:32:01:02:0 ", " c:a6:32:01:02:03", "+c:a6:32:01:02:03", "dc:a6:32:01:02:03\n" };
	uint8_t mac[6];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect(!mac_parse(wrong[i], mac), "%s", wrong[i]);
}

Test(address, that_does_not_parse_leaves_what_was_there)
{
	uint8_t mac[6] = { 1, 2, 3, 4, 5, 6 };
	uint32_t address = 7;

	cr_expect(!mac_parse("dc:a6:32:01:02:0x", mac));
	cr_expect(!address_parse("1.2.3.x", &address));
	cr_expect_arr_eq(mac, ((uint8_t[]){ 1, 2, 3, 4, 5, 6 }), 6);
	cr_expect_eq(address, 7);
}

Test(address, of_one_machine_has_no_group_bit_and_is_not_zero)
{
	cr_expect(mac_is_unicast((uint8_t[]){ 0xdc, 0xa6, 0x32, 1, 2, 3 }));
	cr_expect(mac_is_unicast((uint8_t[]){ 0, 0, 0, 0, 0, 1 }));
	cr_expect(!mac_is_unicast((uint8_t[]){ 0, 0, 0, 0, 0, 0 }));
	cr_expect(!mac_is_unicast((uint8_t[]){ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }));
	cr_expect(!mac_is_unicast((uint8_t[]){ 0x01, 0, 0x5e, 0, 0, 1 }));
}

Test(address, prefixes_are_masks_at_every_length)
{
	static const struct {
		unsigned prefix;
		const char *mask;
	} rows[] = { { 0, "0.0.0.0" }, { 1, "128.0.0.0" }, { 8, "255.0.0.0" }, { 24, "255.255.255.0" },
		{ 30, "255.255.255.252" }, { 31, "255.255.255.254" }, { 32, "255.255.255.255" } };
	char text[ADDRESS_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(address_text(prefix_mask(rows[i].prefix), text), rows[i].mask);
}

Test(address, is_in_a_network_if_its_prefix_is)
{
	uint32_t network, inside, outside;

	cr_assert(address_parse("192.168.10.0", &network) && address_parse("192.168.10.255", &inside) &&
		  address_parse("192.168.11.0", &outside));
	cr_expect(address_in(inside, network, 24));
	cr_expect(!address_in(outside, network, 24));
	cr_expect(address_in(outside, network, 23));
	cr_expect(address_in(outside, network, 0));
	cr_expect(!address_in(inside, network, 32));
	cr_expect(!address_is_host(inside, network, 24), "everybody's");
	cr_expect(address_is_host(inside, network, 23));
	cr_expect(!address_is_host(outside, network, 24), "another network's");
	cr_expect(!address_is_host(network, inside, 23), "the network's own");
}
