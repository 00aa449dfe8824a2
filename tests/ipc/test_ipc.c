/* SPDX-License-Identifier: ISC */
/*
 * The pipes between our processes: every row of messages.def, sent right and sent wrong in each of its columns. What is wrong is
 * a breach, and no descriptor that came with it stays open.
 */
#include "ipc.h"

#include <sys/socket.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <event2/event.h>

#include "messages_table.h"

/* A packet as a sender that does not keep to the rules could write it. */
struct raw {
	uint32_t type;
	uint32_t size;
	unsigned char payload[sizeof(union msg_payload) + 16];
};

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
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)raw, length };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (descriptors > 0) {
		struct cmsghdr *c;

		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE((size_t)descriptors * sizeof(int));
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)descriptors * sizeof(int));
		for (int i = 0; i < descriptors; i++)
			memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &spare, sizeof(int));
	}
	cr_assert_eq(sendmsg(pair[0], &header, 0), (ssize_t)length);
}

static struct raw
right(uint32_t type)
{
	struct raw raw = { .type = type, .size = (uint32_t)message_rules[type].size };

	return raw;
}

static size_t
length_of(const struct raw *raw)
{
	return 8 + raw->size;
}

static int
needed_fds(const struct message_rule *rule)
{
	return rule->fd == FD_ONE;
}

static enum ipc_result
receive(const struct message_rule *rule)
{
	return ipc_receive(pair[1], one_role(rule->to), one_role(rule->from), phase_of(rule), &got, &why);
}

static int
open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

#define FOR_EACH_RULE(rule, type) \
	for (uint32_t type = 1; type < message_rule_count; type++) \
		for (const struct message_rule *rule = &message_rules[type]; rule != NULL; rule = NULL)

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
		struct raw raw = right(type);

		send_raw(&raw, length_of(&raw), needed_fds(rule));
		cr_assert_eq(receive(rule), IPC_MESSAGE, "%s: %s", rule->name, why);
		cr_expect_eq(got.type, type);
		cr_expect_eq(got.fd != -1, needed_fds(rule), "%s", rule->name);
		if (got.fd != -1) {
			cr_expect_eq(
			    fcntl(got.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "a received descriptor is inherited");
			close(ipc_take_fd(&got));
			cr_expect_eq(got.fd, -1);
		}
	}
}

Test(ipc, a_wrong_size_is_a_breach)
{
	FOR_EACH_RULE(rule, type)
	{
		struct raw raw = right(type);

		expect_breach(rule, &raw, length_of(&raw) - 1, needed_fds(rule), "one byte short");
		expect_breach(rule, &raw, length_of(&raw) + 1, needed_fds(rule), "one byte long");
		expect_breach(rule, &raw, sizeof(raw), needed_fds(rule), "longer than any message");
		expect_breach(rule, &raw, 8, needed_fds(rule), "without a payload");
		expect_breach(rule, &raw, 7, needed_fds(rule), "shorter than a header");
		raw.size--;
		expect_breach(rule, &raw, length_of(&raw), needed_fds(rule), "with a smaller size in its header");
		raw.size = UINT32_MAX;
		expect_breach(rule, &raw, 8 + rule->size, needed_fds(rule), "with a huge size in its header");
	}
}

Test(ipc, a_wrong_direction_is_a_breach)
{
	static const uint32_t roles[] = { ROLE_PARENT, ROLE_BROKER, ROLE_DHCP, ROLE_TFTP, ROLE_CTL };

	FOR_EACH_RULE(rule, type)
	{
		for (size_t from = 0; from < 5; from++)
			for (size_t to = 0; to < 5; to++) {
				struct raw raw = right(type);
				bool allowed = (rule->from & roles[from]) && (rule->to & roles[to]);
				enum ipc_result result;

				send_raw(&raw, length_of(&raw), needed_fds(rule));
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
		struct raw raw = right(type);
		enum ipc_phase wrong = rule->phase == PHASE_SETUP ? IPC_RUN : IPC_SETUP;

		send_raw(&raw, length_of(&raw), needed_fds(rule));
		cr_expect_eq(ipc_receive(pair[1], one_role(rule->to), one_role(rule->from), wrong, &got, &why),
		    IPC_BREACH, "%s", rule->name);
	}
}

Test(ipc, a_descriptor_too_many_or_too_few_is_a_breach)
{
	FOR_EACH_RULE(rule, type)
	{
		struct raw raw = right(type);

		if (rule->fd == FD_ONE)
			expect_breach(rule, &raw, length_of(&raw), 0, "without its descriptor");
		if (rule->fd == FD_NONE)
			expect_breach(rule, &raw, length_of(&raw), 1, "with a descriptor");
		expect_breach(rule, &raw, length_of(&raw), 2, "with two descriptors");
		expect_breach(rule, &raw, length_of(&raw), 8, "with more descriptors than fit");
	}
}

Test(ipc, a_string_without_an_end_is_a_breach)
{
	for (size_t i = 0; i < message_string_count; i++) {
		const struct message_string *s = &message_strings[i];

		FOR_EACH_RULE(rule, type)
		{
			struct raw raw = right(type);

			if (strcmp(rule->payload, s->payload) != 0)
				continue;
			memset(raw.payload + s->offset, 'x', s->size);
			expect_breach(rule, &raw, length_of(&raw), needed_fds(rule), s->field);
		}
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
