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
#include "boot_arch.h"
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

/* A number of seconds, or of minutes, hours or days. 0: it is none. */
static uint64_t
duration(const char *text)
{
	static const struct {
		const char *unit;
		unsigned seconds;
	} units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
	size_t digits = strspn(text, DIGITS);
	uint64_t number;

	if (digits == 0 || digits > 9)
		return 0;
	number = strtoull(text, NULL, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(text + digits, units[i].unit) == 0)
			return number * units[i].seconds;
	return 0;
}

uint32_t
config_lease(struct config_parser *p, struct config_place at, const char *text)
{
	uint64_t seconds = duration(text);

	if (seconds >= CONFIG_LEASE_MIN && seconds <= CONFIG_LEASE_MAX)
		return (uint32_t)seconds;
	config_error(p, at, "%s is no lease time; one is 60 seconds to 365 days, a number with s, m, h or d: 12h",
	    config_shown(p, text));
	return 0;
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

/* 0: it is none. */
uint32_t
config_inodes(struct config_parser *p, struct config_place at, const char *text)
{
	uint64_t number;

	if (config_size_parse(text, &number) && number >= CONFIG_INODES_MIN && number <= UINT32_MAX)
		return (uint32_t)number;
	config_error(p, at, "%s is no number of inodes; one is %u or more, also with K or M: 500K",
	    config_shown(p, text), (unsigned)CONFIG_INODES_MIN);
	return 0;
}

uint64_t
config_low_water(struct config_parser *p, struct config_place at, const char *text)
{
	uint64_t bytes;

	if (config_size_parse(text, &bytes) && bytes > 0)
		return bytes;
	config_error(p, at, "%s is no size; one is a number of bytes, or a number with K, M, G or T: 10G",
	    config_shown(p, text));
	return 0;
}

uint64_t
config_room(struct config_parser *p, struct config_place at, const char *text)
{
	uint64_t bytes;

	if (!config_size_parse(text, &bytes) || bytes == 0)
		config_error(p, at, "%s is no size; one is a number of bytes, or a number with K, M, G or T: 2G",
		    config_shown(p, text));
	else if (bytes > CONFIG_ROOM_MAX)
		config_error(p, at, "room %s is too much; the most is %uG", text, (unsigned)(CONFIG_ROOM_MAX >> 30));
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

bool
config_boot_file_valid(enum boot_arch arch, const char *text)
{
	if (*text == '\0') /* none */
		return true;
	if (strlen(text) >= BOOT_FILE_SIZE || !is_visible(text, '!'))
		return false;
	if (boot_arch_http(arch))
		return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
	return strcmp(text, "..") != 0 && strncmp(text, "../", 3) != 0 && strstr(text, "/../") == NULL &&
	       (strlen(text) < 3 || strcmp(text + strlen(text) - 3, "/..") != 0);
}

/* Debian policy 5.6.1; a '-' at its end would have apt-get remove it. */
static bool
package_valid(const char *text)
{
	return strspn(text, LOWER DIGITS "+-.") == strlen(text) && strspn(text, LOWER DIGITS) > 0 &&
	       text[strlen(text) - 1] != '-';
}

static bool
sha256_valid(const char *text)
{
	return strlen(text) == 64 && strspn(text, DIGITS "abcdef") == 64;
}

/* A directory below dists/ of a mirror. */
static bool
suite_valid(const char *text)
{
	return strspn(text, LOWER DIGITS "-") == strlen(text) && text[0] >= 'a' && text[0] <= 'z';
}

static bool
architecture_valid(const char *text)
{
	return strcmp(text, "arm64") == 0 || strcmp(text, "armhf") == 0 || strcmp(text, "amd64") == 0;
}

static bool
mirror_valid(const char *text)
{
	return (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0) &&
	       strspn(text, UPPER LOWER DIGITS "-._~:/%+@") == strlen(text);
}

static bool
locale_valid(const char *text)
{
	return strspn(text, UPPER LOWER DIGITS "_.@-") == strlen(text) && strspn(text, UPPER LOWER) > 0;
}

/* useradd(8) of Debian, and nothing that its tools could read as an option. */
static bool
user_valid(const char *text)
{
	return strlen(text) <= 32 && strspn(text, LOWER DIGITS "_-") == strlen(text) && strspn(text, LOWER "_") > 0;
}

/* crypt(5); a field of shadow(5). */
static bool
hash_valid(const char *text)
{
	return text[0] == '$' && strlen(text) >= 16 && strlen(text) <= 512 &&
	       strspn(text, UPPER LOWER DIGITS "./$=,+-") == strlen(text);
}

/* A line of the firmware's config.txt is cut behind its 98th character. */
static bool
config_txt_valid(const char *text)
{
	return *text != '\0' && strlen(text) <= 98 && is_visible(text, ' ');
}

/* Absolute, with one spelling: no empty component, no "." and no "..", none at the end. */
static bool
inner_path_valid(const char *text)
{
	if (strlen(text) >= PATH_SIZE || text[0] != '/')
		return false;
	for (; *text == '/'; text += strcspn(text, "/")) {
		size_t length = strcspn(++text, "/");

		if (length == 0 || (length <= 2 && strncmp(text, "..", length) == 0))
			return false;
	}
	return true;
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
	{ T_SHA256, sha256_valid, "digest", "one has 64 hexadecimal digits, as sha256sum prints it" },
	{ T_SUITE, suite_valid, "suite", "one is the name of a release of Debian: bookworm" },
	{ T_ARCHITECTURE, architecture_valid, "architecture", "one is arm64, armhf or amd64" },
	{ T_MIRROR, mirror_valid, "mirror", "one is a URL: http://deb.debian.org/debian" },
	{ T_LOCALE, locale_valid, "locale", "one is a name of locales: en_GB.UTF-8" },
	{ T_USER, user_valid, "user",
	    "one has at most 32 lower case letters, digits, '_' and '-', the first none of '-' and digits: pi" },
	{ T_GROUPS, user_valid, "group",
	    "one has at most 32 lower case letters, digits, '_' and '-', the first none of '-' and digits: gpio" },
	{ T_PASSWORD_HASH, hash_valid, "password hash", "one begins with '$' and is made by: openssl passwd -6" },
	{ T_CONFIG_TXT, config_txt_valid, "line of config.txt",
	    "one has at most 98 printable ASCII characters: gpu_mem=16" },
	{ T_FILE, inner_path_valid, "path in the image", "one is absolute, without \".\" and \"..\": /etc/motd" },
	{ T_KEEP, inner_path_valid, "path to keep", "one is absolute, without \".\" and \"..\": /var/lib/app" },
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
