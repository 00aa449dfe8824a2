/* SPDX-License-Identifier: ISC */
/*
 * The child's side of its start. The parent starts it as root with descriptor 3 the pipe to the parent and 4 the log
 * pipe; it says START, hands over sockets, says LOCK. Then the child confines itself (policy/confine.h), says READY and
 * serves. The process's main() is:
 *
 *	struct child child;
 *	child_begin(&child, ROLE_TFTP, on_socket);		returns when the parent has said LOCK
 *	child.max_files = ...; make the events of the process
 *	child_serve(&child, &syscalls_tftp, on_message);	does not return
 */
#ifndef DISKLESS_CHILD_H
#define DISKLESS_CHILD_H

#include "ipc.h"

struct event_base;
struct syscall_table;

#define CHILD_PIPE_FD 3
#define CHILD_LOG_FD  4

struct child {
	uint32_t role;
	struct event_base *base; /* epoll, made before the jail */
	struct ipc *parent;      /* from child_serve() on */
	struct msg_start start;
	unsigned max_files; /* RLIMIT_NOFILE in the jail: set it between child_begin() and child_serve() */
	void *private;
};

/* on_socket gets each SOCKET of the set-up, and owns its descriptor (non-blocking, close-on-exec). Failure is fatal. */
void child_begin(struct child *, uint32_t role, void (*on_socket)(struct child *, const struct msg_socket *, int fd));

/* on_message gets each message of the running phase. The end of the parent, or a breach, ends the process. */
void child_serve(struct child *, const struct syscall_table *, void (*on_message)(struct child *, struct ipc_message *))
    __attribute__((noreturn));

#endif
