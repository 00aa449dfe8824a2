/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as cpio archives, in pieces of any size (the first byte of the input): what is taken is the same as in one piece, names
 * are bounded, and nothing is taken behind damage.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "disklessctl/cpio.h"
#include "disklessctl/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
hold(int truth)
{
	if (!truth)
		abort();
}

static void
take(void *argument, const char *name)
{
	hold(strnlen(name, CPIO_NAME) < CPIO_NAME);
	parts_of_path(argument, name);
}

/* How many bytes were taken before the end or the damage. */
static size_t
feed(struct cpio *cpio, struct parts *parts, const uint8_t *bytes, size_t length, size_t piece)
{
	size_t done = 0;

	memset(parts, 0, sizeof(*parts));
	cpio_begin(cpio, take, parts);
	while (done < length) {
		size_t n = length - done < piece ? length - done : piece;
		ssize_t taken = cpio_feed(cpio, bytes + done, n);

		hold(taken >= -1 && taken <= (ssize_t)n && (taken == -1) == (cpio->why != NULL));
		if (taken != -1)
			done += (size_t)taken;
		if (taken != (ssize_t)n)
			break;
	}
	hold(cpio->why == NULL || !cpio_between(cpio));
	return done;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct parts whole, pieces;
	struct cpio one, other;
	size_t a, b;

	if (length < 1)
		return 0;
	a = feed(&one, &whole, bytes + 1, length - 1, length);
	b = feed(&other, &pieces, bytes + 1, length - 1, (size_t)bytes[0] + 1);
	hold(whole.has == pieces.has && whole.entries == pieces.entries && strcmp(whole.release, pieces.release) == 0);
	hold((one.why == NULL) == (other.why == NULL));
	if (one.why == NULL)
		hold(a == b && cpio_between(&one) == cpio_between(&other));
	return 0;
}
