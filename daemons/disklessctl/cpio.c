/* SPDX-License-Identifier: ISC */
/* See cpio.h. A header of hexadecimal numbers, a name, the data; each padded to four bytes. TRAILER!!! ends an archive. */
#include "cpio.h"

#include <string.h>

enum { BETWEEN, HEADER, NAME, DATA };

#define NUMBER(i) (6 + 8 * (i)) /* of the thirteen behind the magic */
#define FILE_SIZE 6
#define NAME_SIZE 11

void
cpio_begin(struct cpio *c, void (*entry)(void *, const char *name), void *argument)
{
	*c = (struct cpio){ .entry = entry, .argument = argument, .state = BETWEEN };
}

bool
cpio_between(const struct cpio *c)
{
	return c->state == BETWEEN && c->why == NULL;
}

static int
damaged(struct cpio *c, const char *why)
{
	c->why = why;
	return -1;
}

static int
number(struct cpio *c, int which, uint64_t *value)
{
	*value = 0;
	for (int i = 0; i < 8; i++) {
		const char *digits = "0123456789abcdef", *at;
		int digit = (unsigned char)c->bytes[NUMBER(which) + i];

		at = digit == '\0' ? NULL : strchr(digits, digit >= 'A' && digit <= 'F' ? digit - 'A' + 'a' : digit);
		if (at == NULL)
			return damaged(c, "a number of a cpio header is none");
		*value = *value << 4 | (uint64_t)(at - digits);
	}
	return 0;
}

static uint64_t
padded(uint64_t size)
{
	return (size + 3) & ~(uint64_t)3;
}

static int
end_header(struct cpio *c)
{
	if (memcmp(c->bytes, "070701", 6) != 0 && memcmp(c->bytes, "070702", 6) != 0)
		return damaged(c, "where a cpio header should be is none of format newc");
	if (number(c, FILE_SIZE, &c->data_size) == -1 || number(c, NAME_SIZE, &c->name_size) == -1)
		return -1;
	if (c->name_size == 0 || c->name_size > CPIO_NAME)
		return damaged(c, "a name of a cpio archive is longer than a path, or empty");
	c->state = NAME;
	return 0;
}

static int
end_name(struct cpio *c)
{
	c->bytes[c->name_size - 1] = '\0'; /* as it should be */
	c->state = DATA;
	if (strcmp(c->bytes, "TRAILER!!!") == 0)
		c->state = BETWEEN;
	else
		c->entry(c->argument, c->bytes);
	return 0;
}

/* Bytes up to the end of what is read: kept, as far as they have a place there. */
static size_t
collect(struct cpio *c, const uint8_t *bytes, size_t length, uint64_t end, size_t keep)
{
	uint64_t left = end - c->have;
	size_t n = length < left ? length : (size_t)left;

	if (c->have < keep) {
		size_t room = keep - (size_t)c->have;

		memcpy(c->bytes + c->have, bytes, n < room ? n : room);
	}
	c->have += n;
	return n;
}

/* -1, or how many bytes it took: 0 only where something else begins. */
static ssize_t
step(struct cpio *c, const uint8_t *bytes, size_t length)
{
	uint64_t end = 0;
	size_t n = 0;
	int result = 0;

	switch (c->state) {
	case BETWEEN:
		while (n < length && bytes[n] == 0)
			n++;
		if (n < length && bytes[n] == '0')
			c->state = HEADER;
		c->have = 0;
		return n > 0 || c->state == HEADER ? (ssize_t)n : -2;
	case HEADER:
		end = CPIO_HEADER;
		n = collect(c, bytes, length, end, CPIO_HEADER);
		result = c->have == end ? end_header(c) : 0;
		break;
	case NAME:
		end = padded(CPIO_HEADER + c->name_size) - CPIO_HEADER;
		n = collect(c, bytes, length, end, (size_t)c->name_size);
		result = c->have == end ? end_name(c) : 0;
		break;
	default:
		end = padded(c->data_size);
		n = collect(c, bytes, length, end, 0);
		if (c->have == end)
			c->state = HEADER;
		break;
	}
	if (c->have == end)
		c->have = 0;
	return result == -1 ? -1 : (ssize_t)n;
}

ssize_t
cpio_feed(struct cpio *c, const uint8_t *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = c->why == NULL ? step(c, bytes + done, length - done) : -1;

		if (n == -1)
			return -1;
		if (n == -2)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}
