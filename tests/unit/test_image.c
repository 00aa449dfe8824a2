/* SPDX-License-Identifier: ISC */
/* What is rewritten for the network, as far as it is pure. */
#include "disklessctl/adapt.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

/* ---- texts ---- */

#define MARK "# diskless: not used, the root comes over the network: "

struct text {
	const char *before;
	const char *after;
};

Test(image, fstab_loses_the_disk_and_keeps_the_rest)
{
	static const struct text table[] = {
		{ "", "" },
		{ "\n\n", "\n\n" },
		{ "# a comment / with words\n", "# a comment / with words\n" },
		{ "#PARTUUID=x / ext4\n", "#PARTUUID=x / ext4\n" },
		{ "PARTUUID=1-02 / ext4 defaults 0 1\n", MARK "PARTUUID=1-02 / ext4 defaults 0 1\n" },
		{ "PARTUUID=1-01\t/boot\tvfat defaults 0 2\n",
		    MARK "PARTUUID=1-01\t/boot\tvfat defaults 0 2\n/boot /boot none bind,nofail 0 0\n" },
		{ "/dev/mmcblk0p1 /boot/firmware vfat defaults",
		    MARK "/dev/mmcblk0p1 /boot/firmware vfat defaults\n"
			 "/boot/firmware /boot/firmware none bind,nofail 0 0\n" },
		{ "LABEL=writable / ext4 discard,errors=remount-ro 0 1\n",
		    MARK "LABEL=writable / ext4 discard,errors=remount-ro 0 1\n" },
		{ "UUID=1-2 /boot/efi vfat umask=0077 0 1\n", MARK "UUID=1-2 /boot/efi vfat umask=0077 0 1\n" },
		{ "/dev/zram0 none swap defaults 0 0\n", "/dev/zram0 none swap defaults 0 0\n" },
		{ "/swap.img none swap sw 0 0\n", MARK "/swap.img none swap sw 0 0\n" },
		{ "  /var/swap swap swap sw 0 0\n", MARK "  /var/swap swap swap sw 0 0\n" },
		{ "LABEL=s none swap sw", MARK "LABEL=s none swap sw" },
		{ "tmpfs /tmp tmpfs defaults 0 0\nPARTUUID=1-02 / ext4 x 0 1\nproc /proc proc x 0 0\n",
		    "tmpfs /tmp tmpfs defaults 0 0\n" MARK "PARTUUID=1-02 / ext4 x 0 1\nproc /proc proc x 0 0\n" },
		{ "x /boot\nfirmware vfat\n", "x /boot\nfirmware vfat\n" },
		{ "s:/e /boot/firmware2 nfs x\n", "s:/e /boot/firmware2 nfs x\n" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *after = adapt_fstab(table[i].before);

		cr_expect_str_eq(after, table[i].after, "row %zu gives: %s", i, after);
		free(after);
	}
}

Test(image, a_boot_directory_that_no_line_mounts_gets_one)
{
#define BIND "/boot/firmware /boot/firmware none bind,nofail 0 0\n"
	static const struct text table[] = {
		{ "", BIND },
		{ "# UNCONFIGURED FSTAB\n", "# UNCONFIGURED FSTAB\n" BIND },
		{ "proc /proc proc x 0 0", "proc /proc proc x 0 0\n" BIND },
		{ "# LABEL=b /boot/firmware vfat x 0 2\n", "# LABEL=b /boot/firmware vfat x 0 2\n" BIND },
		{ "#LABEL=b /boot/firmware vfat x 0 2\n", "#LABEL=b /boot/firmware vfat x 0 2\n" BIND },
		{ MARK "LABEL=b /boot/firmware vfat x 0 2\n" BIND, MARK "LABEL=b /boot/firmware vfat x 0 2\n" BIND },
		{ "s:/e /boot/firmware nfs x\n", "s:/e /boot/firmware nfs x\n" },
		{ "s:/e /boot/firmware2 nfs x\n", "s:/e /boot/firmware2 nfs x\n" BIND },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *after = adapt_boot_mount(table[i].before);

		cr_expect_str_eq(after, table[i].after, "row %zu gives: %s", i, after);
		free(after);
	}
}

Test(image, fstab_adapted_twice_is_the_same)
{
	char *once = adapt_fstab("PARTUUID=1-02 / ext4 x 0 1\nLABEL=b /boot/firmware vfat x 0 2\n"),
	     *twice = adapt_fstab(once);

	cr_expect_str_eq(once, twice);
	free(once);
	free(twice);
}

Test(image, interfaces_leaves_the_link_under_the_root_alone)
{
	static const struct text table[] = {
		{ "", "" },
		{ "source /etc/network/interfaces.d/*\n", "source /etc/network/interfaces.d/*\n" },
		{ "auto lo\niface lo inet loopback\n", "auto lo\niface lo inet loopback\n" },
		{ "auto eth0\niface eth0 inet dhcp\n", MARK "auto eth0\n" MARK "iface eth0 inet dhcp\n" },
		{ "auto lo  eth0 wlan0\n", MARK "auto lo  eth0 wlan0\nauto lo wlan0\n" },
		{ "allow-hotplug eth0", MARK "allow-hotplug eth0" },
		{ "auto lo eth0", MARK "auto lo eth0\nauto lo\n" },
		{ "iface eth0 inet static\n\taddress 10.0.0.2/24\n\n# one\n\tgateway 10.0.0.1\nauto wlan0\n",
		    MARK "iface eth0 inet static\n" MARK "\taddress 10.0.0.2/24\n\n# one\n" MARK
			 "\tgateway 10.0.0.1\nauto wlan0\n" },
		{ "iface end0 inet dhcp\niface eth1 inet dhcp\n", MARK "iface end0 inet dhcp\niface eth1 inet dhcp\n" },
		{ "iface wlan0 inet dhcp\n\twpa-ssid eth0\n", "iface wlan0 inet dhcp\n\twpa-ssid eth0\n" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *after = adapt_interfaces(table[i].before), *twice = adapt_interfaces(after);

		cr_expect_str_eq(after, table[i].after, "row %zu gives: %s", i, after);
		cr_expect_str_eq(after, twice, "row %zu once more gives: %s", i, twice);
		free(after);
		free(twice);
	}
}

Test(image, dhcpcd_is_denied_the_link_under_the_root_once)
{
	const char *mark = "# diskless: the root comes over it\ndenyinterfaces eth0\n\n";
	char *after = adapt_dhcpcd("hostname\ninterface eth0\nstatic routers=10.0.0.1"), *twice = adapt_dhcpcd(after);

	cr_expect(strncmp(after, mark, strlen(mark)) == 0, "%s", after);
	cr_expect_str_eq(after + strlen(mark), "hostname\ninterface eth0\nstatic routers=10.0.0.1");
	cr_expect_str_eq(after, twice);
	free(after);
	free(twice);
}

Test(image, hosts_names_the_client_once)
{
	static const struct text table[] = {
		{ "", "127.0.1.1\tnode1\n" },
		{ "127.0.0.1\tlocalhost\n127.0.1.1\t\traspberrypi\n::1 localhost\n",
		    "127.0.0.1\tlocalhost\n127.0.1.1\tnode1\n::1 localhost\n" },
		{ "127.0.0.1 localhost", "127.0.0.1 localhost\n127.0.1.1\tnode1\n" },
		{ "127.0.1.1 a\n127.0.1.1 b\n", "127.0.1.1\tnode1\n" },
		{ "127.0.1.1 a", "127.0.1.1\tnode1\n" },
		{ "127.0.1.10 a\n#127.0.1.1 b\n", "127.0.1.10 a\n#127.0.1.1 b\n127.0.1.1\tnode1\n" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *after = adapt_hosts(table[i].before, "node1");

		cr_expect_str_eq(after, table[i].after, "row %zu gives: %s", i, after);
		free(after);
	}
}

Test(image, very_long_lines_are_kept_whole)
{
	char *text = malloc(100001), *after;

	memset(text, 'x', 100000);
	text[99999] = '\n';
	text[100000] = '\0';
	after = adapt_fstab(text);
	cr_expect_str_eq(text, after);
	free(after);
	free(text);
}
