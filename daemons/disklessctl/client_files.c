/* SPDX-License-Identifier: ISC */
/*
 * Duty: client files and the server that reads them, for the commands that change clients (client_files.h). Runs as part of
 * disklessctl, as root. Holds a lock on the directory of client files.
 */
#include "client_files.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clients.h"
#include "disklessctl.h"
#include "log.h"
#include "manifest.h"
#include "request.h"

#define REMOVED         ".removed"
#define DETACH_TRIES    100
#define DETACH_EVERY_MS 100

const char server_away_note[] = "the server does not run; it will see this when it starts";

void
files_of(const char *name, struct files *f)
{
	snprintf(f->client, sizeof(f->client), "%s/%s.conf", PATH_CLIENTS_D, name);
	snprintf(f->candidate, sizeof(f->candidate), "%s/" BENEATH_DRAFT "client-%s.conf", PATH_CONFIG_DIRECTORY, name);
	snprintf(f->removed, sizeof(f->removed), "%s/.%s" REMOVED, PATH_CLIENTS_D, name);
}

/*
 * A client file that `client remove` had put aside when it was killed: there is a root still, so nothing was removed and it goes back;
 * there is none, so it goes. true: it is back, which the server has to hear.
 */
static bool
settle_removed(const char *removed)
{
	char name[NAME_SIZE], from[CLIENT_FILE_SIZE], root[sizeof(PATH_CLIENTS) + NAME_SIZE];
	size_t length = strlen(removed) - strlen(REMOVED);
	struct files f = { 0 };

	if (length < 2 || length > NAME_SIZE)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)length - 1, removed + 1);
	if (!config_name_valid(name))
		return false;
	files_of(name, &f);
	snprintf(from, sizeof(from), "%s", f.removed);
	snprintf(root, sizeof(root), "%s/%s", PATH_CLIENTS, name);
	if (access(root, F_OK) == 0 && access(f.client, F_OK) == -1)
		return rename(from, f.client) == 0;
	unlink(from);
	return false;
}

static bool
settle_all_removed(int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool back = false;

	if (entries == NULL)
		return false;
	while ((entry = readdir(entries)) != NULL) {
		size_t length = strlen(entry->d_name);

		if (entry->d_name[0] == '.' && length > strlen(REMOVED) &&
		    strcmp(entry->d_name + length - strlen(REMOVED), REMOVED) == 0)
			back = settle_removed(entry->d_name) || back;
	}
	closedir(entries);
	return back;
}

static void
remove_candidates(void)
{
	int directory = open(PATH_CONFIG_DIRECTORY, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (directory == -1)
		return;
	(void)beneath_remove_drafts(directory); /* one that stays does no harm */
	close(directory);
}

bool
clients_begin(void)
{
	char why[TEXT_SIZE];
	int fd, roots;

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
	roots = clients_lock(true, why, sizeof(why)); /* removes what was left over there */
	if (roots == -1) {
		log_errx("%s", why);
		return false;
	}
	close(roots);
	remove_candidates();
	if (settle_all_removed(fd)) {
		directory_sync(PATH_CLIENTS_D);
		server_read_again();
	}
	return true;
}

const struct config_client *
client_in(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->client_count; i++)
		if (strcmp(config->client[i].name, name) == 0)
			return &config->client[i];
	return NULL;
}

struct config *
clients_load(const char *path)
{
	char errors[8192];
	struct config *config = config_load(path, &config_resolver_system, errors, sizeof(errors));

	if (config == NULL)
		fputs(errors, stderr);
	return config;
}

bool
clients_named(struct names *names, int count, char **argv)
{
	char why[TEXT_SIZE];

	if (count == 0) {
		usage_error("a client's name is missing");
		return false;
	}
	for (int i = 0; i < count; i++)
		if (names_add(names, argv[i], why, sizeof(why)) == -1) {
			usage_error("%s", why);
			return false;
		}
	return true;
}

/* ---- files ---- */

bool
directory_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd != -1 && fsync(fd) == 0;

	if (fd != -1)
		close(fd);
	return good;
}

FILE *
file_create(const char *path)
{
	int fd;
	FILE *file;

	unlink(path); /* of one that was interrupted: we hold the lock */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	file = fd == -1 || fchmod(fd, 0644) == -1 ? NULL : fdopen(fd, "w");
	if (file == NULL) {
		log_err("%s", path);
		if (fd != -1)
			close(fd);
	}
	return file;
}

bool
file_finish(FILE *file, const char *path)
{
	bool good = fflush(file) == 0 && !ferror(file) && fsync(fileno(file)) == 0;

	if (!good)
		log_err("%s", path);
	fclose(file);
	return good;
}

bool
client_file_write(const struct config_client *client, const struct files *f)
{
	FILE *file = file_create(f->candidate);

	if (file == NULL)
		return false;
	config_print_client(client, file);
	if (!file_finish(file, f->candidate) || rename(f->candidate, f->client) == -1 ||
	    !directory_sync(PATH_CLIENTS_D)) {
		log_err("%s", f->client);
		unlink(f->candidate);
		return false;
	}
	return true;
}

/* ---- the server ---- */

enum server
server_read_again(void)
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

bool
root_attached(const char *name)
{
	struct client_manifest manifest;
	char why[TEXT_SIZE];

	return client_manifest_read(name, &manifest, why, sizeof(why)) == 0 && client_attached(&manifest);
}

bool
wait_until_detached(const char *name)
{
	struct timespec pause = { 0, DETACH_EVERY_MS * 1000000L };

	for (int i = 0; root_attached(name); i++) {
		if (i == DETACH_TRIES)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}
