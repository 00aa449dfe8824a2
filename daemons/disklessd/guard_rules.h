/* SPDX-License-Identifier: ISC */
/* The guard's table of nftables: what it should be, as text, and is it. Pure functions. */
#ifndef DISKLESS_GUARD_RULES_H
#define DISKLESS_GUARD_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"

#define GUARD_TABLE      "table netdev diskless"
#define MOUNTD_PORT      20048 /* conf/nfs.conf gives it to mountd */
#define MOUNTD_PORT_TEXT "20048"

/* All that the table is made from. Borrowed. */
struct guard_view {
	const struct msg_network *networks;
	const bool *on; /* for each of them: guard on */
	size_t network_count;
	const struct msg_client *clients;
	size_t client_count;
	const uint32_t *closed; /* addresses that get nothing, whatever their network's guard is */
	size_t closed_count;
	bool all_closed; /* nobody gets NFS */
};

/* Can nft name this interface? */
bool guard_nameable(const char *interface);
/* Is there anything to guard or to close? Then guard_rules() makes a table, else it only removes one. */
bool guard_wanted(const struct guard_view *);
/* What `nft -f` is to read; free() it. NULL: no memory. */
char *guard_rules(const struct guard_view *);
/* Is what `nft list` says (nothing, if there is no table) what these rules are to make? The order of a set's elements is nft's own. */
bool guard_verify(const char *listing, const char *rules, char *why, size_t size);
/* How many frames the rules of this interface have dropped. */
uint64_t guard_dropped(const char *listing, const char *interface);

#endif
