/* SPDX-License-Identifier: ISC */
/*
 * One transfer, from request to last acknowledgement: each event gives the one action that follows from it. No I/O and no
 * clock: now is milliseconds, the caller's. Blocks are counted in 64 bits here; only their low 16 are on the wire.
 */
#ifndef DISKLESS_TFTP_TRANSFER_H
#define DISKLESS_TFTP_TRANSFER_H

#include "tftp_wire.h"

#define TFTP_WINDOW        64   /* the most blocks in flight: 94 kB of a client's memory at 1468 */
#define TFTP_OVERHEAD      32   /* IPv4, UDP and TFTP headers of a block: none is fragmented */
#define TFTP_ANSWER_MS     5000 /* the broker's and the parent's time for an answer; a board asks again after 2 s */
#define TFTP_FIRST_MS      1000 /* boards hang on duplicates: never sooner */
#define TFTP_LONGEST_MS    8000
#define TFTP_TRIES         10 /* after 1, 2, 4 and then 8 s each: 63 s in all */
#define TFTP_TRIES_TIMEOUT 6  /* with a timeout of the client's choice */
#define TFTP_TRIES_LAST    3  /* of the last block: some boot ROMs never acknowledge it */

enum tftp_state {
	TFTP_FREE,
	TFTP_WAITING, /* for the file or a refusal */
	TFTP_OFFERED, /* the OACK is out */
	TFTP_SENDING,
};

/* What is mapped of a file: tftp_view.c. */
struct tftp_view {
	void *bytes;
	size_t size; /* 0: nothing */
	uint64_t offset;
};

struct tftp_transfer {
	/* Where it is: tftp_table.c. */
	uint32_t address;
	uint16_t port;   /* of the client, in the host's order */
	uint8_t socket;  /* index */
	uint8_t state;   /* enum tftp_state */
	bool stranger;   /* not known to be a client's yet */
	uint16_t next;   /* in its bucket, or of the free ones */
	uint16_t heap;   /* its place there */
	uint32_t id;     /* slot and generation */
	uint64_t queued; /* the deadline that the heap knows, never later than the real one */

	/* How it stands. */
	uint64_t deadline; /* when tftp_transfer_expired() is to be asked */
	uint64_t base;     /* the last block acknowledged */
	uint64_t sent;     /* the last block sent */
	uint64_t last;     /* the last block there is; UINT64_MAX while a translated file's end has not been reached */
	uint64_t size;     /* of the file when it was opened */
	uint64_t sent_at;
	uint32_t block_size;
	uint16_t window;
	uint8_t timeout;      /* seconds, or 0 */
	uint8_t tries;        /* sendings of what is out now */
	uint8_t quiet;        /* windows in which a repeated ACK means nothing: their blocks were sent twice */
	bool heard;           /* the client acknowledged something */
	uint32_t retransmits; /* packets */
	uint64_t started;

	/* The I/O edge's. */
	int fd;
	struct tftp_view view;
	struct tftp_netascii from; /* the start of block base + 1 of a translated file, */
	struct tftp_netascii to;   /* and the end of it */

	uint8_t answers; /* how many of answer the OACK has */
	struct tftp_option answer[TFTP_OPTIONS];
	struct tftp_request request;
};

enum tftp_send { TFTP_SEND_NOTHING, TFTP_SEND_QUESTION, TFTP_SEND_OACK, TFTP_SEND_BLOCKS, TFTP_SEND_ERROR };
struct tftp_action {
	enum tftp_send send;
	enum tftp_error error; /* SEND_ERROR */
	unsigned count;        /* SEND_BLOCKS: blocks from first on */
	uint64_t first;
	bool end;        /* the transfer is over */
	uint32_t report; /* enum done_status for the broker; 0: it knows, or nobody asked */
};

/* A request: to the broker with it. */
struct tftp_action tftp_transfer_begin(struct tftp_transfer *, const struct tftp_request *, uint64_t now);
/* The file is there. mtu is the interface's. */
struct tftp_action tftp_transfer_granted(struct tftp_transfer *, uint64_t size, uint32_t mtu, uint64_t now);
/* It is not: why is an enum refusal of the broker, or an enum file_status of the parent. */
struct tftp_action tftp_transfer_refused(struct tftp_transfer *, uint32_t why);
struct tftp_action tftp_transfer_no_file(struct tftp_transfer *, uint32_t status);
/*
 * The question is on its way: no other of the same port is asked before it is answered, or a second has passed. Who asks for
 * name after name has 16 questions in the pipes, and not as many as he can send; a board waits for each answer.
 */
bool tftp_transfer_is_asked(const struct tftp_transfer *, uint64_t now);
/* Is that request this one again, and not a new one from the same port? */
bool tftp_transfer_is_same(const struct tftp_transfer *, const struct tftp_request *);
struct tftp_action tftp_transfer_repeated(struct tftp_transfer *, uint64_t now);
struct tftp_action tftp_transfer_reply(struct tftp_transfer *, const struct tftp_reply *, uint64_t now);
/* The deadline has passed. */
struct tftp_action tftp_transfer_expired(struct tftp_transfer *, uint64_t now);
/* The file could not be read, or is shorter than it was. */
struct tftp_action tftp_transfer_failed(struct tftp_transfer *);
/* The client went on to something else. */
struct tftp_action tftp_transfer_replaced(struct tftp_transfer *);
/* Only the ACK of the last block is missing. */
bool tftp_transfer_is_lingering(const struct tftp_transfer *);
/* Of the file, acknowledged. */
uint64_t tftp_transfer_bytes(const struct tftp_transfer *);

/* Where block lies in the file and how long it is; octet only. */
void tftp_transfer_extent(const struct tftp_transfer *, uint64_t block, uint64_t *offset, uint32_t *length);

#endif
