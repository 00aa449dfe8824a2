/* SPDX-License-Identifier: ISC */
/* Boards that are no clients. */
#include "broker_samples.h"

#include "broker/sightings.h"

static struct sightings s;

static struct msg_dhcp_seen
stranger(uint32_t number)
{
	struct msg_dhcp_seen seen = {
		.verdict = SEEN_UNKNOWN, .model = BOARD_PI4, .revision = 0xc03114, .has_serial = 1
	};

	seen.serial = number;
	seen.mac[0] = 2;
	memcpy(&seen.mac[2], &number, sizeof(number));
	snprintf(seen.vendor, sizeof(seen.vendor), "PXEClient:Arch:00000");
	return seen;
}

Test(sightings, a_board_is_one_sighting_however_often_it_asks)
{
	struct bindings *b = sample_bindings(1, 0);
	struct msg_dhcp_seen seen = stranger(7);
	struct msg_ctl_sighting row;

	sightings_seen(&s, &seen, 1000);
	sightings_seen(&s, &seen, 6000);
	cr_assert_eq(s.count, 1);
	sightings_row(&s.sighting[0], b, &row);
	cr_expect_eq(row.first, 1000);
	cr_expect_eq(row.last, 6000);
	cr_expect_eq(row.count, 2);
	cr_expect_eq(row.serial, 7);
	cr_expect_eq(row.model, BOARD_PI4);
	cr_expect_str_eq(row.network, "lab");
	cr_expect_str_eq(row.vendor, "PXEClient:Arch:00000");
	bindings_free(b);
}

Test(sightings, the_same_mac_on_another_network_is_another_board)
{
	struct msg_dhcp_seen seen = stranger(7);

	sightings_seen(&s, &seen, 1000);
	seen.network = 1;
	sightings_seen(&s, &seen, 1000);
	cr_expect_eq(s.count, 2);
}

Test(sightings, what_a_later_stage_does_not_tell_stays_known)
{
	struct msg_dhcp_seen seen = stranger(7), less = seen;

	less.has_serial = 0;
	less.serial = 0;
	less.model = BOARD_OTHER;
	less.revision = 0;
	sightings_seen(&s, &seen, 1000);
	sightings_seen(&s, &less, 2000);
	cr_assert_eq(s.count, 1);
	cr_expect_eq(s.sighting[0].seen.serial, 7);
	cr_expect_eq(s.sighting[0].seen.has_serial, 1);
	cr_expect_eq(s.sighting[0].seen.model, BOARD_PI4);
	cr_expect_eq(s.sighting[0].seen.revision, 0xc03114);
}

Test(sightings, a_flood_replaces_the_oldest_and_grows_nothing)
{
	struct msg_dhcp_seen seen;

	for (uint32_t i = 0; i < SIGHTINGS_MAX + 10; i++) {
		seen = stranger(i);
		sightings_seen(&s, &seen, 1000 + i);
	}
	cr_assert_eq(s.count, SIGHTINGS_MAX);
	for (size_t i = 0; i < s.count; i++)
		cr_expect_geq(s.sighting[i].first, 1010, "the ten oldest are gone");
}

Test(sightings, a_board_that_became_a_client_is_none_any_more)
{
	struct bindings *old = sample_bindings(1, 0), *now = sample_bindings(2, 1);
	struct msg_dhcp_seen seen = stranger(7), client = stranger(8);

	memcpy(client.mac, mac_1, MAC_SIZE);
	sightings_seen(&s, &client, 1000);
	sightings_seen(&s, &seen, 1000);
	sightings_configured(&s, old, now);
	cr_assert_eq(s.count, 1);
	cr_expect_eq(s.sighting[0].seen.serial, 7);
	bindings_free(old);
	bindings_free(now);
}

Test(sightings, of_networks_that_changed_their_places_are_forgotten)
{
	struct bindings *old = sample_bindings(1, 0), *now = sample_bindings(2, 0);
	struct msg_dhcp_seen seen = stranger(7);

	sightings_seen(&s, &seen, 1000);
	strcpy(now->networks[0].name, "other");
	sightings_configured(&s, old, now);
	cr_expect_eq(s.count, 0);
	bindings_free(old);
	bindings_free(now);
}
