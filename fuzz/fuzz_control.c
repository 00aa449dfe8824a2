/* SPDX-License-Identifier: ISC */
/* An operator's request, as ipc.c hands it on, to the part of the broker that answers; and reports of dhcp and tftp before it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "broker/answers.h"
#include "ipc.h"

#define CLIENTS 3
#define CHECK(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static struct facts facts;
static uint64_t now;

static void
configure(uint32_t generation)
{
	struct msg_config_begin begin = { .generation = generation, .networks = 1, .clients = CLIENTS };
	struct msg_config_end end = { .generation = generation };
	struct msg_network network = { .dhcp = DHCP_PROXY, .name = "lab" };
	const char *why;
	struct bindings *b = bindings_begin(&begin, &why);

	CHECK(b != NULL && bindings_network(b, &network, &why));
	for (uint32_t i = 0; i < CLIENTS; i++) {
		struct msg_client client = { .index = i,
			.generation = generation,
			.address = i + 1,
			.serial = i + 1,
			.has_serial = 1,
			.root = ROOT_NFS,
			.boot = BOOT_NETWORK,
			.mac = { 2, 0, 0, 0, 0, (uint8_t)i },
			.name = { 'a', (char)('0' + i) } };

		CHECK(bindings_client(b, &client, &why));
	}
	CHECK(bindings_end(b, &end, &why) && facts_configure(&facts, b));
}

/* Each string of a request or report ends: ipc.c has seen to that. */
static void
take(const uint8_t **data, size_t *size, void *to, size_t length)
{
	size_t n = *size < length ? *size : length;

	memset(to, 0, length);
	if (n > 0)
		memcpy(to, *data, n);
	*data += n;
	*size -= n;
}

static void
report(const uint8_t **data, size_t *size)
{
	union {
		struct msg_dhcp_seen seen;
		struct msg_done done;
		struct msg_neighbour neighbour;
		struct msg_mounted mounted;
	} m;
	struct decision decision;
	uint8_t kind = 0, ms = 0;

	take(data, size, &kind, 1);
	take(data, size, &ms, 1);
	now += (uint64_t)ms << (kind >> 3);
	memset(&m, 0, sizeof(m));
	take(data, size, &m, 32); /* the fixed parts; then a short string where it has one */
	if (kind % 4 == 0) {
		m.seen.network = 0;
		m.seen.vendor[0] = '\0';
		facts_seen(&facts, &m.seen, now);
	} else if (kind % 4 == 1) {
		memset(m.done.path, 0, sizeof(m.done.path));
		take(data, size, m.done.path, 12);
		m.done.address %= CLIENTS + 2;
		facts_done(&facts, 0, &m.done, now);
	} else if (kind % 4 == 2) {
		memset(&m.neighbour.read.path, 0, sizeof(m.neighbour) - offsetof(struct msg_neighbour, read.path));
		take(data, size, m.neighbour.read.path, 24);
		m.neighbour.read.address %= CLIENTS + 2;
		m.neighbour.found = ms & 1;
		m.neighbour.mac[0] = 2;
		m.neighbour.mac[5] = (uint8_t)(m.neighbour.read.address - 1);
		facts_stranger(&facts, &m.neighbour.read, now);
		bindings_decide(facts.bindings, &m.neighbour, &decision);
		CHECK(
		    decision.grant == (decision.open.rest[0] != '\0') && decision.grant == (decision.refuse.why == 0));
		facts_decided(&facts, &m.neighbour, &decision, now);
	} else {
		facts_mounted(&facts, &m.mounted, now);
	}
}

static void
answer(const struct msg_ctl_request *request)
{
	struct answer_cursor cursor = { 0 };
	struct answer_row row;
	size_t rows = 0;

	while (answer_next(&facts, request, &cursor, now, &row)) {
		CHECK(++rows <= 1 + PROCESSES_MAX + SIGHTINGS_MAX + CLIENTS * TIMELINE_BOOTS);
		CHECK(row.type != MSG_NONE && row.size <= sizeof(row.body));
		if (row.type == MSG_CTL_BOOT) {
			const struct msg_ctl_boot *b = &row.body.CTL_BOOT;

			CHECK(b->step < STEPS && b->stalled <= 1);
			CHECK(memchr(b->fault, '\0', sizeof(b->fault)) != NULL &&
			      memchr(b->file, '\0', sizeof(b->file)) != NULL);
			for (const char *s = b->file; *s != '\0'; s++)
				CHECK(*s >= ' ' && *s < 0x7f);
		}
	}
	CHECK(!answer_next(&facts, request, &cursor, now, &row));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg_ctl_request request;
	struct msg_ctl_end refusal;
	uint32_t uid = 0;

	now = 1795464000000;
	configure(1);
	take(&data, &size, &request, sizeof(request));
	request.name[sizeof(request.name) - 1] = '\0';
	if (size > 0 && data[0] & 1)
		request.version = ipc_version();
	uid = size > 0 && data[0] & 2 ? 1000 : 0;
	for (int i = 0; i < 64 && size > 0; i++)
		report(&data, &size);
	if (answer_allowed(&facts, &request, uid, &refusal)) {
		CHECK(request.verb != CTL_RELOAD || uid == 0);
		answer(&request);
		configure(2); /* all stays with the clients */
		answer(&request);
	} else {
		CHECK(refusal.ok == 0 && refusal.text[0] != '\0');
	}
	for (size_t i = 0; i < facts.timelines.count; i++)
		free(facts.timelines.of[i]);
	free(facts.timelines.of);
	free(facts.states);
	bindings_free(facts.bindings);
	memset(&facts, 0, sizeof(facts));
	return 0;
}
