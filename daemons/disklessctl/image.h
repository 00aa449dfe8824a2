/* SPDX-License-Identifier: ISC */
/* `disklessctl image ...`: one function a verb, and what they share. */
#ifndef DISKLESS_IMAGE_H
#define DISKLESS_IMAGE_H

#include <stdbool.h>

#include "disklessctl.h"
#include "image_make.h"

command_run image_build_command;
command_run image_import_command;
command_run image_list_command;
command_run image_prune_command;
command_run image_shell_command;
command_run image_verify_command;

/*
 * Makes file (or a directory) the next version of the image name (as root; progress on stderr); first its sha256 is compared, if it
 * is not NULL. The exit status.
 */
int image_import(const char *file, const char *name, const char *sha256, bool json);

/* A file or directory as a source of image_make(), once its sha256 is compared as above; *origin lives as long. */
struct image_origin;
int image_origin_open(struct image_make *, struct image_origin *, const char *sha256);
struct image_source image_source_file(struct image_origin *);

/*
 * Every version of every image, whole or not, by name and number; the first that is not 0 ends it and is returned. -1 if the images
 * cannot be read, which is logged.
 */
int image_each_version(int (*visit)(const char *name, uint32_t version, void *), void *argument);

/* The end of a command that makes a version: says what was made, or why not, and frees it. The exit status. */
int image_report(struct image_make *, int result, bool json);

#endif
