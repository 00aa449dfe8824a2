/* SPDX-License-Identifier: ISC */
/*
 * Duty: bytes of a configuration file into tokens with their places. What a word means is for the grammar: addresses, sizes,
 * serials and paths are all just words here. Must never read beyond the text, nor let a control byte through.
 */
#include "parse.h"

#include <string.h>

#include "grammar.h"

static int
peek(const struct config_lexer *l)
{
	return l->next < l->end ? *l->next : -1;
}

static int
take(struct config_lexer *l)
{
	int c = peek(l);

	if (c == -1)
		return -1;
	l->next++;
	l->column++;
	if (c == '\n') {
		l->line++;
		l->column = 1;
	}
	return c;
}

static struct config_place
place(const struct config_lexer *l)
{
	return (struct config_place){ l->file, l->line, l->column };
}

static bool
is_control(int c)
{
	return c < ' ' || c == 0x7f;
}

static bool
ends_word(int c)
{
	return is_control(c) || strchr(" {},\"", c) != NULL;
}

static void
skip_blanks(struct config_lexer *l)
{
	while (peek(l) == ' ' || peek(l) == '\t' || peek(l) == '\r')
		take(l);
	if (peek(l) == '#') {
		while (peek(l) != '\n' && peek(l) != -1)
			take(l);
	}
}

/* The next byte of a quoted string, its closing quote as '\0', or -1 with the error noted. */
static int
string_byte(struct config_parser *p, struct config_place start)
{
	struct config_lexer *l = p->lexer;
	struct config_place here = place(l);

	if (peek(l) == -1 || peek(l) == '\n') {
		config_error(p, start, "the string is not closed; it ends with \" on the line where it begins");
		return -1;
	}
	if (is_control(peek(l))) {
		config_error(p, here, "control byte 0x%02x in a string; a string is printable text", peek(l));
		return -1;
	}
	if (peek(l) == '"') {
		take(l);
		return '\0';
	}
	if (peek(l) != '\\')
		return take(l);
	take(l);
	if (peek(l) == '"' || peek(l) == '\\')
		return take(l);
	config_error(p, here, "unknown escape in a string; only \\\" and \\\\ are known");
	return -1;
}

static bool
keep(struct config_parser *p, struct config_place start, size_t *length, int c)
{
	if (*length + 1 >= TOKEN_SIZE) {
		config_error(p, start, "a word or string of more than %d bytes; make it shorter", TOKEN_SIZE - 1);
		return false;
	}
	p->lexer->token[(*length)++] = (char)c;
	return true;
}

static int
string(struct config_parser *p, struct config_place start)
{
	struct config_lexer *l = p->lexer;
	size_t length = 0;
	int c;

	take(l);
	while ((c = string_byte(p, start)) > 0 && keep(p, start, &length, c))
		continue;
	l->token[length] = '\0';
	if (c == 0)
		return T_STRING;
	while (peek(l) != '\n' && peek(l) != -1 && take(l) != '"')
		continue;
	return T_CONFIG_YYerror;
}

static int
word(struct config_parser *p, struct config_place start)
{
	struct config_lexer *l = p->lexer;
	size_t length = 0;
	int keyword;

	while (peek(l) != -1 && !ends_word(peek(l))) {
		if (keep(p, start, &length, take(l)))
			continue;
		while (peek(l) != -1 && !ends_word(peek(l)))
			take(l);
		return T_CONFIG_YYerror;
	}
	l->token[length] = '\0';
	keyword = config_keyword(l->token);
	return keyword != -1 ? keyword : T_WORD;
}

static int
mark(struct config_lexer *l, int token)
{
	l->token[0] = (char)take(l);
	l->token[1] = '\0';
	return token;
}

static int
token(struct config_parser *p, struct config_place start)
{
	struct config_lexer *l = p->lexer;

	switch (peek(l)) {
	case -1:
		return T_END;
	case '\n':
		return mark(l, T_NEWLINE);
	case '{':
		return mark(l, T_OPEN);
	case '}':
		return mark(l, T_CLOSE);
	case ',':
		return mark(l, T_COMMA);
	case '"':
		return string(p, start);
	}
	if (!is_control(peek(l)))
		return word(p, start);
	config_error(p, start, "control byte 0x%02x; a configuration is printable text", take(l));
	return T_CONFIG_YYerror;
}

int
config_yylex(CONFIG_YYSTYPE *value, struct config_place *at, struct config_parser *p)
{
	int kind;

	skip_blanks(p->lexer);
	*at = place(p->lexer);
	kind = token(p, *at);
	value->text = kind == T_WORD || kind == T_STRING ? config_copy(p, p->lexer->token) : NULL;
	if (kind == T_CONFIG_YYerror)
		p->bad_syntax = true;
	return kind;
}

void
config_skip_block(struct config_parser *p)
{
	for (unsigned depth = 1; depth > 0;) {
		skip_blanks(p->lexer);
		switch (token(p, place(p->lexer))) {
		case T_END:
			return;
		case T_OPEN:
			depth++;
			break;
		case T_CLOSE:
			depth--;
			break;
		}
	}
}
