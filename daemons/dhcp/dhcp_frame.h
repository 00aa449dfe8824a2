/* SPDX-License-Identifier: ISC */
/* What goes out by the packet socket, without its Ethernet header: DHCP in UDP in IPv4, and ARP. Pure. */
#ifndef DISKLESS_DHCP_FRAME_H
#define DISKLESS_DHCP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"

#define DHCP_FRAME_HEADER 28 /* IPv4 and UDP */
#define DHCP_ARP_SIZE     28

/*
 * Fills in the DHCP_FRAME_HEADER bytes before size bytes of DHCP at frame + DHCP_FRAME_HEADER, from source, port 67, to destination,
 * port 68. Checksums are there: boards drop without a word what has none.
 */
void dhcp_frame_header(uint8_t *frame, size_t size, uint32_t source, uint32_t destination);

/* An ARP announcement (RFC 5227) of address at mac. */
void dhcp_encode_arp(const uint8_t mac[static MAC_SIZE], uint32_t address, uint8_t packet[static DHCP_ARP_SIZE]);

#endif
