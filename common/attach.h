/* SPDX-License-Identifier: ISC */
/*
 * A client's root as DESIGN.md section 2 has it: its image mounted read-only, its upper mounted nosuid,nodev,noexec, an overlay
 * of the two; each mount read back from /proc/self/mountinfo and refused if the kernel dropped an option. Used by disklessd for
 * what is exported, and by disklessctl in a mount namespace of its own for a root that is detached.
 */
#ifndef DISKLESS_ATTACH_H
#define DISKLESS_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifest.h"

/* Where one root's mounts go. Directories that do not exist are made (0700 below PATH_MOUNTS, 0755 for root). */
struct attach_paths {
	char image_file[PATH_SIZE]; /* .../image.ext4 */
	char upper_file[PATH_SIZE]; /* .../upper.ext4 */
	char image[PATH_SIZE];      /* mount points */
	char upper[PATH_SIZE];
	char root[PATH_SIZE];
};
/* The paths of a client's root in the running system. */
void attach_paths(const struct client_manifest *, struct attach_paths *);

/*
 * Mounts what is not mounted yet, image first; what is mounted already and right is kept, what is mounted and wrong is an error.
 * 0, or -1 and why; what this call mounted is unmounted again then.
 */
int attach_root(const struct attach_paths *, char *why, size_t size);
/* Unmounts root and upper (not the image). -1 with errno EBUSY while somebody uses it; call again later. Not mounted is success. */
int detach_root(const struct attach_paths *);
/* Unmounts an image's mount point if no overlay uses it: EBUSY then. */
int detach_image(const char *mount_point);
/* All that no overlay uses. */
void detach_images(void);

/* Is this file the backing file of a loop device now? */
bool attach_in_use(const char *file);
/* Bytes that a mounted upper can hold and that it holds (statvfs). */
int attach_usage(const char *upper, uint64_t *size, uint64_t *used);

/*
 * For the auditor: is what is mounted, by a mountinfo_read() of now, what attach_root() would accept, on devices of these files? -1 and
 * why; also if that gave NULL: what cannot be seen is not right.
 */
int attach_check(const char *mountinfo, const struct attach_paths *, char *why, size_t size);
/* Pure, for tests: does mountinfo (the text) show at root an overlay of these with all options in force? */
bool attach_verify(const char *mountinfo, const struct attach_paths *, char *why, size_t size);

#endif
