/* SPDX-License-Identifier: ISC */
/* The manifests of images and of clients' roots: two tables of fields, and one reader and one writer for both. */
#include "manifest.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"
#include "config.h"
#include "paths.h"

#define MANIFEST_MAX 4096
#define FIELDS_MAX   16
#define VERSION_TEXT 12

struct kind {
	bool (*valid)(const char *value);
	const char *right;
};

struct field {
	const char *key;
	const struct kind *kind;
	size_t offset;
	size_t size;   /* of the member; 4 and 8 are numbers */
	bool optional; /* empty or 0 it is not there */
};

static bool
number_valid(const char *value)
{
	size_t digits = strspn(value, "0123456789");

	return digits > 0 && digits < 20 && value[digits] == '\0' && (value[0] != '0' || digits == 1);
}

static bool
digest_valid(const char *value)
{
	return strlen(value) == 64 && strspn(value, "0123456789abcdef") == 64;
}

/* A directory has none. */
static bool
origin_valid(const char *value)
{
	return strcmp(value, "-") == 0 || digest_valid(value);
}

static bool
text_valid(const char *value)
{
	for (; *value != '\0'; value++)
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			return false;
	return true;
}

/* Of the tree below a root, so never with ".." in it. */
static bool
boot_valid(const char *value)
{
	return value[0] == '/' && text_valid(value) && strstr(value, "..") == NULL;
}

static bool
time_valid(const char *value)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	size_t i;

	for (i = 0; form[i] != '\0'; i++)
		if (form[i] == 'd' ? value[i] < '0' || value[i] > '9' : value[i] != form[i])
			return false;
	return value[i] == '\0';
}

/* "-", or ascending numbers from 1 with commas between. */
static bool
generations_valid(const char *value)
{
	unsigned long long last = 0;
	unsigned count = 0;

	if (strcmp(value, "-") == 0)
		return true;
	for (;; value++) {
		unsigned long long number = strtoull(value, NULL, 10);
		size_t digits = strspn(value, "0123456789");

		if (digits == 0 || digits > 10 || value[0] == '0' || number <= last || number > UINT32_MAX ||
		    ++count > GENERATIONS_MAX)
			return false;
		last = number;
		value += digits;
		if (*value != ',')
			return *value == '\0';
	}
}

static bool
label_valid(const char *value)
{
	return strcmp(value, "-") == 0 || config_name_valid(value);
}

static const struct kind kind_name = { config_name_valid, "a name: letters, digits, - and _, at most 63" };
static const struct kind kind_number = { number_valid, "a decimal number that fits" };
static const struct kind kind_digest = { digest_valid, "64 hexadecimal digits in lower case" };
static const struct kind kind_origin = { origin_valid, "64 hexadecimal digits in lower case, or -" };
static const struct kind kind_text = { text_valid, "printable text that fits" };
static const struct kind kind_boot = { boot_valid, "an absolute path" };
static const struct kind kind_generations = { generations_valid, "- or at most 16 numbers: 1,3" };
static const struct kind kind_label = { label_valid, "- or a name" };
static const struct kind kind_time = { time_valid, "a time like 2026-11-23T20:00:00Z" };

/* Releases of clang-format differ over an initializer in a macro. */
/* clang-format off */
#define FIELD(type, member, kind) \
	{ #member, &kind_##kind, offsetof(struct type, member), sizeof(((struct type *)0)->member), false }
#define OPTIONAL(type, member, kind) \
	{ #member, &kind_##kind, offsetof(struct type, member), sizeof(((struct type *)0)->member), true }
/* clang-format on */

static const struct field image_fields[] = {
	FIELD(image_manifest, name, name),
	FIELD(image_manifest, version, number),
	FIELD(image_manifest, digest, digest),
	FIELD(image_manifest, size, number),
	FIELD(image_manifest, boot, boot),
	FIELD(image_manifest, kernel, text),
	FIELD(image_manifest, origin, text),
	FIELD(image_manifest, origin_digest, origin),
	FIELD(image_manifest, made, time),
	OPTIONAL(image_manifest, recipe, digest),
	OPTIONAL(image_manifest, tree, digest),
	OPTIONAL(image_manifest, architecture, name),
	OPTIONAL(image_manifest, epoch, number),
};

static const struct field client_fields[] = {
	FIELD(client_manifest, name, name),
	FIELD(client_manifest, image, name),
	FIELD(client_manifest, version, number),
	FIELD(client_manifest, fsid, number),
	FIELD(client_manifest, quota, number),
	FIELD(client_manifest, inodes, number),
	FIELD(client_manifest, generation, number),
	FIELD(client_manifest, previous, number),
	FIELD(client_manifest, kept, generations),
	FIELD(client_manifest, label, label),
	FIELD(client_manifest, made, time),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
_Static_assert(COUNT(image_fields) <= FIELDS_MAX && COUNT(client_fields) <= FIELDS_MAX, "a set of seen fields");

struct reader {
	const char *place;
	unsigned line;
	const struct field *fields;
	size_t count;
	unsigned char *to;
	bool seen[FIELDS_MAX];
	char *why;
	size_t size;
};

/* ---- reading ---- */

static int
wrong(const struct reader *r, const char *what, const char *right)
{
	snprintf(r->why, r->size, "%s:%u: %s; it should be %s", r->place, r->line, what, right);
	return -1;
}

static bool
store(const struct reader *r, const struct field *field, const char *value)
{
	unsigned char *to = r->to + field->offset;
	uint64_t number;
	uint32_t small;

	if (!field->kind->valid(value))
		return false;
	if (field->kind != &kind_number) {
		if (strlen(value) >= field->size)
			return false;
		memcpy(to, value, strlen(value) + 1);
		return true;
	}
	number = strtoull(value, NULL, 10);
	small = (uint32_t)number;
	if (field->size == sizeof(number))
		memcpy(to, &number, sizeof(number));
	else if (small == number)
		memcpy(to, &small, sizeof(small));
	return field->size == sizeof(number) || small == number;
}

/* One line, without its end: `key value`. */
static int
read_line(struct reader *r, char *line)
{
	char *value = strchr(line, ' '), what[128];
	size_t i;

	if (value == NULL)
		return wrong(r, "a line without a value", "`key value`");
	*value++ = '\0';
	for (i = 0; i < r->count && strcmp(r->fields[i].key, line) != 0; i++)
		;
	if (i == r->count)
		return wrong(r, "a key that is not known", "written by this version of diskless");
	if (r->seen[i] || !store(r, &r->fields[i], value)) {
		snprintf(what, sizeof(what), "%s is %s", r->fields[i].key, r->seen[i] ? "there twice" : "wrong");
		return wrong(r, what, r->seen[i] ? "there once" : r->fields[i].kind->right);
	}
	r->seen[i] = true;
	return 0;
}

static int
read_lines(struct reader *r, char *text)
{
	char *end;

	for (; *text != '\0'; text = end + 1) {
		r->line++;
		end = strchr(text, '\n');
		if (end == NULL)
			return wrong(r, "the last line has no end", "whole");
		*end = '\0';
		if (read_line(r, text) == -1)
			return -1;
	}
	for (size_t i = 0; i < r->count; i++)
		if (!r->seen[i] && !r->fields[i].optional) {
			snprintf(r->why, r->size, "%s: no line `%s`; it should be %s", r->place, r->fields[i].key,
			    r->fields[i].kind->right);
			return -1;
		}
	return 0;
}

static int
parse(struct reader *r, const char *text, size_t length)
{
	char copy[MANIFEST_MAX + 1];

	r->line = 1;
	if (length > MANIFEST_MAX || memchr(text, '\0', length) != NULL)
		return wrong(r, "too long, or with a NUL in it", "a text of at most 4096 bytes");
	memcpy(copy, text, length);
	copy[length] = '\0';
	r->line = 0;
	return read_lines(r, copy);
}

int
image_manifest_parse(
    const char *place, const char *text, size_t length, struct image_manifest *m, char *why, size_t size)
{
	struct reader r = { .place = place,
		.fields = image_fields,
		.count = COUNT(image_fields),
		.to = (unsigned char *)m,
		.why = why,
		.size = size };

	memset(m, 0, sizeof(*m));
	return parse(&r, text, length);
}

int
client_manifest_parse(
    const char *place, const char *text, size_t length, struct client_manifest *m, char *why, size_t size)
{
	struct reader r = { .place = place,
		.fields = client_fields,
		.count = COUNT(client_fields),
		.to = (unsigned char *)m,
		.why = why,
		.size = size };

	memset(m, 0, sizeof(*m));
	return parse(&r, text, length);
}

/* directory/path, whole. NULL and why if it cannot be read. */
static char *
load(const char *directory, const char *path, size_t *length, char *why, size_t size)
{
	int root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *text = NULL;

	if (root == -1 || beneath_slurp(root, path, MANIFEST_MAX, &text, length) == -1)
		snprintf(why, size, "%s/%s: %s", directory, path, strerror(errno));
	if (root != -1)
		close(root);
	return text;
}

int
image_manifest_read(const char *name, uint32_t version, struct image_manifest *m, char *why, size_t size)
{
	char path[NAME_SIZE + 32], place[sizeof(PATH_IMAGES) + sizeof(path)], *text;
	size_t length;
	int result;

	snprintf(path, sizeof(path), "%s/%" PRIu32 "/manifest", name, version);
	snprintf(place, sizeof(place), "%s/%s", PATH_IMAGES, path);
	text = load(PATH_IMAGES, path, &length, why, size);
	if (text == NULL)
		return -1;
	result = image_manifest_parse(place, text, length, m, why, size);
	free(text);
	if (result == 0 && (strcmp(m->name, name) != 0 || m->version != version)) {
		snprintf(why, size, "%s: it is of %s version %" PRIu32 "; it should be of what its directories name",
		    place, m->name, m->version);
		result = -1;
	}
	return result;
}

static int
read_client(const char *path, const char *name, struct client_manifest *m, char *why, size_t size)
{
	char place[sizeof(PATH_CLIENTS) + NAME_SIZE + 64], *text;
	size_t length;
	int result;

	snprintf(place, sizeof(place), "%s/%.100s", PATH_CLIENTS, path);
	text = load(PATH_CLIENTS, path, &length, why, size);
	if (text == NULL)
		return -1;
	result = client_manifest_parse(place, text, length, m, why, size);
	free(text);
	if (result == 0 && (strcmp(m->name, name) != 0 || m->fsid == 0 || m->generation == 0)) {
		snprintf(why, size,
		    "%s: it is of client %s with fsid %" PRIu32 " and generation %" PRIu32
		    "; it should be of %s, none of the others 0",
		    place, m->name, m->fsid, m->generation, name);
		result = -1;
	}
	return result;
}

int
client_manifest_read(const char *name, struct client_manifest *m, char *why, size_t size)
{
	char path[NAME_SIZE + 32];

	snprintf(path, sizeof(path), "%s/manifest", name);
	return read_client(path, name, m, why, size);
}

int
client_generation_read(const char *name, uint32_t generation, struct client_manifest *m, char *why, size_t size)
{
	char path[NAME_SIZE + 32];

	snprintf(path, sizeof(path), "%s/%" PRIu32 "/manifest", name, generation);
	if (read_client(path, name, m, why, size) == -1)
		return -1;
	if (m->generation == generation)
		return 0;
	snprintf(why, size, "%s/%s: it is of generation %" PRIu32 "; it should be of what its directory names",
	    PATH_CLIENTS, path, m->generation);
	return -1;
}

size_t
client_kept(const struct client_manifest *m, uint32_t generation[GENERATIONS_MAX])
{
	const char *at = m->kept;
	size_t count = 0;

	while (*at >= '0' && *at <= '9' && count < GENERATIONS_MAX) {
		generation[count++] = (uint32_t)strtoull(at, NULL, 10);
		at += strspn(at, "0123456789");
		at += *at == ',';
	}
	return count;
}

void
client_keep(struct client_manifest *m, const uint32_t *generation, size_t count)
{
	int used = 0;

	memset(m->kept, 0, sizeof(m->kept));
	if (count == 0)
		m->kept[0] = '-';
	for (size_t i = 0; i < count; i++)
		used += snprintf(
		    m->kept + used, sizeof(m->kept) - (size_t)used, "%s%" PRIu32, i == 0 ? "" : ",", generation[i]);
}

/* ---- writing ---- */

static bool
is_left_out(const struct field *field, const unsigned char *from)
{
	static const unsigned char zero[sizeof(uint64_t)];

	return field->optional &&
	       (field->kind == &kind_number ? memcmp(from, zero, field->size) == 0 : from[0] == '\0');
}

static void
print_field(FILE *out, const struct field *field, const unsigned char *from)
{
	uint64_t number;
	uint32_t small;

	from += field->offset;
	if (is_left_out(field, from))
		return;
	if (field->kind != &kind_number) {
		fprintf(out, "%s %.*s\n", field->key, (int)field->size, (const char *)from);
	} else if (field->size == sizeof(number)) {
		memcpy(&number, from, sizeof(number));
		fprintf(out, "%s %" PRIu64 "\n", field->key, number);
	} else {
		memcpy(&small, from, sizeof(small));
		fprintf(out, "%s %" PRIu32 "\n", field->key, small);
	}
}

static char *
print(const struct field *fields, size_t count, const void *from)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	bool failed;

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		print_field(out, &fields[i], from);
	failed = ferror(out) != 0;
	if (fclose(out) == EOF || failed) {
		free(text);
		return NULL;
	}
	return text;
}

/* Nothing is written that could not be read again. */
char *
image_manifest_print(const struct image_manifest *m, char *why, size_t size)
{
	char *text = print(image_fields, COUNT(image_fields), m);
	struct image_manifest again;

	if (text == NULL)
		snprintf(why, size, "no memory for a manifest");
	else if (image_manifest_parse("new manifest", text, strlen(text), &again, why, size) == 0)
		return text;
	free(text);
	return NULL;
}

char *
client_manifest_print(const struct client_manifest *m, char *why, size_t size)
{
	char *text = print(client_fields, COUNT(client_fields), m);
	struct client_manifest again;

	if (text == NULL)
		snprintf(why, size, "no memory for a manifest");
	else if (client_manifest_parse("new manifest", text, strlen(text), &again, why, size) == 0)
		return text;
	free(text);
	return NULL;
}

static int
save(int directory, char *text, char *why, size_t size)
{
	int result;

	if (text == NULL)
		return -1;
	result = beneath_write(directory, "manifest", text, strlen(text), 0644);
	if (result == -1)
		snprintf(why, size, "manifest: %s", strerror(errno));
	free(text);
	return result;
}

int
image_manifest_write(int directory, const struct image_manifest *m, char *why, size_t size)
{
	return save(directory, image_manifest_print(m, why, size), why, size);
}

int
client_manifest_write(int directory, const struct client_manifest *m, char *why, size_t size)
{
	return save(directory, client_manifest_print(m, why, size), why, size);
}

/* ---- versions ---- */

static bool
image_whole(const char *name, uint32_t version)
{
	char path[sizeof(PATH_IMAGES) + NAME_SIZE + 32], why[TEXT_SIZE];
	struct image_manifest m;
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s/%" PRIu32 "/image.ext4", PATH_IMAGES, name, version);
	return image_manifest_read(name, version, &m, why, sizeof(why)) == 0 && lstat(path, &st) == 0 &&
	       S_ISREG(st.st_mode) && (uint64_t)st.st_size == m.size;
}

uint32_t
image_newest(const char *name)
{
	char path[sizeof(PATH_IMAGES) + NAME_SIZE];
	struct dirent *entry;
	uint32_t newest = 0;
	DIR *versions;

	snprintf(path, sizeof(path), "%s/%s", PATH_IMAGES, name);
	versions = opendir(path);
	if (versions == NULL)
		return 0;
	while ((entry = readdir(versions)) != NULL) {
		unsigned long long version;

		if (!number_valid(entry->d_name) || strlen(entry->d_name) >= VERSION_TEXT)
			continue;
		version = strtoull(entry->d_name, NULL, 10);
		if (version > newest && version <= UINT32_MAX && image_whole(name, (uint32_t)version))
			newest = (uint32_t)version;
	}
	closedir(versions);
	return newest;
}
