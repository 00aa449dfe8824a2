/* SPDX-License-Identifier: ISC */
/*
 * Duty: `client remove`: client files and roots go together. Runs as part of disklessctl, as root. Must never destroy a root that is in
 * use.
 */
#include "disklessctl.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client_files.h"
#include "log.h"
#include "manifest.h"
#include "report.h"
#include "root_make.h"

struct leaving {
	struct files files;
	bool withdrawn; /* its file is out of the way */
	bool failed;
};

/* A root whose client file is gone already: one that was kept, or that an earlier remove found in use. */
static bool
is_left_over(const char *name, char *why, size_t size)
{
	struct config *config = clients_load(PATH_CONFIG);
	const struct config_client *client = config == NULL ? NULL : client_in(config, name);
	struct client_manifest manifest;
	char unread[TEXT_SIZE];
	bool left = false;

	if (config == NULL)
		snprintf(why, size, "the configuration has errors");
	else if (client != NULL)
		snprintf(why, size, "it is configured in %s: take it out there, reload, and remove it again",
		    client->place.file);
	else if (client_manifest_read(name, &manifest, unread, sizeof(unread)) == -1)
		snprintf(why, size, "there is no such client");
	else
		left = true;
	config_free(config);
	return left;
}

/* Takes its file away. */
static bool
take_out(const char *name, struct leaving *l, char *why, size_t size)
{
	files_of(name, &l->files);
	if (access(l->files.client, F_OK) != 0)
		return is_left_over(name, why, size);
	l->withdrawn = rename(l->files.client, l->files.removed) == 0;
	if (!l->withdrawn)
		snprintf(why, size, "%s cannot be taken away", l->files.client);
	return l->withdrawn;
}

/* What is still beside its place when we are killed, the next command puts back while there is a root of that name. */
static void
settle(struct leaving *l, bool stays)
{
	if (!l->withdrawn)
		return;
	if (stays)
		rename(l->files.removed, l->files.client);
	else
		unlink(l->files.removed);
	directory_sync(PATH_CLIENTS_D);
}

static bool
finish(const char *name, bool purge, enum server server, char *why, size_t size)
{
	if (server == SERVER_REFUSED) {
		snprintf(why, size, "it stays: the server did not take the configuration without it");
		return false;
	}
	if (!wait_until_detached(name)) {
		snprintf(why, size, "it is no client any more, but its root is still mounted%s: run this again later",
		    server == SERVER_AWAY ? ", and the server that could unmount it does not run" : "");
		return false;
	}
	return !purge || root_destroy(name, why, size) == 0;
}

static int
remove_named(const struct names *names, bool purge, bool json)
{
	struct leaving *l = calloc(names->count, sizeof(*l));
	struct report report;
	char why[TEXT_SIZE];
	enum server server;

	if (l == NULL)
		fatalx("no memory for %zu clients", names->count);
	if (!clients_begin()) {
		free(l);
		return EXIT_FAILED;
	}
	report_begin(&report, "removed", json);
	for (size_t i = 0; i < names->count; i++) {
		l[i].failed = !take_out(names->name[i], &l[i], why, sizeof(why));
		if (l[i].failed)
			report_failed(&report, names->name[i], why);
	}
	server = report.failed == names->count ? SERVER_AWAY : server_read_again();
	for (size_t i = 0; i < names->count; i++) {
		if (l[i].failed)
			continue;
		if (finish(names->name[i], purge, server, why, sizeof(why)))
			report_good(&report, names->name[i], NULL);
		else
			report_failed(&report, names->name[i], why);
		settle(&l[i], server == SERVER_REFUSED);
	}
	report.note = server == SERVER_AWAY ? server_away_note : NULL;
	free(l);
	return report_end(&report);
}

int
client_remove(int argc, char **argv, bool json)
{
	static const struct option options[] = { { "keep", no_argument, NULL, 'k' },
		{ "purge", no_argument, NULL, 'p' }, { "yes", no_argument, NULL, 'p' }, { 0 } };
	struct names names = { 0 };
	bool keep = false, purge = false;
	int c, status = EXIT_USAGE;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		keep = keep || c == 'k';
		purge = purge || c == 'p';
		if (c == '?')
			return usage_error(NULL);
	}
	if (clients_named(&names, argc - optind, argv + optind)) {
		if (keep == purge)
			usage_error("say --keep, to keep the root for a client that is added under that name later, or "
				    "--purge: all that the client wrote will be gone for good");
		else
			status = remove_named(&names, purge, json);
	}
	names_free(&names);
	return status;
}
