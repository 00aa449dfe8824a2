/* SPDX-License-Identifier: ISC */
/* Duty: what is said to somebody who used a command wrongly. */
#include "disklessctl.h"

#include <stdarg.h>
#include <stdio.h>

static const char *command = "disklessctl";
static const char *arguments = "COMMAND ...";

void
usage_is(const char *words, const char *rest)
{
	command = words;
	arguments = rest;
}

int
usage_error(const char *format, ...)
{
	va_list list;

	if (format != NULL) {
		fputs("disklessctl: ", stderr);
		va_start(list, format);
		vfprintf(stderr, format, list);
		va_end(list);
		putc('\n', stderr);
	}
	fprintf(stderr, "usage: %s%s%s\n", command, arguments[0] == '\0' ? "" : " ", arguments);
	return EXIT_USAGE;
}
