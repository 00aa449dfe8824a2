/* SPDX-License-Identifier: ISC */
/*
 * Duty: `client add` and `client prepare`: client files and roots come together. Runs as part of disklessctl, as root. Must never leave
 * half a client behind.
 */
#include "disklessctl.h"

#include <arpa/inet.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "client_files.h"
#include "log.h"
#include "manifest.h"
#include "output.h"
#include "report.h"
#include "root_make.h"

#define LINE_SIZE 512 /* of a list of boards */

/* ---- client add ---- */

struct wishes {
	const char *name, *serial, *mac, *address, *image, *quota, *network, *cmdline;
	const char *from; /* a list of boards */
};

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

/* The configuration as it is, with the new client in front of everybody's eyes: its errors are those of disklessd -n. */
static bool
write_candidate(const struct wishes *w, const struct files *f)
{
	FILE *file = file_create(f->candidate);

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
	return file_finish(file, f->candidate);
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
check_wishes(const struct wishes *wishes, const struct files *f)
{
	struct config *config = clients_load(PATH_CONFIG);
	struct wishes w = *wishes;
	bool good = config != NULL && choose_network(&w, config) && write_candidate(&w, f);

	config_free(config);
	config = good ? clients_load(f->candidate) : NULL;
	unlink(f->candidate);
	return config;
}

/* Is it part of what the server will read? */
static bool
is_included(const char *name)
{
	struct config *config = clients_load(PATH_CONFIG);
	bool found = config != NULL && client_in(config, name) != NULL;

	if (config != NULL && !found)
		log_errx(
		    "%s does not include the client files: add the line: include \"clients.d/*.conf\"", PATH_CONFIG);
	config_free(config);
	return found;
}

static int
make_root(const struct config *config, const struct config_client *client, char *why, size_t size)
{
	struct root_wish wish = { .client = client, .low_water = config->low_water };

	return root_make(&wish, why, size);
}

/* A root of that name without a client is one that was kept, or of an add that was killed: it is taken. */
static int
make_or_take_root(const struct config *config, const struct config_client *client, bool *taken, char *why, size_t size)
{
	struct client_manifest manifest;
	char unread[TEXT_SIZE];

	*taken = client_manifest_read(client->name, &manifest, unread, sizeof(unread)) == 0;
	if (!*taken)
		return make_root(config, client, why, size);
	if (client->image != NULL && strcmp(client->image->name, manifest.image) == 0)
		return 0;
	snprintf(why, size,
	    "there is a root of that name, of image %s; delete it: disklessctl client remove %s --purge",
	    manifest.image, client->name);
	return -1;
}

static void
undo_add(const char *name, const struct files *f, bool taken)
{
	char why[TEXT_SIZE];

	unlink(f->client);
	if (taken)
		return;
	if (root_attached(name))
		server_read_again();
	if (!wait_until_detached(name))
		log_errx("the root of client %s is in use and stays", name);
	else if (root_destroy(name, why, sizeof(why)) == -1)
		log_errx("%s", why);
}

static void
add(const struct wishes *w, struct report *r)
{
	struct files f = { 0 };
	char why[TEXT_SIZE] = "it was not added";
	struct config *config;
	enum server server = SERVER_REFUSED;
	bool taken = false;

	files_of(w->name, &f);
	config = check_wishes(w, &f);
	if (config != NULL && access(f.client, F_OK) == 0) {
		snprintf(why, sizeof(why), "%s exists, but %s does not include it", f.client, PATH_CONFIG);
	} else if (config != NULL &&
		   make_or_take_root(config, client_in(config, w->name), &taken, why, sizeof(why)) == 0) {
		snprintf(why, sizeof(why), "it was not added");
		if (client_file_write(client_in(config, w->name), &f) && is_included(w->name))
			server = server_read_again();
		if (server == SERVER_REFUSED)
			undo_add(w->name, &f, taken);
	}
	config_free(config);
	if (server == SERVER_REFUSED) {
		report_failed(r, w->name, why);
	} else {
		r->note = server == SERVER_AWAY ? server_away_note : NULL;
		report_good(r, w->name, taken ? "with the root that was there" : NULL);
	}
}

/* ---- several at once ---- */

/* Member index of a list of addresses, or as many behind the one that is given. */
static bool
address_at(const char *first, size_t index, size_t count, char *text, size_t size, char *why, size_t why_size)
{
	uint32_t address;

	if (strchr(first, ',') != NULL)
		return names_value(first, index, count, text, size, why, why_size) == 0;
	if (count == 1 || !address_parse(first, &address)) {
		snprintf(text, size, "%s", first); /* its errors are the configuration's */
		return true;
	}
	address_text(htonl(ntohl(address) + (uint32_t)index), text);
	return true;
}

/* One value of each option for client index of count. */
static bool
wishes_at(const struct wishes *all, const struct names *names, size_t index, struct wishes *w, char values[3][64],
    char *why, size_t size)
{
	*w = *all;
	w->name = names->name[index];
	if (all->mac != NULL && names_value(all->mac, index, names->count, values[0], 64, why, size) == -1)
		return false;
	if (all->serial != NULL && names_value(all->serial, index, names->count, values[1], 64, why, size) == -1)
		return false;
	if (all->address != NULL && !address_at(all->address, index, names->count, values[2], 64, why, size))
		return false;
	w->mac = all->mac == NULL ? NULL : values[0];
	w->serial = all->serial == NULL ? NULL : values[1];
	w->address = all->address == NULL ? NULL : values[2];
	return true;
}

static int
add_named(const struct wishes *all, const struct names *names, bool json)
{
	struct report report;
	char why[TEXT_SIZE], values[3][64];
	struct wishes w;

	for (size_t i = 0; i < names->count; i++)
		if (!wishes_at(all, names, i, &w, values, why, sizeof(why)))
			return usage_error("%s", why);
	if (!clients_begin())
		return EXIT_FAILED;
	report_begin(&report, "added", json);
	for (size_t i = 0; i < names->count; i++)
		if (wishes_at(all, names, i, &w, values, why, sizeof(why)))
			add(&w, &report);
	return report_end(&report);
}

/* ---- a list of boards ---- */

struct board {
	char name[NAME_SIZE], mac[64], address[64], serial[64];
};

struct boards {
	struct board *board;
	size_t count;
};

/* "NAME MAC ADDRESS [SERIAL]". 1: a board; 0: nothing; -1: wrong. */
static int
read_board(const char *line, struct board *b)
{
	char rest[2];
	int words;

	memset(b, 0, sizeof(*b));
	line += strspn(line, " \t\r\n");
	if (*line == '\0' || *line == '#')
		return 0;
	words = sscanf(line, "%63s %63s %63s %63s %1s", b->name, b->mac, b->address, b->serial, rest);
	return words == 3 || words == 4 ? 1 : -1;
}

static bool
read_boards(FILE *file, const char *from, struct boards *boards)
{
	char line[LINE_SIZE];

	for (unsigned number = 1; fgets(line, sizeof(line), file) != NULL; number++) {
		struct board b;
		int is = strlen(line) == sizeof(line) - 1 ? -1 : read_board(line, &b);

		if (is == -1 || (is == 1 && (!config_name_valid(b.name) || boards->count == NAMES_MAX))) {
			log_errx("%s:%u: no board; a line is NAME MAC ADDRESS [SERIAL], - for an address that is "
				 "counted up from --address or a serial that is not known",
			    from, number);
			return false;
		}
		if (is == 0)
			continue;
		boards->board = reallocarray(boards->board, boards->count + 1, sizeof(*boards->board));
		if (boards->board == NULL)
			fatalx("no memory for %s", from);
		boards->board[boards->count++] = b;
	}
	if (!ferror(file) && boards->count > 0)
		return true;
	log_errx("%s: no boards in it", from);
	return false;
}

static bool
load_boards(const char *from, struct boards *boards)
{
	bool standard = strcmp(from, "-") == 0, good;
	FILE *file = standard ? stdin : fopen(from, "re");

	if (file == NULL) {
		log_err("%s", from);
		return false;
	}
	good = read_boards(file, from, boards);
	if (!standard)
		fclose(file);
	return good;
}

static int
add_boards(const struct wishes *all, const struct boards *boards, bool json)
{
	struct report report;
	size_t counted = 0;

	if (!clients_begin())
		return EXIT_FAILED;
	report_begin(&report, "added", json);
	for (size_t i = 0; i < boards->count; i++) {
		const struct board *b = &boards->board[i];
		char address[64], why[TEXT_SIZE];
		struct wishes w = *all;

		w.name = b->name;
		w.mac = b->mac;
		w.address = b->address;
		if (b->serial[0] != '\0' && strcmp(b->serial, "-") != 0)
			w.serial = b->serial;
		if (strcmp(b->address, "-") == 0 && all->address != NULL) {
			address_at(all->address, counted++, NAMES_MAX, address, sizeof(address), why, sizeof(why));
			w.address = address;
		}
		add(&w, &report);
	}
	return report_end(&report);
}

static int
add_from(const struct wishes *all, bool json)
{
	struct boards boards = { 0 };
	int status = EXIT_FAILED;

	if (all->mac != NULL || all->serial != NULL)
		return usage_error("--mac and --serial are in the list of --from");
	if (load_boards(all->from, &boards))
		status = add_boards(all, &boards, json);
	free(boards.board);
	return status;
}

static bool
parse_wishes(int argc, char **argv, struct wishes *w)
{
	static const struct option options[] = {
		{ "address", required_argument, NULL, 'a' },
		{ "cmdline", required_argument, NULL, 'c' },
		{ "from", required_argument, NULL, 'f' },
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
				    : c == 'f' ? &w->from
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
	return true;
}

int
client_add(int argc, char **argv, bool json)
{
	struct wishes w = { 0 };
	struct names names = { 0 };
	int status = EXIT_USAGE;

	if (!parse_wishes(argc, argv, &w))
		return EXIT_USAGE;
	if (w.from != NULL)
		return optind < argc ? usage_error("the names are in the list of --from") : add_from(&w, json);
	if (clients_named(&names, argc - optind, argv + optind))
		status = add_named(&w, &names, json);
	names_free(&names);
	return status;
}

/* ---- client prepare ---- */

static bool
is_named(const char *name, const struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->name[i], name) == 0)
			return true;
	return names->count == 0;
}

/* 1: made; 0: it had one, or needs none; -1: failed. */
static int
prepare_one(const struct config *config, const struct config_client *client)
{
	struct client_manifest manifest;
	char why[TEXT_SIZE];

	if (client->image == NULL || client_manifest_read(client->name, &manifest, why, sizeof(why)) == 0)
		return 0;
	if (make_root(config, client, why, sizeof(why)) == 0)
		return 1;
	log_errx("client %s: %s", client->name, why);
	return -1;
}

static int
prepare(const struct config *config, const struct names *names, bool json)
{
	struct output *o = output_new(stdout, json);
	unsigned made = 0, failed = 0;

	output_list(o, NULL);
	for (size_t i = 0; i < config->client_count; i++) {
		const struct config_client *client = &config->client[i];
		int result;

		if (!is_named(client->name, names))
			continue;
		result = prepare_one(config, client);
		made += result > 0;
		failed += result < 0;
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
		failed += server_read_again() == SERVER_REFUSED;
	return failed == 0 ? EXIT_OK : EXIT_FAILED;
}

static int
prepare_named(const struct names *names, bool json)
{
	struct config *config;
	int status = EXIT_OK;

	if (!clients_begin() || (config = clients_load(PATH_CONFIG)) == NULL)
		return EXIT_FAILED;
	for (size_t i = 0; i < names->count; i++) {
		if (client_in(config, names->name[i]) != NULL)
			continue;
		log_errx("there is no client \"%s\" in %s", names->name[i], PATH_CONFIG);
		status = EXIT_FAILED;
	}
	if (status == EXIT_OK)
		status = prepare(config, names, json);
	config_free(config);
	return status;
}

int
client_prepare(int argc, char **argv, bool json)
{
	struct names names = { 0 };
	int status = EXIT_USAGE;

	if (argc == 1 || clients_named(&names, argc - 1, argv + 1))
		status = prepare_named(&names, json);
	names_free(&names);
	return status;
}
