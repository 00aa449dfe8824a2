/* SPDX-License-Identifier: ISC */
/* Which boards boot what, from tables of files: every sentence that a check can say of a board. */
#include "disklessctl/boards.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#define MIB     ((uint64_t)1 << 20)
#define ALL_NFS (HAS(PART_NFS) | HAS(PART_NFS3) | HAS(PART_NFS4) | HAS(PART_NFS41) | HAS(PART_NFS42))
#define DRIVERS (HAS(PART_GENET) | HAS(PART_MACB) | HAS(PART_LAN78XX) | HAS(PART_SMSC95XX))
#define ROOT    (ALL_NFS | DRIVERS | HAS(PART_ROOT_NFS) | HAS(PART_IP_PNP))

enum { PI3, PI3PLUS, PI4, PI5, PC, UEFI };

static const char *files[40];
static uint64_t large; /* of the files that are named so */
static struct kernel_facts kernel;
static struct initramfs_facts initramfs;
static char config[256];
static struct board_source source;
static struct board_verdict verdict[BOARDS];
static char warnings[4096];

static bool
size_of(void *argument, const char *name, uint64_t *size)
{
	*size = strstr(name, "large") != NULL || strstr(name, "initramfs") != NULL ? large : 1000;
	for (size_t i = 0; i < 40; i++)
		if (files[i] != NULL && strcmp(files[i], name) == 0)
			return true;
	return false;
}

static const struct kernel_facts *
look_at_kernel(void *argument, const char *name)
{
	return &kernel;
}

static const struct initramfs_facts *
look_at_initramfs(void *argument, const char *name)
{
	return &initramfs;
}

static void warn(void *, const char *, ...) __attribute__((format(printf, 2, 3)));

static void
warn(void *argument, const char *format, ...)
{
	size_t length = strlen(warnings);
	va_list ap;

	va_start(ap, format);
	vsnprintf(warnings + length, sizeof(warnings) - length, format, ap);
	va_end(ap);
	strcat(warnings, "\n");
}

static void
judge(void)
{
	source.config_length = source.config == NULL ? 0 : strlen(source.config);
	warnings[0] = '\0';
	boards_judge(&source, verdict, warn, NULL);
}

static void
lose(const char *name)
{
	for (size_t i = 0; i < 40; i++)
		if (files[i] != NULL && strcmp(files[i], name) == 0)
			files[i] = NULL;
}

static void
gain(const char *name)
{
	size_t i;

	for (i = 0; files[i] != NULL; i++)
		;
	files[i] = name;
}

static void
configure(const char *text)
{
	snprintf(config, sizeof(config), "%s", text);
	source.config = config;
}

/* A Raspberry Pi OS of 64 bits, whose kernels mount NFS themselves. */
static void
stock(void)
{
	static const char *const stock_files[] = { "bootcode.bin", "start.elf", "fixup.dat", "start4.elf", "fixup4.dat",
		"bcm2710-rpi-3-b.dtb", "bcm2710-rpi-3-b-plus.dtb", "bcm2711-rpi-4-b.dtb", "bcm2712-rpi-5-b.dtb",
		"kernel8.img", "kernel_2712.img", "config.txt" };

	memset(files, 0, sizeof(files));
	memcpy(files, stock_files, sizeof(stock_files));
	large = 1000;
	kernel = (struct kernel_facts){
		.builtin = { .has = ROOT }, .release = "6.6.31-v8", .modules = true, .config = true
	};
	initramfs = (struct initramfs_facts){
		.parts = { .has = ALL_NFS | DRIVERS | HAS(PART_NFSMOUNT) | HAS(PART_IPCONFIG), .release = "6.6.31-v8" }
	};
	source = (struct board_source){ .boot = "/boot/firmware",
		.size_of = size_of,
		.kernel = look_at_kernel,
		.initramfs = look_at_initramfs,
		.machine = MACHINE_ARM64,
		.init = true };
	configure("arm_64bit=1\n");
}

TestSuite(boards, .init = stock);

static void
boots(int board, const char *with)
{
	cr_expect(verdict[board].boots, "%s: %s", verdict[board].board, verdict[board].why);
	cr_expect_str_eq(verdict[board].kernel, with, "%s: %s", verdict[board].board, verdict[board].kernel);
}

static void
boots_not(int board, const char *why)
{
	cr_expect_not(verdict[board].boots, "%s", verdict[board].board);
	cr_expect_str_eq(verdict[board].why, why, "%s: %s", verdict[board].board, verdict[board].why);
}

static void
warned(const char *text)
{
	cr_expect_not_null(strstr(warnings, text), "%s", warnings);
}

Test(boards, a_stock_image_boots_every_raspberry_pi_and_no_pc)
{
	judge();
	boots(PI3, "kernel8.img");
	boots(PI3PLUS, "kernel8.img");
	boots(PI4, "kernel8.img");
	boots(PI5, "kernel_2712.img");
	boots_not(PC, "no kernel: vmlinuz; its programs are for arm64");
	boots_not(UEFI, "no kernel: vmlinuz");
	cr_expect_str_eq(verdict[PI4].nfs, "3 4.2");
	cr_expect_str_eq(verdict[PI4].release, "6.6.31-v8");
	cr_expect_str_empty(verdict[PI4].initramfs);
	cr_expect_str_empty(warnings);
}

Test(boards, each_firmware_file_is_missed)
{
	static const struct {
		const char *file;
		int board;
	} rows[] = { { "bootcode.bin", PI3 }, { "start.elf", PI3PLUS }, { "fixup.dat", PI3 }, { "start4.elf", PI4 },
		{ "fixup4.dat", PI4 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char why[64];

		stock();
		lose(rows[i].file);
		judge();
		snprintf(why, sizeof(why), "no firmware: %s", rows[i].file);
		boots_not(rows[i].board, why);
		cr_expect(verdict[PI5].boots, "it needs none: %s", verdict[PI5].why);
	}
}

Test(boards, each_device_tree_is_missed_and_the_kernels_own_name_is_good)
{
	static const struct {
		const char *file, *other;
		int board;
	} rows[] = { { "bcm2710-rpi-3-b.dtb", "bcm2837-rpi-3-b.dtb", PI3 },
		{ "bcm2710-rpi-3-b-plus.dtb", "bcm2837-rpi-3-b-plus.dtb", PI3PLUS },
		{ "bcm2711-rpi-4-b.dtb", NULL, PI4 }, { "bcm2712-rpi-5-b.dtb", "bcm2712d0-rpi-5-b.dtb", PI5 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char why[64];

		stock();
		lose(rows[i].file);
		judge();
		snprintf(why, sizeof(why), "no device tree: %s", rows[i].file);
		boots_not(rows[i].board, why);
		if (rows[i].other == NULL)
			continue;
		gain(rows[i].other);
		judge();
		cr_expect(verdict[rows[i].board].boots, "%s: %s", rows[i].other, verdict[rows[i].board].why);
	}
}

Test(boards, the_kernel_is_the_first_of_those_that_arm_64bit_lets)
{
	lose("kernel_2712.img");
	gain("kernel7.img");
	gain("kernel7l.img");
	judge();
	boots(PI3, "kernel8.img");
	boots(PI4, "kernel8.img");
	boots(PI5, "kernel8.img");
	source.machine = MACHINE_ARM;
	configure("arm_64bit=0\n");
	judge();
	boots(PI3, "kernel7.img");
	boots(PI4, "kernel7l.img");
	boots(PI5, "kernel8.img");
	configure("");
	judge();
	boots(PI3, "kernel7.img");
	boots(PI4, "kernel8.img");
	lose("kernel8.img");
	configure("arm_64bit=1\n");
	judge();
	boots_not(PI4, "no kernel: kernel8.img");
	boots_not(PI5, "no kernel: kernel_2712.img");
}

Test(boards, config_txt_names_kernel_initramfs_and_device_tree)
{
	configure("[pi4]\nkernel=mine\ninitramfs mine.cpio\ndevice_tree=mine.dtb\n");
	judge();
	boots_not(PI4, "config.txt names kernel mine, which is not there; no device tree: mine.dtb");
	boots(PI5, "kernel_2712.img");
	gain("mine");
	gain("mine.dtb");
	judge();
	boots_not(PI4, "config.txt names initramfs mine.cpio, which is not there");
	gain("mine.cpio");
	judge();
	boots(PI4, "mine");
	cr_expect_str_eq(verdict[PI4].initramfs, "mine.cpio");
}

Test(boards, auto_initramfs_loads_that_of_the_kernel)
{
	gain("initramfs8");
	judge();
	cr_expect_str_empty(verdict[PI4].initramfs);
	configure("auto_initramfs=1\n");
	judge();
	cr_expect_str_eq(verdict[PI4].initramfs, "initramfs8");
	cr_expect_str_empty(verdict[PI5].initramfs);
	gain("initramfs_2712");
	judge();
	cr_expect_str_eq(verdict[PI5].initramfs, "initramfs_2712");
}

Test(boards, a_prefix_is_used_if_kernel_and_device_tree_are_below_it)
{
	configure("os_prefix=current/\nkernel=vmlinuz\n");
	gain("vmlinuz");
	gain("current/vmlinuz");
	judge();
	boots(PI4, "vmlinuz");
	gain("current/bcm2711-rpi-4-b.dtb");
	judge();
	boots(PI4, "current/vmlinuz");
	boots(PI5, "vmlinuz");
}

Test(boards, without_config_txt_or_with_another_command_line_none_boots)
{
	source.config = NULL;
	judge();
	boots_not(PI5, "no config.txt");
	configure("cmdline=mine.txt\n");
	judge();
	boots_not(PI4, "config.txt takes the command line from mine.txt; the server makes cmdline.txt");
	configure("cmdline=cmdline.txt\n");
	judge();
	cr_expect(verdict[PI4].boots);
}

Test(boards, programs_must_be_for_the_board)
{
	source.machine = MACHINE_X64;
	judge();
	boots_not(PI4, "its programs are for x86-64");
	source.machine = MACHINE_ARM;
	judge();
	boots(PI4, "kernel8.img");
	source.machine = MACHINE_OTHER;
	judge();
	boots_not(PI4, "its programs are for another machine");
	source.machine = MACHINE_UNKNOWN;
	judge();
	boots(PI4, "kernel8.img");
	source.machine = MACHINE_ARM64;
	gain("kernel7l.img");
	configure("arm_64bit=0\n");
	judge();
	boots_not(PI4, "its programs are for arm64, its kernel for 32 bits");
	source.machine = MACHINE_X86;
	configure("");
	judge();
	boots_not(PI4, "its programs are for 32-bit x86");
	source.init = false;
	source.machine = MACHINE_ARM64;
	judge();
	boots_not(PI4, "no /sbin/init: is it a container's?");
}

Test(boards, a_pc_boots_the_newest_vmlinuz)
{
	source.machine = MACHINE_X64;
	source.pc_kernel = "vmlinuz-6.1";
	source.pc_initramfs = "initrd.img-6.1";
	judge();
	boots(PC, "vmlinuz-6.1");
	cr_expect_str_eq(verdict[PC].initramfs, "initrd.img-6.1");
	boots_not(UEFI, "its programs are for x86-64");
	source.machine = MACHINE_X86;
	judge();
	boots(PC, "vmlinuz-6.1");
	source.machine = MACHINE_ARM64;
	judge();
	boots(UEFI, "vmlinuz-6.1");
	boots_not(PC, "its programs are for arm64");
}

/* ---- the root over NFS ---- */

Test(boards, a_kernel_alone_needs_all_built_in)
{
	kernel.builtin.has = ROOT & ~(HAS(PART_ROOT_NFS) | HAS(PART_NFS3) | HAS(PART_GENET));
	judge();
	boots_not(PI4,
	    "kernel8.img without initramfs mounts no root over NFS, built in it lacks: nfsv3, CONFIG_ROOT_NFS, genet");
	boots_not(PI5,
	    "kernel_2712.img without initramfs mounts no root over NFS, built in it lacks: nfsv3, CONFIG_ROOT_NFS");
	cr_expect_str_eq(verdict[PI4].nfs, "4.2");
}

Test(boards, without_its_config_a_kernel_is_judged_by_its_built_in_modules)
{
	kernel.config = false;
	kernel.builtin.has = HAS(PART_NFS) | HAS(PART_NFS3) | HAS(PART_NFS4) | DRIVERS;
	judge();
	boots(PI4, "kernel8.img");
	cr_expect_str_eq(verdict[PI4].nfs, "3 4");
	kernel.builtin.has = HAS(PART_NFS);
	judge();
	boots_not(PI4, "kernel8.img without initramfs mounts no root over NFS, built in it lacks: nfsv3, genet");
	kernel.builtin.has = 0;
	judge();
	boots(PI4, "kernel8.img");
	warned("kernel8.img: no initramfs is loaded, and nothing tells whether the kernel mounts a root over NFS "
	       "itself\n");
	kernel.release[0] = '\0';
	judge();
	warned("kernel8.img: no initramfs is loaded, and nothing tells");
}

Test(boards, a_kernel_without_its_modules_is_told)
{
	kernel.modules = false;
	judge();
	boots(PI4, "kernel8.img");
	warned("kernel8.img: /lib/modules/6.6.31-v8 is not there\n");
}

static void
with_initramfs(uint32_t has)
{
	gain("initramfs8");
	configure("auto_initramfs=1\n");
	kernel.builtin.has = 0;
	initramfs.parts.has = has;
	judge();
}

Test(boards, klibc_mounts_version_3_alone)
{
	with_initramfs(ALL_NFS | DRIVERS | HAS(PART_NFSMOUNT) | HAS(PART_IPCONFIG));
	boots(PI4, "kernel8.img");
	cr_expect_str_eq(verdict[PI4].nfs, "3");
}

Test(boards, mount_nfs_and_dracut_mount_version_4_as_well)
{
	with_initramfs(ALL_NFS | DRIVERS | HAS(PART_MOUNT_NFS) | HAS(PART_IPCONFIG));
	boots(PI4, "kernel8.img");
	cr_expect_str_eq(verdict[PI4].nfs, "3 4.2");
	with_initramfs(HAS(PART_NFS) | HAS(PART_NFS3) | HAS(PART_NFS4) | DRIVERS | HAS(PART_DRACUT));
	boots(PI4, "kernel8.img");
	cr_expect_str_eq(verdict[PI4].nfs, "3 4");
}

Test(boards, what_an_initramfs_lacks_is_told)
{
	with_initramfs(ALL_NFS | DRIVERS | HAS(PART_IPCONFIG));
	boots_not(PI4, "initramfs8 has no program that mounts NFS: nfsmount or mount.nfs");
	with_initramfs(ALL_NFS | DRIVERS | HAS(PART_NFSMOUNT));
	boots_not(PI4, "initramfs8 has no ipconfig, which sets the address");
	with_initramfs(HAS(PART_NFS) | HAS(PART_NFSMOUNT) | HAS(PART_IPCONFIG));
	boots_not(PI4, "initramfs8 lacks modules, and the kernel has not built in: nfsv3, genet");
	kernel.builtin.has = HAS(PART_NFS3) | HAS(PART_GENET);
	judge();
	boots(PI4, "kernel8.img");
}

Test(boards, an_initramfs_of_another_kernel_or_a_damaged_one_is_told)
{
	snprintf(initramfs.parts.release, sizeof(initramfs.parts.release), "6.1.0-v8");
	with_initramfs(initramfs.parts.has);
	boots_not(PI4, "initramfs8 is for kernel 6.1.0-v8, kernel8.img is 6.6.31-v8");
	stock();
	snprintf(initramfs.why, sizeof(initramfs.why), "it is cut short");
	with_initramfs(initramfs.parts.has);
	boots_not(PI4, "initramfs8: it is cut short");
}

/* ---- sizes ---- */

Test(boards, files_too_large_for_old_firmware_are_told)
{
	static const struct {
		uint64_t size;
		const char *says; /* of a Raspberry Pi 4 */
		const char *three;
	} rows[] = {
		{ (uint64_t)65535 * 512, "", "" },
		{ (uint64_t)65535 * 512 + 1, "",
		    "Raspberry Pi 3+: initramfs8 has 32M; a board without EEPROM reads 32M of it" },
		{ (uint64_t)65535 * 1024, "", "a board without EEPROM" },
		{ (uint64_t)65535 * 1024 + 1,
		    "Raspberry Pi 4: initramfs8 has 64M; an EEPROM from before October 2022 reads 64M of it", "" },
		{ (uint64_t)65535 * 1468, "an EEPROM from before October 2022", "" },
		{ 100 * MIB,
		    "Raspberry Pi 4: initramfs8 has 100M; an EEPROM from before September 2025 reads 91.7M of it", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		stock();
		large = rows[i].size;
		with_initramfs(initramfs.parts.has);
		cr_expect(verdict[PI4].boots);
		cr_expect_not_null(strstr(warnings, rows[i].says), "row %zu: %s", i, warnings);
		cr_expect_not_null(strstr(warnings, rows[i].three), "row %zu: %s", i, warnings);
		cr_expect_eq(rows[i].says[0] == '\0', strstr(warnings, "Pi 4") == NULL, "row %zu: %s", i, warnings);
	}
}

Test(boards, sizes_are_told_of_boards_that_boot_alone)
{
	large = 100 * MIB;
	lose("start4.elf");
	with_initramfs(initramfs.parts.has);
	cr_expect_null(strstr(warnings, "Pi 4"), "%s", warnings);
	cr_expect_not_null(strstr(warnings, "Pi 3+"), "%s", warnings);
}

Test(boards, a_long_config_txt_and_what_it_includes_are_told)
{
	static char text[5001];

	memset(text, '#', 5000);
	source.config = text;
	judge();
	warned("config.txt has 5000 bytes; over the network boards read 4096 of them\n");
	configure("include other.txt\n");
	judge();
	warned("config.txt includes another file, which is not looked at here\n");
}
