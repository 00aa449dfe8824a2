/* SPDX-License-Identifier: ISC */
/*
 * The parent's side of its children: started by absolute path with two descriptors and nothing else of ours (no other
 * descriptor, no environment), handed their sockets, told to lock up, watched, and started again with back-off when they die.
 * Sockets stay the parent's too, so no packet is refused while a child is away.
 */
#ifndef DISKLESS_PROCESS_H
#define DISKLESS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "ipc.h"

struct event_base;
struct process;

struct process_spec {
	uint32_t role;
	uint32_t network;     /* index, for dhcp and tftp */
	const char *path;     /* absolute */
	char name[NAME_SIZE]; /* for log lines: "tftp lab" */
	uid_t uid;
	gid_t gid;
};

struct process_hooks {
	/* Send the SOCKETs: ipc_write() on pipe. Returns -1 to give up this start. */
	int (*hand_over)(struct process *, int pipe);
	void (*changed)(struct process *); /* started, ready or dead: see process_state() */
	void (*message)(struct process *, struct ipc_message *);
};

#define PROCESS_READY_MS       60000 /* from start to READY; emulated machines are slow */
#define PROCESS_BACKOFF_MIN_MS 50
#define PROCESS_BACKOFF_MAX_MS 10000
#define PROCESS_STABLE_MS      60000 /* a process that lived so long starts its back-off anew */
#define PROCESS_STOP_MS        3000  /* from the closed pipe to SIGKILL */

/* Starts it. hooks and argument live longer than the process. Fatal when memory is out. */
struct process *process_new(
    struct event_base *, const struct process_spec *, const struct process_hooks *, void *argument);
void *process_argument(const struct process *);
const struct process_spec *process_spec(const struct process *);
/* pid (0 when dead), phase and restarts; zero elsewhere. */
void process_state(const struct process *, struct msg_process_state *);
uint32_t process_epoch(const struct process *); /* grows with each start */
/* Its pipe, while it is ready and has broken nothing; else NULL. */
struct ipc *process_pipe(const struct process *);

/* Call for each child that waitpid(2) returned. false: not one of ours. */
bool process_reaped(pid_t pid, int status);
/* Something it may never do: said in the log, once; it is killed, not listened to any more, and then restarted. */
void process_breach(struct process *, const char *what);
/* Closes all pipes, which ends the children; done() is called when the last is gone, or was killed after PROCESS_STOP_MS. */
void process_stop_all(void (*done)(void *), void *argument);
/* Ends one for good, and frees it: when this returns, what it held (ports among it) is free. */
void process_drop(struct process *);

/* "killed by signal 31 (its system call policy)": what became of it, for the log. */
const char *process_fate(int status, char *text, size_t size);

#endif
