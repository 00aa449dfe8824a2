/* SPDX-License-Identifier: ISC */
/*
 * diskless-dhcp: answers boards of one network that boot. Runs as its own user in an empty directory, in its jail. Holds a UDP socket
 * bound to port 67 on the network's interface, a packet socket that only sends ARP, and the pipes to the parent and the
 * broker. Must never parse here (dhcp_wire.c) or decide here (dhcp_offer.c), open anything, or trust a packet.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <event2/event.h>

#include "address.h"
#include "child.h"
#include "clock.h"
#include "dhcp_offer.h"
#include "dhcp_wire.h"
#include "ipc.h"
#include "log.h"
#include "syscalls.h"

#define BATCH     64 /* packets for each turn of the loop: the pipes get their turn in a flood too */
#define MAX_FILES 32

struct dhcp {
	struct child child;
	int udp;
	int arp;
	uint32_t ifindex;
	uint8_t mac[MAC_SIZE]; /* of our interface */
	struct event *readable;
	struct event *timer;
	struct ipc *broker;       /* NULL while it is away */
	struct dhcp_table *table; /* NULL until the first one is whole: nothing is answered */
	struct dhcp_table *next;  /* arriving */
	struct dhcp_queue queue;
	struct dhcp_reports reports;
};

static void
send_offer(struct dhcp *dhcp, const struct dhcp_answer *answer)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	uint8_t packet[DHCP_OFFER_MAX];
	struct iovec part = { .iov_base = packet };
	struct sockaddr_in everybody = {
		.sin_family = AF_INET,
		.sin_port = htons(DHCP_CLIENT_PORT),
		.sin_addr.s_addr = htonl(INADDR_BROADCAST),
	};
	/* The source is the server's address, whichever others the interface has: boards compare it. */
	struct in_pktinfo source = { .ipi_ifindex = (int)dhcp->ifindex,
		.ipi_spec_dst.s_addr = dhcp->table->network.server };
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(source))];
	} control = { .bytes = { 0 } };
	struct msghdr message = {
		.msg_name = &everybody,
		.msg_namelen = sizeof(everybody),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = IPPROTO_IP;
	header->cmsg_type = IP_PKTINFO;
	header->cmsg_len = CMSG_LEN(sizeof(source));
	memcpy(CMSG_DATA(header), &source, sizeof(source));
	part.iov_len = dhcp_encode_offer(answer, dhcp->table->network.server, packet);
	if (sendmsg(dhcp->udp, &message, MSG_DONTWAIT) == -1)
		LOG_LIMITED(&limit, log_warn("cannot send an offer on %s", dhcp->table->network.interface));
}

static void
send_arp(struct dhcp *dhcp)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	uint8_t packet[DHCP_ARP_SIZE];
	struct sockaddr_ll everybody = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_ARP),
		.sll_ifindex = (int)dhcp->ifindex,
		.sll_halen = ETH_ALEN,
		.sll_addr = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};

	dhcp_encode_arp(dhcp->mac, dhcp->table->network.server, packet);
	if (sendto(dhcp->arp, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&everybody, sizeof(everybody)) ==
	    -1)
		LOG_LIMITED(&limit, log_warn("cannot send ARP on %s", dhcp->table->network.interface));
}

static void
answer_now(struct dhcp *dhcp, const struct dhcp_waiting *waiting)
{
	send_offer(dhcp, &waiting->answer);
	if (waiting->arp)
		send_arp(dhcp);
}

static void
set_timer(struct dhcp *dhcp, uint64_t now)
{
	uint64_t next = dhcp_queue_next(&dhcp->queue), wait;
	struct timeval tv;

	if (next == UINT64_MAX)
		return;
	wait = next > now ? next - now : 0;
	tv.tv_sec = (time_t)(wait / 1000);
	tv.tv_usec = (suseconds_t)(wait % 1000 * 1000);
	if (event_add(dhcp->timer, &tv) == -1)
		fatalx("cannot set the timer");
}

static void
on_timer(int fd, short what, void *argument)
{
	struct dhcp *dhcp = argument;
	struct dhcp_waiting waiting;
	uint64_t now = clock_ms();

	while (dhcp_queue_take(&dhcp->queue, now, &waiting))
		answer_now(dhcp, &waiting);
	set_timer(dhcp, now);
}

static void
answer(struct dhcp *dhcp, const struct dhcp_request *request, const struct dhcp_decision *decision, uint64_t now)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	struct dhcp_waiting waiting = { .due = now + decision->delay, .arp = decision->arp };

	dhcp_answer(request, &waiting.answer);
	if (decision->delay == 0)
		answer_now(dhcp, &waiting);
	else if (dhcp_queue_put(&dhcp->queue, &waiting))
		set_timer(dhcp, now);
	else
		LOG_LIMITED(
		    &limit, log_warnx("%d answers wait already: one board more has to ask again", DHCP_QUEUE_MAX));
}

static void
report(struct dhcp *dhcp, const struct dhcp_request *request, const struct dhcp_decision *decision, uint64_t now)
{
	const struct dhcp_board *board = &decision->board;
	struct msg_dhcp_seen seen;

	if (decision->verdict == 0 || dhcp->broker == NULL ||
	    !dhcp_report(&dhcp->reports, decision->client, request->mac, now))
		return;
	memset(&seen, 0, sizeof(seen));
	seen.network = dhcp->child.start.network;
	seen.verdict = decision->verdict;
	seen.model = board->model;
	seen.revision = board->revision;
	seen.serial = board->serial;
	seen.has_serial = board->has_serial;
	memcpy(seen.mac, request->mac, MAC_SIZE);
	log_visible(seen.vendor, sizeof(seen.vendor), request->vendor, request->vendor_length);
	(void)IPC_SEND(dhcp->broker, DHCP_SEEN, &seen); /* a full pipe costs a line of the operator's view, no boot */
}

static void
note_relay(const struct dhcp_request *request)
{
	static struct log_limit limit = LOG_LIMIT(1, 60000);
	char relay[ADDRESS_TEXT];

	LOG_LIMITED(&limit, log_warnx("ignored a request that came by the relay %s: relays are not served",
				address_text(request->giaddr, relay)));
}

static void
handle_packet(struct dhcp *dhcp, const uint8_t *packet, size_t size)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	struct dhcp_request request;
	struct dhcp_decision decision;
	const char *why;
	uint64_t now;

	if (!dhcp_decode(packet, size, &request, &why)) {
		LOG_LIMITED(&limit, log_debug("dropped a packet: %s", why));
		return;
	}
	if (request.giaddr != 0)
		note_relay(&request);
	if (dhcp->table == NULL)
		return;
	now = clock_ms();
	dhcp_decide(dhcp->table, &request, &decision);
	if (decision.offer)
		answer(dhcp, &request, &decision, now);
	report(dhcp, &request, &decision, now);
}

static void
on_readable(int fd, short what, void *argument)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	struct dhcp *dhcp = argument;
	uint8_t packet[DHCP_PACKET_MAX];
	struct iovec part = { .iov_base = packet, .iov_len = sizeof(packet) };
	struct msghdr message;
	ssize_t size;
	int i;

	for (i = 0; i < BATCH; i++) {
		memset(&message, 0, sizeof(message));
		message.msg_iov = &part;
		message.msg_iovlen = 1;
		size = recvmsg(fd, &message, MSG_DONTWAIT);
		if (size == -1) {
			if (errno != EAGAIN && errno != EINTR)
				LOG_LIMITED(&limit, log_warn("cannot receive"));
			return;
		}
		if (!(message.msg_flags & MSG_TRUNC))
			handle_packet(dhcp, packet, (size_t)size);
	}
}

static void
table_begin(struct dhcp *dhcp, const struct msg_network *network)
{
	dhcp_table_free(dhcp->next);
	dhcp->next = NULL;
	if (network->index != dhcp->child.start.network) {
		log_warnx("the broker sent the table of network %u, this is %u: kept the old one", network->index,
		    dhcp->child.start.network);
		return;
	}
	dhcp->next = dhcp_table_new(network);
	if (dhcp->next == NULL)
		log_warnx("no memory for a table of clients: kept the old one");
}

static void
table_add(struct dhcp *dhcp, const struct msg_client *client)
{
	if (dhcp->next == NULL || dhcp_table_add(dhcp->next, client))
		return;
	log_warnx("no room for %zu clients: kept the old table", dhcp->next->count + 1);
	dhcp_table_free(dhcp->next);
	dhcp->next = NULL;
}

static void
table_end(struct dhcp *dhcp)
{
	const struct msg_network *network;

	if (dhcp->next == NULL)
		return;
	dhcp_table_seal(dhcp->next);
	dhcp_table_free(dhcp->table);
	dhcp->table = dhcp->next;
	dhcp->next = NULL;
	network = &dhcp->table->network;
	if (network->dhcp == DHCP_RESERVATIONS)
		log_warnx("network %s: \"dhcp reservations\" is not built yet: boards are seen, none is answered",
		    network->name);
	log_info("network %s on %s: %zu clients", network->name, network->interface, dhcp->table->count);
}

static void
on_broker(struct ipc *ipc, struct ipc_message *message, void *argument)
{
	struct dhcp *dhcp = argument;

	if (message->type == MSG_DHCP_BEGIN)
		table_begin(dhcp, &message->body.DHCP_BEGIN);
	else if (message->type == MSG_DHCP_CLIENT)
		table_add(dhcp, &message->body.DHCP_CLIENT);
	else if (message->type == MSG_DHCP_END)
		table_end(dhcp);
}

static void
drop_broker(struct dhcp *dhcp)
{
	ipc_free(dhcp->broker);
	dhcp->broker = NULL;
	dhcp_table_free(dhcp->next); /* half a table is none */
	dhcp->next = NULL;
}

static void
on_broker_gone(struct ipc *ipc, const char *why, void *argument)
{
	log_info("the broker is away (%s): its last table stays in force", why);
	drop_broker(argument);
}

static void
on_message(struct child *child, struct ipc_message *message)
{
	struct dhcp *dhcp = child->private;

	if (message->type != MSG_PEER || message->body.PEER.role != ROLE_BROKER)
		return;
	drop_broker(dhcp);
	dhcp->broker =
	    ipc_new(child->base, ipc_take_fd(message), ROLE_DHCP, ROLE_BROKER, on_broker, on_broker_gone, dhcp);
	if (dhcp->broker == NULL)
		log_warnx("no memory for the broker's pipe: the last table stays in force");
}

static void
on_socket(struct child *child, const struct msg_socket *socket, int fd)
{
	struct dhcp *dhcp = child->private;

	if (socket->kind == SOCKET_DHCP && dhcp->udp == -1) {
		dhcp->udp = fd;
		dhcp->ifindex = socket->ifindex;
		memcpy(dhcp->mac, socket->mac, MAC_SIZE);
	} else if (socket->kind == SOCKET_ARP && dhcp->arp == -1) {
		dhcp->arp = fd;
	} else {
		fatalx("set-up by the parent failed: a socket too many (kind %u)", socket->kind);
	}
}

int
main(void)
{
	static struct dhcp dhcp = { .udp = -1, .arp = -1 };

	dhcp.child.private = &dhcp;
	child_begin(&dhcp.child, ROLE_DHCP, on_socket);
	if (dhcp.udp == -1 || dhcp.arp == -1)
		fatalx("set-up by the parent failed: a socket is missing");
	dhcp.reports.seed = arc4random();
	dhcp.readable = event_new(dhcp.child.base, dhcp.udp, EV_READ | EV_PERSIST, on_readable, &dhcp);
	dhcp.timer = evtimer_new(dhcp.child.base, on_timer, &dhcp);
	if (dhcp.readable == NULL || dhcp.timer == NULL || event_add(dhcp.readable, NULL) == -1)
		fatalx("no memory for the events");
	dhcp.child.max_files = MAX_FILES;
	child_serve(&dhcp.child, &syscalls_dhcp, on_message);
}
