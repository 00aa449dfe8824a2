/* SPDX-License-Identifier: ISC */
/* What the loaders of PCs read: whose file it is, which kernel, and the text to the byte. */
#include "disklessd/disklessd.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "address.h"

static struct config_network network = { .name = (char[]){ "lab" }, .prefix = 24 };
static struct config_client client = {
	.name = (char[]){ "pc1" }, .root = ROOT_NFS, .network = &network, .mac = { 0x52, 0x54, 0, 0xab, 0, 1 }
};
static struct boot_kernel kernel;
static char text[4096], directory[] = "/tmp/boot_loader.XXXXXX";

static void
set_up(void)
{
	address_parse("192.168.10.11", &network.server);
	address_parse("192.168.10.12", &client.address);
	strcpy(kernel.kernel, "vmlinuz-6.1.0-18-amd64");
	strcpy(kernel.initrd, "initrd.img-6.1.0-18-amd64");
}

TestSuite(boot_loader, .init = set_up);

#define WORDS \
	"root=/dev/nfs nfsroot=192.168.10.11:/srv/diskless/pc1,vers=3,tcp,nolock " \
	"ip=192.168.10.12:::255.255.255.0:pc1:eth0:off rw rootwait net.ifnames=0"

Test(boot_loader, the_files_of_each_loader_are_known_and_of_pxelinux_only_its_own)
{
	cr_expect_eq(boot_loader_of(&client, "boot.ipxe"), LOADER_IPXE);
	cr_expect_eq(boot_loader_of(&client, "grub/grub.cfg"), LOADER_GRUB);
	cr_expect_eq(boot_loader_of(&client, "pxelinux.cfg/default"), LOADER_PXELINUX);
	cr_expect_eq(boot_loader_of(&client, "pxelinux.cfg/01-52-54-00-ab-00-01"), LOADER_PXELINUX);
	cr_expect_eq(boot_loader_of(&client, "pxelinux.cfg/01-52-54-00-AB-00-01"), LOADER_PXELINUX);
	cr_expect_eq(boot_loader_of(&client, "pxelinux.cfg/01-52-54-00-ab-00-02"), LOADER_NONE);
	cr_expect_eq(boot_loader_of(&client, "pxelinux.cfg/C0A80A0C"), LOADER_NONE);
	cr_expect_eq(boot_loader_of(&client, "grub/grub.cfg-01"), LOADER_NONE);
	cr_expect_eq(boot_loader_of(&client, "config.txt"), LOADER_NONE);
}

Test(boot_loader, the_script_of_ipxe)
{
	cr_assert_eq(boot_loader_text(LOADER_IPXE, &client, &kernel, text, sizeof(text)), (int)strlen(text));
	cr_expect_str_eq(text, "#!ipxe\n"
			       "kernel vmlinuz-6.1.0-18-amd64 initrd=initrd.img-6.1.0-18-amd64 " WORDS "\n"
			       "initrd initrd.img-6.1.0-18-amd64\n"
			       "boot\n");
}

Test(boot_loader, the_configuration_of_grub_has_each_word_quoted)
{
	client.cmdline = (char[]){ "console=ttyS0 dyndbg=\"file a.c +p; x\"" };
	cr_assert_eq(boot_loader_text(LOADER_GRUB, &client, &kernel, text, sizeof(text)), (int)strlen(text));
	cr_expect_str_eq(text,
	    "set timeout=0\n"
	    "linux /vmlinuz-6.1.0-18-amd64 'root=/dev/nfs' 'nfsroot=192.168.10.11:/srv/diskless/pc1,vers=3,tcp,nolock' "
	    "'ip=192.168.10.12:::255.255.255.0:pc1:eth0:off' 'rw' 'rootwait' 'net.ifnames=0' 'console=ttyS0' "
	    "'dyndbg=file a.c +p; x'\n"
	    "initrd /initrd.img-6.1.0-18-amd64\n"
	    "boot\n");
}

Test(boot_loader, the_configuration_of_u_boot_and_pxelinux)
{
	cr_assert_eq(boot_loader_text(LOADER_PXELINUX, &client, &kernel, text, sizeof(text)), (int)strlen(text));
	cr_expect_str_eq(text, "DEFAULT diskless\nPROMPT 0\nLABEL diskless\n"
			       "\tKERNEL /vmlinuz-6.1.0-18-amd64\n"
			       "\tINITRD /initrd.img-6.1.0-18-amd64\n"
			       "\tAPPEND " WORDS "\n");
}

Test(boot_loader, a_kernel_without_initramfs_is_started_without)
{
	kernel.initrd[0] = '\0';
	boot_loader_text(LOADER_IPXE, &client, &kernel, text, sizeof(text));
	cr_expect_str_eq(text, "#!ipxe\nkernel vmlinuz-6.1.0-18-amd64 " WORDS "\nboot\n");
	boot_loader_text(LOADER_GRUB, &client, &kernel, text, sizeof(text));
	cr_expect_null(strstr(text, "initrd"));
	boot_loader_text(LOADER_PXELINUX, &client, &kernel, text, sizeof(text));
	cr_expect_null(strstr(text, "INITRD"));
}

Test(boot_loader, what_a_loader_would_change_is_an_error_and_so_is_what_does_not_fit)
{
	static const char *const wrong[] = { "a=${b}", "a=b\\c", "a='b'", "a #b", "a && b", "a ; b", "a || b" };
	char words[64];

	client.cmdline = words;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		strcpy(words, wrong[i]);
		for (int loader = LOADER_IPXE; loader <= LOADER_PXELINUX; loader++)
			cr_expect_eq(boot_loader_text((enum boot_loader)loader, &client, &kernel, text, sizeof(text)),
			    -1, "%s", words);
	}
	strcpy(words, "a=b#c;d");
	cr_expect_gt(boot_loader_text(LOADER_IPXE, &client, &kernel, text, sizeof(text)), 0);
	cr_expect_eq(boot_loader_text(LOADER_IPXE, &client, &kernel, text, 100), -1);
}

static void
touch(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	close(open(path, O_CREAT | O_WRONLY, 0644));
}

static bool
find_among(const char *const names[])
{
	bool found;
	int fd;

	cr_assert_not_null(mkdtemp(directory));
	for (size_t i = 0; names[i] != NULL; i++)
		touch(names[i]);
	fd = open(directory, O_PATH | O_DIRECTORY);
	found = boot_kernel_find(fd, &kernel);
	close(fd);
	for (size_t i = 0; names[i] != NULL; i++) {
		snprintf(text, sizeof(text), "%s/%s", directory, names[i]);
		unlink(text);
	}
	rmdir(directory);
	return found;
}

Test(boot_loader, the_newest_kernel_is_taken_with_its_own_initramfs)
{
	cr_assert(find_among((const char *const[]){ "vmlinuz-6.1.0-9-amd64", "vmlinuz-6.1.0-18-amd64", "vmlinuz",
	    "initrd.img-6.1.0-9-amd64", "initrd.img-6.1.0-18-amd64", "vmlinuz-5.10.0-30-amd64", NULL }));
	cr_expect_str_eq(kernel.kernel, "vmlinuz-6.1.0-18-amd64");
	cr_expect_str_eq(kernel.initrd, "initrd.img-6.1.0-18-amd64");
}

Test(boot_loader, an_initramfs_of_another_kernel_is_not_taken)
{
	cr_assert(find_among((const char *const[]){ "vmlinuz-6.1.0-18-amd64", "initrd.img-6.1.0-9-amd64", NULL }));
	cr_expect_str_empty(kernel.initrd);
}

Test(boot_loader, a_kernel_without_a_version_will_do)
{
	cr_assert(find_among((const char *const[]){ "vmlinuz", "initrd.img", NULL }));
	cr_expect_str_eq(kernel.kernel, "vmlinuz");
	cr_expect_str_eq(kernel.initrd, "initrd.img");
}

Test(boot_loader, a_name_that_a_script_could_read_as_more_than_a_name_is_no_kernel)
{
	cr_assert_not(find_among((const char *const[]){
	    "vmlinuz-1 boot", "vmlinuz-1\nboot", "vmlinuz-${a}", "vmlinuzz", "kernel8.img", "vmlinuz-1;a", NULL }));
}
