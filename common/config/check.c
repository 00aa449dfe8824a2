/* SPDX-License-Identifier: ISC */
/*
 * Duty: what no single statement can tell: names resolved, defaults from elsewhere, nothing missing, nothing there twice, every
 * address where it belongs. A value that is 0 or NULL here has its error already.
 */
#include "parse.h"

#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "address.h"
#include "grammar.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static struct config_place
where(const struct config_block *b, int token)
{
	return b->at[config_word_index(token)];
}

static bool
given(const struct config_block *b, int token)
{
	return where(b, token).line != 0;
}

/* The first or last address of a subnet, which no machine may have. */
static bool
is_edge(uint32_t address, uint32_t subnet, unsigned prefix)
{
	return address == subnet || address == (subnet | ~prefix_mask(prefix));
}

/* Is address (of statement token) one that a machine of the network can have? */
static bool
check_inside(
    struct config_parser *p, const struct config_block *b, int token, uint32_t address, const struct config_network *n)
{
	char text[ADDRESS_TEXT], subnet[ADDRESS_TEXT];
	struct config_place at = given(b, token) ? where(b, token) : b->place;

	if (address == 0 || n->prefix == 0)
		return true;
	address_text(address, text);
	address_text(n->subnet, subnet);
	if (!address_in(address, n->subnet, n->prefix))
		config_error(p, at, "%s %s is not in network %s; its subnet is %s/%u", config_word(token), text,
		    config_shown(p, n->name), subnet, n->prefix);
	else if (is_edge(address, n->subnet, n->prefix))
		config_error(p, at, "%s %s is the first or last of %s/%u; take one between them", config_word(token),
		    text, subnet, n->prefix);
	else
		return true;
	return false;
}

/* ---- networks ---- */

static void
network_server(struct config_parser *p, const struct config_block *b, struct config_network *n)
{
	n->own_server = given(b, T_SERVER_ADDRESS);
	if (n->own_server)
		return;
	n->server = p->config->server_address;
	if (!given(&p->top, T_SERVER_ADDRESS))
		config_error(p, b->place,
		    "network %s has no server-address; write one here or before all blocks: "
		    "server-address 192.168.10.11",
		    config_shown(p, n->name));
}

static void
network_subnet(struct config_parser *p, const struct config_block *b, struct config_network *n)
{
	const char *why = "it has no such address";
	char server[ADDRESS_TEXT];

	n->own_subnet = given(b, T_SUBNET);
	if (n->own_subnet || n->interface == NULL || n->server == 0 || p->resolver == NULL ||
	    p->resolver->subnet == NULL)
		return;
	if (p->resolver->subnet(n->interface, n->server, &n->subnet, &n->prefix, &why)) {
		if (n->prefix >= 1 && n->prefix <= 30)
			return;
		why = "its prefix is not 1 to 30";
	}
	n->prefix = 0;
	config_error(p, where(b, T_INTERFACE),
	    "interface %s cannot serve with %s: %s; correct one of them, or set up the interface first",
	    config_shown(p, n->interface), address_text(n->server, server), why);
}

static bool
overlap(const struct config_network *a, const struct config_network *b)
{
	if (a->prefix == 0 || b->prefix == 0)
		return false;
	return address_in(a->subnet, b->subnet, a->prefix < b->prefix ? a->prefix : b->prefix);
}

static void
network_alone(struct config_parser *p, const struct config_block *b, const struct config_network *n)
{
	for (const struct config_network *o = p->config->network; o < n; o++) {
		if (o->interface != NULL && n->interface != NULL && strcmp(o->interface, n->interface) == 0) {
			config_error(p, where(b, T_INTERFACE),
			    "interface %s has network %s already; a network has one of its own",
			    config_shown(p, n->interface), config_shown(p, o->name));
			return;
		}
		if (overlap(o, n)) {
			config_error(p, given(b, T_SUBNET) ? where(b, T_SUBNET) : b->place,
			    "the subnets of networks %s and %s overlap; each needs one of its own",
			    config_shown(p, o->name), config_shown(p, n->name));
			return;
		}
	}
}

static void
check_network(struct config_parser *p, const struct config_block *b, struct config_network *n)
{
	if (!given(b, T_INTERFACE))
		config_error(p, b->place, "network %s has no interface; add a line like: interface eth1",
		    config_shown(p, n->name));
	if (n->guard && n->interface != NULL && strpbrk(n->interface, "\"\\*") != NULL)
		config_error(p, where(b, T_GUARD), "guard cannot name interface %s to nft; rename the interface",
		    config_shown(p, n->interface));
	network_server(p, b, n);
	network_subnet(p, b, n);
	check_inside(p, b, T_SERVER_ADDRESS, n->server, n);
	check_inside(p, b, T_GATEWAY, n->gateway, n);
	network_alone(p, b, n);
}

/* ---- clients ---- */

static const struct {
	int token;
	bool nfs; /* needed only for a root of ours */
	const char *example;
} needed[] = {
	{ T_NETWORK, false, "network \"lab\"" },
	{ T_ADDRESS, false, "address 192.168.10.12" },
	{ T_MAC, false, "mac dc:a6:32:01:02:03" },
	{ T_IMAGE, true, "image \"bookworm\"" },
	{ T_QUOTA, true, "quota 8G" },
};

static void
client_complete(struct config_parser *p, const struct config_block *b, const struct config_client *c)
{
	for (size_t i = 0; i < LENGTH(needed); i++) {
		if (given(b, needed[i].token) || (needed[i].nfs && c->root != ROOT_NFS))
			continue;
		config_error(p, b->place, "client %s has no %s; add a line like: %s", config_shown(p, c->name),
		    config_word(needed[i].token), needed[i].example);
	}
}

/* Index of the block with that name, or -1 with the error that lists those there are. */
static ssize_t
resolve(struct config_parser *p, const struct config_blocks *blocks, struct config_place at, const char *kind,
    const char *name)
{
	char known[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < blocks->count; i++) {
		if (strcmp(blocks->block[i].name, name) == 0)
			return (ssize_t)i;
	}
	for (size_t i = 0; i < blocks->count && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i == 0 ? "" : ", ",
		    config_shown(p, blocks->block[i].name));
	if (used >= sizeof(known))
		memcpy(known + sizeof(known) - 4, "...", 4);
	config_error(p, at, "there is no %s %s; there is: %s", kind, config_shown(p, name), used == 0 ? "none" : known);
	return -1;
}

static void
client_names(struct config_parser *p, const struct config_block *b, struct config_client *c)
{
	ssize_t i;

	if (b->network != NULL && (i = resolve(p, &p->network, where(b, T_NETWORK), "network", b->network)) != -1)
		c->network = &p->config->network[i];
	if (b->image != NULL && (i = resolve(p, &p->image, where(b, T_IMAGE), "image", b->image)) != -1)
		c->image = &p->config->image[i];
}

static void
client_address(struct config_parser *p, const struct config_block *b, const struct config_client *c)
{
	const struct config_network *n = c->network;
	const char *whose = NULL;
	char text[ADDRESS_TEXT];

	if (n == NULL || c->address == 0 || !check_inside(p, b, T_ADDRESS, c->address, n))
		return;
	if (c->address == n->server)
		whose = "server";
	else if (c->address == n->gateway)
		whose = "gateway";
	if (whose != NULL)
		config_error(p, where(b, T_ADDRESS), "address %s is that of the %s of network %s; take a free one",
		    address_text(c->address, text), whose, config_shown(p, n->name));
}

/* What no two clients may share. A board asks for its files by the last 8 digits of its serial. */
static bool
same_address(const struct config_client *a, const struct config_client *b)
{
	return a->address != 0 && a->address == b->address;
}

static bool
same_mac(const struct config_client *a, const struct config_client *b)
{
	return mac_is_unicast(a->mac) && memcmp(a->mac, b->mac, MAC_SIZE) == 0;
}

static bool
same_serial(const struct config_client *a, const struct config_client *b)
{
	return a->has_serial && b->has_serial && (uint32_t)a->serial == (uint32_t)b->serial;
}

static const struct {
	int token;
	bool (*same)(const struct config_client *, const struct config_client *);
	const char *right;
} unique[] = {
	{ T_ADDRESS, same_address, "each client needs an address of its own" },
	{ T_MAC, same_mac, "each client is a board of its own" },
	{ T_SERIAL, same_serial, "the last 8 digits tell boards apart" },
};

static void
client_unique(struct config_parser *p, size_t index)
{
	const struct config_client *c = p->config->client;

	for (size_t u = 0; u < LENGTH(unique); u++) {
		for (size_t i = 0; i < index; i++) {
			if (!unique[u].same(&c[i], &c[index]))
				continue;
			config_error(p, where(&p->client.block[index], unique[u].token),
			    "client %s has the %s of client %s at %s; %s", config_shown(p, c[index].name),
			    config_word(unique[u].token), config_shown(p, c[i].name),
			    config_place_text(p, where(&p->client.block[i], unique[u].token)), unique[u].right);
			break;
		}
	}
}

static void
check_client(struct config_parser *p, size_t index)
{
	struct config_client *c = &p->config->client[index];
	const struct config_block *b = &p->client.block[index];

	client_complete(p, b, c);
	client_names(p, b, c);
	client_address(p, b, c);
	client_unique(p, index);
}

/* ---- images ---- */

static const struct {
	int token;
	int needs;
	const char *example;
} together[] = {
	{ T_SUITE, T_ARCHITECTURE, "architecture arm64" },
	{ T_ARCHITECTURE, T_SUITE, "suite bookworm" },
	{ T_MIRROR, T_SUITE, "suite bookworm" },
	{ T_SHA256, T_SOURCE, "source \"/srv/downloads/raspios.img.xz\"" },
};

static void
image_complete(struct config_parser *p, const struct config_block *b)
{
	if (given(b, T_SOURCE) && given(b, T_SUITE)) {
		config_error(p, where(b, T_SUITE),
		    "image %s has a source already, at %s; it is made of a source or a suite", config_shown(p, b->name),
		    config_place_text(p, where(b, T_SOURCE)));
		return;
	}
	for (size_t i = 0; i < LENGTH(together); i++) {
		if (given(b, together[i].token) && !given(b, together[i].needs))
			config_error(p, where(b, together[i].token), "%s is for an image with %s; add a line like: %s",
			    config_word(together[i].token), config_word(together[i].needs), together[i].example);
	}
}

/* An image is there or not whoever uses it: one error each, at its first client. */
static void
image_there(struct config_parser *p, const struct config_image *image)
{
	const char *why = "no version of it is there";

	for (size_t i = 0; i < p->config->client_count; i++) {
		if (p->config->client[i].image != image)
			continue;
		if (!p->resolver->image(image->name, &why))
			config_error(p, where(&p->client.block[i], T_IMAGE),
			    image->source == NULL && image->suite == NULL
				? "image %s is not imported: %s; run: disklessctl image import FILE --name %s"
				: "image %s is not built: %s; run: disklessctl image build %s",
			    config_shown(p, image->name), why, image->name);
		return;
	}
}

void
config_check(struct config_parser *p)
{
	struct config *c = p->config;

	if (p->bad_syntax)
		return;
	for (size_t i = 0; i < c->network_count; i++)
		check_network(p, &p->network.block[i], &c->network[i]);
	for (size_t i = 0; i < c->client_count; i++)
		check_client(p, i);
	for (size_t i = 0; i < c->image_count; i++)
		image_complete(p, &p->image.block[i]);
	for (size_t i = 0; i < c->image_count && p->resolver != NULL && p->resolver->image != NULL; i++)
		image_there(p, &c->image[i]);
}
