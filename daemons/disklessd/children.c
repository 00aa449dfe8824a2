/* SPDX-License-Identifier: ISC */
/*
 * The children: the broker, and a dhcp and a tftp for each network; the pipes between them; and what they may ask of the parent.
 * Every request of the broker's is checked again here, against the parent's own configuration and the same pure rules.
 */
#include "disklessd.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "address.h"
#include "clock.h"
#include "log.h"
#include "paths.h"
#include "process.h"

#define PIN_AGAIN_MS 1000
#define RELOADS_MAX  32 /* that wait: the broker has no more connections of operators */

struct network_children {
	struct msg_network network;
	struct network_sockets sockets;
	struct process *dhcp; /* NULL when the network's dhcp is off */
	struct process *tftp;
};

static struct server *server;
static struct process *broker;
static int control = -1;
static struct network_children *served;
static size_t served_count;
static struct network_children *prepared; /* between children_prepare() and children_apply() */
static size_t prepared_count;
static struct {
	struct event *timer;
	uint64_t at; /* when the next may be */
	size_t count;
	struct msg_reload asked[RELOADS_MAX];
} reloads;

/* ---- pipes between children ---- */

static void
send_end(struct process *to, uint32_t role, uint32_t network, uint32_t epoch, int fd)
{
	struct msg_peer peer = { .role = role, .network = network, .epoch = epoch };

	if (ipc_send(process_pipe(to), MSG_PEER, &peer, sizeof(peer), fd) == -1)
		process_breach(to, "does not read its pipe");
}

/* A new pipe between the broker and one network process, if both are ready. */
static void
join(struct process *p)
{
	const struct process_spec *spec;
	int pair[2];

	if (p == NULL || broker == NULL || process_pipe(p) == NULL || process_pipe(broker) == NULL)
		return;
	if (ipc_pair(pair) == -1) {
		log_err("pipe between broker and %s", process_spec(p)->name);
		return;
	}
	spec = process_spec(p);
	send_end(broker, spec->role, spec->network, process_epoch(p), pair[0]);
	send_end(p, ROLE_BROKER, spec->network, process_epoch(broker), pair[1]);
}

/* ---- what the broker is told ---- */

static void
tell_broker(enum msg_type type, const void *payload, size_t size)
{
	if (broker != NULL && process_pipe(broker) != NULL &&
	    ipc_send(process_pipe(broker), type, payload, size, -1) == -1)
		process_breach(broker, "does not read its pipe");
}

void
children_tell(const struct msg_client_state *state)
{
	tell_broker(MSG_CLIENT_STATE, state, sizeof(*state));
}

void
children_tell_mounted(uint32_t client, uint32_t generation)
{
	struct msg_mounted mounted = { client, generation };

	tell_broker(MSG_MOUNTED, &mounted, sizeof(mounted));
}

void
children_tell_finding(const struct msg_finding *finding)
{
	tell_broker(MSG_FINDING, finding, sizeof(*finding));
}

void
children_tell_audited(uint32_t ctl)
{
	struct msg_reloaded audited = { .ctl = ctl, .ok = 1 };

	tell_broker(MSG_AUDITED, &audited, sizeof(audited));
}

void
children_tell_server(const struct server *s)
{
	struct msg_server_state state = {
		.generation = s->generation, .nfsd = s->nfsd, .exports = s->exports, .started = s->started
	};

	snprintf(state.text, sizeof(state.text), "%s",
	    s->audit_trouble[0] != '\0'   ? s->audit_trouble
	    : s->guard_trouble[0] != '\0' ? s->guard_trouble
					  : s->trouble);
	tell_broker(MSG_SERVER_STATE, &state, sizeof(state));
}

static void
tell_process(const struct process *p)
{
	struct msg_process_state state;

	if (p == NULL)
		return;
	process_state(p, &state);
	tell_broker(MSG_PROCESS_STATE, &state, sizeof(state));
}

static void
tell_configuration(void)
{
	struct msg_config_begin begin = { .generation = server->generation,
		.networks = (uint32_t)server->view.network_count,
		.clients = (uint32_t)server->view.client_count };
	struct msg_config_end end = { .generation = server->generation };

	tell_broker(MSG_CONFIG_BEGIN, &begin, sizeof(begin));
	for (size_t i = 0; i < server->view.network_count; i++)
		tell_broker(MSG_CONFIG_NETWORK, &server->networks[i], sizeof(server->networks[i]));
	for (size_t i = 0; i < server->view.client_count; i++)
		tell_broker(MSG_CONFIG_CLIENT, &server->clients[i], sizeof(server->clients[i]));
	tell_broker(MSG_CONFIG_END, &end, sizeof(end));
	children_tell_server(server);
}

static void
tell_everything(void)
{
	tell_configuration();
	tell_process(broker);
	for (size_t i = 0; i < served_count; i++) {
		tell_process(served[i].dhcp);
		tell_process(served[i].tftp);
	}
	roots_tell_all(server);
}

/* ---- what the broker may ask ---- */

static struct network_children *
network_at(uint32_t index)
{
	return index < served_count ? &served[index] : NULL;
}

/* A pin was lost: the interface was down. All are set again, but not as often as a broker likes. */
static void
pin_again(void)
{
	static uint64_t at;

	if (clock_ms() < at)
		return;
	at = clock_ms() + PIN_AGAIN_MS;
	neighbours_pin_again();
}

/* Whose MAC holds this address? */
static void
answer_neighbour(const struct msg_read *read)
{
	struct network_children *n = network_at(read->network);
	struct msg_neighbour answer = { .read = *read };
	bool pinned = false;

	if (n == NULL) {
		process_breach(broker, "a network that does not exist");
		return;
	}
	answer.found = neighbours_find(n->sockets.facts.ifindex, read->address, answer.mac, &pinned);
	if (!pinned)
		pin_again();
	tell_broker(MSG_NEIGHBOUR_IS, &answer, sizeof(answer));
}

/*
 * The broker says that this may be opened. Would we have said so? The client that it is for, or NULL. A broker that has not heard
 * of a reload yet numbers clients by the configuration before: then our own answer alone counts, and the boot goes on.
 */
static const struct msg_client *
open_allowed(const struct msg_open *open)
{
	const struct network_children *n = network_at(open->read.network);
	const struct msg_client *client;
	char rest[PATH_SIZE];
	uint8_t mac[MAC_SIZE];
	bool pinned;

	if (n == NULL || !neighbours_find(n->sockets.facts.ifindex, open->read.address, mac, &pinned))
		return NULL;
	if (access_read(&server->view, open->read.network, open->read.address, mac, open->read.path, &client, rest) !=
	    ACCESS_GRANTED)
		return NULL;
	if (strcmp(rest, open->rest) != 0 || (open->generation == server->generation && open->client != client->index))
		return NULL;
	return client;
}

static void
answer_open(const struct msg_open *open)
{
	struct network_children *n = network_at(open->read.network);
	struct msg_file file = { .id = open->read.id, .status = FILE_REFUSED };
	const struct msg_client *client;
	int fd = -1;

	/* A tftp that was started again since has forgotten this question; its ids mean something else. */
	if (n == NULL || n->tftp == NULL || process_pipe(n->tftp) == NULL || process_epoch(n->tftp) != open->read.epoch)
		return;
	client = open_allowed(open);
	if (client != NULL)
		file.status = boot_open(server, &server->config->client[client->index], open->rest, &file.size, &fd);
	if (ipc_send(process_pipe(n->tftp), MSG_FILE, &file, sizeof(file), fd) == -1)
		process_breach(n->tftp, "does not read its pipe");
}

/* One reload answers all who asked by now. The next waits for twice the time that this one took, so that boards have their turn. */
static void
on_reload(evutil_socket_t fd, short what, void *argument)
{
	struct msg_reloaded answer = { 0 };
	uint64_t began = clock_ms();

	answer.ok = server_reload(server, answer.text, sizeof(answer.text));
	reloads.at = clock_ms() + 2 * (clock_ms() - began);
	for (size_t i = 0; i < reloads.count; i++) {
		answer.ctl = reloads.asked[i].ctl;
		tell_broker(MSG_RELOADED, &answer, sizeof(answer));
	}
	reloads.count = 0;
}

static void
answer_reload(const struct msg_reload *reload)
{
	uint64_t now = clock_ms(), wait = reloads.at > now ? reloads.at - now : 0;
	struct timeval tv = { (time_t)(wait / 1000), (suseconds_t)(wait % 1000 * 1000) };

	if (reloads.count == RELOADS_MAX) {
		struct msg_reloaded no = { .ctl = reload->ctl, .text = "too many ask for it: ask again" };

		tell_broker(MSG_RELOADED, &no, sizeof(no));
		return;
	}
	reloads.asked[reloads.count++] = *reload;
	if (!event_pending(reloads.timer, EV_TIMEOUT, NULL))
		event_add(reloads.timer, &tv);
}

static void
on_message(struct process *p, struct ipc_message *message)
{
	switch (message->type) {
	case MSG_NEIGHBOUR_ASK:
		answer_neighbour(&message->body.NEIGHBOUR_ASK);
		break;
	case MSG_OPEN:
		answer_open(&message->body.OPEN);
		break;
	case MSG_RELOAD:
		answer_reload(&message->body.RELOAD);
		break;
	case MSG_AUDIT_ASK:
		audit_ask(message->body.AUDIT_ASK.ctl);
		break;
	default:
		process_breach(p, ipc_name(message->type));
	}
}

/* ---- starting ---- */

static int
hand_over_one(int pipe, const struct network_sockets *s, enum socket_kind kind, uint32_t index, int fd)
{
	struct msg_socket message = { .kind = kind, .index = index };

	if (s != NULL) {
		message.ifindex = s->facts.ifindex;
		message.mtu = s->facts.mtu;
		memcpy(message.mac, s->facts.mac, MAC_SIZE);
	}
	return ipc_write(pipe, MSG_SOCKET, &message, sizeof(message), fd);
}

static int
hand_over(struct process *p, int pipe)
{
	const struct process_spec *spec = process_spec(p);
	const struct network_sockets *s = spec->role == ROLE_BROKER ? NULL : &served[spec->network].sockets;

	if (spec->role == ROLE_BROKER)
		return hand_over_one(pipe, NULL, SOCKET_CONTROL, 0, control);
	if (spec->role == ROLE_DHCP)
		return hand_over_one(pipe, s, SOCKET_DHCP, 0, s->dhcp) == -1 ||
			       hand_over_one(pipe, s, SOCKET_DHCP_4011, 0, s->dhcp_4011) == -1
			   ? -1
			   : hand_over_one(pipe, s, SOCKET_ARP, 0, s->arp);
	if (hand_over_one(pipe, s, SOCKET_TFTP_REQUEST, 0, s->tftp_request) == -1)
		return -1;
	for (uint32_t i = 0; i < TFTP_TRANSFER_SOCKETS; i++)
		if (hand_over_one(pipe, s, SOCKET_TFTP_TRANSFER, i, s->tftp_transfer[i]) == -1)
			return -1;
	return 0;
}

static void
on_changed(struct process *p)
{
	struct msg_process_state state;

	process_state(p, &state);
	tell_process(p);
	if (state.phase != PROCESS_READY)
		return;
	if (p != broker) {
		join(p);
		return;
	}
	tell_everything();
	for (size_t i = 0; i < served_count; i++) {
		join(served[i].dhcp);
		join(served[i].tftp);
	}
}

static const struct process_hooks hooks = { hand_over, on_changed, on_message };

static struct process *
start(uint32_t role, uint32_t network, const char *network_name)
{
	static const struct {
		uint32_t role;
		const char *path, *user;
	} programs[] = {
		{ ROLE_BROKER, DISKLESS_LIBEXECDIR "/diskless-broker", USER_BROKER },
		{ ROLE_DHCP, DISKLESS_LIBEXECDIR "/diskless-dhcp", USER_DHCP },
		{ ROLE_TFTP, DISKLESS_LIBEXECDIR "/diskless-tftp", USER_TFTP },
	};
	struct process_spec spec = { .role = role, .network = network };
	const struct passwd *user;
	size_t i = 0;

	while (programs[i].role != role)
		i++;
	user = getpwnam(programs[i].user);
	if (user == NULL)
		fatalx("there is no user %s: make it with systemd-sysusers, or as packaging/sysusers says",
		    programs[i].user);
	spec.path = programs[i].path;
	spec.uid = user->pw_uid;
	spec.gid = user->pw_gid;
	snprintf(
	    spec.name, sizeof(spec.name), "%s%s%s", ipc_role(role), network_name[0] == '\0' ? "" : " ", network_name);
	return process_new(server->base, &spec, &hooks, NULL);
}

void
children_start(struct server *s)
{
	char why[TEXT_SIZE];

	server = s;
	reloads.timer = evtimer_new(s->base, on_reload, NULL);
	if (reloads.timer == NULL)
		fatalx("no memory for timers");
	control = sockets_control(why, sizeof(why));
	if (control == -1)
		fatalx("%s", why);
	broker = start(ROLE_BROKER, 0, "");
}

/* ---- networks ---- */

bool
children_stale(const struct server *s)
{
	bool stale = served_count != s->view.network_count;

	for (size_t i = 0; i < served_count; i++)
		switch (sockets_interface(&served[i].network, &served[i].sockets)) {
		case INTERFACE_GONE:
			return false; /* what it would take away from other networks it could not give to this one */
		case INTERFACE_SAME:
			break;
		case INTERFACE_NEW:
			log_warnx("network \"%s\": interface %s is another than before", served[i].network.name,
			    served[i].network.interface);
			stale = true;
		}
	return stale;
}

static bool
same_networks(const struct msg_network *networks, size_t count)
{
	if (count != served_count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (memcmp(&networks[i], &served[i].network, sizeof(networks[i])) != 0 ||
		    sockets_interface(&networks[i], &served[i].sockets) == INTERFACE_NEW)
			return false;
	return true;
}

static void
stop_serving(void)
{
	for (size_t i = 0; i < served_count; i++) {
		if (served[i].dhcp != NULL)
			process_drop(served[i].dhcp);
		if (served[i].tftp != NULL)
			process_drop(served[i].tftp);
		sockets_close(&served[i].sockets);
	}
	free(served);
	served = NULL;
	served_count = 0;
}

static void
forget_prepared(void)
{
	while (prepared_count > 0)
		sockets_close(&prepared[--prepared_count].sockets);
	free(prepared);
	prepared = NULL;
}

bool
children_prepare(const struct msg_network *networks, size_t count, char *why, size_t size)
{
	if (same_networks(networks, count))
		return true;
	/* The old sockets hold the ports: they close first, and the processes with them. */
	stop_serving();
	prepared = calloc(count, sizeof(*prepared));
	if (prepared == NULL)
		fatalx("no memory for %zu networks", count);
	for (prepared_count = 0; prepared_count < count; prepared_count++) {
		prepared[prepared_count].network = networks[prepared_count];
		if (sockets_open(&networks[prepared_count], &prepared[prepared_count].sockets, why, size) == -1) {
			forget_prepared();
			return false;
		}
	}
	return true;
}

void
children_apply(struct server *s)
{
	if (prepared != NULL) {
		served = prepared;
		served_count = prepared_count;
		prepared = NULL;
		for (size_t i = 0; i < served_count; i++) {
			const struct msg_network *n = &served[i].network;

			if (n->dhcp != DHCP_OFF)
				served[i].dhcp = start(ROLE_DHCP, n->index, n->name);
			served[i].tftp = start(ROLE_TFTP, n->index, n->name);
		}
	}
	tell_everything();
}

unsigned
children_interface(uint32_t network)
{
	return network < served_count ? served[network].sockets.facts.ifindex : 0;
}
