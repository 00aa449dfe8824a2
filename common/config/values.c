/* SPDX-License-Identifier: ISC */
/*
 * Duty: one word of the configuration into the value it stands for, or the error that says what would be one. Everything that later
 * ends in a path, an export line, a command line or a shell's argument is held to its alphabet here.
 */
#include "parse.h"

#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "grammar.h"

#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

bool
config_name_valid(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < NAME_SIZE && strspn(name, UPPER LOWER DIGITS "_-") == length &&
	       strspn(name, UPPER LOWER DIGITS) > 0;
}

bool
config_size_parse(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	size_t digits = strspn(text, DIGITS);
	uint64_t size = 0;
	unsigned shift = 0;

	if (digits == 0)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (__builtin_mul_overflow(size, 10, &size) ||
		    __builtin_add_overflow(size, (uint64_t)(text[i] - '0'), &size))
			return false;
	}
	if (text[digits] != '\0') {
		const char *unit = strchr(units, text[digits]);

		if (unit == NULL || text[digits + 1] != '\0')
			return false;
		shift = 10 * (unsigned)(unit - units + 1);
	}
	if (size > UINT64_MAX >> shift)
		return false;
	*bytes = size << shift;
	return true;
}

bool
config_serial_parse(const char *text, uint64_t *serial)
{
	size_t length = strlen(text);

	if ((length != 8 && length != 16) || strspn(text, DIGITS "abcdefABCDEF") != length)
		return false;
	*serial = strtoull(text, NULL, 16);
	return true;
}

/* Class A to C: what one machine can have (RFC 1112 section 4 begins at 224). */
static bool
is_host(uint32_t address)
{
	uint32_t first = ntohl(address) >> 24;

	return first > 0 && first < 224;
}

uint32_t
config_address(struct config_parser *p, struct config_place at, const char *text)
{
	uint32_t address;

	if (!address_parse(text, &address))
		config_error(p, at, "%s is no IPv4 address; one looks like 192.168.10.12", config_shown(p, text));
	else if (!is_host(address))
		config_error(p, at, "%s is no address of one machine; one looks like 192.168.10.12", text);
	else
		return address;
	return 0;
}

/* "24": 1 .. 30, as a longer prefix leaves no room for a server and a client. 0: it is none. */
static unsigned
prefix_of(const char *text)
{
	size_t length = strspn(text, DIGITS);
	unsigned prefix;

	if (length < 1 || length > 2 || text[length] != '\0' || text[0] == '0')
		return 0;
	prefix = (unsigned)atoi(text);
	return prefix <= 30 ? prefix : 0;
}

void
config_subnet(struct config_parser *p, struct config_place at, const char *text, struct config_network *network)
{
	const char *slash = strchr(text, '/');
	char address[ADDRESS_TEXT] = "", first[ADDRESS_TEXT];
	unsigned prefix = slash == NULL ? 0 : prefix_of(slash + 1);
	uint32_t subnet;

	if (slash != NULL && slash - text < ADDRESS_TEXT)
		memcpy(address, text, (size_t)(slash - text));
	if (prefix == 0 || !address_parse(address, &subnet) || !is_host(subnet)) {
		config_error(p, at, "%s is no subnet; one looks like 192.168.10.0/24, with a prefix of 1 to 30",
		    config_shown(p, text));
		return;
	}
	if ((subnet & ~prefix_mask(prefix)) != 0) {
		config_error(p, at, "%s has address bits behind its prefix; the subnet is %s/%u", text,
		    address_text(subnet & prefix_mask(prefix), first), prefix);
		return;
	}
	network->subnet = subnet;
	network->prefix = prefix;
}

uint64_t
config_quota(struct config_parser *p, struct config_place at, const char *text)
{
	uint64_t bytes;

	if (!config_size_parse(text, &bytes))
		config_error(p, at, "%s is no size; one is a number of bytes, or a number with K, M, G or T: 8G",
		    config_shown(p, text));
	else if (bytes < CONFIG_QUOTA_MIN)
		config_error(
		    p, at, "quota %s is too small; the smallest is %uM", text, (unsigned)(CONFIG_QUOTA_MIN >> 20));
	else
		return bytes;
	return 0;
}

void
config_serial(struct config_parser *p, struct config_place at, const char *text, struct config_client *client)
{
	client->has_serial = config_serial_parse(text, &client->serial);
	if (!client->has_serial)
		config_error(p, at, "%s is no serial; one is 8 or 16 hex digits, as in /proc/cpuinfo: 1234abcd",
		    config_shown(p, text));
}

void
config_mac(struct config_parser *p, struct config_place at, const char *text, struct config_client *client)
{
	if (!mac_parse(text, client->mac))
		config_error(p, at, "%s is no MAC address; one looks like dc:a6:32:01:02:03", config_shown(p, text));
	else if (!mac_is_unicast(client->mac))
		config_error(p, at, "%s is no MAC address of one machine; one looks like dc:a6:32:01:02:03", text);
}

static bool
is_visible(const char *text, char first)
{
	for (; *text != '\0'; text++) {
		if (*text < first || *text > '~')
			return false;
	}
	return true;
}

static bool
interface_valid(const char *text)
{
	return *text != '\0' && strlen(text) < INTERFACE_SIZE && is_visible(text, '!') && strpbrk(text, "/:") == NULL &&
	       strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static bool
path_valid(const char *text)
{
	return text[0] == '/';
}

static bool
timezone_valid(const char *text)
{
	return strspn(text, UPPER LOWER DIGITS "+-_/") == strlen(text) && strspn(text, UPPER LOWER) > 0;
}

/* Debian policy 5.6.1. */
static bool
package_valid(const char *text)
{
	return strspn(text, LOWER DIGITS "+-.") == strlen(text) && strspn(text, LOWER DIGITS) > 0;
}

static bool
local_root_valid(const char *text)
{
	return *text != '\0' && strlen(text) <= LOCAL_ROOT_MAX && is_visible(text, '!') && strchr(text, '"') == NULL;
}

static bool
cmdline_valid(const char *text)
{
	return strlen(text) <= CMDLINE_MAX && is_visible(text, ' ');
}

static const struct {
	int token;
	bool (*valid)(const char *);
	const char *what; /* it is not */
	const char *right;
} rules[] = {
	{ T_INTERFACE, interface_valid, "interface",
	    "one has at most 15 printable characters, none of them '/' or ':': eth1" },
	{ T_SOURCE, path_valid, "absolute path", "one begins with '/': /srv/downloads/raspios.img.xz" },
	{ T_AUTHORIZED_KEYS, path_valid, "absolute path", "one begins with '/': /etc/diskless/keys/ops.pub" },
	{ T_RUN, path_valid, "absolute path", "one begins with '/': /etc/diskless/recipes/bookworm.sh" },
	{ T_TIMEZONE, timezone_valid, "time zone", "one is a name of tzdata: Asia/Seoul" },
	{ T_PACKAGES, package_valid, "package", "one has lower case letters, digits, '+', '-' and '.': docker.io" },
	{ T_LOCAL, local_root_valid, "root device", "one is a word of at most 128 characters: PARTUUID=1234abcd-02" },
	{ T_CMDLINE, cmdline_valid, "command line",
	    "one has at most 512 printable ASCII characters: quiet loglevel=3" },
	{ T_NETWORK, config_name_valid, "name",
	    "one has at most 63 letters, digits, '_' and '-', the first a letter or digit" },
};

/* The kernel takes a word's leading quote off, and of two words that say the same the last wins. */
static bool
cmdline_overrides(struct config_parser *p, struct config_place at, const char *text)
{
	static const char *const ours[] = { "root=", "nfsroot=", "ip=", "nfsaddrs=" };

	for (text += strspn(text, " \""); *text != '\0'; text += strspn(text, " \"")) {
		for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
			if (strncmp(text, ours[i], strlen(ours[i])) != 0)
				continue;
			config_error(p, at, "cmdline may not say %s, the server does; leave that word out", ours[i]);
			return true;
		}
		text += strcspn(text, " ");
	}
	return false;
}

char *
config_text(struct config_parser *p, struct config_place at, int token, char *text)
{
	size_t i = 0;

	while (rules[i].token != token)
		i++;
	if (!rules[i].valid(text)) {
		config_error(p, at, "%s is no %s; %s", config_shown(p, text), rules[i].what, rules[i].right);
		return NULL;
	}
	if (token == T_CMDLINE && cmdline_overrides(p, at, text))
		return NULL;
	return text;
}
