/* SPDX-License-Identifier: ISC */
/*
 * Duty: the one place that knows how a table and how JSON look. Runs as part of disklessctl. Holds the rows of a table until their
 * widths are known; must never pass on a byte that a terminal would obey.
 */
#include "output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"

#define COLUMNS_MAX 24
#define DEPTH_MAX   4

struct level {
	bool list;
	bool row;        /* of a list: one is open */
	unsigned rows;   /* of a list */
	unsigned fields; /* of the object, or of the list's open row */
};

struct output {
	FILE *file;
	bool json;
	bool follow;
	bool wrote; /* something stands above */
	bool gap;   /* so an empty line comes before what is next */
	struct level level[DEPTH_MAX];
	unsigned depth;
	/* the table of the list that is open */
	char *title[COLUMNS_MAX];
	size_t width[COLUMNS_MAX];
	bool right[COLUMNS_MAX];
	unsigned columns;
	bool titled;
	char **cell;
	size_t cells;
	size_t room;
};

static struct level *
innermost(struct output *o)
{
	if (o->depth == 0)
		fatalx("output: nothing is open");
	return &o->level[o->depth - 1];
}

/* ---- JSON ---- */

/* The length of the UTF-8 character at s, 0 if there is none (RFC 3629: no overlong forms, no surrogates; and no control character). */
static size_t
utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char first_low, first_high, second_low, second_high, length;
	} forms[] = {
		{ 0x20, 0x7e, 0, 0, 1 },
		{ 0xc2, 0xc2, 0xa0, 0xbf, 2 },
		{ 0xc3, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (s[0] < forms[i].first_low || s[0] > forms[i].first_high)
			continue;
		if (forms[i].length > 1 && (s[1] < forms[i].second_low || s[1] > forms[i].second_high))
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if (s[k] < 0x80 || s[k] > 0xbf)
				return 0;
		return forms[i].length;
	}
	return 0;
}

static void
json_string(FILE *file, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t length;

	putc('"', file);
	for (; *s != '\0'; s += length == 0 ? 1 : length) {
		length = utf8_length(s);
		if (*s == '"' || *s == '\\')
			fprintf(file, "\\%c", *s);
		else if (length > 0)
			fwrite(s, 1, length, file);
		else if (*s < 0x80)
			fprintf(file, "\\u%04x", *s);
		else
			fputs("\\ufffd", file);
	}
	putc('"', file);
}

/* What stands before a value. */
static void
json_member(struct output *o, const char *key)
{
	if (o->depth > 0 && innermost(o)->fields++ > 0)
		fputs(", ", o->file);
	if (key != NULL) {
		json_string(o->file, key);
		fputs(": ", o->file);
	}
}

static void
json_row(struct output *o)
{
	struct level *list = innermost(o);

	if (list->row)
		fputs(o->follow ? "}\n" : "}", o->file);
	if (!o->follow)
		fputs(list->rows++ > 0 ? ",\n" : "\n", o->file);
	putc('{', o->file);
	list->row = true;
	list->fields = 0;
}

static void
json_close(struct output *o)
{
	const struct level *level = innermost(o);

	if (level->row)
		putc('}', o->file);
	if (!level->list)
		putc('}', o->file);
	else if (o->follow)
		fputs(level->row ? "\n" : "", o->file);
	else
		fputs(level->rows > 0 ? "\n]" : "]", o->file);
	if (o->depth == 1 && !(level->list && o->follow))
		putc('\n', o->file);
}

/* ---- tables ---- */

/* The same text with '?' for what is no printable ASCII and no UTF-8. */
static char *
printable(const char *text)
{
	char *copy = strdup(text);
	size_t length;

	if (copy == NULL)
		fatalx("no memory");
	for (char *s = copy; *s != '\0'; s += length == 0 ? 1 : length)
		if ((length = utf8_length((const unsigned char *)s)) == 0)
			*s = '?';
	return copy;
}

static size_t
columns_of(const char *text)
{
	size_t columns = 0;

	for (; *text != '\0'; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

static char *
title_of(const char *key)
{
	char *title = printable(key);

	for (char *s = title; *s != '\0'; s++)
		*s = *s == '_' ? '-' : *s >= 'a' && *s <= 'z' ? (char)(*s - 'a' + 'A') : *s;
	return title;
}

static void
new_column(struct output *o, const char *key, bool right)
{
	if (o->columns == COLUMNS_MAX)
		fatalx("output: more than %d columns", COLUMNS_MAX);
	o->title[o->columns] = title_of(key);
	o->width[o->columns] = columns_of(key);
	o->right[o->columns++] = right;
}

static void
table_cell(struct output *o, const char *key, char *text, bool right)
{
	unsigned column = innermost(o)->fields++;

	if (innermost(o)->rows == 1)
		new_column(o, key, right);
	if (column >= o->columns)
		fatalx("output: a row with more fields than the first");
	if (columns_of(text) > o->width[column])
		o->width[column] = columns_of(text);
	if (o->cells == o->room) {
		o->room = o->room == 0 ? 256 : 2 * o->room;
		o->cell = reallocarray(o->cell, o->room, sizeof(*o->cell));
		if (o->cell == NULL)
			fatalx("no memory");
	}
	o->cell[o->cells++] = text;
}

static void
table_line(struct output *o, char *const *cell)
{
	for (unsigned i = 0; i < o->columns; i++) {
		int pad = (int)(o->width[i] - columns_of(cell[i]));
		bool last = i + 1 == o->columns;

		fprintf(o->file, "%*s%s%*s%s", o->right[i] ? pad : 0, "", cell[i], o->right[i] || last ? 0 : pad, "",
		    last ? "\n" : "  ");
	}
}

static void
table_gap(struct output *o)
{
	if (o->gap)
		putc('\n', o->file);
	o->gap = false;
	o->wrote = true;
}

static void
table_flush(struct output *o)
{
	if (o->cells == 0)
		return;
	table_gap(o);
	if (!o->titled)
		table_line(o, o->title);
	o->titled = true;
	for (size_t i = 0; i + o->columns <= o->cells; i += o->columns)
		table_line(o, &o->cell[i]);
	while (o->cells > 0)
		free(o->cell[--o->cells]);
}

static void
table_close(struct output *o)
{
	table_flush(o);
	while (o->columns > 0)
		free(o->title[--o->columns]);
	free(o->cell);
	o->cell = NULL;
	o->room = 0;
	o->titled = false;
}

static void
table_value(struct output *o, const char *key, const char *text, bool right)
{
	char *copy = printable(text == NULL || text[0] == '\0' ? "-" : text);

	if (innermost(o)->list) {
		table_cell(o, key, copy, right);
		return;
	}
	table_gap(o);
	fprintf(o->file, "%-14s %s\n", key, copy);
	free(copy);
}

/* ---- the document ---- */

struct output *
output_new(FILE *file, bool json)
{
	struct output *o = calloc(1, sizeof(*o));

	if (o == NULL)
		fatalx("no memory");
	o->file = file;
	o->json = json;
	return o;
}

bool
output_end(struct output *o)
{
	bool good;

	while (o->depth > 0)
		output_close(o);
	good = fflush(o->file) == 0 && !ferror(o->file);
	free(o);
	return good;
}

static void
open_level(struct output *o, const char *key, bool list)
{
	if (o->depth == DEPTH_MAX)
		fatalx("output: too deep");
	if (o->json) {
		json_member(o, key);
		if (!list || !o->follow)
			putc(list ? '[' : '{', o->file);
	} else {
		o->gap = o->wrote;
	}
	o->level[o->depth++] = (struct level){ .list = list };
}

void
output_object(struct output *o, const char *key)
{
	open_level(o, key, false);
}

void
output_list(struct output *o, const char *key)
{
	open_level(o, key, true);
}

void
output_close(struct output *o)
{
	const struct level *level = innermost(o);

	if (o->json)
		json_close(o);
	else if (level->list)
		table_close(o);
	o->depth--;
}

void
output_row(struct output *o)
{
	if (o->json) {
		json_row(o);
		return;
	}
	innermost(o)->rows++;
	innermost(o)->fields = 0;
}

void
output_follow(struct output *o)
{
	o->follow = true;
}

void
output_flush(struct output *o)
{
	struct level *level = innermost(o);

	if (!o->json)
		table_flush(o);
	else if (o->follow && level->row)
		fputs("}\n", o->file);
	level->row = o->json && o->follow ? false : level->row;
	fflush(o->file);
}

/* ---- fields ---- */

void
output_text(struct output *o, const char *key, const char *value)
{
	if (!o->json) {
		table_value(o, key, value, false);
		return;
	}
	json_member(o, key);
	if (value == NULL)
		fputs("null", o->file);
	else
		json_string(o->file, value);
}

void
output_number(struct output *o, const char *key, uint64_t value)
{
	char text[24];

	if (o->json) {
		json_member(o, key);
		fprintf(o->file, "%" PRIu64, value);
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64, value);
	table_value(o, key, text, true);
}

void
output_bool(struct output *o, const char *key, bool value)
{
	if (o->json) {
		json_member(o, key);
		fputs(value ? "true" : "false", o->file);
		return;
	}
	table_value(o, key, value ? "yes" : "no", false);
}

const char *
output_human(uint64_t bytes, char text[static 16])
{
	static const char units[] = "\0KMGTPE";
	uint64_t tenths;
	unsigned unit = 0;

	if (bytes < 1024) {
		snprintf(text, 16, "%" PRIu64, bytes);
		return text;
	}
	/* Whole units until the tenths cannot overflow. */
	for (; bytes >= (uint64_t)1024 * 1024; bytes /= 1024)
		unit++;
	tenths = (bytes * 10 + 512) / 1024;
	unit++;
	if (tenths >= 10240) {
		tenths = 10;
		unit++;
	}
	if (tenths % 10 == 0 || tenths >= 1000)
		snprintf(text, 16, "%" PRIu64 "%c", tenths / 10, units[unit]);
	else
		snprintf(text, 16, "%" PRIu64 ".%" PRIu64 "%c", tenths / 10, tenths % 10, units[unit]);
	return text;
}

void
output_bytes(struct output *o, const char *key, uint64_t value)
{
	char text[16];

	if (o->json)
		output_number(o, key, value);
	else
		table_value(o, key, output_human(value, text), true);
}

void
output_time(struct output *o, const char *key, uint64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	char text[40] = "";

	if (ms != 0 && (o->json ? gmtime_r(&seconds, &tm) : localtime_r(&seconds, &tm)) != NULL)
		strftime(text, sizeof(text), o->json ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%d %H:%M:%S", &tm);
	output_text(o, key, text[0] == '\0' ? NULL : text);
}
