/* SPDX-License-Identifier: ISC */
/* Boards that asked to boot and are no clients. A table of fixed size: a flood of strangers replaces the oldest and costs nothing more. */
#ifndef DISKLESS_SIGHTINGS_H
#define DISKLESS_SIGHTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "bindings.h"
#include "messages.h"

#define SIGHTINGS_MAX 1024

struct sighting {
	struct msg_dhcp_seen seen; /* the latest */
	uint64_t first;
	uint64_t last;
	uint32_t count;
};

struct sightings {
	size_t count;
	struct sighting sighting[SIGHTINGS_MAX];
};

void sightings_seen(struct sightings *, const struct msg_dhcp_seen *, uint64_t now);
/* Another configuration (old: NULL at first): boards that are clients now, and those of networks that changed, are forgotten. */
void sightings_configured(struct sightings *, const struct bindings *old, const struct bindings *now);
/* The row of an operator's list. */
void sightings_row(const struct sighting *, const struct bindings *, struct msg_ctl_sighting *);

#endif
