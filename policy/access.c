/* SPDX-License-Identifier: ISC */
/* See access.h. */
#include "access.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"

#define SERIAL_DIGITS 8

/* ---- the path ---- */

/* One component of a path; borrowed. */
struct component {
	const char *text;
	size_t length;
};

/* The next one that counts ("" and "." do not), or length 0. */
static struct component
next_component(const char **path)
{
	struct component c = { *path, 0 };

	do {
		c.text += c.length;
		c.text += strspn(c.text, "/");
		c.length = strcspn(c.text, "/");
	} while (c.length == 1 && c.text[0] == '.');
	*path = c.text + c.length;
	return c;
}

static bool
is_text(const struct component *c)
{
	for (size_t i = 0; i < c->length; i++)
		if ((unsigned char)c->text[i] < 0x20 || c->text[i] == 0x7f)
			return false;
	return true;
}

static bool
is_dot_dot(const struct component *c)
{
	return c->length == 2 && memcmp(c->text, "..", 2) == 0;
}

/* Low 32 bits of a serial as boards write them (TFTP_PREFIX=0): exactly 8 hex digits. */
static bool
as_serial(const struct component *c, uint32_t *serial)
{
	char digits[SERIAL_DIGITS + 1];

	if (c->length != SERIAL_DIGITS)
		return false;
	memcpy(digits, c->text, SERIAL_DIGITS);
	digits[SERIAL_DIGITS] = '\0';
	if (strspn(digits, "0123456789abcdefABCDEF") != SERIAL_DIGITS)
		return false;
	*serial = (uint32_t)strtoul(digits, NULL, 16);
	return true;
}

/* A MAC as boards write it (TFTP_PREFIX=2): with dashes. */
static bool
as_mac(const struct component *c, uint8_t mac[static MAC_SIZE])
{
	char text[MAC_TEXT];

	if (c->length != MAC_TEXT - 1 || c->text[2] != '-')
		return false;
	memcpy(text, c->text, c->length);
	text[c->length] = '\0';
	return mac_parse(text, mac);
}

enum prefix { PREFIX_NONE, PREFIX_OWN, PREFIX_FOREIGN };

static enum prefix
prefix_of(const struct component *c, const struct msg_client *client)
{
	uint8_t mac[MAC_SIZE];
	uint32_t serial;

	if (as_serial(c, &serial))
		return client->has_serial && serial == client->serial ? PREFIX_OWN : PREFIX_FOREIGN;
	if (as_mac(c, mac))
		return memcmp(mac, client->mac, MAC_SIZE) == 0 ? PREFIX_OWN : PREFIX_FOREIGN;
	return PREFIX_NONE;
}

/* Appends c to rest, which holds length bytes. The new length, or 0 if it may not or does not fit. */
static size_t
append(char rest[static PATH_SIZE], size_t length, const struct component *c)
{
	size_t slash = length > 0;

	if (is_dot_dot(c) || !is_text(c) || c->length >= PATH_SIZE - length - slash)
		return 0;
	if (slash)
		rest[length] = '/';
	memcpy(rest + length + slash, c->text, c->length);
	length += slash + c->length;
	rest[length] = '\0';
	return length;
}

static enum access_verdict
read_path(const struct msg_client *client, const char *path, char rest[static PATH_SIZE])
{
	struct component c = next_component(&path);
	size_t length = 0;

	switch (prefix_of(&c, client)) {
	case PREFIX_FOREIGN:
		return ACCESS_FOREIGN;
	case PREFIX_OWN:
		c = next_component(&path);
		break;
	case PREFIX_NONE:
		break;
	}
	for (; c.length > 0; c = next_component(&path))
		if ((length = append(rest, length, &c)) == 0)
			return ACCESS_BAD_PATH;
	return length > 0 ? ACCESS_GRANTED : ACCESS_BAD_PATH;
}

/* ---- reading ---- */

static const struct msg_client *
client_at(const struct access_view *view, uint32_t network, uint32_t address)
{
	for (size_t i = 0; i < view->client_count; i++)
		if (view->clients[i].network == network && view->clients[i].address == address)
			return &view->clients[i];
	return NULL;
}

enum access_verdict
access_read(const struct access_view *view, uint32_t network, uint32_t address, const uint8_t *mac, const char *path,
    const struct msg_client **client, char rest[static PATH_SIZE])
{
	enum access_verdict verdict;

	rest[0] = '\0';
	*client = client_at(view, network, address);
	if (*client == NULL)
		return ACCESS_NO_CLIENT;
	if (mac == NULL || memcmp(mac, (*client)->mac, MAC_SIZE) != 0)
		return ACCESS_WRONG_MAC;
	if ((*client)->boot != BOOT_NETWORK)
		return ACCESS_NOT_SERVED;
	verdict = read_path(*client, path, rest);
	if (verdict != ACCESS_GRANTED)
		rest[0] = '\0';
	return verdict;
}

/* ---- exporting ---- */

/* An address that a machine of this network can have, other than ours. */
static bool
is_of_a_board(uint32_t address, const struct msg_network *network)
{
	return address_is_host(address, network->server, network->prefix) && address != network->server;
}

/* nfsd knows addresses, not networks: an address that two clients have would reach both roots. */
static bool
is_only_one(const struct access_view *view, const struct msg_client *client)
{
	bool found = false;

	for (size_t i = 0; i < view->client_count; i++) {
		if (view->clients[i].address != client->address)
			continue;
		if (view->clients[i].index != client->index)
			return false;
		found = true;
	}
	return found;
}

bool
access_export(const struct access_view *view, const struct msg_client *client, uint32_t address)
{
	return client->root == ROOT_NFS && address == client->address && client->network < view->network_count &&
	       is_of_a_board(address, &view->networks[client->network]) && is_only_one(view, client);
}

const char *
access_text(enum access_verdict verdict)
{
	switch (verdict) {
	case ACCESS_GRANTED:
		return "granted";
	case ACCESS_NO_CLIENT:
		return "no client has this address";
	case ACCESS_WRONG_MAC:
		return "the address is held by another MAC";
	case ACCESS_FOREIGN:
		return "the path is another client's";
	case ACCESS_BAD_PATH:
		return "no path of a file";
	case ACCESS_NOT_SERVED:
		return "the client boots from its card";
	}
	return "unknown";
}
