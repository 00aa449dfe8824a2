/* SPDX-License-Identifier: ISC */
/*
 * tftpload: many TFTP clients in one process, for the bench. Each transfer has a socket of its own, bound to one of the clients'
 * addresses; all ask at once. Every byte is compared with the file, every option with what was asked, and what had to be asked
 * again is counted. Prints one line of NAME=VALUE; ends with 1 if a transfer failed.
 */
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_NS  1000000000 /* as impatient as a board */
#define TRIES       8
#define PACKET_MAX  1600
#define BATCH       64
#define EVENTS      256
#define BUFFER      (256 << 10)
#define OPCODE_DATA 3
#define OPCODE_ACK  4
#define OPCODE_OACK 6

struct client {
	int fd;
	struct sockaddr_in server; /* with the transfer's port, when known */
	uint64_t block;            /* the last one in order */
	uint64_t asked;            /* ns: when the first request was sent */
	uint64_t due;              /* ns: when to say it again */
	uint64_t think;            /* ns: when to acknowledge; 0: nothing to */
	uint32_t left;             /* transfers to begin yet */
	uint16_t window;           /* as granted */
	uint16_t unacknowledged;   /* blocks */
	uint8_t tries;
	bool known; /* the server's port */
	bool gap;   /* said so already */
	bool measured;
	bool done;
};

static struct {
	const char *server, *first, *file, *content;
	unsigned clients, addresses, transfers, block, window, think_us, port;
} want = { "192.168.10.1", "192.168.10.2", "file", NULL, 1, 1, 1, 1468, 1, 0, 69 };

static const uint8_t *content;
static uint64_t content_size;
static struct client *client;
static uint32_t *thinking; /* a ring: the pause is the same for all, so it is in order */
static uint64_t thinkers, thought;
static uint32_t *first_us; /* of each transfer: request to first data */
static uint64_t measured, finished, failed, timeouts, strays, gaps, bytes;
static unsigned running;
static int poll_fd;

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- what a client says ---- */

static void
say(struct client *c, const void *packet, size_t size)
{
	if (sendto(c->fd, packet, size, 0, (struct sockaddr *)&c->server, sizeof(c->server)) == -1 && errno != ENOBUFS)
		err(1, "sendto");
}

static void
request(struct client *c)
{
	char packet[512];
	size_t size = 2;

	packet[0] = 0;
	packet[1] = 1;
	size += (size_t)snprintf(packet + size, sizeof(packet) - size, "%s%coctet%ctsize%c0%cblksize%c%u", want.file, 0,
		    0, 0, 0, 0, want.block) +
		1;
	if (want.window > 1)
		size += (size_t)snprintf(packet + size, sizeof(packet) - size, "windowsize%c%u", 0, want.window) + 1;
	say(c, packet, size);
}

static void
acknowledge(struct client *c)
{
	uint8_t packet[4] = { 0, OPCODE_ACK, (uint8_t)(c->block >> 8), (uint8_t)c->block };

	c->unacknowledged = 0;
	say(c, packet, sizeof(packet));
}

/* ---- a transfer ---- */

static void
begin(unsigned i)
{
	struct client *c = &client[i];
	struct sockaddr_in name = { .sin_family = AF_INET };
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };
	int buffer = BUFFER;

	c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	inet_pton(AF_INET, want.first, &name.sin_addr);
	name.sin_addr.s_addr = htonl(ntohl(name.sin_addr.s_addr) + i % want.addresses);
	if (c->fd == -1 || bind(c->fd, (struct sockaddr *)&name, sizeof(name)) == -1)
		err(1, "a socket of %s", inet_ntoa(name.sin_addr));
	if (setsockopt(c->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) == -1 ||
	    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event) == -1)
		err(1, "epoll_ctl");
	c->server.sin_family = AF_INET;
	c->server.sin_port = htons((uint16_t)want.port);
	inet_pton(AF_INET, want.server, &c->server.sin_addr);
	c->block = c->think = 0;
	c->window = 1;
	c->unacknowledged = 0;
	c->tries = 0;
	c->known = c->gap = c->measured = false;
	c->left--;
}

static void
ask_first(struct client *c)
{
	c->asked = now_ns();
	c->due = c->asked + TIMEOUT_NS;
	request(c);
}

static void
end(unsigned i, bool well)
{
	struct client *c = &client[i];

	close(c->fd);
	if (well)
		finished++;
	else
		failed++;
	if (c->left > 0) {
		begin(i);
		ask_first(c);
		return;
	}
	c->done = true;
	running--;
}

/* ---- what it hears ---- */

static bool
check_option(struct client *c, const char *name, const char *value)
{
	uint64_t number = strtoull(value, NULL, 10);

	if (strcasecmp(name, "tsize") == 0)
		return number == content_size;
	if (strcasecmp(name, "blksize") == 0)
		return number == want.block;
	if (strcasecmp(name, "windowsize") == 0 && number >= 1 && number <= want.window) {
		c->window = (uint16_t)number;
		return true;
	}
	return false;
}

static bool
on_oack(struct client *c, const char *text, const char *stop)
{
	const char *name, *value;

	if (c->block != 0)
		return true; /* late */
	while (text < stop) {
		name = text;
		value = memchr(name, '\0', (size_t)(stop - name));
		if (value == NULL || ++value >= stop || (text = memchr(value, '\0', (size_t)(stop - value))) == NULL)
			return false;
		text++;
		if (!check_option(c, name, value))
			return false;
	}
	acknowledge(c);
	return true;
}

static uint64_t
last_block(void)
{
	return content_size / want.block + 1;
}

static void
note_first(struct client *c, uint64_t now)
{
	if (!c->measured)
		first_us[measured++] = (uint32_t)((now - c->asked) / 1000);
	c->measured = true;
}

static void
on_out_of_order(struct client *c, uint16_t number)
{
	if ((int16_t)(number - (uint16_t)c->block) <= 0) {
		strays++; /* it comes again */
		return;
	}
	gaps++;
	if (!c->gap)
		acknowledge(c);
	c->gap = true;
}

static bool
on_data(unsigned i, const uint8_t *packet, size_t size, uint64_t now)
{
	struct client *c = &client[i];
	uint16_t number = (uint16_t)(packet[2] << 8 | packet[3]);
	uint64_t offset = c->block * want.block, left = content_size - offset;
	size_t expected = left < want.block ? (size_t)left : want.block;

	if (number != (uint16_t)(c->block + 1)) {
		on_out_of_order(c, number);
		return true;
	}
	if (size - 4 != expected || memcmp(packet + 4, content + offset, expected) != 0)
		return false;
	note_first(c, now);
	c->block++;
	c->gap = false;
	c->tries = 0;
	c->due = now + TIMEOUT_NS;
	bytes += expected;
	if (c->block == last_block()) {
		acknowledge(c);
		end(i, true);
	} else if (++c->unacknowledged == c->window) {
		if (want.think_us == 0) {
			acknowledge(c);
		} else {
			c->think = now + want.think_us * UINT64_C(1000);
			thinking[thinkers++ % want.clients] = i;
		}
	}
	return true;
}

static bool
on_packet(unsigned i, const uint8_t *packet, size_t size, const struct sockaddr_in *from, uint64_t now)
{
	struct client *c = &client[i];

	if (size < 4 || packet[0] != 0)
		return false;
	if (!c->known)
		c->server.sin_port = from->sin_port;
	c->known = true;
	if (packet[1] == OPCODE_DATA)
		return on_data(i, packet, size, now);
	if (packet[1] != OPCODE_OACK) {
		warnx("opcode %u, code %u: %.*s", packet[1], packet[3], (int)size - 4, (const char *)packet + 4);
		return false;
	}
	return on_oack(c, (const char *)packet + 2, (const char *)packet + size);
}

static uint8_t inbox[BATCH][PACKET_MAX];
static struct mmsghdr message[BATCH];
static struct sockaddr_in sender[BATCH];

static void
make_inbox(void)
{
	static struct iovec part[BATCH];

	for (unsigned k = 0; k < BATCH; k++) {
		part[k] = (struct iovec){ inbox[k], PACKET_MAX };
		message[k].msg_hdr.msg_iov = &part[k];
		message[k].msg_hdr.msg_iovlen = 1;
		message[k].msg_hdr.msg_name = &sender[k];
	}
}

static void
hear(unsigned i, uint64_t now)
{
	struct client *c = &client[i];
	unsigned most = want.window < BATCH ? want.window : BATCH;
	uint64_t before = finished + failed;
	int count;

	for (unsigned k = 0; k < most; k++)
		message[k].msg_hdr.msg_namelen = sizeof(sender[k]);
	count = recvmmsg(c->fd, message, most, MSG_DONTWAIT, NULL);
	for (int k = 0; k < count && finished + failed == before; k++)
		if (!on_packet(i, inbox[k], message[k].msg_len, &sender[k], now))
			end(i, false);
}

/* ---- time ---- */

static void
say_again(unsigned i, uint64_t now)
{
	struct client *c = &client[i];

	timeouts++;
	if (++c->tries > TRIES) {
		end(i, false);
		return;
	}
	c->due = now + TIMEOUT_NS;
	c->gap = false;
	if (c->known)
		acknowledge(c);
	else
		request(c);
}

static void
wake_thinkers(uint64_t now)
{
	for (; thought < thinkers; thought++) {
		struct client *c = &client[thinking[thought % want.clients]];

		if (c->think > now)
			return;
		c->think = 0;
		acknowledge(c);
	}
}

static struct timespec
pause_until(uint64_t now, uint64_t tick)
{
	uint64_t until = tick, wait;

	if (thought < thinkers && client[thinking[thought % want.clients]].think < until)
		until = client[thinking[thought % want.clients]].think;
	wait = until > now ? until - now : 0;
	return (struct timespec){ (time_t)(wait / 1000000000), (long)(wait % 1000000000) };
}

static void
run(void)
{
	struct epoll_event event[EVENTS];
	uint64_t now = now_ns(), tick = now + TIMEOUT_NS / 10;

	while (running > 0) {
		struct timespec wait = pause_until(now, tick);
		int count = epoll_pwait2(poll_fd, event, EVENTS, &wait, NULL);

		now = now_ns();
		for (int k = 0; k < count; k++)
			if (!client[event[k].data.u32].done)
				hear(event[k].data.u32, now);
		wake_thinkers(now);
		if (now < tick)
			continue;
		tick = now + TIMEOUT_NS / 10;
		for (unsigned i = 0; i < want.clients; i++)
			if (!client[i].done && client[i].think == 0 && client[i].due <= now)
				say_again(i, now);
	}
}

/* ---- start and end ---- */

static void
read_content(void)
{
	struct stat st;
	int fd = open(want.content, O_RDONLY);

	if (fd == -1 || fstat(fd, &st) == -1)
		err(1, "%s", want.content);
	content_size = (uint64_t)st.st_size;
	content = mmap(NULL, content_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (content == MAP_FAILED)
		err(1, "%s", want.content);
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
print(double seconds)
{
	qsort(first_us, measured, sizeof(*first_us), compare);
	printf("finished=%lu failed=%lu timeouts=%lu repeated=%lu gaps=%lu bytes=%lu wall=%.3f mbs=%.1f open_p50_us=%u "
	       "open_p99_us=%u\n",
	    finished, failed, timeouts, strays, gaps, bytes, seconds, (double)bytes / 1e6 / seconds,
	    measured == 0 ? 0 : first_us[measured / 2], measured == 0 ? 0 : first_us[measured * 99 / 100]);
}

static unsigned
number(const char *text)
{
	char *rest;
	unsigned long n = strtoul(text, &rest, 10);

	if (*text == '\0' || *rest != '\0' || n > 100000000)
		errx(2, "%s is no number", text);
	return (unsigned)n;
}

static void
options(int argc, char *argv[])
{
	int option;

	while ((option = getopt(argc, argv, "s:p:a:A:n:r:f:c:b:w:d:")) != -1)
		switch (option) {
		case 's':
			want.server = optarg;
			break;
		case 'p':
			want.port = number(optarg);
			break;
		case 'a':
			want.first = optarg;
			break;
		case 'A':
			want.addresses = number(optarg);
			break;
		case 'n':
			want.clients = number(optarg);
			break;
		case 'r':
			want.transfers = number(optarg);
			break;
		case 'f':
			want.file = optarg;
			break;
		case 'c':
			want.content = optarg;
			break;
		case 'b':
			want.block = number(optarg);
			break;
		case 'w':
			want.window = number(optarg);
			break;
		case 'd':
			want.think_us = number(optarg);
			break;
		default:
			errx(2, "usage: tftpload [-s server] [-p port] [-a first-address] [-A addresses] [-n clients] "
				"[-r transfers-each] [-f file] [-b blksize] [-w window] [-d think-us] -c content");
		}
	if (want.content == NULL || want.clients == 0 || want.addresses == 0 || want.transfers == 0 || want.block < 8 ||
	    want.block > PACKET_MAX - 4 || want.window == 0 || want.window > 65535)
		errx(2, "what it is to do is missing or out of range");
}

int
main(int argc, char *argv[])
{
	struct rlimit files;
	uint64_t started;

	options(argc, argv);
	read_content();
	make_inbox();
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) == -1)
		err(1, "setrlimit");
	client = calloc(want.clients, sizeof(*client));
	thinking = calloc(want.clients, sizeof(*thinking));
	first_us = calloc((size_t)want.clients * want.transfers, sizeof(*first_us));
	poll_fd = epoll_create1(0);
	if (client == NULL || thinking == NULL || first_us == NULL || poll_fd == -1)
		err(1, "no memory");
	for (unsigned i = 0; i < want.clients; i++) {
		client[i].left = want.transfers;
		begin(i);
	}
	running = want.clients;
	started = now_ns();
	for (unsigned i = 0; i < want.clients; i++)
		ask_first(&client[i]);
	run();
	print((double)(now_ns() - started) / 1e9);
	return failed != 0;
}
