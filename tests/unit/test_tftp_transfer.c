/* SPDX-License-Identifier: ISC */
/* One transfer against a fake clock: each test is a conversation, with what is done written as text. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "tftp/tftp_transfer.h"

#define MTU 1500

static struct tftp_transfer t;
static struct tftp_request request;
static uint64_t now;

static void
set_up(void)
{
	memset(&t, 0, sizeof(t));
	memset(&request, 0, sizeof(request));
	strcpy(request.path, "file");
	now = 100000;
}

TestSuite(tftp_transfer, .init = set_up);

/* "nothing", "ask", "OACK", "DATA 5" or "DATA 5..8", "ERROR 1"; and " end" with the report's number. */
static const char *
as_text(struct tftp_action action)
{
	static const char *const names[] = { "nothing", "ask", "OACK", "DATA", "ERROR" };
	static char text[80];
	int used = snprintf(text, sizeof(text), "%s", names[action.send]);

	if (action.send == TFTP_SEND_BLOCKS)
		used += snprintf(text + used, sizeof(text) - (size_t)used, " %llu", (unsigned long long)action.first);
	if (action.send == TFTP_SEND_BLOCKS && action.count > 1)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "..%llu",
		    (unsigned long long)action.first + action.count - 1);
	if (action.send == TFTP_SEND_ERROR)
		used += snprintf(text + used, sizeof(text) - (size_t)used, " %d", (int)action.error);
	if (action.end)
		snprintf(text + used, sizeof(text) - (size_t)used, " end %u", action.report);
	return text;
}

#define DOES(action, expected) cr_assert_str_eq(as_text(action), expected)

static void
option(enum tftp_option_kind kind, uint64_t value)
{
	request.option[request.count++] = (struct tftp_option){ .kind = (uint8_t)kind, .value = value, .name = "name" };
}

static struct tftp_action
grant(uint64_t size)
{
	DOES(tftp_transfer_begin(&t, &request, now), "ask");
	return tftp_transfer_granted(&t, size, MTU, now);
}

static struct tftp_action
ack(unsigned block)
{
	struct tftp_reply reply = { .kind = TFTP_REPLY_ACK, .block = (uint16_t)block };

	return tftp_transfer_reply(&t, &reply, now);
}

static struct tftp_action
client_error(void)
{
	struct tftp_reply reply = { .kind = TFTP_REPLY_ERROR };

	return tftp_transfer_reply(&t, &reply, now);
}

/* The clock to the deadline, and what happens there. */
static struct tftp_action
wait_for_deadline(void)
{
	now = t.deadline;
	return tftp_transfer_expired(&t, now);
}

/* ---- beginnings ---- */

Test(tftp_transfer, without_options_the_first_block_comes_at_once)
{
	DOES(grant(1300), "DATA 1");
	DOES(ack(1), "DATA 2");
	DOES(ack(2), "DATA 3");
	DOES(ack(3), "nothing end 1");
	cr_assert_eq(t.block_size, 512);
	cr_assert_eq(tftp_transfer_bytes(&t), 1300);
	cr_assert_eq(t.retransmits, 0);
}

Test(tftp_transfer, with_options_an_oack_comes_first)
{
	option(TFTP_TSIZE, 0);
	option(TFTP_BLKSIZE, 1024);
	DOES(grant(1300), "OACK");
	cr_assert_eq(t.answers, 2);
	cr_assert_eq(t.answer[0].kind, TFTP_TSIZE);
	cr_assert_eq(t.answer[0].value, 1300);
	cr_assert_eq(t.answer[1].value, 1024);
	DOES(ack(0), "DATA 1");
	DOES(ack(1), "DATA 2");
	DOES(ack(2), "nothing end 1");
}

static uint64_t
answer_to(enum tftp_option_kind kind, uint64_t value)
{
	set_up();
	option(kind, value);
	DOES(grant(5000000000), "OACK");
	cr_assert_eq(t.answers, 1);
	return t.answer[0].value;
}

Test(tftp_transfer, answers_to_options)
{
	cr_assert_eq(answer_to(TFTP_BLKSIZE, 8), 8);
	cr_assert_eq(answer_to(TFTP_BLKSIZE, 1468), 1468);
	cr_assert_eq(answer_to(TFTP_BLKSIZE, 1469), MTU - 32, "no fragments");
	cr_assert_eq(answer_to(TFTP_BLKSIZE, 65464), MTU - 32);
	cr_assert_eq(t.block_size, MTU - 32);
	cr_assert_eq(answer_to(TFTP_TSIZE, 0), 5000000000);
	cr_assert_eq(answer_to(TFTP_TSIZE, 5), 5000000000);
	cr_assert_eq(answer_to(TFTP_TIMEOUT, 255), 255);
	cr_assert_eq(answer_to(TFTP_WINDOWSIZE, 16), 16);
	cr_assert_eq(answer_to(TFTP_WINDOWSIZE, 65535), TFTP_WINDOW);
	cr_assert_eq(t.window, TFTP_WINDOW);
}

Test(tftp_transfer, an_interface_of_any_mtu)
{
	option(TFTP_BLKSIZE, 65464);
	tftp_transfer_begin(&t, &request, now);
	tftp_transfer_granted(&t, 10, 65536, now);
	cr_assert_eq(t.block_size, 65464);
	tftp_transfer_granted(&t, 10, 0, now);
	cr_assert_eq(t.block_size, TFTP_BLOCK_MIN);
}

Test(tftp_transfer, a_translated_file_has_no_tsize_and_no_window)
{
	request.mode = TFTP_NETASCII;
	option(TFTP_TSIZE, 0);
	option(TFTP_WINDOWSIZE, 8);
	DOES(grant(1300), "DATA 1");
	cr_assert_eq(t.window, 1);
	cr_assert_eq(t.last, UINT64_MAX);
}

Test(tftp_transfer, a_translated_file_ends_where_its_reader_says)
{
	request.mode = TFTP_NETASCII;
	DOES(grant(700), "DATA 1");
	t.to.offset = 500;
	DOES(ack(1), "DATA 2");
	cr_assert_eq(t.from.offset, 500);
	t.to.offset = 700;
	t.last = 2;
	DOES(wait_for_deadline(), "DATA 2");
	cr_assert_eq(t.from.offset, 500, "again from the same place");
	DOES(ack(2), "nothing end 1");
	cr_assert_eq(tftp_transfer_bytes(&t), 700);
}

Test(tftp_transfer, refusals)
{
	tftp_transfer_begin(&t, &request, now);
	DOES(tftp_transfer_refused(&t, REFUSE_SILENTLY), "nothing end 0");
	DOES(tftp_transfer_refused(&t, REFUSE_NOT_FOUND), "ERROR 1 end 4");
	DOES(tftp_transfer_refused(&t, REFUSE_ACCESS), "ERROR 2 end 5");
	DOES(tftp_transfer_no_file(&t, FILE_NOT_FOUND), "ERROR 1 end 4");
	DOES(tftp_transfer_no_file(&t, FILE_REFUSED), "ERROR 2 end 5");
	DOES(tftp_transfer_no_file(&t, FILE_FAILED), "ERROR 0 end 6");
	DOES(tftp_transfer_no_file(&t, FILE_OPENED), "ERROR 0 end 6");
	DOES(tftp_transfer_refused(&t, 77), "nothing end 0");
}

Test(tftp_transfer, a_request_that_nobody_decides_is_forgotten)
{
	tftp_transfer_begin(&t, &request, now);
	cr_assert_eq(t.deadline, now + 5000);
	DOES(ack(0), "nothing");
	DOES(client_error(), "nothing");
	DOES(wait_for_deadline(), "nothing end 0");
}

/* ---- ends ---- */

Test(tftp_transfer, an_empty_file_is_one_empty_block)
{
	uint64_t offset;
	uint32_t length;

	DOES(grant(0), "DATA 1");
	tftp_transfer_extent(&t, 1, &offset, &length);
	cr_assert_eq(offset, 0);
	cr_assert_eq(length, 0);
	DOES(ack(1), "nothing end 1");
}

Test(tftp_transfer, a_multiple_of_the_block_size_ends_with_an_empty_block)
{
	uint64_t offset;
	uint32_t length;

	DOES(grant(1024), "DATA 1");
	DOES(ack(1), "DATA 2");
	DOES(ack(2), "DATA 3");
	tftp_transfer_extent(&t, 2, &offset, &length);
	cr_assert(offset == 512 && length == 512);
	tftp_transfer_extent(&t, 3, &offset, &length);
	cr_assert(offset == 1024 && length == 0);
	DOES(ack(3), "nothing end 1");
}

Test(tftp_transfer, early_terminate_after_the_oack_is_no_failure)
{
	option(TFTP_TSIZE, 0);
	DOES(grant(1300), "OACK");
	DOES(client_error(), "nothing end 2");
	cr_assert_eq(tftp_transfer_bytes(&t), 0);
}

Test(tftp_transfer, early_terminate_in_the_middle)
{
	DOES(grant(1300), "DATA 1");
	DOES(ack(1), "DATA 2");
	DOES(client_error(), "nothing end 2");
	cr_assert_eq(tftp_transfer_bytes(&t), 512);
}

Test(tftp_transfer, a_file_that_fails_us_is_one_error)
{
	DOES(grant(1300), "DATA 1");
	DOES(tftp_transfer_failed(&t), "ERROR 0 end 6");
}

Test(tftp_transfer, a_client_that_goes_on_has_closed_the_former)
{
	DOES(grant(1300), "DATA 1");
	DOES(tftp_transfer_replaced(&t), "nothing end 2");
	DOES(ack(1), "DATA 2");
	DOES(ack(2), "DATA 3");
	DOES(tftp_transfer_replaced(&t), "nothing end 1");
}

/* ---- acknowledgements ---- */

Test(tftp_transfer, duplicate_acks_send_nothing)
{
	DOES(grant(5000), "DATA 1");
	DOES(ack(1), "DATA 2");
	DOES(ack(1), "nothing");
	DOES(ack(1), "nothing");
	DOES(ack(2), "DATA 3");
}

Test(tftp_transfer, acks_of_the_past_and_the_future_are_ignored)
{
	DOES(grant(500000), "DATA 1");
	DOES(ack(2), "nothing");
	DOES(ack(9), "nothing");
	DOES(ack(0xffff), "nothing");
	DOES(ack(1), "DATA 2");
	DOES(ack(2), "DATA 3");
	DOES(ack(0), "nothing");
	DOES(ack(1), "nothing");
	DOES(ack(4), "nothing");
	DOES(ack(0x8003), "nothing");
	DOES(ack(3), "DATA 4");
}

Test(tftp_transfer, an_oack_is_acknowledged_by_0_only_and_once)
{
	option(TFTP_BLKSIZE, 1024);
	DOES(grant(5000), "OACK");
	DOES(ack(1), "nothing");
	DOES(ack(0xffff), "nothing");
	DOES(ack(0), "DATA 1");
	DOES(ack(0), "nothing");
	DOES(ack(1), "DATA 2");
}

Test(tftp_transfer, other_packets_are_ignored)
{
	struct tftp_reply other = { .kind = TFTP_REPLY_OTHER };

	DOES(grant(5000), "DATA 1");
	DOES(tftp_transfer_reply(&t, &other, now), "nothing");
	DOES(ack(1), "DATA 2");
}

/* Lock step from block 1 to the end; returns how many blocks that were. */
static uint64_t
run_through(void)
{
	struct tftp_action action = tftp_transfer_granted(&t, 3 * 65536 * 8 + 5, MTU, now);

	action = ack(0);
	while (!action.end) {
		cr_assert_eq(action.send, TFTP_SEND_BLOCKS);
		action = ack((uint16_t)(action.first + action.count - 1));
	}
	return t.base;
}

Test(tftp_transfer, block_numbers_roll_over_to_0)
{
	option(TFTP_BLKSIZE, 8);
	tftp_transfer_begin(&t, &request, now);
	cr_assert_eq(run_through(), 3 * 65536 + 1);
}

Test(tftp_transfer, windows_roll_over_too)
{
	option(TFTP_BLKSIZE, 8);
	option(TFTP_WINDOWSIZE, 48);
	tftp_transfer_begin(&t, &request, now);
	cr_assert_eq(run_through(), 3 * 65536 + 1);
	cr_assert_eq(t.retransmits, 0);
}

Test(tftp_transfer, a_stale_ack_at_the_rollover_is_ignored)
{
	option(TFTP_BLKSIZE, 8);
	tftp_transfer_begin(&t, &request, now);
	tftp_transfer_granted(&t, 70000 * 8, MTU, now);
	DOES(ack(0), "DATA 1");
	t.base = 65535;
	t.sent = 65536;
	DOES(ack(0xffff), "nothing");
	DOES(ack(1), "nothing");
	DOES(ack(0), "DATA 65537");
	DOES(ack(0), "nothing");
	DOES(ack(0xffff), "nothing");
	DOES(ack(1), "DATA 65538");
}

/* ---- windows ---- */

static void
start_window(unsigned window, uint64_t blocks)
{
	option(TFTP_WINDOWSIZE, window);
	DOES(grant((blocks - 1) * 512 + 1), "OACK");
}

Test(tftp_transfer, a_window_is_sent_for_each_ack)
{
	start_window(4, 10);
	DOES(ack(0), "DATA 1..4");
	DOES(ack(4), "DATA 5..8");
	DOES(ack(8), "DATA 9..10");
	DOES(ack(10), "nothing end 1");
}

Test(tftp_transfer, an_ack_inside_the_window_restarts_behind_it)
{
	start_window(8, 100);
	DOES(ack(0), "DATA 1..8");
	DOES(ack(2), "DATA 3..10");
	cr_assert_eq(t.retransmits, 6);
	DOES(ack(2), "nothing"); /* a client that acknowledges each block behind the gap */
	DOES(ack(2), "nothing");
	DOES(ack(10), "DATA 11..18");
	DOES(ack(9), "nothing");
}

Test(tftp_transfer, a_lost_first_block_of_a_window_restarts_it_once)
{
	start_window(4, 100);
	DOES(ack(0), "DATA 1..4");
	DOES(ack(4), "DATA 5..8");
	DOES(ack(4), "DATA 5..8");
	DOES(ack(4), "nothing");
	DOES(ack(4), "nothing");
	DOES(ack(8), "DATA 9..12");
	cr_assert_eq(t.retransmits, 4);
}

Test(tftp_transfer, acks_of_each_copy_of_a_window_do_not_double_the_next)
{
	start_window(4, 100);
	DOES(ack(0), "DATA 1..4");
	DOES(ack(4), "DATA 5..8");
	DOES(ack(4), "DATA 5..8");
	DOES(ack(8), "DATA 9..12");
	DOES(ack(8), "nothing");
	DOES(ack(12), "DATA 13..16");
	DOES(ack(12), "DATA 13..16");
}

Test(tftp_transfer, a_second_ack_0_does_not_double_the_first_window)
{
	start_window(4, 100);
	DOES(ack(0), "DATA 1..4");
	DOES(ack(0), "nothing");
	DOES(ack(4), "DATA 5..8");
}

Test(tftp_transfer, a_window_that_is_not_acknowledged_comes_again_whole)
{
	start_window(4, 100);
	DOES(ack(0), "DATA 1..4");
	DOES(ack(4), "DATA 5..8");
	DOES(wait_for_deadline(), "DATA 5..8");
	DOES(ack(4), "nothing");
	DOES(ack(8), "DATA 9..12");
}

Test(tftp_transfer, blocks_that_are_not_sent_yet_cannot_be_acknowledged)
{
	start_window(4, 100);
	DOES(ack(0), "DATA 1..4");
	DOES(ack(5), "nothing");
	DOES(ack(100), "nothing");
	DOES(ack(3), "DATA 4..7");
}

/* ---- time ---- */

Test(tftp_transfer, nothing_is_sent_again_within_a_second)
{
	DOES(grant(5000), "DATA 1");
	cr_assert_eq(t.deadline, now + 1000);
	now += 900;
	DOES(ack(1), "DATA 2");
	cr_assert_eq(t.deadline, now + 1000);
}

Test(tftp_transfer, a_silent_client_is_given_up_after_a_minute)
{
	static const unsigned seconds[] = { 1, 3, 7, 15, 23, 31, 39, 47, 55 };
	uint64_t start = now;
	unsigned i;

	DOES(grant(5000), "DATA 1");
	for (i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
		DOES(wait_for_deadline(), "DATA 1");
		cr_assert_eq(now, start + seconds[i] * 1000);
	}
	DOES(wait_for_deadline(), "nothing end 3");
	cr_assert_eq(now, start + 63000);
	cr_assert_eq(t.retransmits, 9);
}

Test(tftp_transfer, an_oack_is_repeated_as_well)
{
	option(TFTP_BLKSIZE, 1024);
	DOES(grant(5000), "OACK");
	DOES(wait_for_deadline(), "OACK");
	DOES(wait_for_deadline(), "OACK");
	cr_assert_eq(t.retransmits, 2);
	DOES(ack(0), "DATA 1");
	cr_assert_eq(t.deadline, now + 1000, "progress starts the waits anew");
}

Test(tftp_transfer, a_timeout_of_the_client_is_kept_exactly)
{
	unsigned i;

	option(TFTP_TIMEOUT, 3);
	DOES(grant(5000), "OACK");
	DOES(ack(0), "DATA 1");
	for (i = 1; i < 6; i++) {
		cr_assert_eq(t.deadline, now + 3000);
		DOES(wait_for_deadline(), "DATA 1");
	}
	DOES(wait_for_deadline(), "nothing end 3");
}

Test(tftp_transfer, a_lost_last_ack_is_no_failure)
{
	DOES(grant(600), "DATA 1");
	DOES(ack(1), "DATA 2");
	cr_assert(tftp_transfer_is_lingering(&t));
	DOES(wait_for_deadline(), "DATA 2");
	DOES(wait_for_deadline(), "DATA 2");
	DOES(wait_for_deadline(), "nothing end 1");
}

Test(tftp_transfer, a_client_that_never_said_anything_has_not_got_the_file)
{
	unsigned i;

	DOES(grant(5), "DATA 1");
	for (i = 1; i < TFTP_TRIES; i++)
		DOES(wait_for_deadline(), "DATA 1");
	DOES(wait_for_deadline(), "nothing end 3");
}

/* ---- the request again ---- */

Test(tftp_transfer, a_repeated_request_while_the_file_is_awaited_is_ignored)
{
	tftp_transfer_begin(&t, &request, now);
	cr_assert(tftp_transfer_is_same(&t, &request));
	now += 2000;
	DOES(tftp_transfer_repeated(&t, now), "nothing");
}

Test(tftp_transfer, a_repeated_request_gets_the_first_packet_again_after_a_second)
{
	option(TFTP_TSIZE, 0);
	DOES(grant(5000), "OACK");
	now += 999;
	DOES(tftp_transfer_repeated(&t, now), "nothing");
	now += 1;
	DOES(tftp_transfer_repeated(&t, now), "OACK");
	DOES(tftp_transfer_repeated(&t, now), "nothing");
	cr_assert_eq(t.deadline, now + 1000);
	cr_assert_eq(t.retransmits, 1);
}

Test(tftp_transfer, without_options_the_first_packet_is_block_1)
{
	DOES(grant(5000), "DATA 1");
	now += 1000;
	DOES(tftp_transfer_repeated(&t, now), "DATA 1");
}

Test(tftp_transfer, a_request_after_an_ack_or_with_other_words_is_a_new_one)
{
	struct tftp_request other = request;

	DOES(grant(5000), "DATA 1");
	cr_assert(tftp_transfer_is_same(&t, &request));
	strcpy(other.path, "another");
	cr_assert_not(tftp_transfer_is_same(&t, &other));
	other = request;
	other.mode = TFTP_NETASCII;
	cr_assert_not(tftp_transfer_is_same(&t, &other));
	DOES(ack(1), "DATA 2");
	cr_assert_not(tftp_transfer_is_same(&t, &request));
}
