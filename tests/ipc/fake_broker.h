/* SPDX-License-Identifier: ISC */
/*
 * daemons/broker/broker.c whole, with its pipes and its control socket, in a world where the far ends of all of them are ours: for
 * tests/ipc/test_broker.c and fuzz/fuzz_broker.c, which say there whatever they like.
 */
#ifndef DISKLESS_TESTS_FAKE_BROKER_H
#define DISKLESS_TESTS_FAKE_BROKER_H

#include <sys/socket.h>
#include <sys/un.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stddef.h>

#include "access.h"
#include "fake.h"
#include "raw.h"

void broker_fatalx(const char *format, ...) LOG_PRINTF(1, 2) __attribute__((noreturn));
int broker_main(void); /* its own, which nobody calls here */
#define main   broker_main
#define fatalx broker_fatalx
#include "daemons/broker/broker.c"
#undef fatalx
#undef main

#define NETWORKS 2
#define CLIENTS  3

enum { PARENT, DHCP_0, TFTP_0, DHCP_1, TFTP_1, OPERATOR, TURN, SPEAKERS };

static const uint32_t roles[] = { ROLE_PARENT, ROLE_DHCP, ROLE_TFTP, ROLE_DHCP, ROLE_TFTP, ROLE_CTL };
static int near_parent = -1, far[SPEAKERS], spare; /* far[OPERATOR]: the latest connection */
static struct sockaddr_un control_name;
static socklen_t control_size;
static jmp_buf gone;
static bool may_be_fatal;
static bool ended; /* by a message of the parent's */
static uint32_t generation;

void
broker_fatalx(const char *format, ...)
{
	hold(may_be_fatal);
	ended = true;
	longjmp(gone, 1);
}

/* ---- what is right ---- */

static struct msg_client
client_of(unsigned i)
{
	return (struct msg_client){ .index = i % CLIENTS,
		.generation = generation,
		.network = i % CLIENTS % NETWORKS,
		.address = 1 + i % CLIENTS,
		.serial = 0xaa000000 + i % CLIENTS,
		.has_serial = i % CLIENTS != 1,
		.root = ROOT_NFS,
		.boot = BOOT_NETWORK,
		.mac = { 2, 0, 0, 0, 0, (uint8_t)(i % CLIENTS) },
		.name = { 'a', (char)('0' + i % CLIENTS) } };
}

static struct msg_read
read_of(unsigned choice)
{
	static const char *const paths[] = { "kernel8.img", "aa000000/config.txt", "aa000002/x", "../x", "start4.elf",
		"x" };
	struct msg_read read = {
		.id = choice, .network = choice % NETWORKS, .address = 1 + choice / 2 % (CLIENTS + 1)
	};

	read.epoch = tftps[read.network].epoch;
	snprintf(read.path, sizeof(read.path), "%s", paths[choice / 8 % 6]);
	return read;
}

static void
right(uint32_t type, unsigned choice, union msg_payload *p)
{
	const struct msg_client client = client_of(choice);

	if (type == MSG_PEER) {
		p->PEER = (struct msg_peer){ choice % 4 < 2 ? ROLE_DHCP : ROLE_TFTP, choice % NETWORKS, choice, 0 };
	} else if (type == MSG_CONFIG_BEGIN) {
		p->CONFIG_BEGIN = (struct msg_config_begin){ generation, NETWORKS, CLIENTS, 0 };
	} else if (type == MSG_CONFIG_NETWORK) {
		p->CONFIG_NETWORK =
		    (struct msg_network){ .index = choice % NETWORKS, .dhcp = DHCP_PROXY, .name = "lab" };
	} else if (type == MSG_CONFIG_CLIENT) {
		p->CONFIG_CLIENT = client;
	} else if (type == MSG_CONFIG_END) {
		p->CONFIG_END.generation = generation;
	} else if (type == MSG_NEIGHBOUR_IS) {
		p->NEIGHBOUR_IS = (struct msg_neighbour){ .read = read_of(choice), .found = choice % 16 != 15 };
		p->NEIGHBOUR_IS.mac[0] = 2;
		p->NEIGHBOUR_IS.mac[5] = (uint8_t)(p->NEIGHBOUR_IS.read.address - 1);
	} else if (type == MSG_TFTP_READ) {
		p->TFTP_READ = read_of(choice);
	} else if (type == MSG_TFTP_DONE) {
		p->TFTP_DONE = (struct msg_done){ .address = 1 + choice % 4, .status = 1 + choice / 4 % 6, .bytes = 9 };
		memcpy(p->TFTP_DONE.path, read_of(choice).path, sizeof(p->TFTP_DONE.path));
	} else if (type == MSG_DHCP_SEEN) {
		p->DHCP_SEEN = (struct msg_dhcp_seen){ .verdict = 1 + choice % 3, .mac = { 2 }, .vendor = "PXEClient" };
		p->DHCP_SEEN.mac[5] = (uint8_t)(choice / 3);
	} else if (type == MSG_CTL_REQUEST) {
		p->CTL_REQUEST =
		    (struct msg_ctl_request){ .version = ipc_version(), .verb = choice % 8, .follow = choice / 8 % 2 };
		snprintf(p->CTL_REQUEST.name, sizeof(p->CTL_REQUEST.name), "%s", choice / 16 % 2 ? client.name : "");
	} else if (type == MSG_CLIENT_STATE) {
		p->CLIENT_STATE =
		    (struct msg_client_state){ choice % CLIENTS, generation, 1 + choice % 4, 1, 2, 3, "text" };
	} else if (type == MSG_PROCESS_STATE) {
		p->PROCESS_STATE =
		    (struct msg_process_state){ 2u << choice % 3, choice % NETWORKS, 1, PROCESS_READY, 0, 0 };
	} else if (type == MSG_MOUNTED) {
		p->MOUNTED = (struct msg_mounted){ choice % CLIENTS, generation };
	}
}

/* ---- its world ---- */

/* The parent's message, as child.c hands it on. What it sends is its own: it may end the broker. */
static void
hear_parent(void)
{
	struct ipc_message message;
	const char *why;

	while (!ended && ipc_receive(near_parent, ROLE_BROKER, ROLE_PARENT, IPC_RUN, &message, &why) == IPC_MESSAGE) {
		may_be_fatal = true;
		if (setjmp(gone) == 0)
			on_message(&child, &message);
		may_be_fatal = false;
		if (message.fd != -1)
			close(ipc_take_fd(&message));
	}
}

static void
parent_says(enum msg_type type, unsigned choice, int fd)
{
	union msg_payload payload;

	memset(&payload, 0, sizeof(payload));
	right(type, choice, &payload);
	hold(ipc_write(far[PARENT], type, &payload, message_rules[type].size, fd) == 0);
	hear_parent();
}

static void
join_network(unsigned speaker, unsigned choice)
{
	int near;

	far[speaker] = fake_pipe(&near);
	parent_says(MSG_PEER, choice, near);
	close(near);
}

static void
connect_operator(void)
{
	if (far[OPERATOR] != -1)
		close(far[OPERATOR]);
	far[OPERATOR] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	hold(far[OPERATOR] != -1);
	if (connect(far[OPERATOR], (struct sockaddr *)&control_name, control_size) == -1) {
		close(far[OPERATOR]);
		far[OPERATOR] = -1;
	}
}

/* Once: control.c is made for the life of a process. */
static void
make_control(void)
{
	control_name.sun_family = AF_UNIX;
	control_size = sizeof(sa_family_t); /* a name of the kernel's choice: unix(7), autobind */
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	hold(listener != -1 && bind(listener, (struct sockaddr *)&control_name, control_size) == 0 &&
	     listen(listener, 9) == 0);
	control_size = sizeof(control_name);
	hold(getsockname(listener, (struct sockaddr *)&control_name, &control_size) == 0);
	child.base = event_base_new();
	hold(child.base != NULL);
	control_init(child.base, listener, &facts, ask_reload, ask_reload);
	spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fake_quiet();
}

static void
ignore_message(struct ipc *ipc, struct ipc_message *message, void *argument)
{
}

static void
ignore_close(struct ipc *ipc, const char *why, void *argument)
{
}

static void
fake_broker_begin(void)
{
	int near;

	if (child.base == NULL)
		make_control();
	/* The real pipe to the parent hears, too; here messages are heard one at a time. */
	far[PARENT] = fake_pipe(&near);
	near_parent = dup(near);
	child.parent = ipc_new(child.base, near, ROLE_BROKER, ROLE_PARENT, ignore_message, ignore_close, NULL);
	hold(near_parent != -1 && child.parent != NULL && fcntl(near_parent, F_SETFL, O_NONBLOCK) == 0);
	far[OPERATOR] = -1;
	generation = 1;
	join_network(DHCP_0, 0);
	join_network(DHCP_1, 1);
	join_network(TFTP_0, 2);
	join_network(TFTP_1, 3);
	parent_says(MSG_CONFIG_BEGIN, 0, -1);
	for (unsigned i = 0; i < NETWORKS; i++)
		parent_says(MSG_CONFIG_NETWORK, i, -1);
	for (unsigned i = 0; i < CLIENTS; i++)
		parent_says(MSG_CONFIG_CLIENT, i, -1);
	parent_says(MSG_CONFIG_END, 0, -1);
	hold(facts.bindings != NULL);
}

static void
forget_facts(void)
{
	for (size_t i = 0; i < facts.timelines.count; i++)
		free(facts.timelines.of[i]);
	free(facts.timelines.of);
	free(facts.states);
	bindings_free(facts.bindings);
	bindings_free(next);
	next = NULL;
	memset(&facts, 0, sizeof(facts));
}

static void
fake_broker_end(void)
{
	for (unsigned i = 0; i <= OPERATOR; i++)
		if (far[i] != -1)
			close(far[i]);
	for (int i = 0; i < 4; i++) /* so that control.c sees its ends */
		event_base_loop(child.base, EVLOOP_NONBLOCK);
	for (unsigned i = 0; i < BINDINGS_NETWORKS_MAX; i++) {
		drop_peer(&dhcps[i]);
		drop_peer(&tftps[i]);
	}
	memset(dhcps, 0, sizeof(dhcps));
	memset(tftps, 0, sizeof(tftps));
	ipc_free(child.parent);
	close(near_parent);
	forget_facts();
}

#endif
