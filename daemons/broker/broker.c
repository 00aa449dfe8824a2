/* SPDX-License-Identifier: ISC */
/*
 * diskless-broker: decides who is who and who may have what, and tells operators what goes on. Runs as its own user in an empty
 * directory, in its jail. Holds the listening control socket, the pipes to the parent and to each dhcp and tftp. Must never touch a file, a
 * mount or the network, decide by rules other than policy/access.c's, or trust what a network process says about who asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "answers.h"
#include "bindings.h"
#include "child.h"
#include "clock.h"
#include "control.h"
#include "ipc.h"
#include "log.h"
#include "syscalls.h"

#define MAX_FILES (32 + CONTROL_CONNECTIONS_MAX + 2 * BINDINGS_NETWORKS_MAX)

/* A network process at the other end of a pipe. */
struct peer {
	uint32_t role;
	uint32_t network;
	uint32_t epoch;
	struct ipc *pipe; /* NULL while it is away */
};

static struct child child;
static struct facts facts;
static struct bindings *next; /* arriving */
static struct peer dhcps[BINDINGS_NETWORKS_MAX];
static struct peer tftps[BINDINGS_NETWORKS_MAX];
static int listener = -1;

/* ---- network processes ---- */

static void
drop_peer(struct peer *peer)
{
	ipc_free(peer->pipe);
	peer->pipe = NULL;
}

static bool
tell_parent(enum msg_type type, const void *payload, size_t size)
{
	return ipc_send(child.parent, type, payload, size, -1) == 0;
}

/* dhcp reads its pipe at once; one that does not is broken, and keeps the table that it has. */
static void
tell_dhcp(struct peer *dhcp, enum msg_type type, const void *payload, size_t size)
{
	if (dhcp->pipe == NULL || ipc_send(dhcp->pipe, type, payload, size, -1) == 0)
		return;
	log_warnx("dhcp of network %u does not read its pipe: it keeps its old table", dhcp->network);
	drop_peer(dhcp);
}

static void
send_table(struct peer *dhcp)
{
	const struct bindings *b = facts.bindings;
	struct msg_config_end end;

	if (b == NULL || dhcp->network >= b->view.network_count || dhcp->pipe == NULL)
		return;
	tell_dhcp(dhcp, MSG_DHCP_BEGIN, &b->view.networks[dhcp->network], sizeof(*b->view.networks));
	for (size_t i = 0; i < b->view.client_count; i++)
		if (b->view.clients[i].network == dhcp->network)
			tell_dhcp(dhcp, MSG_DHCP_CLIENT, &b->view.clients[i], sizeof(*b->view.clients));
	memset(&end, 0, sizeof(end));
	end.generation = b->generation;
	tell_dhcp(dhcp, MSG_DHCP_END, &end, sizeof(end));
}

/* A refusal that finds no room is a board that asks again. */
static void
refuse(struct peer *tftp, const struct msg_refuse *message)
{
	(void)ipc_send(tftp->pipe, MSG_TFTP_REFUSE, message, sizeof(*message), -1);
}

static void
refuse_silently(struct peer *tftp, uint32_t id)
{
	struct msg_refuse no;

	bindings_refuse(ACCESS_NO_CLIENT, id, &no);
	refuse(tftp, &no);
}

/* tftp asks. Who it is that asks is the pipe's word and the kernel's, not tftp's. */
static void
on_read(struct peer *tftp, const struct msg_read *asked)
{
	struct msg_read read = *asked;
	bool client;

	read.network = tftp->network;
	read.epoch = tftp->epoch;
	client = facts.bindings != NULL && bindings_at(facts.bindings, read.network, read.address) != NULL;
	if (!client)
		facts_stranger(&facts, &read, clock_wall_ms());
	if (!client || !tell_parent(MSG_NEIGHBOUR_ASK, &read, sizeof(read)))
		refuse_silently(tftp, read.id);
}

static void
on_peer_message(struct ipc *ipc, struct ipc_message *message, void *argument)
{
	struct peer *peer = argument;

	switch (message->type) {
	case MSG_TFTP_READ:
		on_read(peer, &message->body.TFTP_READ);
		break;
	case MSG_TFTP_DONE:
		facts_done(&facts, peer->network, &message->body.TFTP_DONE, clock_wall_ms());
		break;
	case MSG_DHCP_SEEN:
		message->body.DHCP_SEEN.network = peer->network;
		facts_seen(&facts, &message->body.DHCP_SEEN, clock_wall_ms());
		break;
	default:
		break; /* messages.def has no other */
	}
}

/*
 * Its end, or a breach: it gets nothing any more until the parent starts it again. It must not take the broker, and with it every
 * other network, along.
 */
static void
on_peer_gone(struct ipc *ipc, const char *why, void *argument)
{
	static struct log_limit limit = LOG_LIMIT(10, 10000);
	struct peer *peer = argument;

	LOG_LIMITED(&limit, log_info("pipe to %s of network %u: %s", ipc_role(peer->role), peer->network, why));
	drop_peer(peer);
}

static void
join(const struct msg_peer *who, int fd)
{
	struct peer *peer;

	if (who->network >= BINDINGS_NETWORKS_MAX || (who->role != ROLE_DHCP && who->role != ROLE_TFTP))
		fatalx("the parent sent a pipe to role %u of network %u", who->role, who->network);
	peer = &(who->role == ROLE_DHCP ? dhcps : tftps)[who->network];
	drop_peer(peer);
	peer->role = who->role;
	peer->network = who->network;
	peer->epoch = who->epoch;
	peer->pipe = ipc_new(child.base, fd, ROLE_BROKER, who->role, on_peer_message, on_peer_gone, peer);
	if (peer->pipe == NULL)
		fatalx("no memory for a pipe");
	if (who->role == ROLE_DHCP)
		send_table(peer);
}

/* ---- the parent: configuration ---- */

static void
config_begin(const struct msg_config_begin *begin)
{
	const char *why;

	bindings_free(next);
	next = bindings_begin(begin, &why);
	if (next == NULL)
		fatalx("configuration of the parent: %s", why);
}

static void
config_row(const struct ipc_message *message)
{
	const char *why = "without its beginning";
	bool good = next != NULL;

	if (good && message->type == MSG_CONFIG_NETWORK)
		good = bindings_network(next, &message->body.CONFIG_NETWORK, &why);
	else if (good)
		good = bindings_client(next, &message->body.CONFIG_CLIENT, &why);
	if (!good)
		fatalx("configuration of the parent: %s", why);
}

static void
config_end(const struct msg_config_end *end)
{
	const char *why = "without its beginning";

	if (next == NULL || !bindings_end(next, end, &why))
		fatalx("configuration of the parent: %s", why);
	if (!facts_configure(&facts, next))
		fatalx("no memory for the configuration");
	next = NULL;
	for (uint32_t i = 0; i < BINDINGS_NETWORKS_MAX; i++)
		send_table(&dhcps[i]);
	log_info("generation %u: %zu networks, %zu clients", facts.bindings->generation,
	    facts.bindings->view.network_count, facts.bindings->view.client_count);
}

/* ---- the parent: the rest ---- */

static void
on_neighbour(const struct msg_neighbour *neighbour)
{
	const struct msg_read *read = &neighbour->read;
	struct decision decision;
	struct peer *tftp;

	if (read->network >= BINDINGS_NETWORKS_MAX)
		fatalx("the parent answered for network %u", read->network);
	tftp = &tftps[read->network];
	if (facts.bindings == NULL || tftp->pipe == NULL || tftp->epoch != read->epoch)
		return; /* the one that asked is gone */
	bindings_decide(facts.bindings, neighbour, &decision);
	facts_decided(&facts, neighbour, &decision, clock_wall_ms());
	if (!decision.grant)
		refuse(tftp, &decision.refuse);
	else if (!tell_parent(MSG_OPEN, &decision.open, sizeof(decision.open)))
		refuse_silently(tftp, read->id);
}

static bool
ask_reload(uint32_t connection, uint32_t uid)
{
	struct msg_reload reload = { .ctl = connection, .uid = uid };

	return tell_parent(MSG_RELOAD, &reload, sizeof(reload));
}

static bool
ask_audit(uint32_t connection, uint32_t uid)
{
	struct msg_reload audit = { .ctl = connection, .uid = uid };

	return tell_parent(MSG_AUDIT_ASK, &audit, sizeof(audit));
}

static void
on_message(struct child *self, struct ipc_message *message)
{
	switch (message->type) {
	case MSG_PEER:
		join(&message->body.PEER, ipc_take_fd(message));
		break;
	case MSG_CONFIG_BEGIN:
		config_begin(&message->body.CONFIG_BEGIN);
		break;
	case MSG_CONFIG_NETWORK:
	case MSG_CONFIG_CLIENT:
		config_row(message);
		break;
	case MSG_CONFIG_END:
		config_end(&message->body.CONFIG_END);
		break;
	case MSG_CLIENT_STATE:
		facts_client(&facts, &message->body.CLIENT_STATE);
		break;
	case MSG_PROCESS_STATE:
		if (!facts_process(&facts, &message->body.PROCESS_STATE))
			fatalx("the parent spoke of a process that cannot be");
		break;
	case MSG_SERVER_STATE:
		facts.server = message->body.SERVER_STATE;
		break;
	case MSG_MOUNTED:
		facts_mounted(&facts, &message->body.MOUNTED, clock_wall_ms());
		break;
	case MSG_NEIGHBOUR_IS:
		on_neighbour(&message->body.NEIGHBOUR_IS);
		break;
	case MSG_RELOADED:
		control_reloaded(&message->body.RELOADED);
		break;
	case MSG_FINDING:
		control_finding(&message->body.FINDING);
		break;
	case MSG_AUDITED:
		control_reloaded(&message->body.AUDITED);
		break;
	default:
		fatalx("the parent sent %s", ipc_name(message->type));
	}
}

static void
on_socket(struct child *self, const struct msg_socket *socket, int fd)
{
	if (socket->kind != SOCKET_CONTROL || listener != -1)
		fatalx("set-up by the parent failed: a socket too many (kind %u)", socket->kind);
	listener = fd;
}

int
main(void)
{
	child_begin(&child, ROLE_BROKER, on_socket);
	if (listener == -1)
		fatalx("set-up by the parent failed: the control socket is missing");
	control_init(child.base, listener, &facts, ask_reload, ask_audit);
	child.max_files = MAX_FILES;
	child_serve(&child, &syscalls_broker, on_message);
}
