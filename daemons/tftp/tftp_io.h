/* SPDX-License-Identifier: ISC */
/*
 * Packets in batches, and blocks of files behind their headers: recvmmsg(2), pread(2) or tftp_view.h, sendmmsg(2). What is to be
 * sent is kept until tftp_io_flush(), which the caller calls at the end of each of its turns: a batch is what there is, it
 * is never waited for. A packet that the kernel does not take is left to the retransmission.
 */
#ifndef DISKLESS_TFTP_IO_H
#define DISKLESS_TFTP_IO_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "tftp_serve.h"

#define TFTP_BATCH 64 /* packets to a system call */
#define TFTP_ARENA \
	((size_t)256 << 10)     /* of bytes to send: two windows at an MTU of 1500, three blocks of the longest */
#define TFTP_SEGMENTS     64    /* UDP_MAX_SEGMENTS of Linux before 6.9 */
#define TFTP_DATAGRAM_MAX 65507 /* 65535 less the headers of IPv4 and UDP: of a segmented send as a whole, too */

struct tftp_inbox {
	unsigned used; /* of the messages, by the last receive */
	struct mmsghdr message[TFTP_BATCH];
	struct iovec part[TFTP_BATCH];
	struct sockaddr_in from[TFTP_BATCH];
	uint8_t packet[TFTP_BATCH][TFTP_REQUEST_MAX + 1]; /* one more: what is too long shows */
};

/* A packet is two parts, a header and what follows it; a message is one packet, or several for the kernel to cut. */
#define TFTP_PARTS 1024
struct tftp_outbox {
	int fd;           /* of all that it holds; -1: it is empty */
	bool no_segments; /* the kernel or the device cannot cut one buffer into packets: UDP_SEGMENT */
	unsigned count;
	unsigned parts;
	size_t used;
	struct mmsghdr message[TFTP_BATCH];
	struct iovec part[TFTP_PARTS];
	struct sockaddr_in to[TFTP_BATCH];
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
	} control[TFTP_BATCH];
	uint8_t arena[TFTP_ARENA];
};

void tftp_inbox_init(struct tftp_inbox *);
/* What lies in fd, up to TFTP_BATCH packets. Returns how many. */
unsigned tftp_inbox_receive(struct tftp_inbox *, int fd);
/* Packet i and where it came from. NULL: not of IPv4. */
const uint8_t *tftp_inbox_packet(const struct tftp_inbox *, unsigned i, struct tftp_peer *, size_t *size);

void tftp_outbox_init(struct tftp_outbox *);
void tftp_outbox_packet(
    struct tftp_outbox *, int fd, uint32_t address, uint16_t port, const uint8_t *packet, size_t size);
/*
 * Reads the blocks of action, or lets the kernel take them out of the file, and sets last and to of a translated file. false: the file
 * is shorter than it was, or unreadable. Of a long one that is noticed with its last block at the latest, and when blocks are sent again.
 */
bool tftp_outbox_blocks(struct tftp_outbox *, int fd, struct tftp_transfer *, const struct tftp_action *);
void tftp_outbox_flush(struct tftp_outbox *);

#endif
