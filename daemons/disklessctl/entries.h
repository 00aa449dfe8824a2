/* SPDX-License-Identifier: ISC */
/* The entries of a directory of a foreign tree, found through beneath.h. */
#ifndef DISKLESS_ENTRIES_H
#define DISKLESS_ENTRIES_H

#include <stdbool.h>

/*
 * visit() gets the path and the name of each entry; its first -1 ends it and is returned. 0 if the directory is not there. A path
 * that does not fit is cut: beneath.h then finds another place of the tree, or none.
 */
int each_entry(int root, const char *directory, int (*visit)(int root, const char *path, const char *name, void *),
    void *argument);

/* Is there something of this name? Where it is a link, the link itself is looked at. */
bool is_there(int root, const char *path);

#endif
