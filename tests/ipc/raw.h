/* SPDX-License-Identifier: ISC */
/* Packets as a sender that does not keep to the rules could write them, made from the rows of messages.def. */
#ifndef DISKLESS_TESTS_RAW_H
#define DISKLESS_TESTS_RAW_H

#include <sys/socket.h>
#include <sys/uio.h>

#include <stdint.h>
#include <string.h>

#include "ipc.h"
#include "messages_table.h"

#define RAW_HEADER  8
#define RAW_FDS_MAX 8

struct raw {
	uint32_t type;
	uint32_t size;
	unsigned char payload[sizeof(union msg_payload) + 16];
};

#define FOR_EACH_RULE(rule, type) \
	for (uint32_t type = 1; type < message_rule_count; type++) \
		for (const struct message_rule *rule = &message_rules[type]; rule != NULL; rule = NULL)

static inline struct raw
raw_right(uint32_t type)
{
	struct raw raw = { .type = type, .size = (uint32_t)message_rules[type].size };

	return raw;
}

static inline size_t
raw_length(const struct raw *raw)
{
	return RAW_HEADER + raw->size;
}

static inline int
raw_fds(const struct message_rule *rule)
{
	return rule->fd == FD_ONE;
}

/* length bytes, with so many copies of the descriptor spare. What sendmsg(2) returns. */
static inline ssize_t
raw_send(int pipe, const struct raw *raw, size_t length, int descriptors, int spare)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(RAW_FDS_MAX * sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)raw, length };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (descriptors > 0) {
		struct cmsghdr *c;

		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE((size_t)descriptors * sizeof(int));
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)descriptors * sizeof(int));
		for (int i = 0; i < descriptors; i++)
			memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &spare, sizeof(int));
	}
	return sendmsg(pipe, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- every way to be wrong ---- */

/*
 * Calls it for each wrong form of this message: lengths, sizes in the header, descriptors too many or too few, strings that do not
 * end. The packet, its length and the number of descriptors; what is wrong in words.
 */
static inline void
raw_each_wrong(uint32_t type, void (*it)(const struct raw *, size_t length, int descriptors, const char *what))
{
	const struct message_rule *rule = &message_rules[type];
	const size_t lengths[] = { 0, 1, RAW_HEADER - 1, RAW_HEADER, RAW_HEADER + rule->size - 1,
		RAW_HEADER + rule->size + 1, sizeof(struct raw) };
	const uint32_t sizes[] = { 0, (uint32_t)rule->size - 1, (uint32_t)rule->size + 1, UINT32_MAX };
	struct raw raw = raw_right(type);

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		it(&raw, lengths[i], raw_fds(rule), "of a wrong length");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		raw.size = sizes[i];
		it(&raw, RAW_HEADER + rule->size, raw_fds(rule), "with a wrong size in its header");
	}
	raw = raw_right(type);
	if (rule->fd == FD_ONE)
		it(&raw, raw_length(&raw), 0, "without its descriptor");
	if (rule->fd == FD_NONE)
		it(&raw, raw_length(&raw), 1, "with a descriptor");
	it(&raw, raw_length(&raw), 2, "with two descriptors");
	it(&raw, raw_length(&raw), RAW_FDS_MAX, "with more descriptors than fit");
	for (size_t i = 0; i < message_string_count; i++) {
		const struct message_string *s = &message_strings[i];

		if (strcmp(rule->payload, s->payload) != 0)
			continue;
		raw = raw_right(type);
		memset(raw.payload + s->offset, 'x', s->size);
		it(&raw, raw_length(&raw), raw_fds(rule), s->field);
	}
}

#endif
