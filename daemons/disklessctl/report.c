/* SPDX-License-Identifier: ISC */
/* Duty: the report on a command that works on several clients (report.h). Runs as part of disklessctl. */
#include "report.h"

#include <stdio.h>

#include "disklessctl.h"
#include "log.h"
#include "output.h"

void
report_begin(struct report *r, const char *done, bool json)
{
	*r = (struct report){ .done = done, .json = json };
	if (!json)
		return;
	r->output = output_new(stdout, true);
	output_object(r->output, NULL);
	output_list(r->output, "clients");
}

static void
row(struct report *r, const char *client, bool good, const char *text)
{
	output_row(r->output);
	output_text(r->output, "client", client);
	output_text(r->output, "result", good ? r->done : "failed");
	output_text(r->output, "text", text);
}

void
report_good(struct report *r, const char *client, const char *text)
{
	r->good++;
	if (r->json)
		row(r, client, true, text);
	else
		printf("client %s %s%s%s\n", client, r->done, text == NULL ? "" : ": ", text == NULL ? "" : text);
	fflush(stdout); /* one that takes long is seen to go on */
}

void
report_failed(struct report *r, const char *client, const char *why)
{
	r->failed++;
	if (r->json)
		row(r, client, false, why);
	log_errx("client %s: %s", client, why);
}

int
report_end(struct report *r)
{
	bool written = true;

	if (r->json) {
		output_close(r->output);
		output_number(r->output, r->done, r->good);
		output_number(r->output, "failed", r->failed);
		output_text(r->output, "note", r->good > 0 ? r->note : NULL);
		written = output_end(r->output);
	} else {
		if (r->good + r->failed > 1)
			printf("%zu %s, %zu failed\n", r->good, r->done, r->failed);
		if (r->good > 0 && r->note != NULL)
			printf("note: %s\n", r->note);
	}
	return r->failed == 0 && written ? EXIT_OK : EXIT_FAILED;
}
