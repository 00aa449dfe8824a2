/* SPDX-License-Identifier: ISC */
/*
 * Any beginning of a disk of any size (the first seven bytes of the input), zeros behind it, and a sector of it that cannot be read (the
 * eighth byte, if it is not 0): what is taken lies inside, behind the table, and apart; what is refused is refused with a reason;
 * nothing beyond the end is asked for. And what the beginning is of, if of something else.
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
	unsigned damaged; /* a sector, or 0 */
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
	if (input->damaged != 0 && offset / SECTOR_SIZE == input->damaged - 1)
		return -1;
	memset(bytes, 0, length);
	if (offset < input->length) {
		size_t there = input->length - (size_t)offset;

		memcpy(bytes, input->bytes + offset, length < there ? length : there);
	}
	return 0;
}

static void
check_foreign(const struct input *input)
{
	static uint8_t head[FOREIGN_HEAD];
	const char *what;

	memset(head, 0, sizeof(head));
	memcpy(head, input->bytes, input->length < sizeof(head) ? input->length : sizeof(head));
	what = foreign_content(head);
	hold(what == NULL || what[0] != '\0');
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
	input = (struct input){ bytes + sizeof(disk.size), length - sizeof(disk.size), (unsigned)(disk.size >> 56) };
	disk.size &= UINT64_MAX >> 8;
	check_foreign(&input);
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
