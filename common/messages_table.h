/* SPDX-License-Identifier: ISC */
/* messages.def as data, for ipc.c and for the tests that walk it. */
#ifndef DISKLESS_MESSAGES_TABLE_H
#define DISKLESS_MESSAGES_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "messages.h"

enum message_fd { FD_NONE, FD_ONE, FD_MAY };
enum message_phase { PHASE_SETUP = 1, PHASE_RUN = 2 };

struct message_rule {
	const char *name;    /* NULL in row 0, which is no message */
	const char *payload; /* struct msg_PAYLOAD */
	uint32_t from;
	uint32_t to;
	size_t size;
	enum message_fd fd;
	enum message_phase phase;
};

struct message_string {
	const char *payload;
	const char *field;
	size_t offset;
	size_t size;
};

extern const struct message_rule message_rules[]; /* indexed by enum msg_type */
extern const size_t message_rule_count;
extern const struct message_string message_strings[];
extern const size_t message_string_count;

#endif
