/* SPDX-License-Identifier: ISC */
/* The table of transfers against a plain model: what is found, and what is due. */
#include <criterion/criterion.h>

#include <string.h>

#include "tftp/tftp_table.h"

#define KEYS 64

static struct tftp_table table;
static struct tftp_transfer *model[KEYS]; /* by the client's port; NULL: none */
static uint32_t state = 1;

static unsigned
any(unsigned below)
{
	state = state * 1103515245 + 12345;
	return (state >> 16) % below;
}

static uint64_t
earliest(void)
{
	uint64_t deadline = UINT64_MAX;

	for (unsigned i = 0; i < KEYS; i++)
		if (model[i] != NULL && model[i]->deadline < deadline)
			deadline = model[i]->deadline;
	return deadline;
}

static void
change(unsigned key, uint64_t now)
{
	uint32_t address = 100 + key / 8;

	if (model[key] == NULL) {
		model[key] = tftp_table_add(&table, address, (uint16_t)key);
		model[key]->state = TFTP_SENDING;
	} else if (any(4) == 0) {
		tftp_table_remove(&table, model[key], now);
		model[key] = NULL;
		return;
	}
	model[key]->deadline = now + 1 + any(1000);
	tftp_table_schedule(&table, model[key]);
}

static void
compare(uint64_t now)
{
	struct tftp_transfer *due;
	unsigned key;

	for (key = 0; key < KEYS; key++)
		cr_assert_eq(tftp_table_find(&table, 100 + key / 8, (uint16_t)key), model[key]);
	cr_assert_leq(tftp_table_next(&table), earliest());
	while ((due = tftp_table_due(&table, now)) != NULL) {
		cr_assert_leq(due->deadline, now);
		due->deadline = now + 1 + any(1000);
		tftp_table_schedule(&table, due);
	}
	cr_assert_gt(earliest(), now, "one was due and was not told");
}

Test(tftp_table, agrees_with_a_plain_list)
{
	uint64_t now = 5000;
	unsigned round;

	tftp_table_init(&table, 42, TFTP_SOCKETS);
	for (round = 0; round < 20000; round++, now += any(3)) {
		change(any(KEYS), now);
		if (round % 50 == 0) {
			now += any(300);
			compare(now);
		}
	}
}

Test(tftp_table, a_deadline_that_comes_closer_is_seen)
{
	struct tftp_transfer *first, *second;

	tftp_table_init(&table, 42, TFTP_SOCKETS);
	first = tftp_table_add(&table, 1, 1);
	second = tftp_table_add(&table, 2, 2);
	first->deadline = 1000;
	tftp_table_schedule(&table, first);
	second->deadline = 9000;
	tftp_table_schedule(&table, second);
	second->deadline = 500;
	tftp_table_schedule(&table, second);
	cr_assert_eq(tftp_table_next(&table), 500);
	cr_assert_eq(tftp_table_due(&table, 500), second);
}

Test(tftp_table, a_slots_next_transfer_has_another_id)
{
	struct tftp_transfer *t;
	uint32_t id;

	tftp_table_init(&table, 42, TFTP_SOCKETS);
	t = tftp_table_add(&table, 1, 1);
	t->state = TFTP_WAITING;
	id = t->id;
	cr_assert_eq(tftp_table_waiting(&table, id), t);
	tftp_table_remove(&table, t, 0);
	cr_assert_null(tftp_table_waiting(&table, id));
	cr_assert_eq(tftp_table_add(&table, 1, 1), t);
	t->state = TFTP_WAITING;
	cr_assert_null(tftp_table_waiting(&table, id));
	cr_assert_neq(t->id, id);
}

Test(tftp_table, no_address_is_no_client)
{
	tftp_table_init(&table, 42, TFTP_SOCKETS);
	cr_assert_null(tftp_table_client(&table, 0));
}
