/* SPDX-License-Identifier: ISC */
/*
 * What a tree of Raspberry Pi OS needs to run from the network, written through beneath.h into a tree that is mounted for
 * nothing else. The two rewritings of text are pure.
 */
#ifndef DISKLESS_ADAPT_H
#define DISKLESS_ADAPT_H

#include <stddef.h>

#include "messages.h"

/* fstab without what the network replaces: /, /boot, /boot/firmware and swap become comments that say so. free() it. */
char *adapt_fstab(const char *text);
/* hosts in which 127.0.1.1 is name: its line is replaced, or one is added. free() it. */
char *adapt_hosts(const char *text, const char *name);

/*
 * Makes the tree at root ready: boot files (below the directory boot_files) to where the OS expects them, fstab, nothing that
 * resizes or swaps. -1 and why.
 */
int adapt_image(int root, int boot_files, char *why, size_t size);
/* Where its boot files are and the kernels there, as in struct image_manifest. -1 and why. */
int adapt_look(int root, char boot[PATH_SIZE], char kernel[PATH_SIZE], char *why, size_t size);
/* A client's own name in its root. */
int adapt_client(int root, const char *name, char *why, size_t size);

#endif
