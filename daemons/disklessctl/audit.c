/* SPDX-License-Identifier: ISC */
/*
 * Duty: `audit`: what the server's auditor finds now, in words and as exit status. Runs as part of disklessctl, as its caller. Holds nothing;
 * must never call fine what was not looked at.
 */
#include "disklessctl.h"

#include <stdio.h>

#include "ipc.h"
#include "output.h"
#include "request.h"

enum { FINE = 0, BREACH = 1, CANNOT_TELL = 2 };

static const char *
word_of(uint32_t kind)
{
	return kind == FINDING_BREACH ? "breach" : kind == FINDING_NOTE ? "note" : "unknown";
}

static const char *
door_of(uint32_t closes)
{
	return closes == CLOSES_CLIENT ? "of the client" : closes == CLOSES_ALL ? "of all" : NULL;
}

static void
show(struct output *o, const struct msg_finding *finding, size_t count)
{
	output_list(o, NULL);
	for (size_t i = 0; i < count; i++) {
		output_row(o);
		output_text(o, "finding", word_of(finding[i].kind));
		output_text(o, "closed", door_of(finding[i].closes));
		output_text(o, "text", finding[i].text);
	}
	output_close(o);
}

static int
verdict(const struct msg_finding *finding, size_t count)
{
	int worst = FINE;

	for (size_t i = 0; i < count; i++) {
		if (finding[i].kind == FINDING_BREACH)
			return BREACH;
		if (finding[i].kind != FINDING_NOTE)
			worst = CANNOT_TELL;
	}
	return worst;
}

int
ctl_audit(int argc, char **argv, bool json)
{
	struct rows rows[] = { { .type = MSG_CTL_FINDING, .size = sizeof(struct msg_finding) }, { .type = MSG_NONE } };
	struct request r = { .verb = CTL_AUDIT, .row = rows_keep, .argument = rows };
	const struct msg_finding *finding;
	struct output *o;
	int status;

	if (argc > 1)
		return usage_error("\"%s\" is too much", argv[1]);
	if (!request_or_complain(&r))
		return CANNOT_TELL;
	finding = (const struct msg_finding *)(const void *)rows[0].row;
	status = verdict(finding, rows[0].count);
	if (json || rows[0].count > 0) {
		o = output_new(stdout, json);
		show(o, finding, rows[0].count);
		if (!output_end(o))
			status = CANNOT_TELL;
	}
	if (!json)
		puts(status == FINE     ? "the walls stand"
		     : status == BREACH ? "there is a breach"
					: "not everything could be looked at");
	rows_free(rows);
	return status;
}
