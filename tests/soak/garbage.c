/* SPDX-License-Identifier: ISC */
/*
 * garbage: datagrams that mean nothing, to every UDP port of the suite, for the soak. What is sent is random, or a real beginning
 * (a DHCP message, a TFTP request, DATA, ACK, ERROR, OACK) with random bytes, lengths and options. Prints one line of NAME=VALUE.
 *
 *	garbage SERVER OUR-ADDRESS PACKETS PACKETS-A-SECOND SEED
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH        32
#define SIZE         1472
#define SOCKETS      64
#define EACH_SOCKET  512 /* batches, then it gets another port */
#define TRANSFER     61069
#define DHCP_OPTIONS 240

static uint64_t state;

/* xorshift64* */
static uint32_t
draw(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 2685821657736338717u) >> 32) % below;
}

static void
fill(uint8_t *at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		at[i] = (uint8_t)draw(256);
}

static size_t
nonsense(uint8_t *packet)
{
	size_t length = draw(8) == 0 ? draw(SIZE + 1) : draw(64);

	fill(packet, length);
	return length;
}

/* A DISCOVER or REQUEST up to its options; these are random, and some claim to be longer than they are. */
static size_t
dhcp(uint8_t *packet)
{
	static const uint8_t cookie[] = { 99, 130, 83, 99 };
	size_t length = DHCP_OPTIONS + draw(200);

	memset(packet, 0, DHCP_OPTIONS);
	fill(packet + DHCP_OPTIONS, length - DHCP_OPTIONS);
	packet[0] = (uint8_t)(1 + draw(16) / 15);
	packet[1] = 1;
	packet[2] = draw(8) == 0 ? (uint8_t)draw(256) : 6;
	fill(packet + 4, 4);
	fill(packet + 28, 6);
	memcpy(packet + 236, cookie, sizeof(cookie));
	if (draw(2) == 0 && length > DHCP_OPTIONS + 3) {
		packet[DHCP_OPTIONS] = 53;
		packet[DHCP_OPTIONS + 1] = 1;
		packet[DHCP_OPTIONS + 2] = (uint8_t)draw(20);
	}
	return draw(8) == 0 ? draw((uint32_t)length) : length;
}

static size_t
tftp(uint8_t *packet)
{
	static const char *const words[] = { "octet", "netascii", "blksize", "tsize", "timeout", "windowsize", "1468",
		"0", "-1", "99999999999", "kernel8.img", "../../../etc/shadow", "1234abcd/config.txt", "", "%n%s" };
	size_t length = 2;

	packet[0] = draw(16) == 0 ? (uint8_t)draw(256) : 0;
	packet[1] = (uint8_t)draw(9);
	if (draw(2) == 0) {
		fill(packet + 2, length = draw(20));
		return length < 2 ? 2 : length;
	}
	for (uint32_t n = draw(9); n > 0; n--) {
		const char *word = words[draw(sizeof(words) / sizeof(*words))];

		memcpy(packet + length, word, strlen(word) + 1);
		length += strlen(word) + 1;
	}
	return length - draw(2);
}

static uint16_t
port_for(uint8_t *packet, size_t *length)
{
	switch (draw(8)) {
	case 0:
		*length = nonsense(packet);
		return draw(2) == 0 ? 67 : 69;
	case 1:
	case 2:
		*length = dhcp(packet);
		return 67;
	case 3:
		*length = dhcp(packet);
		return 4011;
	case 4:
	case 5:
		*length = tftp(packet);
		return 69;
	default:
		*length = draw(4) == 0 ? nonsense(packet) : tftp(packet);
		return (uint16_t)(TRANSFER + draw(16));
	}
}

static int
socket_at(struct in_addr ours)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr = ours };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&name, sizeof(name)) == -1)
		err(1, "a socket");
	return fd;
}

static void
send_batch(int fd, struct in_addr server)
{
	static uint8_t packet[BATCH][SIZE + 64];
	static struct sockaddr_in to[BATCH];
	static struct iovec part[BATCH];
	static struct mmsghdr message[BATCH];

	for (int i = 0; i < BATCH; i++) {
		to[i] = (struct sockaddr_in){ .sin_family = AF_INET,
			.sin_addr = server,
			.sin_port = htons(port_for(packet[i], &part[i].iov_len)) };
		part[i].iov_base = packet[i];
		message[i].msg_hdr = (struct msghdr){
			.msg_name = &to[i], .msg_namelen = sizeof(to[i]), .msg_iov = &part[i], .msg_iovlen = 1
		};
	}
	for (int sent = 0; sent < BATCH;) {
		int n = sendmmsg(fd, message + sent, (unsigned)(BATCH - sent), 0);

		if (n == -1 && errno != ECONNREFUSED && errno != ENOBUFS && errno != EAGAIN)
			err(1, "sendmmsg");
		sent += n > 0 ? n : 0;
	}
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct in_addr server, ours;
	unsigned long long wanted, batches = 0;
	double began = now(), rate;
	int fd[SOCKETS];

	if (argc != 6 || inet_aton(argv[1], &server) == 0 || inet_aton(argv[2], &ours) == 0)
		errx(2, "usage: garbage SERVER OUR-ADDRESS PACKETS PACKETS-A-SECOND SEED");
	wanted = strtoull(argv[3], NULL, 10);
	rate = strtod(argv[4], NULL);
	state = strtoull(argv[5], NULL, 10) * 2 + 1;
	for (int i = 0; i < SOCKETS; i++)
		fd[i] = socket_at(ours);
	for (; batches * BATCH < wanted; batches++) {
		unsigned i = (unsigned)(batches % SOCKETS);
		double ahead = (double)batches * BATCH / rate - (now() - began);

		if (batches / SOCKETS % EACH_SOCKET == EACH_SOCKET - 1) {
			close(fd[i]);
			fd[i] = socket_at(ours);
		}
		send_batch(fd[i], server);
		if (ahead > 0.002)
			usleep((useconds_t)(ahead * 1e6));
	}
	printf("packets=%llu seconds=%.1f\n", batches * BATCH, now() - began);
	return 0;
}
