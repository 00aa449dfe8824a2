/* SPDX-License-Identifier: ISC */
/* The clients of one network, by MAC. Filled row by row, then sealed, then only asked. No I/O. */
#ifndef DISKLESS_DHCP_TABLE_H
#define DISKLESS_DHCP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"

#define DHCP_CLIENTS_MAX 65536

struct dhcp_client {
	uint8_t mac[MAC_SIZE];
	uint8_t boot; /* enum boot_kind */
	bool pi;      /* it has a serial in the configuration, which nothing else than a Pi has */
	uint32_t address;
	uint64_t reported; /* when dhcp_report() last passed for it */
	uint64_t warned;   /* and of a fault */
	char name[NAME_SIZE];
};
struct dhcp_table {
	struct msg_network network;
	struct dhcp_client *client;
	size_t count;
	size_t size;
};
/* NULL when memory is out. */
struct dhcp_table *dhcp_table_new(const struct msg_network *);
void dhcp_table_free(struct dhcp_table *);
/* false: memory is out, or DHCP_CLIENTS_MAX is reached. A client of another network is left out, which is success. */
bool dhcp_table_add(struct dhcp_table *, const struct msg_client *);
void dhcp_table_seal(struct dhcp_table *);
/* NULL: none. */
struct dhcp_client *dhcp_table_find(const struct dhcp_table *, const uint8_t mac[static MAC_SIZE]);

#endif
