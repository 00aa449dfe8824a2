/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a request, as a reply, and as a file that is translated. What holds: names and options are terminated and in
 * range, each option comes once, an OACK of them fits, and a translation in blocks is the one that a plain loop makes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tftp/tftp_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
hold(int truth)
{
	if (!truth)
		abort();
}

static void
check_option(const struct tftp_option *option, unsigned *seen)
{
	static const uint64_t min[TFTP_OPTIONS] = { 8, 0, 1, 1 }, max[TFTP_OPTIONS] = { 65464, UINT64_MAX, 255, 65535 };

	hold(option->kind < TFTP_OPTIONS && !(*seen & 1u << option->kind));
	*seen |= 1u << option->kind;
	hold(option->value >= min[option->kind] && option->value <= max[option->kind]);
	hold(memchr(option->name, '\0', sizeof(option->name)) != NULL && option->name[0] != '\0');
}

static void
check_request(const uint8_t *bytes, size_t length)
{
	struct tftp_request request;
	uint8_t packet[TFTP_OACK_MAX];
	unsigned seen = 0, i;
	size_t size;

	if (tftp_decode_request(bytes, length, &request) != TFTP_READ)
		return;
	hold(length <= TFTP_REQUEST_MAX && bytes[1] == TFTP_RRQ);
	hold(request.path[0] != '\0' && memchr(request.path, '\0', sizeof(request.path)) != NULL);
	hold(request.count <= TFTP_OPTIONS && request.mode <= TFTP_NETASCII);
	for (i = 0; i < request.count; i++)
		check_option(&request.option[i], &seen);
	size = tftp_encode_oack(request.option, request.count, packet);
	hold(size >= 2 && size <= sizeof(packet) && (size == 2 || packet[size - 1] == '\0'));
	hold(tftp_decode_request(packet, size, &request) == TFTP_NO_REQUEST);
}

static void
check_reply(const uint8_t *bytes, size_t length)
{
	struct tftp_reply reply = tftp_decode_reply(bytes, length);

	if (reply.kind == TFTP_REPLY_ACK)
		hold(length >= 4 && bytes[1] == TFTP_ACK && reply.block == (bytes[2] << 8 | bytes[3]));
	if (reply.kind == TFTP_REPLY_ERROR)
		hold(length >= 2 && bytes[1] == TFTP_ERROR);
}

static size_t
plain(const uint8_t *in, size_t length, uint8_t *out)
{
	size_t size = 0, i;

	for (i = 0; i < length; i++) {
		if (in[i] == '\n')
			out[size++] = '\r';
		out[size++] = in[i];
		if (in[i] == '\r')
			out[size++] = '\0';
	}
	return size;
}

/* Each block with room for just itself, so that a sanitizer sees a byte too many. */
static void
check_netascii(const uint8_t *bytes, size_t length, size_t block)
{
	struct tftp_netascii state = { .offset = 0 };
	uint8_t *expected = malloc(2 * length + 1), *out = malloc(block);
	size_t total, done = 0, size;

	hold(expected != NULL && out != NULL);
	total = plain(bytes, length, expected);
	do {
		size = tftp_netascii(&state, bytes + state.offset, length - state.offset, out, block);
		hold(size <= block && done + size <= total && memcmp(out, expected + done, size) == 0);
		done += size;
	} while (size == block);
	hold(done == total && state.offset == length && !state.split);
	free(expected);
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	check_request(bytes, length);
	check_reply(bytes, length);
	if (length > 0)
		check_netascii(bytes + 1, length - 1, bytes[0] % 64 + 1u);
	return 0;
}
