/* SPDX-License-Identifier: ISC */
/*
 * A part of a file that is being sent, mapped: sendmmsg(2) takes blocks right out of the page cache, and a system call and a copy
 * for each are saved. The client owns the file. Code of ours that read what the client has cut off would die of SIGBUS, so nothing
 * here or elsewhere may read through these pointers but the kernel, which says EFAULT.
 */
#ifndef DISKLESS_TFTP_VIEW_H
#define DISKLESS_TFTP_VIEW_H

#include "tftp_transfer.h"

#define TFTP_VIEW     ((size_t)2 << 20)    /* mapped at a time: page tables for all transfers stay small */
#define TFTP_VIEW_MIN ((uint64_t)64 << 10) /* of a file: for a smaller one reading is cheaper */

/* Where the length bytes from offset on are; NULL: read them. They must lie inside the file as it was opened. */
const void *tftp_view(struct tftp_transfer *, uint64_t offset, size_t length);
void tftp_view_close(struct tftp_transfer *);

#endif
