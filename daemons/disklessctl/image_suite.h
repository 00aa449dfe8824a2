/* SPDX-License-Identifier: ISC */
/* Debian from its mirror as the source of a tree. */
#ifndef DISKLESS_IMAGE_SUITE_H
#define DISKLESS_IMAGE_SUITE_H

#include "config.h"
#include "image_make.h"

struct suite {
	const struct config_image *image; /* which has one */
};

/*
 * By mmdebstrap, which needs binfmt_misc for another architecture than ours (sandbox.h). The suite outlives it. manifest.epoch is for
 * its programs; 0: it becomes the date of the archive.
 */
struct image_source image_source_suite(struct suite *);

#endif
