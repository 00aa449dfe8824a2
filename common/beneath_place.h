/* SPDX-License-Identifier: ISC */
/* What the two files of beneath.h share. Included by nobody else. */
#ifndef DISKLESS_BENEATH_PLACE_H
#define DISKLESS_BENEATH_PLACE_H

#include <limits.h>
#include <stddef.h>

#include "beneath.h"

/* Where an entry is or goes: its directory, and a name without slash that is neither "." nor "..". */
struct place {
	int directory;
	char name[NAME_MAX + 1];
};

/* Splits path, and opens the directory that its last part is in. */
int beneath_place(int root, const char *path, struct place *);
/* A name that no file has, for one that is not in its place yet. */
int beneath_temporary_name(char *name, size_t size);
/* The directory name itself in directory, for reading: no link, and not where something else is mounted. */
int beneath_child(int directory, const char *name);

#endif
