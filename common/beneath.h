/* SPDX-License-Identifier: ISC */
/*
 * Paths below a directory that somebody else writes in: a client's root, a vendor's image. Every path is resolved by
 * openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS (| RESOLVE_NO_XDEV), so a symbolic link leads to a place below root
 * or nowhere. A relative or absolute path mean the same. All return 0 or a descriptor, or -1 with errno; descriptors are
 * close-on-exec and the caller's. A tree that is written to is detached: nobody changes it meanwhile.
 */
#ifndef DISKLESS_BENEATH_H
#define DISKLESS_BENEATH_H

#include <stddef.h>
#include <sys/types.h>

/* A directory, as O_PATH. */
int beneath_directory(int root, const char *path);

/*
 * A regular file for reading. Never blocks and never opens a FIFO, device or socket: it is looked at (O_PATH, fstat) before it
 * is opened, by /proc/self/fd. ENOENT, EACCES for what is no regular file, ELOOP, EXDEV ...
 */
int beneath_read(int root, const char *path);

/* Where a symbolic link leads, cut to size bytes, without a NUL; its length. EINVAL for what is no link. */
ssize_t beneath_readlink(int root, const char *path, char *target, size_t size);

/* Reads a whole file of at most max bytes; *text is the caller's to free(), with a NUL behind it. EFBIG if longer. */
int beneath_slurp(int root, const char *path, size_t max, char **text, size_t *length);

/*
 * Writes a whole file, beside it (its name begins with BENEATH_DRAFT) and renamed into place: what was there (also a link) is
 * replaced, never followed. A power cut leaves the old or the new, whole.
 */
#define BENEATH_DRAFT ".diskless."
int beneath_write(int root, const char *path, const void *bytes, size_t length, mode_t mode);
int beneath_mkdirs(int root, const char *path, mode_t mode);
/* Not there is success. beneath_remove_tree() removes what path names with all below it, never across a filesystem. */
int beneath_unlink(int root, const char *path);
int beneath_remove_tree(int root, const char *path);
int beneath_symlink(int root, const char *target, const char *path);
/* Copies the tree below from (a directory of ours: plain files and directories, others are refused) to path below root. */
int beneath_copy_tree(int root, const char *path, int from);

#endif
