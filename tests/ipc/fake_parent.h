/* SPDX-License-Identifier: ISC */
/*
 * daemons/disklessd/children.c, the code that hears what children say, in a world of pretence: its pipes are real and so is ipc.c, but
 * behind it nothing is opened, started or configured; it is only noted down. For tests/ipc/test_parent.c and fuzz/fuzz_parent.c, which
 * hold the far ends of the pipes and say there whatever they like.
 */
#ifndef DISKLESS_TESTS_FAKE_PARENT_H
#define DISKLESS_TESTS_FAKE_PARENT_H

#define getpwnam fake_getpwnam
#define clock_ms fake_clock_ms
#include "disklessd/children.c"
#undef clock_ms
#undef getpwnam

#include <arpa/inet.h>

#include "fake.h"

/* ---- processes ---- */

struct process {
	struct process_spec spec;
	struct ipc *pipe;
	int far; /* the child's end, non-blocking */
	uint32_t epoch;
	unsigned breaches;
	const struct process_hooks *hooks;
};

enum { BROKER, DHCP_LAB, TFTP_LAB, DHCP_DEN, TFTP_DEN, FAKE_PROCESSES };

static struct process fake_process[FAKE_PROCESSES];
static size_t fake_processes;
static struct event_base *fake_base;
static uint64_t fake_now;
static struct server fake_server;

/* What was asked of the world behind. */
static struct {
	unsigned opened;
	unsigned looked_up;
	unsigned pinned;
	unsigned reloaded;
	unsigned audits;
	const char *client; /* of the last opened */
	char path[PATH_SIZE];
} fake_done;

uint64_t
fake_clock_ms(void)
{
	return fake_now;
}

struct passwd *
fake_getpwnam(const char *name)
{
	static struct passwd user = { .pw_uid = 64101, .pw_gid = 64101 };

	return &user;
}

static void
fake_on_message(struct ipc *ipc, struct ipc_message *message, void *argument)
{
	struct process *p = argument;

	if (p->breaches == 0)
		p->hooks->message(p, message);
}

static void
fake_on_close(struct ipc *ipc, const char *why, void *argument)
{
	process_breach(argument, why);
}

struct process *
process_new(struct event_base *base, const struct process_spec *spec, const struct process_hooks *heard, void *argument)
{
	struct process *p = &fake_process[fake_processes++];
	int near, far = fake_pipe(&near);

	hold(fake_processes <= FAKE_PROCESSES);
	*p = (struct process){ .spec = *spec, .far = far, .epoch = (uint32_t)fake_processes * 10, .hooks = heard };
	p->pipe = ipc_new(base, near, ROLE_PARENT, spec->role, fake_on_message, fake_on_close, p);
	hold(p->pipe != NULL);
	return p;
}

struct ipc *
process_pipe(const struct process *p)
{
	return p->breaches == 0 ? p->pipe : NULL;
}

void
process_breach(struct process *p, const char *what)
{
	p->breaches++;
}

const struct process_spec *
process_spec(const struct process *p)
{
	return &p->spec;
}

uint32_t
process_epoch(const struct process *p)
{
	return p->epoch;
}

void
process_state(const struct process *p, struct msg_process_state *state)
{
	memset(state, 0, sizeof(*state));
	state->role = p->spec.role;
	state->network = p->spec.network;
	state->phase = PROCESS_READY;
}

void
process_drop(struct process *p)
{
	ipc_free(p->pipe);
	close(p->far);
	memset(p, 0, sizeof(*p));
}

/* ---- the configuration: two networks, and in them who holds which address ---- */

#define LAB(host) htonl(0x0a000000u | (host))
#define DEN(host) htonl(0x0a000100u | (host))

static struct msg_network fake_networks[] = {
	{ .index = 0,
	    .prefix = 24,
	    .dhcp = DHCP_PROXY,
	    .unknown = UNKNOWN_OBSERVE,
	    .name = "lab",
	    .interface = "lab0" },
	{ .index = 1,
	    .prefix = 24,
	    .dhcp = DHCP_PROXY,
	    .unknown = UNKNOWN_OBSERVE,
	    .name = "den",
	    .interface = "den0" },
};

enum { ALICE, BOB, CAROL, DAVE, FAKE_CLIENTS };

static struct msg_client fake_clients[] = {
	{ .index = ALICE, .network = 0, .serial = 0xaa00aa01, .mac = { 2, 0, 0, 0, 0, 1 }, .name = "alice" },
	{ .index = BOB, .network = 0, .serial = 0xbb00bb02, .mac = { 2, 0, 0, 0, 0, 2 }, .name = "bob" },
	{ .index = CAROL, .network = 1, .serial = 0xcc00cc03, .mac = { 2, 0, 0, 0, 0, 3 }, .name = "carol" },
	{ .index = DAVE, .network = 0, .serial = 0xdd00dd04, .mac = { 2, 0, 0, 0, 0, 4 }, .name = "dave" },
};

static struct config_client fake_client_config[FAKE_CLIENTS];
static struct config fake_config = { .client = fake_client_config, .client_count = FAKE_CLIENTS };

static void
fake_configure(void)
{
	for (uint32_t i = 0; i < FAKE_CLIENTS; i++) {
		fake_clients[i].address = fake_clients[i].network == 0 ? LAB(10 + i) : DEN(10 + i);
		fake_clients[i].has_serial = 1;
		fake_clients[i].root = ROOT_NFS;
		fake_clients[i].boot = i == DAVE ? BOOT_SD : BOOT_NETWORK;
		fake_clients[i].generation = 7;
		fake_client_config[i].name = fake_clients[i].name;
	}
	fake_server = (struct server){ .base = fake_base,
		.config = &fake_config,
		.generation = 7,
		.networks = fake_networks,
		.clients = fake_clients,
		.view = { fake_networks, 2, fake_clients, FAKE_CLIENTS } };
}

/* Each holds its own address, but for bob's, which a thief has taken. Its interface is the network's index plus one. */
bool
neighbours_find(unsigned ifindex, uint32_t address, uint8_t mac[static MAC_SIZE], bool *permanent)
{
	fake_done.looked_up++;
	*permanent = true;
	for (size_t i = 0; i < FAKE_CLIENTS; i++)
		if (fake_clients[i].address == address && fake_clients[i].network + 1 == ifindex) {
			memcpy(mac, fake_clients[i].mac, MAC_SIZE);
			mac[0] = i == BOB ? 6 : 2;
			return true;
		}
	return *permanent = false;
}

void
neighbours_pin_again(void)
{
	fake_done.pinned++;
}

/* ---- what is never to be asked wrongly ---- */

/* Below a boot directory, for one of those who hold their own address and boot from the network. */
enum file_status
boot_open(const struct server *s, const struct config_client *client, const char *path, uint64_t *size, int *fd)
{
	hold(s == &fake_server &&
	     (client->name == fake_clients[ALICE].name || client->name == fake_clients[CAROL].name));
	hold(path[0] != '\0' && path[0] != '/' && strlen(path) < PATH_SIZE);
	hold(strcmp(path, "..") != 0 && strncmp(path, "../", 3) != 0 && strstr(path, "/../") == NULL);
	hold(strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0);
	fake_done.opened++;
	fake_done.client = client->name;
	snprintf(fake_done.path, sizeof(fake_done.path), "%s", path);
	*size = 5;
	if (strcmp(path, "missing") == 0)
		return FILE_NOT_FOUND;
	*fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return *fd == -1 ? FILE_FAILED : FILE_OPENED;
}

void
audit_ask(uint32_t ctl)
{
	fake_done.audits++;
}

bool
server_reload(struct server *s, char *errors, size_t size)
{
	fake_done.reloaded++;
	fake_now += 100;
	snprintf(errors, size, "reloaded");
	return true;
}

void
roots_tell_all(struct server *s)
{
}

int
sockets_control(char *why, size_t size)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int
sockets_open(const struct msg_network *network, struct network_sockets *s, char *why, size_t size)
{
	memset(s, 0, sizeof(*s));
	s->facts.ifindex = network->index + 1;
	return 0;
}

void
sockets_close(struct network_sockets *s)
{
}

static enum interface_now fake_interface[2] = { INTERFACE_SAME, INTERFACE_SAME };

enum interface_now
sockets_interface(const struct msg_network *network, const struct network_sockets *s)
{
	return fake_interface[network->index];
}

/* ---- its life ---- */

static void
fake_start(void)
{
	char why[TEXT_SIZE];

	fake_base = event_base_new();
	hold(fake_base != NULL);
	fake_now = 1000000;
	memset(&fake_done, 0, sizeof(fake_done));
	fake_configure();
	children_start(&fake_server);
	hold(children_prepare(fake_networks, 2, why, sizeof(why)));
	children_apply(&fake_server);
	for (size_t i = 0; i < fake_processes; i++)
		fake_drain(fake_process[i].far, fake_process[i].spec.role, ROLE_PARENT, NULL);
}

static void
fake_stop(void)
{
	stop_serving();
	process_drop(broker);
	close(control);
	event_free(reloads.timer);
	memset(&reloads, 0, sizeof(reloads));
	event_base_free(fake_base);
	fake_processes = 0;
}

static void
fake_turn(void)
{
	event_base_loop(fake_base, EVLOOP_NONBLOCK);
}

#endif
