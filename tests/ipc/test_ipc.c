/* SPDX-License-Identifier: ISC */
/*
 * The pipes between our processes: every row of messages.def, sent right and sent wrong in each of its columns. What is wrong is
 * a breach, and no descriptor that came with it stays open.
 */
#include "ipc.h"

#include <sys/resource.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <event2/event.h>

#include "fake.h"
#include "raw.h"

static int pair[2];
static int spare; /* a descriptor to attach */
static const char *why;
static struct ipc_message got;

static void
open_pair(void)
{
	cr_assert_eq(ipc_pair(pair), 0);
	cr_assert_eq(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	spare = open("/dev/null", O_RDONLY);
	cr_assert_neq(spare, -1);
}

static void
close_pair(void)
{
	close(pair[0]);
	close(pair[1]);
	close(spare);
}

TestSuite(ipc, .init = open_pair, .fini = close_pair);

static uint32_t
one_role(uint32_t set)
{
	return set & -set;
}

static enum ipc_phase
phase_of(const struct message_rule *rule)
{
	return rule->phase == PHASE_SETUP ? IPC_SETUP : IPC_RUN;
}

static void
send_raw(const struct raw *raw, size_t length, int descriptors)
{
	cr_assert_eq(raw_send(pair[0], raw, length, descriptors, spare), (ssize_t)length);
}

static enum ipc_result
receive(const struct message_rule *rule)
{
	return ipc_receive(pair[1], one_role(rule->to), one_role(rule->from), phase_of(rule), &got, &why);
}

/* The message must be a breach, and nothing may stay open. */
static void
expect_breach(const struct message_rule *rule, const struct raw *raw, size_t length, int descriptors, const char *what)
{
	int before = open_descriptors();

	send_raw(raw, length, descriptors);
	cr_expect_eq(receive(rule), IPC_BREACH, "%s %s was taken", rule->name, what);
	cr_expect_eq(open_descriptors(), before, "%s %s leaves a descriptor", rule->name, what);
}

Test(ipc, every_message_arrives_as_it_was_sent)
{
	FOR_EACH_RULE(rule, type)
	{
		struct raw raw = raw_right(type);

		send_raw(&raw, raw_length(&raw), raw_fds(rule));
		cr_assert_eq(receive(rule), IPC_MESSAGE, "%s: %s", rule->name, why);
		cr_expect_eq(got.type, type);
		cr_expect_eq(got.fd != -1, raw_fds(rule), "%s", rule->name);
		if (got.fd != -1) {
			cr_expect_eq(
			    fcntl(got.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "a received descriptor is inherited");
			close(ipc_take_fd(&got));
			cr_expect_eq(got.fd, -1);
		}
	}
}

static const struct message_rule *rule_sent;

/* A packet of no bytes at all says the same as an end. */
static void
expect_none(const struct raw *raw, size_t length, int descriptors, const char *what)
{
	if (length > 0)
		expect_breach(rule_sent, raw, length, descriptors, what);
}

Test(ipc, a_wrong_size_descriptor_or_string_is_a_breach)
{
	FOR_EACH_RULE(rule, type)
	{
		rule_sent = rule;
		raw_each_wrong(type, expect_none);
	}
}

Test(ipc, a_wrong_direction_is_a_breach)
{
	static const uint32_t roles[] = { ROLE_PARENT, ROLE_BROKER, ROLE_DHCP, ROLE_TFTP, ROLE_CTL };

	FOR_EACH_RULE(rule, type)
	{
		for (size_t from = 0; from < 5; from++)
			for (size_t to = 0; to < 5; to++) {
				struct raw raw = raw_right(type);
				bool allowed = (rule->from & roles[from]) && (rule->to & roles[to]);
				enum ipc_result result;

				send_raw(&raw, raw_length(&raw), raw_fds(rule));
				result = ipc_receive(pair[1], roles[to], roles[from], phase_of(rule), &got, &why);
				cr_expect_eq(result, allowed ? IPC_MESSAGE : IPC_BREACH, "%s from %s to %s", rule->name,
				    ipc_role(roles[from]), ipc_role(roles[to]));
				if (result == IPC_MESSAGE && got.fd != -1)
					close(got.fd);
			}
	}
}

Test(ipc, a_wrong_phase_is_a_breach)
{
	FOR_EACH_RULE(rule, type)
	{
		struct raw raw = raw_right(type);
		enum ipc_phase wrong = rule->phase == PHASE_SETUP ? IPC_RUN : IPC_SETUP;

		send_raw(&raw, raw_length(&raw), raw_fds(rule));
		cr_expect_eq(ipc_receive(pair[1], one_role(rule->to), one_role(rule->from), wrong, &got, &why),
		    IPC_BREACH, "%s", rule->name);
	}
}

Test(ipc, an_unknown_type_is_a_breach)
{
	struct raw raw = { .type = MSG_TYPES, .size = 4 };

	send_raw(&raw, 12, 0);
	cr_expect_eq(ipc_receive(pair[1], ROLE_PARENT, ROLE_BROKER, IPC_RUN, &got, &why), IPC_BREACH);
	raw.type = 0;
	send_raw(&raw, 12, 0);
	cr_expect_eq(ipc_receive(pair[1], ROLE_PARENT, ROLE_BROKER, IPC_RUN, &got, &why), IPC_BREACH);
}

Test(ipc, an_empty_pipe_says_again_and_a_closed_one_closed)
{
	cr_expect_eq(ipc_receive(pair[1], ROLE_PARENT, ROLE_BROKER, IPC_RUN, &got, &why), IPC_AGAIN);
	close(pair[0]);
	cr_expect_eq(ipc_receive(pair[1], ROLE_PARENT, ROLE_BROKER, IPC_RUN, &got, &why), IPC_CLOSED);
	pair[0] = dup(spare);
}

/* No process ends because it has no descriptor left, if the message says something without. */
Test(ipc, a_descriptor_that_finds_no_room_is_left_out_where_it_may_be)
{
	struct rlimit none;
	int next = dup(spare);

	close(next);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &none), 0);
	none.rlim_cur = (rlim_t)next;
	FOR_EACH_RULE(rule, type)
	{
		struct raw raw = raw_right(type);

		send_raw(&raw, raw_length(&raw), 1);
		cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
		cr_expect_eq(receive(rule), rule->fd == FD_MAY ? IPC_MESSAGE : IPC_BREACH, "%s", rule->name);
		cr_expect(rule->fd != FD_MAY || got.fd == -1);
	}
}

/* ---- on a loop ---- */

static struct event_base *base;
static int messages, closed;
static const char *closed_why;

static void
on_message(struct ipc *ipc, struct ipc_message *message, void *argument)
{
	messages++;
}

static void
on_close(struct ipc *ipc, const char *reason, void *argument)
{
	closed++;
	closed_why = reason;
}

Test(ipc, a_queue_holds_what_the_pipe_does_not_and_keeps_the_order_and_ends_at_its_bound)
{
	struct msg_read read = { .id = 0 };
	struct ipc *sender;
	int sent = 0;

	base = event_base_new();
	sender = ipc_new(base, dup(pair[0]), ROLE_TFTP, ROLE_BROKER, on_message, on_close, NULL);
	while (sent < 100000 && (read.id = (uint32_t)sent, IPC_SEND(sender, TFTP_READ, &read) == 0))
		sent++;
	cr_assert_lt(sent, 100000, "the queue has no bound");
	cr_assert_gt(sent, 10000, "the queue holds only %d messages", sent);
	for (int i = 0; i < sent; i++) {
		enum ipc_result result;

		while ((result = ipc_receive(pair[1], ROLE_BROKER, ROLE_TFTP, IPC_RUN, &got, &why)) == IPC_AGAIN)
			event_base_loop(base, EVLOOP_NONBLOCK);
		cr_assert_eq(result, IPC_MESSAGE);
		cr_assert_eq(got.body.TFTP_READ.id, (uint32_t)i);
	}
	cr_expect_eq(IPC_SEND(sender, TFTP_READ, &read), 0, "a queue that was full is usable again");
	ipc_free(sender);
	event_base_free(base);
}

Test(ipc, a_breach_closes_the_pipe_once_and_says_why)
{
	struct raw raw = { .type = MSG_OPEN, .size = 1 };
	struct ipc *reader;

	base = event_base_new();
	reader = ipc_new(base, dup(pair[1]), ROLE_PARENT, ROLE_BROKER, on_message, on_close, NULL);
	send_raw(&raw, 9, 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_loop(base, EVLOOP_NONBLOCK);
	cr_expect_eq(messages, 0);
	cr_expect_eq(closed, 1);
	cr_expect_str_eq(closed_why, "of a wrong size");
	ipc_free(reader);
	event_base_free(base);
}

static void
free_it(struct ipc *ipc, struct ipc_message *message, void *argument)
{
	messages++;
	ipc_free(ipc);
}

Test(ipc, a_pipe_may_be_freed_by_its_own_handler)
{
	struct msg_reload reload = { 0 };

	base = event_base_new();
	ipc_new(base, dup(pair[1]), ROLE_PARENT, ROLE_BROKER, free_it, on_close, NULL);
	ipc_write(pair[0], MSG_RELOAD, &reload, sizeof(reload), -1);
	ipc_write(pair[0], MSG_RELOAD, &reload, sizeof(reload), -1);
	event_base_loop(base, EVLOOP_NONBLOCK);
	cr_expect_eq(messages, 1);
	cr_expect_eq(closed, 0);
	event_base_free(base);
}

Test(ipc, a_descriptor_that_no_handler_took_is_closed)
{
	struct msg_peer peer = { .role = ROLE_TFTP };
	struct ipc *reader;
	int before;

	base = event_base_new();
	reader = ipc_new(base, dup(pair[1]), ROLE_BROKER, ROLE_PARENT, on_message, on_close, NULL);
	before = open_descriptors();
	ipc_write(pair[0], MSG_PEER, &peer, sizeof(peer), spare);
	event_base_loop(base, EVLOOP_NONBLOCK);
	cr_expect_eq(messages, 1);
	cr_expect_eq(open_descriptors(), before);
	ipc_free(reader);
	event_base_free(base);
}
