/* SPDX-License-Identifier: ISC */
/*
 * Duty: the language of diskless.conf(5), and the errors of who does not speak it. A statement stands on one line; where a block or
 * list begins and in a list a line may end. Values are words, made into what they mean by values.c.
 * All values of the parser belong to the config's storage: nothing is to be freed on an error.
 */
%define api.pure full
%define api.prefix {config_yy}
%define api.token.prefix {T_}
%define api.location.type {struct config_place}
%define parse.error custom
%locations
%param { struct config_parser *p }
%expect 0
%union {
	char *text;
	int choice;
}

%code requires {
#include "parse.h"
}
%code provides {
int config_yylex(CONFIG_YYSTYPE *value, struct config_place *at, struct config_parser *p);
}
%code {
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define YYLLOC_DEFAULT(current, rhs, n) ((current) = (n) ? YYRHSLOC(rhs, 1) : YYRHSLOC(rhs, 0))
#define FIRST_KEYWORD T_ADDRESS
#define LAST_KEYWORD  T_USER
static_assert(LAST_KEYWORD - FIRST_KEYWORD < KEYWORDS_MAX, "config_block.at has room for every word");

static void config_yyerror(const struct config_place *, struct config_parser *, const char *);
}
%initial-action { @$ = (struct config_place){ p->lexer->file, 1, 1 }; }

%token END 0 "end of file" NEWLINE "end of line"
%token <text> WORD "a value" STRING "a string"
/* The words of the language, sorted: errors list them in this order. */
%token ADDRESS "address" ANSWER "answer" ARCHITECTURE "architecture" AUTHORIZED_KEYS "authorized-keys" BOOT "boot" BOOT_FILE "boot-file"
	CLIENT "client" CMDLINE "cmdline" CONFIG_TXT "config-txt" DHCP "dhcp" DISCARD "discard" DOCKER "docker" FILE "file"
	GATEWAY "gateway" GROUPS "groups" GUARD "guard" IMAGE "image" INCLUDE "include" INODES "inodes" INTERFACE "interface" KEEP "keep" LEASE "lease"
	LOCAL "local" LOCALE "locale" LOW_WATER "low-water" MAC "mac" MIRROR "mirror" NAME_SERVERS "name-servers" NETWORK "network" NFS "nfs" OBSERVE "observe"
	OFF "off" ON "on" PACKAGES "packages" PASSWORD_HASH "password-hash" PERSISTENCE "persistence" PROXY "proxy"
	QUOTA "quota" RESERVATIONS "reservations" ROOM "room" ROOT "root" RUN "run" SD "sd" SERIAL "serial"
	SERVER_ADDRESS "server-address" SHA256 "sha256" SOURCE "source" SSH "ssh" SUBNET "subnet" SUITE "suite"
	TIMEZONE "timezone" UNKNOWN "unknown" USER "user"
%token OPEN "{" CLOSE "}" COMMA ","
%type <text> value
%type <choice> dhcp_mode unknown_policy boot_kind on_off persistence

%%
file:
	%empty
	| file NEWLINE
	| file statement
	| file recovery
	;
statement:
	INCLUDE value						{ config_include(p, @2, $2); }
	| LOW_WATER value {
		if (config_once(p, &p->top, T_LOW_WATER, @1, @2))
			p->config->low_water = config_low_water(p, @2, $2);
	}
	| SERVER_ADDRESS value {
		if (config_once(p, &p->top, T_SERVER_ADDRESS, @1, @2))
			p->config->server_address = config_address(p, @2, $2);
	}
	| NETWORK value	{ config_network_begin(p, @2, $2); }	open network_body close
	| IMAGE value	{ config_image_begin(p, @2, $2); }	open image_body close
	| CLIENT value	{ config_client_begin(p, @2, $2); }	open client_body close
	;

network_body:
	%empty
	| network_body NEWLINE
	| network_body network_statement
	| network_body recovery
	;
network_statement:
	INTERFACE value {
		if (config_once(p, p->block, T_INTERFACE, @1, @2))
			config_network(p)->interface = config_text(p, @2, T_INTERFACE, $2);
	}
	| SERVER_ADDRESS value {
		if (config_once(p, p->block, T_SERVER_ADDRESS, @1, @2))
			config_network(p)->server = config_address(p, @2, $2);
	}
	| SUBNET value {
		if (config_once(p, p->block, T_SUBNET, @1, @2))
			config_subnet(p, @2, $2, config_network(p));
	}
	| GATEWAY value {
		if (config_once(p, p->block, T_GATEWAY, @1, @2))
			config_network(p)->gateway = config_address(p, @2, $2);
	}
	| NAME_SERVERS list {
		if (config_once(p, p->block, T_NAME_SERVERS, @1, @2))
			config_name_servers(p);
	}
	| BOOT_FILE value value					{ config_boot_file(p, @1, @2, $2, @3, $3); }
	| LEASE value {
		if (config_once(p, p->block, T_LEASE, @1, @2))
			config_network(p)->lease = config_lease(p, @2, $2);
	}
	| DHCP dhcp_mode {
		if (config_once(p, p->block, T_DHCP, @1, @2))
			config_network(p)->dhcp = $2;
	}
	| UNKNOWN unknown_policy {
		if (config_once(p, p->block, T_UNKNOWN, @1, @2))
			config_network(p)->unknown = $2;
	}
	| GUARD on_off {
		if (config_once(p, p->block, T_GUARD, @1, @2))
			config_network(p)->guard = $2;
	}
	;
dhcp_mode:
	PROXY							{ $$ = DHCP_PROXY; }
	| RESERVATIONS						{ $$ = DHCP_RESERVATIONS; }
	| OFF							{ $$ = DHCP_OFF; }
	;
unknown_policy:
	OBSERVE							{ $$ = UNKNOWN_OBSERVE; }
	| ANSWER						{ $$ = UNKNOWN_ANSWER; }
	;

image_body:
	%empty
	| image_body NEWLINE
	| image_body image_statement
	| image_body recovery
	;
image_statement:
	SOURCE value {
		if (config_once(p, p->block, T_SOURCE, @1, @2))
			config_image(p)->source = config_text(p, @2, T_SOURCE, $2);
	}
	| SHA256 value {
		if (config_once(p, p->block, T_SHA256, @1, @2))
			config_image(p)->sha256 = config_text(p, @2, T_SHA256, $2);
	}
	| SUITE value {
		if (config_once(p, p->block, T_SUITE, @1, @2))
			config_image(p)->suite = config_text(p, @2, T_SUITE, $2);
	}
	| ARCHITECTURE value {
		if (config_once(p, p->block, T_ARCHITECTURE, @1, @2))
			config_image(p)->architecture = config_text(p, @2, T_ARCHITECTURE, $2);
	}
	| MIRROR value {
		if (config_once(p, p->block, T_MIRROR, @1, @2))
			config_image(p)->mirror = config_text(p, @2, T_MIRROR, $2);
	}
	| ROOM value {
		if (config_once(p, p->block, T_ROOM, @1, @2))
			config_image(p)->room = config_room(p, @2, $2);
	}
	| LOCALE value {
		if (config_once(p, p->block, T_LOCALE, @1, @2))
			config_image(p)->locale = config_text(p, @2, T_LOCALE, $2);
	}
	| TIMEZONE value {
		if (config_once(p, p->block, T_TIMEZONE, @1, @2))
			config_image(p)->timezone = config_text(p, @2, T_TIMEZONE, $2);
	}
	| AUTHORIZED_KEYS value {
		if (config_once(p, p->block, T_AUTHORIZED_KEYS, @1, @2))
			config_image(p)->authorized_keys = config_text(p, @2, T_AUTHORIZED_KEYS, $2);
	}
	| RUN value {
		if (config_once(p, p->block, T_RUN, @1, @2))
			config_image(p)->run = config_text(p, @2, T_RUN, $2);
	}
	| PACKAGES list {
		if (config_once(p, p->block, T_PACKAGES, @1, @2))
			config_words(p, T_PACKAGES, &config_image(p)->packages);
	}
	| CONFIG_TXT list {
		if (config_once(p, p->block, T_CONFIG_TXT, @1, @2))
			config_words(p, T_CONFIG_TXT, &config_image(p)->config_txt);
	}
	| KEEP list {
		if (config_once(p, p->block, T_KEEP, @1, @2))
			config_words(p, T_KEEP, &config_image(p)->keep);
	}
	| SSH on_off {
		if (config_once(p, p->block, T_SSH, @1, @2))
			config_image(p)->ssh = $2;
	}
	| DOCKER on_off {
		if (config_once(p, p->block, T_DOCKER, @1, @2))
			config_image(p)->docker = $2;
	}
	| FILE value value					{ config_file_add(p, @2, $2, @3, $3); }
	| USER value	{ config_user_begin(p, @2, $2); }	open user_body close
	;
on_off:
	ON							{ $$ = true; }
	| OFF							{ $$ = false; }
	;

user_body:
	%empty
	| user_body NEWLINE
	| user_body user_statement
	| user_body recovery
	;
user_statement:
	PASSWORD_HASH value {
		if (config_once(p, &p->user, T_PASSWORD_HASH, @1, @2))
			config_user(p)->password_hash = config_text(p, @2, T_PASSWORD_HASH, $2);
	}
	| GROUPS list {
		if (config_once(p, &p->user, T_GROUPS, @1, @2))
			config_words(p, T_GROUPS, &config_user(p)->groups);
	}
	;

client_body:
	%empty
	| client_body NEWLINE
	| client_body client_statement
	| client_body recovery
	;
client_statement:
	SERIAL value {
		if (config_once(p, p->block, T_SERIAL, @1, @2))
			config_serial(p, @2, $2, config_client(p));
	}
	| MAC value {
		if (config_once(p, p->block, T_MAC, @1, @2))
			config_mac(p, @2, $2, config_client(p));
	}
	| ADDRESS value {
		if (config_once(p, p->block, T_ADDRESS, @1, @2))
			config_client(p)->address = config_address(p, @2, $2);
	}
	| NETWORK value {
		if (config_once(p, p->block, T_NETWORK, @1, @2))
			p->block->network = $2;
	}
	| IMAGE value {
		if (config_once(p, p->block, T_IMAGE, @1, @2))
			p->block->image = $2;
	}
	| INODES value {
		if (config_once(p, p->block, T_INODES, @1, @2))
			config_client(p)->inodes = config_inodes(p, @2, $2);
	}
	| QUOTA value {
		if (config_once(p, p->block, T_QUOTA, @1, @2))
			config_client(p)->quota = config_quota(p, @2, $2);
	}
	| CMDLINE value {
		if (config_once(p, p->block, T_CMDLINE, @1, @2))
			config_client(p)->cmdline = config_text(p, @2, T_CMDLINE, $2);
	}
	| KEEP list {
		if (config_once(p, p->block, T_KEEP, @1, @2))
			config_words(p, T_KEEP, &config_client(p)->keep);
	}
	| PERSISTENCE persistence {
		if (config_once(p, p->block, T_PERSISTENCE, @1, @2))
			config_client(p)->persistence = $2;
	}
	| ROOT NFS						{ config_once(p, p->block, T_ROOT, @1, @2); }
	| ROOT LOCAL value {
		if (config_once(p, p->block, T_ROOT, @1, @3)) {
			config_client(p)->root = ROOT_LOCAL;
			config_client(p)->local_root = config_text(p, @3, T_LOCAL, $3);
		}
	}
	| BOOT boot_kind {
		if (config_once(p, p->block, T_BOOT, @1, @2))
			config_client(p)->boot = $2;
	}
	;
persistence:
	KEEP							{ $$ = PERSISTENCE_KEEP; }
	| DISCARD						{ $$ = PERSISTENCE_DISCARD; }
	;
boot_kind:
	NETWORK							{ $$ = BOOT_NETWORK; }
	| SD							{ $$ = BOOT_SD; }
	;

value:
	WORD
	| STRING
	;
list:
	OPEN { p->item_count = 0; } items list_close
	;
items:
	%empty
	| items value						{ config_item_add(p, @2, $2); }
	| items COMMA
	| items NEWLINE
	;
list_close:
	CLOSE
	| error CLOSE						{ yyerrok; }
	;
open:
	OPEN
	| NEWLINE open
	;
close:
	CLOSE
	| error CLOSE						{ yyerrok; }
	;
/* After an error: on with the next line, or behind the block that an unknown statement has. */
recovery:
	error NEWLINE						{ yyerrok; }
	| error OPEN						{ config_skip_block(p); yyerrok; }
	;
%%
int
config_keyword(const char *word)
{
	for (int token = FIRST_KEYWORD; token <= LAST_KEYWORD; token++) {
		if (strcmp(config_word(token), word) == 0)
			return token;
	}
	return -1;
}

const char *
config_word(int token)
{
	return yysymbol_name(YYTRANSLATE(token));
}

size_t
config_word_index(int token)
{
	return (size_t)(token - FIRST_KEYWORD);
}

/* "a, b or c" */
static void
list_expected(const yysymbol_kind_t *expected, int count, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < count && used < size; i++) {
		const char *between = i == 0 ? "" : i == count - 1 ? " or " : ", ";

		used += (size_t)snprintf(text + used, size - used, "%s%s", between, yysymbol_name(expected[i]));
	}
}

/* The symbols that may stand here, without those that are not worth a word; how many. */
static int
find_expected(const yypcontext_t *context, yysymbol_kind_t expected[YYNTOKENS])
{
	int all = yypcontext_expected_tokens(context, expected, YYNTOKENS), count = 0;

	for (int i = 0; i < all; i++) {
		if (expected[i] > YYSYMBOL_NEWLINE && expected[i] != YYSYMBOL_STRING && expected[i] != YYSYMBOL_COMMA)
			expected[count++] = expected[i];
	}
	return count;
}

static bool
holds(const yysymbol_kind_t *expected, int count, yysymbol_kind_t symbol)
{
	for (int i = 0; i < count; i++) {
		if (expected[i] == symbol)
			return true;
	}
	return false;
}

static int
yyreport_syntax_error(const yypcontext_t *context, struct config_parser *p)
{
	yysymbol_kind_t expected[YYNTOKENS], found = yypcontext_token(context);
	struct config_place at = *yypcontext_location(context);
	int count = find_expected(context, expected);
	char allowed[512];
	bool value = holds(expected, count, YYSYMBOL_WORD);

	p->bad_syntax = true;
	list_expected(expected, count, allowed, sizeof(allowed));
	if (found == YYSYMBOL_YYEOF || found == YYSYMBOL_NEWLINE)
		config_error(p, at, "%s too early; allowed here: %s", yysymbol_name(found), allowed);
	else if (value && found >= YYSYMBOL_ADDRESS && found <= YYSYMBOL_USER)
		config_error(p, at, "%s is a word of the language; as a value it is written in quotes: \"%s\"",
		    yysymbol_name(found), yysymbol_name(found));
	else if (found == YYSYMBOL_WORD)
		config_error(p, at, "unknown word %s; allowed here: %s", config_shown(p, p->lexer->token), allowed);
	else
		config_error(p, at, "%s is not allowed here; allowed here: %s",
		    found == YYSYMBOL_STRING ? config_shown(p, p->lexer->token) : yysymbol_name(found), allowed);
	return 0;
}

/* Only for what is no syntax error: the parser's stack is full. */
static void
config_yyerror(const struct config_place *at, struct config_parser *p, const char *message)
{
	p->bad_syntax = true;
	config_error(p, *at, "%s; make the file shorter", message);
}
