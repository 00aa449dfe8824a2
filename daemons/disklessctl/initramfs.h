/* SPDX-License-Identifier: ISC */
/* What an initramfs holds, as far as a root over NFS needs it. */
#ifndef DISKLESS_INITRAMFS_H
#define DISKLESS_INITRAMFS_H

#include <stddef.h>

#include "parts.h"

/*
 * fd: the file. It is unpacked and read by a process that has no rights, with bounds on time, memory, bytes and names. -1 and why.
 */
int initramfs_read(int fd, struct parts *, char *why, size_t size);

#endif
