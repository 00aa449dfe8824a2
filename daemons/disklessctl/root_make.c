/* SPDX-License-Identifier: ISC */
/* The ways from one generation of a root to the next (root_make.h), each a few steps of root_store.h and root_build.c. Runs as root. */
#include "root_make.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "beneath.h"
#include "clients.h"
#include "image_verify.h"
#include "paths.h"
#include "root_store.h"

/* ---- what is wished ---- */

static int
wish_image(struct making *m)
{
	const struct config_client *client = m->wish->client;

	if (client->image == NULL)
		return making_failed(m, "it has no image");
	memset(m->next.image, 0, sizeof(m->next.image));
	snprintf(m->next.image, sizeof(m->next.image), "%s", client->image->name);
	m->next.version = m->wish->version != 0 ? m->wish->version : image_newest(client->image->name);
	if (m->next.version == 0)
		return making_failed(m, "image %s has no version; import one: disklessctl image import FILE --name %s",
		    client->image->name, client->image->name);
	return image_verify(m->next.image, m->next.version, false, m->why, m->size);
}

static int
wish_size(struct making *m)
{
	const struct config_client *client = m->wish->client;

	m->next.quota = client->quota;
	m->next.inodes = client->inodes;
	if (client->quota >= CONFIG_QUOTA_MIN)
		return 0;
	return making_failed(m,
	    "a quota of %" PRIu64 " bytes is too small for a filesystem; it should be %" PRIu64 "M or more",
	    client->quota, CONFIG_QUOTA_MIN >> 20);
}

/* ---- the ways ---- */

static int
publish_new(struct making *m, uint32_t drop)
{
	if (making_fsid(m) == -1 || making_describe(m) == -1)
		return -1;
	return making_publish(m, drop);
}

int
root_make(struct root_wish *wish, char *why, size_t size)
{
	struct making m = { .wish = wish, .why = why, .size = size };
	int result = making_begin(&m, wish->client->name, true);

	memcpy(m.next.name, m.now.name, sizeof(m.next.name));
	if (result == 0 &&
	    (wish_image(&m) == -1 || wish_size(&m) == -1 || making_directory(&m) == -1 || build_fresh(&m, false) == -1))
		result = -1;
	if (result == 0)
		result = publish_new(&m, 0);
	return making_end(&m, result);
}

int
root_reset(struct root_wish *wish, bool purge, char *why, size_t size)
{
	struct making m = { .wish = wish, .why = why, .size = size };
	int result = making_begin(&m, wish->client->name, false);

	if (result == 0 && (wish_size(&m) == -1 || making_directory(&m) == -1 || build_fresh(&m, false) == -1))
		result = -1;
	if (result == 0)
		result = publish_new(&m, purge ? m.now.generation : 0);
	return making_end(&m, result);
}

int
root_upgrade(struct root_wish *wish, char *why, size_t size)
{
	struct making m = { .wish = wish, .why = why, .size = size };
	int result = making_begin(&m, wish->client->name, false);

	if (result == 0)
		result = wish_image(&m);
	if (result == 0 && m.next.version == m.now.version && strcmp(m.next.image, m.now.image) == 0) {
		snprintf(wish->note, sizeof(wish->note), "it is on image %s version %" PRIu32 " already", m.now.image,
		    m.now.version);
		return making_end(&m, 0);
	}
	if (result == 0 && (wish_size(&m) == -1 || making_directory(&m) == -1 || build_fresh(&m, true) == -1))
		result = -1;
	if (result == 0)
		result = publish_new(&m, 0);
	return making_end(&m, result);
}

/* What is discarded at every boot need not be kept now. */
static int
resize(struct making *m)
{
	if (m->wish->client->persistence == PERSISTENCE_DISCARD)
		return wish_size(m) == -1 ? -1 : build_fresh(m, false);
	return build_copy(m, m->now.generation) == -1 ? -1 : build_resize(m, m->wish->client->quota);
}

int
root_resize(struct root_wish *wish, char *why, size_t size)
{
	struct making m = { .wish = wish, .why = why, .size = size };
	int result = making_begin(&m, wish->client->name, false);

	if (result == 0 && wish->client->quota == m.now.quota) {
		snprintf(wish->note, sizeof(wish->note), "it has that size already");
		return making_end(&m, 0);
	}
	if (result == 0 && making_directory(&m) == -1)
		result = -1;
	if (result == 0)
		result = resize(&m);
	if (result == 0)
		result = publish_new(&m, m.now.generation);
	return making_end(&m, result);
}

/* ---- snapshots ---- */

/* The kept generation of this label, or of this number; 0: there is none. */
static uint32_t
find_kept(const struct making *m, const char *what, bool *snapshot)
{
	uint32_t kept[GENERATIONS_MAX], found = 0;
	size_t count = client_kept(&m->now, kept);

	for (size_t i = 0; i < count; i++) {
		struct client_manifest g;
		char number[16], why[TEXT_SIZE];

		if (client_generation_read(m->now.name, kept[i], &g, why, sizeof(why)) == -1)
			continue;
		snprintf(number, sizeof(number), "%" PRIu32, kept[i]);
		if (strcmp(g.label, what) != 0 && strcmp(number, what) != 0)
			continue;
		found = kept[i];
		*snapshot = strcmp(g.label, "-") != 0;
		if (strcmp(g.label, what) == 0)
			return found; /* a label may look like a number */
	}
	return found;
}

static size_t
count_snapshots(const struct making *m)
{
	uint32_t kept[GENERATIONS_MAX];
	size_t count = client_kept(&m->now, kept), snapshots = 0;

	for (size_t i = 0; i < count; i++) {
		struct client_manifest g;
		char why[TEXT_SIZE];

		snapshots += client_generation_read(m->now.name, kept[i], &g, why, sizeof(why)) == 0 &&
			     strcmp(g.label, "-") != 0;
	}
	return snapshots;
}

static int
may_snapshot(struct making *m, const char *label)
{
	bool snapshot;

	if (strspn(label, "0123456789") == strlen(label) || !config_name_valid(label))
		return making_failed(m,
		    "\"%.80s\" cannot be a snapshot's name: letters, digits, '-' and '_', and not digits alone", label);
	if (find_kept(m, label, &snapshot) != 0)
		return making_failed(m,
		    "it has a snapshot %s already; remove it: disklessctl client prune %s --only %s", label,
		    m->now.name, label);
	if (count_snapshots(m) >= SNAPSHOTS_MAX)
		return making_failed(m,
		    "it has %d snapshots, and no more are kept; remove one: disklessctl client prune %s --only NAME",
		    SNAPSHOTS_MAX, m->now.name);
	return 0;
}

int
root_snapshot(struct root_wish *wish, const char *label, char *why, size_t size)
{
	struct making m = { .wish = wish, .why = why, .size = size };
	int result = making_begin(&m, wish->client->name, false);

	if (result == 0 &&
	    (may_snapshot(&m, label) == -1 || making_directory(&m) == -1 || build_copy(&m, m.now.generation) == -1))
		result = -1;
	if (result == 0) {
		memset(m.next.label, 0, sizeof(m.next.label));
		snprintf(m.next.label, sizeof(m.next.label), "%s", label);
		result = making_describe(&m) == -1 ? -1 : making_publish_beside(&m);
	}
	return making_end(&m, result);
}

/* ---- going back ---- */

/* The generation that to names; by default the one before, or else the latest without a label. */
static uint32_t
choose(struct making *m, const char *to, bool *snapshot)
{
	uint32_t kept[GENERATIONS_MAX], chosen = 0;
	size_t count = client_kept(&m->now, kept);

	if (to != NULL) {
		chosen = find_kept(m, to, snapshot);
		if (chosen == 0)
			making_failed(m, "it has no snapshot or earlier generation %.80s", to);
		return chosen;
	}
	*snapshot = false;
	for (size_t i = 0; i < count; i++) {
		char number[16];
		bool labelled = false;

		snprintf(number, sizeof(number), "%" PRIu32, kept[i]);
		if (kept[i] == m->now.previous && find_kept(m, number, &labelled) != 0 && !labelled)
			return kept[i];
		if (find_kept(m, number, &labelled) != 0 && !labelled)
			chosen = kept[i];
	}
	if (chosen == 0)
		making_failed(m, "it has no earlier generation to go back to");
	return chosen;
}

static int
read_generation(struct making *m, uint32_t generation)
{
	if (client_generation_read(m->now.name, generation, &m->next, m->why, m->size) == -1)
		return -1;
	return image_verify(m->next.image, m->next.version, false, m->why, m->size);
}

static int
go_back(struct making *m, uint32_t generation, bool snapshot)
{
	if (read_generation(m, generation) == -1)
		return -1;
	if (!snapshot)
		return making_fsid(m) == -1 ? -1 : making_publish(m, 0);
	if (making_directory(m) == -1 || build_copy(m, generation) == -1)
		return -1;
	return publish_new(m, 0);
}

int
root_rollback(struct root_wish *wish, const char *to, char *why, size_t size)
{
	struct making m = { .wish = wish, .why = why, .size = size };
	int result = making_begin(&m, wish->client->name, false);
	bool snapshot = false;
	uint32_t generation = result == 0 ? choose(&m, to, &snapshot) : 0;

	result = generation == 0 ? -1 : go_back(&m, generation, snapshot);
	if (result == 0)
		snprintf(wish->note, sizeof(wish->note), "generation %" PRIu32 ", image %s version %" PRIu32,
		    m.next.generation, m.next.image, m.next.version);
	return making_end(&m, result);
}

/* ---- removing ---- */

static int
prune(struct making *m, const char *which)
{
	uint32_t kept[GENERATIONS_MAX], chosen = 0;
	size_t count = client_kept(&m->now, kept), left = 0;
	bool snapshot;

	if (which != NULL && (chosen = find_kept(m, which, &snapshot)) == 0)
		return making_failed(m, "it has no snapshot or earlier generation %.80s", which);
	for (size_t i = 0; i < count; i++) {
		char number[16];
		bool labelled = false;

		snprintf(number, sizeof(number), "%" PRIu32, kept[i]);
		if (chosen != 0 ? kept[i] != chosen : (find_kept(m, number, &labelled) != 0 && labelled))
			kept[left++] = kept[i];
		else if (kept[i] == m->next.previous)
			m->next.previous = 0;
	}
	snprintf(m->wish->note, sizeof(m->wish->note), "%zu removed", count - left);
	if (left == count)
		return 0;
	client_keep(&m->next, kept, left);
	if (client_manifest_write(m->home, &m->next, m->why, m->size) == -1)
		return -1;
	return clients_tidy(m->clients, m->now.name, m->why, m->size);
}

int
root_prune(struct root_wish *wish, const char *which, char *why, size_t size)
{
	struct making m = { .wish = wish, .why = why, .size = size };
	int result = making_open(&m, wish->client->name);

	if (result == 0)
		result = prune(&m, which);
	return making_end(&m, result);
}

static int
destroy(int clients, const char *name, char *why, size_t size)
{
	struct client_manifest manifest;
	char hidden[NAME_SIZE + 8];

	if (client_manifest_read(name, &manifest, why, size) == 0 && client_attached(&manifest)) {
		snprintf(why, size,
		    "the root of client %s is attached; take it out of the configuration first: disklessctl client "
		    "remove %s",
		    name, name);
		return -1;
	}
	snprintf(hidden, sizeof(hidden), ".%s.gone", name);
	if (renameat2(clients, name, clients, hidden, RENAME_NOREPLACE) == -1) {
		if (errno == ENOENT)
			return 0;
	} else if (fsync(clients) == 0 && beneath_remove_tree(clients, hidden) == 0) {
		return 0;
	}
	snprintf(why, size, "%s/%s: %s", PATH_CLIENTS, name, strerror(errno));
	return -1;
}

int
root_destroy(const char *name, char *why, size_t size)
{
	int clients, result;

	if (!config_name_valid(name)) {
		snprintf(why, size, "no client has such a name");
		return -1;
	}
	clients = clients_lock(true, why, size);
	if (clients == -1)
		return -1;
	result = destroy(clients, name, why, size);
	close(clients);
	return result;
}
