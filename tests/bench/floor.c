/* SPDX-License-Identifier: ISC */
/*
 * floor: the least program that moves the same datagrams. No files (one in memory), no transfers (the ACK says all), no timers, no
 * limits, no jail, one socket for everything: what it costs is what the kernel costs. For the bench only.
 *
 *	floor ADDRESS FILE BLKSIZE WINDOWSIZE
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#define BATCH      64
#define WINDOW_MAX 44 /* blocks of 1468 in 64 KiB */

static uint8_t *file;
static uint64_t file_size, block_size, window;
static char oack[128];
static size_t oack_size;

static uint8_t in[BATCH][512];
static uint8_t header[BATCH][WINDOW_MAX][4];
static struct iovec in_part[BATCH], out_part[BATCH][2 * WINDOW_MAX];
static struct sockaddr_in from[BATCH];
static struct mmsghdr request[BATCH], answer[BATCH];
static union {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
} control[BATCH];

static void
put_segment(unsigned k)
{
	uint16_t segment = (uint16_t)(4 + block_size);

	control[k].header = (struct cmsghdr){ CMSG_LEN(sizeof(segment)), IPPROTO_UDP, UDP_SEGMENT };
	memcpy(CMSG_DATA(&control[k].header), &segment, sizeof(segment));
	answer[k].msg_hdr.msg_control = control[k].bytes;
	answer[k].msg_hdr.msg_controllen = sizeof(control[k].bytes);
}

/* The blocks behind the acknowledged one. false: there are none. */
static int
put_blocks(unsigned k, uint64_t block)
{
	struct iovec *part = out_part[k];
	unsigned count = 0;

	for (; count < window && block * block_size <= file_size; count++, block++) {
		uint64_t left = file_size - block * block_size;

		header[k][count][1] = 3;
		header[k][count][2] = (uint8_t)((block + 1) >> 8);
		header[k][count][3] = (uint8_t)(block + 1);
		*part++ = (struct iovec){ header[k][count], 4 };
		*part++ = (struct iovec){ file + block * block_size, left < block_size ? left : block_size };
	}
	answer[k].msg_hdr.msg_iov = out_part[k];
	answer[k].msg_hdr.msg_iovlen = 2 * (size_t)count;
	answer[k].msg_hdr.msg_control = NULL;
	answer[k].msg_hdr.msg_controllen = 0;
	if (count > 1)
		put_segment(k);
	return count > 0;
}

static int
put_answer(unsigned k, const uint8_t *packet, const struct sockaddr_in *to)
{
	answer[k].msg_hdr.msg_name = (void *)(uintptr_t)to;
	answer[k].msg_hdr.msg_namelen = sizeof(*to);
	if (packet[1] == 4)
		return put_blocks(k, (uint64_t)(packet[2] << 8 | packet[3]));
	out_part[k][0] = (struct iovec){ oack, oack_size };
	answer[k].msg_hdr.msg_iov = out_part[k];
	answer[k].msg_hdr.msg_iovlen = 1;
	answer[k].msg_hdr.msg_control = NULL;
	answer[k].msg_hdr.msg_controllen = 0;
	return packet[1] == 1;
}

static void
serve(int fd)
{
	for (;;) {
		unsigned answers = 0, done = 0;
		int count, sent;

		for (unsigned k = 0; k < BATCH; k++)
			request[k].msg_hdr.msg_namelen = sizeof(from[k]);
		count = recvmmsg(fd, request, BATCH, MSG_WAITFORONE, NULL);
		for (int k = 0; k < count; k++)
			if (request[k].msg_len >= 4 && put_answer(answers, in[k], &from[k]))
				answers++;
		for (; done < answers; done += (unsigned)sent)
			if ((sent = sendmmsg(fd, answer + done, answers - done, 0)) <= 0)
				err(1, "sendmmsg");
	}
}

int
main(int argc, char *argv[])
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(69) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), buffer = 4 << 20, no_df = IP_PMTUDISC_DONT, source;
	struct stat st;

	if (argc != 5 || inet_pton(AF_INET, argv[1], &name.sin_addr) != 1)
		errx(2, "usage: floor ADDRESS FILE BLKSIZE WINDOWSIZE");
	block_size = strtoull(argv[3], NULL, 10);
	window = strtoull(argv[4], NULL, 10);
	if (block_size == 0 || window == 0 || window > WINDOW_MAX)
		errx(2, "sizes out of range");
	if ((source = open(argv[2], O_RDONLY)) == -1 || fstat(source, &st) == -1)
		err(1, "%s", argv[2]);
	file_size = (uint64_t)st.st_size;
	file = mmap(NULL, file_size, PROT_READ, MAP_SHARED | MAP_POPULATE, source, 0);
	if (file == MAP_FAILED || file_size / block_size >= UINT16_MAX)
		errx(1, "%s: not in memory, or too many blocks for a program without transfers", argv[2]);
	oack_size =
	    2 +
	    (size_t)snprintf(oack, sizeof(oack), "%c%ctsize%c%lu%cblksize%c%lu", 0, 6, 0, file_size, 0, 0, block_size) -
	    1;
	if (window > 1)
		oack_size +=
		    (size_t)snprintf(oack + oack_size, sizeof(oack) - oack_size, "windowsize%c%lu", 0, window) + 1;
	/* As every TFTP server in the field; each datagram then needs an identification of its own, which costs some 5 %. */
	if (setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &no_df, sizeof(no_df)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) == -1 ||
	    bind(fd, (struct sockaddr *)&name, sizeof(name)) == -1)
		err(1, "port 69 of %s", argv[1]);
	for (unsigned k = 0; k < BATCH; k++) {
		in_part[k] = (struct iovec){ in[k], sizeof(in[k]) };
		request[k].msg_hdr = (struct msghdr){ .msg_name = &from[k], .msg_iov = &in_part[k], .msg_iovlen = 1 };
	}
	serve(fd);
}
