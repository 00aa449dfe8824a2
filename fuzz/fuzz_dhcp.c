/* SPDX-License-Identifier: ISC */
/*
 * Any packet through decoding, decision and reply, on both ports, in networks of each kind. What holds: bounds of the request; nobody is
 * answered who must not be; a reply goes to a machine of the network and to no server's port, so that nothing can loop; an
 * independent reader finds it whole, no longer than the client takes, and meaning what was decided.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "address.h"
#include "dhcp/dhcp_offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define SERVER_BYTES "\xc0\xa8\x0a\x01"

static uint32_t server;

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
	hold(request->vendor_length <= sizeof(request->vendor) && request->arch_count <= DHCP_ARCHS);
	hold(memcmp(request->mac, bytes + 28, MAC_SIZE) == 0 && (request->mac[0] & 1) == 0);
}

static size_t
size_taken(const struct dhcp_request *request)
{
	size_t size = request->max_size > 576 ? request->max_size - 28u : 548;

	return size + (request->agent.length > 0 ? request->agent.length + 2u : 0);
}

/* Each option at most once, option 82 last, nothing but zeros behind END. Their values, by code; NULL: not there. */
static void
read_options(const uint8_t *packet, size_t size, const uint8_t *value[256])
{
	size_t at = 240;

	memset(value, 0, 256 * sizeof(value[0]));
	while (packet[at] != 255) {
		hold(at + 2 <= size && packet[at] != 0 && value[packet[at]] == NULL && value[82] == NULL);
		value[packet[at]] = packet + at + 2;
		at += 2u + packet[at + 1];
		hold(at < size);
	}
	while (++at < size)
		hold(packet[at] == 0);
}

static void
check_bytes(const struct dhcp_request *request, const struct dhcp_reply *r, const uint8_t *packet, size_t size)
{
	const uint8_t *value[256];

	hold(size >= DHCP_REPLY_MIN && size <= DHCP_REPLY_MAX && size <= size_taken(request));
	read_options(packet, size, value);
	hold(packet[0] == 2 && memcmp(packet + 28, request->mac, MAC_SIZE) == 0);
	hold(((uint32_t)packet[4] << 24 | packet[5] << 16 | packet[6] << 8 | packet[7]) == request->xid);
	hold(
	    value[53] != NULL && *value[53] == r->type && value[54] != NULL && memcmp(value[54], SERVER_BYTES, 4) == 0);
	hold(memcmp(packet + 20, r->next_server ? SERVER_BYTES : "\0\0\0\0", 4) == 0);
	hold((value[97] != NULL) == request->has_machine_id);
	hold(value[97] == NULL || memcmp(value[97], request->machine_id, DHCP_MACHINE_ID) == 0);
	hold((value[82] != NULL) == (request->agent.length > 0));
	hold(value[82] == NULL || memcmp(value[82], request->agent.byte, request->agent.length) == 0);
	hold((value[60] != NULL) == (r->vendor != NULL) && (value[43] != NULL) == (r->menu != DHCP_MENU_NONE));
	hold(strcmp((const char *)packet + 108, r->file == NULL ? "" : r->file) == 0);
}

static void
check_way(const struct dhcp_table *table, const struct dhcp_request *request, const struct dhcp_reply *r)
{
	if (r->way == DHCP_UNICAST) {
		hold(address_in(r->address, server, 24) && r->address != server && r->port != 0);
		hold(r->port != DHCP_SERVER_PORT || r->address == request->giaddr);
		return;
	}
	hold(request->giaddr == 0 && r->our_port == DHCP_SERVER_PORT && r->port == DHCP_CLIENT_PORT);
	if (r->way == DHCP_FRAME)
		hold(r->address != 0 && r->address == r->yiaddr);
}

static void
check_reply(const struct dhcp_table *table, const struct dhcp_request *request, const struct dhcp_decision *d)
{
	static struct dhcp_packet packet;
	struct dhcp_request again;
	const char *why;

	hold(d->reply.type == DHCP_TYPE_OFFER || d->reply.type == DHCP_TYPE_ACK || d->reply.type == DHCP_TYPE_NAK);
	hold(d->client != NULL ||
	     (d->board.pi && table->network.unknown == UNKNOWN_ANSWER && table->network.dhcp == DHCP_PROXY));
	hold(d->reply.yiaddr == 0 || d->reply.yiaddr == request->ciaddr || d->reply.yiaddr == d->client->address);
	hold(table->network.dhcp != DHCP_OFF);
	check_way(table, request, &d->reply);
	dhcp_pack(&d->reply, &packet);
	check_bytes(request, &d->reply, packet.bytes + DHCP_FRAME_HEADER, packet.size);
	hold(!dhcp_decode(packet.bytes + DHCP_FRAME_HEADER, packet.size, &again, &why));
}

static void
check_decision(const struct dhcp_table *table, const struct dhcp_request *request, uint16_t port)
{
	/* Where it comes from is the sender's to choose, too. */
	struct dhcp_origin origin = { port, (uint16_t)(request->xid >> 16), request->ciaddr ^ request->xid };
	struct dhcp_decision d;

	dhcp_decide(table, request, &origin, &d);
	hold(d.verdict <= SEEN_NOT_SERVED || (d.client != NULL && d.verdict <= SEEN_DECLINED));
	hold((d.client != NULL || d.verdict != SEEN_OFFERED));
	if (d.answer)
		check_reply(table, request, &d);
	else
		hold(!d.arp && d.delay == 0);
}

static void
check_network(const struct dhcp_request *request, uint32_t mode, uint32_t unknown, uint32_t boot)
{
	struct msg_network network = { .dhcp = mode,
		.unknown = unknown,
		.server = server,
		.prefix = 24,
		.lease = 3600,
		.name_servers = NETWORK_NAME_SERVERS,
		.name_server = { 1, 2, 3, 4 },
		.boot_file = { "a", "b", "c", "d", "e", "f", "http://g", "" } };
	struct msg_client client = { .boot = boot, .name = "node1", .address = server + htonl(7) };
	struct dhcp_table *table = dhcp_table_new(&network);

	hold(table != NULL);
	memcpy(client.mac, request->mac, MAC_SIZE);
	check_decision(table, request, DHCP_SERVER_PORT); /* as a stranger */
	hold(dhcp_table_add(table, &client));
	dhcp_table_seal(table);
	check_decision(table, request, DHCP_SERVER_PORT);
	check_decision(table, request, DHCP_BOOT_PORT);
	dhcp_table_free(table);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct dhcp_request request;
	const char *why = NULL;
	uint32_t mode, unknown, boot;

	memcpy(&server, SERVER_BYTES, sizeof(server));
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
