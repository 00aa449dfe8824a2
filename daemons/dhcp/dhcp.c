/* SPDX-License-Identifier: ISC */
/*
 * diskless-dhcp: answers machines of one network that boot. Runs as its own user in an empty directory, in its jail. Holds UDP sockets
 * bound to ports 67 and 4011 on the network's interface, a packet socket that only sends, and the pipes to the parent and the
 * broker. Must never parse here (dhcp_wire.c) or decide here (dhcp_offer.c), open anything, or trust a packet.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "address.h"
#include "child.h"
#include "clock.h"
#include "dhcp_io.h"
#include "dhcp_offer.h"
#include "dhcp_wire.h"
#include "ipc.h"
#include "log.h"
#include "syscalls.h"

#define MAX_FILES 32

struct dhcp {
	struct child child;
	struct dhcp_sockets sockets;
	struct event *timer;
	struct ipc *broker;       /* NULL while it is away */
	struct dhcp_table *table; /* NULL until the first one is whole: nothing is answered */
	struct dhcp_table *next;  /* arriving */
	struct dhcp_queue queue;
	struct dhcp_reports reports;
};

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

	while (dhcp_queue_take(&dhcp->queue, now, &waiting)) {
		dhcp_out_packet(&dhcp->sockets, &waiting.packet);
		dhcp_flush(&dhcp->sockets); /* the announcement comes behind its answer */
		if (waiting.arp)
			dhcp_send_arp(&dhcp->sockets);
	}
	set_timer(dhcp, now);
}

static void
answer_later(struct dhcp *dhcp, const struct dhcp_decision *decision, uint64_t now)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	struct dhcp_waiting waiting = { .due = now + decision->delay, .arp = decision->arp };

	dhcp_pack(&decision->reply, &waiting.packet);
	if (dhcp_queue_put(&dhcp->queue, &waiting))
		set_timer(dhcp, now);
	else
		LOG_LIMITED(
		    &limit, log_warnx("%d answers wait already: one board more has to ask again", DHCP_QUEUE_MAX));
}

static void
answer(struct dhcp *dhcp, const struct dhcp_decision *decision, uint64_t now)
{
	if (!decision->answer)
		return;
	if (decision->delay == 0)
		dhcp_pack(&decision->reply, dhcp_out(&dhcp->sockets, &decision->reply));
	else
		answer_later(dhcp, decision, now);
}

static void
report(struct dhcp *dhcp, const struct dhcp_request *request, const struct dhcp_decision *decision, uint64_t now)
{
	const struct dhcp_board *board = &decision->board;
	struct msg_dhcp_seen seen;

	if (decision->verdict == 0 || dhcp->broker == NULL)
		return;
	if (decision->verdict > SEEN_NOT_SERVED ? !dhcp_report_fault(decision->client, now)
						: !dhcp_report(&dhcp->reports, decision->client, request->mac, now))
		return;
	memset(&seen, 0, sizeof(seen));
	seen.network = dhcp->child.start.network;
	seen.verdict = decision->verdict;
	seen.model = board->model;
	seen.revision = board->revision;
	seen.serial = board->serial;
	seen.has_serial = board->has_serial;
	seen.address = decision->other_address;
	seen.server = decision->other_server;
	memcpy(seen.mac, request->mac, MAC_SIZE);
	log_visible(seen.vendor, sizeof(seen.vendor), request->vendor, request->vendor_length);
	(void)IPC_SEND(dhcp->broker, DHCP_SEEN, &seen); /* a full pipe costs a line of the operator's view, no boot */
}

static void
note_relay(const struct dhcp *dhcp, const struct dhcp_request *request)
{
	static struct log_limit limit = LOG_LIMIT(1, 60000);
	char relay[ADDRESS_TEXT];

	LOG_LIMITED(&limit, log_warnx("ignored a request that came by the relay %s: it is not in network %s",
				address_text(request->giaddr, relay), dhcp->table->network.name));
}

static void
handle_packet(void *argument, const struct dhcp_origin *origin, const uint8_t *packet, size_t size)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	struct dhcp *dhcp = argument;
	struct dhcp_request request;
	struct dhcp_decision decision;
	const char *why;
	uint64_t now;

	if (!dhcp_decode(packet, size, &request, &why)) {
		LOG_LIMITED(&limit, log_debug("dropped a packet: %s", why));
		return;
	}
	if (dhcp->table == NULL)
		return;
	now = clock_ms();
	dhcp_decide(dhcp->table, &request, origin, &decision);
	if (decision.relay_refused)
		note_relay(dhcp, &request);
	answer(dhcp, &decision, now);
	report(dhcp, &request, &decision, now);
}

/* One batch a turn: the pipes get theirs in a flood, too. */
static void
receive(struct dhcp *dhcp, int fd, uint16_t our_port)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);

	if (dhcp_receive(fd, our_port, handle_packet, dhcp) == -1)
		LOG_LIMITED(&limit, log_warn("cannot receive"));
	dhcp_flush(&dhcp->sockets);
}

static void
on_request(int fd, short what, void *argument)
{
	receive(argument, fd, DHCP_SERVER_PORT);
}

static void
on_boot_request(int fd, short what, void *argument)
{
	receive(argument, fd, DHCP_BOOT_PORT);
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
	dhcp->sockets.server = network->server;
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
	struct dhcp_sockets *s = &dhcp->sockets;
	int *place = socket->kind == SOCKET_DHCP        ? &s->udp
		     : socket->kind == SOCKET_DHCP_4011 ? &s->boot
		     : socket->kind == SOCKET_ARP       ? &s->link
							: NULL;

	if (place == NULL || *place != -1)
		fatalx("set-up by the parent failed: a socket too many (kind %u)", socket->kind);
	*place = fd;
	s->ifindex = socket->ifindex;
	memcpy(s->mac, socket->mac, MAC_SIZE);
}

static void
serve_socket(struct dhcp *dhcp, int fd, event_callback_fn on_readable)
{
	struct event *readable;

	if (fd == -1)
		fatalx("set-up by the parent failed: a socket is missing");
	readable = event_new(dhcp->child.base, fd, EV_READ | EV_PERSIST, on_readable, dhcp);
	if (readable == NULL || event_add(readable, NULL) == -1)
		fatalx("no memory for the events");
}

int
main(void)
{
	static struct dhcp dhcp = { .sockets = { .udp = -1, .boot = -1, .link = -1 } };

	dhcp.child.private = &dhcp;
	child_begin(&dhcp.child, ROLE_DHCP, on_socket);
	if (dhcp.sockets.link == -1)
		fatalx("set-up by the parent failed: a socket is missing");
	dhcp.reports.seed = arc4random();
	serve_socket(&dhcp, dhcp.sockets.udp, on_request);
	serve_socket(&dhcp, dhcp.sockets.boot, on_boot_request);
	dhcp.timer = evtimer_new(dhcp.child.base, on_timer, &dhcp);
	if (dhcp.timer == NULL)
		fatalx("no memory for the events");
	dhcp.child.max_files = MAX_FILES;
	child_serve(&dhcp.child, &syscalls_dhcp, on_message);
}
