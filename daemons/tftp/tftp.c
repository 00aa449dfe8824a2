/* SPDX-License-Identifier: ISC */
/*
 * diskless-tftp: sends boot files to the clients of one network. Runs as its own user in an empty directory, in its jail.
 * Holds a UDP socket for requests, the UDP sockets of the transfers, the pipes to the parent and the broker, and a read-only
 * descriptor of each file that is being sent. Must never parse here (tftp_wire.c) or decide here (tftp_serve.c,
 * tftp_transfer.c), open anything, or trust a packet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "child.h"
#include "clock.h"
#include "ipc.h"
#include "log.h"
#include "syscalls.h"
#include "tftp_io.h"
#include "tftp_serve.h"
#include "tftp_view.h"

#define SPARE_FILES  64 /* sockets, pipes, the event loop, and descriptors on their way in */
#define DRAIN_ROUNDS 16 /* batches: a flood of one socket does not hold the others up */
#define MTU_DEFAULT  1500

struct tftp {
	struct child child;
	struct tftp_server server;
	struct tftp_outbox out;
	struct tftp_inbox requests;
	struct tftp_inbox replies; /* apart: replies are read while requests are handled */
	int request;
	int transfer[TFTP_SOCKETS];
	unsigned sockets;
	uint32_t mtu;
	uint64_t now; /* of this turn of the loop */
	struct event *timer;
	uint64_t timer_at;  /* UINT64_MAX: not set */
	struct ipc *broker; /* NULL while it is away */
	struct tftp_counts told;
};

/* ---- each turn of the loop ---- */

static void
begin_turn(struct tftp *tftp)
{
	tftp->now = clock_ms();
}

/* A timer that comes too early is set anew then: deadlines mostly move on before they come. */
static void
set_timer(struct tftp *tftp)
{
	uint64_t next = tftp_table_next(&tftp->server.table), wait;
	struct timeval tv;

	if (next >= tftp->timer_at)
		return;
	wait = next > tftp->now ? next - tftp->now : 0;
	tv.tv_sec = (time_t)(wait / 1000);
	tv.tv_usec = (suseconds_t)(wait % 1000 * 1000);
	if (event_add(tftp->timer, &tv) == -1)
		fatalx("cannot set the timer");
	tftp->timer_at = next;
}

static void
tell_counts(struct tftp *tftp)
{
	static struct log_limit full = LOG_LIMIT(1, 10000), starved = LOG_LIMIT(1, 10000),
				unanswered = LOG_LIMIT(1, 10000);
	const struct tftp_counts *counts = &tftp->server.counts;

	if (counts->full != tftp->told.full && log_limit_pass(&full))
		log_warnx("%llu requests found no room: at most %d transfers run, %d of one client",
		    (unsigned long long)counts->full, TFTP_TRANSFERS, TFTP_PER_CLIENT);
	if (counts->starved != tftp->told.starved && log_limit_pass(&starved))
		log_warnx("%llu requests were dropped as no descriptor was left for their files (RLIMIT_NOFILE)",
		    (unsigned long long)counts->starved);
	if (counts->unanswered != tftp->told.unanswered && log_limit_pass(&unanswered))
		log_warnx("%llu requests got no answer from the broker or the parent in %d seconds",
		    (unsigned long long)counts->unanswered, TFTP_ANSWER_MS / 1000);
	tftp->told = *counts;
}

static void
end_turn(struct tftp *tftp)
{
	tftp_outbox_flush(&tftp->out);
	set_timer(tftp);
	if (memcmp(&tftp->told, &tftp->server.counts, sizeof(tftp->told)) != 0)
		tell_counts(tftp);
}

/* ---- what tftp_serve.c asks for ---- */

static bool
ask(void *argument, const struct tftp_transfer *t)
{
	struct tftp *tftp = argument;
	struct msg_read message;

	if (tftp->broker == NULL)
		return true; /* it is asked when it is back */
	memset(&message, 0, sizeof(message));
	message.id = t->id;
	message.address = t->address;
	memcpy(message.path, t->request.path, sizeof(message.path));
	return IPC_SEND(tftp->broker, TFTP_READ, &message) == 0;
}

static bool
send_action(void *argument, struct tftp_transfer *t, const struct tftp_action *action)
{
	struct tftp *tftp = argument;
	int fd = tftp->transfer[t->socket];
	uint8_t packet[TFTP_OACK_MAX];
	size_t size;

	if (action->send == TFTP_SEND_BLOCKS)
		return tftp_outbox_blocks(&tftp->out, fd, t, action);
	size = tftp_encode_oack(t->answer, t->answers, packet);
	tftp_outbox_packet(&tftp->out, fd, t->address, t->port, packet, size);
	return true;
}

static void
send_error(void *argument, const struct tftp_peer *peer, enum tftp_error error)
{
	struct tftp *tftp = argument;
	uint8_t packet[TFTP_ERROR_MAX];
	size_t size = tftp_encode_error(error, packet);

	tftp_outbox_packet(&tftp->out, tftp->transfer[peer->socket], peer->address, peer->port, packet, size);
}

static void
read_replies(struct tftp *tftp, unsigned socket, unsigned rounds)
{
	struct tftp_peer peer = { .socket = (uint8_t)socket };
	const uint8_t *packet;
	unsigned count, i;
	size_t size;

	do {
		count = tftp_inbox_receive(&tftp->replies, tftp->transfer[socket]);
		for (i = 0; i < count; i++)
			if ((packet = tftp_inbox_packet(&tftp->replies, i, &peer, &size)) != NULL)
				tftp_serve_reply(&tftp->server, &peer, packet, size, tftp->now);
	} while (count == TFTP_BATCH && --rounds > 0);
}

static void
drain(void *argument, unsigned socket)
{
	read_replies(argument, socket, DRAIN_ROUNDS);
}

static void
finish(void *argument, struct tftp_transfer *t, uint32_t report, uint64_t now)
{
	struct tftp *tftp = argument;
	struct msg_done done;

	tftp_view_close(t);
	if (t->fd != -1)
		close(t->fd);
	t->fd = -1;
	if (report == 0 || tftp->broker == NULL)
		return;
	memset(&done, 0, sizeof(done));
	done.address = t->address;
	done.status = report;
	done.bytes = tftp_transfer_bytes(t);
	done.milliseconds = (uint32_t)(now - t->started);
	done.retransmits = t->retransmits;
	memcpy(done.path, t->request.path, sizeof(done.path));
	(void)IPC_SEND(tftp->broker, TFTP_DONE, &done); /* a full pipe costs a line of the operator's view, no boot */
}

static const struct tftp_edge edge = {
	.ask = ask,
	.send = send_action,
	.error = send_error,
	.drain = drain,
	.finish = finish,
};

/* ---- events ---- */

static void
on_requests(int fd, short what, void *argument)
{
	struct tftp *tftp = argument;
	struct tftp_peer peer = { .socket = 0 };
	const uint8_t *packet;
	unsigned count, i;
	size_t size;

	begin_turn(tftp);
	count = tftp_inbox_receive(&tftp->requests, fd);
	for (i = 0; i < count; i++)
		if ((packet = tftp_inbox_packet(&tftp->requests, i, &peer, &size)) != NULL)
			tftp_serve_request(&tftp->server, &peer, packet, size, tftp->now);
	end_turn(tftp);
}

static void
on_replies(int fd, short what, void *argument)
{
	struct tftp *tftp = argument;
	unsigned socket;

	for (socket = 0; tftp->transfer[socket] != fd; socket++)
		;
	begin_turn(tftp);
	read_replies(tftp, socket, 1);
	end_turn(tftp);
}

static void
on_timer(int fd, short what, void *argument)
{
	struct tftp *tftp = argument;

	begin_turn(tftp);
	tftp->timer_at = UINT64_MAX;
	tftp_serve_time(&tftp->server, tftp->now);
	end_turn(tftp);
}

static void
on_broker(struct ipc *ipc, struct ipc_message *message, void *argument)
{
	struct tftp *tftp = argument;

	if (message->type != MSG_TFTP_REFUSE)
		return;
	begin_turn(tftp);
	tftp_serve_refused(&tftp->server, &message->body.TFTP_REFUSE, tftp->now);
	end_turn(tftp);
}

static void
drop_broker(struct tftp *tftp)
{
	ipc_free(tftp->broker);
	tftp->broker = NULL;
}

static void
on_broker_gone(struct ipc *ipc, const char *why, void *argument)
{
	log_info("the broker is away (%s): requests wait, transfers go on", why);
	drop_broker(argument);
}

static void
new_broker(struct tftp *tftp, struct ipc_message *message)
{
	drop_broker(tftp);
	tftp->broker =
	    ipc_new(tftp->child.base, ipc_take_fd(message), ROLE_TFTP, ROLE_BROKER, on_broker, on_broker_gone, tftp);
	if (tftp->broker == NULL)
		log_warnx("no memory for the broker's pipe: requests wait");
	else
		tftp_serve_ask_again(&tftp->server);
}

/* The message keeps its descriptor, and closes it, unless a transfer wants it. */
static void
take_file(struct tftp *tftp, struct ipc_message *message)
{
	begin_turn(tftp);
	if (tftp_serve_file(&tftp->server, &message->body.FILE, message->fd, tftp->now))
		(void)ipc_take_fd(message);
	end_turn(tftp);
}

static void
on_message(struct child *child, struct ipc_message *message)
{
	if (message->type == MSG_PEER && message->body.PEER.role == ROLE_BROKER)
		new_broker(child->private, message);
	else if (message->type == MSG_FILE)
		take_file(child->private, message);
}

/* ---- start ---- */

static void
on_socket(struct child *child, const struct msg_socket *socket, int fd)
{
	struct tftp *tftp = child->private;

	if (socket->kind == SOCKET_TFTP_REQUEST && tftp->request == -1)
		tftp->request = fd;
	else if (socket->kind == SOCKET_TFTP_TRANSFER && tftp->sockets < TFTP_SOCKETS)
		tftp->transfer[tftp->sockets++] = fd;
	else
		fatalx("set-up by the parent failed: a socket too many (kind %u)", socket->kind);
	tftp->mtu = socket->mtu != 0 ? socket->mtu : MTU_DEFAULT;
}

static void
listen_on(struct tftp *tftp, int fd, event_callback_fn callback)
{
	struct event *readable = event_new(tftp->child.base, fd, EV_READ | EV_PERSIST, callback, tftp);

	if (readable == NULL || event_add(readable, NULL) == -1)
		fatalx("no memory for the events");
}

static void
make_events(struct tftp *tftp)
{
	unsigned i;

	listen_on(tftp, tftp->request, on_requests);
	for (i = 0; i < tftp->sockets; i++)
		listen_on(tftp, tftp->transfer[i], on_replies);
	tftp->timer = evtimer_new(tftp->child.base, on_timer, tftp);
	if (tftp->timer == NULL)
		fatalx("no memory for the events");
}

int
main(void)
{
	static struct tftp tftp;

	tftp.request = -1;
	tftp.timer_at = UINT64_MAX;
	tftp.child.private = &tftp;
	child_begin(&tftp.child, ROLE_TFTP, on_socket);
	if (tftp.request == -1 || tftp.sockets == 0)
		fatalx("set-up by the parent failed: a socket is missing");
	tftp_serve_init(&tftp.server, &edge, &tftp, arc4random(), tftp.sockets, tftp.mtu);
	tftp_inbox_init(&tftp.requests);
	tftp_inbox_init(&tftp.replies);
	tftp_outbox_init(&tftp.out);
	make_events(&tftp);
	tftp.child.max_files = TFTP_TRANSFERS + SPARE_FILES;
	child_serve(&tftp.child, &syscalls_tftp, on_message);
}
