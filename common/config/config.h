/* SPDX-License-Identifier: ISC */
/*
 * The configuration as the operator wrote it (diskless.conf(5)), checked. Made by config_load(), never changed after.
 * Strings belong to the config and live as long as it does. Lists are arrays with a count, in the order of the file.
 */
#ifndef DISKLESS_CONFIG_H
#define DISKLESS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "messages.h"

struct config_place {
	const char *file;
	int line;
	int column;
};

struct config_list {
	char **word;
	size_t count;
};

struct config_network {
	struct config_place place;
	char *name;
	char *interface;
	uint32_t server; /* server-address of the network, or the global one */
	uint32_t subnet; /* subnet ADDRESS/PREFIX, or that of the interface's address (config_resolver) */
	unsigned prefix;
	uint32_t gateway; /* 0: none */
	enum dhcp_mode dhcp;
	enum unknown_policy unknown;
	bool guard; /* forged frames are dropped (daemons/disklessd/guard.c) */
	uint32_t *name_server;
	size_t name_server_count;
	uint32_t lease;              /* seconds; 0: not written, CONFIG_LEASE_DEFAULT */
	char *boot_file[BOOT_ARCHS]; /* by enum boot_arch; NULL: not written, boot_arch_default(); empty: none */
	bool own_server, own_subnet; /* written in the file, so printed back */
};

struct config_user {
	struct config_place place;
	char *name;
	char *password_hash; /* crypt(5), or NULL: no password opens it */
	struct config_list groups;
};

struct config_file {
	char *source; /* absolute path here */
	char *target; /* absolute path in the image, without . and .. */
};

/* What an image is made of (source or suite, never both, perhaps neither) and its recipe. */
struct config_image {
	struct config_place place;
	char *name;
	char *source;       /* or NULL; absolute path */
	char *sha256;       /* of source, lower case hex; or NULL */
	char *suite;        /* of Debian, or NULL */
	char *architecture; /* arm64, armhf or amd64; with suite only */
	char *mirror;       /* URL, or NULL: Debian's own */
	uint64_t room;      /* bytes free for the recipe; 0: not given */
	char *timezone;     /* or NULL, as all texts that follow */
	char *locale;
	char *authorized_keys; /* absolute path; for each user, or for root if there is none */
	struct config_list packages;
	struct config_list config_txt; /* lines */
	struct config_user *user;
	size_t user_count;
	struct config_file *file;
	size_t file_count;
	bool ssh, docker;
	char *run;               /* absolute path */
	struct config_list keep; /* absolute paths in a client's root that an upgrade carries over */
};

enum persistence { PERSISTENCE_KEEP, PERSISTENCE_DISCARD };

struct config_client {
	struct config_place place;
	char *name;
	bool has_serial;
	uint64_t serial; /* 8 or 16 hex digits; the wire's prefix is its low 32 bits */
	uint8_t mac[MAC_SIZE];
	uint32_t address;
	uint64_t quota;  /* bytes */
	uint32_t inodes; /* 0: as many as mke2fs(8) makes of that size */
	enum root_kind root;
	enum boot_kind boot;
	char *local_root; /* ROOT_LOCAL: what root= says, for example PARTUUID=... */
	char *cmdline;    /* or NULL: words added to the command line */
	enum persistence persistence;
	struct config_list keep; /* beside those of its image */
	const struct config_network *network;
	const struct config_image *image; /* NULL only for ROOT_LOCAL clients that name none */
};

struct config {
	uint32_t server_address; /* 0: each network has its own */
	uint64_t low_water;      /* bytes that new roots leave free on the server's disk; 0: not given */
	struct config_network *network;
	size_t network_count;
	struct config_image *image;
	size_t image_count;
	struct config_client *client;
	size_t client_count;
	/* private to common/config/ */
	struct config_storage *storage;
};

#define CONFIG_LEASE_DEFAULT (12 * 60 * 60)
#define CONFIG_LEASE_MIN     60
#define CONFIG_LEASE_MAX     (365 * 24 * 60 * 60)
#define CONFIG_QUOTA_MIN     ((uint64_t)8 << 20) /* a smaller ext4 has no room left for its own tables */
#define CONFIG_INODES_MIN    64
#define CONFIG_ROOM_MAX      ((uint64_t)1 << 40)

/*
 * Facts about this machine that a check needs; all may be NULL, which leaves the check out.
 *	subnet	the network and prefix of the interface's address server; false and *why when it has none
 *	image	does an imported version of this image exist; false and *why
 */
struct config_resolver {
	bool (*subnet)(const char *interface, uint32_t server, uint32_t *subnet, unsigned *prefix, const char **why);
	bool (*image)(const char *name, const char **why);
};
/* The real ones: getifaddrs(3), and a look at PATH_IMAGES. */
extern const struct config_resolver config_resolver_system;

/*
 * Reads path and what it includes. On any error: NULL, and every error (at most 20) as "file:line:column: what is wrong; what is
 * allowed there\n" in errors (always terminated). Includes are relative to the including file, globbed, sorted.
 */
struct config *config_load(const char *path, const struct config_resolver *, char *errors, size_t size);
/* The same for text in memory, for tests and fuzzers; include is refused. name is used in errors. */
struct config *config_parse(
    const char *name, const char *text, size_t length, const struct config_resolver *, char *errors, size_t size);
void config_free(struct config *);

/* Prints it back in the grammar it was read in; parse(print(x)) == x. */
void config_print(const struct config *, FILE *);
void config_print_image(const struct config_image *, FILE *);
/* One client as a file of clients.d. */
void config_print_client(const struct config_client *, FILE *);
/* Do they mean the same? Places and comments apart. */
bool config_equal(const struct config *, const struct config *);

/* [A-Za-z0-9][A-Za-z0-9_-]*, at most 63 bytes: a name that is safe in a path, an export line and a command line. */
bool config_name_valid(const char *name);
/* "8G", "512M", "1073741824": bytes; false on anything else or overflow. */
bool config_size_parse(const char *text, uint64_t *bytes);
bool config_serial_parse(const char *text, uint64_t *serial);

/* The image of this name; NULL: there is none. Borrowed from the configuration. */
const struct config_image *config_image_named(const struct config *, const char *name);

#endif
