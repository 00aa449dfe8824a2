/* SPDX-License-Identifier: ISC */
/* See tftp_io.h. All the system calls on packets and files that diskless-tftp makes are here. */
#include "tftp_io.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/udp.h>

#include "log.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103 /* linux/udp.h, since Linux 4.18 */
#endif

/* ---- in ---- */

void
tftp_inbox_init(struct tftp_inbox *in)
{
	unsigned i;

	memset(in, 0, sizeof(*in));
	for (i = 0; i < TFTP_BATCH; i++) {
		in->part[i].iov_base = in->packet[i];
		in->part[i].iov_len = sizeof(in->packet[i]);
		in->message[i].msg_hdr.msg_iov = &in->part[i];
		in->message[i].msg_hdr.msg_iovlen = 1;
		in->message[i].msg_hdr.msg_name = &in->from[i];
	}
}

unsigned
tftp_inbox_receive(struct tftp_inbox *in, int fd)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	unsigned i;
	int count;

	for (i = 0; i < TFTP_BATCH; i++)
		in->message[i].msg_hdr.msg_namelen = sizeof(in->from[i]);
	count = recvmmsg(fd, in->message, TFTP_BATCH, MSG_DONTWAIT, NULL);
	if (count == -1 && errno != EAGAIN && errno != EINTR)
		LOG_LIMITED(&limit, log_warn("cannot receive"));
	return count == -1 ? 0 : (unsigned)count;
}

const uint8_t *
tftp_inbox_packet(const struct tftp_inbox *in, unsigned i, struct tftp_peer *peer, size_t *size)
{
	const struct mmsghdr *message = &in->message[i];

	if (message->msg_hdr.msg_namelen != sizeof(in->from[i]) || in->from[i].sin_family != AF_INET)
		return NULL;
	peer->address = in->from[i].sin_addr.s_addr;
	peer->port = ntohs(in->from[i].sin_port);
	*size = message->msg_len;
	return in->packet[i];
}

/* ---- out ---- */

void
tftp_outbox_init(struct tftp_outbox *out)
{
	unsigned i;

	memset(out, 0, sizeof(*out));
	out->fd = -1;
	for (i = 0; i < TFTP_BATCH; i++) {
		out->to[i].sin_family = AF_INET;
		out->message[i].msg_hdr.msg_name = &out->to[i];
		out->message[i].msg_hdr.msg_namelen = sizeof(out->to[i]);
		out->message[i].msg_hdr.msg_iov = &out->part[i];
		out->message[i].msg_hdr.msg_iovlen = 1;
	}
}

/* The size of the packets that message i is cut into; 0: it is one packet. */
static size_t
segment_of(const struct tftp_outbox *out, unsigned i)
{
	uint16_t size;

	if (out->message[i].msg_hdr.msg_control == NULL)
		return 0;
	memcpy(&size, CMSG_DATA(&out->control[i].header), sizeof(size));
	return size;
}

/* As many sends as it has packets. */
static void
send_apart(struct tftp_outbox *out, unsigned i, size_t segment)
{
	const uint8_t *bytes = out->part[i].iov_base;
	size_t left = out->part[i].iov_len, size;

	for (; left > 0; bytes += size, left -= size) {
		size = left < segment ? left : segment;
		if (sendto(out->fd, bytes, size, MSG_DONTWAIT, (struct sockaddr *)&out->to[i], sizeof(out->to[i])) ==
		    -1)
			return;
	}
}

/* Message i was not taken. Returns how many to leave behind: all, if there is no room for packets. */
static unsigned
skip(struct tftp_outbox *out, unsigned i)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	size_t segment = segment_of(out, i);

	if (errno == EINTR)
		return 0;
	if (errno == EAGAIN || errno == ENOBUFS)
		return out->count - i;
	if (segment != 0 && (errno == EIO || errno == EINVAL || errno == EMSGSIZE)) {
		if (!out->no_segments)
			log_info("this network's packets are sent one by one: UDP_SEGMENT does not work on it");
		out->no_segments = true;
		send_apart(out, i, segment);
		return 1;
	}
	LOG_LIMITED(&limit, log_warn("cannot send"));
	return 1;
}

void
tftp_outbox_flush(struct tftp_outbox *out)
{
	unsigned done = 0;
	int sent;

	while (done < out->count) {
		sent = sendmmsg(out->fd, out->message + done, out->count - done, MSG_DONTWAIT);
		done += sent > 0 ? (unsigned)sent : skip(out, done);
	}
	out->count = 0;
	out->used = 0;
	out->fd = -1;
}

/* size bytes of the arena, for so many messages to fd. */
static uint8_t *
reserve(struct tftp_outbox *out, int fd, size_t size, unsigned messages)
{
	if (out->fd != fd || TFTP_BATCH - out->count < messages || TFTP_ARENA - out->used < size)
		tftp_outbox_flush(out);
	out->fd = fd;
	return out->arena + out->used;
}

/* The next size bytes of the arena are a message, of packets of segment bytes each (the last may be shorter). */
static void
add_message(struct tftp_outbox *out, uint32_t address, uint16_t port, size_t size, size_t segment)
{
	unsigned i = out->count++;
	struct msghdr *header = &out->message[i].msg_hdr;
	uint16_t segment_size = (uint16_t)segment;

	out->part[i].iov_base = out->arena + out->used;
	out->part[i].iov_len = size;
	out->used += size;
	out->to[i].sin_addr.s_addr = address;
	out->to[i].sin_port = htons(port);
	header->msg_control = NULL;
	header->msg_controllen = 0;
	if (size <= segment)
		return;
	header->msg_control = out->control[i].bytes;
	header->msg_controllen = sizeof(out->control[i].bytes);
	out->control[i].header.cmsg_level = IPPROTO_UDP;
	out->control[i].header.cmsg_type = UDP_SEGMENT;
	out->control[i].header.cmsg_len = CMSG_LEN(sizeof(segment_size));
	memcpy(CMSG_DATA(&out->control[i].header), &segment_size, sizeof(segment_size));
}

void
tftp_outbox_packet(struct tftp_outbox *out, int fd, uint32_t address, uint16_t port, const uint8_t *packet, size_t size)
{
	memcpy(reserve(out, fd, size, 1), packet, size);
	add_message(out, address, port, size, size);
}

/* ---- blocks ---- */

static void
log_unreadable(ssize_t got)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);

	if (got == -1)
		LOG_LIMITED(&limit, log_warn("cannot read a file that is being sent"));
	else
		LOG_LIMITED(&limit, log_info("a file became shorter while it was sent"));
}

/* count blocks from first on with their headers at bytes. Returns their size, or 0. */
static size_t
read_octets(struct tftp_transfer *t, uint8_t *bytes, uint64_t first, unsigned count)
{
	struct iovec part[TFTP_WINDOW];
	size_t wanted = 0;
	uint64_t offset, ignored;
	uint32_t length = 0;
	ssize_t got;
	unsigned i;

	for (i = 0; i < count; i++) {
		tftp_transfer_extent(t, first + i, &ignored, &length);
		tftp_encode_data_header((uint16_t)(first + i), bytes);
		part[i].iov_base = bytes + TFTP_HEADER;
		part[i].iov_len = length;
		bytes += TFTP_HEADER + length;
		wanted += length;
	}
	tftp_transfer_extent(t, first, &offset, &length);
	got = count == 1 ? pread(t->fd, part[0].iov_base, wanted, (off_t)offset)
			 : preadv(t->fd, part, (int)count, (off_t)offset);
	if (got == (ssize_t)wanted)
		return wanted + (size_t)count * TFTP_HEADER;
	log_unreadable(got);
	return 0;
}

/* One block of a translated file: each byte of the file gives at least one of the block. */
static size_t
read_netascii(struct tftp_transfer *t, uint8_t *bytes, uint64_t block)
{
	static uint8_t plain[TFTP_BLOCK_MAX];
	uint64_t left = t->size - t->from.offset;
	size_t wanted = left < t->block_size ? (size_t)left : t->block_size, size;
	ssize_t got = pread(t->fd, plain, wanted, (off_t)t->from.offset);

	if (got != (ssize_t)wanted) {
		log_unreadable(got);
		return 0;
	}
	t->to = t->from;
	size = tftp_netascii(&t->to, plain, wanted, bytes + TFTP_HEADER, t->block_size);
	t->last = size < t->block_size ? block : UINT64_MAX;
	tftp_encode_data_header((uint16_t)block, bytes);
	return TFTP_HEADER + size;
}

/* Blocks that one buffer may hold, to be cut by the kernel. */
static unsigned
blocks_at_once(size_t packet)
{
	size_t count = TFTP_DATAGRAM_MAX / packet;

	return count < TFTP_SEGMENTS ? (unsigned)count : TFTP_SEGMENTS;
}

/* The next size bytes of the arena are blocks, packet bytes each but for the last. */
static void
add_blocks(struct tftp_outbox *out, const struct tftp_transfer *t, size_t size, size_t packet)
{
	size_t part = out->no_segments ? packet : size;

	for (; size > part; size -= part)
		add_message(out, t->address, t->port, part, packet);
	add_message(out, t->address, t->port, size, packet);
}

bool
tftp_outbox_blocks(struct tftp_outbox *out, int fd, struct tftp_transfer *t, const struct tftp_action *action)
{
	size_t packet = TFTP_HEADER + t->block_size, size;
	uint64_t block = action->first;
	unsigned left = action->count, count, most = blocks_at_once(packet);
	uint8_t *bytes;

	for (; left > 0; left -= count, block += count) {
		count = left < most ? left : most;
		bytes = reserve(out, fd, count * packet, out->no_segments ? count : 1);
		size = t->request.mode == TFTP_OCTET ? read_octets(t, bytes, block, count)
						     : read_netascii(t, bytes, block);
		if (size == 0)
			return false;
		add_blocks(out, t, size, packet);
	}
	return true;
}
