/* SPDX-License-Identifier: ISC */
/*
 * Bytes as a sequence of messages of messages.def, for the targets that hold the far end of a pipe. A message is named by a hash of
 * its name, so that a corpus outlives a new row of messages.def; its payload is what the target thinks right, with a few changes:
 *
 *	u16 name  u8 choice  u8 flags  [u16 length]  [u8 shift]  flags/32 times { u16 offset  u8 count  bytes }
 */
#ifndef DISKLESS_FUZZ_MESSAGES_H
#define DISKLESS_FUZZ_MESSAGES_H

#include <stdbool.h>

#include "tests/ipc/fake.h"
#include "tests/ipc/raw.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct input {
	const uint8_t *next;
	size_t left;
};

#define SAY_NO_FD          0x01u
#define SAY_FD             0x02u /* with the one above: two */
#define SAY_LENGTH         0x04u
#define SAY_SIZE           0x08u
#define SAY_ENDLESS        0x10u
#define SAY_CHANGES(flags) ((flags) >> 5)

/* Fills in a payload of this type; choice is which of its forms. */
typedef void right_payload(uint32_t type, unsigned choice, union msg_payload *);

static inline unsigned
take_byte(struct input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->next++;
}

static inline unsigned
take_word(struct input *input)
{
	unsigned high = take_byte(input);

	return high << 8 | take_byte(input);
}

static inline void
take_bytes(struct input *input, void *to, size_t size)
{
	size_t there = size < input->left ? size : input->left;

	memcpy(to, input->next, there);
	input->next += there;
	input->left -= there;
}

/* FNV-1a, folded to 16 bits. */
static inline unsigned
name_hash(const char *name)
{
	uint32_t hash = 0x811c9dc5;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 0x01000193;
	return (hash >> 16 ^ hash) & 0xffff;
}

static inline uint32_t
take_type(struct input *input)
{
	unsigned hash = take_word(input);

	FOR_EACH_RULE(rule, type)
	if (name_hash(rule->name) == hash)
		return type;
	return hash % (MSG_TYPES + 2);
}

static inline void
end_strings(const char *payload_name, unsigned char *payload)
{
	for (size_t i = 0; i < message_string_count; i++)
		if (strcmp(message_strings[i].payload, payload_name) == 0)
			payload[message_strings[i].offset + message_strings[i].size - 1] = '\0';
}

/* Reads one message of the input and sends it to pipe; spare is what it sends as a descriptor. */
static inline void
say_message(struct input *input, int pipe, int spare, right_payload *right)
{
	struct raw raw = { .type = take_type(input) };
	bool known = raw.type != MSG_NONE && raw.type < message_rule_count;
	const struct message_rule *rule = &message_rules[known ? raw.type : MSG_START];
	unsigned choice = take_byte(input), flags = take_byte(input);
	int fds = (flags & SAY_NO_FD) ? 0 : raw_fds(rule);
	union msg_payload payload;
	size_t length;

	memset(&payload, 0, sizeof(payload));
	right(raw.type, choice, &payload);
	if (flags & SAY_FD)
		fds = (flags & SAY_NO_FD) ? 2 : 1;
	memcpy(raw.payload, &payload, sizeof(payload));
	raw.size = (uint32_t)rule->size;
	length = raw_length(&raw);
	if (flags & SAY_LENGTH)
		length = take_word(input) % (sizeof(raw) + 1);
	if (flags & SAY_SIZE)
		raw.size ^= 1u << take_byte(input) % 32;
	for (unsigned i = 0; i < SAY_CHANGES(flags); i++) {
		size_t offset = take_word(input) % rule->size, count = take_byte(input);

		take_bytes(input, raw.payload + offset, count < rule->size - offset ? count : rule->size - offset);
	}
	if (!(flags & SAY_ENDLESS))
		end_strings(rule->payload, raw.payload);
	(void)raw_send(pipe, &raw, length, fds, spare);
}

#endif
