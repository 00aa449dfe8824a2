/* SPDX-License-Identifier: ISC */
/* `disklessctl image check NAME`: what an image can do, before anybody powers a board. */
#ifndef DISKLESS_IMAGE_CHECK_H
#define DISKLESS_IMAGE_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "disklessctl.h"

enum { EXIT_WARNED = 3, EXIT_BOOTS_NONE = 4 };

command_run image_check_command;

struct image_findings;

/* Mounts a version read-only where nobody else sees it, and looks (as root). NULL and why. Free with image_findings_free(). */
struct image_findings *image_check(const char *name, uint32_t version, char *why, size_t size);
/* The exit status of `image check`. */
int image_findings_status(const struct image_findings *);
/* Into an object that is open: name, version, boards, warnings, capabilities. */
void image_findings_print(const struct image_findings *, struct output *);
void image_findings_free(struct image_findings *);

#endif
