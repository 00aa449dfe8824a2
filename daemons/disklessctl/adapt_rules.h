/* SPDX-License-Identifier: ISC */
/* What each release of an operating system needs changed in its tree, as one table. As root, on foreign trees, through beneath.h. */
#ifndef DISKLESS_ADAPT_RULES_H
#define DISKLESS_ADAPT_RULES_H

#include <stddef.h>

/* boot: the boot directory of the tree at root. -1 and why. */
int adapt_rules(int root, const char *boot, char *why, size_t size);

#endif
