/* SPDX-License-Identifier: ISC */
/*
 * What the configuration says that an image has beyond what it was made of (struct config_image), as a step of image_make(): the
 * programs of the tree run in a sandbox, files are written beneath its root. Then it is made the same for the same inputs: no
 * caches, logs and keys of this run, no times newer than the inputs.
 */
#ifndef DISKLESS_RECIPE_H
#define DISKLESS_RECIPE_H

#include "config.h"
#include "image_make.h"

/*
 * The step; argument: the image, which outlives it. manifest.epoch is SOURCE_DATE_EPOCH for its programs, and no file of the tree will
 * be newer. Sets what the manifest says of a recipe.
 */
struct image_step recipe_step(const struct config_image *);
/* What image_make() shall find free for it. */
uint64_t recipe_room(const struct config_image *);
/* Does the block say anything that is done to a tree? */
bool recipe_is_empty(const struct config_image *);

/*
 * The recipe as text: the block as the configuration prints it, and the SHA-256 of each file of this server that it names; free()
 * it. Equal texts are equal recipes. NULL: m->why.
 */
char *recipe_text(struct image_make *, const struct config_image *);

#endif
