/* SPDX-License-Identifier: ISC */
/*
 * Any sequence of messages of any child to the parent (tests/ipc/fake_parent.h). What holds: nothing is opened but what the
 * configuration and the neighbour table give; only the broker is answered, and the tftp of the network that a file is for; a
 * descriptor comes with an open file and only then; pins and reloads keep their pace; no descriptor is left.
 */
#include "fuzz/messages.h"

#include "tests/ipc/fake_parent.h"

static const char *const paths[] = { "config.txt", "aa00aa01/config.txt", "missing", "../x", "bb00bb02/config.txt",
	"a/b/c", "cc00cc03/x", "" };
static int spare = -1;
static unsigned said; /* messages of the broker's: no more answers than they are */
static unsigned answered;

static void
right(uint32_t type, unsigned choice, union msg_payload *payload)
{
	const struct msg_client *c = &fake_clients[choice % FAKE_CLIENTS];
	struct msg_read read = { .id = choice, .network = c->network, .address = c->address };

	read.epoch = fake_process[c->network == 0 ? TFTP_LAB : TFTP_DEN].epoch;
	snprintf(read.path, sizeof(read.path), "%s", paths[choice / FAKE_CLIENTS % 8]);
	if (type == MSG_NEIGHBOUR_ASK) {
		payload->NEIGHBOUR_ASK = read;
	} else if (type == MSG_OPEN) {
		payload->OPEN = (struct msg_open){ .read = read, .client = c->index, .generation = 7 - choice / 128 };
		memcpy(payload->OPEN.mac, c->mac, MAC_SIZE);
		snprintf(payload->OPEN.rest, sizeof(payload->OPEN.rest), "%s",
		    strstr(read.path, "0") == NULL ? read.path : strchr(read.path, '/') + 1);
	}
}

static void
check_answer(struct ipc_message *message)
{
	answered++;
	if (message->type == MSG_FILE)
		hold((message->fd != -1) == (message->body.FILE.status == FILE_OPENED));
	else
		hold(message->type == MSG_NEIGHBOUR_IS || message->type == MSG_RELOADED);
}

static void
drain(void)
{
	for (unsigned i = 0; i < FAKE_PROCESSES; i++) {
		size_t count = fake_drain(fake_process[i].far, fake_process[i].spec.role, ROLE_PARENT, check_answer);

		hold(count == 0 || i == BROKER || i == TFTP_LAB || i == TFTP_DEN);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct input input = { bytes, length };
	int before;

	if (spare == -1)
		spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	before = open_descriptors();
	fake_start();
	said = answered = 0;
	while (input.left > 0) {
		unsigned who = take_byte(&input) % (FAKE_PROCESSES + 1);

		if (who == FAKE_PROCESSES) {
			fake_now += take_word(&input);
		} else {
			say_message(&input, fake_process[who].far, spare, right);
			said += who == BROKER;
		}
		fake_turn();
		drain();
	}
	hold(answered <= said && fake_done.opened + fake_done.looked_up <= 2 * said);
	hold(fake_done.pinned <= 1 + (fake_now - 1000000) / PIN_AGAIN_MS && fake_done.reloaded <= said);
	fake_stop();
	hold(open_descriptors() == before);
	return 0;
}
