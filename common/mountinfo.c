/* SPDX-License-Identifier: ISC */
/* Reads the kernel's table of mounts: its fields by position, its names with the escapes undone. */
#include "mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOUNTINFO_MAX ((size_t)16 << 20) /* some ten thousand roots; more is refused, not guessed at */

/* The next word of a line that ends before end; *at moves behind it. */
static bool
word(const char **at, const char *end, struct slice *slice)
{
	const char *start = *at, *stop;

	if (start >= end || *start == ' ')
		return false;
	stop = memchr(start, ' ', (size_t)(end - start));
	if (stop == NULL)
		stop = end;
	*slice = (struct slice){ start, (size_t)(stop - start) };
	*at = stop < end ? stop + 1 : end;
	return true;
}

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPER */
static bool
parse_line(const char *at, const char *end, struct mount_entry *entry)
{
	struct slice ignored;

	if (!word(&at, end, &ignored) || !word(&at, end, &ignored) || !word(&at, end, &entry->device) ||
	    !word(&at, end, &entry->root) || !word(&at, end, &entry->point) || !word(&at, end, &entry->options))
		return false;
	do {
		if (!word(&at, end, &ignored))
			return false;
	} while (ignored.length != 1 || ignored.at[0] != '-');
	return word(&at, end, &entry->type) && word(&at, end, &entry->source) && word(&at, end, &entry->super);
}

bool
mountinfo_next(const char **text, struct mount_entry *entry)
{
	while (**text != '\0') {
		const char *line = *text, *end = line + strcspn(line, "\n");

		*text = *end == '\n' ? end + 1 : end;
		if (parse_line(line, end, entry))
			return true;
	}
	return false;
}

/*
 * The start of the next line that can be of this point: that with its text as a word, unless the kernel would write it in another way
 * (fs/proc_namespace.c escapes space, tab, newline, backslash and #). The table of a thousand roots is searched for each of them.
 */
static const char *
candidate(const char *text, const char *point)
{
	char word[PATH_MAX + 2];
	const char *at;

	if (point[strcspn(point, " \t\n\\#")] != '\0' ||
	    snprintf(word, sizeof(word), " %s ", point) >= (int)sizeof(word))
		return text;
	at = strstr(text, word);
	while (at != NULL && at > text && at[-1] != '\n')
		at--;
	return at;
}

unsigned
mountinfo_find(const char *text, const char *point, struct mount_entry *found)
{
	struct mount_entry entry;
	unsigned count = 0;

	while ((text = candidate(text, point)) != NULL && mountinfo_next(&text, &entry))
		if (slice_is(entry.point, point)) {
			*found = entry;
			count++;
		}
	return count;
}

static bool
octal(char c)
{
	return c >= '0' && c <= '7';
}

/* The first character of what remains, \ooo undone; *used says how much of the slice it took. */
static char
character(struct slice slice, size_t *used)
{
	const char *s = slice.at;

	*used = 1;
	if (slice.length < 4 || s[0] != '\\' || s[1] > '3' || !octal(s[1]) || !octal(s[2]) || !octal(s[3]))
		return s[0];
	*used = 4;
	return (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
}

bool
slice_is(struct slice slice, const char *text)
{
	size_t used;

	while (slice.length > 0) {
		if (*text == '\0' || character(slice, &used) != *text)
			return false;
		slice.at += used;
		slice.length -= used;
		text++;
	}
	return *text == '\0';
}

bool
slice_starts(struct slice slice, const char *text)
{
	return slice.length >= strlen(text) && memcmp(slice.at, text, strlen(text)) == 0;
}

static bool
option(struct slice *options, struct slice *key, struct slice *value)
{
	const char *comma, *equals;
	size_t length;

	if (options->length == 0)
		return false;
	comma = memchr(options->at, ',', options->length);
	length = comma == NULL ? options->length : (size_t)(comma - options->at);
	equals = memchr(options->at, '=', length);
	*key = (struct slice){ options->at, equals == NULL ? length : (size_t)(equals - options->at) };
	*value = equals == NULL ? (struct slice){ NULL, 0 } : (struct slice){ equals + 1, length - key->length - 1 };
	options->at += comma == NULL ? length : length + 1;
	options->length -= comma == NULL ? length : length + 1;
	return true;
}

bool
options_have(struct slice options, const char *key, const char *value)
{
	struct slice k, v;

	while (option(&options, &k, &v))
		if (slice_is(k, key) && (value == NULL ? v.at == NULL : v.at != NULL && slice_is(v, value)))
			return true;
	return false;
}

bool
options_name(struct slice options, const char *key)
{
	struct slice k, v;

	while (option(&options, &k, &v))
		if (slice_is(k, key))
			return true;
	return false;
}

static char *
read_all(int fd)
{
	size_t room = 0, have = 0;
	char *text = NULL, *more;
	ssize_t got;

	do {
		if (room - have < 2) {
			room = room * 2 + 65536;
			more = room <= MOUNTINFO_MAX ? realloc(text, room) : NULL;
			if (more == NULL) {
				free(text);
				errno = ENOMEM;
				return NULL;
			}
			text = more;
		}
		got = read(fd, text + have, room - have - 1);
		if (got > 0)
			have += (size_t)got;
	} while (got > 0 || (got == -1 && errno == EINTR));
	if (got == -1) {
		free(text);
		return NULL;
	}
	text[have] = '\0';
	return text;
}

char *
mountinfo_read(void)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	char *text;

	if (fd == -1)
		return NULL;
	text = read_all(fd);
	close(fd);
	return text;
}
