/* SPDX-License-Identifier: ISC */
/*
 * storm: the power comes back. Boards switch on one after the other within a second, and each goes through the whole firmware stage of a
 * Raspberry Pi 4: DISCOVER until there is a menu, then file after file from a list, each as soon as the one before is there. A stand-in,
 * for the bench: the bytes are those of a board, its boot ROM and its firmware are these lines. Every byte is compared, and whatever
 * had to be said twice by anybody is counted. Prints one line of NAME=VALUE; ends with 1 if a board did not get through.
 *
 *	storm INTERFACE SERVER FIRST-ADDRESS FIRST-MAC BOARDS DIRECTORY LIST
 *
 * A line of LIST is a step: `probe NAME BLKSIZE` asks for a file and breaks off, `missing` hears that there is none, `take` takes all of
 * what the server makes itself, and `read` all of a file that is in DIRECTORY to be compared with.
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

#define SECOND      UINT64_C(1000000000)
#define SPREAD      SECOND       /* the last board is on after so long */
#define ASK_AGAIN   (2 * SECOND) /* a request, an ACK */
#define DISCOVER_S  (4 * SECOND)
#define GIVE_UP     (60 * SECOND)
#define STEPS_MAX   64
#define BOARDS_MAX  4000
#define PACKET_MAX  1600
#define DISCOVER_AT 240
#define MENU        "Raspberry Pi Boot"

enum kind { PROBE, MISSING, TAKE, READ };
static struct step {
	enum kind kind;
	char name[64];
	unsigned block;
	const uint8_t *content;
	uint64_t size;
} step[STEPS_MAX];
static unsigned steps;

static struct board {
	int fd;         /* of the step that it is at; -1: not there yet */
	unsigned at;    /* step */
	uint64_t block; /* the last one in order */
	uint64_t due;   /* when to switch on, or to say it again */
	uint64_t on;    /* since when */
	uint64_t asked;
	uint32_t repeated;
	struct sockaddr_in server;
	bool known, done, failed;
} board[BOARDS_MAX];
static unsigned boards, done, failed;

static struct sockaddr_in first_address, server_address;
static uint8_t first_mac[6];
static int poll_fd, dhcp_fd;
static uint32_t *open_us;
static uint64_t opened, repeats, bytes, slowest;

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* ---- DHCP ---- */

static const char options[] = "\x63\x82\x53\x63"
			      "\x35\x01\x01"
			      "\x37\x0e\x01\x03+<BC\x80\x81\x82\x83\x84\x85\x86\x87"
			      "\x5d\x02\0\0"
			      "\x5e\x03\x01\x02\x01"
			      "\x61\x11\0RPi4\x14\x31\xc0\x03\x01\x02\x03\x04\x1a\x2b\x3c\x4d"
			      "\x3c\x20"
			      "PXEClient:Arch:00000:UNDI:002001"
			      "\xff";

static void
put_mac(uint8_t mac[static 6], unsigned i)
{
	unsigned low = (unsigned)(first_mac[4] << 8 | first_mac[5]) + i;

	memcpy(mac, first_mac, 4);
	mac[4] = (uint8_t)(low >> 8);
	mac[5] = (uint8_t)low;
}

static void
discover(unsigned i)
{
	struct sockaddr_in everybody = {
		.sin_family = AF_INET, .sin_port = htons(67), .sin_addr.s_addr = INADDR_BROADCAST
	};
	uint8_t packet[322] = { 1, 1, 6 };
	uint32_t id = i + 1;

	memcpy(packet + 4, &id, sizeof(id));
	put_mac(packet + 28, i);
	memcpy(packet + DISCOVER_AT - 4, options, sizeof(options) - 1);
	if (sendto(dhcp_fd, packet, sizeof(packet), 0, (struct sockaddr *)&everybody, sizeof(everybody)) == -1)
		err(1, "DISCOVER");
	board[i].due = now_ns() + DISCOVER_S;
}

static void begin(unsigned i);

static void
hear_offer(void)
{
	uint8_t packet[PACKET_MAX], mac[6];
	ssize_t size;
	uint32_t id;

	while ((size = recv(dhcp_fd, packet, sizeof(packet), MSG_DONTWAIT)) > DISCOVER_AT) {
		memcpy(&id, packet + 4, sizeof(id));
		if (packet[0] != 2 || --id >= boards || board[id].fd != -1 || board[id].on == 0)
			continue;
		put_mac(mac, id);
		if (memcmp(packet + 28, mac, 6) == 0 && memmem(packet, (size_t)size, MENU, sizeof(MENU) - 1) != NULL)
			begin(id);
	}
}

/* ---- TFTP ---- */

static void
say(struct board *b, const void *packet, size_t size)
{
	if (sendto(b->fd, packet, size, 0, (struct sockaddr *)&b->server, sizeof(b->server)) == -1 && errno != ENOBUFS)
		err(1, "sendto");
	b->due = now_ns() + ASK_AGAIN;
}

static void
request(struct board *b)
{
	const struct step *s = &step[b->at];
	char packet[512] = "\0\1";
	size_t size = 2;

	size += (size_t)snprintf(packet + size, sizeof(packet) - size, "%s%coctet%ctsize%c0%cblksize%c%u", s->name, 0,
		    0, 0, 0, 0, s->block) +
		1;
	say(b, packet, size);
}

static void
acknowledge(struct board *b)
{
	uint8_t packet[4] = { 0, 4, (uint8_t)(b->block >> 8), (uint8_t)b->block };

	say(b, packet, sizeof(packet));
}

/* A new port for each file, as the firmware has it. */
static void
begin(unsigned i)
{
	struct board *b = &board[i];
	struct sockaddr_in name = first_address;
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };

	name.sin_addr.s_addr = htonl(ntohl(first_address.sin_addr.s_addr) + i);
	b->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (b->fd == -1 || bind(b->fd, (struct sockaddr *)&name, sizeof(name)) == -1 ||
	    epoll_ctl(poll_fd, EPOLL_CTL_ADD, b->fd, &event) == -1)
		err(1, "a socket of %s", inet_ntoa(name.sin_addr));
	b->server = server_address;
	b->block = 0;
	b->known = false;
	b->asked = now_ns();
	request(b);
}

static void
fail(unsigned i, const char *why)
{
	warnx("board %u, %s: %s", i, step[board[i].at].name, why);
	board[i].failed = true;
	failed++;
}

static void
next(unsigned i)
{
	struct board *b = &board[i];
	uint64_t took = now_ns() - b->on;

	close(b->fd);
	if (++b->at < steps) {
		begin(i);
		return;
	}
	b->done = true;
	done++;
	slowest = took > slowest ? took : slowest;
}

static void
on_data(unsigned i, const uint8_t *packet, size_t size)
{
	struct board *b = &board[i];
	const struct step *s = &step[b->at];
	uint64_t offset = b->block * s->block, left = s->kind == READ ? s->size - offset : size - 4;
	size_t wanted = left < s->block ? (size_t)left : s->block;

	if ((uint16_t)(packet[2] << 8 | packet[3]) != (uint16_t)(b->block + 1)) {
		b->repeated++;
		return;
	}
	if (size - 4 != wanted || (s->kind == READ && memcmp(packet + 4, s->content + offset, wanted) != 0)) {
		fail(i, "other bytes than the file has");
		return;
	}
	b->block++;
	bytes += wanted;
	acknowledge(b);
	if (wanted < s->block)
		next(i);
}

static void
on_packet(unsigned i, const uint8_t *packet, size_t size)
{
	struct board *b = &board[i];
	const struct step *s = &step[b->at];

	if (!b->known)
		open_us[opened++] = (uint32_t)((now_ns() - b->asked) / 1000);
	b->known = true;
	if (packet[1] == 5) {
		if (s->kind == MISSING && packet[3] == 1)
			next(i);
		else
			fail(i, "an ERROR");
	} else if (s->kind == MISSING) {
		fail(i, "it should be missing");
	} else if (packet[1] == 6 && s->kind == PROBE) {
		say(b, "\0\5\0\0Early terminate", 20);
		next(i);
	} else if (packet[1] == 6 && b->block == 0) {
		acknowledge(b);
	} else if (packet[1] == 3) {
		on_data(i, packet, size);
	} else {
		b->repeated++;
	}
}

static void
hear(unsigned i)
{
	struct board *b = &board[i];
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	uint8_t packet[PACKET_MAX];
	ssize_t size = recvfrom(b->fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&from, &length);

	if (size < 4 || b->done || b->failed)
		return;
	b->server.sin_port = from.sin_port;
	on_packet(i, packet, (size_t)size);
}

/* ---- time ---- */

static void
on_due(unsigned i, uint64_t now)
{
	struct board *b = &board[i];

	if (b->on == 0) {
		b->on = now;
		discover(i);
		return;
	}
	b->repeated++;
	if (now - b->on > GIVE_UP)
		fail(i, "given up");
	else if (b->fd == -1)
		discover(i);
	else if (!b->known)
		request(b);
	else
		acknowledge(b);
}

static void
run(void)
{
	struct epoll_event event[256];
	uint64_t start = now_ns(), look = 0, now;

	for (unsigned i = 0; i < boards; i++)
		board[i].due = start + SPREAD * i / boards;
	while (done + failed < boards) {
		int count = epoll_wait(poll_fd, event, 256, 1);

		for (int k = 0; k < count; k++) {
			if (event[k].data.u32 == BOARDS_MAX)
				hear_offer();
			else
				hear(event[k].data.u32);
		}
		now = now_ns();
		if (now < look)
			continue;
		look = now + SECOND / 1000;
		for (unsigned i = 0; i < boards; i++)
			if (!board[i].done && !board[i].failed && board[i].due <= now)
				on_due(i, now);
	}
}

/* ---- start and end ---- */

static void
read_content(struct step *s, const char *directory)
{
	char path[512];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, s->name);
	if ((fd = open(path, O_RDONLY)) == -1 || fstat(fd, &st) == -1)
		err(1, "%s", path);
	s->size = (uint64_t)st.st_size;
	s->content = mmap(NULL, s->size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (s->content == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
}

static void
read_list(const char *path, const char *directory)
{
	FILE *list = fopen(path, "r");
	char word[16];

	if (list == NULL)
		err(1, "%s", path);
	while (steps < STEPS_MAX && fscanf(list, "%15s %63s %u", word, step[steps].name, &step[steps].block) == 3) {
		struct step *s = &step[steps++];

		s->kind = word[0] == 'p' ? PROBE : word[0] == 'm' ? MISSING : word[0] == 't' ? TAKE : READ;
		if (s->block < 8 || s->block > 1468)
			errx(1, "%s: a BLKSIZE of %u", path, s->block);
		if (s->kind == READ)
			read_content(s, directory);
	}
	if (!feof(list))
		errx(1, "%s: step %u is no step", path, steps + 1);
	fclose(list);
}

static void
open_sockets(const char *interface)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(68) };
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = BOARDS_MAX };
	int on = 1, buffer = 4 << 20;

	poll_fd = epoll_create1(0);
	dhcp_fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (dhcp_fd == -1 || setsockopt(dhcp_fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) == -1 ||
	    setsockopt(dhcp_fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) == -1 ||
	    setsockopt(dhcp_fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) == -1 ||
	    bind(dhcp_fd, (struct sockaddr *)&name, sizeof(name)) == -1 ||
	    epoll_ctl(poll_fd, EPOLL_CTL_ADD, dhcp_fd, &event) == -1)
		err(1, "port 68 on %s", interface);
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
	unsigned clean = 0;

	for (unsigned i = 0; i < boards; i++) {
		clean += board[i].done && board[i].repeated == 0;
		repeats += board[i].repeated;
	}
	qsort(open_us, opened, sizeof(*open_us), compare);
	printf("boards=%u through=%u clean=%u repeated=%lu finished=%u timeouts=0 bytes=%lu wall=%.3f mbs=%.1f "
	       "slowest_s=%.2f open_p50_us=%u open_p99_us=%u\n",
	    boards, done, clean, repeats, done, bytes, seconds, (double)bytes / 1e6 / seconds, (double)slowest / 1e9,
	    opened == 0 ? 0 : open_us[opened / 2], opened == 0 ? 0 : open_us[opened * 99 / 100]);
}

int
main(int argc, char *argv[])
{
	struct rlimit files;
	uint64_t started;

	if (argc != 8 || inet_pton(AF_INET, argv[2], &server_address.sin_addr) != 1 ||
	    inet_pton(AF_INET, argv[3], &first_address.sin_addr) != 1 ||
	    sscanf(argv[4], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &first_mac[0], &first_mac[1], &first_mac[2], &first_mac[3],
		&first_mac[4], &first_mac[5]) != 6)
		errx(2, "usage: storm INTERFACE SERVER FIRST-ADDRESS FIRST-MAC BOARDS DIRECTORY LIST");
	boards = (unsigned)strtoul(argv[5], NULL, 10);
	if (boards == 0 || boards > BOARDS_MAX)
		errx(2, "BOARDS out of range");
	server_address.sin_family = first_address.sin_family = AF_INET;
	server_address.sin_port = htons(69);
	read_list(argv[7], argv[6]);
	open_us = calloc((size_t)boards * STEPS_MAX, sizeof(*open_us));
	if (steps == 0 || open_us == NULL || getrlimit(RLIMIT_NOFILE, &files) == -1)
		errx(1, "no steps, or no memory");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) == -1)
		err(1, "setrlimit");
	for (unsigned i = 0; i < boards; i++)
		board[i].fd = -1;
	open_sockets(argv[1]);
	started = now_ns();
	run();
	print((double)(now_ns() - started) / 1e9);
	return done < boards;
}
