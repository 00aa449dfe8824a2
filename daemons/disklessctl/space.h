/* SPDX-License-Identifier: ISC */
/* What roots take of the server's disk. Only root may look there; for others all is 0. */
#ifndef DISKLESS_SPACE_H
#define DISKLESS_SPACE_H

#include <stdbool.h>
#include <stdint.h>

/* Of one generation, of all of a client, of all of all clients. */
uint64_t space_of_generation(const char *client, uint32_t generation);
uint64_t space_of_client(const char *client);
uint64_t space_of_clients(void);

struct space {
	uint64_t size, free; /* of the filesystem of the roots */
	uint64_t
	    low_water; /* that new roots leave free; of wish (the configuration's low-water), or if that is 0 the default */
};
/* false: it cannot be told. */
bool space_of_disk(uint64_t wish, struct space *);

#endif
