/* SPDX-License-Identifier: ISC */
/*
 * Any configuration, and any fstab and hosts of an image, through what writes texts of them: the command line of a board and its export
 * are one line each, of what can be printed, within their bounds; a rewritten fstab mounts no disk, and rewritten again it
 * stays; a rewritten hosts names the client once.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include "config.h"
#include "disklessctl/adapt.h"
#include "disklessd/disklessd.h"
#include "tests/ipc/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static bool
subnet(const char *interface, uint32_t server, uint32_t *network, unsigned *prefix, const char **why)
{
	*prefix = 24;
	*network = server & htonl(0xffffff00);
	return true;
}

static const struct config_resolver resolver = { .subnet = subnet };

static void
one_line(const char *text, int length)
{
	hold(length == (int)strlen(text) && text[length - 1] == '\n');
	for (int i = 0; i < length - 1; i++)
		hold(text[i] >= ' ' && text[i] != 0x7f);
}

static void
check_client(const struct config_client *c)
{
	char text[1024], exact[64];
	int length = boot_cmdline(c, text, sizeof(text));

	if (length != -1) {
		hold(length < (int)sizeof(text));
		one_line(text, length);
		hold(strncmp(text, "console=", 8) == 0 && strstr(text, " root=") != NULL);
	}
	hold(boot_cmdline(c, exact, sizeof(exact)) == -1);
	length = exports_line(text, sizeof(text), c->name, c->address, 7);
	hold(length < (int)sizeof(text));
	one_line(text, length);
	hold(
	    strchr(text, ' ') == strrchr(text, ' ') && strstr(text, ",fsid=7)\n") != NULL && strchr(text, '*') == NULL);
}

static void
configuration(const char *text, size_t length)
{
	static char errors[8192];
	struct config *config = config_parse("fuzz", text, length, &resolver, errors, sizeof(errors));

	if (config == NULL)
		return;
	for (size_t i = 0; i < config->client_count; i++)
		check_client(&config->client[i]);
	config_free(config);
}

static void
fstab(const char *text)
{
	char *once = adapt_fstab(text), *twice;

	hold(once != NULL && strlen(once) >= strlen(text) && (twice = adapt_fstab(once)) != NULL);
	hold(strcmp(once, twice) == 0);
	free(once);
	free(twice);
}

static void
hosts(const char *text)
{
	char *once = adapt_hosts(text, "node1"), *twice;

	hold(once != NULL && strstr(once, "127.0.1.1\tnode1\n") != NULL);
	hold((twice = adapt_hosts(once, "node1")) != NULL && strcmp(once, twice) == 0);
	free(once);
	free(twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = malloc(length + 1);

	hold(text != NULL);
	memcpy(text, bytes, length);
	text[length] = '\0';
	configuration(text, length);
	fstab(text);
	hosts(text);
	free(text);
	return 0;
}
