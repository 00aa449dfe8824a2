/* SPDX-License-Identifier: ISC */
/*
 * Duty: configuration files found, read and given to the parser; the list of errors; the storage of a config. Runs as disklessd or
 * disklessctl. Must never read a file that somebody else than root (or the caller) can write, nor more than a bounded amount.
 */
#include "parse.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grammar.h"
#include "log.h"

#define FILE_MAX   ((size_t)1 << 20)
#define FILES_MAX  16384 /* all that are included; also ends files that include each other in a wide tree */
#define DEPTH_MAX  8
#define ERRORS_MAX 20
#define SHOWN_MAX  80

/* What a config owns: a list of allocations, freed together. */
struct config_storage {
	struct config_storage *next;
	char data[] __attribute__((aligned(16)));
};

/* The files that are open, innermost first: a file must not include itself. */
struct config_source {
	const struct config_source *outer;
	dev_t device;
	ino_t inode;
	unsigned depth;
};

/* ---- storage ---- */

void *
config_alloc(struct config_parser *p, size_t size)
{
	struct config_storage *s = calloc(1, sizeof(*s) + size);

	if (s == NULL)
		fatal("configuration");
	s->next = p->config->storage;
	p->config->storage = s;
	return s->data;
}

char *
config_copy(struct config_parser *p, const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(config_alloc(p, size), text, size);
}

void
config_free(struct config *c)
{
	struct config_storage *s;

	if (c == NULL)
		return;
	while ((s = c->storage) != NULL) {
		c->storage = s->next;
		free(s);
	}
	free(c->network);
	free(c->image);
	free(c->client);
	free(c);
}

/* ---- errors ---- */

const char *
config_shown(struct config_parser *p, const char *text)
{
	size_t length = strlen(text);
	bool cut = length > SHOWN_MAX;
	char visible[4 * SHOWN_MAX + 1];
	char *shown = config_alloc(p, sizeof(visible) + sizeof("\"\"..."));

	log_visible(visible, sizeof(visible), text, cut ? SHOWN_MAX : length);
	sprintf(shown, "\"%s\"%s", visible, cut ? "..." : "");
	return shown;
}

const char *
config_place_text(struct config_parser *p, struct config_place at)
{
	size_t size = strlen(at.file) + 32;
	char *text = config_alloc(p, size);

	if (at.line == 0)
		snprintf(text, size, "%s", at.file);
	else
		snprintf(text, size, "%s:%d:%d", at.file, at.line, at.column);
	return text;
}

void
config_error(struct config_parser *p, struct config_place at, const char *format, ...)
{
	char message[1024], *end = p->errors + p->errors_used;
	size_t left = p->errors_size - p->errors_used;
	va_list arguments;
	int length;

	if (p->error_count++ >= ERRORS_MAX || left == 0)
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	length = snprintf(end, left, "%s: %s\n", config_place_text(p, at), message);
	if ((size_t)length < left)
		p->errors_used += (size_t)length;
	else if (p->errors_used > 0)
		*end = '\0'; /* rather one error less than half a one */
}

/* ---- text ---- */

static void
parse_text(struct config_parser *p, const char *name, const char *text, size_t length)
{
	struct config_lexer *outer = p->lexer, *l = config_alloc(p, sizeof(*l));

	l->file = config_copy(p, name);
	l->next = (const unsigned char *)text;
	l->end = l->next + length;
	l->line = l->column = 1;
	p->lexer = l;
	config_yyparse(p);
	p->lexer = outer;
}

static void
begin(struct config_parser *p, const struct config_resolver *resolver, char *errors, size_t size)
{
	*p = (struct config_parser){ .resolver = resolver, .errors = errors, .errors_size = size };
	p->config = calloc(1, sizeof(*p->config));
	if (p->config == NULL)
		fatal("configuration");
	if (size > 0)
		errors[0] = '\0';
}

static struct config *
finish(struct config_parser *p)
{
	config_check(p);
	free(p->network.block);
	free(p->image.block);
	free(p->client.block);
	free(p->item);
	if (p->error_count == 0)
		return p->config;
	config_free(p->config);
	return NULL;
}

struct config *
config_parse(const char *name, const char *text, size_t length, const struct config_resolver *resolver, char *errors,
    size_t size)
{
	struct config_parser p;

	begin(&p, resolver, errors, size);
	p.in_memory = true;
	parse_text(&p, name, text, length);
	return finish(&p);
}

/* ---- files ---- */

static bool
includes_itself(const struct config_source *s, const struct stat *st)
{
	for (; s != NULL; s = s->outer) {
		if (s->device == st->st_dev && s->inode == st->st_ino)
			return true;
	}
	return false;
}

/* What is wrong with a file before a byte of it is read, and what would be right; NULL: nothing. */
static const char *
file_fault(const struct config_parser *p, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is no regular file; a configuration is one";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs to another user; it must be root's: chown root";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "can be written by group or others; only root may: chmod go-w";
	if ((size_t)st->st_size > FILE_MAX)
		return "is larger than 1 MiB; split it with include";
	if (includes_itself(p->source, st))
		return "includes itself; leave out that include";
	if (p->source != NULL && p->source->depth >= DEPTH_MAX)
		return "is included more than 8 files deep; include it further up";
	if (p->files >= FILES_MAX)
		return "is one file too many; 16384 may be included";
	return NULL;
}

/* How many bytes there are, at most size. */
static size_t
read_all(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while (length < size && (n = read(fd, text + length, size - length)) > 0)
		length += (size_t)n;
	return length;
}

static void
parse_file(struct config_parser *p, const char *path, const char *text, const struct stat *st)
{
	struct config_source source = { p->source, st->st_dev, st->st_ino,
		p->source == NULL ? 1 : p->source->depth + 1 };

	p->files++;
	p->source = &source;
	parse_text(p, path, text, (size_t)st->st_size);
	p->source = source.outer;
}

static void
read_file(struct config_parser *p, struct config_place at, const char *path, int fd, const struct stat *st)
{
	char *text = malloc((size_t)st->st_size + 1);

	if (text == NULL)
		fatal("configuration");
	if (read_all(fd, text, (size_t)st->st_size + 1) == (size_t)st->st_size)
		parse_file(p, path, text, st);
	else
		config_error(p, at, "%s changed while it was read; load it again", config_shown(p, path));
	free(text);
}

static void
load_file(struct config_parser *p, struct config_place at, const char *path)
{
	/* Not to wait for a writer, should it be a FIFO. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *fault;
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		config_error(p, at, "%s cannot be read: %s; write the file or correct the name", config_shown(p, path),
		    strerror(errno));
	else if ((fault = file_fault(p, &st)) != NULL)
		config_error(p, at, "%s %s", config_shown(p, path), fault);
	else
		read_file(p, at, path, fd, &st);
	if (fd != -1)
		close(fd);
}

struct config *
config_load(const char *path, const struct config_resolver *resolver, char *errors, size_t size)
{
	struct config_parser p;

	begin(&p, resolver, errors, size);
	load_file(&p, (struct config_place){ config_copy(&p, path), 0, 0 }, path);
	return finish(&p);
}

/* ---- include ---- */

/* A directory that is not there holds nothing; one that cannot be read may hold a client. */
static int
glob_fault(const char *path, int error)
{
	return error != ENOENT && error != ENOTDIR;
}

static void
include_all(struct config_parser *p, struct config_place at, const char *pattern)
{
	glob_t found = { 0 };
	int status = glob(pattern, 0, glob_fault, &found);

	if (status != 0 && status != GLOB_NOMATCH)
		config_error(p, at, "%s cannot be searched: %s; give the right to read the directory",
		    config_shown(p, pattern), strerror(errno));
	for (size_t i = 0; i < found.gl_pathc; i++)
		load_file(p, at, found.gl_pathv[i]);
	globfree(&found);
}

void
config_include(struct config_parser *p, struct config_place at, const char *pattern)
{
	const char *file = p->lexer->file, *slash = strrchr(file, '/');
	int directory = pattern[0] == '/' || slash == NULL ? 0 : (int)(slash - file + 1);
	char *path;

	if (p->in_memory) {
		config_error(p, at, "include is not possible here; only a file includes others");
		return;
	}
	if (asprintf(&path, "%.*s%s", directory, file, pattern) == -1)
		fatal("configuration");
	if (strpbrk(pattern, "*?[") != NULL)
		include_all(p, at, path);
	else
		load_file(p, at, path);
	free(path);
}

const struct config_image *
config_image_named(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->image_count; i++)
		if (strcmp(config->image[i].name, name) == 0)
			return &config->image[i];
	return NULL;
}
