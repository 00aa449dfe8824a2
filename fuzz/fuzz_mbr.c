/* SPDX-License-Identifier: ISC */
/* Any sector of an image of any size (its last eight bytes): what is taken lies inside, behind the table, and apart. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "disklessctl/mbr.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
hold(int truth)
{
	if (!truth)
		abort();
}

static void
inside(const struct mbr_partition *p, uint64_t size)
{
	hold(p->offset >= MBR_SIZE && p->size > 0 && p->size <= size && p->offset <= size - p->size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	uint64_t size = 0;
	struct mbr mbr;
	char why[256] = "";

	if (length < MBR_SIZE)
		return 0;
	memcpy(&size, bytes + MBR_SIZE, length - MBR_SIZE < sizeof(size) ? length - MBR_SIZE : sizeof(size));
	if (mbr_parse(bytes, size, &mbr, why, sizeof(why)) == -1) {
		hold(why[0] != '\0');
		return 0;
	}
	inside(&mbr.boot, size);
	inside(&mbr.root, size);
	hold(mbr.boot.offset + mbr.boot.size <= mbr.root.offset || mbr.root.offset + mbr.root.size <= mbr.boot.offset);
	hold(mbr.root.type == 0x83);
	return 0;
}
