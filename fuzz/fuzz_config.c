/* SPDX-License-Identifier: ISC */
/* Whatever the text: an error list that ends, or a configuration that keeps its rules and means the same printed back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static bool
subnet(const char *interface, uint32_t server, uint32_t *network, unsigned *prefix, const char **why)
{
	*prefix = interface[0] == 'w' ? 31 : 24;
	*network = server & prefix_mask(*prefix);
	*why = "it begins with x";
	return interface[0] != 'x';
}

static bool
image_is_there(const char *name, const char **why)
{
	return name[0] != 'x';
}

static const struct config_resolver resolver = { .subnet = subnet, .image = image_is_there };

/* With a little of everything, so that an input can be another configuration by any one thing. */
static const char base_text[] =
    "server-address 10.0.0.1\n"
    "network \"lab\" { interface eth1 gateway 10.0.0.2 name-servers { 10.0.0.3 } boot-file efi-x64 \"a.efi\" }\n"
    "image \"a\" { source \"/a.img\" packages { vim } user \"u\" { groups { video } } file \"/x\" \"/y\" keep { /srv } "
    "}\n"
    "client \"c\" { mac 02:00:00:00:00:01 network \"lab\" address 10.0.0.5 image \"a\" quota 1G keep { /srv/w } }\n";

static void
check_errors(const char *errors)
{
	unsigned lines = 0;

	require(errors[0] != '\0' && errors[strlen(errors) - 1] == '\n');
	for (; *errors != '\0'; errors++) {
		require((*errors >= ' ' && *errors <= '~') || *errors == '\n');
		lines += *errors == '\n';
	}
	require(lines <= 20);
}

/* What ends in a path below a tree, or in an argument of a program that runs in it. */
static void
check_inner(const char *path)
{
	require(path[0] == '/' && path[1] != '\0' && strstr(path, "//") == NULL && strstr(path, "/../") == NULL);
	require(strlen(path) < 4 || strcmp(path + strlen(path) - 3, "/..") != 0);
}

static void
check_image(const struct config_image *image)
{
	require(config_name_valid(image->name) && (image->source == NULL || image->suite == NULL));
	require((image->suite == NULL) == (image->architecture == NULL) && image->room <= CONFIG_ROOM_MAX);
	require(image->sha256 == NULL || image->source != NULL);
	for (size_t i = 0; i < image->packages.count; i++)
		require(strchr("-+.", image->packages.word[i][0]) == NULL);
	for (size_t i = 0; i < image->keep.count; i++)
		check_inner(image->keep.word[i]);
	for (size_t i = 0; i < image->file_count; i++)
		check_inner(image->file[i].target);
	for (size_t i = 0; i < image->user_count; i++)
		require(image->user[i].name[0] != '-' && strpbrk(image->user[i].name, ":/, ") == NULL);
}

static void
check_client(const struct config_client *c)
{
	require(config_name_valid(c->name) && mac_is_unicast(c->mac));
	require(address_in(c->address, c->network->subnet, c->network->prefix) && c->address != c->network->server);
	require(c->root == ROOT_LOCAL ? c->local_root != NULL : c->image != NULL && c->quota >= CONFIG_QUOTA_MIN);
	require(c->cmdline == NULL || strpbrk(c->cmdline, "\r\n\t") == NULL);
}

static void
check(const struct config *c)
{
	for (size_t i = 0; i < c->network_count; i++) {
		require(config_name_valid(c->network[i].name) && strlen(c->network[i].interface) < INTERFACE_SIZE);
		require(c->network[i].server != 0 && c->network[i].prefix >= 1 && c->network[i].prefix <= 30);
	}
	for (size_t i = 0; i < c->image_count; i++)
		check_image(&c->image[i]);
	for (size_t i = 0; i < c->client_count; i++)
		check_client(&c->client[i]);
}

static char *
printed(const struct config *config)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	require(f != NULL);
	config_print(config, f);
	fclose(f);
	return text;
}

static void
check_round_trip(const struct config *config)
{
	static char errors[8192];
	char *text = printed(config);
	struct config *again = config_parse("printed", text, strlen(text), &resolver, errors, sizeof(errors));

	require(again != NULL && config_equal(config, again));
	config_free(again);
	free(text);
}

/* Two are the same if, and only if, they are printed the same. */
static void
check_equality(const struct config *config)
{
	static char errors[8192];
	struct config *base = config_parse("base", base_text, sizeof(base_text) - 1, &resolver, errors, sizeof(errors));
	char *a = printed(config), *b;

	if (base == NULL) {
		fputs(errors, stderr);
		abort();
	}
	b = printed(base);
	require(config_equal(config, base) == (strcmp(a, b) == 0));
	config_free(base);
	free(a);
	free(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static char errors[32768];
	struct config *config = config_parse("fuzz", (const char *)bytes, length, &resolver, errors, sizeof(errors));

	if (config == NULL) {
		check_errors(errors);
		return 0;
	}
	require(errors[0] == '\0');
	check(config);
	check_round_trip(config);
	check_equality(config);
	config_free(config);
	return 0;
}
