/* SPDX-License-Identifier: ISC */
/*
 * Roots that are held: the server has withdrawn them, and attaches them again when they are let go, or when this process ends,
 * however it ends (clients.h). As root.
 */
#ifndef DISKLESS_HOLD_H
#define DISKLESS_HOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "messages.h"

struct hold {
	const char *name;
	int fd; /* -1: not held, and why */
	char why[TEXT_SIZE];
};

/* Takes all whose name is set and whose why is empty; the server is asked once. Waits for each up to ten seconds. */
void holds_take(struct hold *, size_t count);
void hold_release(struct hold *);

#endif
