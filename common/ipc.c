/* SPDX-License-Identifier: ISC */
/*
 * The only reader of our pipes, and their writer. A packet is a header and a payload; what does not fit its row of
 * messages.def in any column is a breach, and every descriptor that came with it is closed.
 */
#include "ipc.h"

#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "messages_table.h"

struct ipc_header {
	uint32_t type;
	uint32_t size;
};

struct packet {
	struct ipc_header header;
	union msg_payload payload;
};

struct queued {
	STAILQ_ENTRY(queued) next;
	enum msg_type type;
	int fd;
	size_t size;
	unsigned char payload[];
};

struct ipc {
	int fd;
	uint32_t self;
	uint32_t peer;
	struct event *readable;
	struct event *writable;
	ipc_on_message on_message;
	ipc_on_close on_close;
	void *argument;
	STAILQ_HEAD(queued_list, queued) queue;
	size_t queued_bytes;
	unsigned queued_fds;
	bool *freed; /* set when the pipe is freed inside one of its own callbacks */
};

/* More messages than this at one wake-up would let one busy peer starve the others. */
#define MESSAGES_PER_WAKEUP 64

/* ---- names ---- */

const char *
ipc_name(uint32_t type)
{
	if (type == MSG_NONE || type >= message_rule_count)
		return "unknown";
	return message_rules[type].name;
}

const char *
ipc_role(uint32_t role)
{
	switch (role) {
	case ROLE_PARENT:
		return "parent";
	case ROLE_BROKER:
		return "broker";
	case ROLE_DHCP:
		return "dhcp";
	case ROLE_TFTP:
		return "tftp";
	case ROLE_CTL:
		return "ctl";
	default:
		return "unknown";
	}
}

/* FNV-1a, 64 bit: draft-eastlake-fnv. */
static uint64_t
hash(uint64_t state, const void *bytes, size_t length)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < length; i++)
		state = (state ^ p[i]) * 0x100000001b3ULL;
	return state;
}

uint64_t
ipc_version(void)
{
	uint64_t state = 0xcbf29ce484222325ULL;

	char row[256];

	for (size_t i = 1; i < message_rule_count; i++) {
		const struct message_rule *rule = &message_rules[i];
		int length = snprintf(row, sizeof(row), "%s %s %u %u %zu %d %d\n", rule->name, rule->payload,
		    rule->from, rule->to, rule->size, (int)rule->fd, (int)rule->phase);

		state = hash(state, row, (size_t)length);
	}
	return state;
}

/* ---- reading ---- */

/* Takes the first descriptor out of the control data and closes every other. Returns how many there were. */
static int
collect_descriptors(struct msghdr *header, int *first)
{
	int count = 0;

	*first = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
			if (count++ == 0)
				*first = fd;
			else
				close(fd);
		}
	}
	return count;
}

static bool
strings_end(const struct message_rule *rule, const union msg_payload *payload)
{
	for (size_t i = 0; i < message_string_count; i++) {
		const struct message_string *s = &message_strings[i];

		if (strcmp(s->payload, rule->payload) == 0 &&
		    memchr((const char *)payload + s->offset, '\0', s->size) == NULL)
			return false;
	}
	return true;
}

/* What is wrong with this packet of length bytes, or NULL. */
static const char *
breach_of(
    const struct packet *packet, size_t length, int descriptors, uint32_t self, uint32_t peer, enum ipc_phase phase)
{
	const struct message_rule *rule;

	if (length < sizeof(packet->header))
		return "shorter than a header";
	if (packet->header.type == MSG_NONE || packet->header.type >= message_rule_count)
		return "of no known type";
	rule = &message_rules[packet->header.type];
	if (packet->header.size != rule->size || length != sizeof(packet->header) + rule->size)
		return "of a wrong size";
	if ((rule->from & peer) == 0 || (rule->to & self) == 0)
		return "in a wrong direction";
	if ((int)rule->phase != (int)phase)
		return "in a wrong phase";
	if (descriptors > 1 || (rule->fd == FD_NONE && descriptors != 0))
		return "with a descriptor too many";
	if (rule->fd == FD_ONE && descriptors == 0)
		return "without its descriptor";
	if (!strings_end(rule, &packet->payload))
		return "with an endless string";
	return NULL;
}

static enum ipc_result
receive(int fd, int flags, uint32_t self, uint32_t peer, enum ipc_phase phase, struct ipc_message *message,
    const char **why)
{
	/* Room for more descriptors than any message has, so that a surplus is seen and closed. */
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct packet packet;
	struct iovec iov = { &packet, sizeof(packet) };
	struct msghdr header = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	ssize_t length;
	int passed, descriptors;
	bool cut;

	do
		length = recvmsg(fd, &header, MSG_CMSG_CLOEXEC | flags);
	while (length == -1 && errno == EINTR);
	if (length == -1)
		return errno == EAGAIN ? IPC_AGAIN : IPC_CLOSED;
	descriptors = collect_descriptors(&header, &passed);
	if (length == 0 && descriptors == 0)
		return IPC_CLOSED;
	cut = (header.msg_flags & MSG_CTRUNC) != 0;
	if ((header.msg_flags & MSG_TRUNC) || (cut && descriptors > 0))
		*why = "longer than any message";
	else
		*why = breach_of(&packet, (size_t)length, descriptors, self, peer, phase);
	/* One came and found no room here (RLIMIT_NOFILE): a message that may do without it does. */
	if (*why == NULL && cut && message_rules[packet.header.type].fd != FD_MAY)
		*why = "with a descriptor too many";
	if (*why != NULL) {
		if (passed != -1)
			close(passed);
		return IPC_BREACH;
	}
	message->type = (enum msg_type)packet.header.type;
	message->fd = passed;
	memcpy(&message->body, &packet.payload, packet.header.size);
	return IPC_MESSAGE;
}

enum ipc_result
ipc_receive(int fd, uint32_t self, uint32_t peer, enum ipc_phase phase, struct ipc_message *message, const char **why)
{
	return receive(fd, 0, self, peer, phase, message, why);
}

int
ipc_take_fd(struct ipc_message *message)
{
	int fd = message->fd;

	message->fd = -1;
	return fd;
}

/* ---- writing ---- */

static int
transmit(int fd, int flags, enum msg_type type, const void *payload, size_t size, int passed)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct ipc_header head = { type, (uint32_t)size };
	struct iovec iov[] = { { &head, sizeof(head) }, { NULL, size } };
	struct msghdr header = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t sent;

	memcpy(&iov[1].iov_base, &payload, sizeof(payload)); /* sendmsg() does not write to it, iovec has no const */
	if (passed != -1) {
		memset(&control, 0, sizeof(control));
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		CMSG_FIRSTHDR(&header)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&header)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&header)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&header)), &passed, sizeof(passed));
	}
	do
		sent = sendmsg(fd, &header, MSG_NOSIGNAL | flags);
	while (sent == -1 && errno == EINTR);
	return sent == -1 ? -1 : 0;
}

int
ipc_write(int fd, enum msg_type type, const void *payload, size_t size, int passed)
{
	return transmit(fd, 0, type, payload, size, passed);
}

static void
queued_free(struct queued *q)
{
	if (q->fd != -1)
		close(q->fd);
	free(q);
}

/* Writes what the pipe takes now. A broken pipe is noticed by the reader, which sees its end. */
static void
drain(struct ipc *ipc)
{
	struct queued *q;

	while ((q = STAILQ_FIRST(&ipc->queue)) != NULL) {
		if (transmit(ipc->fd, MSG_DONTWAIT, q->type, q->payload, q->size, q->fd) == -1 &&
		    (errno == EAGAIN || errno == ENOBUFS))
			return;
		STAILQ_REMOVE_HEAD(&ipc->queue, next);
		ipc->queued_bytes -= sizeof(*q) + q->size;
		ipc->queued_fds -= q->fd != -1;
		queued_free(q);
	}
	event_del(ipc->writable);
}

static void
on_writable(evutil_socket_t fd, short what, void *argument)
{
	drain(argument);
}

static int
enqueue(struct ipc *ipc, enum msg_type type, const void *payload, size_t size, int passed)
{
	struct queued *q;

	if (ipc->queued_bytes + sizeof(*q) + size > IPC_QUEUE_BYTES ||
	    (passed != -1 && ipc->queued_fds == IPC_QUEUE_FDS) || (q = malloc(sizeof(*q) + size)) == NULL)
		return -1;
	q->type = type;
	q->fd = passed;
	q->size = size;
	memcpy(q->payload, payload, size);
	STAILQ_INSERT_TAIL(&ipc->queue, q, next);
	ipc->queued_bytes += sizeof(*q) + size;
	ipc->queued_fds += passed != -1;
	event_add(ipc->writable, NULL);
	return 0;
}

int
ipc_send(struct ipc *ipc, enum msg_type type, const void *payload, size_t size, int passed)
{
	int result = 0;

	if (STAILQ_EMPTY(&ipc->queue) && (transmit(ipc->fd, MSG_DONTWAIT, type, payload, size, passed) == 0 ||
					     (errno != EAGAIN && errno != ENOBUFS))) {
		if (passed != -1)
			close(passed);
		return 0;
	}
	result = enqueue(ipc, type, payload, size, passed);
	if (result == -1 && passed != -1)
		close(passed);
	return result;
}

/* ---- on a loop ---- */

/* true: the pipe is gone. */
static bool
deliver(struct ipc *ipc, struct ipc_message *message)
{
	bool freed = false;

	/* cppcheck-suppress autoVariables ; it is taken back below */
	ipc->freed = &freed;
	ipc->on_message(ipc, message, ipc->argument);
	if (message->fd != -1)
		close(ipc_take_fd(message));
	if (!freed)
		ipc->freed = NULL;
	return freed;
}

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
	struct ipc *ipc = argument;
	struct ipc_message message;

	for (int i = 0; i < MESSAGES_PER_WAKEUP; i++) {
		const char *why = "closed";

		switch (receive(ipc->fd, MSG_DONTWAIT, ipc->self, ipc->peer, IPC_RUN, &message, &why)) {
		case IPC_AGAIN:
			return;
		case IPC_MESSAGE:
			if (deliver(ipc, &message))
				return;
			break;
		case IPC_CLOSED:
		case IPC_BREACH:
			event_del(ipc->readable);
			ipc->on_close(ipc, why, ipc->argument);
			return;
		}
	}
}

struct ipc *
ipc_new(struct event_base *base, int fd, uint32_t self, uint32_t peer, ipc_on_message on_message, ipc_on_close on_close,
    void *argument)
{
	struct ipc *ipc = calloc(1, sizeof(*ipc));

	if (ipc == NULL)
		goto fail;
	ipc->fd = fd;
	ipc->self = self;
	ipc->peer = peer;
	ipc->on_message = on_message;
	ipc->on_close = on_close;
	ipc->argument = argument;
	STAILQ_INIT(&ipc->queue);
	ipc->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, ipc);
	ipc->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, ipc);
	if (ipc->readable == NULL || ipc->writable == NULL || event_add(ipc->readable, NULL) == -1)
		goto fail;
	return ipc;
fail:
	if (ipc != NULL && ipc->readable != NULL)
		event_free(ipc->readable);
	if (ipc != NULL && ipc->writable != NULL)
		event_free(ipc->writable);
	free(ipc);
	close(fd);
	return NULL;
}

void
ipc_free(struct ipc *ipc)
{
	struct queued *q;

	if (ipc == NULL)
		return;
	if (ipc->freed != NULL)
		*ipc->freed = true;
	while ((q = STAILQ_FIRST(&ipc->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&ipc->queue, next);
		queued_free(q);
	}
	event_free(ipc->readable);
	event_free(ipc->writable);
	close(ipc->fd);
	free(ipc);
}
