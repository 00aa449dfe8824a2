/* SPDX-License-Identifier: ISC */
/*
 * Any beginning of a disk of any size (the first eight bytes of the input), zeros behind it: what is taken lies inside, behind the
 * table, and apart; what is refused is refused with a reason; nothing beyond the end is asked for.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "disklessctl/partitions.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct input {
	const uint8_t *bytes;
	size_t length;
};

static void
hold(int truth)
{
	if (!truth)
		abort();
}

static int
read_input(const struct disk_reader *disk, uint64_t offset, void *bytes, size_t length)
{
	const struct input *input = disk->argument;

	hold(length <= disk->size && offset <= disk->size - length);
	memset(bytes, 0, length);
	if (offset < input->length) {
		size_t there = input->length - (size_t)offset;

		memcpy(bytes, input->bytes + offset, length < there ? length : there);
	}
	return 0;
}

static bool
nested(const struct partition *a, const struct partition *b)
{
	return a->kind == PARTITION_EXTENDED && b->number > 4;
}

static void
check(const struct partitions *found, uint64_t size)
{
	hold(found->count <= PARTITIONS_MAX);
	for (unsigned i = 0; i < found->count; i++) {
		const struct partition *p = &found->list[i];

		hold(p->offset >= SECTOR_SIZE && p->size > 0 && p->size <= size && p->offset <= size - p->size);
		for (unsigned j = 0; j < i; j++) {
			const struct partition *q = &found->list[j];

			hold(nested(p, q) || nested(q, p) || p->offset + p->size <= q->offset ||
			     q->offset + q->size <= p->offset);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct disk_reader disk = { .read = read_input };
	const struct partition *boot, *root;
	struct partitions found;
	struct input input;
	char why[256] = "";

	if (length < sizeof(disk.size))
		return 0;
	memcpy(&disk.size, bytes, sizeof(disk.size));
	input = (struct input){ bytes + sizeof(disk.size), length - sizeof(disk.size) };
	disk.argument = &input;
	if (partitions_read(&disk, &found, why, sizeof(why)) == -1) {
		hold(why[0] != '\0');
		return 0;
	}
	check(&found, disk.size);
	if (partitions_choose(&found, &boot, &root, why, sizeof(why)) == -1)
		hold(why[0] != '\0');
	else
		hold(root != NULL && root != boot);
	return 0;
}
