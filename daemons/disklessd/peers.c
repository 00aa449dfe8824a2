/* SPDX-License-Identifier: ISC */
/* Who has a TCP connection to nfsd: read from the kernel's table of them. */
#include "disklessd.h"

#include <stdio.h>
#include <stdlib.h>

#define NFS_PORT        2049
#define TCP_ESTABLISHED 1 /* include/net/tcp_states.h */

/* The peer's address of a line of /proc/net/tcp that is an established connection to our NFS port, or 0. */
static uint32_t
nfs_peer(const char *line)
{
	unsigned local_port, peer, peer_port, state;

	if (sscanf(line, " %*u: %*x:%x %x:%x %x", &local_port, &peer, &peer_port, &state) != 4)
		return 0;
	return local_port == NFS_PORT && state == TCP_ESTABLISHED ? peer : 0;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

size_t
nfs_peers(uint32_t **peers)
{
	FILE *table = fopen("/proc/net/tcp", "re");
	char line[256];
	size_t count = 0, room = 0;

	*peers = NULL;
	if (table == NULL)
		return 0;
	while (fgets(line, sizeof(line), table) != NULL) {
		uint32_t peer = nfs_peer(line);

		if (peer == 0)
			continue;
		if (count == room) {
			uint32_t *more = reallocarray(*peers, room = room * 2 + 64, sizeof(**peers));

			if (more == NULL)
				break;
			*peers = more;
		}
		(*peers)[count++] = peer;
	}
	fclose(table);
	if (count > 0)
		qsort(*peers, count, sizeof(**peers), compare);
	return count;
}

bool
nfs_peer_among(const uint32_t *peers, size_t count, uint32_t address)
{
	return count > 0 && bsearch(&address, peers, count, sizeof(*peers), compare) != NULL;
}
