/* SPDX-License-Identifier: ISC */
/* What is looked at in the tree of an image for boards.h. As root; the tree is foreign and read through beneath.h alone. */
#ifndef DISKLESS_IMAGE_LOOK_H
#define DISKLESS_IMAGE_LOOK_H

#include "boards.h"

struct image_look;

/* root: the tree, and its boot directory. The source that is returned lives as long as the look. Fatal when memory is out. */
struct image_look *image_look_new(int root, const char *boot);
const struct board_source *image_look_source(const struct image_look *);
void image_look_free(struct image_look *);

#endif
