/* SPDX-License-Identifier: ISC */
/*
 * See tftp_transfer.h. Two rules come before speed: a block is never sent twice without need (a duplicate hangs some boards'
 * firmware, and doubles for the rest of the transfer if it is answered: the Sorcerer's Apprentice, RFC 1123 4.2.3.1), and no
 * acknowledgement of a block that is not out is believed.
 */
#include "tftp_transfer.h"

#include <string.h>

static const struct tftp_action nothing = { .send = TFTP_SEND_NOTHING };

static uint64_t
min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- sending ---- */

static uint64_t
patience(const struct tftp_transfer *t)
{
	if (t->timeout != 0)
		return t->timeout * UINT64_C(1000);
	return t->tries > 3 ? TFTP_LONGEST_MS : (uint64_t)TFTP_FIRST_MS << (t->tries - 1);
}

static unsigned
tries_allowed(const struct tftp_transfer *t)
{
	if (tftp_transfer_is_lingering(t))
		return TFTP_TRIES_LAST;
	return t->timeout != 0 ? TFTP_TRIES_TIMEOUT : TFTP_TRIES;
}

static void
is_out(struct tftp_transfer *t, uint64_t now)
{
	t->tries++;
	t->sent_at = now;
	t->deadline = now + patience(t);
}

/* The blocks behind the last one acknowledged. */
static struct tftp_action
send_window(struct tftp_transfer *t, uint64_t now)
{
	struct tftp_action action = {
		.send = TFTP_SEND_BLOCKS,
		.first = t->base + 1,
		.count = (unsigned)min64(t->window, t->last - t->base),
	};

	if (t->sent > t->base)
		t->retransmits += (uint32_t)min64(t->sent - t->base, action.count);
	t->state = TFTP_SENDING;
	t->sent = t->base + action.count;
	is_out(t, now);
	return action;
}

static struct tftp_action
send_oack(struct tftp_transfer *t, uint64_t now)
{
	if (t->state == TFTP_OFFERED)
		t->retransmits++;
	t->state = TFTP_OFFERED;
	is_out(t, now);
	return (struct tftp_action){ .send = TFTP_SEND_OACK };
}

static struct tftp_action
send_again(struct tftp_transfer *t, uint64_t now)
{
	t->quiet = 2;
	return t->state == TFTP_OFFERED ? send_oack(t, now) : send_window(t, now);
}

static struct tftp_action
end(uint32_t report)
{
	return (struct tftp_action){ .end = true, .report = report };
}

static struct tftp_action
end_with_error(enum tftp_error error, uint32_t report)
{
	return (struct tftp_action){ .send = TFTP_SEND_ERROR, .error = error, .end = true, .report = report };
}

/* ---- the request and its answer ---- */

struct tftp_action
tftp_transfer_begin(struct tftp_transfer *t, const struct tftp_request *request, uint64_t now)
{
	t->state = TFTP_WAITING;
	t->request = *request;
	t->started = now;
	t->deadline = now + TFTP_ANSWER_MS;
	return (struct tftp_action){ .send = TFTP_SEND_QUESTION };
}

static uint32_t
block_max(uint32_t mtu)
{
	return mtu < TFTP_BLOCK_MIN + TFTP_OVERHEAD ? TFTP_BLOCK_MIN : mtu - TFTP_OVERHEAD;
}

/* What we say to option, and what it changes. false: nothing. */
static bool
agree(struct tftp_transfer *t, struct tftp_option *option, uint32_t mtu)
{
	switch (option->kind) {
	case TFTP_BLKSIZE:
		option->value = min64(option->value, block_max(mtu));
		t->block_size = (uint32_t)option->value;
		return true;
	case TFTP_TSIZE:
		option->value = t->size;
		return t->request.mode == TFTP_OCTET; /* the size as sent is not known before all of it is translated */
	case TFTP_TIMEOUT:
		t->timeout = (uint8_t)option->value;
		return true;
	case TFTP_WINDOWSIZE:
		option->value = min64(option->value, TFTP_WINDOW);
		if (t->request.mode == TFTP_OCTET)
			t->window = (uint16_t)option->value;
		return t->request.mode == TFTP_OCTET; /* a translated file goes block by block */
	default:
		return false;
	}
}

static void
negotiate(struct tftp_transfer *t, uint32_t mtu)
{
	struct tftp_option option;
	unsigned i;

	t->block_size = TFTP_BLOCK_DEFAULT;
	t->window = 1;
	t->timeout = 0;
	t->answers = 0;
	for (i = 0; i < t->request.count; i++) {
		option = t->request.option[i];
		if (agree(t, &option, mtu))
			t->answer[t->answers++] = option;
	}
}

struct tftp_action
tftp_transfer_granted(struct tftp_transfer *t, uint64_t size, uint32_t mtu, uint64_t now)
{
	t->size = size;
	t->base = t->sent = t->retransmits = 0;
	t->tries = t->quiet = 0;
	t->heard = false;
	memset(&t->from, 0, sizeof(t->from));
	negotiate(t, mtu);
	t->last = t->request.mode == TFTP_OCTET ? size / t->block_size + 1 : UINT64_MAX;
	return t->answers > 0 ? send_oack(t, now) : send_window(t, now);
}

struct tftp_action
tftp_transfer_refused(struct tftp_transfer *t, uint32_t why)
{
	switch (why) {
	case REFUSE_NOT_FOUND:
		return end_with_error(TFTP_ERROR_NOT_FOUND, DONE_NOT_FOUND);
	case REFUSE_ACCESS:
		return end_with_error(TFTP_ERROR_ACCESS, DONE_REFUSED);
	default: /* not a client's address: it hears nothing */
		return end(0);
	}
}

struct tftp_action
tftp_transfer_no_file(struct tftp_transfer *t, uint32_t status)
{
	switch (status) {
	case FILE_NOT_FOUND:
		return end_with_error(TFTP_ERROR_NOT_FOUND, DONE_NOT_FOUND);
	case FILE_REFUSED:
		return end_with_error(TFTP_ERROR_ACCESS, DONE_REFUSED);
	default:
		return end_with_error(TFTP_ERROR_OTHER, DONE_FAILED);
	}
}

bool
tftp_transfer_is_asked(const struct tftp_transfer *t, uint64_t now)
{
	return t->state == TFTP_WAITING && now < t->started + TFTP_FIRST_MS;
}

/* A request that comes after an acknowledgement is of a client that started anew. */
bool
tftp_transfer_is_same(const struct tftp_transfer *t, const struct tftp_request *request)
{
	return !t->heard && memcmp(&t->request, request, sizeof(*request)) == 0;
}

struct tftp_action
tftp_transfer_repeated(struct tftp_transfer *t, uint64_t now)
{
	if (t->state == TFTP_WAITING || now < t->sent_at + TFTP_FIRST_MS)
		return nothing;
	t->tries = 0; /* it is there */
	return send_again(t, now);
}

/* ---- what the client says ---- */

/*
 * Of the block before the window: its first block was lost, unless the ACK itself is a duplicate. Believed once a window, in
 * windows only, and never where blocks have been sent twice already: their receiver may acknowledge each copy.
 */
static struct tftp_action
repeated_ack(struct tftp_transfer *t, uint64_t now)
{
	if (t->window == 1 || t->quiet > 0)
		return nothing;
	return send_again(t, now);
}

/* Of block base + ahead. One inside the window says what came before a gap: go on behind it (RFC 7440 section 4). */
static struct tftp_action
progress(struct tftp_transfer *t, uint16_t ahead, uint64_t now)
{
	t->heard = true;
	t->tries = 0;
	t->base += ahead;
	t->from = t->to;
	if (t->base == t->last)
		return end(DONE_SENT);
	if (t->base < t->sent)
		t->quiet = 2;
	else if (t->quiet > 0)
		t->quiet--;
	return send_window(t, now);
}

static struct tftp_action
on_ack(struct tftp_transfer *t, uint16_t block, uint64_t now)
{
	uint16_t ahead = (uint16_t)(block - (uint16_t)t->base);

	if (t->state == TFTP_OFFERED) {
		if (block != 0)
			return nothing;
		t->heard = true;
		t->tries = 0;
		t->quiet = 1; /* a second ACK 0 may answer a second OACK */
		return send_window(t, now);
	}
	if (ahead > t->sent - t->base) /* long gone, or not sent yet */
		return nothing;
	return ahead == 0 ? repeated_ack(t, now) : progress(t, ahead, now);
}

struct tftp_action
tftp_transfer_reply(struct tftp_transfer *t, const struct tftp_reply *reply, uint64_t now)
{
	if (t->state == TFTP_WAITING)
		return nothing; /* nobody knows our port yet */
	if (reply->kind == TFTP_REPLY_ERROR)
		return end(DONE_CLOSED);
	return reply->kind == TFTP_REPLY_ACK ? on_ack(t, reply->block, now) : nothing;
}

/* ---- time, and ends of other kinds ---- */

struct tftp_action
tftp_transfer_expired(struct tftp_transfer *t, uint64_t now)
{
	if (t->state == TFTP_WAITING)
		return end(0);
	if (t->tries >= tries_allowed(t))
		return end(tftp_transfer_is_lingering(t) ? DONE_SENT : DONE_TIMEOUT);
	return send_again(t, now);
}

struct tftp_action
tftp_transfer_failed(struct tftp_transfer *t)
{
	return end_with_error(TFTP_ERROR_OTHER, DONE_FAILED);
}

struct tftp_action
tftp_transfer_replaced(struct tftp_transfer *t)
{
	if (t->state == TFTP_WAITING)
		return end(0);
	return end(tftp_transfer_is_lingering(t) ? DONE_SENT : DONE_CLOSED);
}

bool
tftp_transfer_is_lingering(const struct tftp_transfer *t)
{
	return t->state == TFTP_SENDING && t->heard && t->base + 1 == t->last && t->sent == t->last;
}

uint64_t
tftp_transfer_bytes(const struct tftp_transfer *t)
{
	if (t->request.mode == TFTP_NETASCII)
		return t->from.offset;
	return min64(t->base * t->block_size, t->size);
}

void
tftp_transfer_extent(const struct tftp_transfer *t, uint64_t block, uint64_t *offset, uint32_t *length)
{
	*offset = (block - 1) * t->block_size;
	*length = (uint32_t)min64(t->block_size, t->size - *offset);
}
