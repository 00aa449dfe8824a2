/* SPDX-License-Identifier: ISC */
/* The end of a recipe: the same inputs give the same tree, and what they were is recorded beside it. */
#ifndef DISKLESS_RECIPE_SAME_H
#define DISKLESS_RECIPE_SAME_H

#include <stddef.h>
#include <stdint.h>

#include "image_make.h"

/*
 * Removes from the tree at m->root (root: its descriptor) what differs from run to run: caches, logs; makes what packages brought
 * ready for the network; records its packages. -1: m->why.
 */
int recipe_make_same(struct image_make *, int root);
/* The settle() of such a step: makes no time newer than manifest.epoch, and digests the tree (manifest.tree). */
int recipe_settle(struct image_make *, int root, const void *);

/* A file beside the manifest of the version that is made. -1: m->why. */
int recipe_record(struct image_make *, const char *file, const char *text);

/*
 * Pure: of the text of /var/lib/dpkg/status a line `package version architecture` for each that is installed, in its order; free()
 * it. NULL: no memory.
 */
char *packages_installed(const char *status);

#endif
