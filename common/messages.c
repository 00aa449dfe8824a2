/* SPDX-License-Identifier: ISC */
/*
 * What ipc_receive() checks, made from messages.def: one rule a message, one row a string; and the proof, at compile time,
 * that no payload has padding in which bytes of the sender could travel.
 */
#include "messages_table.h"

#include <stdbool.h>

/* A struct without padding is as large as its fields; these are the fields' sums. */
#define SIZE_IS(payload, bytes) \
	_Static_assert(sizeof(struct msg_##payload) == (bytes), "struct msg_" #payload " has padding")
SIZE_IS(empty, 4);
SIZE_IS(start, 8 + 6 * 4 + PATH_SIZE);
SIZE_IS(socket, 4 * 4 + 8);
SIZE_IS(peer, 4 * 4);
SIZE_IS(config_begin, 4 * 4);
SIZE_IS(network, (8 + NETWORK_NAME_SERVERS) * 4 + NAME_SIZE + INTERFACE_SIZE + BOOT_ARCHS * BOOT_FILE_SIZE);
SIZE_IS(client, 8 * 4 + 8 + NAME_SIZE);
SIZE_IS(config_end, 2 * 4);
SIZE_IS(client_state, 4 * 4 + 2 * 8 + TEXT_SIZE);
SIZE_IS(process_state, 6 * 4);
SIZE_IS(server_state, 4 * 4 + 8 + TEXT_SIZE);
SIZE_IS(mounted, 2 * 4);
SIZE_IS(dhcp_seen, 8 * 4 + 8 + NAME_SIZE);
SIZE_IS(read, 4 * 4 + PATH_SIZE);
SIZE_IS(neighbour, sizeof(struct msg_read) + 4 + 8);
SIZE_IS(open, sizeof(struct msg_read) + 2 * 4 + 8 + PATH_SIZE);
SIZE_IS(refuse, 2 * 4 + 64);
SIZE_IS(file, 2 * 4 + 8);
SIZE_IS(done, 2 * 4 + 8 + 2 * 4 + PATH_SIZE);
SIZE_IS(ctl_request, 8 + 2 * 4 + NAME_SIZE);
SIZE_IS(ctl_client, sizeof(struct msg_client) + sizeof(struct msg_client_state) + 8 + 2 * 4);
SIZE_IS(ctl_sighting, 2 * 8 + 5 * 4 + 12 + 2 * NAME_SIZE);
SIZE_IS(ctl_boot, 6 * 8 + 4 * 4 + 8 + 2 * 4 + NAME_SIZE + PATH_SIZE + TEXT_SIZE);
SIZE_IS(ctl_end, 2 * 4 + 1024);
SIZE_IS(reload, 2 * 4);
SIZE_IS(reloaded, 2 * 4 + 1024);

#define NO_FD  FD_NONE
#define ONE_FD FD_ONE
#define MAY_FD FD_MAY
#define SETUP  PHASE_SETUP
#define RUN    PHASE_RUN

const struct message_rule message_rules[] = {
#define MESSAGE(name, from, to, payload, descriptor, phase) \
	[MSG_##name] = { #name, #payload, (from), (to), sizeof(struct msg_##payload), descriptor, phase },
#include "messages.def"
};
const size_t message_rule_count = sizeof(message_rules) / sizeof(message_rules[0]);

#define STRING(payload, field) \
	{ #payload, #field, offsetof(struct msg_##payload, field), sizeof(((struct msg_##payload *)0)->field) },
const struct message_string message_strings[] = {
#include "messages.def"
};
const size_t message_string_count = sizeof(message_strings) / sizeof(message_strings[0]);
