/* SPDX-License-Identifier: ISC */
/*
 * Names of clients as an operator writes many of them: "node1", "node[1-40]", "node[01-40]", "rack[1-3,7]-a". Pure.
 */
#ifndef DISKLESS_NAMES_H
#define DISKLESS_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "messages.h"

#define NAMES_MAX 4096

struct names {
	char (*name)[NAME_SIZE];
	size_t count;
};

/*
 * Adds what one word stands for. A number that begins with 0 gives all of its range that many digits. 0; -1 and why: the word
 * is no name and no range, a name of it cannot be a client's or is there already, or there are more than NAMES_MAX.
 */
int names_add(struct names *, const char *word, char *why, size_t size);
void names_free(struct names *);

/*
 * Member index of a value that is given for several names: of a list "a,b,c". -1 and why, if it has not as many members as
 * there are names.
 */
int names_value(const char *list, size_t index, size_t count, char *value, size_t size, char *why, size_t why_size);

#endif
