/* SPDX-License-Identifier: ISC */
/* A root directory for a program of this machine that fills a tree from foreign names. */
#ifndef DISKLESS_IMAGE_JAIL_H
#define DISKLESS_IMAGE_JAIL_H

#include "image_make.h"

/*
 * Makes the directory jail and in it: /usr of this machine with its links, and each path of also (up to NULL) that there is here,
 * read-only; the tree m->root as /tree, mounted with tree_flags (MS_...); empty /proc, /dev, /run, and a /tmp. In the mount
 * namespace of fill(), with which it vanishes. -1: m->why.
 */
int image_jail(struct image_make *, const char *jail, const char *const *also, unsigned long tree_flags);

#endif
