/* SPDX-License-Identifier: ISC */
/*
 * What the commands that change clients share: their files, one at a time on a machine; the clients that were named; and the server
 * that has to see what was done. As root. Errors are said on standard error.
 */
#ifndef DISKLESS_CLIENT_FILES_H
#define DISKLESS_CLIENT_FILES_H

#include <stdbool.h>
#include <stdio.h>

#include "beneath.h"
#include "config.h"
#include "names.h"
#include "paths.h"

#define PATH_CONFIG_DIRECTORY DISKLESS_SYSCONFDIR "/diskless"
#define CLIENT_FILE_SIZE      (sizeof(PATH_CLIENTS_D) + NAME_SIZE + sizeof("/" BENEATH_DRAFT "client-.conf.removed"))

struct files {
	char client[CLIENT_FILE_SIZE];    /* clients.d/NAME.conf */
	char candidate[CLIENT_FILE_SIZE]; /* a draft beside diskless.conf, which does not include it */
	char removed[CLIENT_FILE_SIZE];
};
void files_of(const char *name, struct files *);

/* Only root, and one at a time. The lock ends with the process. */
bool clients_begin(void);

struct config *clients_load(const char *path);
const struct config_client *client_in(const struct config *, const char *name);

/* The names of argv[0..count-1], ranges among them. false: none, or a wrong one; usage was said. */
bool clients_named(struct names *, int count, char **argv);

FILE *file_create(const char *path);
/* Closes it. false: it is not on the disk. */
bool file_finish(FILE *, const char *path);
bool directory_sync(const char *path);
/* Writes clients.d/NAME.conf, beside and renamed. */
bool client_file_write(const struct config_client *, const struct files *);

/* ---- the server ---- */

enum server { SERVER_RELOADED, SERVER_AWAY, SERVER_REFUSED };
enum server server_read_again(void);
extern const char server_away_note[];
/* Is the root in force of this client attached? */
bool root_attached(const char *name);
/* Until the root in force is attached no more, for up to ten seconds. */
bool wait_until_detached(const char *name);

#endif
