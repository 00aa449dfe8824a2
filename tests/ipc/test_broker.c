/* SPDX-License-Identifier: ISC */
/*
 * A dhcp, a tftp or an operator's program that has been taken over and says anything to the broker. Whatever it says, it is heard no more,
 * the broker goes on, and so do all others.
 */
#include "raw.h"

#include <malloc.h>

#include <criterion/criterion.h>

#include "fake_broker.h"

TestSuite(broker, .timeout = 120);

static unsigned liar;
static unsigned asked; /* questions that the parent got */

static void
turn(void)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(child.base, EVLOOP_NONBLOCK);
}

static void
count_questions(struct ipc_message *message)
{
	asked += message->type == MSG_NEIGHBOUR_ASK || message->type == MSG_OPEN || message->type == MSG_RELOAD;
}

static unsigned
questions(void)
{
	asked = 0;
	fake_drain(far[PARENT], ROLE_PARENT, ROLE_BROKER, count_questions);
	return asked;
}

/* Has the broker closed it, behind what it had said before? */
static bool
is_closed(unsigned speaker)
{
	char byte;

	fake_drain(far[speaker], roles[speaker], ROLE_BROKER, NULL);
	return recv(far[speaker], &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

static void
say(unsigned speaker, enum msg_type type, unsigned choice)
{
	union msg_payload payload;

	memset(&payload, 0, sizeof(payload));
	right(type, choice, &payload);
	cr_assert_eq(ipc_write(far[speaker], type, &payload, message_rules[type].size, -1), 0);
	turn();
}

static void
expect_closed(const struct raw *raw, size_t length, int descriptors, const char *what)
{
	const char *name = ipc_name(raw->type), *who = ipc_role(roles[liar]);

	fake_broker_begin();
	if (liar == OPERATOR)
		connect_operator();
	turn();
	questions();
	if (raw_send(far[liar], raw, length, descriptors, spare) == -1)
		cr_assert_eq(errno, EPIPE);
	turn();
	cr_expect(is_closed(liar), "%s may say %s %s", who, name, what);
	cr_expect_eq(questions(), 0, "%s %s of %s is acted upon", name, what, who);
	/* The other network's tftp is heard, and an operator too. */
	say(TFTP_1, MSG_TFTP_READ, 3);
	cr_expect_eq(questions(), 1, "after %s %s of %s the other network is not served", name, what, who);
	connect_operator();
	say(OPERATOR, MSG_CTL_REQUEST, CTL_STATUS);
	cr_expect_gt(fake_drain(far[OPERATOR], ROLE_CTL, ROLE_BROKER, NULL), 0, "after %s %s", name, what);
	fake_broker_end();
}

static bool
is_an_end(unsigned speaker)
{
	return speaker == DHCP_0 || speaker == TFTP_0 || speaker == OPERATOR;
}

#define FOR_EACH_LIAR \
	for (liar = 0; liar < SPEAKERS; liar++) \
		if (is_an_end(liar))

Test(broker, nobody_says_anything_in_a_wrong_form)
{
	FOR_EACH_LIAR
	{
		FOR_EACH_RULE(rule, type)
		raw_each_wrong(type, expect_closed);
	}
}

Test(broker, nobody_says_what_is_not_its_to_say)
{
	FOR_EACH_LIAR
	FOR_EACH_RULE(rule, type)
	{
		struct raw raw = raw_right(type);

		if ((rule->to & ROLE_BROKER) == 0 || (rule->from & roles[liar]) == 0 || rule->phase != PHASE_RUN)
			expect_closed(&raw, raw_length(&raw), raw_fds(rule), "that is not its to say");
	}
}

Test(broker, nobody_says_what_is_no_message)
{
	FOR_EACH_LIAR
	for (uint32_t type = 0; type < 1000; type = type == 0 ? MSG_TYPES : type + 333) {
		struct raw raw = { .type = type, .size = 4 };

		expect_closed(&raw, RAW_HEADER + 4, 0, "that is none");
	}
}

/* What a tftp says of where it is, and which one it is, is not believed. */
static struct msg_read last_asked;

static void
keep_question(struct ipc_message *message)
{
	if (message->type == MSG_NEIGHBOUR_ASK)
		last_asked = message->body.NEIGHBOUR_ASK;
}

Test(broker, a_tftp_that_says_that_it_is_another_is_not_believed)
{
	struct msg_read read = { .id = 7, .network = 1, .epoch = 4711, .address = 1, .path = "kernel8.img" };

	fake_broker_begin();
	turn();
	questions();
	cr_assert_eq(ipc_write(far[TFTP_0], MSG_TFTP_READ, &read, sizeof(read), -1), 0);
	turn();
	fake_drain(far[PARENT], ROLE_PARENT, ROLE_BROKER, keep_question);
	cr_expect_eq(last_asked.network, 0);
	cr_expect_eq(last_asked.epoch, tftps[0].epoch);
	cr_expect_eq(last_asked.id, 7);
	/* A client of the other network by its address: no question at all. */
	read.address = 2;
	cr_assert_eq(ipc_write(far[TFTP_0], MSG_TFTP_READ, &read, sizeof(read), -1), 0);
	turn();
	cr_expect_eq(questions(), 0);
	cr_expect_eq(fake_drain(far[TFTP_0], ROLE_TFTP, ROLE_BROKER, NULL), 1, "it is refused");
	fake_broker_end();
}

static size_t
in_use(void)
{
	return mallinfo2().uordblks;
}

/* A flood that nobody reads the answers of takes a queue, and no more. */
Test(broker, a_tftp_that_asks_and_never_reads_does_not_stop_the_others)
{
	struct msg_read read = { .address = 0x0a0a0a0a, .path = "x" };
	size_t before;

	fake_broker_begin();
	before = in_use();
	for (int i = 0; i < 90000; i++) {
		(void)ipc_write(far[TFTP_0], MSG_TFTP_READ, &read, sizeof(read), -1);
		event_base_loop(child.base, EVLOOP_NONBLOCK);
	}
	questions();
	cr_expect_leq(in_use(), before + ((size_t)6 << 20));
	say(TFTP_1, MSG_TFTP_READ, 3);
	cr_expect_eq(questions(), 1);
	fake_broker_end();
}
