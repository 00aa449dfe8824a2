/* SPDX-License-Identifier: ISC */
/*
 * The parent's end of a child's log pipe. A record is data of a process that may have been taken over: its length is bounded, its
 * priority clamped, its bytes made visible, its rate limited (LOG_SINK_BURST at once, LOG_SINK_RATE a second).
 */
#ifndef DISKLESS_LOG_SINK_H
#define DISKLESS_LOG_SINK_H

#define LOG_SINK_BURST 200
#define LOG_SINK_RATE  20

struct event_base;
struct log_sink;

/* A new pipe: the sink reads one end, *child_end (close-on-exec, the caller's) is for the child. NULL with errno. */
struct log_sink *log_sink_new(struct event_base *, const char *name, int *child_end);
/* Writes what is still in the pipe, then closes it. */
void log_sink_free(struct log_sink *);

#endif
