/* SPDX-License-Identifier: ISC */
/*
 * How far a long step is, on stderr: a bar on a terminal, drawn over itself and gone when it ends; else a line every few seconds,
 * and none for what is done before.
 */
#ifndef DISKLESS_PROGRESS_H
#define DISKLESS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	const char *what; /* a verb: "unpacking" */
	uint64_t total;   /* bytes; 0: nobody knows */
	uint64_t begun;   /* ms */
	uint64_t shown;
	bool terminal;
	bool drawn;
};

void progress_begin(struct progress *, const char *what, uint64_t total);
void progress_at(struct progress *, uint64_t done);
void progress_end(struct progress *);

/* "37% of 2.3G, 84.1M/s, 17 s left", with total 0 "870M, 84.1M/s". Pure; done may be more than total, and elapsed_ms 0. */
void progress_text(uint64_t done, uint64_t total, uint64_t elapsed_ms, char *text, size_t size);

#endif
