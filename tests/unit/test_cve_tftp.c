/* SPDX-License-Identifier: ISC */
/*
 * Holes that other TFTP servers had, by class: each test is named after the CVE whose class it is, and shows that we are not of it. Packets
 * are to the byte in memory of their own, so that a build with sanitizers sees a read behind them.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "tftp/tftp_serve.h"

#define ALICE 0x0500000au

static struct tftp_request r;
static struct tftp_server server;
static struct {
	unsigned asked, sent, errors, ended;
	uint32_t id;
	unsigned socket;
} done;
static uint64_t unread; /* not 0: the time at which drain() finds an ERROR of every client of that socket */

static enum tftp_verdict
decode(const void *bytes, size_t size)
{
	uint8_t *exact = malloc(size == 0 ? 1 : size);
	enum tftp_verdict verdict;

	cr_assert_not_null(exact);
	memcpy(exact, bytes, size);
	memset(&r, 0, sizeof(r));
	verdict = tftp_decode_request(exact, size, &r);
	free(exact);
	return verdict;
}

#define DECODE(text) decode((text), sizeof(text) - 1)

/* ---- a server on an edge that only counts ---- */

static bool
ask(void *argument, const struct tftp_transfer *t)
{
	done.asked++;
	done.id = t->id;
	done.socket = t->socket;
	return true;
}

static bool
send_action(void *argument, struct tftp_transfer *t, const struct tftp_action *action)
{
	cr_expect_eq(tftp_table_find(&server.table, t->address, t->port), t, "sent for a transfer that ended");
	done.sent++;
	return true;
}

static void
send_error(void *argument, const struct tftp_peer *peer, enum tftp_error error)
{
	done.errors++;
}

static void
drain(void *argument, unsigned socket)
{
	static const uint8_t error[] = { 0, TFTP_ERROR, 0, 0, 0 };
	struct tftp_peer peer = { .address = ALICE, .socket = (uint8_t)socket };

	for (peer.port = 2000; unread != 0 && peer.port < 2040; peer.port++)
		tftp_serve_reply(&server, &peer, error, sizeof(error), unread);
}

static void
finish(void *argument, struct tftp_transfer *t, uint32_t report, uint64_t now)
{
	done.ended++;
}

static const struct tftp_edge edge = { ask, send_action, send_error, drain, finish };

static void
serve(void)
{
	tftp_serve_init(&server, &edge, NULL, 1, TFTP_SOCKETS, 1500);
	memset(&done, 0, sizeof(done));
}

static void
request(uint16_t port, const char *bytes, size_t size, uint64_t now)
{
	struct tftp_peer peer = { .address = ALICE, .port = port };

	tftp_serve_request(&server, &peer, (const uint8_t *)bytes, size, now);
}

#define REQUEST(port, text, now) request((port), (text), sizeof(text) - 1, (now))

static void
reply(uint16_t port, const uint8_t *bytes, size_t size, uint64_t now)
{
	struct tftp_peer peer = { .address = ALICE, .port = port, .socket = (uint8_t)done.socket };
	uint8_t *exact = malloc(size == 0 ? 1 : size);

	cr_assert_not_null(exact);
	memcpy(exact, bytes, size);
	tftp_serve_reply(&server, &peer, exact, size, now);
	free(exact);
}

static void
grant(uint64_t now)
{
	struct msg_file file = { .id = done.id, .status = FILE_OPENED, .size = 10000 };

	cr_assert(tftp_serve_file(&server, &file, 7, now));
}

/* ---- dnsmasq ---- */

/* A name and the prefix of its directory overflow the buffer that holds both. */
Test(cve_dnsmasq, CVE_2009_2957_a_long_name_behind_a_prefix)
{
	static const struct msg_network network = { .server = 1, .prefix = 24 };
	static const struct msg_client client = {
		.address = ALICE, .serial = 0xaa00aa01, .has_serial = 1, .boot = BOOT_NETWORK, .mac = { 2 }
	};
	const struct access_view view = { &network, 1, &client, 1 };
	const struct msg_client *who;
	char packet[TFTP_REQUEST_MAX], path[2 * PATH_SIZE], rest[PATH_SIZE];

	for (size_t length = 1; length < 480; length++) {
		size_t size =
		    (size_t)snprintf(packet, sizeof(packet), "%c%c%0*d%coctet", 0, TFTP_RRQ, (int)length, 0, 0);

		cr_expect_eq(decode(packet, size + 1), length < PATH_SIZE ? TFTP_READ : TFTP_MALFORMED);
	}
	for (size_t length = 1; length < 2 * PATH_SIZE - 11; length++) {
		bool fits = length + 2 < PATH_SIZE;

		snprintf(path, sizeof(path), "aa00aa01/d/%0*d", (int)length, 0);
		cr_expect_eq(access_read(&view, 0, ALICE, client.mac, path, &who, rest),
		    fits ? ACCESS_GRANTED : ACCESS_BAD_PATH, "%zu", length);
		cr_expect_eq(strlen(rest), fits ? length + 2 : 0);
	}
}

/* Options, or their values, that are not there are read all the same. */
Test(cve_dnsmasq, CVE_2009_2958_a_request_that_ends_early)
{
	static const char whole[] = "\0\1f\0octet\0blksize\0001024\0tsize\0000\0timeout\0003\0windowsize\0004\0";

	for (size_t size = 0; size < sizeof(whole); size++)
		cr_expect_eq(decode(whole, size),
		    size < 2    ? TFTP_NO_REQUEST
		    : size < 10 ? TFTP_MALFORMED
				: TFTP_READ,
		    "%zu", size);
	cr_expect_eq(DECODE("\0\1f\0octet\0blksize\0"), TFTP_READ);
	cr_expect_eq(r.count, 0, "a name without its value is no option");
}

/* The text of an ERROR is cut, its length is not: what lies behind it goes out (mended in 2.77, without a number). */
Test(cve_dnsmasq, fixed_in_2_77_an_error_no_longer_than_its_text)
{
	uint8_t packet[TFTP_ERROR_MAX + 16];

	for (int error = 0; error <= 8; error++) {
		size_t size;

		memset(packet, 0xee, sizeof(packet));
		size = tftp_encode_error((enum tftp_error)error, packet);
		cr_assert(size > TFTP_HEADER && size <= TFTP_ERROR_MAX);
		cr_expect_eq(size, TFTP_HEADER + strlen((char *)packet + TFTP_HEADER) + 1);
		cr_expect_null(memchr(packet, 0xee, size));
		cr_expect_eq(packet[size], 0xee);
	}
}

/* ---- tftpd-hpa ---- */

/* The value of utimeout overflows what is made of it. */
Test(cve_tftpd_hpa, CVE_2011_2199_times_beyond_all_measure)
{
	static const char *const values[] = { "0", "-1", "256", "4294967296", "4294967297", "18446744073709551615",
		"18446744073709551616", "18446744073709551617", "99999999999999999999999999999999", "0x10", "1e3", "1 ",
		" 1", "" };
	char packet[TFTP_REQUEST_MAX];

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		size_t size = (size_t)snprintf(packet, sizeof(packet), "%c%cf%coctet%cutimeout%c%s%ctimeout%c%s", 0, 1,
				  0, 0, 0, values[i], 0, 0, values[i]) +
			      1;

		cr_expect_eq(decode(packet, size), TFTP_READ);
		cr_expect_eq(r.count, 0, "'%s' is taken", values[i]);
	}
	cr_expect_eq(DECODE("\0\1f\0octet\0utimeout\000250000\0timeout\000255\0"), TFTP_READ);
	cr_expect_eq(r.count, 1);
	cr_expect_eq(r.option[0].value, 255);
}

/* ---- atftpd ---- */

TestSuite(cve_atftpd, .timeout = 60); /* a list that bites its tail has no end */

/* An ERROR of three bytes or less has a text of a negative length. */
Test(cve_atftpd, CVE_2019_11365_an_error_cut_short)
{
	static const uint8_t error[] = { 0, TFTP_ERROR, 0, 1, 'n', 'o' };

	for (size_t size = 0; size <= sizeof(error); size++) {
		serve();
		REQUEST(2000, "\0\1f\0octet\0", 1000);
		grant(1000);
		reply(2000, error, size, 1001);
		cr_expect_eq(server.table.count, size < 2, "%zu bytes", size);
	}
}

/*
 * A list of transfers that several threads walk: there is one thread, and a transfer that ends while another of its client begins, or
 * while its own time is looked at.
 */
Test(cve_atftpd, CVE_2019_11366_many_begin_and_end_at_once)
{
	static const uint8_t error[] = { 0, TFTP_ERROR, 0, 0, 0 };
	char text[] = "\0\1f\0octet";
	struct tftp_transfer *oldest;

	serve();
	for (unsigned round = 0; round < 20000; round++) {
		uint16_t port = (uint16_t)(2000 + round * 7 % 40);
		uint64_t now = 1000 + 100 * round;

		unread = round % 11 == 0 ? now : 0;
		text[2] = (char)('a' + round / 80 % 2); /* what the former of this port asked for, or something else */
		request(port, text, sizeof(text), now);
		if (round % 2 == 0 && tftp_table_waiting(&server.table, done.id) != NULL)
			grant(now);
		if (round % 3 == 0)
			reply(port, error, sizeof(error), now);
		unread = round % 10 == 0 ? now : 0;
		if (round % 5 == 0)
			tftp_serve_time(&server, now);
		cr_assert_leq(server.table.count, TFTP_PER_CLIENT);
		cr_assert_eq(tftp_table_of(&server.table, ALICE, &oldest), server.table.count, "round %u", round);
		cr_assert_eq(done.asked - done.ended, server.table.count, "each ends once: round %u", round);
	}
	unread = 0;
	for (uint64_t now = 2100000; now < 2300000; now += 1000)
		tftp_serve_time(&server, now);
	cr_expect_eq(server.table.count, 0, "nothing is left");
	cr_expect_eq(done.asked, done.ended);
	cr_expect_gt(done.asked, TFTP_TRANSFERS, "each place had its turn, %u", done.asked);
	cr_expect_null(tftp_table_waiting(&server.table, done.id), "an answer to the last comes too late");
	REQUEST(2000, "\0\1f\0octet\0", 2300000);
	cr_expect_eq(server.table.count, 1, "there is room for the next");
}

/* What a client sends is asserted instead of checked. */
Test(cve_atftpd, CVE_2020_6097_any_packet_in_any_state)
{
	serve();
	for (unsigned state = 0; state < 3; state++)
		for (unsigned opcode = 0; opcode < 9; opcode++)
			for (size_t size = 0; size < 40; size++) {
				uint8_t bytes[40] = { 0, (uint8_t)opcode, 0xff, 0xff };
				uint16_t port = (uint16_t)(2000 + state);

				memset(bytes + 4, 'x', sizeof(bytes) - 4);
				REQUEST(port, "\0\1f\0octet\0blksize\00016\0", 1000);
				if (state > 0 && tftp_table_waiting(&server.table, done.id) != NULL)
					grant(1000);
				if (state > 1)
					reply(port, (const uint8_t[]){ 0, TFTP_ACK, 0, 0 }, 4, 1000);
				reply(port, bytes, size, 1001);
				reply((uint16_t)(port + 100), bytes, size, 1001); /* of no transfer */
				request(port, (const char *)bytes, size, 1002);
			}
	for (uint64_t now = 10000; now < 200000; now += 1000)
		tftp_serve_time(&server, now);
	cr_expect_eq(server.table.count, 0);
}

/* With blksize 8 the buffer of a block takes the longer OACK, too. */
Test(cve_atftpd, CVE_2021_41054_an_oack_longer_than_a_block)
{
	uint8_t packet[TFTP_OACK_MAX + 16];
	size_t size;

	memset(packet, 0xee, sizeof(packet));
	cr_assert_eq(DECODE("\0\1f\0octet\0blksize\0008\0tsize\0000\0timeout\0009\0windowsize\00064\0"), TFTP_READ);
	cr_assert_eq(r.count, 4);
	for (unsigned i = 0; i < r.count; i++)
		r.option[i].value = UINT64_MAX; /* twenty digits each */
	size = tftp_encode_oack(r.option, r.count, packet);
	cr_expect(size > TFTP_BLOCK_MIN + TFTP_HEADER && size <= TFTP_OACK_MAX);
	cr_expect_eq(packet[size - 1], 0);
	cr_expect_eq(packet[size], 0xee);
}

/* A request without its last NUL is read on, into whatever lies behind it. */
Test(cve_atftpd, CVE_2021_46671_a_request_without_its_end)
{
	cr_expect_eq(DECODE("\0\1f"), TFTP_MALFORMED);
	cr_expect_eq(DECODE("\0\1f\0octet"), TFTP_MALFORMED);
	cr_expect_eq(DECODE("\0\1f\0octet\0blksize\000512"), TFTP_READ);
	cr_expect_eq(r.count, 0, "a value that does not end is none");
	serve();
	REQUEST(2000, "\0\1f\0octet", 1000);
	cr_expect_eq(done.asked + done.sent, 0);
}
