/* SPDX-License-Identifier: ISC */
/*
 * What came of a command for each of several clients, as it comes, and of all at the end. For people: a line for each that went
 * well on standard output, an error for each that did not on standard error, and a total if there are several. As JSON: an object
 * with a row for each.
 */
#ifndef DISKLESS_REPORT_H
#define DISKLESS_REPORT_H

#include <stdbool.h>
#include <stddef.h>

struct output;

struct report {
	const char *done; /* "added" */
	struct output *output;
	bool json;
	size_t good, failed;
	const char *note; /* said once at the end, if anything went well; or NULL */
};

void report_begin(struct report *, const char *done, bool json);
/* text: what is to be said beside; or NULL. */
void report_good(struct report *, const char *client, const char *text);
void report_failed(struct report *, const char *client, const char *why);
/* The exit status. */
int report_end(struct report *);

#endif
