/* SPDX-License-Identifier: ISC */
/* What the parts of common/config/ share while a configuration is being read. Included by nobody else. */
#ifndef DISKLESS_CONFIG_PARSE_H
#define DISKLESS_CONFIG_PARSE_H

#include "config.h"

#define TOKEN_SIZE     1024 /* a word or string with its NUL */
#define KEYWORDS_MAX   96   /* words of the language; asserted in grammar.y */
#define CMDLINE_MAX    512  /* what is left of 1024 bytes (arm's COMMAND_LINE_SIZE) when ours are in */
#define LOCAL_ROOT_MAX 128

struct config_lexer {
	const char *file;
	const unsigned char *next, *end;
	int line, column;
	char token[TOKEN_SIZE]; /* the last one, for errors */
};

/* A block as it was written: where each of its statements has its value, by config_word_index(). */
struct config_block {
	const char *name;
	struct config_place place;
	struct config_place at[KEYWORDS_MAX]; /* line 0: not given */
	char *network, *image;                /* of a client: names, until they are resolved */
};

struct config_blocks {
	struct config_block *block;
	size_t count;
};

struct config_item {
	struct config_place place;
	char *text;
};

struct config_parser {
	struct config *config;
	const struct config_resolver *resolver;
	struct config_lexer *lexer;                  /* of the file being read */
	struct config_block top, *block, user;       /* block: the one being read; user: the one in an image */
	struct config_blocks network, image, client; /* beside the arrays of config */
	struct config_item *item;                    /* the list being read */
	size_t item_count, item_size;
	bool in_memory;  /* no include, then */
	bool bad_syntax; /* what is there is not what was meant: checks across blocks make no sense */
	const struct config_source *source; /* config.c: the open files, innermost first */
	unsigned files;
	unsigned error_count;
	char *errors;
	size_t errors_size, errors_used;
};

/* config.c */
void config_error(struct config_parser *, struct config_place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Storage that lives as long as the config; zeroed. */
void *config_alloc(struct config_parser *, size_t);
char *config_copy(struct config_parser *, const char *);
/* For an error message: quoted, without bytes that a terminal would interpret, not too long. */
const char *config_shown(struct config_parser *, const char *);
const char *config_place_text(struct config_parser *, struct config_place);
void config_include(struct config_parser *, struct config_place, const char *pattern);

/* grammar.y */
int config_keyword(const char *word); /* its token, or -1 */
const char *config_word(int token);
size_t config_word_index(int token);

/* lexer.c */
void config_skip_block(struct config_parser *); /* up to and with the } that belongs to a { that was just read */

/* values.c: text to value. On a wrong one the error is noted, and 0 or NULL is returned. */
uint32_t config_address(struct config_parser *, struct config_place, const char *);
void config_subnet(struct config_parser *, struct config_place, const char *, struct config_network *);
bool config_boot_file_valid(enum boot_arch, const char *);
uint32_t config_lease(struct config_parser *, struct config_place, const char *);
uint64_t config_quota(struct config_parser *, struct config_place, const char *);
uint32_t config_inodes(struct config_parser *, struct config_place, const char *);
uint64_t config_low_water(struct config_parser *, struct config_place, const char *);
uint64_t config_room(struct config_parser *, struct config_place, const char *);
void config_serial(struct config_parser *, struct config_place, const char *, struct config_client *);
void config_mac(struct config_parser *, struct config_place, const char *, struct config_client *);
/* Texts with a rule of their own: those that are allowed are returned as they are. */
char *config_text(struct config_parser *, struct config_place, int token, char *);

/* blocks.c: what is being built */
void config_network_begin(struct config_parser *, struct config_place, char *name);
void config_image_begin(struct config_parser *, struct config_place, char *name);
void config_client_begin(struct config_parser *, struct config_place, char *name);
/* false, and the error noted, if the statement was given before in this block. */
bool config_once(
    struct config_parser *, struct config_block *, int token, struct config_place, struct config_place value);
void config_item_add(struct config_parser *, struct config_place, char *text);
void config_name_servers(struct config_parser *);
void config_boot_file(struct config_parser *, struct config_place statement, struct config_place at_arch,
    const char *arch, struct config_place at_file, char *file);
/* The list that was read; each member is held to the rule of token. */
void config_words(struct config_parser *, int token, struct config_list *);
void config_user_begin(struct config_parser *, struct config_place, char *name);
void config_file_add(
    struct config_parser *, struct config_place, char *source, struct config_place at_target, char *target);
struct config_network *config_network(struct config_parser *);
struct config_image *config_image(struct config_parser *);
struct config_client *config_client(struct config_parser *);
struct config_user *config_user(struct config_parser *);

/* check.c: names resolved, defaults filled in, and everything that needs more than one statement. */
void config_check(struct config_parser *);

#endif
