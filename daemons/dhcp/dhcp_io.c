/* SPDX-License-Identifier: ISC */
/*
 * Duty: receives and sends in batches. Runs as part of diskless-dhcp. Holds the buffers of what comes in and goes out; must never look
 * into a packet.
 */
#include "dhcp_io.h"

#include <errno.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "log.h"

/* ---- in ---- */

static struct {
	uint8_t packet[DHCP_BATCH][DHCP_PACKET_MAX];
	struct iovec part[DHCP_BATCH];
	struct sockaddr_in name[DHCP_BATCH];
	struct mmsghdr message[DHCP_BATCH];
	int used; /* of the messages, by the last receive; what lies behind is as it was made */
	bool made;
} in;

static void
make_message(int i)
{
	in.part[i] = (struct iovec){ in.packet[i], DHCP_PACKET_MAX };
	in.message[i].msg_hdr = (struct msghdr){
		.msg_name = &in.name[i], .msg_namelen = sizeof(in.name[i]), .msg_iov = &in.part[i], .msg_iovlen = 1
	};
}

int
dhcp_receive(int fd, uint16_t our_port,
    void (*handle)(void *, const struct dhcp_origin *, const uint8_t *packet, size_t size), void *argument)
{
	int count;

	for (int i = 0; i < (in.made ? in.used : DHCP_BATCH); i++)
		make_message(i);
	in.made = true;
	count = recvmmsg(fd, in.message, DHCP_BATCH, MSG_DONTWAIT, NULL);
	in.used = count == -1 ? 0 : count;
	if (count == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	for (int i = 0; i < count; i++) {
		struct dhcp_origin origin = { our_port, ntohs(in.name[i].sin_port), in.name[i].sin_addr.s_addr };

		if (!(in.message[i].msg_hdr.msg_flags & MSG_TRUNC))
			handle(argument, &origin, in.packet[i], in.message[i].msg_len);
	}
	return count;
}

/* ---- out ---- */

union source {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
};
union receiver {
	struct sockaddr any;
	struct sockaddr_in ip;
	struct sockaddr_ll link;
};

/* By the socket that they go out by: each has its own order, and boards ask one thing at a time. */
enum { OUT_UDP, OUT_BOOT, OUT_LINK, OUTS };
static struct out {
	unsigned count;
	struct dhcp_packet packet[DHCP_BATCH];
} outs[OUTS];

static unsigned
out_of(uint8_t way, uint16_t our_port)
{
	if (way != DHCP_UNICAST)
		return OUT_LINK;
	return our_port == DHCP_BOOT_PORT ? OUT_BOOT : OUT_UDP;
}

static int
socket_of(const struct dhcp_sockets *s, unsigned out)
{
	return out == OUT_LINK ? s->link : out == OUT_BOOT ? s->boot : s->udp;
}

static socklen_t
link_receiver(const struct dhcp_sockets *s, const uint8_t *mac, uint16_t protocol, struct sockaddr_ll *receiver)
{
	*receiver = (struct sockaddr_ll){
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = (int)s->ifindex,
		.sll_halen = ETH_ALEN,
	};
	if (mac != NULL)
		memcpy(receiver->sll_addr, mac, ETH_ALEN);
	else
		memset(receiver->sll_addr, 0xff, ETH_ALEN);
	return sizeof(*receiver);
}

/* The source is the server's address, whichever others the interface has: boards compare it. */
static void
set_source(const struct dhcp_sockets *s, union source *source, struct msghdr *message)
{
	struct in_pktinfo info = { .ipi_ifindex = (int)s->ifindex, .ipi_spec_dst.s_addr = s->server };
	struct cmsghdr *header = &source->header;

	memset(source, 0, sizeof(*source));
	header->cmsg_level = IPPROTO_IP;
	header->cmsg_type = IP_PKTINFO;
	header->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(header), &info, sizeof(info));
	message->msg_control = source->bytes;
	message->msg_controllen = sizeof(source->bytes);
}

struct slot {
	struct iovec part;
	union receiver receiver;
	union source source;
};

static void
fill(const struct dhcp_sockets *s, struct dhcp_packet *p, struct slot *slot, struct msghdr *message)
{
	*message = (struct msghdr){ .msg_name = &slot->receiver, .msg_iov = &slot->part, .msg_iovlen = 1 };
	if (p->way == DHCP_UNICAST) {
		slot->part = (struct iovec){ p->bytes + DHCP_FRAME_HEADER, p->size };
		slot->receiver.ip = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_port = htons(p->port), .sin_addr.s_addr = p->address
		};
		message->msg_namelen = sizeof(slot->receiver.ip);
		set_source(s, &slot->source, message);
		return;
	}
	slot->part = (struct iovec){ p->bytes, DHCP_FRAME_HEADER + p->size };
	message->msg_namelen =
	    link_receiver(s, p->way == DHCP_FRAME ? p->mac : NULL, ETHERTYPE_IP, &slot->receiver.link);
}

static void
flush_one(const struct dhcp_sockets *s, unsigned which)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	static struct slot slots[DHCP_BATCH];
	static struct mmsghdr messages[DHCP_BATCH];
	struct out *out = &outs[which];
	unsigned done = 0;
	int sent;

	for (unsigned i = 0; i < out->count; i++)
		fill(s, &out->packet[i], &slots[i], &messages[i].msg_hdr);
	while (done < out->count) {
		sent = sendmmsg(socket_of(s, which), messages + done, out->count - done, MSG_DONTWAIT);
		if (sent == -1)
			LOG_LIMITED(&limit, log_warn("cannot send an answer"));
		done += sent == -1 ? 1 : (unsigned)sent;
	}
	out->count = 0;
}

static struct dhcp_packet *
next_out(const struct dhcp_sockets *s, unsigned which)
{
	if (outs[which].count == DHCP_BATCH)
		flush_one(s, which);
	return &outs[which].packet[outs[which].count++];
}

struct dhcp_packet *
dhcp_out(const struct dhcp_sockets *s, const struct dhcp_reply *r)
{
	return next_out(s, out_of(r->way, r->our_port));
}

void
dhcp_out_packet(const struct dhcp_sockets *s, const struct dhcp_packet *packet)
{
	*next_out(s, out_of(packet->way, packet->our_port)) = *packet;
}

void
dhcp_flush(const struct dhcp_sockets *s)
{
	for (unsigned which = 0; which < OUTS; which++)
		if (outs[which].count > 0)
			flush_one(s, which);
}

void
dhcp_send_arp(const struct dhcp_sockets *s)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	uint8_t packet[DHCP_ARP_SIZE];
	union receiver everybody;
	socklen_t size = link_receiver(s, NULL, ETHERTYPE_ARP, &everybody.link);

	dhcp_encode_arp(s->mac, s->server, packet);
	if (sendto(s->link, packet, sizeof(packet), MSG_DONTWAIT, &everybody.any, size) == -1)
		LOG_LIMITED(&limit, log_warn("cannot send ARP"));
}
