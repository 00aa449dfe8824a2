/* SPDX-License-Identifier: ISC */
/* Questions to the server that runs. */
#ifndef DISKLESS_REQUEST_H
#define DISKLESS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc.h"

enum request_result { REQUEST_OK, REQUEST_FAILED, REQUEST_NO_SERVER };

struct request {
	enum ctl_verb verb;
	const char *name; /* of a client; NULL: all */
	bool follow;
	void (*row)(const struct ipc_message *, void *argument);
	void *argument;
	char text[1024]; /* out: what the server said at the end, or what went wrong */
};

/* Asks, and hands each row on. */
enum request_result request(struct request *);
/* The same; anything but an answer is said on stderr. false: there was none. */
bool request_or_complain(struct request *);
/* request.text on stderr. */
void complain(const char *text);

/* Rows of the same kind, kept: message is an array, each an ipc_message's body of size bytes. */
struct rows {
	enum msg_type type;
	size_t size;
	char *row;
	size_t count;
};
/* For request.row with argument an array of rows that ends with type MSG_NONE. */
void rows_keep(const struct ipc_message *, void *argument);
void rows_free(struct rows *);

#endif
