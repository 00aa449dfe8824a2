/* SPDX-License-Identifier: ISC */
/*
 * Any configuration, and any fstab and hosts of an image, through what writes texts of them: the command line of a board and its export
 * are one line each, of what can be printed, within their bounds; the guard's table is one of nothing but rules of ours, and is told from
 * every other text that nft might list; a rewritten fstab mounts no disk, and rewritten again it
 * stays; a rewritten hosts names the client once.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include "config.h"
#include "disklessctl/adapt.h"
#include "disklessd/disklessd.h"
#include "disklessd/guard_rules.h"
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

#define MOST 16

/* Each line of it begins as one of ours does. */
static void
check_rules(const char *rules)
{
	static const char *const ours[] = { "add table netdev diskless\n", "delete table netdev diskless\n",
		"table netdev diskless {\n", "\tset ", "\t\ttype ", "\t\telements = { ", "\t\t\t     ", "\t}\n", "\n",
		"}\n", "\tchain network", "\t\tvlan id != 0 accept\n", "\t\tether ", "\t\tmeta protocol 8021",
		"\t\tip saddr @", "\t\tarp saddr ip @held counter drop\n", "\t\tudp dport { ", "\t\ttcp dport { " };

	for (const char *line = rules; *line != '\0'; line = strchr(line, '\n') + 1) {
		size_t i = 0, count = sizeof(ours) / sizeof(*ours);

		while (i < count && strncmp(line, ours[i], strlen(ours[i])) != 0)
			i++;
		hold(i < count && strchr(line, '\n') != NULL);
	}
}

static void
check_guard(const struct config *config, const char *listing)
{
	struct msg_network networks[MOST] = { { .index = 0 } };
	struct msg_client clients[MOST] = { { .index = 0 } };
	bool on[MOST] = { false };
	uint32_t closed[MOST] = { 0 };
	struct guard_view view = { .networks = networks, .on = on, .clients = clients, .closed = closed };
	char why[TEXT_SIZE], *rules;

	for (; view.network_count < MOST && view.network_count < config->network_count; view.network_count++) {
		const struct config_network *n = &config->network[view.network_count];

		networks[view.network_count].server = n->server;
		snprintf(networks[view.network_count].interface, INTERFACE_SIZE, "%s", n->interface);
		on[view.network_count] = n->guard;
	}
	for (; view.client_count < MOST && view.client_count < config->client_count; view.client_count++) {
		const struct config_client *c = &config->client[view.client_count];

		clients[view.client_count].network = (uint32_t)(c->network - config->network);
		clients[view.client_count].address = closed[view.client_count] = c->address;
		memcpy(clients[view.client_count].mac, c->mac, MAC_SIZE);
	}
	view.closed_count = view.client_count / 2;
	view.all_closed = config->client_count % 2 == 1;
	rules = guard_rules(&view);
	hold(rules != NULL);
	check_rules(rules);
	hold(guard_verify(guard_wanted(&view) ? strstr(rules, "\ntable") + 1 : "", rules, why, sizeof(why)));
	/* A listing that is taken says as much as the rules do. */
	if (guard_verify(listing, rules, why, sizeof(why)) && guard_wanted(&view))
		hold(strlen(listing) >= strlen("table netdev diskless {}"));
	guard_dropped(listing, "eth1");
	free(rules);
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
	check_guard(config, text);
	config_free(config);
}

/* Any listing beside the rules of a network that is guarded. */
static void
listing(const char *text)
{
	static const struct msg_network network = { .interface = "eth1" };
	static const bool on = true;
	const struct guard_view view = { .networks = &network, .on = &on, .network_count = 1 };
	char why[TEXT_SIZE] = "", *rules = guard_rules(&view);

	hold(rules != NULL);
	hold(guard_verify(text, rules, why, sizeof(why)) || why[0] != '\0');
	guard_dropped(text, network.interface);
	free(rules);
}

static void
fstab(const char *text)
{
	char *once = adapt_fstab(text), *twice;

	hold(once != NULL && strlen(once) >= strlen(text) && (twice = adapt_fstab(once)) != NULL);
	hold(strcmp(once, twice) == 0);
	free(once);
	free(twice);
	hold((once = adapt_boot_mount(text)) != NULL && strncmp(once, text, strlen(text)) == 0);
	hold(strstr(once, "/boot/firmware") != NULL);
	hold((twice = adapt_boot_mount(once)) != NULL && strcmp(once, twice) == 0);
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

/* What was put out of use stays so. */
static void
interfaces(const char *text)
{
	char *once = adapt_interfaces(text), *twice;

	hold(once != NULL && strlen(once) >= strlen(text) && (twice = adapt_interfaces(once)) != NULL);
	hold(strcmp(once, twice) == 0);
	free(once);
	free(twice);
}

static void
dhcpcd(const char *text)
{
	char *once = adapt_dhcpcd(text), *twice;

	hold(once != NULL && strstr(once, "denyinterfaces eth0") != NULL && (twice = adapt_dhcpcd(once)) != NULL);
	hold(strcmp(once, twice) == 0);
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
	listing(text);
	fstab(text);
	hosts(text);
	interfaces(text);
	dhcpcd(text);
	free(text);
	return 0;
}
