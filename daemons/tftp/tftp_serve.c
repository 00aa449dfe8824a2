/* SPDX-License-Identifier: ISC */
/*
 * See tftp_serve.h. Nothing at all goes to an address that is no client's: a request is answered by what the broker says of
 * it, and what is not asked of the broker is answered only to addresses that it has granted or named something to before.
 */
#include "tftp_serve.h"

#include <string.h>

void
tftp_serve_init(struct tftp_server *server, const struct tftp_edge *edge, void *argument, uint32_t seed,
    unsigned sockets, uint32_t mtu)
{
	memset(server, 0, sizeof(*server));
	tftp_table_init(&server->table, seed, sockets);
	server->edge = edge;
	server->argument = argument;
	server->mtu = mtu;
}

/* ---- doing what was decided ---- */

static void
send_error(struct tftp_server *server, const struct tftp_transfer *t, enum tftp_error error)
{
	struct tftp_peer peer = { .address = t->address, .port = t->port, .socket = t->socket };

	server->edge->error(server->argument, &peer, error);
}

static void
finish(struct tftp_server *server, struct tftp_transfer *t, uint32_t report, uint64_t now)
{
	server->edge->finish(server->argument, t, report, now);
	tftp_table_remove(&server->table, t, now);
}

static void
perform(struct tftp_server *server, struct tftp_transfer *t, struct tftp_action action, uint64_t now)
{
	switch (action.send) {
	case TFTP_SEND_NOTHING:
		break;
	case TFTP_SEND_QUESTION:
		if (server->edge->ask(server->argument, t))
			break;
		server->counts.full++;
		action.end = true; /* the client's next try is a new one */
		break;
	case TFTP_SEND_OACK:
	case TFTP_SEND_BLOCKS:
		if (server->edge->send(server->argument, t, &action))
			break;
		action = tftp_transfer_failed(t);
		/* FALLTHROUGH */
	case TFTP_SEND_ERROR:
		send_error(server, t, action.error);
		break;
	}
	if (action.end)
		finish(server, t, action.report, now);
	else
		tftp_table_schedule(&server->table, t);
}

/* An answer to what belongs to no transfer; so many a second and no more. */
static void
answer_stray(struct tftp_server *server, const struct tftp_peer *peer, enum tftp_error error, uint64_t now)
{
	if (now / 1000 != server->stray_second) {
		server->stray_second = now / 1000;
		server->strays = 0;
	}
	if (server->strays++ < TFTP_STRAY_BURST)
		server->edge->error(server->argument, peer, error);
}

/* ---- requests ---- */

static void
answer_bad_request(struct tftp_server *server, const struct tftp_peer *peer, enum tftp_error error, uint64_t now)
{
	struct tftp_peer from = *peer;

	from.socket = 0;
	if (tftp_table_client(&server->table, peer->address) != NULL)
		answer_stray(server, &from, error, now);
}

/*
 * The same client and port as transfer t. What the client sent before this request may still lie in t's socket (the end of
 * a probe, the last ACK) and decides what the request means: that first. true: it is a repetition, and dealt with.
 */
static bool
settle_with_former(struct tftp_server *server, struct tftp_transfer *t, const struct tftp_peer *peer,
    const struct tftp_request *request, uint64_t now)
{
	server->edge->drain(server->argument, t->socket);
	t = tftp_table_find(&server->table, peer->address, peer->port);
	if (t == NULL)
		return false;
	if (tftp_transfer_is_asked(t, now))
		return true;
	if (tftp_transfer_is_same(t, request)) {
		perform(server, t, tftp_transfer_repeated(t, now), now);
		return true;
	}
	perform(server, t, tftp_transfer_replaced(t), now);
	return false;
}

static void
make_room(struct tftp_server *server, uint32_t address, uint64_t now)
{
	struct tftp_transfer *oldest;

	if (tftp_table_of(&server->table, address, &oldest) >= TFTP_PER_CLIENT && oldest != NULL)
		perform(server, oldest, tftp_transfer_replaced(oldest), now);
}

static void
read_request(struct tftp_server *server, const struct tftp_peer *peer, const struct tftp_request *request, uint64_t now)
{
	struct tftp_transfer *t = tftp_table_find(&server->table, peer->address, peer->port);

	if (t != NULL && settle_with_former(server, t, peer, request, now))
		return;
	make_room(server, peer->address, now);
	t = tftp_table_add(&server->table, peer->address, peer->port);
	if (t == NULL)
		server->counts.full++;
	else
		perform(server, t, tftp_transfer_begin(t, request, now), now);
}

void
tftp_serve_request(
    struct tftp_server *server, const struct tftp_peer *peer, const uint8_t *packet, size_t size, uint64_t now)
{
	struct tftp_request request;

	if (peer->port == 0 || peer->port == TFTP_PORT) /* a server's: an answer could go round for ever */
		return;
	switch (tftp_decode_request(packet, size, &request)) {
	case TFTP_READ:
		read_request(server, peer, &request, now);
		break;
	case TFTP_WRITE:
		answer_bad_request(server, peer, TFTP_ERROR_ACCESS, now);
		break;
	case TFTP_MALFORMED:
		answer_bad_request(server, peer, TFTP_ERROR_ILLEGAL, now);
		break;
	case TFTP_NO_REQUEST:
		break;
	}
}

/* ---- answers from inside ---- */

void
tftp_serve_refused(struct tftp_server *server, const struct msg_refuse *refuse, uint64_t now)
{
	struct tftp_transfer *t = tftp_table_waiting(&server->table, refuse->id);

	if (t == NULL)
		return;
	if (refuse->why == REFUSE_SILENTLY)
		tftp_table_forget(&server->table, t->address);
	else
		tftp_table_remember(&server->table, t);
	perform(server, t, tftp_transfer_refused(t, refuse->why), now);
}

bool
tftp_serve_file(struct tftp_server *server, const struct msg_file *file, int fd, uint64_t now)
{
	struct tftp_transfer *t = tftp_table_waiting(&server->table, file->id);

	if (t == NULL)
		return false;
	tftp_table_remember(&server->table, t);
	if (file->status == FILE_OPENED &&
	    fd == -1) { /* no descriptor is left here: the client's next try is a new one */
		server->counts.starved++;
		finish(server, t, 0, now);
		return false;
	}
	if (file->status != FILE_OPENED) {
		perform(server, t, tftp_transfer_no_file(t, file->status), now);
		return false;
	}
	t->fd = fd;
	perform(server, t, tftp_transfer_granted(t, file->size, server->mtu, now), now);
	return true;
}

void
tftp_serve_ask_again(struct tftp_server *server)
{
	struct tftp_transfer *t;
	unsigned i;

	for (i = 0; i < server->table.count; i++) {
		t = &server->table.transfer[server->table.heap[i]];
		if (t->state == TFTP_WAITING)
			(void)server->edge->ask(server->argument, t);
	}
}

/* ---- packets to the transfers ---- */

/*
 * Worth an ERROR 5? Only an ACK of a client, whose transfer did not just end: a late ACK of it is no reason to send an error to
 * the port of the board's next one. After a restart nobody is known: a board in the middle of a file hears nothing, gives up and
 * starts over, where an error could make it go on without that file (an initramfs, say).
 */
static bool
deserves_unknown_id(struct tftp_server *server, const struct tftp_peer *peer, uint64_t now)
{
	const struct tftp_client *client = tftp_table_client(&server->table, peer->address);

	return client != NULL && (client->port != peer->port || now >= client->ended + TFTP_LATE_MS);
}

void
tftp_serve_reply(
    struct tftp_server *server, const struct tftp_peer *peer, const uint8_t *packet, size_t size, uint64_t now)
{
	struct tftp_transfer *t = tftp_table_find(&server->table, peer->address, peer->port);
	struct tftp_reply reply = tftp_decode_reply(packet, size);

	if (t != NULL && t->socket == peer->socket)
		perform(server, t, tftp_transfer_reply(t, &reply, now), now);
	else if (t == NULL && reply.kind == TFTP_REPLY_ACK && peer->port != 0 && peer->port != TFTP_PORT &&
		 deserves_unknown_id(server, peer, now))
		answer_stray(server, peer, TFTP_ERROR_UNKNOWN_ID, now);
}

/* ---- time ---- */

void
tftp_serve_time(struct tftp_server *server, uint64_t now)
{
	struct tftp_transfer *t;
	uint32_t drained = 0;

	while ((t = tftp_table_due(&server->table, now)) != NULL) {
		/* After a pause of ours the ACK may lie there unread: nothing is repeated that has arrived. */
		if (!(drained & UINT32_C(1) << t->socket)) {
			drained |= UINT32_C(1) << t->socket;
			server->edge->drain(server->argument, t->socket);
			continue;
		}
		if (t->state == TFTP_WAITING)
			server->counts.unanswered++;
		perform(server, t, tftp_transfer_expired(t, now), now);
	}
}
