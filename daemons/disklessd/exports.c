/* SPDX-License-Identifier: ISC */
/*
 * The exports file: generated whole from what is attached, written beside and renamed, made effective by `exportfs -r`, and
 * then read back from etab. Each change flushes the kernel's caches, so changes wait for each other (EXPORTS_DEBOUNCE_MS).
 * It also watches whether the kernel's nfsd runs: without it the file is written and the rest waits.
 */
#include "disklessd.h"

#include <arpa/inet.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "address.h"
#include "beneath.h"
#include "log.h"
#include "paths.h"
#include "process.h"

#define NFSD_THREADS "/proc/fs/nfsd/threads"
#define ETAB_MAX     ((size_t)16 << 20)
#define RETRY_MS     10000
static const struct timeval nfsd_interval = { 2, 0 };
static const char options[] = "rw,sync,no_subtree_check,no_root_squash,secure,sec=sys,mp";

static struct event *debounce;
static struct event *nfsd_poll;
static bool busy;      /* exportfs runs */
static bool again;     /* something changed meanwhile */
static bool urgent;    /* no waiting for others */
static bool unguarded; /* they wait for the guard */
static char *wanted;   /* the lines that exportfs was run for */
static int wanted_lines;

static void on_debounce(evutil_socket_t, short, void *);

/* ---- the text ---- */

int
exports_line(char *line, size_t size, const char *name, uint32_t address, uint32_t fsid)
{
	char text[ADDRESS_TEXT];

	return snprintf(
	    line, size, "%s/%s %s(%s,fsid=%u)\n", PATH_ROOTS, name, address_text(address, text), options, fsid);
}

/* The wanted "PATH ADDRESS(OPTIONS)\n" that is this line of etab, "PATH\tADDRESS(OPTIONS)"; NULL: there is none. */
static const char *
line_wanted(const char *wanted_text, const char *path, size_t path_length, const char *client, size_t client_length)
{
	for (const char *line = wanted_text; *line != '\0'; line = strchr(line, '\n') + 1) {
		const char *space = strchr(line, ' ');

		if ((size_t)(space - line) == path_length && strncmp(line, path, path_length) == 0 &&
		    strncmp(space + 1, client, client_length) == 0 && space[1 + client_length] == '(')
			return line;
	}
	return NULL;
}

bool
exports_option(const char *list, size_t length, const char *option)
{
	size_t option_length = strlen(option);

	for (size_t at = 0; at + option_length <= length; at++)
		if ((at == 0 || list[at - 1] == ',') && strncmp(list + at, option, option_length) == 0 &&
		    (at + option_length == length || list[at + option_length] == ',' ||
			list[at + option_length] == ')'))
			return true;
	return false;
}

/* Options that make a wall weaker; etab spells every option out. */
static const char *const forbidden[] = { "insecure", "crossmnt", "nohide", "subtree_check", "async" };

/* Is the number of the filesystem the one that the wanted line has? */
static bool
fsid_right(const char *list, size_t length, const char *wanted_line)
{
	const char *fsid = strstr(wanted_line, "fsid=");
	char option[32];

	if (fsid == NULL)
		return false;
	snprintf(option, sizeof(option), "%.*s", (int)strcspn(fsid, ",)"), fsid);
	return exports_option(list, length, option);
}

static bool
options_right(const char *list, size_t length, const char *wanted_line, const char **wrong)
{
	static const char *const needed[] = { "rw", "sync", "no_subtree_check", "no_root_squash", "secure",
		"mountpoint", "sec=sys" };

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++)
		if (exports_option(list, length, *wrong = forbidden[i]))
			return false;
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!exports_option(list, length, *wrong = needed[i]))
			return false;
	*wrong = "fsid";
	return fsid_right(list, length, wanted_line);
}

enum export_is
exports_judge(const char *line, size_t length, const char *wanted_text, char *why, size_t size)
{
	static const char prefix[] = PATH_ROOTS;
	const char *tab = memchr(line, '\t', length), *open, *close, *wrong, *wanted_line = NULL;

	if (length < sizeof(prefix) - 1 || memcmp(line, prefix, sizeof(prefix) - 1) != 0 ||
	    (line[sizeof(prefix) - 1] != '/' && line[sizeof(prefix) - 1] != '\t'))
		return EXPORT_FOREIGN;
	open = tab == NULL ? NULL : memchr(tab, '(', length - (size_t)(tab - line));
	close = open == NULL ? NULL : memchr(open, ')', length - (size_t)(open - line));
	if (close != NULL)
		wanted_line = line_wanted(wanted_text, line, (size_t)(tab - line), tab + 1, (size_t)(open - tab - 1));
	if (wanted_line == NULL) {
		snprintf(why, size, "etab exports what the configuration does not: %.*s",
		    (int)(length > 150 ? 150 : length), line);
		return EXPORT_UNWANTED;
	}
	if (!options_right(open + 1, (size_t)(close - open - 1), wanted_line, &wrong)) {
		snprintf(why, size, "etab has %.*s with a wrong option (%s)", (int)(tab - line), line, wrong);
		return EXPORT_WRONG;
	}
	return EXPORT_RIGHT;
}

static int
count_lines(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

bool
exports_verify(const char *etab, const char *wanted_text, char *why, size_t size)
{
	int found = 0;

	for (const char *line = etab; *line != '\0';) {
		size_t length = strcspn(line, "\n");
		enum export_is is = exports_judge(line, length, wanted_text, why, size);

		if (is == EXPORT_UNWANTED || is == EXPORT_WRONG)
			return false;
		found += is == EXPORT_RIGHT;
		line += length + (line[length] == '\n');
	}
	if (found != count_lines(wanted_text)) {
		snprintf(why, size,
		    "etab holds %d of %d exports: is a path not mounted, or does another exports file name it?", found,
		    count_lines(wanted_text));
		return false;
	}
	return true;
}

/* ---- the file ---- */

static int
write_file(const char *text)
{
	static const char head[] = "# Made by disklessd from its configuration. A change here is lost.\n";
	char path[] = PATH_EXPORTS, *directory = dirname(path);
	size_t length = sizeof(head) - 1 + strlen(text);
	char *whole = malloc(length + 1);
	int root, result = -1;

	if (whole == NULL)
		return -1;
	if (mkdir(directory, 0755) == -1 && errno != EEXIST)
		goto out;
	snprintf(whole, length + 1, "%s%s", head, text);
	root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root == -1)
		goto out;
	/* Beside (a name that begins with a dot, which exportfs does not read), fsync, rename. */
	result = beneath_write(root, strrchr(PATH_EXPORTS, '/') + 1, whole, length, 0644);
	close(root);
out:
	free(whole);
	return result;
}

static void
trouble(struct server *server, const char *text)
{
	if (strcmp(server->trouble, text) != 0 && text[0] != '\0')
		log_errx("%s", text);
	snprintf(server->trouble, sizeof(server->trouble), "%s", text);
	children_tell_server(server);
}

static void
try_again(uint64_t ms)
{
	struct timeval wait = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };

	evtimer_add(debounce, &wait);
}

char *
exports_etab(void)
{
	char path[] = PATH_ETAB, *etab = NULL;
	int root = open(dirname(path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t length;

	if (root != -1 && beneath_slurp(root, strrchr(PATH_ETAB, '/') + 1, ETAB_MAX, &etab, &length) == -1)
		etab = NULL;
	if (root != -1)
		close(root);
	return etab;
}

static bool
verify(char *why, size_t size)
{
	char *etab = exports_etab();
	bool right;

	if (etab == NULL) {
		snprintf(why, size, "%s: %s", PATH_ETAB, strerror(errno));
		return false;
	}
	right = exports_verify(etab, wanted, why, size);
	free(etab);
	return right;
}

/*
 * etab says what is in force. exportfs also fails over other people's exports (a file that is not there, a line of theirs), which
 * is worth a word to the operator and no reason to keep boards waiting.
 */
static void
on_exportfs(int status, const char *output, void *argument)
{
	struct server *server = argument;
	char why[TEXT_SIZE] = "", fate[128], visible[TEXT_SIZE];
	bool right = verify(why, sizeof(why));

	busy = false;
	if (status != 0)
		snprintf(why, sizeof(why), "exportfs -r %s: %s", process_fate(status, fate, sizeof(fate)),
		    log_visible(visible, sizeof(visible), output, strcspn(output, "\n")));
	if (right && server->exports != (uint32_t)wanted_lines)
		log_info("%d exports are in force", wanted_lines);
	if (right)
		server->exports = (uint32_t)wanted_lines;
	roots_exported(server, right);
	audit_soon();
	trouble(server, why);
	if (again || !right)
		try_again(right ? EXPORTS_DEBOUNCE_MS : RETRY_MS);
	again = false;
}

static void
make_effective(struct server *server)
{
	static const char *const command[] = { PATH_EXPORTFS, "-r", NULL };
	char why[TEXT_SIZE];

	free(wanted);
	wanted_lines = roots_exports(server, &wanted);
	if (wanted_lines == -1 || write_file(wanted) == -1) {
		snprintf(why, sizeof(why), "%s: %s", PATH_EXPORTS, strerror(errno));
		trouble(server, why);
		try_again(RETRY_MS);
		return;
	}
	/* Without nfsd etab is still kept right: whoever starts nfsd finds it, and withdrawn roots can be detached. */
	if (tool_run(server->base, command, NULL, on_exportfs, server) == -1) {
		snprintf(why, sizeof(why), "%s: %s", PATH_EXPORTFS, strerror(errno));
		trouble(server, why);
		try_again(RETRY_MS);
		return;
	}
	busy = true;
}

static void
on_debounce(evutil_socket_t fd, short what, void *argument)
{
	urgent = false;
	if (busy)
		again = true;
	else if (guard_pending(argument))
		unguarded = true;
	else
		make_effective(argument);
}

void
exports_request(struct server *server)
{
	if (!urgent)
		try_again(EXPORTS_DEBOUNCE_MS);
}

void
exports_request_now(struct server *server)
{
	urgent = true;
	try_again(0);
}

const char *
exports_wanted(void)
{
	return busy ? NULL : wanted;
}

void
exports_guarded(void)
{
	if (unguarded)
		try_again(0);
	unguarded = false;
}

/* ---- is there an nfsd? ---- */

/* before: what holds while it cannot be told. */
static bool
nfsd_runs(bool before)
{
	char text[16] = "";
	int fd = open(NFSD_THREADS, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);
	bool unknown = length == -1 && errno != ENOENT;

	if (fd != -1)
		close(fd);
	return unknown ? before : length > 0 && atoi(text) > 0;
}

static void
on_nfsd_poll(evutil_socket_t fd, short what, void *argument)
{
	struct server *server = argument;
	bool runs = nfsd_runs(server->nfsd);

	roots_look_for_mounts(server);
	if (runs == server->nfsd)
		return;
	server->nfsd = runs;
	log_warnx(runs ? "nfsd runs: roots are exported"
		       : "nfsd stopped: boards cannot mount their roots until it runs again");
	if (runs)
		exports_request(server);
	audit_soon();
	children_tell_server(server);
}

/* Drafts of one of us that was ended while it wrote. */
static void
remove_drafts(void)
{
	char path[] = PATH_EXPORTS;
	int directory = open(dirname(path), O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (directory == -1)
		return;
	(void)beneath_remove_drafts(directory);
	close(directory);
}

void
exports_init(struct server *server)
{
	remove_drafts();
	debounce = evtimer_new(server->base, on_debounce, server);
	nfsd_poll = event_new(server->base, -1, EV_PERSIST, on_nfsd_poll, server);
	if (debounce == NULL || nfsd_poll == NULL || event_add(nfsd_poll, &nfsd_interval) == -1)
		fatalx("no memory for the exports");
	server->nfsd = nfsd_runs(false);
	if (!server->nfsd)
		log_warnx("nfsd does not run: DHCP and TFTP are served, roots are exported as soon as it runs");
}
