/* SPDX-License-Identifier: ISC */
/*
 * daemons/tftp/tftp.c whole: any sequence of messages of the parent and of a broker that has been taken over, between requests, replies
 * and steps of the clock, on sockets of the loopback device. What holds: nothing ends it; it says only what is right in every
 * column; each descriptor that it was handed is closed by the end.
 */
#include "fuzz/messages.h"

#include <arpa/inet.h>
#include <netinet/in.h>

void tftp_fatalx(const char *format, ...) LOG_PRINTF(1, 2) __attribute__((noreturn));
int tftp_main(void); /* its own, which nobody calls here */
#define main     tftp_main
#define fatalx   tftp_fatalx
#define clock_ms tftp_clock_ms
#include "daemons/tftp/tftp.c"
#undef clock_ms
#undef fatalx
#undef main

enum { PARENT, BROKER, CLIENT, REPLY, CLOCK, NEW_BROKER, SPEAKERS };

static struct tftp tftp;
static uint64_t now = 1000000;
static int far_parent = -1, near_parent, far_broker, client = -1, spare;
static struct sockaddr_in request_name, transfer_name;
static uint32_t latest; /* id of the latest question */

uint64_t
tftp_clock_ms(void)
{
	return now;
}

void
tftp_fatalx(const char *format, ...)
{
	hold(!"tftp ended");
	abort();
}

static void
right(uint32_t type, unsigned choice, union msg_payload *p)
{
	static const uint64_t sizes[] = { 0, 1, 511, 512, 1024, 65536, UINT64_MAX, 5 };

	if (type == MSG_FILE)
		p->FILE = (struct msg_file){ latest - choice % 4, 1 + choice / 4 % 5, sizes[choice / 32 % 8] };
	else if (type == MSG_TFTP_REFUSE)
		p->TFTP_REFUSE = (struct msg_refuse){ .id = latest - choice % 4, .why = choice / 4 % 5, .text = "no" };
	else if (type == MSG_PEER)
		p->PEER.role = ROLE_BROKER;
}

static void
note_question(struct ipc_message *message)
{
	if (message->type == MSG_TFTP_READ)
		latest = message->body.TFTP_READ.id;
	else
		hold(message->type == MSG_TFTP_DONE && message->body.TFTP_DONE.status <= DONE_FAILED);
}

static int
loopback_socket(struct sockaddr_in *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*name);

	*name = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	hold(fd != -1 && bind(fd, (struct sockaddr *)name, size) == 0 &&
	     getsockname(fd, (struct sockaddr *)name, &size) == 0);
	return fd;
}

static void
make_process(void)
{
	struct sockaddr_in ours;

	fake_quiet();
	tftp.child.base = event_base_new();
	tftp.child.private = &tftp;
	tftp.request = loopback_socket(&request_name);
	tftp.transfer[tftp.sockets++] = loopback_socket(&transfer_name);
	tftp.mtu = MTU_DEFAULT;
	tftp.timer_at = UINT64_MAX;
	tftp_serve_init(&tftp.server, &edge, &tftp, 1, tftp.sockets, tftp.mtu);
	tftp_inbox_init(&tftp.requests);
	tftp_inbox_init(&tftp.replies);
	tftp_outbox_init(&tftp.out);
	make_events(&tftp);
	client = loopback_socket(&ours);
	spare = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	far_parent = fake_pipe(&near_parent);
	hold(spare != -1 && fcntl(near_parent, F_SETFL, O_NONBLOCK) == 0);
}

static void
hear_parent(void)
{
	struct ipc_message message;
	const char *why;

	while (ipc_receive(near_parent, ROLE_TFTP, ROLE_PARENT, IPC_RUN, &message, &why) == IPC_MESSAGE) {
		on_message(&tftp.child, &message);
		if (message.fd != -1)
			close(ipc_take_fd(&message));
	}
}

static void
join_broker(void)
{
	struct msg_peer peer = { .role = ROLE_BROKER };
	int near;

	if (far_broker != 0)
		close(far_broker);
	far_broker = fake_pipe(&near);
	hold(ipc_write(far_parent, MSG_PEER, &peer, sizeof(peer), near) == 0);
	close(near);
	hear_parent();
}

static void
turn(void)
{
	event_base_loop(tftp.child.base, EVLOOP_NONBLOCK);
	event_base_loop(tftp.child.base, EVLOOP_NONBLOCK);
	fake_drain(far_broker, ROLE_BROKER, ROLE_TFTP, note_question);
}

static void
send_packet(struct input *input, const struct sockaddr_in *to)
{
	static const char requests[][40] = { "\0\1f\0octet\0", "\0\1g\0netascii\0",
		"\0\1f\0octet\0blksize\0008\0windowsize\0008" };
	static const size_t sizes[] = { 10, 13, 33 };
	unsigned choice = take_byte(input);
	unsigned char packet[64] = { 0, 4 };
	size_t size = 4;

	if (to == &request_name && choice < 3) {
		size = sizes[choice] + 1u * (choice == 2);
		memcpy(packet, requests[choice], size);
	} else if (choice < 64) {
		packet[3] = (unsigned char)choice;
	} else {
		size = choice % sizeof(packet);
		take_bytes(input, packet, size);
	}
	(void)sendto(client, packet, size, 0, (const struct sockaddr *)to, sizeof(*to));
}

static void
swallow(void)
{
	char bytes[2048];

	while (recv(client, bytes, sizeof(bytes), 0) != -1)
		;
}

/* With time, and a broker that says nothing, all ends. */
static void
wait_for_the_end(void)
{
	for (int i = 0; tftp.server.table.count > 0; i++) {
		hold(i < 100000);
		now = tftp_table_next(&tftp.server.table);
		on_timer(-1, 0, &tftp);
		swallow();
	}
	now += 100000;
	turn();
	swallow();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct input input = { bytes, length };
	int before;

	if (client == -1)
		make_process();
	join_broker();
	before = open_descriptors();
	while (input.left > 0) {
		switch (take_byte(&input) % SPEAKERS) {
		case PARENT:
			say_message(&input, far_parent, spare, right);
			hear_parent();
			break;
		case BROKER:
			say_message(&input, far_broker, spare, right);
			break;
		case CLIENT:
			send_packet(&input, &request_name);
			break;
		case REPLY:
			send_packet(&input, &transfer_name);
			break;
		case CLOCK:
			now += take_word(&input);
			on_timer(-1, 0, &tftp);
			break;
		case NEW_BROKER:
			join_broker();
			break;
		}
		turn();
		swallow();
	}
	join_broker();
	wait_for_the_end();
	hold(open_descriptors() == before);
	return 0;
}
