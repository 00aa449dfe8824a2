/* SPDX-License-Identifier: ISC */
/*
 * See tftp_wire.h. A request is read leniently where clients differ (case, padding, unknown options) and an option that is
 * not exactly right is left out rather than guessed: a client then goes on without it (RFC 2347).
 */
#include "tftp_wire.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What is left of a packet. */
struct reader {
	const char *next;
	size_t left;
};

static const struct {
	const char *name;
	uint64_t min;
	uint64_t max;
} known[TFTP_OPTIONS] = {
	[TFTP_BLKSIZE] = { "blksize", TFTP_BLOCK_MIN, TFTP_BLOCK_MAX },
	[TFTP_TSIZE] = { "tsize", 0, UINT64_MAX },
	[TFTP_TIMEOUT] = { "timeout", 1, TFTP_TIMEOUT_MAX },
	[TFTP_WINDOWSIZE] = { "windowsize", 1, TFTP_WINDOW_MAX },
};

static uint16_t
get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void
put16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

/* The next string; NULL when its NUL is missing. */
static const char *
get_string(struct reader *reader)
{
	const char *string = reader->next;
	const char *end = memchr(string, '\0', reader->left);

	if (end == NULL)
		return NULL;
	reader->left -= (size_t)(end + 1 - string);
	reader->next = end + 1;
	return string;
}

/* Decimal digits and nothing else: no sign, no space, no overflow. */
static bool
get_number(const char *text, uint64_t *value)
{
	*value = 0;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || *value > (UINT64_MAX - digit) / 10)
			return false;
		*value = *value * 10 + digit;
	}
	return true;
}

static unsigned
option_kind(const char *name)
{
	unsigned kind;

	for (kind = 0; kind < TFTP_OPTIONS; kind++)
		if (strcasecmp(name, known[kind].name) == 0)
			break;
	return kind;
}

/* seen: the kinds that came already. The first of a kind counts, even if it is wrong. */
static void
take_option(struct tftp_request *request, unsigned *seen, const char *name, const char *text)
{
	unsigned kind = option_kind(name);
	struct tftp_option *option;
	uint64_t value;

	if (kind == TFTP_OPTIONS || *seen & 1u << kind)
		return;
	*seen |= 1u << kind;
	if (!get_number(text, &value) || value < known[kind].min || value > known[kind].max)
		return;
	option = &request->option[request->count++];
	option->kind = (uint8_t)kind;
	option->value = value;
	memcpy(option->name, name, strlen(name) + 1);
}

static void
take_options(struct tftp_request *request, struct reader *reader)
{
	const char *name, *text;
	unsigned seen = 0;

	/* An empty name is padding. What is cut off inside a value could be another number: not taken. */
	while ((name = get_string(reader)) != NULL && *name != '\0' && (text = get_string(reader)) != NULL)
		take_option(request, &seen, name, text);
}

static bool
take_mode(struct tftp_request *request, const char *mode)
{
	if (mode == NULL)
		return false;
	request->mode = strcasecmp(mode, "netascii") == 0 ? TFTP_NETASCII : TFTP_OCTET;
	return request->mode == TFTP_NETASCII || strcasecmp(mode, "octet") == 0;
}

enum tftp_verdict
tftp_decode_request(const uint8_t *packet, size_t size, struct tftp_request *request)
{
	struct reader reader;
	const char *path;

	if (size < 2 || size > TFTP_REQUEST_MAX)
		return TFTP_NO_REQUEST;
	if (get16(packet) == TFTP_WRQ)
		return TFTP_WRITE;
	if (get16(packet) != TFTP_RRQ)
		return TFTP_NO_REQUEST;
	reader.next = (const char *)packet + 2;
	reader.left = size - 2;
	memset(request, 0, sizeof(*request));
	path = get_string(&reader);
	if (path == NULL || *path == '\0' || strlen(path) >= sizeof(request->path))
		return TFTP_MALFORMED;
	memcpy(request->path, path, strlen(path) + 1);
	if (!take_mode(request, get_string(&reader)))
		return TFTP_MALFORMED;
	take_options(request, &reader);
	return TFTP_READ;
}

struct tftp_reply
tftp_decode_reply(const uint8_t *packet, size_t size)
{
	struct tftp_reply reply = { .kind = TFTP_REPLY_OTHER };

	if (size >= TFTP_HEADER && get16(packet) == TFTP_ACK) {
		reply.kind = TFTP_REPLY_ACK;
		reply.block = get16(packet + 2);
	} else if (size >= 2 && get16(packet) == TFTP_ERROR) {
		reply.kind = TFTP_REPLY_ERROR;
	}
	return reply;
}

size_t
tftp_encode_oack(const struct tftp_option *option, unsigned count, uint8_t packet[static TFTP_OACK_MAX])
{
	size_t size = 2;
	unsigned i;

	put16(packet, TFTP_OACK);
	for (i = 0; i < count && i < TFTP_OPTIONS; i++)
		size += (size_t)snprintf((char *)packet + size, TFTP_OACK_MAX - size, "%s%c%llu", option[i].name, '\0',
			    (unsigned long long)option[i].value) +
			1;
	return size;
}

/* Texts are fixed: a server's paths and reasons are nobody's business. */
static const char *
error_text(enum tftp_error error)
{
	switch (error) {
	case TFTP_ERROR_NOT_FOUND:
		return "File not found";
	case TFTP_ERROR_ACCESS:
		return "Access violation";
	case TFTP_ERROR_ILLEGAL:
		return "Illegal TFTP operation";
	case TFTP_ERROR_UNKNOWN_ID:
		return "Unknown transfer ID";
	default:
		return "File cannot be read";
	}
}

size_t
tftp_encode_error(enum tftp_error error, uint8_t packet[static TFTP_ERROR_MAX])
{
	const char *text = error_text(error);
	size_t length = strlen(text) + 1;

	put16(packet, TFTP_ERROR);
	put16(packet + 2, (uint16_t)error);
	memcpy(packet + TFTP_HEADER, text, length);
	return TFTP_HEADER + length;
}

void
tftp_encode_data_header(uint16_t block, uint8_t header[static TFTP_HEADER])
{
	put16(header, TFTP_DATA);
	put16(header + 2, block);
}

/* CR is sent as CR NUL, and the end of a line as CR LF. */
size_t
tftp_netascii(struct tftp_netascii *state, const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
	size_t used = 0, size = 0;

	while (size < out_size) {
		if (state->split) {
			out[size++] = state->second;
			state->split = false;
		} else if (used == in_size) {
			break;
		} else if (in[used] == '\n' || in[used] == '\r') {
			state->split = true;
			state->second = in[used++] == '\n' ? '\n' : '\0';
			out[size++] = '\r';
		} else {
			out[size++] = in[used++];
		}
	}
	state->offset += used;
	return size;
}
