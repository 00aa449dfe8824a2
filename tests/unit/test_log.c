/* SPDX-License-Identifier: ISC */
/* Logging: bytes from outside are made visible, a network cannot choose the rate, a jailed process's record is data. */
#include "log.h"

#include <sys/socket.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <event2/event.h>

#include "log_sink.h"

static char text[64];

Test(log, bytes_that_a_terminal_would_obey_are_made_visible)
{
	cr_expect_str_eq(log_visible(text, sizeof(text), "plain text", 10), "plain text");
	cr_expect_str_eq(log_visible(text, sizeof(text), "a\033[2Jb\n", 7), "a\\033[2Jb\\012");
	cr_expect_str_eq(log_visible(text, sizeof(text), "\0x", 2), "\\000x");
	cr_expect_str_eq(log_visible(text, sizeof(text), "\\", 1), "\\134");
	cr_expect_str_eq(log_visible(text, sizeof(text), "", 0), "");
}

Test(log, visible_text_is_cut_between_two_of_its_escapes_and_always_ended)
{
	char small[8];

	cr_expect_str_eq(log_visible(small, sizeof(small), "abc\n\n", 5), "abc\\012");
	cr_expect_str_eq(log_visible(small, 1, "abc", 3), "");
}

Test(log, a_limit_lets_its_burst_pass_and_then_one_each_interval)
{
	struct log_limit limit = LOG_LIMIT(3, 3600000);
	int passed = 0;

	for (int i = 0; i < 1000; i++)
		passed += log_limit_pass(&limit);
	cr_expect_eq(passed, 3);
	cr_expect_eq(limit.suppressed, 997u);
}

Test(log, a_record_that_the_pipe_does_not_take_is_counted_and_never_waited_for)
{
	char record[2048];
	int pair[2];
	ssize_t length = 0;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	log_to_pipe("test", pair[0]);
	for (int i = 0; i < 10000; i++)
		log_info("message %d", i);
	while (recv(pair[1], record, sizeof(record), MSG_DONTWAIT) > 0)
		;
	log_info("the next");
	length = recv(pair[1], record, sizeof(record) - 1, MSG_DONTWAIT);
	cr_assert_gt(length, 0);
	record[length] = '\0';
	cr_expect_eq(record[0], LOG_INFO);
	cr_expect(strstr(record + 1, "earlier messages lost") != NULL, "%s", record + 1);
}

Test(log, a_sink_writes_what_a_child_says_as_text_under_its_name, .init = cr_redirect_stderr)
{
	struct event_base *base = event_base_new();
	struct log_sink *sink;
	char written[4096] = "";
	int child;

	log_to_stderr("parent");
	sink = log_sink_new(base, "tftp lab", &child);
	cr_assert_eq(send(child, "\006hello\nfatal: forged", 20, 0), 20);
	cr_assert_eq(send(child, "\377", 1, 0), 1);
	cr_assert_eq(send(child, "\001with a priority that is the parent's alone", 43, 0), 43);
	event_base_loop(base, EVLOOP_NONBLOCK);
	log_sink_free(sink);
	fflush(stderr);
	FILE *f = cr_get_redirected_stderr();
	size_t length = fread(written, 1, sizeof(written) - 1, f);
	written[length] = '\0';
	cr_expect(strstr(written, "tftp lab: hello\\012fatal: forged\n") != NULL, "%s", written);
	event_base_free(base);
}
