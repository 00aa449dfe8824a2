/* SPDX-License-Identifier: ISC */
/*
 * dhcpload: boards that ask to boot, for the bench: DISCOVERs as a Pi 4 sends them, so many outstanding, each of the next MAC.
 * Only an OFFER for the transaction and MAC that asked counts. Questions go out as frames, as from a board that has no address, and
 * past the IP of this machine: it must not be what limits the rate. Prints one line of NAME=VALUE.
 *
 *	dhcpload INTERFACE FIRST-MAC MACS OFFERS OUTSTANDING
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PACKET          322 /* as long as those of real boards */
#define OPTIONS         240
#define HEADERS         28 /* IP and UDP */
#define LOST_NS         200000000
#define BATCH           64
#define OUTSTANDING_MAX 1024

struct question {
	uint32_t id;
	uint64_t at;
};

static uint8_t first_mac[6];
static unsigned macs, wanted, outstanding;
static struct question question[OUTSTANDING_MAX];
static uint64_t offers, lost, others;
static uint32_t next_id = 1;
static struct sockaddr_ll everybody = { .sll_family = AF_PACKET, .sll_halen = 6 };
static int link_fd;
static uint8_t in_packet[BATCH][2048], out_packet[BATCH][HEADERS + PACKET];
static struct iovec in_part[BATCH], out_part[BATCH];
static struct mmsghdr in[BATCH], out[BATCH];
static unsigned asked; /* that are in out */

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
put_mac(uint8_t mac[static 6], uint32_t id)
{
	unsigned low = (unsigned)(first_mac[4] << 8 | first_mac[5]) + id % macs;

	memcpy(mac, first_mac, 4);
	mac[4] = (uint8_t)(low >> 8);
	mac[5] = (uint8_t)low;
}

/* A Pi 4's, after the magic cookie: each option with its code, length and value; the last NUL is not sent. */
static const char options[] = "\x63\x82\x53\x63"
			      "\x35\x01\x01"                                                   /* 53: DISCOVER */
			      "\x37\x0e\x01\x03+<BC\x80\x81\x82\x83\x84\x85\x86\x87"           /* 55 */
			      "\x5d\x02\0\0"                                                   /* 93 */
			      "\x5e\x03\x01\x02\x01"                                           /* 94 */
			      "\x61\x11\0RPi4\x14\x31\xc0\x03\x01\x02\x03\x04\x1a\x2b\x3c\x4d" /* 97 */
			      "\x3c\x20"
			      "PXEClient:Arch:00000:UNDI:002001" /* 60 */
			      "\xff";

static void
put_discover(uint8_t packet[static PACKET], uint32_t id)
{
	memset(packet, 0, PACKET);
	packet[0] = 1;
	packet[1] = 1;
	packet[2] = 6;
	memcpy(packet + 4, &id, sizeof(id));
	put_mac(packet + 28, id);
	memcpy(packet + OPTIONS - 4, options, sizeof(options) - 1);
}

/* From 0.0.0.0 port 68 to everybody's port 67; UDP without a sum, as the ROMs of boards send it. */
static void
put_headers(uint8_t *p)
{
	static const uint8_t start[HEADERS] = { 0x45, 0, (HEADERS + PACKET) >> 8, (HEADERS + PACKET) & 0xff, 0, 0, 0, 0,
		64, IPPROTO_UDP, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 68, 0, 67, (8 + PACKET) >> 8,
		(8 + PACKET) & 0xff };
	uint32_t sum = 0;

	memcpy(p, start, sizeof(start));
	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
}

static void
flush(void)
{
	int sent;

	for (unsigned done = 0; done < asked; done += (unsigned)sent)
		if ((sent = sendmmsg(link_fd, out + done, asked - done, 0)) <= 0)
			err(1, "sendmmsg");
	asked = 0;
}

static void
ask(unsigned slot)
{
	/* The slot stands in the id, so that an answer finds it. */
	question[slot].id = next_id++ * OUTSTANDING_MAX + slot;
	question[slot].at = now_ns();
	put_discover(out_packet[asked++] + HEADERS, question[slot].id);
	if (asked == BATCH)
		flush();
}

static void
hear(const uint8_t *packet, size_t size)
{
	uint8_t mac[6];
	uint32_t id;
	unsigned slot;

	if (size < OPTIONS + 3)
		return;
	memcpy(&id, packet + 4, sizeof(id));
	slot = id % OUTSTANDING_MAX;
	put_mac(mac, id);
	if (packet[0] != 2 || slot >= outstanding || question[slot].id != id || memcmp(packet + 28, mac, 6) != 0 ||
	    memcmp(packet + OPTIONS, "\x35\x01\x02", 3) != 0) {
		others++;
		return;
	}
	offers++;
	ask(slot);
}

static void
ask_for_lost(uint64_t now)
{
	for (unsigned slot = 0; slot < outstanding; slot++)
		if (now - question[slot].at > LOST_NS) {
			lost++;
			ask(slot);
		}
}

static int
open_socket(const char *interface)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(68) };
	struct timeval limit = { 0, 50000 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1, buffer = 4 << 20;

	/* Protocol 0: it receives nothing. */
	link_fd = socket(AF_PACKET, SOCK_DGRAM, 0);
	everybody.sll_ifindex = (int)if_nametoindex(interface);
	everybody.sll_protocol = htons(ETHERTYPE_IP);
	memset(everybody.sll_addr, 0xff, 6);
	if (link_fd == -1 || everybody.sll_ifindex == 0 ||
	    setsockopt(link_fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) == -1)
		err(1, "packets on %s", interface);
	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) == -1 ||
	    bind(fd, (struct sockaddr *)&name, sizeof(name)) == -1)
		err(1, "port 68 on %s", interface);
	return fd;
}

static void
make_batches(void)
{
	for (unsigned k = 0; k < BATCH; k++) {
		in_part[k] = (struct iovec){ in_packet[k], sizeof(in_packet[k]) };
		in[k].msg_hdr = (struct msghdr){ .msg_iov = &in_part[k], .msg_iovlen = 1 };
		put_headers(out_packet[k]);
		out_part[k] = (struct iovec){ out_packet[k], HEADERS + PACKET };
		out[k].msg_hdr = (struct msghdr){ .msg_name = &everybody,
			.msg_namelen = sizeof(everybody),
			.msg_iov = &out_part[k],
			.msg_iovlen = 1 };
	}
}

static void
run(int fd)
{
	uint64_t look = now_ns() + LOST_NS, now;
	int count;

	for (unsigned slot = 0; slot < outstanding; slot++)
		ask(slot);
	while (offers < wanted && lost < wanted) {
		flush();
		count = recvmmsg(fd, in, BATCH, MSG_WAITFORONE, NULL);
		for (int k = 0; k < count; k++)
			hear(in_packet[k], in[k].msg_len);
		now = now_ns();
		if (now < look)
			continue;
		ask_for_lost(now);
		look = now + LOST_NS / 4;
	}
}

int
main(int argc, char *argv[])
{
	uint64_t started;
	double seconds;

	if (argc != 6 || sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &first_mac[0], &first_mac[1], &first_mac[2],
			     &first_mac[3], &first_mac[4], &first_mac[5]) != 6)
		errx(2, "usage: dhcpload INTERFACE FIRST-MAC MACS OFFERS OUTSTANDING");
	macs = (unsigned)strtoul(argv[3], NULL, 10);
	wanted = (unsigned)strtoul(argv[4], NULL, 10);
	outstanding = (unsigned)strtoul(argv[5], NULL, 10);
	if (macs == 0 || wanted == 0 || outstanding == 0 || outstanding > OUTSTANDING_MAX)
		errx(2, "numbers out of range");
	make_batches();
	started = now_ns();
	run(open_socket(argv[1]));
	seconds = (double)(now_ns() - started) / 1e9;
	printf("offers=%lu lost=%lu others=%lu wall=%.3f rate=%.0f\n", offers, lost, others, seconds,
	    (double)offers / seconds);
	return offers < wanted;
}
