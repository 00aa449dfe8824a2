/* SPDX-License-Identifier: ISC */
/* All transfers together, on an edge that writes down what it is asked to do. */
#include <criterion/criterion.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tftp/tftp_serve.h"

#define BOARD   0x0a01a8c0
#define OTHER   0x0b01a8c0
#define PORT    49152
#define STARTED 1000000

static struct tftp_server server;
static char log_text[4096];
static size_t log_size;
static uint64_t now;
static uint32_t asked; /* the last question's id */
static unsigned asked_socket;
static bool file_fails, pipe_full;
static struct tftp_peer waiting_error; /* an ERROR that lies unread in a socket; port 0: none */

__attribute__((format(printf, 1, 2))) static void
note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_size += (size_t)vsnprintf(log_text + log_size, sizeof(log_text) - log_size, format, arguments);
	va_end(arguments);
	cr_assert_lt(log_size, sizeof(log_text));
}

static bool
ask(void *argument, const struct tftp_transfer *t)
{
	asked = t->id;
	asked_socket = t->socket;
	note("ask %s;", t->request.path);
	return !pipe_full;
}

static bool
send_action(void *argument, struct tftp_transfer *t, const struct tftp_action *action)
{
	if (file_fails)
		return false;
	if (action->send == TFTP_SEND_OACK)
		note("OACK;");
	else
		note("DATA %llu;", (unsigned long long)action->first);
	return true;
}

static void
send_error(void *argument, const struct tftp_peer *peer, enum tftp_error error)
{
	note("ERROR %d;", (int)error);
}

static void
drain(void *argument, unsigned socket)
{
	static const uint8_t packet[] = { 0, TFTP_ERROR, 0, 0, 0 };
	struct tftp_peer peer = waiting_error;

	if (peer.port == 0 || peer.socket != socket)
		return;
	waiting_error.port = 0;
	tftp_serve_reply(&server, &peer, packet, sizeof(packet), now);
}

static void
finish(void *argument, struct tftp_transfer *t, uint32_t report, uint64_t when)
{
	note("end %u fd %d;", report, t->fd);
}

static const struct tftp_edge edge = { ask, send_action, send_error, drain, finish };

static void
set_up(void)
{
	tftp_serve_init(&server, &edge, NULL, 12345, TFTP_SOCKETS, 1500);
	now = STARTED;
}

TestSuite(tftp_serve, .init = set_up);

/* What was written down since the last time. */
#define DID(expected) \
	do { \
		cr_assert_str_eq(log_text, expected); \
		log_text[log_size = 0] = '\0'; \
	} while (0)

static void
packet(uint32_t address, uint16_t port, const char *bytes, size_t size)
{
	struct tftp_peer peer = { .address = address, .port = port };

	tftp_serve_request(&server, &peer, (const uint8_t *)bytes, size, now);
}

static void
rrq(uint32_t address, uint16_t port, const char *name)
{
	char bytes[100];
	int size = snprintf(bytes, sizeof(bytes), "%c%c%s%coctet", 0, TFTP_RRQ, name, 0) + 1;

	packet(address, port, bytes, (size_t)size);
}

static void
grant(void)
{
	struct msg_file file = { .id = asked, .status = FILE_OPENED, .size = 600 };

	cr_assert(tftp_serve_file(&server, &file, 7, now));
}

static void
refuse(uint32_t why)
{
	struct msg_refuse message = { .id = asked, .why = why };

	tftp_serve_refused(&server, &message, now);
}

static void
ack(uint32_t address, uint16_t port, unsigned socket, unsigned block)
{
	uint8_t bytes[] = { 0, TFTP_ACK, (uint8_t)(block >> 8), (uint8_t)block };
	struct tftp_peer peer = { .address = address, .port = port, .socket = (uint8_t)socket };

	tftp_serve_reply(&server, &peer, bytes, sizeof(bytes), now);
}

static void
error_of_client(uint32_t address, uint16_t port, unsigned socket)
{
	static const uint8_t bytes[] = { 0, TFTP_ERROR, 0, 0, 0 };
	struct tftp_peer peer = { .address = address, .port = port, .socket = (uint8_t)socket };

	tftp_serve_reply(&server, &peer, bytes, sizeof(bytes), now);
}

/* A file of 600 bytes whole: the board is a client's from here on. */
static void
fetch(uint32_t address, uint16_t port)
{
	rrq(address, port, "f");
	grant();
	ack(address, port, asked_socket, 1);
	ack(address, port, asked_socket, 2);
	DID("ask f;DATA 1;DATA 2;end 1 fd 7;");
}

Test(tftp_serve, a_file_from_request_to_last_ack)
{
	fetch(BOARD, PORT);
	cr_assert_eq(server.table.count, 0);
}

Test(tftp_serve, a_strangers_address_hears_nothing_at_all)
{
	rrq(OTHER, PORT, "f");
	refuse(REFUSE_SILENTLY);
	DID("ask f;end 0 fd -1;");
	packet(OTHER, PORT, "\0\2f\0octet", 10);
	packet(OTHER, PORT, "\0\1f\0mail", 9);
	packet(OTHER, PORT, "\0\1", 2);
	packet(OTHER, PORT, "\0\4\0\1", 4);
	ack(OTHER, PORT, 3, 1);
	error_of_client(OTHER, PORT, 3);
	DID("");
}

Test(tftp_serve, a_clients_bad_requests_are_refused_without_a_question)
{
	fetch(BOARD, PORT);
	packet(BOARD, PORT, "\0\2f\0octet", 10);
	DID("ERROR 2;");
	packet(BOARD, PORT, "\0\1f\0mail", 9);
	DID("ERROR 4;");
	packet(BOARD, PORT, "\0\4\0\1", 4);
	packet(BOARD, PORT, "\0\5\0\1", 4);
	packet(BOARD, PORT, "", 0);
	DID("");
}

Test(tftp_serve, an_address_that_is_no_clients_any_more_is_forgotten)
{
	fetch(BOARD, PORT);
	rrq(BOARD, PORT, "f");
	refuse(REFUSE_SILENTLY);
	DID("ask f;end 0 fd -1;");
	packet(BOARD, PORT, "\0\2f\0octet", 10);
	DID("");
}

Test(tftp_serve, refusals_by_name_are_said)
{
	rrq(BOARD, PORT, "f");
	refuse(REFUSE_NOT_FOUND);
	DID("ask f;ERROR 1;end 4 fd -1;");
	rrq(BOARD, PORT, "f");
	refuse(REFUSE_ACCESS);
	DID("ask f;ERROR 2;end 5 fd -1;");
}

Test(tftp_serve, servers_ports_are_not_answered)
{
	rrq(BOARD, 69, "f");
	rrq(BOARD, 0, "f");
	DID("");
}

Test(tftp_serve, a_repeated_request_makes_no_second_transfer)
{
	rrq(BOARD, PORT, "f");
	rrq(BOARD, PORT, "f");
	grant();
	rrq(BOARD, PORT, "f");
	DID("ask f;DATA 1;");
	now += 1000;
	rrq(BOARD, PORT, "f");
	DID("DATA 1;");
	cr_assert_eq(server.table.count, 1);
}

Test(tftp_serve, another_name_from_the_same_port_replaces_the_transfer)
{
	unsigned first;

	rrq(BOARD, PORT, "f");
	grant();
	first = asked_socket;
	rrq(BOARD, PORT, "g");
	DID("ask f;DATA 1;end 2 fd 7;ask g;");
	cr_assert_neq(asked_socket, first, "a new transfer identifier");
	grant();
	ack(BOARD, PORT, first, 1);
	DID("DATA 1;"); /* and no ERROR 5 to the new transfer's port */
	ack(BOARD, PORT, asked_socket, 1);
	DID("DATA 2;");
}

Test(tftp_serve, a_client_that_starts_anew_gets_a_new_transfer)
{
	rrq(BOARD, PORT, "f");
	grant();
	ack(BOARD, PORT, asked_socket, 1);
	DID("ask f;DATA 1;DATA 2;");
	rrq(BOARD, PORT, "f");
	DID("end 1 fd 7;ask f;");
}

/* The Pi 4 asks for the same file from the same port right behind its probe. */
Test(tftp_serve, an_unread_early_terminate_comes_before_the_next_request)
{
	rrq(BOARD, PORT, "f");
	grant();
	DID("ask f;DATA 1;");
	waiting_error = (struct tftp_peer){ .address = BOARD, .port = PORT, .socket = (uint8_t)asked_socket };
	rrq(BOARD, PORT, "f");
	DID("end 2 fd 7;ask f;");
}

Test(tftp_serve, what_lies_unread_is_read_before_anything_is_repeated)
{
	rrq(BOARD, PORT, "f");
	grant();
	DID("ask f;DATA 1;");
	waiting_error = (struct tftp_peer){ .address = BOARD, .port = PORT, .socket = (uint8_t)asked_socket };
	now += 1000;
	tftp_serve_time(&server, now);
	DID("end 2 fd 7;");
}

Test(tftp_serve, time_repeats_and_gives_up)
{
	rrq(BOARD, PORT, "f");
	grant();
	DID("ask f;DATA 1;");
	tftp_serve_time(&server, now + 999);
	DID("");
	tftp_serve_time(&server, now + 1000);
	DID("DATA 1;");
	for (; server.table.count > 0; now = tftp_table_next(&server.table))
		tftp_serve_time(&server, now);
	DID("DATA 1;DATA 1;DATA 1;DATA 1;DATA 1;DATA 1;DATA 1;DATA 1;end 3 fd 7;");
	cr_assert_eq(now, UINT64_MAX);
}

Test(tftp_serve, answers_that_come_too_late_or_twice_are_not_taken)
{
	struct msg_file file = { .status = FILE_OPENED, .size = 600 };

	rrq(BOARD, PORT, "f");
	file.id = asked;
	cr_assert(tftp_serve_file(&server, &file, 7, now));
	cr_assert_not(tftp_serve_file(&server, &file, 8, now), "twice");
	error_of_client(BOARD, PORT, asked_socket);
	DID("ask f;DATA 1;end 2 fd 7;");
	rrq(BOARD, PORT, "f");
	cr_assert_not(tftp_serve_file(&server, &file, 9, now), "an answer to the slot's former request");
	now += 5000;
	tftp_serve_time(&server, now);
	DID("ask f;end 0 fd -1;");
	cr_assert_eq(server.counts.unanswered, 1);
	file.id = asked;
	cr_assert_not(tftp_serve_file(&server, &file, 9, now));
}

/* No descriptor was left here for it: silence, so that the client asks again. */
Test(tftp_serve, an_opened_file_without_a_descriptor_is_asked_for_anew)
{
	struct msg_file file = { .status = FILE_OPENED, .size = 100 };

	rrq(BOARD, PORT, "f");
	file.id = asked;
	cr_assert_not(tftp_serve_file(&server, &file, -1, now));
	DID("ask f;end 0 fd -1;");
	cr_expect_eq(server.counts.starved, 1);
	rrq(BOARD, PORT, "f");
	grant();
	DID("ask f;DATA 1;");
}

Test(tftp_serve, a_file_that_cannot_be_read_is_one_error)
{
	rrq(BOARD, PORT, "f");
	grant();
	file_fails = true;
	ack(BOARD, PORT, asked_socket, 1);
	DID("ask f;DATA 1;ERROR 0;end 6 fd 7;");
	file_fails = false;
}

Test(tftp_serve, a_new_broker_is_asked_what_still_waits)
{
	rrq(BOARD, PORT, "f");
	grant();
	rrq(BOARD, PORT + 1, "g");
	DID("ask f;DATA 1;ask g;");
	tftp_serve_ask_again(&server);
	DID("ask g;");
}

Test(tftp_serve, a_question_that_finds_no_room_is_dropped)
{
	pipe_full = true;
	rrq(BOARD, PORT, "f");
	DID("ask f;end 0 fd -1;");
	cr_assert_eq(server.counts.full, 1);
	pipe_full = false;
	rrq(BOARD, PORT, "f");
	DID("ask f;");
}

/* ---- bounds ---- */

Test(tftp_serve, one_client_has_its_share_and_no_more)
{
	unsigned i;

	for (i = 0; i < TFTP_PER_CLIENT + 5; i++)
		rrq(BOARD, (uint16_t)(PORT + i), "f");
	cr_assert_eq(server.table.count, TFTP_PER_CLIENT);
	cr_assert_eq(server.counts.full, 5);
	rrq(OTHER, PORT, "f");
	cr_assert_eq(server.table.count, TFTP_PER_CLIENT + 1, "another client's is not touched");
}

Test(tftp_serve, transfers_that_lack_only_the_last_ack_make_room)
{
	unsigned i;

	for (i = 0; i < TFTP_PER_CLIENT; i++) {
		rrq(BOARD, (uint16_t)(PORT + i), "f");
		grant();
		ack(BOARD, (uint16_t)(PORT + i), asked_socket, 1);
		now++;
	}
	log_text[log_size = 0] = '\0';
	rrq(BOARD, 6970, "f");
	DID("end 1 fd 7;ask f;");
	cr_assert_null(tftp_table_find(&server.table, BOARD, PORT), "the oldest");
	cr_assert_eq(server.counts.full, 0);
}

/* The addresses that fill the table: eight transfers each. */
static uint32_t
crowd(unsigned i)
{
	return 0x01000000 + i / 8;
}

/* They become clients. */
static void
greet_the_crowd(void)
{
	for (unsigned i = 0; i < TFTP_TRANSFERS + 10; i += 8) {
		rrq(crowd(i), PORT, "f");
		refuse(REFUSE_NOT_FOUND);
		log_text[log_size = 0] = '\0';
	}
}

Test(tftp_serve, the_table_is_full_then_empty_then_usable)
{
	unsigned round, i;

	greet_the_crowd();
	for (round = 0; round < 3; round++) {
		for (i = 0; i < TFTP_TRANSFERS + 10; i++, now += i % 3) {
			rrq(crowd(i), (uint16_t)(PORT + i), "f");
			log_text[log_size = 0] = '\0';
		}
		cr_assert_eq(server.table.count, TFTP_TRANSFERS);
		cr_assert_eq(server.counts.full, 10 * (round + 1));
		for (; server.table.count > 0; log_text[log_size = 0] = '\0') {
			cr_assert_geq(tftp_table_next(&server.table), now);
			now = tftp_table_next(&server.table);
			tftp_serve_time(&server, now);
		}
		cr_assert_eq(server.counts.unanswered, TFTP_TRANSFERS * (round + 1));
	}
}

Test(tftp_serve, a_clients_transfers_take_the_sockets_in_turn)
{
	unsigned i, before;

	fetch(BOARD, PORT);
	for (i = 0; i < 40; i++) {
		before = asked_socket;
		fetch(OTHER, (uint16_t)(PORT + i));
		asked_socket = before;
		fetch(BOARD, PORT);
		cr_assert_eq(asked_socket, (before + 1) % TFTP_SOCKETS);
	}
}

Test(tftp_serve, strangers_have_half_of_the_table)
{
	unsigned i;

	fetch(BOARD, PORT);
	for (i = 0; i < TFTP_TRANSFERS; i++, now += i % 3 == 0) {
		rrq(crowd(i), (uint16_t)(PORT + i), "f");
		log_text[log_size = 0] = '\0';
	}
	cr_assert_eq(server.table.count, TFTP_STRANGERS);
	cr_assert_eq(server.counts.full, TFTP_TRANSFERS - TFTP_STRANGERS);
	fetch(BOARD, PORT);
	rrq(OTHER, PORT, "f");
	DID("");
	for (; server.table.count > 0; log_text[log_size = 0] = '\0')
		tftp_serve_time(&server, now = tftp_table_next(&server.table));
	fetch(OTHER, PORT);
	cr_assert_eq(server.table.strangers, 0);
}

Test(tftp_serve, a_port_has_one_question_at_a_time)
{
	rrq(BOARD, PORT, "f");
	rrq(BOARD, PORT, "g");
	rrq(BOARD, PORT, "h");
	DID("ask f;");
	now += 1000;
	rrq(BOARD, PORT, "g");
	DID("end 0 fd -1;ask g;");
	grant();
	rrq(BOARD, PORT, "h");
	DID("DATA 1;end 2 fd 7;ask h;");
}

/* ---- packets of no transfer ---- */

Test(tftp_serve, a_clients_stray_ack_gets_error_5)
{
	fetch(BOARD, PORT);
	ack(BOARD, 5000, 3, 1);
	DID("ERROR 5;");
	error_of_client(BOARD, 5000, 3);
	DID("");
}

Test(tftp_serve, a_stray_does_not_harm_the_transfer)
{
	fetch(BOARD, PORT);
	rrq(BOARD, PORT, "f");
	grant();
	ack(BOARD, 5000, asked_socket, 1);
	error_of_client(BOARD, 5000, asked_socket);
	error_of_client(OTHER, PORT, asked_socket);
	DID("ask f;DATA 1;ERROR 5;");
	ack(BOARD, PORT, asked_socket, 1);
	DID("DATA 2;");
}

Test(tftp_serve, a_late_ack_of_a_transfer_that_ended_is_no_stray)
{
	fetch(BOARD, PORT);
	ack(BOARD, PORT, asked_socket, 2);
	DID("");
	now += TFTP_LATE_MS;
	ack(BOARD, PORT, asked_socket, 2);
	DID("ERROR 5;");
}

Test(tftp_serve, a_stray_of_nobody_that_was_served_gets_silence)
{
	ack(BOARD, PORT, 3, 77);
	error_of_client(BOARD, PORT, 3);
	DID("");
}

Test(tftp_serve, answers_to_strays_are_limited)
{
	unsigned i, answers;

	fetch(BOARD, PORT);
	for (i = 0; i < 500; i++)
		ack(BOARD, 5000, 3, 1);
	for (answers = 0, i = 0; i < log_size; i++)
		answers += log_text[i] == ';';
	cr_assert_eq(answers, TFTP_STRAY_BURST);
}
