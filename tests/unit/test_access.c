/* SPDX-License-Identifier: ISC */
/* Who may read what, and which root goes to which address. */
#include <criterion/criterion.h>

#include <arpa/inet.h>

#include <string.h>

#include "access.h"
#include "address.h"

static struct msg_network networks[] = {
	{ .index = 0, .prefix = 24, .name = "lab" },
	{ .index = 1, .prefix = 24, .name = "other" },
};

static struct msg_client clients[] = {
	{ .index = 0,
	    .serial = 0x1234abcd,
	    .has_serial = 1,
	    .root = ROOT_NFS,
	    .boot = BOOT_NETWORK,
	    .mac = { 0xdc, 0xa6, 0x32, 1, 2, 3 },
	    .name = "node1" },
	{ .index = 1,
	    .serial = 0x0000ffff,
	    .has_serial = 1,
	    .root = ROOT_NFS,
	    .boot = BOOT_NETWORK,
	    .mac = { 0xdc, 0xa6, 0x32, 1, 2, 4 },
	    .name = "node2" },
	{ .index = 2, .root = ROOT_LOCAL, .boot = BOOT_NETWORK, .mac = { 2, 0, 0, 0, 0, 5 }, .name = "noserial" },
	{ .index = 3, .root = ROOT_NFS, .boot = BOOT_SD, .mac = { 2, 0, 0, 0, 0, 6 }, .name = "card" },
	{ .index = 4,
	    .network = 1,
	    .root = ROOT_NFS,
	    .boot = BOOT_NETWORK,
	    .mac = { 2, 0, 0, 0, 0, 7 },
	    .name = "far" },
};

static const struct access_view view = { networks, 2, clients, 5 };
static const struct msg_client *who;
static char rest[PATH_SIZE];

static void
addresses(void)
{
	networks[0].server = inet_addr("192.168.10.1");
	networks[1].server = inet_addr("192.168.20.1");
	for (uint32_t i = 0; i < 4; i++)
		clients[i].address = htonl(ntohl(networks[0].server) + 10 + i);
	clients[4].address = inet_addr("192.168.20.10");
	memset(rest, 'x', sizeof(rest));
	who = NULL;
}

TestSuite(access, .init = addresses);

static enum access_verdict
read_as(unsigned i, const char *path)
{
	return access_read(&view, clients[i].network, clients[i].address, clients[i].mac, path, &who, rest);
}

/* ---- who ---- */

Test(access, an_address_that_is_no_clients_gets_nothing)
{
	cr_assert_eq(
	    access_read(&view, 0, inet_addr("192.168.10.99"), clients[0].mac, "x", &who, rest), ACCESS_NO_CLIENT);
	cr_assert_null(who);
	cr_assert_str_empty(rest);
}

Test(access, a_clients_address_counts_on_its_own_network_only)
{
	cr_assert_eq(access_read(&view, 1, clients[0].address, clients[0].mac, "x", &who, rest), ACCESS_NO_CLIENT);
	cr_assert_eq(access_read(&view, 7, clients[0].address, clients[0].mac, "x", &who, rest), ACCESS_NO_CLIENT);
}

Test(access, another_mac_with_a_clients_address_gets_nothing)
{
	cr_assert_eq(access_read(&view, 0, clients[1].address, clients[0].mac, "x", &who, rest), ACCESS_WRONG_MAC);
	cr_assert_eq(who, &clients[1]);
	cr_assert_str_empty(rest);
}

Test(access, an_address_whose_mac_is_not_known_gets_nothing)
{
	cr_assert_eq(access_read(&view, 0, clients[0].address, NULL, "x", &who, rest), ACCESS_WRONG_MAC);
}

Test(access, a_client_that_boots_from_its_card_gets_nothing)
{
	cr_assert_eq(read_as(3, "start4.elf"), ACCESS_NOT_SERVED);
}

Test(access, no_clients_at_all_is_no_client)
{
	const struct access_view none = { 0 };

	cr_assert_eq(access_read(&none, 0, 0, NULL, "x", &who, rest), ACCESS_NO_CLIENT);
}

/* ---- what ---- */

static const struct {
	unsigned client;
	const char *path, *rest;
} good[] = {
	{ 0, "start4.elf", "start4.elf" },
	{ 0, "1234abcd/start4.elf", "start4.elf" },
	{ 0, "1234ABCD/start4.elf", "start4.elf" },
	{ 0, "/1234abcd//overlays///vc4.dtbo", "overlays/vc4.dtbo" },
	{ 0, "dc-a6-32-01-02-03/config.txt", "config.txt" },
	{ 0, "DC-A6-32-01-02-03/config.txt", "config.txt" },
	{ 0, "./1234abcd/./overlays/./a", "overlays/a" },
	{ 0, "///config.txt", "config.txt" },
	{ 0, "overlays/", "overlays" },
	{ 0, "1234abcd/0000ffff/a", "0000ffff/a" }, /* below its own directory: its own */
	{ 0, "overlays/0000ffff", "overlays/0000ffff" },
	{ 0, "1234abc/x", "1234abc/x" },
	{ 0, "1234abcde/x", "1234abcde/x" },
	{ 0, "1234abcg/x", "1234abcg/x" },
	{ 0, "dc:a6:32:01:02:04/x", "dc:a6:32:01:02:04/x" },
	{ 0, "dc-a6-32-01-02-0g/x", "dc-a6-32-01-02-0g/x" },
	{ 0, "a\\..\\b", "a\\..\\b" },
	{ 0, "...", "..." },
	{ 0, ".config", ".config" },
	{ 0, "a..b/..c", "a..b/..c" },
	{ 0, "gr\303\274n", "gr\303\274n" },
	{ 0, "a b", "a b" },
	{ 1, "0000FFFF/x", "x" },
	{ 2, "02-00-00-00-00-05/x", "x" },
	{ 4, "x", "x" },
};

Test(access, its_own_views_all_lead_to_its_own_directory)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		cr_assert_eq(read_as(good[i].client, good[i].path), ACCESS_GRANTED, "%s", good[i].path);
		cr_assert_eq(who, &clients[good[i].client]);
		cr_assert_str_eq(rest, good[i].rest, "%s gives %s", good[i].path, rest);
	}
}

static const struct {
	unsigned client;
	const char *path;
	enum access_verdict verdict;
} bad[] = {
	{ 0, "0000ffff/start4.elf", ACCESS_FOREIGN },
	{ 0, "0000FFFF/start4.elf", ACCESS_FOREIGN },
	{ 0, "/./0000ffff/start4.elf", ACCESS_FOREIGN },
	{ 0, "dc-a6-32-01-02-04/start4.elf", ACCESS_FOREIGN },
	{ 0, "DC-A6-32-01-02-04/start4.elf", ACCESS_FOREIGN },
	{ 0, "99999999/start4.elf", ACCESS_FOREIGN }, /* no client's */
	{ 0, "00-00-00-00-00-00/start4.elf", ACCESS_FOREIGN },
	{ 0, "deadbeef", ACCESS_FOREIGN },
	{ 2, "00000000/x", ACCESS_FOREIGN }, /* its serial is not known, so it has none */
	{ 0, "", ACCESS_BAD_PATH },
	{ 0, "/", ACCESS_BAD_PATH },
	{ 0, ".", ACCESS_BAD_PATH },
	{ 0, "./", ACCESS_BAD_PATH },
	{ 0, "1234abcd", ACCESS_BAD_PATH },
	{ 0, "1234abcd/", ACCESS_BAD_PATH },
	{ 0, "1234abcd/./", ACCESS_BAD_PATH },
	{ 0, "dc-a6-32-01-02-03", ACCESS_BAD_PATH },
	{ 0, "..", ACCESS_BAD_PATH },
	{ 0, "../etc/shadow", ACCESS_BAD_PATH },
	{ 0, "../0000ffff/x", ACCESS_BAD_PATH },
	{ 0, "1234abcd/../0000ffff/x", ACCESS_BAD_PATH },
	{ 0, "a/b/..", ACCESS_BAD_PATH },
	{ 0, "a/../b", ACCESS_BAD_PATH },
	{ 0, "a\nb", ACCESS_BAD_PATH },
	{ 0, "a/\033[2J", ACCESS_BAD_PATH },
	{ 0, "a\177", ACCESS_BAD_PATH },
	{ 0, "1234abcd/\001", ACCESS_BAD_PATH },
};

Test(access, every_other_path_is_refused)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		enum access_verdict verdict = read_as(bad[i].client, bad[i].path);

		cr_assert_eq(verdict, bad[i].verdict, "\"%s\": %s", bad[i].path, access_text(verdict));
		cr_assert_eq(who, &clients[bad[i].client]);
		cr_assert_str_empty(rest);
	}
}

Test(access, a_path_fits_or_is_refused)
{
	char path[PATH_SIZE + 16];

	memset(path, 'a', sizeof(path));
	path[PATH_SIZE - 1] = '\0';
	cr_assert_eq(read_as(0, path), ACCESS_GRANTED);
	cr_assert_str_eq(rest, path);
	path[100] = '/';
	cr_assert_eq(read_as(0, path), ACCESS_GRANTED);
	cr_assert_str_eq(rest, path);
	path[PATH_SIZE - 1] = 'a';
	path[PATH_SIZE] = '\0';
	cr_assert_eq(read_as(0, path), ACCESS_BAD_PATH);
	path[100] = 'a';
	cr_assert_eq(read_as(0, path), ACCESS_BAD_PATH);
	cr_assert_str_empty(rest);
}

Test(access, a_long_way_to_write_a_short_path_is_granted)
{
	char path[2 * PATH_SIZE];

	memset(path, '/', sizeof(path));
	path[sizeof(path) - 2] = 'x';
	path[sizeof(path) - 1] = '\0';
	cr_assert_eq(read_as(0, path), ACCESS_GRANTED);
	cr_assert_str_eq(rest, "x");
}

/* ---- exports ---- */

Test(access, a_root_goes_to_its_own_address)
{
	cr_assert(access_export(&view, &clients[0], clients[0].address));
	cr_assert(access_export(&view, &clients[1], clients[1].address));
	cr_assert(access_export(&view, &clients[4], clients[4].address));
}

Test(access, a_root_goes_to_no_other_address)
{
	cr_assert_not(access_export(&view, &clients[0], clients[1].address));
	cr_assert_not(access_export(&view, &clients[0], 0));
	cr_assert_not(access_export(&view, &clients[0], UINT32_MAX));
}

Test(access, a_local_root_is_not_exported)
{
	cr_assert_not(access_export(&view, &clients[2], clients[2].address));
}

Test(access, an_address_of_two_clients_gets_no_root)
{
	struct msg_client twice[2] = { clients[0], clients[4] };
	const struct access_view both = { networks, 2, twice, 2 };

	twice[1].address = twice[0].address;
	cr_assert_not(
	    access_export(&both, &twice[0], twice[0].address), "even on two networks: nfsd knows addresses only");
}

Test(access, a_client_that_is_not_configured_gets_no_root)
{
	const struct access_view less = { networks, 2, clients + 1, 4 };

	cr_assert_not(access_export(&less, &clients[0], clients[0].address));
}

Test(access, an_address_that_no_board_can_have_gets_no_root)
{
	static const char *const wrong[] = { "192.168.10.0", "192.168.10.255", "192.168.10.1", "192.168.11.5",
		"0.0.0.0", "255.255.255.255" };
	struct msg_client client = clients[0];
	const struct access_view one = { networks, 2, &client, 1 };

	cr_assert(access_export(&one, &client, client.address));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		client.address = inet_addr(wrong[i]);
		cr_assert_not(access_export(&one, &client, client.address), "%s", wrong[i]);
	}
	client = clients[0];
	client.network = 2;
	cr_assert_not(access_export(&one, &client, client.address), "a network that is not there");
}

Test(access, each_verdict_has_words_of_its_own)
{
	for (int a = ACCESS_GRANTED; a <= ACCESS_NOT_SERVED; a++)
		for (int b = a + 1; b <= ACCESS_NOT_SERVED + 1; b++)
			cr_assert_str_neq(access_text((enum access_verdict)a), access_text((enum access_verdict)b));
}
