/* SPDX-License-Identifier: ISC */
/* See tftp_io.h. All the system calls on packets and files that diskless-tftp makes are here. */
#include "tftp_io.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/udp.h>

#include "log.h"
#include "tftp_view.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103 /* linux/udp.h, since Linux 4.18 */
#endif
#define PACKET_PARTS 2 /* header and rest */

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
		in->message[i].msg_hdr.msg_namelen = sizeof(in->from[i]);
	}
}

unsigned
tftp_inbox_receive(struct tftp_inbox *in, int fd)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	unsigned i;
	int count;

	for (i = 0; i < in->used; i++)
		in->message[i].msg_hdr.msg_namelen = sizeof(in->from[i]);
	count = recvmmsg(fd, in->message, TFTP_BATCH, MSG_DONTWAIT, NULL);
	if (count == -1 && errno != EAGAIN && errno != EINTR)
		LOG_LIMITED(&limit, log_warn("cannot receive"));
	in->used = count == -1 ? 0 : (unsigned)count;
	return in->used;
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
	}
}

/* As many sends as it has packets. */
static void
send_apart(struct tftp_outbox *out, unsigned i)
{
	struct msghdr packet = out->message[i].msg_hdr;
	size_t left = packet.msg_iovlen;

	packet.msg_control = NULL;
	packet.msg_controllen = 0;
	packet.msg_iovlen = PACKET_PARTS;
	for (; left > 0; left -= PACKET_PARTS, packet.msg_iov += PACKET_PARTS)
		if (sendmsg(out->fd, &packet, MSG_DONTWAIT) == -1)
			return;
}

static void
log_unreadable(ssize_t got)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);

	if (got == -1)
		LOG_LIMITED(&limit, log_warn("cannot read a file that is being sent"));
	else
		LOG_LIMITED(&limit, log_info("a file became shorter while it was sent"));
}

/* Message i was not taken. Returns how many to leave behind: all, if there is no room for packets. */
static unsigned
skip(struct tftp_outbox *out, unsigned i)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	bool several = out->message[i].msg_hdr.msg_iovlen > PACKET_PARTS;

	if (errno == EINTR)
		return 0;
	if (errno == EAGAIN || errno == ENOBUFS)
		return out->count - i;
	if (several && (errno == EIO || errno == EINVAL || errno == EMSGSIZE)) {
		if (!out->no_segments)
			log_info("this network's packets are sent one by one: UDP_SEGMENT does not work on it");
		out->no_segments = true;
		send_apart(out, i);
		return 1;
	}
	if (errno == EFAULT)
		log_unreadable(0); /* the client hears of it when the block is sent again */
	else
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
	out->count = out->parts = 0;
	out->used = 0;
	out->fd = -1;
}

/* size bytes of the arena, for so many packets to fd. */
static uint8_t *
reserve(struct tftp_outbox *out, int fd, size_t size, unsigned packets)
{
	unsigned messages = out->no_segments ? packets : 1;

	if (out->fd != fd || TFTP_BATCH - out->count < messages || TFTP_PARTS - out->parts < PACKET_PARTS * packets ||
	    TFTP_ARENA - out->used < size)
		tftp_outbox_flush(out);
	out->fd = fd;
	return out->arena + out->used;
}

/* The next packet of the message that is being made: two parts. */
static void
add_packet(struct tftp_outbox *out, const void *header, size_t header_size, const void *rest, size_t rest_size)
{
	struct iovec *part = out->part + out->parts;

	part[0] = (struct iovec){ (void *)(uintptr_t)header, header_size };
	part[1] = (struct iovec){ (void *)(uintptr_t)rest, rest_size };
	out->parts += PACKET_PARTS;
}

static void
ask_to_cut(struct tftp_outbox *out, unsigned i, size_t segment)
{
	struct msghdr *header = &out->message[i].msg_hdr;
	uint16_t size = (uint16_t)segment;

	header->msg_control = out->control[i].bytes;
	header->msg_controllen = sizeof(out->control[i].bytes);
	out->control[i].header.cmsg_level = IPPROTO_UDP;
	out->control[i].header.cmsg_type = UDP_SEGMENT;
	out->control[i].header.cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(&out->control[i].header), &size, sizeof(size));
}

/* The next packets packets from part on are a message: of segment bytes each, but for the last, if there are several. */
static void
add_message(
    struct tftp_outbox *out, uint32_t address, uint16_t port, struct iovec *part, unsigned packets, size_t segment)
{
	unsigned i = out->count++;
	struct msghdr *header = &out->message[i].msg_hdr;

	out->to[i].sin_addr.s_addr = address;
	out->to[i].sin_port = htons(port);
	header->msg_iov = part;
	header->msg_iovlen = (size_t)PACKET_PARTS * packets;
	header->msg_control = NULL;
	header->msg_controllen = 0;
	if (packets > 1)
		ask_to_cut(out, i, segment);
}

void
tftp_outbox_packet(struct tftp_outbox *out, int fd, uint32_t address, uint16_t port, const uint8_t *packet, size_t size)
{
	uint8_t *bytes = reserve(out, fd, size, 1);
	struct iovec *part = out->part + out->parts;

	memcpy(bytes, packet, size);
	out->used += size;
	add_packet(out, bytes, size, NULL, 0);
	add_message(out, address, port, part, 1, size);
}

/* ---- blocks ---- */

/* The bytes of count blocks from first on. */
static size_t
extent(const struct tftp_transfer *t, uint64_t first, unsigned count, uint64_t *offset)
{
	uint64_t last;
	uint32_t length;

	tftp_transfer_extent(t, first + count - 1, &last, &length);
	*offset = (first - 1) * t->block_size;
	return (size_t)(last - *offset) + length;
}

/* Is all of the file still there? Asked before a file can be whole at the client, and when something has gone wrong. */
static bool
is_whole(const struct tftp_transfer *t)
{
	uint8_t byte;
	ssize_t got = pread(t->fd, &byte, 1, (off_t)t->size - 1);

	if (got != 1)
		log_unreadable(got);
	return got == 1;
}

static bool
read_octets(struct tftp_transfer *t, uint8_t *bytes, size_t size, uint64_t offset)
{
	ssize_t got = pread(t->fd, bytes, size, (off_t)offset);

	if (got != (ssize_t)size)
		log_unreadable(got);
	return got == (ssize_t)size;
}

/* Blocks that lie at file, one behind the other, with their headers at headers. */
static void
add_blocks(struct tftp_outbox *out, const struct tftp_transfer *t, uint64_t first, unsigned count, uint8_t *headers,
    const uint8_t *file)
{
	struct iovec *part = out->part + out->parts;
	size_t packet = TFTP_HEADER + t->block_size;
	uint64_t ignored;
	uint32_t length;
	unsigned i;

	for (i = 0; i < count; i++, headers += TFTP_HEADER, file += length) {
		tftp_transfer_extent(t, first + i, &ignored, &length);
		tftp_encode_data_header((uint16_t)(first + i), headers);
		add_packet(out, headers, TFTP_HEADER, file, length);
	}
	if (!out->no_segments)
		add_message(out, t->address, t->port, part, count, packet);
	else
		for (i = 0; i < count; i++)
			add_message(out, t->address, t->port, part + (size_t)PACKET_PARTS * i, 1, packet);
}

/* Out of the file where that is possible, else with a copy behind their headers in the arena. */
static bool
send_octets(struct tftp_outbox *out, int fd, struct tftp_transfer *t, uint64_t first, unsigned count)
{
	uint64_t offset;
	size_t size = extent(t, first, count, &offset), headers = (size_t)count * TFTP_HEADER;
	const void *file = tftp_view(t, offset, size);
	uint8_t *bytes;

	if (t->size >= TFTP_VIEW_MIN && (t->tries > 1 || first + count > t->last) && !is_whole(t))
		return false;
	bytes = reserve(out, fd, headers + (file != NULL ? 0 : size), count);
	if (file == NULL && !read_octets(t, bytes + headers, size, offset))
		return false;
	add_blocks(out, t, first, count, bytes, file != NULL ? file : bytes + headers);
	out->used += headers + (file != NULL ? 0 : size);
	return true;
}

/* One block of a translated file: each byte of the file gives at least one of the block. */
static bool
send_netascii(struct tftp_outbox *out, int fd, struct tftp_transfer *t, uint64_t block)
{
	static uint8_t plain[TFTP_BLOCK_MAX];
	uint64_t left = t->size - t->from.offset;
	size_t wanted = left < t->block_size ? (size_t)left : t->block_size, size;
	struct iovec *part;
	uint8_t *bytes;

	if (!read_octets(t, plain, wanted, t->from.offset))
		return false;
	bytes = reserve(out, fd, TFTP_HEADER + t->block_size, 1);
	part = out->part + out->parts;
	t->to = t->from;
	size = tftp_netascii(&t->to, plain, wanted, bytes + TFTP_HEADER, t->block_size);
	t->last = size < t->block_size ? block : UINT64_MAX;
	tftp_encode_data_header((uint16_t)block, bytes);
	out->used += TFTP_HEADER + size;
	add_packet(out, bytes, TFTP_HEADER, bytes + TFTP_HEADER, size);
	add_message(out, t->address, t->port, part, 1, TFTP_HEADER + size);
	return true;
}

/* Blocks that one buffer may hold, to be cut by the kernel. */
static unsigned
blocks_at_once(size_t packet)
{
	size_t count = TFTP_DATAGRAM_MAX / packet;

	return count < TFTP_SEGMENTS ? (unsigned)count : TFTP_SEGMENTS;
}

bool
tftp_outbox_blocks(struct tftp_outbox *out, int fd, struct tftp_transfer *t, const struct tftp_action *action)
{
	uint64_t block = action->first;
	unsigned left = action->count, count, most = blocks_at_once(TFTP_HEADER + t->block_size);

	if (t->request.mode != TFTP_OCTET)
		return send_netascii(out, fd, t, block);
	for (; left > 0; left -= count, block += count) {
		count = left < most ? left : most;
		if (!send_octets(out, fd, t, block, count))
			return false;
	}
	return true;
}
