/* SPDX-License-Identifier: ISC */
/* The headers around what the kernel's IP does not send for us. */
#include <criterion/criterion.h>

#include <arpa/inet.h>

#include "dhcp/dhcp_frame.h"

/* RFC 1071, told another way than the code under test does: a receiver adds all, the sum among it, and must get all ones. */
static uint32_t
sum_of(const uint8_t *p, size_t size, uint32_t sum)
{
	for (size_t i = 0; i < size; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static void
make(uint8_t *frame, size_t size, uint8_t fill)
{
	memset(frame, fill, DHCP_FRAME_HEADER + size);
	dhcp_frame_header(frame, size, inet_addr("192.168.10.1"), inet_addr("192.168.10.12"));
}

Test(dhcp_frame, the_headers_say_where_from_where_to_and_how_long)
{
	uint8_t frame[DHCP_FRAME_HEADER + 300];

	make(frame, 300, 0xaa);
	cr_assert_arr_eq(frame, "\x45\xc0\x01\x48\x00\x00\x00\x00\x40\x11", 10, "328 bytes, no DF, TTL 64, UDP");
	cr_assert_arr_eq(frame + 12, "\xc0\xa8\x0a\x01\xc0\xa8\x0a\x0c\x00\x43\x00\x44\x01\x34", 14);
	cr_assert_eq(frame[28], 0xaa, "what is carried is left alone");
}

Test(dhcp_frame, both_sums_are_right_for_every_length_and_content)
{
	uint8_t frame[DHCP_FRAME_HEADER + 700];

	for (size_t size = 300; size < 700; size++) {
		make(frame, size, (uint8_t)size);
		cr_assert_eq(sum_of(frame, 20, 0), 0xffff, "IP, %zu bytes", size);
		cr_assert_eq(sum_of(frame + 12, 16 + size, (uint32_t)(17 + 8 + size)), 0xffff, "UDP, %zu bytes", size);
		cr_assert(frame[26] != 0 || frame[27] != 0, "0 is no sum");
	}
}

Test(dhcp_frame, a_sum_of_zero_is_sent_as_all_ones)
{
	uint8_t frame[DHCP_FRAME_HEADER + 300];
	uint16_t sum;

	make(frame, 300, 0);
	/* What makes the sum zero is the sum itself, carried in the data. */
	sum = (uint16_t)(frame[26] << 8 | frame[27]);
	frame[28] = (uint8_t)(sum >> 8);
	frame[29] = (uint8_t)sum;
	dhcp_frame_header(frame, 300, inet_addr("192.168.10.1"), inet_addr("192.168.10.12"));
	cr_assert_arr_eq(frame + 26, "\xff\xff", 2);
}

Test(dhcp_frame, the_announcement_names_the_server_twice)
{
	uint8_t packet[DHCP_ARP_SIZE];

	dhcp_encode_arp((const uint8_t *)"\x02\x00\x00\x00\x00\x0a", inet_addr("192.168.10.1"), packet);
	cr_assert_arr_eq(packet,
	    "\x00\x01\x08\x00\x06\x04\x00\x01"
	    "\x02\x00\x00\x00\x00\x0a\xc0\xa8\x0a\x01"
	    "\x00\x00\x00\x00\x00\x00\xc0\xa8\x0a\x01",
	    28);
}
