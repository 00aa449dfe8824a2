/* SPDX-License-Identifier: ISC */
/* The operators' connections of the broker, on a real socket and event loop in this process. */
#include "broker_samples.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "broker/control.h"
#include "clock.h"
#include "ipc.h"
#include "log.h"

static struct event_base *base;
static struct sockaddr_un name;
static socklen_t name_size;
static struct facts facts;
static uint32_t reload_of;
static bool reload_works = true;

static bool
ask_reload(uint32_t connection, uint32_t uid)
{
	reload_of = connection;
	return reload_works;
}

static void
begin(void)
{
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	log_to_stderr("test");
	log_level(LOG_ALERT);
	name.sun_family = AF_UNIX; /* the kernel chooses an abstract name */
	cr_assert_eq(bind(listener, (struct sockaddr *)&name, sizeof(sa_family_t)), 0);
	name_size = sizeof(name);
	cr_assert_eq(getsockname(listener, (struct sockaddr *)&name, &name_size), 0);
	cr_assert_eq(listen(listener, 64), 0);
	base = event_base_new();
	control_init(base, listener, &facts, ask_reload, ask_reload);
}

TestSuite(control, .init = begin, .timeout = 30);

static void
configure(void)
{
	struct msg_process_state broker = { .role = ROLE_BROKER, .pid = 7, .phase = PROCESS_READY };
	struct msg_process_state dhcp = { .role = ROLE_DHCP, .network = 1, .pid = 8, .phase = PROCESS_READY };
	struct msg_process_state gone = { .role = ROLE_TFTP, .network = 5, .pid = 9, .phase = PROCESS_READY };
	struct msg_process_state nobody = { .role = ROLE_CTL };

	cr_assert(facts_configure(&facts, sample_bindings(1, 3)));
	cr_expect(facts_process(&facts, &broker));
	cr_expect(facts_process(&facts, &dhcp));
	cr_expect(facts_process(&facts, &gone));
	cr_expect_not(facts_process(&facts, &nobody));
}

static void
turn(void)
{
	for (int i = 0; i < 10; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static int
connected(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	cr_assert_eq(connect(fd, (struct sockaddr *)&name, name_size), 0);
	return fd;
}

static int
ask(enum ctl_verb verb, const char *client, bool follow)
{
	struct msg_ctl_request request = { .version = ipc_version(), .verb = verb, .follow = follow };
	int fd = connected();

	snprintf(request.name, sizeof(request.name), "%s", client);
	cr_assert_eq(ipc_write(fd, MSG_CTL_REQUEST, &request, sizeof(request), -1), 0);
	turn();
	return fd;
}

/* The next message, or MSG_NONE and what came instead. */
static struct ipc_message
next(int fd, enum ipc_result *result)
{
	struct ipc_message message = { .type = MSG_NONE };
	const char *why;

	turn();
	*result = ipc_receive(fd, ROLE_CTL, ROLE_BROKER, IPC_RUN, &message, &why);
	return message;
}

static void
expect(int fd, enum msg_type type)
{
	enum ipc_result result;
	struct ipc_message message = next(fd, &result);

	cr_expect_eq(message.type, type, "got %s (%d), not %s", ipc_name(message.type), result, ipc_name(type));
}

static void
expect_end(int fd, bool ok, const char *text)
{
	enum ipc_result result;
	struct ipc_message message = next(fd, &result);

	cr_assert_eq(message.type, MSG_CTL_END, "got %s", ipc_name(message.type));
	cr_expect_eq(message.body.CTL_END.ok, ok);
	cr_expect_str_eq(message.body.CTL_END.text, text);
	next(fd, &result);
	cr_expect_eq(result, IPC_CLOSED, "nothing comes behind the end");
	close(fd);
}

static void
offer(uint8_t last)
{
	struct msg_dhcp_seen seen = { .verdict = SEEN_OFFERED, .mac = MAC_1 };

	seen.mac[5] = last;
	facts_seen(&facts, &seen, clock_wall_ms());
}

Test(control, status_is_the_server_its_processes_and_its_networks)
{
	int fd;

	configure();
	fd = ask(CTL_STATUS, "", false);
	expect(fd, MSG_CTL_SERVER);
	expect(fd, MSG_CTL_PROCESS); /* not the dhcp of a network without dhcp, nor the tftp of one that is gone */
	expect(fd, MSG_CTL_NETWORK);
	expect(fd, MSG_CTL_NETWORK);
	expect_end(fd, true, "");
}

Test(control, clients_come_with_their_networks_and_their_last_step)
{
	enum ipc_result result;
	struct ipc_message message;
	int fd;

	configure();
	offer(3);
	fd = ask(CTL_CLIENTS, "node1", false);
	expect(fd, MSG_CTL_NETWORK);
	expect(fd, MSG_CTL_NETWORK);
	message = next(fd, &result);
	cr_assert_eq(message.type, MSG_CTL_CLIENT);
	cr_expect_str_eq(message.body.CTL_CLIENT.client.name, "node1");
	cr_expect_eq(message.body.CTL_CLIENT.step, STEP_OFFERED);
	cr_expect_neq(message.body.CTL_CLIENT.last_seen, 0);
	expect_end(fd, true, "");
}

Test(control, a_client_that_is_none_is_named)
{
	configure();
	expect_end(ask(CTL_CLIENTS, "node9\x1b", false), false, "there is no client \"node9\\033\"");
}

Test(control, before_the_first_configuration_there_is_no_answer)
{
	expect_end(ask(CTL_STATUS, "", false), false, "the server has only just started: ask again");
}

Test(control, another_build_is_told_so)
{
	struct msg_ctl_request request = { .version = 1, .verb = CTL_STATUS };
	int fd = connected();

	configure();
	ipc_write(fd, MSG_CTL_REQUEST, &request, sizeof(request), -1);
	expect_end(fd, false, "disklessctl is of another build than the server that runs: restart the server");
}

Test(control, a_list_longer_than_the_sockets_buffer_arrives_whole)
{
	struct msg_dhcp_seen seen = { .verdict = SEEN_UNKNOWN };
	enum ipc_result result;
	unsigned rows = 0;
	int fd;

	configure();
	for (uint32_t i = 0; i < SIGHTINGS_MAX; i++) {
		memcpy(&seen.mac[1], &i, sizeof(i));
		facts_seen(&facts, &seen, 1000 + i);
	}
	fd = ask(CTL_SIGHTINGS, "", false);
	while (next(fd, &result).type == MSG_CTL_SIGHTING)
		rows++;
	cr_expect_eq(rows, SIGHTINGS_MAX);
	close(fd);
}

Test(control, a_follower_gets_what_changes_and_stays)
{
	enum ipc_result result;
	struct timespec pause = { 0, 400 * 1000000L };
	int fd;

	configure();
	offer(3);
	offer(4);
	fd = ask(CTL_BOOTS, "", true);
	expect(fd, MSG_CTL_BOOT);
	expect(fd, MSG_CTL_BOOT);
	next(fd, &result);
	cr_expect_eq(result, IPC_AGAIN);
	nanosleep(&pause, NULL);
	next(fd, &result);
	cr_expect_eq(result, IPC_AGAIN, "nothing has changed");
	offer(4);
	nanosleep(&pause, NULL);
	expect(fd, MSG_CTL_BOOT);
	next(fd, &result);
	cr_expect_eq(result, IPC_AGAIN, "node1 has not changed");
	close(fd);
	turn();
}

Test(control, all_boots_of_one_client_or_the_last_of_all)
{
	struct msg_mounted mounted = { .client = 0, .generation = 1 };
	int fd;

	configure();
	for (int i = 0; i < 3; i++) {
		offer(3);
		facts_mounted(&facts, &mounted, clock_wall_ms());
	}
	offer(4);
	fd = ask(CTL_BOOTS, "node1", false);
	for (int i = 0; i < 3; i++)
		expect(fd, MSG_CTL_BOOT);
	expect_end(fd, true, "");
	fd = ask(CTL_BOOTS, "", false);
	for (int i = 0; i < 2; i++)
		expect(fd, MSG_CTL_BOOT);
	expect_end(fd, true, "");
}

Test(control, a_reload_is_roots_and_ends_with_the_parents_words)
{
	struct msg_reloaded reloaded = { .ok = 0, .text = "diskless.conf:3:1: wrong\n" };
	struct msg_ctl_request request = { .version = ipc_version(), .verb = CTL_RELOAD };
	struct msg_ctl_end refusal;
	int fd;

	configure();
	cr_expect_not(answer_allowed(&facts, &request, 1000, &refusal));
	cr_expect_str_eq(refusal.text, "only root may reload the configuration");
	if (getuid() != 0)
		cr_skip_test("asks as root");
	fd = ask(CTL_RELOAD, "", false);
	reloaded.ctl = reload_of + 1;
	control_reloaded(&reloaded); /* somebody else's */
	reloaded.ctl = reload_of;
	control_reloaded(&reloaded);
	expect_end(fd, false, "diskless.conf:3:1: wrong\n");
	reload_works = false;
	expect_end(ask(CTL_RELOAD, "", false), false, "the server does not answer");
}

Test(control, a_breach_closes_that_connection_only)
{
	enum ipc_result result;
	int bad = connected(), good;

	configure();
	cr_assert_eq(send(bad, "rubbish", 7, 0), 7);
	next(bad, &result);
	cr_expect_eq(result, IPC_CLOSED);
	good = ask(CTL_SIGHTINGS, "", false);
	expect_end(good, true, "");
	close(bad);
}

Test(control, one_request_a_connection)
{
	struct msg_ctl_request request = { .version = ipc_version(), .verb = CTL_STATUS };
	enum ipc_result result;
	int fd;

	configure();
	fd = ask(CTL_BOOTS, "", true);
	ipc_write(fd, MSG_CTL_REQUEST, &request, sizeof(request), -1);
	next(fd, &result);
	cr_expect_eq(result, IPC_CLOSED);
	close(fd);
}

Test(control, one_connection_too_many_is_told_so_and_room_is_made_again)
{
	int fd[CONTROL_CONNECTIONS_MAX];
	/* Those who are not root may not take the last places. */
	int most = getuid() == 0 ? CONTROL_CONNECTIONS_MAX : CONTROL_OTHERS_MAX;

	configure();
	for (int i = 0; i < most; i++)
		fd[i] = ask(CTL_BOOTS, "", true);
	expect_end(connected(), false, "too many connections: try again");
	close(fd[3]);
	turn();
	expect_end(ask(CTL_SIGHTINGS, "", false), true, "");
	for (int i = 0; i < most; i++)
		if (i != 3)
			close(fd[i]);
	turn();
}

Test(control, a_refusal_by_the_parent_is_counted_and_one_by_the_broker_once)
{
	struct msg_neighbour n = {
		.read = { .address = inet_addr("192.168.10.12"), .path = "b66c4c16/x" }, .found = 1, .mac = MAC_1
	};
	struct msg_done foreign = {
		.address = inet_addr("192.168.10.12"), .status = DONE_REFUSED, .path = "b66c4c16/x"
	};
	struct msg_done link = { .address = inet_addr("192.168.10.12"), .status = DONE_REFUSED, .path = "link" };
	struct decision decision;

	configure();
	bindings_decide(facts.bindings, &n, &decision);
	facts_decided(&facts, &n, &decision, 1000);
	facts_done(&facts, 0, &foreign, 1001);
	cr_expect_eq(timeline_boot(timeline_of(&facts.timelines, 0), 0)->refused, 1);
	cr_expect_str_eq(timeline_boot(timeline_of(&facts.timelines, 0), 0)->other, "node2");
	facts_done(&facts, 0, &link, 1002);
	cr_expect_eq(timeline_boot(timeline_of(&facts.timelines, 0), 0)->refused, 2);
	facts_done(&facts, 1, &link, 1003);
	cr_expect_eq(timeline_boot(timeline_of(&facts.timelines, 0), 0)->refused, 2, "another network's address");
}
