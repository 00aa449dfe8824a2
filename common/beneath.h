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
#include <stdint.h>
#include <sys/types.h>

#define PATH_SIZE_CARRIED 160

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
/* The same, but not synced: for a tree that is synced when it is unmounted. */
int beneath_put(int root, const char *path, const void *bytes, size_t length, mode_t mode);
/* Removes what a cut has left of it in this directory: only where nobody else writes now. */
int beneath_remove_drafts(int directory);
int beneath_mkdirs(int root, const char *path, mode_t mode);
/* Not there is success. beneath_remove_tree() removes what path names with all below it, never across a filesystem. */
int beneath_unlink(int root, const char *path);
int beneath_remove_tree(int root, const char *path);
int beneath_symlink(int root, const char *target, const char *path);
/* Copies the tree below from (a directory of ours: plain files and directories, others are refused) to path below root. */
int beneath_copy_tree(int root, const char *path, int from);

/* What became of a tree that was carried over. */
struct carried {
	uint64_t entries; /* that are there now, also if they were before */
	uint64_t bytes;   /* that were written */
	uint64_t
	    left; /* entries that were not carried: devices, sockets and pipes, what nests too deep, what found its place taken */
	char first[PATH_SIZE_CARRIED]; /* the name of the first of these, made printable, and why */
};
/*
 * Carries the file or directory at path below from to the same path below root, with owners, modes, times, ACLs and user's
 * attributes; a directory is laid over one that is there. Both are detached, and what is below from is a client's: a link is
 * carried as a link, never followed (nor is a path that is one carried at all), holes stay holes, and hard links become files. Not there is success. -1 with errno if
 * nothing more can be written below root.
 */
int beneath_carry(int root, int from, const char *path, struct carried *);

#endif
