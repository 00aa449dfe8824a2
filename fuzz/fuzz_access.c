/* SPDX-License-Identifier: ISC */
/*
 * Any path against a fixed view of three clients. What holds: what is granted stays below the client's own directory, does not
 * change when it is asked for again, and nobody else's prefix leads anywhere. And any addresses: what may be exported is one client's alone.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "access.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const struct msg_network network = { .server = 0x0a0a0a01, .prefix = 24 };

static const struct msg_client clients[] = {
	{ .index = 0,
	    .address = 1,
	    .serial = 0x1234abcd,
	    .has_serial = 1,
	    .boot = BOOT_NETWORK,
	    .mac = { 2, 0, 0, 0, 0, 1 } },
	{ .index = 1, .address = 2, .boot = BOOT_NETWORK, .mac = { 0xdc, 0xa6, 0x32, 1, 2, 3 } },
	{ .index = 2, .address = 3, .serial = 0xffff, .has_serial = 1, .boot = BOOT_SD, .mac = { 2, 0, 0, 0, 0, 3 } },
};

static const struct access_view view = { &network, 1, clients, 3 };

static void
hold(int truth)
{
	if (!truth)
		abort();
}

/* The opposite reading of the same rule: nothing in rest that could lead out, or that an operator cannot print. */
static void
check_rest(const char rest[static PATH_SIZE])
{
	size_t length = strnlen(rest, PATH_SIZE), start = 0;

	hold(length > 0 && length < PATH_SIZE && rest[0] != '/' && rest[length - 1] != '/');
	for (size_t i = 0; i <= length; i++) {
		unsigned char c = (unsigned char)rest[i];

		hold(i == length || (c >= 0x20 && c != 0x7f));
		if (c != '/' && i != length)
			continue;
		hold(i > start);
		hold(!(i - start == 1 && rest[start] == '.'));
		hold(!(i - start == 2 && rest[start] == '.' && rest[start + 1] == '.'));
		start = i + 1;
	}
}

static void
check_client(uint32_t i, const char *path)
{
	const struct msg_client *who;
	char rest[PATH_SIZE], below[PATH_SIZE + 16] = "x/", again[PATH_SIZE];
	enum access_verdict verdict = access_read(&view, 0, clients[i].address, clients[i].mac, path, &who, rest);

	hold(who == &clients[i]);
	hold(verdict == ACCESS_GRANTED || rest[0] == '\0');
	if (verdict != ACCESS_GRANTED)
		return;
	hold(clients[i].boot == BOOT_NETWORK);
	check_rest(rest);
	if (strlen(rest) + 2 >= PATH_SIZE)
		return;
	/* What was granted is already as short as it gets. */
	strcat(below, rest);
	hold(access_read(&view, 0, clients[i].address, clients[i].mac, below, &who, again) == ACCESS_GRANTED);
	hold(strcmp(again, below) == 0);
}

static void
check_nobody(const char *path)
{
	const struct msg_client *who;
	char rest[PATH_SIZE];

	hold(access_read(&view, 0, 9, clients[0].mac, path, &who, rest) == ACCESS_NO_CLIENT && who == NULL);
	hold(access_read(&view, 1, 1, clients[0].mac, path, &who, rest) == ACCESS_NO_CLIENT);
	hold(access_read(&view, 0, 1, clients[1].mac, path, &who, rest) == ACCESS_WRONG_MAC && rest[0] == '\0');
	hold(access_read(&view, 0, 1, NULL, path, &who, rest) == ACCESS_WRONG_MAC);
}

static uint32_t
number(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Two clients of any address in a network of any size: 4 bytes each of server and addresses, then prefix, choices. */
static void
check_export(const uint8_t *bytes)
{
	const struct msg_network net = { .server = htonl(number(bytes)), .prefix = 1 + bytes[12] % 30 };
	const struct msg_client two[] = {
		{ .index = 0,
		    .address = htonl(number(bytes + 4)),
		    .network = bytes[13] % 2,
		    .root = bytes[13] & 2 ? ROOT_LOCAL : ROOT_NFS },
		{ .index = 1, .address = htonl(number(bytes + 8)) },
	};
	const struct access_view of = { &net, 1, two, 2 };
	uint32_t address = bytes[13] & 4 ? two[1].address : two[0].address;
	uint32_t server = ntohl(net.server), host = UINT32_MAX >> net.prefix, a = ntohl(address);

	if (!access_export(&of, &two[0], address))
		return;
	hold(two[0].root == ROOT_NFS && two[0].network == 0);
	hold(address == two[0].address && address != two[1].address && address != net.server);
	hold((a & ~host) == (server & ~host) && (a & host) != 0 && (a & host) != host);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *path = malloc(length + 1); /* to the byte, so that a read behind it is seen */

	hold(path != NULL);
	memcpy(path, bytes, length);
	path[length] = '\0';
	for (uint32_t i = 0; i < sizeof(clients) / sizeof(*clients); i++)
		check_client(i, path);
	check_nobody(path);
	if (length >= 14)
		check_export(bytes);
	free(path);
	return 0;
}
