/* SPDX-License-Identifier: ISC */
/*
 * Sequences of requests, replies, answers from inside and steps of the clock, for three addresses of which one is no
 * client's. What holds: nothing goes to that one; only the window behind the last acknowledged block is sent, inside the file;
 * nothing is repeated within a second in lock step; every descriptor is closed once; and with time everything ends.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tftp/tftp_serve.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define STRANGER 3
#define STARTED  UINT64_C(1000000)
#define ASKED    16

static struct tftp_server server;
static uint64_t now;
static uint32_t asked[ASKED]; /* the latest questions */
static unsigned questions;
static unsigned open_files;
static struct {
	uint32_t id;
	uint64_t first;
	uint64_t last;
	uint64_t at;
} sent[TFTP_TRANSFERS]; /* the latest blocks of each slot */

static void
hold(int truth)
{
	if (!truth)
		abort();
}

static bool
ask(void *argument, const struct tftp_transfer *t)
{
	hold(t->state == TFTP_WAITING && t->fd == -1);
	asked[questions++ % ASKED] = t->id;
	return questions % 31 != 0;
}

/* Nothing is believed acknowledged that was not sent, and lock step repeats nothing within a second. */
static void
check_pace(const struct tftp_transfer *t, uint64_t first, uint64_t last)
{
	unsigned slot = t->id % TFTP_TRANSFERS;

	if (sent[slot].id != t->id)
		hold(t->base == 0);
	else
		hold(t->base <= sent[slot].last &&
		     (t->window > 1 || sent[slot].first != first || now >= sent[slot].at + 1000));
	sent[slot].id = t->id;
	sent[slot].first = first;
	sent[slot].last = last;
	sent[slot].at = now;
}

static bool
send_action(void *argument, struct tftp_transfer *t, const struct tftp_action *action)
{
	uint64_t offset, last = action->first + action->count - 1;
	uint32_t size;

	hold(t->address != STRANGER && t->fd != -1);
	if (action->send == TFTP_SEND_OACK) {
		hold(t->answers > 0 && t->base == 0 && t->sent == 0);
		check_pace(t, 0, 0);
		return true;
	}
	hold(action->first == t->base + 1 && action->count >= 1 && action->count <= t->window && last <= t->last);
	check_pace(t, action->first, last);
	if (t->request.mode == TFTP_OCTET) {
		tftp_transfer_extent(t, last, &offset, &size);
		hold(offset + size <= t->size && (size < t->block_size) == (last == t->last));
	} else {
		t->to.offset = t->from.offset + t->block_size < t->size ? t->from.offset + t->block_size : t->size;
		t->last = t->to.offset == t->size ? action->first : UINT64_MAX;
	}
	return t->size % 13 != 7; /* such files cannot be read */
}

static void
send_error(void *argument, const struct tftp_peer *peer, enum tftp_error error)
{
	hold(peer->address != STRANGER && peer->socket < TFTP_SOCKETS && peer->port != 0 && peer->port != TFTP_PORT);
}

static void
drain(void *argument, unsigned socket)
{
	hold(socket < TFTP_SOCKETS);
}

static void
finish(void *argument, struct tftp_transfer *t, uint32_t report, uint64_t when)
{
	hold(report <= DONE_FAILED && when == now && t->state != TFTP_FREE);
	if (t->fd != -1)
		open_files--;
	t->fd = -1;
	if (report == DONE_SENT)
		hold(t->base <= t->last && t->base + 1 >= t->last);
}

static const struct tftp_edge edge = { ask, send_action, send_error, drain, finish };

/* ---- the input as steps ---- */

struct input {
	const uint8_t *next;
	size_t left;
};

static unsigned
byte(struct input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->next++;
}

static struct tftp_peer
any_peer(struct input *input)
{
	unsigned choice = byte(input);
	struct tftp_peer peer = { .address = 1 + choice % 3, .port = (uint16_t)(67 + choice / 3 % 8) };

	return peer;
}

static void
request_step(struct input *input)
{
	static const char *const requests[] = { "\0\1f\0octet\0", "\0\1g\0octet\0blksize\0008\0",
		"\0\1f\0octet\0blksize\0008\0windowsize\0004\0", "\0\1f\0netascii\0",
		"\0\1f\0octet\0timeout\0002\0tsize\0000\0", "\0\2f\0octet\0", "\0\1f\0mail\0",
		"\0\1f\0octet\0windowsize\00070\0blksize\0009\0" };
	static const size_t sizes[] = { 10, 20, 33, 13, 28, 10, 9, 34 };
	struct tftp_peer peer = any_peer(input);
	unsigned which = byte(input) % 8;

	tftp_serve_request(&server, &peer, (const uint8_t *)requests[which], sizes[which], now);
}

static void
raw_step(struct input *input)
{
	struct tftp_peer peer = any_peer(input);
	size_t size = byte(input);

	if (size > input->left)
		size = input->left;
	peer.socket = (uint8_t)(byte(input) % TFTP_SOCKETS);
	if (size > input->left)
		size = input->left;
	tftp_serve_request(&server, &peer, input->next, size, now);
	tftp_serve_reply(&server, &peer, input->next, size, now);
	input->next += size;
	input->left -= size;
}

/* A transfer's own reply: an ACK some blocks off its base, or an ERROR. */
static void
reply_step(struct input *input)
{
	struct tftp_peer peer = any_peer(input);
	struct tftp_transfer *t = tftp_table_find(&server.table, peer.address, peer.port);
	unsigned offset = byte(input), block;
	uint8_t packet[4] = { 0, offset == 255 ? TFTP_ERROR : TFTP_ACK };

	if (t == NULL)
		return;
	block = (uint16_t)t->base + offset - (offset > 127 ? 256 : 0);
	packet[2] = (uint8_t)(block >> 8);
	packet[3] = (uint8_t)block;
	peer.socket = t->socket;
	tftp_serve_reply(&server, &peer, packet, sizeof(packet), now);
}

/* The broker and the parent answer as their policy is: nothing is granted to the stranger. */
static void
answer_step(struct input *input)
{
	static const uint64_t sizes[] = { 0, 1, 7, 8, 511, 512, 513, 1024, 5000, 600000, 1000000 };
	uint32_t id = asked[byte(input) % ASKED];
	struct tftp_transfer *t = tftp_table_waiting(&server.table, id);
	unsigned choice = byte(input);
	struct msg_refuse refuse = { .id = id, .why = choice / 16 % 4 };
	struct msg_file file = { .id = id, .status = choice / 16 % 5, .size = sizes[byte(input) % 11] };
	int fd = file.status == FILE_OPENED && choice / 4 % 4 != 3 ? 9 : -1; /* -1: there is no room for it */

	if (t != NULL && t->address == STRANGER)
		refuse.why = REFUSE_SILENTLY;
	if (choice % 4 == 0 || (t != NULL && t->address == STRANGER)) {
		tftp_serve_refused(&server, &refuse, now);
		return;
	}
	open_files += t != NULL && fd != -1;
	hold(tftp_serve_file(&server, &file, fd, now) == (t != NULL && fd != -1));
}

static void
clock_step(struct input *input)
{
	static const unsigned steps[] = { 0, 1, 10, 500, 999, 1000, 2500, 8000 };

	now += steps[byte(input) % 8];
	tftp_serve_time(&server, now);
}

static void
check_state(void)
{
	unsigned waiting = 0, i;

	for (i = 0; i < server.table.count; i++)
		waiting += server.table.transfer[server.table.heap[i]].state == TFTP_WAITING;
	hold(server.table.count == waiting + open_files);
}

static void
wait_for_the_end(void)
{
	unsigned turns;

	for (turns = 0; server.table.count > 0; turns++) {
		hold(turns < 10000 && tftp_table_next(&server.table) >= now);
		now = tftp_table_next(&server.table);
		tftp_serve_time(&server, now);
	}
	hold(open_files == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static void (*const step[])(
	    struct input *) = { request_step, answer_step, reply_step, clock_step, reply_step, raw_step };
	struct input input = { bytes, length };
	unsigned choice;

	if (server.edge == NULL) { /* empty again after each input */
		now = STARTED;
		tftp_serve_init(&server, &edge, NULL, 1, TFTP_SOCKETS, 1500);
	}
	while (input.left > 0) {
		choice = byte(&input) % 7;
		if (choice < 6)
			step[choice](&input);
		else
			tftp_serve_ask_again(&server);
		check_state();
	}
	wait_for_the_end();
	return 0;
}
