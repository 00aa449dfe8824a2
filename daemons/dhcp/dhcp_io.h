/* SPDX-License-Identifier: ISC */
/* Packets in and out in batches, on descriptors that the caller owns. Never waits: neither for a packet nor to fill a batch. */
#ifndef DISKLESS_DHCP_IO_H
#define DISKLESS_DHCP_IO_H

#include "dhcp_offer.h"

#define DHCP_BATCH 64

/* The sockets of a network, and what they need to know to send. */
struct dhcp_sockets {
	int udp;  /* port 67 */
	int boot; /* port 4011 */
	int link; /* frames */
	uint32_t ifindex;
	uint32_t server;       /* our address: the source of everything */
	uint8_t mac[MAC_SIZE]; /* of our interface */
};

/*
 * At most DHCP_BATCH packets that fd has, each to handle. The number that there were; -1 with errno: the socket is broken. One that
 * was longer than DHCP_PACKET_MAX is left out.
 */
int dhcp_receive(int fd, uint16_t our_port,
    void (*handle)(void *, const struct dhcp_origin *, const uint8_t *packet, size_t size), void *argument);

/* Room for one more packet to go out by the way of this reply; if all is taken, what waits goes out first. */
struct dhcp_packet *dhcp_out(const struct dhcp_sockets *, const struct dhcp_reply *);
/* The same for a packet that is made already. */
void dhcp_out_packet(const struct dhcp_sockets *, const struct dhcp_packet *);
/* Sends what waits. What the kernel does not take is lost, as on any network. */
void dhcp_flush(const struct dhcp_sockets *);
/* An ARP announcement of ours, at once. */
void dhcp_send_arp(const struct dhcp_sockets *);

#endif
