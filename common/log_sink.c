/* SPDX-License-Identifier: ISC */
/* See log_sink.h. */
#include "log_sink.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "ipc.h"
#include "log.h"

#define RECORDS_PER_WAKEUP 64

struct log_sink {
	int fd;
	struct event *readable;
	struct log_limit limit;
	char name[NAME_SIZE];
};

static void
write_record(struct log_sink *sink, const char *record, size_t length)
{
	char text[4 * LOG_RECORD_SIZE + 1];
	int priority = (unsigned char)record[0];

	if (priority < LOG_CRIT || priority > LOG_DEBUG)
		priority = LOG_WARNING;
	log_visible(text, sizeof(text), record + 1, length - 1);
	LOG_LIMITED(&sink->limit, log_record(priority, sink->name, text));
}

/* true: there may be more. */
static bool
read_record(struct log_sink *sink)
{
	char record[1 + LOG_RECORD_SIZE];
	ssize_t length = recv(sink->fd, record, sizeof(record), MSG_DONTWAIT);

	if (length > 1)
		write_record(sink, record, (size_t)length);
	if (length == 0)
		event_del(sink->readable);
	return length > 0 || (length == -1 && errno == EINTR);
}

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
	for (int i = 0; i < RECORDS_PER_WAKEUP && read_record(argument); i++)
		;
}

struct log_sink *
log_sink_new(struct event_base *base, const char *name, int *child_end)
{
	struct log_sink *sink = calloc(1, sizeof(*sink));
	int pair[2];

	if (sink == NULL)
		return NULL;
	if (ipc_pair(pair) == -1) {
		free(sink);
		return NULL;
	}
	sink->fd = pair[0];
	sink->limit = (struct log_limit)LOG_LIMIT(LOG_SINK_BURST, 1000 / LOG_SINK_RATE);
	snprintf(sink->name, sizeof(sink->name), "%s", name);
	sink->readable = event_new(base, sink->fd, EV_READ | EV_PERSIST, on_readable, sink);
	if (sink->readable == NULL || event_add(sink->readable, NULL) == -1)
		fatalx("no memory for the log of %s", name);
	*child_end = pair[1];
	return sink;
}

void
log_sink_free(struct log_sink *sink)
{
	if (sink == NULL)
		return;
	for (int i = 0; i < LOG_SINK_BURST && read_record(sink); i++)
		;
	event_free(sink->readable);
	close(sink->fd);
	free(sink);
}
