/* SPDX-License-Identifier: ISC */
/* A small configuration for the tests of the broker: two networks, three clients. */
#ifndef BROKER_SAMPLES_H
#define BROKER_SAMPLES_H

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include <criterion/criterion.h>

#include "broker/bindings.h"

/* Releases of clang-format differ over an initializer in a macro. */
/* clang-format off */
#define MAC_1 { 0xdc, 0xa6, 0x32, 0x01, 0x02, 0x03 }
#define MAC_2 { 0xdc, 0xa6, 0x32, 0x01, 0x02, 0x04 }
/* clang-format on */

__attribute__((unused)) static const uint8_t mac_1[MAC_SIZE] = MAC_1;
__attribute__((unused)) static const uint8_t mac_2[MAC_SIZE] = MAC_2;

static struct msg_client
sample_client(uint32_t index, const char *name, uint32_t network, const char *address, uint8_t last, uint32_t serial)
{
	struct msg_client c = { .index = index,
		.network = network,
		.address = inet_addr(address),
		.serial = serial,
		.has_serial = serial != 0,
		.root = ROOT_NFS,
		.boot = BOOT_NETWORK,
		.mac = MAC_1 };

	c.mac[5] = last;
	snprintf(c.name, sizeof(c.name), "%s", name);
	return c;
}

/* node1 and node2 on lab, card (boots from its card, no serial) on tenant. first: how many of them. */
static struct bindings *
sample_bindings(uint32_t generation, uint32_t clients)
{
	struct msg_config_begin begin = { .generation = generation, .networks = 2, .clients = clients };
	struct msg_config_end end = { .generation = generation };
	struct msg_network networks[] = { { .index = 0, .prefix = 24, .dhcp = DHCP_PROXY, .name = "lab" },
		{ .index = 1, .prefix = 24, .dhcp = DHCP_OFF, .name = "tenant" } };
	struct msg_client all[] = {
		sample_client(0, "node1", 0, "192.168.10.12", 3, 0x1234abcd),
		sample_client(1, "node2", 0, "192.168.10.13", 4, 0xb66c4c16),
		sample_client(2, "card", 1, "192.168.20.12", 5, 0),
	};
	const char *why = "";
	struct bindings *b = bindings_begin(&begin, &why);

	cr_assert_not_null(b, "%s", why);
	all[2].boot = BOOT_SD;
	for (int i = 0; i < 2; i++)
		cr_assert(bindings_network(b, &networks[i], &why), "%s", why);
	for (uint32_t i = 0; i < clients; i++) {
		all[i].generation = generation;
		cr_assert(bindings_client(b, &all[i], &why), "%s", why);
	}
	cr_assert(bindings_end(b, &end, &why), "%s", why);
	return b;
}

#endif
