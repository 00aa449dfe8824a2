/* SPDX-License-Identifier: ISC */
/* Who has a TCP connection to nfsd, and who listens: read from the kernel's tables of sockets. And whose connections do not last. */
#include "disklessd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NFS_PORT         2049
#define TCP_ESTABLISHED  1 /* include/net/tcp_states.h */
#define TCP_LISTEN       10
#define LINE_SIZE        256
#define RESTLESS_MS      60000
#define RESTLESS_CHANGES 6 /* a board that boots makes one or two */

/* A line of /proc/net/tcp: is it an established connection to our NFS port? */
static bool
is_peer(const char *line, struct nfs_peer *peer)
{
	unsigned local_port, address, port, state;

	if (sscanf(line, " %*u: %*x:%x %x:%x %x", &local_port, &address, &port, &state) != 4)
		return false;
	*peer = (struct nfs_peer){ .address = address, .ports = port };
	return local_port == NFS_PORT && state == TCP_ESTABLISHED;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = ((const struct nfs_peer *)a)->address, y = ((const struct nfs_peer *)b)->address;

	return x < y ? -1 : x > y;
}

/* Each address once, with the sum of its ports. */
static size_t
unite(struct nfs_peer *peers, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && peers[kept - 1].address == peers[i].address)
			peers[kept - 1].ports += peers[i].ports;
		else
			peers[kept++] = peers[i];
	}
	return kept;
}

size_t
nfs_peers(struct nfs_peer **peers)
{
	FILE *table = fopen("/proc/net/tcp", "re");
	struct nfs_peer peer;
	char line[LINE_SIZE];
	size_t count = 0, room = 0;

	*peers = NULL;
	if (table == NULL)
		return 0;
	while (fgets(line, sizeof(line), table) != NULL) {
		if (!is_peer(line, &peer))
			continue;
		if (count == room) {
			struct nfs_peer *more = reallocarray(*peers, room = room * 2 + 64, sizeof(**peers));

			if (more == NULL)
				break;
			*peers = more;
		}
		(*peers)[count++] = peer;
	}
	fclose(table);
	if (count > 0)
		qsort(*peers, count, sizeof(**peers), compare);
	return unite(*peers, count);
}

const struct nfs_peer *
nfs_peer_of(const struct nfs_peer *peers, size_t count, uint32_t address)
{
	struct nfs_peer wanted = { .address = address };

	return count > 0 ? bsearch(&wanted, peers, count, sizeof(*peers), compare) : NULL;
}

bool
nfs_restless(struct restless *r, uint32_t ports, uint64_t now)
{
	if (now - r->since >= RESTLESS_MS) {
		r->since = now;
		r->changes = 0;
	}
	if (ports == r->ports)
		return false;
	r->ports = ports;
	return ++r->changes == RESTLESS_CHANGES;
}

bool
tcp_line_listens(const char *line, unsigned port)
{
	unsigned local_port, state;

	/* Addresses of IPv6 are 32 digits long. */
	return sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &local_port, &state) == 2 && local_port == port &&
	       state == TCP_LISTEN;
}

int
tcp_listens(unsigned port)
{
	static const char *const tables[] = { "/proc/net/tcp", "/proc/net/tcp6" };
	char line[LINE_SIZE];
	bool listens = false;

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables) && !listens; i++) {
		FILE *table = fopen(tables[i], "re");

		if (table == NULL && errno == ENOENT && i > 0) /* a kernel without IPv6 */
			continue;
		if (table == NULL)
			return -1;
		while (!listens && fgets(line, sizeof(line), table) != NULL)
			listens = tcp_line_listens(line, port);
		fclose(table);
	}
	return listens;
}
