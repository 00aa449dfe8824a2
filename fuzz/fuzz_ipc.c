/* SPDX-License-Identifier: ISC */
/*
 * Any packet to the one reader of our pipes, in any role and phase. What holds: what it hands on is right in every column of its row,
 * is byte for byte what was sent, and is sent again the same; of everything else no descriptor is left.
 */
#include "fuzz/messages.h"

static int pair[2], spare = -1;

static void
nothing(uint32_t type, unsigned choice, union msg_payload *payload)
{
}

static void
make_pipe(void)
{
	pair[1] = fake_pipe(&pair[0]);
	hold((spare = open("/dev/null", O_RDONLY | O_CLOEXEC)) != -1);
}

static void
check(const struct ipc_message *message, uint32_t self, uint32_t peer, enum ipc_phase phase)
{
	const struct message_rule *rule = &message_rules[message->type];
	struct ipc_message again;
	const char *why;

	hold(message->type != MSG_NONE && message->type < message_rule_count);
	hold((rule->from & peer) && (rule->to & self) && (int)rule->phase == (int)phase);
	hold(rule->fd == FD_MAY || (rule->fd == FD_ONE) == (message->fd != -1));
	for (size_t i = 0; i < message_string_count; i++) {
		const struct message_string *s = &message_strings[i];

		if (strcmp(s->payload, rule->payload) == 0)
			hold(memchr((const char *)&message->body + s->offset, '\0', s->size) != NULL);
	}
	hold(ipc_write(pair[0], message->type, &message->body, rule->size, message->fd) == 0);
	hold(ipc_receive(pair[1], self, peer, phase, &again, &why) == IPC_MESSAGE);
	hold(again.type == message->type && memcmp(&again.body, &message->body, rule->size) == 0);
	hold((again.fd != -1) == (message->fd != -1));
	if (again.fd != -1)
		close(again.fd);
}

static void
receive(unsigned choice)
{
	uint32_t self = 1u << choice % 5, peer = 1u << choice / 5 % 5;
	enum ipc_phase phase = choice / 25 % 2 == 0 ? IPC_RUN : IPC_SETUP;
	struct ipc_message message;
	const char *why = NULL;
	enum ipc_result result = ipc_receive(pair[1], self, peer, phase, &message, &why);

	hold(result != IPC_BREACH || why != NULL);
	if (result != IPC_MESSAGE)
		return;
	check(&message, self, peer, phase);
	if (message.fd != -1)
		close(ipc_take_fd(&message));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct input input = { bytes, length };
	int before;

	if (spare == -1)
		make_pipe();
	before = open_descriptors();
	while (input.left > 0) {
		unsigned choice = take_byte(&input);

		say_message(&input, pair[0], spare, nothing);
		receive(choice);
	}
	hold(open_descriptors() == before);
	return 0;
}
