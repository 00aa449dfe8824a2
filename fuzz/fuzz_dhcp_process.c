/* SPDX-License-Identifier: ISC */
/*
 * daemons/dhcp/dhcp.c whole: any sequence of messages of the parent and of a broker that has been taken over, between packets and steps
 * of the clock. What holds: nothing ends it; it says only what is right in every column; no more than a report a packet; what
 * is answered is a board of the table in force; no descriptor is left.
 */
#include "fuzz/messages.h"

void dhcp_fatalx(const char *format, ...) LOG_PRINTF(1, 2) __attribute__((noreturn));
int dhcp_main(void); /* its own, which nobody calls here */
#define main     dhcp_main
#define fatalx   dhcp_fatalx
#define clock_ms dhcp_clock_ms
#include "daemons/dhcp/dhcp.c"
#undef clock_ms
#undef fatalx
#undef main

#include "tests/unit/dhcp_samples.h"

enum { PARENT, BROKER, TABLE, PACKET, BOARD, CLOCK, SPEAKERS };

static struct dhcp dhcp;
static uint64_t now = 1000000;
static int far_parent = -1, near_parent, far_broker, far_udp, far_boot, far_link, spare;
static unsigned reports, offers, packets;

uint64_t
dhcp_clock_ms(void)
{
	return now;
}

void
dhcp_fatalx(const char *format, ...)
{
	hold(!"dhcp ended");
	abort();
}

static void
right(uint32_t type, unsigned choice, union msg_payload *p)
{
	if (type == MSG_PEER)
		p->PEER.role = ROLE_BROKER;
	else if (type == MSG_DHCP_BEGIN)
		p->DHCP_BEGIN = (struct msg_network){ .server = htonl(INADDR_LOOPBACK),
			.prefix = 24,
			.dhcp = 1 + choice % 3,
			.unknown = 1 + choice / 3 % 2,
			.boot_file = { [BOOT_EFI_X64] = "bootx64.efi" },
			.name = "lab" };
	else if (type == MSG_DHCP_CLIENT)
		p->DHCP_CLIENT =
		    (struct msg_client){ .address = 1, .boot = 1 + choice % 2, .mac = { 0xdc, 0xa6, 0x32, 1, 2, 3 } };
}

static void
count_report(struct ipc_message *message)
{
	hold(message->type == MSG_DHCP_SEEN && message->body.DHCP_SEEN.network == 0);
	reports++;
}

/* Its sockets are pipes here, where nothing goes out. */
static void
make_process(void)
{
	fake_quiet();
	dhcp.child.base = event_base_new();
	dhcp.child.private = &dhcp;
	far_udp = fake_pipe(&dhcp.sockets.udp);
	far_boot = fake_pipe(&dhcp.sockets.boot);
	far_link = fake_pipe(&dhcp.sockets.link);
	far_parent = fake_pipe(&near_parent);
	serve_socket(&dhcp, dhcp.sockets.udp, on_request);
	serve_socket(&dhcp, dhcp.sockets.boot, on_boot_request);
	dhcp.timer = evtimer_new(dhcp.child.base, on_timer, &dhcp);
	spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	hold(spare != -1 && fcntl(near_parent, F_SETFL, O_NONBLOCK) == 0);
}

static void
hear_parent(void)
{
	struct ipc_message message;
	const char *why;

	while (ipc_receive(near_parent, ROLE_DHCP, ROLE_PARENT, IPC_RUN, &message, &why) == IPC_MESSAGE) {
		on_message(&dhcp.child, &message);
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
broker_says(enum msg_type type, unsigned choice)
{
	union msg_payload payload;

	memset(&payload, 0, sizeof(payload));
	right(type, choice, &payload);
	(void)ipc_write(far_broker, type, &payload, message_rules[type].size, -1);
}

static void
check_reply(const unsigned char *bytes, ssize_t size)
{
	hold(dhcp.table != NULL && size >= DHCP_REPLY_MIN && size <= DHCP_REPLY_MAX && bytes[0] == 2);
	offers++;
}

/* What would be sent to boards: whole, and only with a table. */
static void
count_offers(void)
{
	unsigned char bytes[2048];
	ssize_t size;

	while ((size = recv(far_udp, bytes, sizeof(bytes), 0)) != -1)
		check_reply(bytes, size);
	while ((size = recv(far_boot, bytes, sizeof(bytes), 0)) != -1)
		check_reply(bytes, size);
	while ((size = recv(far_link, bytes, sizeof(bytes), 0)) != -1)
		if (size != DHCP_ARP_SIZE)
			check_reply(bytes + DHCP_FRAME_HEADER, size - DHCP_FRAME_HEADER);
}

static void
turn(void)
{
	event_base_loop(dhcp.child.base, EVLOOP_NONBLOCK);
	event_base_loop(dhcp.child.base, EVLOOP_NONBLOCK);
	fake_drain(far_broker, ROLE_BROKER, ROLE_DHCP, count_report);
	count_offers();
	hold(reports <= packets && offers <= packets);
}

static void
send_packet(struct input *input)
{
	unsigned char packet[600];
	size_t size = take_word(input) % sizeof(packet);

	memset(packet, 0, sizeof(packet));
	take_bytes(input, packet, size);
	packets += send(size % 2 == 0 ? far_udp : far_boot, packet, size, 0) != -1;
}

static void
send_board(unsigned choice)
{
	struct sample sample;

	if (choice % 3 == 0)
		SAMPLE(&sample, "\0\0\0\1", MAC_PI4, OPTIONS_PI4);
	else if (choice % 3 == 1)
		SAMPLE(&sample, ROM_CONSTANT_XID, MAC_PI3, OPTIONS_G0);
	else
		SAMPLE(&sample, "\0\0\0\2", MAC_PI4, OPTIONS(ASK_14_G2, ARCH_7, ID_PC));
	packets += send(far_udp, sample.bytes, sample.size, 0) != -1;
}

static void
forget(void)
{
	struct dhcp_waiting waiting;

	while (dhcp_queue_take(&dhcp.queue, UINT64_MAX - 1, &waiting))
		;
	event_del(dhcp.timer);
	drop_broker(&dhcp);
	dhcp_table_free(dhcp.table);
	dhcp.table = NULL;
	memset(&dhcp.reports, 0, sizeof(dhcp.reports));
	reports = offers = packets = 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct input input = { bytes, length };
	int before;

	if (far_parent == -1)
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
		case TABLE:
			broker_says(MSG_DHCP_BEGIN, take_byte(&input));
			broker_says(MSG_DHCP_CLIENT, take_byte(&input));
			broker_says(MSG_DHCP_END, 0);
			break;
		case PACKET:
			send_packet(&input);
			break;
		case BOARD:
			send_board(take_byte(&input));
			break;
		case CLOCK:
			now += take_word(&input);
			on_timer(-1, 0, &dhcp);
			break;
		}
		turn();
	}
	join_broker();
	hold(open_descriptors() == before);
	forget();
	return 0;
}
