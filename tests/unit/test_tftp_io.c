/* SPDX-License-Identifier: ISC */
/* The batches, on sockets of the loopback interface and on real files. */
#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tftp/tftp_io.h"
#include "tftp/tftp_view.h"

#define SIZE 100000

static struct tftp_inbox in;
static struct tftp_outbox out;
static struct tftp_transfer t;
static uint8_t content[SIZE], received[SIZE * 2];
static struct sockaddr_in client_name;
static int server, client;
static FILE *file;

static int
udp(struct sockaddr_in *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 1 << 20;
	socklen_t length = sizeof(*name);

	memset(name, 0, sizeof(*name));
	name->sin_family = AF_INET;
	name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(fd, (struct sockaddr *)name, sizeof(*name)), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)name, &length), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

static void
set_up(void)
{
	struct sockaddr_in ignored;
	unsigned i;

	for (i = 0; i < SIZE; i++)
		content[i] = (uint8_t)(i * 7 + i / 251);
	file = tmpfile();
	cr_assert_eq(fwrite(content, 1, SIZE, file), SIZE);
	fflush(file);
	server = udp(&ignored);
	client = udp(&client_name);
	tftp_inbox_init(&in);
	tftp_outbox_init(&out);
	memset(&t, 0, sizeof(t));
	t.fd = fileno(file);
	t.size = SIZE;
	t.address = client_name.sin_addr.s_addr;
	t.port = ntohs(client_name.sin_port);
}

static void
tear_down(void)
{
	tftp_view_close(&t);
	fclose(file);
	close(server);
	close(client);
}

TestSuite(tftp_io, .init = set_up, .fini = tear_down);

/* The blocks that arrived, joined; each must be the next one, and only the last may be short. */
static size_t
receive_blocks(unsigned first, unsigned count, size_t block_size)
{
	uint8_t packet[2000];
	size_t total = 0;
	ssize_t size;
	unsigned i;

	for (i = 0; i < count; i++) {
		size = recv(client, packet, sizeof(packet), MSG_DONTWAIT);
		cr_assert_geq(size, TFTP_HEADER, "block %u did not come", first + i);
		cr_assert_eq(packet[0] << 8 | packet[1], TFTP_DATA);
		cr_assert_eq((unsigned)(packet[2] << 8 | packet[3]), first + i);
		cr_assert(i == count - 1 || (size_t)size == TFTP_HEADER + block_size);
		memcpy(received + total, packet + TFTP_HEADER, (size_t)size - TFTP_HEADER);
		total += (size_t)size - TFTP_HEADER;
	}
	cr_assert_eq(recv(client, packet, sizeof(packet), MSG_DONTWAIT), -1, "a packet too many");
	return total;
}

static void
send_and_compare(uint32_t block_size, unsigned window, uint64_t size)
{
	struct tftp_action action = { .send = TFTP_SEND_BLOCKS, .first = 1, .count = window };
	uint64_t blocks = size / block_size + 1, sent = 0;
	size_t got;

	tftp_view_close(&t);
	t.block_size = block_size;
	t.size = size;
	t.last = blocks;
	for (; action.first <= blocks; action.first += action.count) {
		if (action.count > blocks - action.first + 1)
			action.count = (unsigned)(blocks - action.first + 1);
		cr_assert(tftp_outbox_blocks(&out, server, &t, &action));
		tftp_outbox_flush(&out);
		got = receive_blocks((unsigned)action.first, action.count, block_size);
		cr_assert_leq(sent + got, size);
		cr_assert_arr_eq(received, content + sent, got);
		sent += got;
	}
	cr_assert_eq(sent, size);
}

Test(tftp_io, blocks_one_by_one)
{
	send_and_compare(512, 1, SIZE);
	send_and_compare(1468, 1, 0);
	send_and_compare(1000, 1, SIZE);
}

Test(tftp_io, windows_that_the_kernel_cuts)
{
	send_and_compare(1468, 4, SIZE);
	send_and_compare(1468, 64, SIZE);
	send_and_compare(8, 64, 8 * 200 + 3);
	send_and_compare(1000, 25, SIZE);
	cr_assert_not(out.no_segments);
}

Test(tftp_io, windows_without_the_kernels_help)
{
	out.no_segments = true;
	send_and_compare(1468, 64, SIZE);
	send_and_compare(8, 64, 8 * 200 + 3);
}

Test(tftp_io, segments_that_the_kernel_refuses_are_sent_apart)
{
	int on = 1;

	cr_assert_eq(
	    setsockopt(server, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0); /* then UDP_SEGMENT is EINVAL or EIO */
	send_and_compare(1468, 64, SIZE);
	cr_assert(out.no_segments);
}

Test(tftp_io, a_file_that_became_shorter_is_noticed_and_nothing_of_it_sent)
{
	struct tftp_action action = { .send = TFTP_SEND_BLOCKS, .first = 1, .count = 40 };

	t.block_size = 1468;
	t.size = TFTP_VIEW_MIN - 1;
	cr_assert_eq(ftruncate(t.fd, 20000), 0);
	cr_assert_not(tftp_outbox_blocks(&out, server, &t, &action));
	action.count = 1;
	cr_assert(tftp_outbox_blocks(&out, server, &t, &action), "what is still there can be sent");
	action.first = 15;
	cr_assert_not(tftp_outbox_blocks(&out, server, &t, &action));
}

/* It is mapped: the kernel finds out, or we ask when blocks are repeated and at the end. */
Test(tftp_io, a_long_file_that_became_shorter_is_never_whole)
{
	struct tftp_action action = { .send = TFTP_SEND_BLOCKS, .first = 1, .count = 1 };

	t.block_size = 1468;
	t.last = SIZE / 1468 + 1;
	cr_assert(tftp_outbox_blocks(&out, server, &t, &action));
	tftp_outbox_flush(&out);
	receive_blocks(1, 1, 1468);
	cr_assert_gt(t.view.size, 0);
	cr_assert_eq(ftruncate(t.fd, 20000), 0);
	action.first = 30;
	for (action.count = 1; action.count <= 4; action.count += 3) {
		cr_assert(tftp_outbox_blocks(&out, server, &t, &action));
		tftp_outbox_flush(&out);
		receive_blocks(30, 0, 1468);
	}
	cr_assert_not(out.no_segments);
	t.tries = 2;
	cr_assert_not(tftp_outbox_blocks(&out, server, &t, &action));
	t.tries = 1;
	action.first = t.last - 3;
	cr_assert_not(tftp_outbox_blocks(&out, server, &t, &action));
}

Test(tftp_io, a_file_longer_than_what_is_mapped)
{
	struct tftp_action action = { .send = TFTP_SEND_BLOCKS, .count = 8 };
	static const unsigned order[] = { 1, 2000, 4000, 4001, 1427, 1, 4276 };
	uint8_t byte[4];

	t.block_size = 1468;
	t.size = 3 * TFTP_VIEW;
	t.last = t.size / 1468 + 1;
	cr_assert_eq(ftruncate(t.fd, (off_t)t.size), 0);
	for (unsigned i = 0; i < sizeof(order) / sizeof(*order); i++) {
		action.first = order[i];
		cr_assert_eq(pwrite(t.fd, &order[i], 4, (order[i] - 1) * INT64_C(1468)), 4);
		cr_assert(tftp_outbox_blocks(&out, server, &t, &action));
		tftp_outbox_flush(&out);
		receive_blocks(order[i], 8, 1468);
		memcpy(byte, received, 4);
		cr_assert_arr_eq(byte, &order[i], 4, "%u", order[i]);
		cr_assert_leq(t.view.size, TFTP_VIEW);
	}
}

Test(tftp_io, a_file_that_grew_has_its_old_size)
{
	send_and_compare(512, 8, SIZE / 3);
}

Test(tftp_io, a_translated_file)
{
	struct tftp_action action = { .send = TFTP_SEND_BLOCKS, .first = 1, .count = 1 };
	size_t total = 0;

	rewind(file);
	cr_assert_eq(fwrite("ab\ncd\rx\n", 1, 8, file), 8);
	fflush(file);
	t.size = 8;
	t.block_size = 3;
	t.request.mode = TFTP_NETASCII;
	t.last = UINT64_MAX;
	for (; t.last == UINT64_MAX; action.first++) {
		t.from = t.to;
		cr_assert(tftp_outbox_blocks(&out, server, &t, &action));
		tftp_outbox_blocks(&out, server, &t, &action); /* again: the same */
	}
	tftp_outbox_flush(&out);
	for (unsigned block = 1; block < action.first; block++) {
		uint8_t packet[20], copy[20];
		ssize_t size = recv(client, packet, sizeof(packet), 0);

		cr_assert_eq(recv(client, copy, sizeof(copy), 0), size);
		cr_assert_arr_eq(packet, copy, (size_t)size);
		memcpy(received + total, packet + TFTP_HEADER, (size_t)size - TFTP_HEADER);
		total += (size_t)size - TFTP_HEADER;
	}
	cr_assert_eq(total, 11);
	cr_assert_arr_eq(received, "ab\r\ncd\r\0x\r\n", 11);
}

Test(tftp_io, more_packets_than_a_batch)
{
	uint8_t packet[TFTP_ERROR_MAX];
	size_t size = tftp_encode_error(TFTP_ERROR_NOT_FOUND, packet);
	unsigned count = 0, i;

	for (i = 0; i < 3 * TFTP_BATCH + 5; i++)
		tftp_outbox_packet(&out, server, t.address, t.port, packet, size);
	tftp_outbox_flush(&out);
	while (recv(client, packet, sizeof(packet), MSG_DONTWAIT) == (ssize_t)size)
		count++;
	cr_assert_eq(count, 3 * TFTP_BATCH + 5);
}

Test(tftp_io, received_packets_come_with_their_senders)
{
	static uint8_t long_packet[TFTP_REQUEST_MAX + 100];
	struct sockaddr_in name;
	struct tftp_peer peer;
	size_t size;
	int fd = udp(&name);

	sendto(client, "abc", 3, 0, (struct sockaddr *)&name, sizeof(name));
	sendto(client, "", 0, 0, (struct sockaddr *)&name, sizeof(name));
	sendto(client, long_packet, sizeof(long_packet), 0, (struct sockaddr *)&name, sizeof(name));
	cr_assert_eq(tftp_inbox_receive(&in, fd), 3);
	cr_assert_arr_eq(tftp_inbox_packet(&in, 0, &peer, &size), "abc", 3);
	cr_assert_eq(size, 3);
	cr_assert_eq(peer.address, client_name.sin_addr.s_addr);
	cr_assert_eq(peer.port, ntohs(client_name.sin_port));
	cr_assert_not_null(tftp_inbox_packet(&in, 1, &peer, &size));
	cr_assert_eq(size, 0);
	cr_assert_not_null(tftp_inbox_packet(&in, 2, &peer, &size));
	cr_assert_gt(size, TFTP_REQUEST_MAX, "too long, and seen to be");
	cr_assert_eq(tftp_inbox_receive(&in, fd), 0);
	close(fd);
}
