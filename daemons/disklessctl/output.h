/* SPDX-License-Identifier: ISC */
/*
 * What disklessctl prints, as tables for people or JSON for programs (RFC 8259), from the same calls: an object or a list is opened,
 * filled with fields or rows of fields, closed. A table's columns are the fields of its first row, titled by their keys in
 * capitals; an object is printed as lines "key  value". Bytes that a terminal or a JSON reader would stumble over are replaced.
 */
#ifndef DISKLESS_OUTPUT_H
#define DISKLESS_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct output;

/* Writes to file. Every function here is fatal when memory is out. */
struct output *output_new(FILE *file, bool json);
/* Writes what is left and frees it. false: file had an error. */
bool output_end(struct output *);

/* key: NULL for what is the whole document. */
void output_object(struct output *, const char *key);
void output_list(struct output *, const char *key);
void output_row(struct output *);   /* of a list: the fields that follow belong to it */
void output_close(struct output *); /* the object or list opened last */

/* Every row of a list has the same fields in the same order. Text NULL and time 0 are null in JSON and "-" in a table. */
void output_text(struct output *, const char *key, const char *value);
void output_number(struct output *, const char *key, uint64_t value);
void output_bool(struct output *, const char *key, bool value);
void output_bytes(struct output *, const char *key, uint64_t value); /* a number in JSON, "1.5G" in a table */
void output_time(struct output *, const char *key, uint64_t ms);     /* UTC with a Z in JSON, local in a table */

/*
 * For rows that come as time goes by: called before output_list(), it makes of each row a JSON document on a line of its own.
 * output_flush() writes the rows that are complete; a table's columns keep the width that they have by then.
 */
void output_follow(struct output *);
void output_flush(struct output *);

/* "1.5G" of 1610612736. */
const char *output_human(uint64_t bytes, char text[static 16]);

#endif
