/* SPDX-License-Identifier: ISC */
/*
 * Duty: `client add`, `client remove` and `client prepare`: client files and roots come and go together. Runs as part of disklessctl, as root.
 * Holds a lock on the directory of client files. Must never leave half a client behind, nor destroy a root that is in use.
 */
#include "disklessctl.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "attach.h"
#include "config.h"
#include "log.h"
#include "manifest.h"
#include "output.h"
#include "paths.h"
#include "request.h"
#include "root_make.h"

#define PATH_CONFIG_DIRECTORY DISKLESS_SYSCONFDIR "/diskless"
#define FILE_SIZE             (sizeof(PATH_CLIENTS_D) + NAME_SIZE + sizeof("/.client-.conf.removed"))
#define DETACH_TRIES          100
#define DETACH_EVERY_MS       100

struct files {
	char client[FILE_SIZE];    /* clients.d/NAME.conf */
	char candidate[FILE_SIZE]; /* beside diskless.conf, which does not include it */
	char removed[FILE_SIZE];
	char upper[sizeof(PATH_CLIENTS) + NAME_SIZE + sizeof("/upper.ext4")];
};

static void
name_files(const char *name, struct files *f)
{
	snprintf(f->client, sizeof(f->client), "%s/%s.conf", PATH_CLIENTS_D, name);
	snprintf(f->candidate, sizeof(f->candidate), "%s/.client-%s.conf", PATH_CONFIG_DIRECTORY, name);
	snprintf(f->removed, sizeof(f->removed), "%s/.%s.removed", PATH_CLIENTS_D, name);
	snprintf(f->upper, sizeof(f->upper), "%s/%s/upper.ext4", PATH_CLIENTS, name);
}

/* Only root, and one at a time. The lock ends with the process. */
static bool
begin(void)
{
	int fd;

	if (geteuid() != 0) {
		log_errx("only root may do that: client files and roots are root's");
		return false;
	}
	if (mkdir(PATH_CLIENTS_D, 0755) == -1 && errno != EEXIST) {
		log_err("%s", PATH_CLIENTS_D);
		return false;
	}
	fd = open(PATH_CLIENTS_D, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || flock(fd, LOCK_EX) == -1) {
		log_err("%s", PATH_CLIENTS_D);
		return false;
	}
	return true;
}

static bool
name_given(const char *name)
{
	if (config_name_valid(name))
		return true;
	usage_error(
	    "\"%s\" cannot be a client's name: at most %d letters, digits, '-' and '_', a letter or digit first", name,
	    NAME_SIZE - 1);
	return false;
}

static const struct config_client *
client_in(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->client_count; i++)
		if (strcmp(config->client[i].name, name) == 0)
			return &config->client[i];
	return NULL;
}

static struct config *
load(const char *path)
{
	char errors[8192];
	struct config *config = config_load(path, &config_resolver_system, errors, sizeof(errors));

	if (config == NULL)
		fputs(errors, stderr);
	return config;
}

/* ---- files ---- */

static bool
sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd != -1 && fsync(fd) == 0;

	if (fd != -1)
		close(fd);
	return good;
}

static FILE *
create(const char *path)
{
	int fd;
	FILE *file;

	unlink(path); /* of an add that was interrupted: we hold the lock */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	file = fd == -1 || fchmod(fd, 0644) == -1 ? NULL : fdopen(fd, "w");
	if (file == NULL) {
		log_err("%s", path);
		if (fd != -1)
			close(fd);
	}
	return file;
}

static bool
finish(FILE *file, const char *path)
{
	bool good = fflush(file) == 0 && !ferror(file) && fsync(fileno(file)) == 0;

	if (!good)
		log_err("%s", path);
	fclose(file);
	return good;
}

static void
print_quoted(FILE *file, const char *word, const char *value)
{
	if (value == NULL)
		return;
	fprintf(file, "%s \"", word);
	for (; *value != '\0'; value++)
		fprintf(file, "%s%c", *value == '"' || *value == '\\' ? "\\" : "", *value);
	fputs("\"\n", file);
}

/* ---- the server ---- */

enum server { SERVER_RELOADED, SERVER_AWAY, SERVER_REFUSED };

static enum server
reload(void)
{
	struct request r = { .verb = CTL_RELOAD };

	switch (request(&r)) {
	case REQUEST_OK:
		return SERVER_RELOADED;
	case REQUEST_NO_SERVER:
		return SERVER_AWAY;
	default:
		complain(r.text);
		return SERVER_REFUSED;
	}
}

/* The parent detaches a root that is configured no more as soon as nobody uses it. */
static bool
wait_until_detached(const struct files *f)
{
	struct timespec pause = { 0, DETACH_EVERY_MS * 1000000L };

	for (int i = 0; attach_in_use(f->upper); i++) {
		if (i == DETACH_TRIES)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static int
say_done(bool json, const char *key, const char *name, enum server server)
{
	struct output *o;

	if (json) {
		o = output_new(stdout, json);
		output_object(o, NULL);
		output_text(o, key, name);
		output_bool(o, "reloaded", server == SERVER_RELOADED);
		return output_end(o) ? EXIT_OK : EXIT_FAILED;
	}
	printf("client %s %s\n", name, key);
	if (server == SERVER_AWAY)
		printf("note: the server does not run; it will see this when it starts\n");
	return EXIT_OK;
}

/* ---- client add ---- */

struct wishes {
	const char *name, *serial, *mac, *address, *image, *quota, *network, *cmdline;
};

/* The configuration as it is, with the new client in front of everybody's eyes: its errors are those of disklessd -n. */
static bool
write_candidate(const struct wishes *w, const struct files *f)
{
	FILE *file = create(f->candidate);

	if (file == NULL)
		return false;
	fprintf(file, "include \"%s\"\n", PATH_CONFIG);
	fprintf(file, "client \"%s\" {\n", w->name);
	print_quoted(file, "serial", w->serial);
	print_quoted(file, "mac", w->mac);
	print_quoted(file, "network", w->network);
	print_quoted(file, "address", w->address);
	print_quoted(file, "image", w->image);
	print_quoted(file, "quota", w->quota);
	print_quoted(file, "cmdline", w->cmdline);
	fputs("}\n", file);
	return finish(file, f->candidate);
}

/* One network needs not be named. */
static bool
choose_network(struct wishes *w, const struct config *config)
{
	if (w->network == NULL && config->network_count == 1)
		w->network = config->network[0].name;
	if (w->network != NULL)
		return true;
	fputs("disklessctl: --network is missing; the networks are:", stderr);
	for (size_t i = 0; i < config->network_count; i++)
		fprintf(stderr, "%s %s", i == 0 ? "" : ",", config->network[i].name);
	putc('\n', stderr);
	return false;
}

/* The configuration with the new client in it, or NULL and everything that is wrong on stderr. */
static struct config *
check_wishes(struct wishes *w, const struct files *f)
{
	struct config *config = load(PATH_CONFIG);
	bool good = config != NULL && choose_network(w, config) && write_candidate(w, f);

	config_free(config);
	config = good ? load(f->candidate) : NULL;
	unlink(f->candidate);
	return config;
}

static bool
write_client(const struct config_client *client, const struct files *f)
{
	FILE *file = create(f->candidate);

	if (file == NULL)
		return false;
	config_print_client(client, file);
	if (!finish(file, f->candidate) || rename(f->candidate, f->client) == -1 || !sync_directory(PATH_CLIENTS_D)) {
		log_err("%s", f->client);
		unlink(f->candidate);
		return false;
	}
	return true;
}

/* Is it part of what the server will read? */
static bool
is_included(const char *name)
{
	struct config *config = load(PATH_CONFIG);
	bool found = config != NULL && client_in(config, name) != NULL;

	if (config != NULL && !found)
		log_errx(
		    "%s does not include the client files: add the line: include \"clients.d/*.conf\"", PATH_CONFIG);
	config_free(config);
	return found;
}

static void
undo_add(const char *name, const struct files *f)
{
	char why[TEXT_SIZE];

	unlink(f->client);
	if (attach_in_use(f->upper) && (reload() != SERVER_RELOADED || !wait_until_detached(f)))
		log_errx("the root of client %s is in use and stays", name);
	else if (root_destroy(name, why, sizeof(why)) == -1)
		log_errx("%s", why);
}

static int
add(struct wishes *w, bool json)
{
	struct files f = { 0 };
	char why[TEXT_SIZE];
	struct config *config;
	enum server server = SERVER_REFUSED;

	name_files(w->name, &f);
	config = check_wishes(w, &f);
	if (config == NULL)
		return EXIT_FAILED;
	if (access(f.client, F_OK) == 0) {
		log_errx("%s exists, but %s does not include it", f.client, PATH_CONFIG);
	} else if (root_make(client_in(config, w->name), why, sizeof(why)) == -1) {
		log_errx("%s", why);
	} else {
		if (write_client(client_in(config, w->name), &f) && is_included(w->name))
			server = reload();
		if (server == SERVER_REFUSED)
			undo_add(w->name, &f);
	}
	config_free(config);
	return server == SERVER_REFUSED ? EXIT_FAILED : say_done(json, "added", w->name, server);
}

static bool
parse_wishes(int argc, char **argv, struct wishes *w)
{
	static const struct option options[] = {
		{ "address", required_argument, NULL, 'a' },
		{ "cmdline", required_argument, NULL, 'c' },
		{ "image", required_argument, NULL, 'i' },
		{ "mac", required_argument, NULL, 'm' },
		{ "network", required_argument, NULL, 'n' },
		{ "quota", required_argument, NULL, 'q' },
		{ "serial", required_argument, NULL, 's' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		const char **wish = c == 'a'   ? &w->address
				    : c == 'c' ? &w->cmdline
				    : c == 'i' ? &w->image
				    : c == 'm' ? &w->mac
				    : c == 'n' ? &w->network
				    : c == 'q' ? &w->quota
				    : c == 's' ? &w->serial
					       : NULL;

		if (wish == NULL) {
			usage_error(NULL);
			return false;
		}
		*wish = optarg;
	}
	w->name = argv[optind];
	if (argc - optind != 1) {
		usage_error(argc == optind ? "a client's name is missing" : "one client at a time");
		return false;
	}
	return name_given(w->name);
}

int
client_add(int argc, char **argv, bool json)
{
	struct wishes w = { 0 };

	if (!parse_wishes(argc, argv, &w))
		return EXIT_USAGE;
	return begin() ? add(&w, json) : EXIT_FAILED;
}

/* ---- client remove ---- */

/* Takes its file away, and makes the server forget it. */
static enum server
withdraw(const char *name, const struct files *f)
{
	enum server server;

	if (rename(f->client, f->removed) == -1) {
		log_err("%s", f->client);
		return SERVER_REFUSED;
	}
	server = reload();
	if (server == SERVER_REFUSED)
		rename(f->removed, f->client);
	else
		unlink(f->removed);
	sync_directory(PATH_CLIENTS_D);
	return server;
}

/* A root whose client file is gone already: one that an earlier remove found in use. */
static bool
is_left_over(const char *name)
{
	struct config *config = load(PATH_CONFIG);
	bool configured = config != NULL && client_in(config, name) != NULL;
	struct client_manifest manifest;
	char why[TEXT_SIZE];

	if (configured)
		log_errx("client %s is configured in %s: take it out there, reload, and remove it again", name,
		    client_in(config, name)->place.file);
	else if (config != NULL && client_manifest_read(name, &manifest, why, sizeof(why)) == -1)
		log_errx("there is no client %s", name);
	else if (config != NULL) {
		config_free(config);
		return true;
	}
	config_free(config);
	return false;
}

static int
remove_client(const char *name, bool json)
{
	struct files f = { 0 };
	char why[TEXT_SIZE];
	enum server server;

	name_files(name, &f);
	if (access(f.client, F_OK) == 0)
		server = withdraw(name, &f);
	else
		server = is_left_over(name) ? reload() : SERVER_REFUSED;
	if (server == SERVER_REFUSED)
		return EXIT_FAILED;
	if (!wait_until_detached(&f)) {
		log_errx("client %s is no client any more, but its root is still mounted%s: run this again later", name,
		    server == SERVER_AWAY ? ", and the server that could unmount it does not run" : "");
		return EXIT_FAILED;
	}
	if (root_destroy(name, why, sizeof(why)) == -1) {
		log_errx("%s", why);
		return EXIT_FAILED;
	}
	return say_done(json, "removed", name, server);
}

int
client_remove(int argc, char **argv, bool json)
{
	static const struct option options[] = { { "yes", no_argument, NULL, 'y' }, { 0 } };
	bool yes = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'y')
			return usage_error(NULL);
		yes = true;
	}
	if (argc - optind != 1)
		return usage_error(argc == optind ? "a client's name is missing" : "one client at a time");
	if (!name_given(argv[optind]))
		return EXIT_USAGE;
	if (!yes)
		return usage_error("all that client %s wrote will be gone for good: say --yes", argv[optind]);
	return begin() ? remove_client(argv[optind], json) : EXIT_FAILED;
}

/* ---- client prepare ---- */

static bool
is_named(const char *name, int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return count == 0;
}

/* 1: made; 0: it had one, or needs none; -1: failed. */
static int
prepare_one(const struct config_client *client)
{
	struct client_manifest manifest;
	char why[TEXT_SIZE];

	if (client->image == NULL || client_manifest_read(client->name, &manifest, why, sizeof(why)) == 0)
		return 0;
	if (root_make(client, why, sizeof(why)) == 0)
		return 1;
	log_errx("client %s: %s", client->name, why);
	return -1;
}

static int
prepare(const struct config *config, int count, char **names, bool json)
{
	struct output *o = output_new(stdout, json);
	unsigned made = 0, failed = 0;

	output_list(o, NULL);
	for (size_t i = 0; i < config->client_count; i++) {
		const struct config_client *client = &config->client[i];
		int result = is_named(client->name, count, names) ? prepare_one(client) : 0;

		made += result > 0;
		failed += result < 0;
		if (!is_named(client->name, count, names))
			continue;
		output_row(o);
		output_text(o, "client", client->name);
		output_text(o, "root",
		    result > 0              ? "made"
		    : result < 0            ? "failed"
		    : client->image == NULL ? "local"
					    : "there");
	}
	failed += !output_end(o);
	if (made > 0)
		failed += reload() == SERVER_REFUSED;
	return failed == 0 ? EXIT_OK : EXIT_FAILED;
}

int
client_prepare(int argc, char **argv, bool json)
{
	struct config *config;
	int status = EXIT_OK;

	if (!begin() || (config = load(PATH_CONFIG)) == NULL)
		return EXIT_FAILED;
	for (int i = 1; i < argc; i++) {
		if (client_in(config, argv[i]) != NULL)
			continue;
		log_errx("there is no client \"%s\" in %s", argv[i], PATH_CONFIG);
		status = EXIT_FAILED;
	}
	if (status == EXIT_OK)
		status = prepare(config, argc - 1, argv + 1, json);
	config_free(config);
	return status;
}
