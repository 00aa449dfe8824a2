/* SPDX-License-Identifier: ISC */
/*
 * Any packet through decoding, decision and OFFER, in networks of each kind. What holds: bounds of the request, nobody is answered
 * who must not be, and an OFFER that an independent reader finds whole, in order and in the length that boards take.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dhcp/dhcp_offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define SERVER_BYTES "\xc0\xa8\x0a\x01"

static void
hold(int truth)
{
	if (!truth)
		abort();
}

static void
check_request(const struct dhcp_request *request, const uint8_t *bytes, size_t length)
{
	hold(length >= 240 && bytes[0] == 1 && bytes[1] == 1 && bytes[2] == 6);
	hold(request->vendor_length <= sizeof(request->vendor));
	hold(memcmp(request->mac, bytes + 28, MAC_SIZE) == 0 && (request->mac[0] & 1) == 0);
}

static void
check_offer(const struct dhcp_request *request, const uint8_t *packet, size_t size)
{
	static const uint8_t with_id[] = { 53, 54, 60, 97, 43 }, without[] = { 53, 54, 60, 43 };
	const uint8_t *order = request->has_machine_id ? with_id : without;
	size_t count = request->has_machine_id ? sizeof(with_id) : sizeof(without), at = 240, i;

	hold(size >= DHCP_OFFER_MIN && size <= DHCP_OFFER_MAX);
	hold(packet[0] == 2 && (packet[10] & 0x80) != 0);
	hold(((uint32_t)packet[4] << 24 | packet[5] << 16 | packet[6] << 8 | packet[7]) == request->xid);
	hold(memcmp(packet + 20, SERVER_BYTES, 4) == 0 && memcmp(packet + 28, request->mac, MAC_SIZE) == 0);
	for (i = 0; i < count; i++) {
		hold(at + 2 <= size && packet[at] == order[i] && at + 2 + packet[at + 1] < size);
		if (packet[at] == 97)
			hold(memcmp(packet + at + 2, request->machine_id, DHCP_MACHINE_ID) == 0);
		at += 2u + packet[at + 1];
	}
	hold(packet[at] == 255);
}

static void
check_decision(const struct dhcp_table *table, const struct dhcp_request *request)
{
	struct dhcp_decision decision;
	struct dhcp_answer answer;
	struct dhcp_request again;
	uint8_t packet[DHCP_OFFER_MAX];
	const char *why;
	uint32_t server;
	size_t size;

	dhcp_decide(table, request, &decision);
	hold(decision.verdict <= SEEN_NOT_SERVED && (decision.client != NULL || decision.verdict != SEEN_OFFERED));
	if (!decision.offer) {
		hold(!decision.arp && decision.delay == 0);
		return;
	}
	hold(table->network.dhcp == DHCP_PROXY && request->type == DHCP_TYPE_DISCOVER && request->giaddr == 0);
	hold(memcmp(request->vendor, "PXEClient", 9) == 0);
	hold(decision.client != NULL || (decision.board.pi && table->network.unknown == UNKNOWN_ANSWER));
	memcpy(&server, SERVER_BYTES, sizeof(server));
	dhcp_answer(request, &answer);
	size = dhcp_encode_offer(&answer, server, packet);
	check_offer(request, packet, size);
	hold(!dhcp_decode(packet, size, &again, &why));
}

static void
check_network(const struct dhcp_request *request, uint32_t mode, uint32_t unknown, uint32_t boot)
{
	struct msg_network network = { .dhcp = mode, .unknown = unknown };
	struct msg_client client = { .boot = boot };
	struct dhcp_table *table = dhcp_table_new(&network);

	hold(table != NULL);
	memcpy(client.mac, request->mac, MAC_SIZE);
	check_decision(table, request); /* as a stranger */
	hold(dhcp_table_add(table, &client));
	dhcp_table_seal(table);
	check_decision(table, request);
	dhcp_table_free(table);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct dhcp_request request;
	const char *why = NULL;
	uint32_t mode, unknown, boot;

	if (!dhcp_decode(bytes, length, &request, &why)) {
		hold(why != NULL);
		return 0;
	}
	check_request(&request, bytes, length);
	for (mode = DHCP_OFF; mode <= DHCP_RESERVATIONS; mode++)
		for (unknown = UNKNOWN_OBSERVE; unknown <= UNKNOWN_ANSWER; unknown++)
			for (boot = BOOT_NETWORK; boot <= BOOT_SD; boot++)
				check_network(&request, mode, unknown, boot);
	return 0;
}
