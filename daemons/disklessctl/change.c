/* SPDX-License-Identifier: ISC */
/*
 * Duty: `client reset | resize | snapshot | rollback | upgrade | prune`: what changes roots that are there. Runs as part of disklessctl, as
 * root. Holds each root while it works on it; must never leave one that is neither as it was nor as it should be.
 */
#include "disklessctl.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client_files.h"
#include "hold.h"
#include "log.h"
#include "manifest.h"
#include "report.h"
#include "root_make.h"

/* What was asked for, and what it is about. */
struct change {
	const struct config *config;
	const char *image, *which; /* which: a snapshot or generation, or the name of a new one */
	uint32_t version;
	uint64_t quota; /* 0: as configured */
	bool purge;
	bool rewritten; /* a client file: the server has to see it */
};

/* One client of them: 0, or -1 and why. What is in force is not attached, but for prune. */
typedef int work(struct change *, struct root_wish *, char why[TEXT_SIZE]);

struct verb {
	work *work;
	const char *done;
	bool hold;
	const char *note;
};

static const char reboot_note[] = "a board that runs has lost the root that it had: start it again";

/* ---- client files ---- */

/* Writes the client's file anew as changed says; not if somebody else's file configures it. */
static int
rewrite(struct change *c, const struct config_client *client, const struct config_client *changed, const char *word,
    char why[TEXT_SIZE])
{
	struct files files = { 0 };

	files_of(client->name, &files);
	if (strcmp(client->place.file, files.client) != 0) {
		snprintf(why, TEXT_SIZE, "it is configured in %.120s: change %s there, and run this again without it",
		    client->place.file, word);
		return -1;
	}
	if (!client_file_write(changed, &files)) {
		snprintf(why, TEXT_SIZE, "its file cannot be written");
		return -1;
	}
	c->rewritten = true;
	return 0;
}

/* A client's file follows its root, where it can: else the server tells the difference. */
static void
follow_root(struct change *c, const struct config_client *client)
{
	struct config_client changed = *client;
	struct client_manifest manifest;
	char why[TEXT_SIZE];

	if (client_manifest_read(client->name, &manifest, why, sizeof(why)) == -1)
		return;
	changed.image = config_image_named(c->config, manifest.image);
	changed.quota = manifest.quota;
	if (changed.image != NULL && (changed.image != client->image || changed.quota != client->quota))
		(void)rewrite(c, client, &changed, "", why);
}

/* ---- the verbs ---- */

static int
reset(struct change *c, struct root_wish *wish, char why[TEXT_SIZE])
{
	return root_reset(wish, c->purge, why, TEXT_SIZE);
}

/* First the file and then the root: between the two the server serves the root as it is, and says that they differ. */
static int
change_both(struct change *c, struct root_wish *wish, const struct config_client *changed, const char *word,
    int (*change_root)(struct root_wish *, char *, size_t), char why[TEXT_SIZE])
{
	const struct config_client *client = wish->client;
	bool differ = changed->image != client->image || changed->quota != client->quota;
	char unwritten[TEXT_SIZE];
	int result;

	if (differ && rewrite(c, client, changed, word, why) == -1)
		return -1;
	wish->client = changed;
	result = change_root(wish, why, TEXT_SIZE);
	wish->client = client;
	if (result == -1 && differ)
		(void)rewrite(c, client, client, word, unwritten);
	return result;
}

static int
resize(struct change *c, struct root_wish *wish, char why[TEXT_SIZE])
{
	struct config_client changed = *wish->client;

	if (c->quota != 0)
		changed.quota = c->quota;
	return change_both(c, wish, &changed, "quota", root_resize, why);
}

static int
upgrade(struct change *c, struct root_wish *wish, char why[TEXT_SIZE])
{
	struct config_client changed = *wish->client;

	if (c->image != NULL)
		changed.image = config_image_named(c->config, c->image);
	if (changed.image == NULL) {
		snprintf(why, TEXT_SIZE,
		    "there is no image \"%.64s\" in the configuration; add a line: image \"%.64s\" { }",
		    c->image == NULL ? "" : c->image, c->image == NULL ? "" : c->image);
		return -1;
	}
	wish->version = c->version;
	return change_both(c, wish, &changed, "image", root_upgrade, why);
}

static int
snapshot(struct change *c, struct root_wish *wish, char why[TEXT_SIZE])
{
	snprintf(wish->note, sizeof(wish->note), "%.64s", c->which);
	return root_snapshot(wish, c->which, why, TEXT_SIZE);
}

static int
rollback(struct change *c, struct root_wish *wish, char why[TEXT_SIZE])
{
	if (root_rollback(wish, c->which, why, TEXT_SIZE) == -1)
		return -1;
	follow_root(c, wish->client);
	return 0;
}

static int
prune(struct change *c, struct root_wish *wish, char why[TEXT_SIZE])
{
	return root_prune(wish, c->which, why, TEXT_SIZE);
}

/* ---- all clients that are named ---- */

static void
work_on(struct change *c, const struct verb *v, struct hold *h, struct report *r)
{
	struct root_wish wish = { .client = client_in(c->config, h->name), .low_water = c->config->low_water };
	char why[TEXT_SIZE] = "";

	if (h->why[0] != '\0') {
		report_failed(r, h->name, h->why);
		return;
	}
	if (v->work(c, &wish, why) == 0)
		report_good(r, h->name, wish.note[0] == '\0' ? NULL : wish.note);
	else
		report_failed(r, h->name, why);
	hold_release(h);
}

static void
choose_holds(const struct change *c, const struct names *names, struct hold *holds)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct config_client *client = client_in(c->config, names->name[i]);

		holds[i] = (struct hold){ .name = names->name[i], .fd = -1 };
		if (client == NULL)
			snprintf(holds[i].why, TEXT_SIZE, "it is not in %s", PATH_CONFIG);
		else if (client->root != ROOT_NFS)
			snprintf(holds[i].why, TEXT_SIZE, "its root is on the board");
	}
}

static int
change_named(struct change *c, const struct verb *v, const struct names *names, bool json)
{
	struct hold *holds = calloc(names->count, sizeof(*holds));
	struct config *config;
	struct report report;

	if (holds == NULL)
		fatalx("no memory for %zu clients", names->count);
	if (!clients_begin() || (config = clients_load(PATH_CONFIG)) == NULL) {
		free(holds);
		return EXIT_FAILED;
	}
	c->config = config;
	report_begin(&report, v->done, json);
	choose_holds(c, names, holds);
	if (v->hold)
		holds_take(holds, names->count);
	for (size_t i = 0; i < names->count; i++)
		work_on(c, v, &holds[i], &report);
	if (c->rewritten && server_read_again() == SERVER_REFUSED)
		report.failed++;
	report.note = v->note;
	free(holds);
	config_free(config);
	return report_end(&report);
}

static int
change(struct change *c, const struct verb *v, int argc, char **argv, bool json)
{
	struct names names = { 0 };
	int status = EXIT_USAGE;

	if (clients_named(&names, argc - optind, argv + optind))
		status = change_named(c, v, &names, json);
	names_free(&names);
	return status;
}

/* ---- the commands ---- */

int
client_reset(int argc, char **argv, bool json)
{
	static const struct option options[] = { { "purge", no_argument, NULL, 'p' }, { 0 } };
	static const struct verb verb = { reset, "reset", true, reboot_note };
	struct change c = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'p')
			return usage_error(NULL);
		c.purge = true;
	}
	return change(&c, &verb, argc, argv, json);
}

int
client_resize(int argc, char **argv, bool json)
{
	static const struct option options[] = { { "quota", required_argument, NULL, 'q' }, { 0 } };
	static const struct verb verb = { resize, "resized", true, reboot_note };
	struct change c = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'q')
			return usage_error(NULL);
		if (!config_size_parse(optarg, &c.quota) || c.quota < CONFIG_QUOTA_MIN)
			return usage_error("%s is no quota; one is 8M or more: 8G", optarg);
	}
	return change(&c, &verb, argc, argv, json);
}

int
client_snapshot(int argc, char **argv, bool json)
{
	static const struct option options[] = { { "name", required_argument, NULL, 'n' }, { 0 } };
	static const struct verb verb = { snapshot, "snapshotted", true, NULL };
	struct change c = { 0 };
	time_t now = time(NULL);
	struct tm tm;
	char label[32];
	int option;

	strftime(label, sizeof(label), "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
	c.which = label;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'n')
			return usage_error(NULL);
		c.which = optarg;
	}
	return change(&c, &verb, argc, argv, json);
}

int
client_rollback(int argc, char **argv, bool json)
{
	static const struct option options[] = { { "to", required_argument, NULL, 't' }, { 0 } };
	static const struct verb verb = { rollback, "rolled back", true, reboot_note };
	struct change c = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 't')
			return usage_error(NULL);
		c.which = optarg;
	}
	return change(&c, &verb, argc, argv, json);
}

int
client_upgrade(int argc, char **argv, bool json)
{
	static const struct option options[] = { { "image", required_argument, NULL, 'i' },
		{ "version", required_argument, NULL, 'v' }, { 0 } };
	static const struct verb verb = { upgrade, "upgraded", true, reboot_note };
	struct change c = { 0 };
	char *end = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		unsigned long long number;

		if (option == 'i') {
			c.image = optarg;
			continue;
		}
		if (option != 'v')
			return usage_error(NULL);
		number = strtoull(optarg, &end, 10);
		if (optarg[0] < '1' || optarg[0] > '9' || *end != '\0' || number > UINT32_MAX)
			return usage_error("%s is no version; one is a number from 1", optarg);
		c.version = (uint32_t)number;
	}
	return change(&c, &verb, argc, argv, json);
}

int
client_prune(int argc, char **argv, bool json)
{
	static const struct option options[] = { { "only", required_argument, NULL, 'o' }, { 0 } };
	static const struct verb verb = { prune, "pruned", false, NULL };
	struct change c = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'o')
			return usage_error(NULL);
		c.which = optarg;
	}
	return change(&c, &verb, argc, argv, json);
}
