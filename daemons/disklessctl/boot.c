/* SPDX-License-Identifier: ISC */
/*
 * Duty: `boot list`: how far boards came, when, and what to look at where one stands still. Runs as part of disklessctl, as its
 * caller. Holds nothing: rows are printed as they come.
 */
#include "disklessctl.h"

#include <getopt.h>
#include <stdio.h>

#include "output.h"
#include "request.h"

void
row_boot(struct output *o, const struct msg_ctl_boot *b)
{
	output_row(o);
	output_text(o, "client", b->client);
	output_text(o, "step", word_step(b->step));
	output_bool(o, "stalled", b->stalled != 0);
	for (uint32_t step = STEP_SEEN; step < STEPS; step++)
		output_time(o, word_step(step), b->at[step]);
	output_number(o, "files", b->files);
	output_number(o, "missing", b->missing);
	output_number(o, "refused", b->refused);
	output_number(o, "retransmits", b->retransmits);
	output_bytes(o, "bytes", b->bytes);
	output_text(o, "file", b->file[0] == '\0' ? NULL : b->file);
	output_text(o, "fault", b->fault[0] == '\0' ? NULL : b->fault);
}

struct printer {
	struct output *output;
	bool follow;
};

static void
print_row(const struct ipc_message *message, void *argument)
{
	struct printer *p = argument;

	if (message->type != MSG_CTL_BOOT)
		return;
	row_boot(p->output, &message->body.CTL_BOOT);
	if (p->follow)
		output_flush(p->output);
}

static int
list(const char *name, bool follow, bool json)
{
	struct printer printer = { .output = output_new(stdout, json), .follow = follow };
	struct request r = {
		.verb = CTL_BOOTS, .name = name, .follow = follow, .row = print_row, .argument = &printer
	};
	enum request_result result;

	if (follow)
		output_follow(printer.output);
	output_list(printer.output, NULL);
	result = request(&r);
	if (!output_end(printer.output))
		return EXIT_FAILED;
	if (result == REQUEST_OK)
		return EXIT_OK;
	complain(r.text);
	return EXIT_FAILED;
}

int
boot_list(int argc, char **argv, bool json)
{
	static const struct option options[] = { { "follow", no_argument, NULL, 'f' }, { 0 } };
	bool follow = false;
	int c;

	while ((c = getopt_long(argc, argv, "f", options, NULL)) != -1) {
		if (c != 'f')
			return usage_error(NULL);
		follow = true;
	}
	if (argc - optind > 1)
		return usage_error("\"%s\" is too much", argv[optind + 1]);
	return list(argv[optind], follow, json);
}
