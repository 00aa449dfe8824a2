/* SPDX-License-Identifier: ISC */
/* Files as block devices, by the ioctls of loop(4) alone: disklessd's jail runs no program for it. */
#ifndef DISKLESS_LOOP_H
#define DISKLESS_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#define LOOP_PATH 32

/*
 * Makes a device of file. It is given back by the kernel when its last user is gone (LO_FLAGS_AUTOCLEAR), so keep the returned
 * descriptor until it is mounted. path gets the device's name. -1 with errno.
 */
int loop_attach(const char *file, bool read_only, char path[LOOP_PATH]);
/* Is the device at path one of this file? */
bool loop_is_of(const char *path, const char *file);
/* Is any device one of this file? */
bool loop_in_use(const char *file);

#endif
