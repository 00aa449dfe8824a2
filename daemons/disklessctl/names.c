/* SPDX-License-Identifier: ISC */
/* Duty: ranges and lists of names into names (names.h). Holds nothing. */
#include "names.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define DIGITS     "0123456789"
#define DIGITS_MAX 9

/* A word in parts: what stands before the bracket, in it, behind it. */
struct pattern {
	char before[NAME_SIZE];
	const char *ranges;
	const char *end; /* the closing bracket */
	const char *behind;
};

struct range {
	unsigned first, last;
	int width; /* digits that each number has at least */
};

static int
wrong(const char *word, const char *what, char *why, size_t size)
{
	snprintf(why, size, "\"%.80s\" %s", word, what);
	return -1;
}

static int
add_name(struct names *n, const char *name, char *why, size_t size)
{
	if (!config_name_valid(name)) {
		snprintf(why, size,
		    "\"%.80s\" cannot be a client's name: at most %d letters, digits, '-' and '_', a letter or digit "
		    "first",
		    name, NAME_SIZE - 1);
		return -1;
	}
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->name[i], name) == 0)
			return wrong(name, "is named twice", why, size);
	if (n->count == NAMES_MAX)
		return wrong(name, "is one too many: at most 4096 clients at a time", why, size);
	if ((n->count & (n->count - 1)) == 0) {
		void *more = reallocarray(n->name, n->count == 0 ? 1 : 2 * n->count, NAME_SIZE);

		if (more == NULL)
			return wrong(name, "finds no memory", why, size);
		n->name = more;
	}
	snprintf(n->name[n->count++], NAME_SIZE, "%s", name);
	return 0;
}

/* "7" or "1-40" at *at, which moves behind it. */
static bool
take_range(const char **at, struct range *r)
{
	size_t digits = strspn(*at, DIGITS);

	if (digits == 0 || digits > DIGITS_MAX)
		return false;
	r->width = **at == '0' ? (int)digits : 1;
	r->first = r->last = (unsigned)strtoul(*at, NULL, 10);
	*at += digits;
	if (**at != '-')
		return true;
	digits = strspn(++*at, DIGITS);
	if (digits == 0 || digits > DIGITS_MAX)
		return false;
	r->last = (unsigned)strtoul(*at, NULL, 10);
	*at += digits;
	return r->first <= r->last && r->last - r->first < NAMES_MAX;
}

static int
add_range(struct names *n, const struct pattern *p, const struct range *r, char *why, size_t size)
{
	for (unsigned number = r->first; number <= r->last; number++) {
		char name[3 * NAME_SIZE];

		snprintf(name, sizeof(name), "%s%0*u%.*s", p->before, r->width, number, NAME_SIZE, p->behind);
		if (add_name(n, name, why, size) == -1)
			return -1;
	}
	return 0;
}

static bool
split(const char *word, struct pattern *p)
{
	const char *open = strchr(word, '[');

	if ((size_t)(open - word) >= sizeof(p->before))
		return false;
	snprintf(p->before, sizeof(p->before), "%.*s", (int)(open - word), word);
	p->ranges = open + 1;
	p->end = strchr(p->ranges, ']');
	p->behind = p->end == NULL ? NULL : p->end + 1;
	return p->end != NULL && strpbrk(p->behind, "[]") == NULL;
}

int
names_add(struct names *n, const char *word, char *why, size_t size)
{
	static const char *const right =
	    "is no range of clients; one looks like node[1-40], node[01-40] or node[1-3,7]";
	struct pattern p;
	const char *at;

	if (strchr(word, '[') == NULL)
		return add_name(n, word, why, size);
	if (!split(word, &p))
		return wrong(word, right, why, size);
	for (at = p.ranges;; at++) {
		struct range r;

		if (!take_range(&at, &r) || (*at != ',' && at != p.end))
			return wrong(word, right, why, size);
		if (add_range(n, &p, &r, why, size) == -1)
			return -1;
		if (at == p.end)
			return 0;
	}
}

void
names_free(struct names *n)
{
	free(n->name);
	*n = (struct names){ 0 };
}

int
names_value(const char *list, size_t index, size_t count, char *value, size_t size, char *why, size_t why_size)
{
	const char *at = list;
	size_t members = 1, length;

	for (const char *c = list; *c != '\0'; c++)
		members += *c == ',';
	if (members != count) {
		snprintf(why, why_size, "\"%.80s\" has %zu members for %zu clients; each needs one of its own", list,
		    members, count);
		return -1;
	}
	while (index-- > 0)
		at += strcspn(at, ",") + 1;
	length = strcspn(at, ",");
	snprintf(value, size, "%.*s", (int)length, at);
	return 0;
}
