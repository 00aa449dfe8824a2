/* SPDX-License-Identifier: ISC */
/* A network of clients, a request to it, and what is held against the decision: for the tests of dhcp's decisions. */
#ifndef DISKLESS_DHCP_NETWORK_H
#define DISKLESS_DHCP_NETWORK_H

#include <criterion/criterion.h>

#include <arpa/inet.h>

#include "dhcp/dhcp_offer.h"
#include "dhcp_samples.h"

#define HTTP_CLASS "\x3c\x0aHTTPClient"
#define NETWORK    2
#define MAC_SD     "\xdc\xa6\x32\x00\x00\x5d"
#define MAC_NEW    "\xdc\xa6\x32\x99\x99\x99"
#define MAC_PC     "\x52\x54\x00\x00\x00\x01"
#define MAC_HID    "\x52\x54\x00\x00\x00\x02"

static struct sample s;
static struct dhcp_request r;
static struct dhcp_decision d;
static struct dhcp_table *table;
static struct dhcp_origin origin;

static inline void
add(const char *mac, enum boot_kind boot, uint32_t network)
{
	struct msg_client client = { .network = network,
		.boot = boot,
		.address = inet_addr("192.168.10.12"),
		.has_serial = memcmp(mac, MAC_HID, MAC_SIZE) == 0,
		.name = "node1" };

	memcpy(client.mac, mac, MAC_SIZE);
	cr_assert(dhcp_table_add(table, &client));
}

static inline void
make_table(void)
{
	struct msg_network network = { .index = NETWORK,
		.dhcp = DHCP_PROXY,
		.unknown = UNKNOWN_OBSERVE,
		.server = inet_addr("192.168.10.1"),
		.prefix = 24,
		.lease = 43200,
		.boot_file = { [BOOT_BIOS] = "undionly.kpxe",
		    [BOOT_EFI_X64] = "bootx64.efi",
		    [BOOT_EFI_ARM64] = "bootaa64.efi",
		    [BOOT_IPXE] = "boot.ipxe",
		    [BOOT_HTTP_X64] = "http://192.168.10.1/boot.efi" } };

	table = dhcp_table_new(&network);
	cr_assert_not_null(table);
	add(MAC_PI4, BOOT_NETWORK, NETWORK);
	add(MAC_PI3, BOOT_NETWORK, NETWORK);
	add(MAC_SD, BOOT_SD, NETWORK);
	add(MAC_PC, BOOT_NETWORK, NETWORK);
	add(MAC_HID, BOOT_NETWORK, NETWORK);
	dhcp_table_seal(table);
	origin = (struct dhcp_origin){ .our_port = DHCP_SERVER_PORT, .port = DHCP_CLIENT_PORT };
}

static inline void
drop_table(void)
{
	dhcp_table_free(table);
}

static inline void
decode(void)
{
	const char *why = NULL;

	cr_assert(dhcp_decode(s.bytes, s.size, &r, &why), "%s", why);
}

#define DECIDE(xid, mac, options) \
	do { \
		SAMPLE(&s, (xid), (mac), options); \
		decode(); \
		dhcp_decide(table, &r, &origin, &d); \
	} while (0)

static inline void
assert_decision(bool offer, uint32_t delay, bool arp, uint32_t verdict)
{
	cr_assert_eq(d.answer, offer);
	cr_assert_eq(d.delay, delay, "delay %u", d.delay);
	cr_assert_eq(d.arp, arp);
	cr_assert_eq(d.verdict, verdict, "verdict %u", d.verdict);
}

static inline void
assert_reply(uint8_t type, const char *vendor, uint8_t menu, const char *file)
{
	cr_assert(d.answer);
	cr_assert_eq(d.reply.type, type, "type %u", d.reply.type);
	cr_assert_str_eq(d.reply.vendor, vendor);
	cr_assert_eq(d.reply.menu, menu, "menu %u", d.reply.menu);
	cr_assert(d.reply.next_server);
	cr_assert_eq(d.reply.server, inet_addr("192.168.10.1"));
	if (file == NULL)
		cr_assert_null(d.reply.file);
	else
		cr_assert_str_eq(d.reply.file, file);
}

static inline void
assert_way(enum dhcp_way way, const char *address, uint16_t our_port, uint16_t port)
{
	cr_assert_eq(d.reply.way, way, "way %u", d.reply.way);
	if (way != DHCP_BROADCAST)
		cr_assert_eq(d.reply.address, inet_addr(address), "to %x", d.reply.address);
	cr_assert_eq(d.reply.our_port, our_port);
	cr_assert_eq(d.reply.port, port);
}

#endif
