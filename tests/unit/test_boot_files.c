/* SPDX-License-Identifier: ISC */
/* The command line that the parent makes for a client. */
#include "disklessd/disklessd.h"

#include <string.h>

#include <criterion/criterion.h>

#include "address.h"

static struct config_network network = { .name = (char[]){ "lab" }, .prefix = 24 };
static struct config_client client = { .name = (char[]){ "node1" }, .root = ROOT_NFS, .network = &network };
static char text[1024];

static void
set_up(void)
{
	address_parse("192.168.10.11", &network.server);
	address_parse("192.168.10.1", &network.gateway);
	address_parse("192.168.10.12", &client.address);
}

TestSuite(boot_files, .init = set_up);

Test(boot_files, an_nfs_root_is_named_with_server_version_and_a_static_address)
{
	cr_assert_gt(boot_cmdline(&client, text, sizeof(text)), 0);
	cr_expect_str_eq(text,
	    "console=serial0,115200 console=tty1 root=/dev/nfs "
	    "nfsroot=192.168.10.11:/srv/diskless/node1,vers=3,tcp,nolock "
	    "ip=192.168.10.12::192.168.10.1:255.255.255.0:node1:eth0:off rw rootwait net.ifnames=0\n");
}

Test(boot_files, a_network_without_gateway_leaves_its_field_empty)
{
	network.gateway = 0;
	boot_cmdline(&client, text, sizeof(text));
	cr_expect(strstr(text, " ip=192.168.10.12:::255.255.255.0:node1:eth0:off ") != NULL, "%s", text);
}

Test(boot_files, two_name_servers_are_told_and_a_third_has_no_place)
{
	uint32_t servers[3];

	address_parse("192.168.10.1", &servers[0]);
	address_parse("192.168.10.2", &servers[1]);
	address_parse("192.168.10.3", &servers[2]);
	network.name_server = servers;
	network.name_server_count = 3;
	boot_cmdline(&client, text, sizeof(text));
	cr_expect(strstr(text, ":node1:eth0:off:192.168.10.1:192.168.10.2 rw ") != NULL, "%s", text);
	network.name_server_count = 1;
	boot_cmdline(&client, text, sizeof(text));
	cr_expect(strstr(text, ":node1:eth0:off:192.168.10.1 rw ") != NULL, "%s", text);
}

Test(boot_files, a_local_root_is_named_as_the_configuration_says)
{
	client.root = ROOT_LOCAL;
	client.local_root = (char[]){ "PARTUUID=1234-02" };
	boot_cmdline(&client, text, sizeof(text));
	cr_expect_str_eq(text, "console=serial0,115200 console=tty1 root=PARTUUID=1234-02 rw rootwait\n");
}

Test(boot_files, words_of_the_configuration_come_last_and_on_the_one_line)
{
	client.cmdline = (char[]){ "cgroup_memory=1 quiet" };
	boot_cmdline(&client, text, sizeof(text));
	cr_expect(strstr(text, " rootwait net.ifnames=0 cgroup_memory=1 quiet\n") != NULL);
	cr_expect_eq(strchr(text, '\n') - text, (long)strlen(text) - 1);
}

Test(boot_files, a_line_that_does_not_fit_is_an_error_and_not_cut)
{
	cr_expect_eq(boot_cmdline(&client, text, 60), -1);
}

/* No tree is attached here: what is answered does not come from one. */
Test(boot_files, cmdline_txt_is_made_here_also_below_a_prefix)
{
	static const char *const made[] = { "cmdline.txt", "current/cmdline.txt", "a/b/cmdline.txt" };
	static const char *const read[] = { "cmdline.txt.old", "xcmdline.txt", "cmdline.txt/x" };
	static const struct server server;
	uint64_t size;
	int fd;

	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(boot_open(&server, &client, made[i], &size, &fd), FILE_OPENED, "%s", made[i]);
		cr_expect_eq(boot_open(&server, &client, read[i], &size, &fd), FILE_FAILED, "%s", read[i]);
	}
}
