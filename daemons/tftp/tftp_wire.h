/* SPDX-License-Identifier: ISC */
/*
 * TFTP packets as bytes and as structs (RFC 1350, 2347, 2348, 2349, 7440), and netascii (RFC 764) as a stream.
 * Pure: no I/O, no clock, no memory of its own.
 */
#ifndef DISKLESS_TFTP_WIRE_H
#define DISKLESS_TFTP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"

#define TFTP_PORT          69
#define TFTP_REQUEST_MAX   512 /* RFC 2347 */
#define TFTP_HEADER        4   /* of DATA and ERROR; all of an ACK */
#define TFTP_BLOCK_DEFAULT 512
#define TFTP_BLOCK_MIN     8 /* RFC 2348 */
#define TFTP_BLOCK_MAX     65464
#define TFTP_TIMEOUT_MAX   255   /* RFC 2349 */
#define TFTP_WINDOW_MAX    65535 /* RFC 7440 */

enum tftp_opcode { TFTP_RRQ = 1, TFTP_WRQ, TFTP_DATA, TFTP_ACK, TFTP_ERROR, TFTP_OACK };
enum tftp_error {
	TFTP_ERROR_OTHER = 0,
	TFTP_ERROR_NOT_FOUND = 1,
	TFTP_ERROR_ACCESS = 2,
	TFTP_ERROR_ILLEGAL = 4,
	TFTP_ERROR_UNKNOWN_ID = 5,
};
enum tftp_mode { TFTP_OCTET, TFTP_NETASCII };
enum tftp_option_kind { TFTP_BLKSIZE, TFTP_TSIZE, TFTP_TIMEOUT, TFTP_WINDOWSIZE, TFTP_OPTIONS };

#define TFTP_OPTION_NAME 15 /* "windowsize" with its NUL, and no padding */
struct tftp_option {
	uint64_t value;
	uint8_t kind;                /* enum tftp_option_kind */
	char name[TFTP_OPTION_NAME]; /* as the client spelled it */
};

/* All zero before it is filled in: two of the same bytes are the same request. */
struct tftp_request {
	uint8_t mode;  /* enum tftp_mode */
	uint8_t count; /* of options: known, valid, the first of each kind, in the client's order */
	uint8_t zero[6];
	struct tftp_option option[TFTP_OPTIONS];
	char path[PATH_SIZE];
};

enum tftp_verdict {
	TFTP_READ,       /* the request is filled in */
	TFTP_WRITE,      /* a write request; nothing more of it is looked at */
	TFTP_MALFORMED,  /* a read request without a name or with one too long, without a mode or of an unknown one */
	TFTP_NO_REQUEST, /* any other packet, or one longer than a request can be: never answered */
};
enum tftp_verdict tftp_decode_request(const uint8_t *packet, size_t size, struct tftp_request *);

/* What a client sends to a transfer's port. */
enum tftp_reply_kind { TFTP_REPLY_ACK, TFTP_REPLY_ERROR, TFTP_REPLY_OTHER };
struct tftp_reply {
	enum tftp_reply_kind kind;
	uint16_t block; /* of an ACK */
};
/* Bytes behind an ACK's block number are allowed; an ERROR may be cut short. */
struct tftp_reply tftp_decode_reply(const uint8_t *packet, size_t size);

#define TFTP_OACK_MAX 160 /* opcode, and four times a name, 20 digits and two NULs */
size_t tftp_encode_oack(const struct tftp_option *, unsigned count, uint8_t packet[static TFTP_OACK_MAX]);
#define TFTP_ERROR_MAX 40
size_t tftp_encode_error(enum tftp_error, uint8_t packet[static TFTP_ERROR_MAX]);
void tftp_encode_data_header(uint16_t block, uint8_t header[static TFTP_HEADER]);

/* Where a translated file stands: a line's end or a CR becomes two bytes, which two blocks may share. */
struct tftp_netascii {
	uint64_t offset; /* in the file, of the next byte to translate */
	bool split;      /* second still belongs in front of it */
	uint8_t second;
};
/* Translates in, which is the file from state->offset on, until in is used up or out is full. Returns the bytes in out. */
size_t tftp_netascii(struct tftp_netascii *state, const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size);

#endif
