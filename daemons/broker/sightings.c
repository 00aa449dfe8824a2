/* SPDX-License-Identifier: ISC */
/*
 * Duty: remembers the boards that are no clients, for the operator who is going to make them some. Runs as part of diskless-broker.
 * Holds what they claim about themselves; must never grow, nor let a claim decide anything.
 */
#include "sightings.h"

#include <string.h>

static struct sighting *
place_of(struct sightings *s, const struct msg_dhcp_seen *seen)
{
	struct sighting *oldest = &s->sighting[0];

	for (struct sighting *i = s->sighting; i < s->sighting + s->count; i++) {
		if (i->seen.network == seen->network && memcmp(i->seen.mac, seen->mac, MAC_SIZE) == 0)
			return i;
		if (i->last < oldest->last)
			oldest = i;
	}
	if (s->count < SIGHTINGS_MAX)
		oldest = &s->sighting[s->count++];
	memset(oldest, 0, sizeof(*oldest));
	return oldest;
}

void
sightings_seen(struct sightings *s, const struct msg_dhcp_seen *seen, uint64_t now)
{
	struct sighting *place = place_of(s, seen);
	struct msg_dhcp_seen before = place->seen;

	if (place->first == 0)
		place->first = now;
	place->last = now;
	place->count += place->count < UINT32_MAX;
	place->seen = *seen;
	/* A board's later stages tell less than its ROM, or more: what was known stays known. */
	if (seen->model == BOARD_OTHER)
		place->seen.model = before.model;
	if (seen->revision == 0)
		place->seen.revision = before.revision;
	if (!seen->has_serial) {
		place->seen.serial = before.serial;
		place->seen.has_serial = before.has_serial;
	}
}

static bool
same_network(const struct bindings *old, const struct bindings *now, uint32_t network)
{
	return old != NULL && network < old->view.network_count && network < now->view.network_count &&
	       strcmp(old->view.networks[network].name, now->view.networks[network].name) == 0;
}

void
sightings_configured(struct sightings *s, const struct bindings *old, const struct bindings *now)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct msg_dhcp_seen *seen = &s->sighting[i].seen;

		if (same_network(old, now, seen->network) && bindings_by_mac(now, seen->network, seen->mac) == NULL)
			s->sighting[kept++] = s->sighting[i];
	}
	s->count = kept;
}

void
sightings_row(const struct sighting *s, const struct bindings *b, struct msg_ctl_sighting *row)
{
	memset(row, 0, sizeof(*row));
	row->first = s->first;
	row->last = s->last;
	row->count = s->count;
	row->model = s->seen.model;
	row->revision = s->seen.revision;
	row->serial = s->seen.serial;
	row->has_serial = s->seen.has_serial;
	memcpy(row->mac, s->seen.mac, MAC_SIZE);
	memcpy(row->vendor, s->seen.vendor, sizeof(row->vendor));
	if (s->seen.network < b->view.network_count)
		memcpy(row->network, b->view.networks[s->seen.network].name, sizeof(row->network));
}
