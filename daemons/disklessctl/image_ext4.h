/* SPDX-License-Identifier: ISC */
/* The filesystem of an image that is being made, by the programs of e2fsprogs; image_make.h has what sources need of it. */
#ifndef DISKLESS_IMAGE_EXT4_H
#define DISKLESS_IMAGE_EXT4_H

#include "image_make.h"

/* Grows it so that the boot files and m->room fit. */
int image_make_room(struct image_make *);
/* A fresh UUID; nothing in the superblock tells the kernel what to do. */
int image_take_over(struct image_make *);
/* Checks it, and makes it as small as what it holds if it was made larger here. */
int image_shrink(struct image_make *);
/* Without journal, read-only, checked. */
int image_freeze(struct image_make *);

#endif
