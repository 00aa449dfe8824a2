/* SPDX-License-Identifier: ISC */
/*
 * A child that has been taken over and says anything to the parent. Whatever it says, the parent opens only what the configuration
 * and the neighbour table give, answers only whom it concerns, and does not grow.
 */
#include "raw.h"

#include <criterion/criterion.h>

#include "fake_parent.h"

static int spare;
static struct ipc_message last[FAKE_PROCESSES];
static bool last_had_fd[FAKE_PROCESSES];
static unsigned hearing; /* whose pipe is drained */

static void
open_spare(void)
{
	spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cr_assert_neq(spare, -1);
}

TestSuite(parent, .init = open_spare, .timeout = 120);

static void
note(struct ipc_message *message)
{
	last[hearing] = *message;
	last_had_fd[hearing] = message->fd != -1;
}

/* How many messages wait for this child; the last is kept. */
static size_t
heard(unsigned child)
{
	hearing = child;
	return fake_drain(fake_process[child].far, fake_process[child].spec.role, ROLE_PARENT, note);
}

static size_t
heard_by_anyone(void)
{
	size_t count = 0;

	for (unsigned i = 0; i < FAKE_PROCESSES; i++)
		count += heard(i);
	return count;
}

static void
say(unsigned child, enum msg_type type, const void *payload)
{
	struct raw raw = raw_right(type);

	memcpy(raw.payload, payload, raw.size);
	cr_assert_gt(raw_send(fake_process[child].far, &raw, raw_length(&raw), 0, -1), 0);
}

/* ---- every message, wrong ---- */

static unsigned liar;

static void
expect_breach(const struct raw *raw, size_t length, int descriptors, const char *what)
{
	const char *name = ipc_name(raw->type), *who;
	int before, after;

	fake_start();
	who = fake_process[liar].spec.name;
	before = open_descriptors();
	cr_assert_eq(raw_send(fake_process[liar].far, raw, length, descriptors, spare), (ssize_t)length);
	fake_turn();
	fake_turn();
	after = open_descriptors();
	cr_expect_eq(fake_process[liar].breaches, 1, "%s may say %s %s", who, name, what);
	cr_expect_eq(heard_by_anyone(), 0, "%s %s of %s is answered", name, what, who);
	cr_expect_eq(after, before, "%s %s of %s leaves a descriptor", name, what, who);
	cr_expect_eq(fake_done.opened + fake_done.looked_up + fake_done.pinned + fake_done.reloaded, 0,
	    "%s %s of %s is acted upon", name, what, who);
	fake_stop();
}

Test(parent, no_child_says_anything_in_a_wrong_form)
{
	for (liar = 0; liar < FAKE_PROCESSES; liar++)
		FOR_EACH_RULE(rule, type)
	raw_each_wrong(type, expect_breach);
}

/* READY is process.c's; here nobody says it a second time. */
static bool
is_the_brokers(const struct message_rule *rule)
{
	return (rule->to & ROLE_PARENT) && (rule->from & ROLE_BROKER) && rule->phase == PHASE_RUN &&
	       strcmp(rule->name, "READY") != 0;
}

Test(parent, no_child_says_what_is_not_its_to_say)
{
	for (liar = 0; liar < FAKE_PROCESSES; liar++)
		FOR_EACH_RULE(rule, type)
		{
			struct raw raw = raw_right(type);

			if (liar != BROKER || !is_the_brokers(rule))
				expect_breach(&raw, raw_length(&raw), raw_fds(rule), "that is not its to say");
		}
}

Test(parent, no_child_says_what_is_no_message)
{
	for (liar = 0; liar < FAKE_PROCESSES; liar++)
		for (uint32_t type = 0; type < 1000; type = type == 0 ? MSG_TYPES : type + 333) {
			struct raw raw = { .type = type, .size = 4 };

			expect_breach(&raw, RAW_HEADER + 4, 0, "that is none");
		}
}

/* ---- OPEN ---- */

static struct msg_open
open_of(unsigned client, const char *path)
{
	const struct msg_client *c = &fake_clients[client];
	struct msg_open o = { .client = client, .generation = 7 };

	o.read.id = 99;
	o.read.network = c->network;
	o.read.address = c->address;
	o.read.epoch = fake_process[c->network == 0 ? TFTP_LAB : TFTP_DEN].epoch;
	memcpy(o.mac, c->mac, MAC_SIZE);
	snprintf(o.read.path, sizeof(o.read.path), "%s", path);
	snprintf(o.rest, sizeof(o.rest), "%s", path);
	return o;
}

static void
ask(const struct msg_open *o)
{
	memset(&fake_done, 0, sizeof(fake_done));
	say(BROKER, MSG_OPEN, o);
	fake_turn();
}

Test(parent, a_right_question_gets_its_file_and_goes_to_the_tftp_of_its_network)
{
	struct msg_open o;

	fake_start();
	o = open_of(ALICE, "config.txt");
	ask(&o);
	cr_expect_eq(heard(TFTP_LAB), 1);
	cr_expect_eq(last[TFTP_LAB].body.FILE.id, 99);
	cr_expect_eq(last[TFTP_LAB].body.FILE.status, FILE_OPENED);
	cr_expect(last_had_fd[TFTP_LAB]);
	cr_expect_str_eq(fake_done.client, "alice");
	cr_expect_str_eq(fake_done.path, "config.txt");
	o = open_of(CAROL, "missing");
	ask(&o);
	cr_expect_eq(heard(TFTP_DEN), 1);
	cr_expect_eq(last[TFTP_DEN].body.FILE.status, FILE_NOT_FOUND);
	cr_expect_not(last_had_fd[TFTP_DEN]);
	cr_expect_eq(heard_by_anyone(), 0);
	fake_stop();
}

/* Asked like this by a broker that has been taken over, nothing is opened, and tftp hears no. */
static void
expect_refused(const struct msg_open *o, const char *what)
{
	ask(o);
	cr_expect_eq(fake_done.opened, 0, "%s: it is opened", what);
	cr_expect_eq(fake_process[BROKER].breaches, 0, "%s", what);
	cr_expect_eq(heard(o->read.network == 0 ? TFTP_LAB : TFTP_DEN), 1, "%s", what);
	cr_expect_eq(last[hearing].body.FILE.status, FILE_REFUSED, "%s", what);
	cr_expect_not(last_had_fd[hearing], "%s", what);
	cr_expect_eq(heard_by_anyone(), 0, "%s", what);
}

Test(parent, a_broker_that_lies_about_who_asks_gets_nothing)
{
	struct msg_open o;

	fake_start();
	o = open_of(BOB, "config.txt");
	expect_refused(&o, "a client whose address another MAC holds");
	memcpy(o.mac, (uint8_t[]){ 6, 0, 0, 0, 0, 2 }, MAC_SIZE);
	expect_refused(&o, "the same, with the thief's MAC");
	o = open_of(DAVE, "config.txt");
	expect_refused(&o, "a client that boots from its card");
	o = open_of(ALICE, "config.txt");
	o.client = CAROL;
	expect_refused(&o, "another client's number");
	o.client = UINT32_MAX;
	expect_refused(&o, "a number that no client has");
	o = open_of(ALICE, "config.txt");
	o.read.address = LAB(200);
	expect_refused(&o, "an address that no client has");
	o = open_of(ALICE, "config.txt");
	o.read.address = fake_clients[CAROL].address;
	o.client = CAROL;
	expect_refused(&o, "a client of another network");
	fake_stop();
}

Test(parent, a_broker_that_lies_about_the_path_gets_nothing)
{
	static const char *const paths[] = { "", "/", ".", "..", "../x", "a/../../x", "a/..", "bb00bb02/config.txt",
		"02-00-00-00-00-02/config.txt", "cc00cc03/config.txt", "a\nb", "a\x7f", "////",
		"../../../../etc/shadow", "/../etc/shadow" };
	struct msg_open o;

	fake_start();
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		o = open_of(ALICE, paths[i]);
		expect_refused(&o, paths[i]);
	}
	/* What is asked for is allowed; what is to be opened is another thing. */
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		o = open_of(ALICE, "config.txt");
		snprintf(o.rest, sizeof(o.rest), "%s", paths[i]);
		expect_refused(&o, paths[i]);
	}
	o = open_of(ALICE, "aa00aa01/config.txt");
	expect_refused(&o, "the prefix is not taken off");
	o = open_of(ALICE, "config.txt");
	memset(o.read.path, 'a', sizeof(o.read.path) - 1);
	memset(o.rest, 'a', sizeof(o.rest) - 2);
	o.rest[sizeof(o.rest) - 2] = '\0';
	expect_refused(&o, "all but the last byte");
	fake_stop();
}

Test(parent, a_question_of_nobody_is_not_answered)
{
	struct msg_open o;

	fake_start();
	o = open_of(ALICE, "config.txt");
	o.read.network = 2;
	ask(&o);
	o.read.network = UINT32_MAX;
	ask(&o);
	o = open_of(ALICE, "config.txt");
	o.read.epoch--;
	ask(&o);
	o.read.epoch += 2;
	ask(&o);
	cr_expect_eq(fake_done.opened, 0);
	cr_expect_eq(heard_by_anyone(), 0);
	fake_stop();
}

/* ---- NEIGHBOUR_ASK ---- */

Test(parent, the_neighbour_table_is_read_for_networks_that_there_are)
{
	struct msg_read read = { .network = 2, .address = LAB(10) };

	fake_start();
	say(BROKER, MSG_NEIGHBOUR_ASK, &read);
	fake_turn();
	cr_expect_eq(fake_process[BROKER].breaches, 1);
	cr_expect_eq(fake_done.looked_up, 0);
	cr_expect_eq(heard_by_anyone(), 0);
	fake_stop();
}

/* A pin that is missing is set again with all others: a thousand calls of the kernel, for one question. */
Test(parent, questions_for_unpinned_addresses_do_not_make_it_pin_all_the_time)
{
	struct msg_read read = { .network = 0, .address = LAB(200) };

	fake_start();
	fake_now += 1000000;
	for (int i = 0; i < 2000; i++) {
		say(BROKER, MSG_NEIGHBOUR_ASK, &read);
		fake_turn();
		cr_assert_eq(heard(BROKER), 1);
	}
	cr_expect_eq(fake_done.looked_up, 2000);
	cr_expect_eq(fake_done.pinned, 1);
	fake_now += PIN_AGAIN_MS;
	say(BROKER, MSG_NEIGHBOUR_ASK, &read);
	fake_turn();
	cr_expect_eq(fake_done.pinned, 2);
	fake_stop();
}

/* ---- RELOAD ---- */

Test(parent, many_reloads_at_once_are_few)
{
	struct msg_reload reload = { 0 };
	size_t answers = 0;

	fake_start();
	for (uint32_t i = 0; i < 200; i++) {
		reload.ctl = i;
		say(BROKER, MSG_RELOAD, &reload);
	}
	for (int i = 0; i < 400; i++) {
		fake_turn();
		answers += heard(BROKER);
		usleep(1000);
	}
	cr_expect_leq(fake_done.reloaded, 1 + 200 / RELOADS_MAX);
	cr_expect_geq(fake_done.reloaded, 1);
	cr_expect_eq(answers, 200, "each is answered");
	fake_stop();
}

Test(parent, a_reload_waits_for_twice_the_time_that_the_last_one_took)
{
	struct msg_reload reload = { 0 };

	fake_start();
	for (int i = 0; i < 2; i++) {
		say(BROKER, MSG_RELOAD, &reload);
		fake_turn();
		fake_turn();
	}
	cr_expect_eq(fake_done.reloaded, 1);
	usleep(250000);
	fake_turn();
	cr_expect_eq(fake_done.reloaded, 2);
	cr_expect_eq(heard(BROKER), 2);
	fake_stop();
}

/* ---- floods ---- */

Test(parent, a_broker_that_asks_and_never_reads_is_a_breach_and_fills_no_more_than_its_queue)
{
	struct msg_read read = { .network = 0, .address = LAB(10) };
	unsigned asked = 0;

	fake_start();
	while (fake_process[BROKER].breaches == 0 && asked < 100000) {
		say(BROKER, MSG_NEIGHBOUR_ASK, &read);
		fake_turn();
		asked++;
	}
	cr_expect_eq(fake_process[BROKER].breaches, 1);
	cr_expect_leq(asked, IPC_QUEUE_BYTES / sizeof(struct msg_neighbour) + 1000);
	say(BROKER, MSG_NEIGHBOUR_ASK, &read);
	fake_turn();
	cr_expect_eq(fake_done.looked_up, asked, "who has broken the protocol is not heard any more");
	fake_stop();
}

Test(parent, a_tftp_that_never_reads_does_not_eat_the_descriptors)
{
	struct msg_open o;
	int before, most = 0;

	fake_start();
	before = open_descriptors();
	o = open_of(ALICE, "config.txt");
	for (int i = 0; i < 6000 && fake_process[TFTP_LAB].breaches == 0; i++) {
		ask(&o);
		most = i % 500 == 0 || fake_process[TFTP_LAB].breaches > 0 ? open_descriptors() : most;
	}
	cr_expect_eq(fake_process[TFTP_LAB].breaches, 1);
	cr_expect_leq(most, before + IPC_QUEUE_FDS);
	cr_expect_eq(fake_process[BROKER].breaches, 0);
	/* The other network goes on. */
	o = open_of(CAROL, "config.txt");
	ask(&o);
	cr_expect_eq(heard(TFTP_DEN), 1);
	cr_expect(last_had_fd[TFTP_DEN]);
	fake_stop();
	cr_expect_lt(open_descriptors(), before, "the queue is closed with its pipe");
}

/* ---- anything ---- */

/* Sockets are bound to the interface that they were made on; the same name on another is another. */
Test(parent, an_interface_that_was_made_anew_is_found_stale)
{
	fake_start();
	cr_expect_not(children_stale(&fake_server));
	cr_expect(same_networks(fake_networks, 2));
	fake_interface[1] = INTERFACE_NEW;
	cr_expect(children_stale(&fake_server));
	cr_expect_not(same_networks(fake_networks, 2), "a reload serves it, too");
	fake_interface[0] = INTERFACE_GONE;
	cr_expect_not(
	    children_stale(&fake_server), "there is nothing to open yet, and the other network would lose its sockets");
	fake_interface[0] = fake_interface[1] = INTERFACE_SAME;
	fake_stop();
}

static uint32_t random_state = 1;

/* xorshift (Marsaglia): the same each time. */
static uint32_t
random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	return random_state ^= random_state << 5;
}

/* A right header mostly, and some fields right: else nothing gets past the first check. */
static void
say_anything(unsigned child)
{
	struct raw raw = raw_right(1 + random_number() % (MSG_TYPES - 1));
	size_t length = raw_length(&raw);

	for (size_t i = 0; i < raw.size; i++)
		raw.payload[i] = random_number() % 4 == 0 ? (unsigned char)random_number() : 0;
	if (random_number() % 8 == 0)
		length = random_number() % sizeof(raw);
	(void)raw_send(fake_process[child].far, &raw, length, random_number() % 8 == 0, spare);
}

Test(parent, whatever_a_child_says_nothing_is_left_of_it)
{
	int before = open_descriptors();

	for (int i = 0; i < 3000; i++) {
		fake_start();
		for (int j = 0; j < 10; j++) {
			say_anything(random_number() % FAKE_PROCESSES);
			fake_turn();
			heard_by_anyone();
		}
		fake_stop();
	}
	cr_expect_eq(open_descriptors(), before);
}
