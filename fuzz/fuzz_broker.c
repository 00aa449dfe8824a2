/* SPDX-License-Identifier: ISC */
/*
 * daemons/broker/broker.c whole, with its pipes and its control socket: any sequence of messages of the parent, of every dhcp and tftp,
 * and of operators. What holds: no network process and no operator ends it; only a message of the parent may, which it cannot be
 * wrong about; what it says is right in every column; it asks the parent to open only for a binding; no descriptor is left.
 */
#include "fuzz/messages.h"

#include "tests/ipc/fake_broker.h"

/* ---- what it says ---- */

static void
check_said(struct ipc_message *message)
{
	const struct msg_open *open = &message->body.OPEN;
	const struct msg_client *client;
	char rest[PATH_SIZE];

	if (message->type != MSG_OPEN)
		return;
	hold(facts.bindings != NULL && open->generation == facts.bindings->generation);
	hold(access_read(&facts.bindings->view, open->read.network, open->read.address, open->mac, open->read.path,
		 &client, rest) == ACCESS_GRANTED);
	hold(client->index == open->client && strcmp(rest, open->rest) == 0);
}

/* A breach of ours, or an end, shows at the far end as no message. */
static void
drain(bool operator_too)
{
	for (unsigned i = 0; i <= OPERATOR; i++)
		if (far[i] != -1 && (i != OPERATOR || operator_too))
			fake_drain(far[i], roles[i], ROLE_BROKER, check_said);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct input input = { bytes, length };
	int before = child.base == NULL ? -1 : open_descriptors();

	ended = false;
	fake_broker_begin();
	while (input.left > 0 && !ended) {
		unsigned byte = take_byte(&input), who = byte % SPEAKERS;

		if (who == OPERATOR)
			connect_operator();
		generation += who == TURN;
		if (who != TURN && far[who] != -1)
			say_message(&input, far[who], spare, right);
		if (who == PARENT)
			hear_parent();
		event_base_loop(child.base, EVLOOP_NONBLOCK);
		event_base_loop(child.base, EVLOOP_NONBLOCK);
		drain(byte < 128); /* or its operator reads later */
	}
	fake_broker_end();
	hold(before == -1 || ended || open_descriptors() == before);
	return 0;
}
