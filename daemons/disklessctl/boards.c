/* SPDX-License-Identifier: ISC */
/* See boards.h. One table of boards; what a board lacks is collected in words. */
#include "boards.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "output.h"

#define NAMES 6

/*
 * Raspberry Pi documentation: config.txt (kernel, arm_64bit, filters), boot flow; raspberrypi/firmware. Ethernet: the drivers of
 * raspberrypi/linux. A PC's loader is a matter of its network, and its driver is whatever card it has.
 */
struct board {
	const char *name;
	bool pi;
	const char *filters[NAMES];
	const char *firmware[NAMES]; /* all of them */
	const char *trees[NAMES];    /* one of them: the names of Raspberry Pi's kernel and of the kernel's own */
	const char *kernels[NAMES];  /* the first that is there; those that end in 7.img and 7l.img are for 32 bits */
	enum part driver;
	enum machine machine;
	unsigned block; /* bytes of a TFTP block with its oldest firmware */
	bool only_64;   /* whatever arm_64bit says */
};

static const struct board boards[BOARDS] = {
	{ "Raspberry Pi 2 (1.2), 3", true, { "pi2", "pi3" }, { "bootcode.bin", "start.elf", "fixup.dat" },
	    { "bcm2710-rpi-3-b.dtb", "bcm2837-rpi-3-b.dtb", "bcm2710-rpi-2-b.dtb" }, { "kernel7.img", "kernel8.img" },
	    PART_SMSC95XX, MACHINE_ARM64, 512, false },
	{ "Raspberry Pi 3+", true, { "pi3", "pi3+" }, { "bootcode.bin", "start.elf", "fixup.dat" },
	    { "bcm2710-rpi-3-b-plus.dtb", "bcm2837-rpi-3-b-plus.dtb" }, { "kernel7.img", "kernel8.img" }, PART_LAN78XX,
	    MACHINE_ARM64, 512, false },
	{ "Raspberry Pi 4", true, { "pi4" }, { "start4.elf", "fixup4.dat" }, { "bcm2711-rpi-4-b.dtb" },
	    { "kernel8.img", "kernel7l.img" }, PART_GENET, MACHINE_ARM64, 1024, false },
	{ "Raspberry Pi 5", true, { "pi5" }, { NULL }, { "bcm2712-rpi-5-b.dtb", "bcm2712d0-rpi-5-b.dtb" },
	    { "kernel_2712.img", "kernel8.img" }, PART_MACB, MACHINE_ARM64, 1468, true },
	{ "PC (x86-64)", false, { NULL }, { NULL }, { NULL }, { NULL }, PARTS, MACHINE_X64, 0, true },
	{ "arm64 with UEFI", false, { NULL }, { NULL }, { NULL }, { NULL }, PARTS, MACHINE_ARM64, 0, true },
};

struct judging {
	const struct board_source *source;
	const struct board *board;
	struct board_verdict *verdict;
	struct config_txt config;
	const char *prefix; /* os_prefix, if it is used */
	board_warn *warn;
	void *argument;
};

static void lacks(struct judging *, const char *, ...) __attribute__((format(printf, 2, 3)));

static void
lacks(struct judging *j, const char *format, ...)
{
	size_t length = strlen(j->verdict->why), size = sizeof(j->verdict->why);
	va_list ap;

	if (length > 0 && length + 3 < size)
		length += (size_t)snprintf(j->verdict->why + length, size - length, "; ");
	va_start(ap, format);
	vsnprintf(j->verdict->why + length, size - length, format, ap);
	va_end(ap);
	j->verdict->boots = false;
}

/* The whole name of a file that os_prefix stands before. */
static const char *
with_prefix(const char *prefix, const char *name, char text[2 * BOOT_NAME])
{
	snprintf(text, 2 * BOOT_NAME, "%s%s", prefix, name);
	return text;
}

static bool
is_there(const struct judging *j, const char *prefix, const char *name)
{
	char text[2 * BOOT_NAME];
	uint64_t size;

	return j->source->size_of(j->source->argument, with_prefix(prefix, name, text), &size);
}

/* ---- which files ---- */

static bool
for_32_bits(const char *kernel)
{
	return strstr(kernel, "7.img") != NULL || strstr(kernel, "7l.img") != NULL || strcmp(kernel, "kernel.img") == 0;
}

/* Is this kernel tried at all? arm_64bit says so; else the first that is there. */
static bool
is_tried(const struct judging *j, const char *kernel)
{
	return j->config.arm_64bit == -1 || j->board->only_64 || for_32_bits(kernel) == (j->config.arm_64bit == 0);
}

static const char *
find_kernel(const struct judging *j, const char *prefix)
{
	if (j->config.kernel[0] != '\0')
		return is_there(j, prefix, j->config.kernel) ? j->config.kernel : NULL;
	for (int i = 0; i < NAMES && j->board->kernels[i] != NULL; i++)
		if (is_tried(j, j->board->kernels[i]) && is_there(j, prefix, j->board->kernels[i]))
			return j->board->kernels[i];
	return NULL;
}

static const char *
find_tree(const struct judging *j, const char *prefix)
{
	if (j->config.device_tree[0] != '\0')
		return is_there(j, prefix, j->config.device_tree) ? j->config.device_tree : NULL;
	for (int i = 0; i < NAMES && j->board->trees[i] != NULL; i++)
		if (is_there(j, prefix, j->board->trees[i]))
			return j->board->trees[i];
	return NULL;
}

static void
choose_kernel(struct judging *j)
{
	const char *kernel, *wanted = j->config.kernel;

	/* The firmware uses the prefix if kernel and device tree are there (config.txt, os_prefix). */
	j->prefix = j->config.os_prefix;
	if (j->prefix[0] != '\0' && (find_kernel(j, j->prefix) == NULL || find_tree(j, j->prefix) == NULL))
		j->prefix = "";
	kernel = find_kernel(j, j->prefix);
	if (kernel != NULL)
		with_prefix(j->prefix, kernel, j->verdict->kernel);
	else if (wanted[0] != '\0')
		lacks(j, "config.txt names kernel %s, which is not there", wanted);
	else
		for (int i = 0, first = 1; i < NAMES && j->board->kernels[i] != NULL; i++)
			if (is_tried(j, j->board->kernels[i])) {
				if (first)
					lacks(j, "no kernel: %s", j->board->kernels[i]);
				first = 0;
			}
	if (find_tree(j, j->prefix) == NULL)
		lacks(j, "no device tree: %s",
		    j->config.device_tree[0] != '\0' ? j->config.device_tree : j->board->trees[0]);
}

/* kernel8.img has initramfs8, kernel_2712.img initramfs_2712 (config.txt, auto_initramfs). */
static bool
own_initramfs(const char *kernel, char name[BOOT_NAME])
{
	const char *slash = strrchr(kernel, '/'), *file = slash == NULL ? kernel : slash + 1;
	size_t length = strlen(file);

	if (strncmp(file, "kernel", 6) != 0 || length < 10 || strcmp(file + length - 4, ".img") != 0)
		return false;
	snprintf(name, BOOT_NAME, "initramfs%.*s", (int)(length - 10), file + 6);
	return true;
}

static void
choose_initramfs(struct judging *j)
{
	char name[BOOT_NAME];

	if (j->verdict->kernel[0] == '\0')
		return;
	if (j->config.initramfs[0] != '\0') {
		if (is_there(j, j->prefix, j->config.initramfs))
			with_prefix(j->prefix, j->config.initramfs, j->verdict->initramfs);
		else
			lacks(j, "config.txt names initramfs %s, which is not there", j->config.initramfs);
	} else if (j->config.auto_initramfs && own_initramfs(j->verdict->kernel, name) &&
		   is_there(j, j->prefix, name)) {
		with_prefix(j->prefix, name, j->verdict->initramfs);
	}
}

static void
lacks_firmware(struct judging *j)
{
	char list[TEXT_SIZE] = "";
	size_t length = 0;

	for (int i = 0; i < NAMES && j->board->firmware[i] != NULL; i++)
		if (!is_there(j, "", j->board->firmware[i]))
			length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s",
			    length == 0 ? "" : ", ", j->board->firmware[i]);
	if (length > 0)
		lacks(j, "no firmware: %s", list);
}

static void
choose_pi_files(struct judging *j)
{
	const struct board_source *s = j->source;

	config_txt_read(s->config == NULL ? "" : s->config, s->config_length, j->board->filters, &j->config);
	lacks_firmware(j);
	if (s->config == NULL)
		lacks(j, "no config.txt");
	if (j->config.cmdline[0] != '\0' && strcmp(j->config.cmdline, "cmdline.txt") != 0)
		lacks(j, "config.txt takes the command line from %s; the server makes cmdline.txt", j->config.cmdline);
	choose_kernel(j);
	choose_initramfs(j);
}

static void
choose_pc_files(struct judging *j)
{
	if (j->source->pc_kernel == NULL) {
		lacks(j, "no kernel: vmlinuz");
		return;
	}
	snprintf(j->verdict->kernel, sizeof(j->verdict->kernel), "%s", j->source->pc_kernel);
	if (j->source->pc_initramfs != NULL)
		snprintf(j->verdict->initramfs, sizeof(j->verdict->initramfs), "%s", j->source->pc_initramfs);
}

/* ---- what its programs are for ---- */

static void
judge_machine(struct judging *j)
{
	static const char *const words[] = { "an unknown machine", "32-bit ARM", "arm64", "32-bit x86", "x86-64",
		"another machine" };
	enum machine of_image = j->source->machine, of_board = j->board->machine;
	bool narrow = j->board->pi && for_32_bits(j->verdict->kernel);

	if (!j->source->init)
		lacks(j, "no /sbin/init: is it a container's?");
	if (of_image == MACHINE_UNKNOWN || of_image == (narrow ? MACHINE_ARM : of_board) ||
	    (of_image == MACHINE_ARM && of_board == MACHINE_ARM64 && j->board->pi) ||
	    (of_image == MACHINE_X86 && of_board == MACHINE_X64))
		return;
	lacks(j, "its programs are for %s%s", words[of_image], narrow ? ", its kernel for 32 bits" : "");
}

/* ---- the root over NFS ---- */

static void
tell_versions(struct judging *j, uint32_t has, bool four)
{
	const char *best = (has & HAS(PART_NFS42)) != 0   ? " 4.2"
			   : (has & HAS(PART_NFS41)) != 0 ? " 4.1"
			   : (has & HAS(PART_NFS4)) != 0  ? " 4"
							  : "";

	snprintf(j->verdict->nfs, sizeof(j->verdict->nfs), "%s%s", (has & HAS(PART_NFS3)) != 0 ? "3" : "",
	    four && (has & HAS(PART_NFS4)) != 0 ? best : "");
	if ((has & HAS(PART_NFS3)) == 0)
		memmove(j->verdict->nfs, j->verdict->nfs + (j->verdict->nfs[0] == ' '), strlen(j->verdict->nfs) + 1);
}

/* What is wanted and not there, as a list of names. */
static void
lacks_parts(struct judging *j, const char *what, const char *how, uint32_t wanted, uint32_t has)
{
	char list[TEXT_SIZE] = "";
	size_t length = 0;

	for (unsigned i = 0; i < PARTS; i++)
		if ((wanted & ~has & HAS(i)) != 0 && length < sizeof(list))
			length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s",
			    length == 0 ? "" : ", ", part_name((enum part)i));
	if (length > 0)
		lacks(j, "%s %s: %s", what, how, list);
}

static uint32_t
driver_of(const struct board *board)
{
	return board->driver == PARTS ? 0 : HAS(board->driver);
}

static void
judge_kernel_alone(struct judging *j, const struct kernel_facts *kernel)
{
	uint32_t has = kernel->builtin.has, wanted = HAS(PART_NFS) | HAS(PART_NFS3) | driver_of(j->board);

	if (kernel->config)
		wanted |= HAS(PART_ROOT_NFS) | HAS(PART_IP_PNP);
	if (kernel->release[0] == '\0' || (!kernel->config && has == 0)) {
		j->warn(j->argument,
		    "%s: no initramfs is loaded, and nothing tells whether the kernel mounts a root over NFS itself",
		    j->verdict->kernel);
		return;
	}
	lacks_parts(j, j->verdict->kernel, "without initramfs mounts no root over NFS, built in it lacks", wanted, has);
	tell_versions(j, has, true);
}

static void
judge_initramfs(struct judging *j, const struct kernel_facts *kernel)
{
	const struct initramfs_facts *initramfs = j->source->initramfs(j->source->argument, j->verdict->initramfs);
	uint32_t own = initramfs->parts.has, has = own | kernel->builtin.has;
	bool dracut = (own & HAS(PART_DRACUT)) != 0, mount = dracut || (own & HAS(PART_MOUNT_NFS)) != 0;

	if (initramfs->why[0] != '\0') {
		lacks(j, "%s: %s", j->verdict->initramfs, initramfs->why);
		return;
	}
	if (!mount && (own & HAS(PART_NFSMOUNT)) == 0)
		lacks(j, "%s has no program that mounts NFS: nfsmount or mount.nfs", j->verdict->initramfs);
	if (!dracut && (own & HAS(PART_IPCONFIG)) == 0)
		lacks(j, "%s has no ipconfig, which sets the address", j->verdict->initramfs);
	lacks_parts(j, j->verdict->initramfs, "lacks modules, and the kernel has not built in",
	    HAS(PART_NFS) | HAS(PART_NFS3) | driver_of(j->board), has);
	tell_versions(j, has, mount);
	if (kernel->release[0] != '\0' && initramfs->parts.release[0] != '\0' &&
	    strcmp(kernel->release, initramfs->parts.release) != 0)
		lacks(j, "%s is for kernel %s, %s is %s", j->verdict->initramfs, initramfs->parts.release,
		    j->verdict->kernel, kernel->release);
}

static void
judge_root(struct judging *j)
{
	const struct kernel_facts *kernel;

	if (j->verdict->kernel[0] == '\0')
		return;
	kernel = j->source->kernel(j->source->argument, j->verdict->kernel);
	snprintf(j->verdict->release, sizeof(j->verdict->release), "%s", kernel->release);
	if (kernel->release[0] != '\0' && !kernel->modules)
		j->warn(j->argument, "%s: /lib/modules/%s is not there", j->verdict->kernel, kernel->release);
	if (j->verdict->initramfs[0] != '\0')
		judge_initramfs(j, kernel);
	else
		judge_kernel_alone(j, kernel);
}

/* ---- sizes ---- */

/*
 * Firmware that cannot count blocks beyond 65535 reads so much of a file and no more (raspberrypi/rpi-eeprom issues 375, 720; the
 * release of 2025-09-23 for EEPROMs). Its blocks grew: 512 bytes in what has no EEPROM, 1024 until October 2022, 1468 since.
 */
static const struct limit {
	unsigned block;
	const char *whose;
} limits[] = {
	{ 1468, "an EEPROM from before September 2025" },
	{ 1024, "an EEPROM from before October 2022" },
	{ 512, "a board without EEPROM" },
};

static void
judge_size(struct judging *j, const char *name)
{
	char human[16], most[16];
	uint64_t size;

	if (name[0] == '\0' || !j->source->size_of(j->source->argument, name, &size))
		return;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i].block >= j->board->block && size > (uint64_t)65535 * limits[i].block) {
			j->warn(j->argument, "%s: %s has %s; %s reads %s of it", j->board->name, name,
			    output_human(size, human), limits[i].whose,
			    output_human((uint64_t)65535 * limits[i].block, most));
			return;
		}
}

static void
judge_board(struct judging *j)
{
	*j->verdict = (struct board_verdict){ .board = j->board->name, .boots = true };
	if (j->board->pi)
		choose_pi_files(j);
	else
		choose_pc_files(j);
	judge_machine(j);
	judge_root(j);
	if (!j->verdict->boots)
		return;
	if (j->board->pi) {
		judge_size(j, j->verdict->kernel);
		judge_size(j, j->verdict->initramfs);
	}
}

/* ---- all ---- */

static void
judge_config(const struct board_source *s, board_warn *warn, void *argument)
{
	static const char *const none[] = { NULL };
	struct config_txt config;

	if (s->config == NULL)
		return;
	if (s->config_length > CONFIG_TXT_READ)
		warn(argument, "config.txt has %zu bytes; over the network boards read %d of them", s->config_length,
		    CONFIG_TXT_READ);
	config_txt_read(s->config, s->config_length, none, &config);
	if (config.includes)
		warn(argument, "config.txt includes another file, which is not looked at here");
}

void
boards_judge(const struct board_source *source, struct board_verdict verdict[BOARDS], board_warn *warn, void *argument)
{
	for (size_t i = 0; i < BOARDS; i++) {
		struct judging j = { .source = source,
			.board = &boards[i],
			.verdict = &verdict[i],
			.prefix = "",
			.warn = warn,
			.argument = argument };

		judge_board(&j);
	}
	judge_config(source, warn, argument);
}
