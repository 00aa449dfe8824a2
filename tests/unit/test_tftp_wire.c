/* SPDX-License-Identifier: ISC */
/* TFTP packets as bytes: what is taken, what is left out, what is malformed, and what is never answered. */
#include <criterion/criterion.h>

#include <string.h>

#include "tftp/tftp_wire.h"

static struct tftp_request r;

/* A packet from a string literal with NULs in it; the literal's own NUL is not sent. */
#define DECODE(text) tftp_decode_request((const uint8_t *)(text), sizeof(text) - 1, &r)
#define RRQ(text)    DECODE("\0\1" text)
#define REPLY(text)  tftp_decode_reply((const uint8_t *)(text), sizeof(text) - 1)

/* "kind=value ..." of the options that were taken. */
static const char *
options(void)
{
	static char text[256];
	size_t used = 0;
	unsigned i;

	text[0] = '\0';
	for (i = 0; i < r.count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s=%llu", i > 0 ? " " : "",
		    r.option[i].name, (unsigned long long)r.option[i].value);
	return text;
}

Test(tftp_wire, request_of_a_pi_4)
{
	cr_assert_eq(RRQ("1234abcd/start4.elf\0octet\0tsize\0000\0blksize\0001024\0"), TFTP_READ);
	cr_assert_str_eq(r.path, "1234abcd/start4.elf");
	cr_assert_eq(r.mode, TFTP_OCTET);
	cr_assert_str_eq(options(), "tsize=0 blksize=1024");
	cr_assert_eq(r.option[0].kind, TFTP_TSIZE);
	cr_assert_eq(r.option[1].kind, TFTP_BLKSIZE);
}

Test(tftp_wire, request_without_options)
{
	cr_assert_eq(RRQ("bootcode.bin\0octet\0"), TFTP_READ);
	cr_assert_eq(r.count, 0);
}

Test(tftp_wire, mode_is_octet_or_netascii_in_any_case)
{
	cr_assert_eq(RRQ("f\0OcTeT\0"), TFTP_READ);
	cr_assert_eq(r.mode, TFTP_OCTET);
	cr_assert_eq(RRQ("f\0NETascii\0"), TFTP_READ);
	cr_assert_eq(r.mode, TFTP_NETASCII);
	cr_assert_eq(RRQ("f\0mail\0"), TFTP_MALFORMED);
	cr_assert_eq(RRQ("f\0\0"), TFTP_MALFORMED);
	cr_assert_eq(RRQ("f\0octets\0"), TFTP_MALFORMED);
}

Test(tftp_wire, a_request_needs_a_name_and_a_mode_with_their_nuls)
{
	cr_assert_eq(RRQ(""), TFTP_MALFORMED);
	cr_assert_eq(RRQ("f"), TFTP_MALFORMED);
	cr_assert_eq(RRQ("f\0"), TFTP_MALFORMED);
	cr_assert_eq(RRQ("f\0octet"), TFTP_MALFORMED);
	cr_assert_eq(RRQ("\0octet\0"), TFTP_MALFORMED);
}

static enum tftp_verdict
decode_name(size_t length)
{
	uint8_t packet[TFTP_REQUEST_MAX] = { 0, TFTP_RRQ };

	memset(packet + 2, 'n', length);
	memcpy(packet + 2 + length, "\0octet", 7);
	return tftp_decode_request(packet, 2 + length + 7, &r);
}

Test(tftp_wire, names_up_to_255_bytes)
{
	cr_assert_eq(decode_name(PATH_SIZE - 1), TFTP_READ);
	cr_assert_eq(strlen(r.path), PATH_SIZE - 1);
	cr_assert_eq(decode_name(PATH_SIZE), TFTP_MALFORMED);
	cr_assert_eq(decode_name(400), TFTP_MALFORMED);
}

Test(tftp_wire, what_is_no_request_is_never_answered)
{
	static const uint8_t long_packet[TFTP_REQUEST_MAX + 1] = { 0, TFTP_RRQ, 'f', 0, 'o', 'c', 't', 'e', 't' };

	cr_assert_eq(DECODE(""), TFTP_NO_REQUEST);
	cr_assert_eq(DECODE("\0"), TFTP_NO_REQUEST);
	cr_assert_eq(DECODE("\0\0f\0octet\0"), TFTP_NO_REQUEST);
	cr_assert_eq(DECODE("\1\1f\0octet\0"), TFTP_NO_REQUEST);
	cr_assert_eq(DECODE("\0\3\0\1data"), TFTP_NO_REQUEST);
	cr_assert_eq(DECODE("\0\4\0\1"), TFTP_NO_REQUEST);
	cr_assert_eq(DECODE("\0\5\0\0text\0"), TFTP_NO_REQUEST);
	cr_assert_eq(DECODE("\0\6tsize\0000\0"), TFTP_NO_REQUEST);
	cr_assert_eq(DECODE("\0\7"), TFTP_NO_REQUEST);
	cr_assert_eq(tftp_decode_request(long_packet, sizeof(long_packet), &r), TFTP_NO_REQUEST);
	cr_assert_eq(tftp_decode_request(long_packet, sizeof(long_packet) - 1, &r), TFTP_READ);
}

Test(tftp_wire, a_write_request_is_one_whatever_follows)
{
	cr_assert_eq(DECODE("\0\2f\0octet\0"), TFTP_WRITE);
	cr_assert_eq(DECODE("\0\2"), TFTP_WRITE);
}

Test(tftp_wire, options_in_any_case_keep_the_clients_spelling_and_order)
{
	cr_assert_eq(RRQ("f\0octet\0WindowSize\0004\0TIMEOUT\0003\0bLKSIZE\000512\0"), TFTP_READ);
	cr_assert_str_eq(options(), "WindowSize=4 TIMEOUT=3 bLKSIZE=512");
}

Test(tftp_wire, unknown_options_are_left_out)
{
	RRQ("f\0octet\0multicast\0\0blksize2\000512\0blksiz\00064\0msftwindow\00031416\0tsize\0000\0utimeout\0001\0");
	cr_assert_str_eq(options(), "tsize=0");
}

Test(tftp_wire, the_first_of_a_repeated_option_counts)
{
	RRQ("f\0octet\0blksize\0001024\0BLKSIZE\0002048\0");
	cr_assert_str_eq(options(), "blksize=1024");
	RRQ("f\0octet\0blksize\0007\0blksize\0002048\0");
	cr_assert_str_eq(options(), "");
}

Test(tftp_wire, values_at_their_limits)
{
	RRQ("f\0octet\0blksize\0008\0timeout\0001\0windowsize\0001\0tsize\00018446744073709551615\0");
	cr_assert_str_eq(options(), "blksize=8 timeout=1 windowsize=1 tsize=18446744073709551615");
	RRQ("f\0octet\0blksize\00065464\0timeout\000255\0windowsize\00065535\0tsize\0005\0");
	cr_assert_str_eq(options(), "blksize=65464 timeout=255 windowsize=65535 tsize=5");
}

#define LEFT_OUT(option) \
	do { \
		cr_assert_eq(RRQ("f\0octet\0" option "\0"), TFTP_READ); \
		cr_assert_str_eq(options(), ""); \
	} while (0)

Test(tftp_wire, values_out_of_range_are_left_out)
{
	LEFT_OUT("blksize\0007");
	LEFT_OUT("blksize\0000");
	LEFT_OUT("blksize\00065465");
	LEFT_OUT("blksize\0004294967808");           /* 2^32 + 512 */
	LEFT_OUT("blksize\00018446744073709552128"); /* 2^64 + 512 */
	LEFT_OUT("timeout\0000");
	LEFT_OUT("timeout\000256");
	LEFT_OUT("windowsize\0000");
	LEFT_OUT("windowsize\00065536");
	LEFT_OUT("tsize\00018446744073709551616");
}

Test(tftp_wire, values_that_are_no_numbers_are_left_out)
{
	LEFT_OUT("blksize\0");
	LEFT_OUT("blksize\000-1");
	LEFT_OUT("blksize\000+512");
	LEFT_OUT("blksize\000 512");
	LEFT_OUT("blksize\000512 ");
	LEFT_OUT("blksize\0001024x");
	LEFT_OUT("blksize\0000x200");
	LEFT_OUT("tsize\000abc");
}

Test(tftp_wire, an_option_that_is_cut_off_is_left_out)
{
	RRQ("f\0octet\0tsize\0000\0blksize\00014");
	cr_assert_str_eq(options(), "tsize=0");
	RRQ("f\0octet\0blksize");
	cr_assert_str_eq(options(), "");
}

Test(tftp_wire, padding_behind_a_request_is_no_option)
{
	cr_assert_eq(RRQ("f\0octet\0\0\0\0\0"), TFTP_READ);
	cr_assert_eq(r.count, 0);
	RRQ("f\0octet\0tsize\0000\0\0\0\0blksize\000512\0");
	cr_assert_str_eq(options(), "tsize=0");
}

Test(tftp_wire, same_bytes_make_the_same_request)
{
	struct tftp_request first;

	memset(&r, 0xff, sizeof(r));
	RRQ("f\0octet\0tsize\0000\0");
	memcpy(&first, &r, sizeof(first));
	memset(&r, 0x55, sizeof(r));
	RRQ("f\0octet\0tsize\0000\0");
	cr_assert_eq(memcmp(&first, &r, sizeof(first)), 0);
}

Test(tftp_wire, replies)
{
	cr_assert_eq(REPLY("\0\4\1\2").kind, TFTP_REPLY_ACK);
	cr_assert_eq(REPLY("\0\4\1\2").block, 0x102);
	cr_assert_eq(REPLY("\0\4\1\2\5").kind, TFTP_REPLY_ACK, "an ACK of Windows has a fifth byte");
	cr_assert_eq(REPLY("\0\4\1").kind, TFTP_REPLY_OTHER);
	cr_assert_eq(REPLY("\0\5\0\0Early terminate\0").kind, TFTP_REPLY_ERROR);
	cr_assert_eq(REPLY("\0\5").kind, TFTP_REPLY_ERROR, "a cut ERROR is not answered either");
	cr_assert_eq(REPLY("\0").kind, TFTP_REPLY_OTHER);
	cr_assert_eq(REPLY("").kind, TFTP_REPLY_OTHER);
	cr_assert_eq(REPLY("\0\3\0\1data").kind, TFTP_REPLY_OTHER);
	cr_assert_eq(REPLY("\0\1f\0octet\0").kind, TFTP_REPLY_OTHER);
}

Test(tftp_wire, oack_bytes)
{
	static const char expected[] = "\0\6TSIZE\00018446744073709551615\0blksize\0001024";
	struct tftp_option option[] = { { .value = UINT64_MAX, .name = "TSIZE" },
		{ .value = 1024, .name = "blksize" } };
	uint8_t packet[TFTP_OACK_MAX];

	cr_assert_eq(tftp_encode_oack(option, 2, packet), sizeof(expected));
	cr_assert_arr_eq(packet, expected, sizeof(expected));
}

Test(tftp_wire, the_longest_oack_fits)
{
	struct tftp_option option[TFTP_OPTIONS];
	uint8_t packet[TFTP_OACK_MAX];
	unsigned i;

	for (i = 0; i < TFTP_OPTIONS; i++)
		option[i] = (struct tftp_option){ .value = UINT64_MAX, .name = "windowsize" };
	cr_assert_eq(tftp_encode_oack(option, TFTP_OPTIONS, packet), 2 + TFTP_OPTIONS * (11 + 21));
}

Test(tftp_wire, error_and_data_bytes)
{
	uint8_t packet[TFTP_ERROR_MAX];

	cr_assert_eq(tftp_encode_error(TFTP_ERROR_NOT_FOUND, packet), 19);
	cr_assert_arr_eq(packet, "\0\5\0\1File not found", 19);
	cr_assert_eq(tftp_encode_error(TFTP_ERROR_UNKNOWN_ID, packet), 24);
	cr_assert_arr_eq(packet, "\0\5\0\5Unknown transfer ID", 24);
	tftp_encode_data_header(0xfffe, packet);
	cr_assert_arr_eq(packet, "\0\3\xff\xfe", TFTP_HEADER);
}

/* The whole of in, translated in blocks of size, one behind the other in out. */
static size_t
translate(const char *in, size_t length, size_t size, char *out)
{
	struct tftp_netascii state = { .offset = 0 };
	size_t total = 0, block;

	do {
		block = tftp_netascii(
		    &state, (const uint8_t *)in + state.offset, length - state.offset, (uint8_t *)out + total, size);
		cr_assert_leq(block, size);
		total += block;
	} while (block == size);
	cr_assert_eq(state.offset, length);
	cr_assert_not(state.split);
	return total;
}

Test(tftp_wire, netascii_has_cr_lf_and_cr_nul_wherever_blocks_end)
{
	static const char in[] = "a\nb\rc\r\n\n\0d", expected[] = "a\r\nb\r\0c\r\0\r\n\r\n\0d";
	char out[64];
	size_t size;

	for (size = 1; size < 20; size++) {
		memset(out, 'x', sizeof(out));
		cr_assert_eq(translate(in, sizeof(in) - 1, size, out), sizeof(expected) - 1, "blocks of %zu", size);
		cr_assert_arr_eq(out, expected, sizeof(expected) - 1, "blocks of %zu", size);
	}
}

Test(tftp_wire, netascii_of_nothing_is_nothing)
{
	char out[1];

	cr_assert_eq(translate("", 0, 1, out), 0);
}
