/* SPDX-License-Identifier: ISC */
/* See tftp_view.h. One part of each file at a time: it moves on with the transfer, and back when blocks are sent again. */
#include "tftp_view.h"

#include <sys/mman.h>

#include <unistd.h>

#define PAGE_MAX ((uint64_t)64 << 10) /* of any architecture that we build for */

void
tftp_view_close(struct tftp_transfer *t)
{
	if (t->view.size != 0)
		munmap(t->view.bytes, t->view.size);
	t->view.bytes = NULL;
	t->view.size = 0;
}

static bool
is_within(const struct tftp_view *view, uint64_t offset, size_t length)
{
	return offset >= view->offset && offset + length <= view->offset + view->size;
}

static bool
move(struct tftp_transfer *t, uint64_t offset)
{
	uint64_t begin = offset & ~(PAGE_MAX - 1), left = t->size - begin;
	size_t size = left < TFTP_VIEW ? (size_t)left : TFTP_VIEW;
	void *bytes;

	tftp_view_close(t);
	bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, t->fd, (off_t)begin);
	if (bytes == MAP_FAILED)
		return false;
	t->view = (struct tftp_view){ .bytes = bytes, .size = size, .offset = begin };
	return true;
}

const void *
tftp_view(struct tftp_transfer *t, uint64_t offset, size_t length)
{
	if (t->size < TFTP_VIEW_MIN || length == 0 || (!is_within(&t->view, offset, length) && !move(t, offset)) ||
	    !is_within(&t->view, offset, length))
		return NULL;
	return (const uint8_t *)t->view.bytes + (offset - t->view.offset);
}
