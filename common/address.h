/* SPDX-License-Identifier: ISC */
/* IPv4 and Ethernet addresses, as text and back. IPv4 addresses are in network byte order everywhere. */
#ifndef DISKLESS_ADDRESS_H
#define DISKLESS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESS_TEXT 16 /* "255.255.255.255" with its NUL */
#define MAC_TEXT     18 /* "dc:a6:32:01:02:03" with its NUL */

/* Exactly four decimal numbers 0..255 without leading zeros; nothing else. */
bool address_parse(const char *text, uint32_t *address);
const char *address_text(uint32_t address, char text[static ADDRESS_TEXT]);
/* Six pairs of hex digits, all separated by ':' or all by '-', in either case. */
bool mac_parse(const char *text, uint8_t mac[static 6]);
const char *mac_text(const uint8_t mac[static 6], char text[static MAC_TEXT]);   /* dc:a6:32:01:02:03 */
const char *mac_dashes(const uint8_t mac[static 6], char text[static MAC_TEXT]); /* dc-a6-32-01-02-03 */
/* An address of one machine: not multicast, not all zeros or all ones. */
bool mac_is_unicast(const uint8_t mac[static 6]);
uint32_t prefix_mask(unsigned prefix); /* 24 -> 255.255.255.0 */
bool address_in(uint32_t address, uint32_t network, unsigned prefix);
/* Can it be one machine's of this network: neither the network's own, its first, nor its broadcast address, its last? */
bool address_is_host(uint32_t address, uint32_t network, unsigned prefix);

#endif
