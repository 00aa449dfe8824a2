/* SPDX-License-Identifier: ISC */
/*
 * Duty: the headers around a DHCP reply whose receiver cannot be reached by the kernel's IP, because it has no address yet, and ARP.
 * Runs as part of diskless-dhcp; must never write outside what it is given.
 */
#include "dhcp_frame.h"

#include <string.h>

#include <arpa/inet.h>

#define IP_SIZE        20
#define UDP_SIZE       8
#define IP_VERSION     0x45 /* and five words of header */
#define SERVICE        0xc0 /* network control, as DHCP always has it */
#define HOPS           64
#define IP_UDP         17
#define SERVER_PORT    67
#define CLIENT_PORT    68
#define HTYPE_ETHERNET 1
#define ETHERTYPE_IPV4 0x0800
#define ARP_REQUEST    1

static uint8_t *
put(uint8_t *p, const void *bytes, size_t size)
{
	memcpy(p, bytes, size);
	return p + size;
}

static uint8_t *
put16(uint8_t *p, size_t value)
{
	*p++ = (uint8_t)(value >> 8);
	*p++ = (uint8_t)value;
	return p;
}

/*
 * Adds size bytes to a checksum that is not folded yet, in the order that the machine has them: the sum comes out in the same order, so
 * words of any size will do (RFC 1071). Only the last bytes of all may be of an odd number.
 */
static uint64_t
add(uint64_t sum, const uint8_t *p, size_t size)
{
	uint32_t word;

	for (; size >= sizeof(word); p += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	word = 0;
	memcpy(&word, p, size);
	return sum + word;
}

static uint16_t
checksum(uint64_t sum)
{
	while (sum > UINT16_MAX)
		sum = (sum & UINT16_MAX) + (sum >> 16);
	return ntohs((uint16_t)~sum);
}

void
dhcp_frame_header(uint8_t *frame, size_t size, uint32_t source, uint32_t destination)
{
	uint8_t *ip = frame, *udp = frame + IP_SIZE;
	uint16_t sum;

	memset(frame, 0, DHCP_FRAME_HEADER);
	ip[0] = IP_VERSION;
	ip[1] = SERVICE;
	put16(ip + 2, IP_SIZE + UDP_SIZE + size);
	ip[8] = HOPS;
	ip[9] = IP_UDP;
	memcpy(ip + 12, &source, sizeof(source));
	memcpy(ip + 16, &destination, sizeof(destination));
	put16(ip + 10, checksum(add(0, ip, IP_SIZE)));
	put16(udp, SERVER_PORT);
	put16(udp + 2, CLIENT_PORT);
	put16(udp + 4, UDP_SIZE + size);
	/* The pseudo header: both addresses, protocol and length. A sum of 0 would mean that there is none. */
	sum = checksum(add(htons((uint16_t)(IP_UDP + UDP_SIZE + size)), ip + 12, IP_SIZE - 12 + UDP_SIZE + size));
	put16(udp + 6, sum == 0 ? UINT16_MAX : sum);
}

void
dhcp_encode_arp(const uint8_t mac[static MAC_SIZE], uint32_t address, uint8_t packet[static DHCP_ARP_SIZE])
{
	static const uint8_t nobody[MAC_SIZE];
	uint8_t *p = packet;

	p = put16(p, HTYPE_ETHERNET);
	p = put16(p, ETHERTYPE_IPV4);
	*p++ = MAC_SIZE;
	*p++ = sizeof(address);
	p = put16(p, ARP_REQUEST);
	p = put(p, mac, MAC_SIZE);
	p = put(p, &address, sizeof(address));
	p = put(p, nobody, MAC_SIZE);
	put(p, &address, sizeof(address));
}
