/* SPDX-License-Identifier: ISC */
/* Reads the manifests of clients (image_users.h). Runs as its caller, changes nothing. */
#include "image_users.h"

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
#include "entries.h"
#include "paths.h"

#define TEXT_MAX 65536

static bool
value_of(const char *text, const char *key, char *value, size_t size)
{
	size_t named = strlen(key), length;

	for (; *text != '\0'; text += strcspn(text, "\n"), text += *text == '\n') {
		if (strncmp(text, key, named) != 0 || text[named] != ' ')
			continue;
		length = strcspn(text + named + 1, "\n");
		if (length >= size)
			return false;
		memcpy(value, text + named + 1, length);
		value[length] = '\0';
		return true;
	}
	return false;
}

int
image_user_parse(const char *text, struct image_user *user)
{
	char number[16], *end;
	unsigned long version;

	if (!value_of(text, "image", user->image, sizeof(user->image)) || !config_name_valid(user->image) ||
	    !value_of(text, "version", number, sizeof(number)))
		return -1;
	version = strtoul(number, &end, 10);
	if (number[0] < '1' || number[0] > '9' || *end != '\0' || version > UINT32_MAX)
		return -1;
	user->version = (uint32_t)version;
	return 0;
}

struct reading {
	struct image_users *users;
	const char *client;
	char *why;
	size_t size;
};

static int
take(struct reading *r, const char *path, const char *text)
{
	struct image_users *u = r->users;
	struct image_user *grown = reallocarray(u->user, u->count + 1, sizeof(*grown));

	if (grown == NULL) {
		snprintf(r->why, r->size, "no memory");
		return -1;
	}
	u->user = grown;
	snprintf(grown[u->count].client, NAME_SIZE, "%s", r->client);
	if (image_user_parse(text, &grown[u->count]) == -1) {
		snprintf(r->why, r->size,
		    "%s/%s: it does not say which version of which image it needs, so none can be told to be unused",
		    PATH_CLIENTS, path + 2);
		return -1;
	}
	u->count++;
	return 0;
}

/* directory/manifest, if there is one. */
static int
read_manifest(struct reading *r, int root, const char *directory)
{
	char path[2 * PATH_SIZE], *text;
	size_t length;
	int result;

	snprintf(path, sizeof(path), "%.300s/manifest", directory);
	if (beneath_slurp(root, path, TEXT_MAX, &text, &length) == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		snprintf(r->why, r->size, "%s/%s: %s", PATH_CLIENTS, path + 2, strerror(errno));
		return -1;
	}
	result = take(r, path, text);
	free(text);
	return result;
}

/* A generation's directory is a number. */
static int
visit_generation(int root, const char *path, const char *name, void *argument)
{
	return strspn(name, "0123456789") == strlen(name) ? read_manifest(argument, root, path) : 0;
}

/* What begins with a dot is being made or unmade, by somebody who has read what it needs already. */
static int
visit_client(int root, const char *path, const char *name, void *argument)
{
	struct reading *r = argument;

	if (!config_name_valid(name))
		return 0;
	r->client = name;
	return read_manifest(r, root, path) == -1 ? -1 : each_entry(root, path, visit_generation, r);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct image_user *)a)->client, ((const struct image_user *)b)->client);
}

int
image_users_read(struct image_users *users, char *why, size_t size)
{
	int root = open(PATH_CLIENTS, O_PATH | O_DIRECTORY | O_CLOEXEC), result;
	struct reading r = { .users = users, .why = why, .size = size };

	*users = (struct image_users){ NULL, 0 };
	if (root == -1 && errno == ENOENT)
		return 0;
	snprintf(why, size, "%s: %s", PATH_CLIENTS, strerror(errno));
	result = root == -1 ? -1 : each_entry(root, ".", visit_client, &r);
	if (users->count > 0)
		qsort(users->user, users->count, sizeof(*users->user), compare);
	if (root != -1)
		close(root);
	return result;
}

void
image_users_free(struct image_users *users)
{
	free(users->user);
}

size_t
image_users_of(const struct image_users *users, const char *image, uint32_t version, char *names, size_t size)
{
	const char *before = "";
	size_t count = 0, shown = 0, length = 0;

	names[0] = '\0';
	for (size_t i = 0; i < users->count; i++) {
		const struct image_user *user = &users->user[i];

		/* They are sorted by client. */
		if (strcmp(user->image, image) != 0 || user->version != version || strcmp(user->client, before) == 0)
			continue;
		before = user->client;
		count++;
		if (length + strlen(user->client) + sizeof(", and 4294967295 more") > size)
			continue;
		length +=
		    (size_t)snprintf(names + length, size - length, "%s%s", shown++ == 0 ? "" : ", ", user->client);
	}
	if (shown < count)
		snprintf(names + length, size - length, " and %zu more", count - shown);
	return count;
}
