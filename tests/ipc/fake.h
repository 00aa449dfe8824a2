/* SPDX-License-Identifier: ISC */
/* What the fake worlds around the processes' handlers have in common: a rule that must hold, and the far end of a pipe. */
#ifndef DISKLESS_TESTS_FAKE_H
#define DISKLESS_TESTS_FAKE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "ipc.h"
#include "log.h"

#define hold(truth) \
	do { \
		if (!(truth)) { \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #truth); \
			abort(); \
		} \
	} while (0)

/* A new pipe: *near is for the code that is looked at, the far end (non-blocking) is returned. */
static inline int
fake_pipe(int *near)
{
	int pair[2];

	hold(ipc_pair(pair) == 0 && fcntl(pair[1], F_SETFL, O_NONBLOCK) == 0);
	*near = pair[0];
	return pair[1];
}

/* Reads what waits at the far end of a pipe, which must be right in every column; each, if not NULL, sees it. How many they were. */
static inline size_t
fake_drain(int far, uint32_t self, uint32_t peer, void (*each)(struct ipc_message *))
{
	struct ipc_message message;
	enum ipc_result result;
	const char *why = "";
	size_t count = 0;

	while ((result = ipc_receive(far, self, peer, IPC_RUN, &message, &why)) == IPC_MESSAGE) {
		if (each != NULL)
			each(&message);
		if (message.fd != -1)
			close(ipc_take_fd(&message));
		count++;
	}
	hold(result != IPC_BREACH);
	return count;
}

static inline void
fake_no_word(int severity, const char *text)
{
}

/* What a fuzzer does makes a line of the log each time. */
static inline void
fake_quiet(void)
{
	log_level(LOG_CRIT);
	event_set_log_callback(fake_no_word);
}

static inline int
open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = -3; /* ".", "..", and this directory's own */

	hold(directory != NULL);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

#endif
