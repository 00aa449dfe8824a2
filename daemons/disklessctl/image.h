/* SPDX-License-Identifier: ISC */
/* `disklessctl image import FILE --name N` and `disklessctl image list`. */
#ifndef DISKLESS_IMAGE_H
#define DISKLESS_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "disklessctl.h"

command_run image_import_command;
command_run image_list_command;

/*
 * Makes file (or a directory) the next version of the image name (as root; progress on stderr); first its sha256 is compared, if it
 * is not NULL. Nothing of a version that failed or was killed
 * is seen: it is made in a directory whose name begins with a dot, which the next import removes. -1 and why.
 */
int image_import(const char *file, const char *name, const char *sha256, uint32_t *version, char *why, size_t size);

#endif
