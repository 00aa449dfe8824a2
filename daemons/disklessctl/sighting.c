/* SPDX-License-Identifier: ISC */
/* Duty: `sighting list`: boards that asked to boot and are no clients yet, the latest first. Runs as part of disklessctl, as its caller. */
#include "disklessctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "address.h"
#include "output.h"
#include "request.h"

void
row_sighting(struct output *o, const struct msg_ctl_sighting *s)
{
	char mac[MAC_TEXT], serial[16], revision[16];

	snprintf(serial, sizeof(serial), "%08" PRIx32, s->serial);
	snprintf(revision, sizeof(revision), "%06" PRIx32, s->revision);
	output_row(o);
	output_text(o, "mac", mac_text(s->mac, mac));
	output_text(o, "serial", s->has_serial ? serial : NULL);
	output_text(o, "model", word_model(s->model));
	output_text(o, "revision", s->revision == 0 ? NULL : revision);
	output_text(o, "network", s->network);
	output_number(o, "count", s->count);
	output_time(o, "first", s->first);
	output_time(o, "last", s->last);
	output_text(o, "vendor", s->vendor);
}

static int
latest_first(const void *a, const void *b)
{
	const struct msg_ctl_sighting *x = a, *y = b;

	return x->last > y->last ? -1 : x->last < y->last;
}

int
sighting_list(int argc, char **argv, bool json)
{
	struct rows rows[] = { { .type = MSG_CTL_SIGHTING, .size = sizeof(struct msg_ctl_sighting) },
		{ .type = MSG_NONE } };
	struct request r = { .verb = CTL_SIGHTINGS, .row = rows_keep, .argument = rows };
	struct output *o;
	bool good;

	if (argc > 1)
		return usage_error("\"%s\" is too much", argv[1]);
	if (!request_or_complain(&r))
		return EXIT_FAILED;
	if (rows[0].count > 0)
		qsort(rows[0].row, rows[0].count, rows[0].size, latest_first);
	o = output_new(stdout, json);
	output_list(o, NULL);
	for (size_t i = 0; i < rows[0].count; i++)
		row_sighting(o, &((const struct msg_ctl_sighting *)(const void *)rows[0].row)[i]);
	good = output_end(o);
	rows_free(rows);
	return good ? EXIT_OK : EXIT_FAILED;
}
