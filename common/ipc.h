/* SPDX-License-Identifier: ISC */
/*
 * Messages between our processes: one message per packet of a SOCK_SEQPACKET pipe, a descriptor attached to the message
 * that names it. messages.def is the closed list of them, and ipc_receive() the only reader: what it hands on has the
 * right size, direction, phase, descriptor and terminated strings, or it is not handed on.
 */
#ifndef DISKLESS_IPC_H
#define DISKLESS_IPC_H

#include <stddef.h>
#include <stdint.h>

#include "messages.h"

struct event_base;

struct ipc_message {
	enum msg_type type;
	int fd; /* -1, or owned by whoever holds the message: take it with ipc_take_fd() */
	union msg_payload body;
};

enum ipc_phase { IPC_SETUP = 1, IPC_RUN = 2 };
enum ipc_result { IPC_MESSAGE, IPC_AGAIN, IPC_CLOSED, IPC_BREACH };

/* A hash of every row of messages.def and every payload's size: two builds that differ in one do not talk. */
uint64_t ipc_version(void);

/* "TFTP_READ" of MSG_TFTP_READ; "unknown" of anything else. */
const char *ipc_name(uint32_t type);
/* "parent", "broker", "dhcp", "tftp", "ctl" of one ROLE_*. */
const char *ipc_role(uint32_t role);

/*
 * Reads one message from fd, for the process self from the process peer. IPC_BREACH: *why says what was wrong and
 * every descriptor that came along is closed. IPC_AGAIN: nothing there now (non-blocking fd). A message that may have a descriptor
 * (MAY_FD) comes without it when this process has no room for one.
 */
enum ipc_result ipc_receive(
    int fd, uint32_t self, uint32_t peer, enum ipc_phase phase, struct ipc_message *message, const char **why);

/* The message's descriptor, which then belongs to the caller; -1 if there is none. */
int ipc_take_fd(struct ipc_message *message);

/*
 * Writes one message on a blocking fd, for start-up and disklessctl. passed stays the caller's; -1 for none.
 * 0, or -1 with errno.
 */
int ipc_write(int fd, enum msg_type type, const void *payload, size_t size, int passed);

/*
 * One end of a pipe on an event loop, with a bounded queue behind it. on_message may take the message's descriptor;
 * what it leaves is closed. on_close is called once, on end of file, breach or overflow, with the reason; it may free the
 * pipe. Neither is called after ipc_free().
 */
struct ipc;
typedef void (*ipc_on_message)(struct ipc *, struct ipc_message *, void *argument);
typedef void (*ipc_on_close)(struct ipc *, const char *why, void *argument);

/* Takes fd, which may be a blocking one: the loop never waits on it. NULL when memory is out (fd is closed). */
struct ipc *ipc_new(
    struct event_base *, int fd, uint32_t self, uint32_t peer, ipc_on_message, ipc_on_close, void *argument);
void ipc_free(struct ipc *);

/*
 * Queues a message; passed (or -1) is closed when it is sent or dropped. 0, or -1 when the queue is full (IPC_QUEUE_BYTES, or
 * IPC_QUEUE_FDS descriptors, of which a reader that does not read could else take all that we have): the message is dropped,
 * the caller decides what that means.
 */
#define IPC_QUEUE_BYTES ((size_t)4 << 20)
#define IPC_QUEUE_FDS   1024
int ipc_send(struct ipc *, enum msg_type type, const void *payload, size_t size, int passed);
#define IPC_SEND(pipe, name, payload) \
	ipc_send((pipe), MSG_##name, (payload), sizeof(((union msg_payload *)0)->name), -1)

/* A connected pair, close-on-exec. 0, or -1 with errno. */
int ipc_pair(int fd[2]);

#endif
