/* SPDX-License-Identifier: ISC */
/* The writer of disklessctl: the same calls as a table and as JSON, and what becomes of hostile bytes. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "disklessctl/disklessctl.h"
#include "disklessctl/output.h"

static char *text;
static size_t length;
static FILE *file;

static struct output *
begin(bool json)
{
	setenv("TZ", "UTC", 1);
	file = open_memstream(&text, &length);
	return output_new(file, json);
}

static void
ends_as(struct output *o, const char *golden)
{
	cr_assert(output_end(o));
	fclose(file);
	cr_expect_str_eq(text, golden, "wrote:\n%s", text);
	free(text);
}

static void
two_rows(struct output *o)
{
	output_list(o, NULL);
	output_row(o);
	output_text(o, "name", "node1");
	output_number(o, "pid", 7);
	output_bytes(o, "used", 1610612736);
	output_time(o, "last_seen", 0);
	output_bool(o, "whole", true);
	output_row(o);
	output_text(o, "name", NULL);
	output_number(o, "pid", 12345);
	output_bytes(o, "used", 512);
	output_time(o, "last_seen", 1795464000999);
	output_bool(o, "whole", false);
	output_close(o);
}

Test(output, a_table_has_titles_and_columns_as_wide_as_needed)
{
	struct output *o = begin(false);

	two_rows(o);
	ends_as(o, "NAME     PID  USED  LAST-SEEN            WHOLE\n"
		   "node1      7  1.5G  -                    yes\n"
		   "-      12345   512  2026-11-23 20:00:00  no\n");
}

Test(output, the_same_list_as_json)
{
	struct output *o = begin(true);

	two_rows(o);
	ends_as(o, "[\n"
		   "{\"name\": \"node1\", \"pid\": 7, \"used\": 1610612736, \"last_seen\": null, \"whole\": true},\n"
		   "{\"name\": null, \"pid\": 12345, \"used\": 512, \"last_seen\": \"2026-11-23T20:00:00Z\", "
		   "\"whole\": false}\n"
		   "]\n");
}

static void
nested(struct output *o)
{
	output_object(o, NULL);
	output_object(o, "server");
	output_bool(o, "nfsd", true);
	output_close(o);
	output_list(o, "processes");
	output_row(o);
	output_text(o, "process", "broker");
	output_close(o);
	output_list(o, "networks");
	output_close(o);
	output_close(o);
}

Test(output, objects_and_lists_nest_in_json)
{
	struct output *o = begin(true);

	nested(o);
	ends_as(
	    o, "{\"server\": {\"nfsd\": true}, \"processes\": [\n{\"process\": \"broker\"}\n], \"networks\": []}\n");
}

Test(output, parts_of_a_text_are_set_apart_by_an_empty_line)
{
	struct output *o = begin(false);

	nested(o);
	ends_as(o, "nfsd           yes\n\nPROCESS\nbroker\n");
}

Test(output, an_empty_list_is_empty_brackets_or_nothing)
{
	struct output *o = begin(true);

	output_list(o, NULL);
	ends_as(o, "[]\n");
	o = begin(false);
	output_list(o, NULL);
	ends_as(o, "");
}

Test(output, hostile_bytes_are_escaped_in_json)
{
	struct output *o = begin(true);

	output_object(o, NULL);
	output_text(o, "a", "\"\\\n\x1b[31m\x7f");
	output_text(o, "b", "\xc3\xa9 \xff \xc3( \xed\xa0\x80 \xe2\x82");
	ends_as(o, "{\"a\": \"\\\"\\\\\\u000a\\u001b[31m\\u007f\", "
		   "\"b\": \"\xc3\xa9 \\ufffd \\ufffd( \\ufffd\\ufffd\\ufffd \\ufffd\\ufffd\"}\n");
}

Test(output, no_byte_that_a_terminal_obeys_is_in_a_table)
{
	struct output *o = begin(false);

	output_object(o, NULL);
	output_text(o, "a", "x\x1b[31m\n\xff\xc2\x9b y");
	ends_as(o, "a              x?[31m?\?\?\? y\n");
}

Test(output, rows_that_follow_are_documents_of_their_own)
{
	struct output *o = begin(true);

	output_follow(o);
	output_list(o, NULL);
	output_row(o);
	output_number(o, "n", 1);
	output_flush(o);
	cr_expect_str_eq(text, "{\"n\": 1}\n");
	output_row(o);
	output_number(o, "n", 2);
	output_flush(o);
	ends_as(o, "{\"n\": 1}\n{\"n\": 2}\n");
}

Test(output, a_table_that_follows_has_its_titles_once)
{
	struct output *o = begin(false);

	output_follow(o);
	output_list(o, NULL);
	output_row(o);
	output_text(o, "name", "node1");
	output_text(o, "step", "seen");
	output_flush(o);
	cr_expect_str_eq(text, "NAME   STEP\nnode1  seen\n");
	output_row(o);
	output_text(o, "name", "n2");
	output_text(o, "step", "offered");
	output_flush(o);
	ends_as(o, "NAME   STEP\nnode1  seen\nn2     offered\n");
}

static void
sighting_of_a_pi_4(struct output *o)
{
	struct msg_ctl_sighting s = { .first = 1795464000000,
		.last = 1795464005000,
		.count = 2,
		.model = BOARD_PI4,
		.revision = 0xc03114,
		.serial = 0x0234abcd,
		.has_serial = 1,
		.mac = { 0xdc, 0xa6, 0x32, 1, 2, 3 },
		.network = "lab",
		.vendor = "PXEClient" };

	output_list(o, NULL);
	row_sighting(o, &s);
}

Test(output, a_sighting_has_what_client_add_asks_for)
{
	struct output *o = begin(false);

	sighting_of_a_pi_4(o);
	ends_as(o, "MAC                SERIAL    MODEL           REVISION  NETWORK  COUNT  FIRST                LAST   "
		   "              "
		   "VENDOR\n"
		   "dc:a6:32:01:02:03  0234abcd  Raspberry Pi 4  c03114    lab          2  2026-11-23 20:00:00  "
		   "2026-11-23 20:00:05  "
		   "PXEClient\n");
	o = begin(true);
	sighting_of_a_pi_4(o);
	ends_as(o, "[\n{\"mac\": \"dc:a6:32:01:02:03\", \"serial\": \"0234abcd\", \"model\": \"Raspberry Pi 4\", "
		   "\"revision\": \"c03114\", \"network\": \"lab\", \"count\": 2, \"first\": \"2026-11-23T20:00:00Z\", "
		   "\"last\": \"2026-11-23T20:00:05Z\", \"vendor\": \"PXEClient\"}\n]\n");
}

static void
failed_client(struct output *o)
{
	struct msg_ctl_client c = {
		.client = { .address = 0x0c0aa8c0, .mac = { 0xdc, 0xa6, 0x32, 1, 2, 3 }, .name = "node1" },
		.state = { .phase = CLIENT_FAILED, .quota = 8589934592, .used = 1048576, .text = "no image" },
		.step = STEP_KERNEL
	};

	output_list(o, NULL);
	row_client(o, &c, "lab", NULL);
}

Test(output, a_client_that_failed_says_why)
{
	struct output *o = begin(false);

	failed_client(o);
	ends_as(o,
	    "NAME   NETWORK  ADDRESS        MAC                IMAGE  PHASE   USED  QUOTA  BOOT    LAST-SEEN  FAULT\n"
	    "node1  lab      192.168.10.12  dc:a6:32:01:02:03  -      failed    1M     8G  kernel  -          no "
	    "image\n");
	o = begin(true);
	failed_client(o);
	ends_as(o, "[\n{\"name\": \"node1\", \"network\": \"lab\", \"address\": \"192.168.10.12\", "
		   "\"mac\": \"dc:a6:32:01:02:03\", \"image\": null, \"phase\": \"failed\", \"used\": 1048576, "
		   "\"quota\": 8589934592, \"boot\": \"kernel\", \"last_seen\": null, \"fault\": \"no image\"}\n]\n");
}

static void
stalled_boot(struct output *o)
{
	struct msg_ctl_boot b = { .at = { [STEP_SEEN] = 1795464000000, [STEP_OFFERED] = 1795464000000 },
		.missing = 1,
		.step = STEP_OFFERED,
		.stalled = 1,
		.client = "node1",
		.file = "start4.elf",
		.fault = "asked for \"it\"" };

	output_follow(o);
	output_list(o, NULL);
	row_boot(o, &b);
	output_flush(o);
}

Test(output, a_boot_has_a_time_for_each_step_it_reached)
{
	struct output *o = begin(false);

	stalled_boot(o);
	ends_as(o, "CLIENT  STEP     STALLED  SEEN                 OFFERED              FIRMWARE  KERNEL  MOUNTED  "
		   "FILES  MISSING  "
		   "REFUSED  RETRANSMITS  BYTES  FILE        FAULT\n"
		   "node1   offered  yes      2026-11-23 20:00:00  2026-11-23 20:00:00  -         -       -            "
		   "0        1  "
		   "      0            0      0  start4.elf  asked for \"it\"\n");
	o = begin(true);
	stalled_boot(o);
	ends_as(o,
	    "{\"client\": \"node1\", \"step\": \"offered\", \"stalled\": true, \"seen\": \"2026-11-23T20:00:00Z\", "
	    "\"offered\": \"2026-11-23T20:00:00Z\", \"firmware\": null, \"kernel\": null, \"mounted\": null, "
	    "\"files\": 0, \"missing\": 1, \"refused\": 0, \"retransmits\": 0, \"bytes\": 0, "
	    "\"file\": \"start4.elf\", \"fault\": \"asked for \\\"it\\\"\"}\n");
}

Test(output, sizes_are_short_for_people)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 1023, "1023" },
		{ 1024, "1K" },
		{ 1536, "1.5K" },
		{ 8589934592, "8G" },
		{ 1048575, "1M" },
		{ 1073741824 - 1, "1G" },
		{ UINT64_MAX, "16E" },
	};
	char human[16];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect_str_eq(output_human(cases[i].bytes, human), cases[i].text, "%s", human);
}
