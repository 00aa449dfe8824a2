/* SPDX-License-Identifier: ISC */
/* A client's personal files (personal.h). Runs as root on a tree whose owner may have planted anything in place of any of them. */
#include "personal.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapt.h"
#include "program.h"

#define SSH_KEYGEN     "/usr/bin/ssh-keygen"
#define SSH_DIRECTORY  "/etc/ssh"
#define KEY_PREFIX     "ssh_host_"
#define KEYS_MAX       64 /* that are looked at: a client can make as many as it likes */
#define TEXT_MAX       ((size_t)1 << 20)
#define MACHINE_ID     "/etc/machine-id"
#define MACHINE_ID_HEX 32

static const char *const key_types[] = { "ed25519", "ecdsa" }; /* made in milliseconds; rsa takes seconds */

static int
fail(char *why, size_t size, const char *path)
{
	snprintf(why, size, "%s in the root: %s", path, strerror(errno));
	return -1;
}

/* A file in its place, whatever is there; in one of a directory too. */
static int
put(int root, const char *path, const void *bytes, size_t length, mode_t mode)
{
	if (beneath_put(root, path, bytes, length, mode) == 0)
		return 0;
	if ((errno != EISDIR && errno != ENOTEMPTY && errno != EEXIST) || beneath_remove_tree(root, path) == -1)
		return -1;
	return beneath_put(root, path, bytes, length, mode);
}

/* ---- SSH host keys ---- */

/* The host keys below SSH_DIRECTORY; visit() gets the path of each. -1 with errno. */
static int
each_key(int root, int (*visit)(const char *path, void *), void *argument)
{
	int fd = beneath_directory(root, SSH_DIRECTORY), list, result = 0, seen = 0;
	struct dirent *entry;
	DIR *entries;

	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -1;
	list = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(fd);
	entries = list == -1 ? NULL : fdopendir(list);
	if (entries == NULL)
		return -1;
	while (result == 0 && seen < KEYS_MAX && (entry = readdir(entries)) != NULL) {
		char path[sizeof(SSH_DIRECTORY) + sizeof(entry->d_name)];

		if (strncmp(entry->d_name, KEY_PREFIX, strlen(KEY_PREFIX)) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", SSH_DIRECTORY, entry->d_name);
		result = visit(path, argument);
		seen++;
	}
	closedir(entries);
	return result;
}

struct trees {
	int root, old;
	struct carried *carried;
};

static int
remove_key(const char *path, void *trees)
{
	return beneath_remove_tree(((struct trees *)trees)->root, path);
}

static int
carry_key(const char *path, void *argument)
{
	struct trees *t = argument;

	return beneath_carry(t->root, t->old, path, t->carried);
}

static int
found(const char *path, void *unused)
{
	return 1;
}

static int
install_key(int root, const char *type, const char *work, const char *end, mode_t mode)
{
	char path[64], file[PATH_SIZE + 32], *text;
	size_t length;
	int directory = open(work, O_PATH | O_DIRECTORY | O_CLOEXEC), result;

	snprintf(file, sizeof(file), "key_%s%s", type, end);
	result = directory == -1 ? -1 : beneath_slurp(directory, file, TEXT_MAX, &text, &length);
	if (directory != -1)
		close(directory);
	if (result == -1)
		return -1;
	snprintf(path, sizeof(path), SSH_DIRECTORY "/" KEY_PREFIX "%s_key%s", type, end);
	result = put(root, path, text, length, mode);
	explicit_bzero(text, length);
	free(text);
	return result;
}

static int
make_key(int root, const char *name, const char *type, const char *work, char *why, size_t size)
{
	char file[PATH_SIZE + 32], comment[NAME_SIZE + 8], output[PROGRAM_OUTPUT];
	const char *const argv[] = { SSH_KEYGEN, "-q", "-t", type, "-N", "", "-C", comment, "-f", file, NULL };
	struct program program = { .argv = argv };

	snprintf(file, sizeof(file), "%.200s/key_%s", work, type);
	snprintf(comment, sizeof(comment), "root@%s", name);
	if (program_run(&program, output, why, size) == -1)
		return -1;
	if (install_key(root, type, work, "", 0600) == -1 || install_key(root, type, work, ".pub", 0644) == -1)
		return fail(why, size, SSH_DIRECTORY);
	return 0;
}

static int
make_keys(int root, const char *name, const char *work, char *why, size_t size)
{
	int ssh = beneath_directory(root, SSH_DIRECTORY), there;

	if (ssh == -1)
		return 0; /* no SSH server */
	close(ssh);
	there = each_key(root, found, NULL);
	if (there == -1)
		return fail(why, size, SSH_DIRECTORY);
	if (there == 1 || access(SSH_KEYGEN, X_OK) == -1)
		return 0;
	for (size_t i = 0; i < sizeof(key_types) / sizeof(*key_types); i++)
		if (make_key(root, name, key_types[i], work, why, size) == -1)
			return -1;
	return 0;
}

/* ---- the machine-id ---- */

static bool
has_machine_id(int root)
{
	char *text;
	size_t length;
	bool has;

	if (beneath_slurp(root, MACHINE_ID, 64, &text, &length) == -1)
		return false;
	has = length == MACHINE_ID_HEX + 1 && strspn(text, "0123456789abcdef") == MACHINE_ID_HEX;
	free(text);
	return has;
}

/* machine-id(5): 128 random bits, as of a version 4 UUID. */
static int
make_machine_id(int root)
{
	uint8_t bytes[MACHINE_ID_HEX / 2];
	char text[MACHINE_ID_HEX + 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -1;
	bytes[6] = (bytes[6] & 0x0f) | 0x40;
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	text[MACHINE_ID_HEX] = '\n';
	return put(root, MACHINE_ID, text, MACHINE_ID_HEX + 1, 0444);
}

/* D-Bus has its own, or a link to that one: machine-id(5). */
static int
link_dbus(int root)
{
	int dbus = beneath_directory(root, "/var/lib/dbus");

	if (dbus == -1)
		return 0;
	close(dbus);
	if (beneath_remove_tree(root, "/var/lib/dbus/machine-id") == -1)
		return -1;
	return beneath_symlink(root, MACHINE_ID, "/var/lib/dbus/machine-id");
}

/* ---- names ---- */

static int
write_names(int root, const char *name, char *why, size_t size)
{
	char hostname[NAME_SIZE + 1], *text = NULL, *hosts;
	int length = snprintf(hostname, sizeof(hostname), "%s\n", name), result;
	size_t have;

	if (put(root, "/etc/hostname", hostname, (size_t)length, 0644) == -1)
		return fail(why, size, "/etc/hostname");
	if (beneath_slurp(root, "/etc/hosts", TEXT_MAX, &text, &have) == -1)
		text = NULL; /* none, or nothing that could be one */
	hosts = adapt_hosts(text == NULL ? "127.0.0.1\tlocalhost\n" : text, name);
	free(text);
	result = hosts == NULL ? -1 : put(root, "/etc/hosts", hosts, strlen(hosts), 0644);
	free(hosts);
	return result == -1 ? fail(why, size, "/etc/hosts") : 0;
}

/* ---- all ---- */

int
personal_begin(int root, char *why, size_t size)
{
	struct trees trees = { .root = root };

	if (each_key(root, remove_key, &trees) == -1)
		return fail(why, size, SSH_DIRECTORY);
	return beneath_remove_tree(root, MACHINE_ID) == -1 ? fail(why, size, MACHINE_ID) : 0;
}

int
personal_carry(int root, int old, struct carried *carried)
{
	struct trees trees = { root, old, carried };

	if (each_key(old, carry_key, &trees) == -1 || beneath_carry(root, old, MACHINE_ID, carried) == -1)
		return -1;
	return beneath_carry(root, old, "/home", carried);
}

int
personal_finish(int root, const struct config_client *client, const char *work, char *why, size_t size)
{
	if (write_names(root, client->name, why, size) == -1)
		return -1;
	if (!has_machine_id(root) && make_machine_id(root) == -1)
		return fail(why, size, MACHINE_ID);
	if (link_dbus(root) == -1)
		return fail(why, size, "/var/lib/dbus/machine-id");
	return make_keys(root, client->name, work, why, size);
}
