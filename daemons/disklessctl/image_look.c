/* SPDX-License-Identifier: ISC */
/* See image_look.h. Each kernel and initramfs is looked at once, also if several boards boot it. */
#include "image_look.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"
#include "boot_kernel.h"
#include "entries.h"
#include "initramfs.h"
#include "log.h"

#define TEXT_MAX  ((size_t)4 << 20) /* of a kernel's config, 300 KiB */
#define LOOKS     16                /* kernels, and as many initramfs */
#define RELEASES  32                /* directories in /lib/modules */
#define ELF_BYTES 20

struct kernel_look {
	char name[2 * BOOT_NAME];
	struct kernel_facts facts;
};

struct initramfs_look {
	char name[2 * BOOT_NAME];
	struct initramfs_facts facts;
};

struct image_look {
	int root;
	char boot[PATH_SIZE];
	struct board_source source;
	struct kernel_look kernels[LOOKS];
	struct initramfs_look initramfs[LOOKS];
	char releases[RELEASES][64]; /* sorted */
	size_t release_count;
	struct boot_kernel pc;
	char *config;
};

/* ---- files in the boot directory ---- */

static int
open_boot_file(const struct image_look *look, const char *name)
{
	char path[PATH_SIZE + 2 * BOOT_NAME];

	snprintf(path, sizeof(path), "%s/%s", look->boot, name);
	return beneath_read(look->root, path);
}

static bool
size_of(void *argument, const char *name, uint64_t *size)
{
	int fd = open_boot_file(argument, name);
	struct stat st;
	bool known = fd != -1 && fstat(fd, &st) == 0;

	*size = known ? (uint64_t)st.st_size : 0;
	if (fd != -1)
		close(fd);
	return known;
}

/* ---- the release of a kernel ---- */

static int
visit_release(int root, const char *path, const char *name, void *argument)
{
	struct image_look *look = argument;

	if (look->release_count < RELEASES && strlen(name) < sizeof(look->releases[0]))
		snprintf(look->releases[look->release_count++], sizeof(look->releases[0]), "%s", name);
	return 0;
}

static int
compare_releases(const void *a, const void *b)
{
	return strverscmp(a, b);
}

/* What Raspberry Pi's kernel packages call their releases, 6.1.21-v8+ to bullseye, 6.12.25+rpt-rpi-v8 since. */
static const struct flavour {
	const char *kernel;
	const char *in_release;
	const char *not_in_release;
} flavours[] = {
	{ "kernel_2712.img", "2712", NULL },
	{ "kernel8.img", "v8", NULL },
	{ "kernel7l.img", "v7l", NULL },
	{ "kernel7.img", "v7", "v7l" },
};

static bool
is_release_of(const char *release, const char *kernel)
{
	if (strncmp(kernel, "vmlinuz-", 8) == 0)
		return strcmp(kernel + 8, release) == 0;
	for (size_t i = 0; i < sizeof(flavours) / sizeof(flavours[0]); i++) {
		const struct flavour *f = &flavours[i];

		if (strcmp(f->kernel, kernel) == 0)
			return strstr(release, f->in_release) != NULL &&
			       (f->not_in_release == NULL || strstr(release, f->not_in_release) == NULL);
	}
	return false;
}

/* By its name; else there is but one. The newest, if several are of its flavour: the package of the other is half removed. */
static void
find_release(const struct image_look *look, const char *kernel, struct kernel_facts *facts)
{
	const char *slash = strrchr(kernel, '/'), *file = slash == NULL ? kernel : slash + 1;

	for (size_t i = look->release_count; i > 0; i--)
		if (is_release_of(look->releases[i - 1], file)) {
			snprintf(facts->release, sizeof(facts->release), "%s", look->releases[i - 1]);
			facts->modules = true;
			return;
		}
	if (strncmp(file, "vmlinuz-", 8) == 0) {
		snprintf(facts->release, sizeof(facts->release), "%s", file + 8);
	} else if (look->release_count == 1) {
		snprintf(facts->release, sizeof(facts->release), "%s", look->releases[0]);
		facts->modules = true;
	}
}

/* ---- what is built in ---- */

static char *
slurp(const struct image_look *look, const char *before, const char *release, const char *behind)
{
	char path[PATH_SIZE], *text;
	size_t length;

	snprintf(path, sizeof(path), "%s%s%s", before, release, behind);
	return beneath_slurp(look->root, path, TEXT_MAX, &text, &length) == 0 ? text : NULL;
}

static void
read_lines(struct parts *parts, char *text)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		parts_of_path(parts, line);
}

static void
find_built_in(const struct image_look *look, struct kernel_facts *facts)
{
	char *config = slurp(look, "/boot/config-", facts->release, ""), *builtin;

	if (config == NULL)
		config = slurp(look, "/lib/modules/", facts->release, "/config");
	builtin = slurp(look, "/lib/modules/", facts->release, "/modules.builtin");
	facts->config = config != NULL;
	if (config != NULL)
		parts_of_config(&facts->builtin, config);
	if (builtin != NULL)
		read_lines(&facts->builtin, builtin);
	free(config);
	free(builtin);
}

static const struct kernel_facts *
look_at_kernel(void *argument, const char *name)
{
	struct image_look *look = argument;
	struct kernel_look *k = look->kernels;

	while (k < look->kernels + LOOKS - 1 && k->name[0] != '\0' && strcmp(k->name, name) != 0)
		k++;
	if (strcmp(k->name, name) == 0)
		return &k->facts;
	memset(k, 0, sizeof(*k));
	snprintf(k->name, sizeof(k->name), "%s", name);
	find_release(look, name, &k->facts);
	if (k->facts.release[0] != '\0')
		find_built_in(look, &k->facts);
	return &k->facts;
}

static const struct initramfs_facts *
look_at_initramfs(void *argument, const char *name)
{
	struct image_look *look = argument;
	struct initramfs_look *i = look->initramfs;
	int fd;

	while (i < look->initramfs + LOOKS - 1 && i->name[0] != '\0' && strcmp(i->name, name) != 0)
		i++;
	if (strcmp(i->name, name) == 0)
		return &i->facts;
	memset(i, 0, sizeof(*i));
	snprintf(i->name, sizeof(i->name), "%s", name);
	fd = open_boot_file(look, name);
	if (fd == -1)
		snprintf(i->facts.why, sizeof(i->facts.why), "%s", strerror(errno));
	else if (initramfs_read(fd, &i->facts.parts, i->facts.why, sizeof(i->facts.why)) == 0)
		i->facts.why[0] = '\0';
	if (fd != -1)
		close(fd);
	return &i->facts;
}

/* ---- the tree ---- */

/* ELF's header: class at 4, byte order at 5, machine at 18 (System V ABI; numbers of its registry). */
static enum machine
machine_of(const uint8_t *elf)
{
	if (memcmp(elf,
		"\x7f"
		"ELF",
		4) != 0 ||
	    elf[5] != 1)
		return MACHINE_UNKNOWN;
	switch (elf[18] | elf[19] << 8) {
	case 3:
		return MACHINE_X86;
	case 40:
		return MACHINE_ARM;
	case 62:
		return MACHINE_X64;
	case 183:
		return MACHINE_ARM64;
	default:
		return MACHINE_OTHER;
	}
}

static enum machine
look_at_programs(int root)
{
	static const char *const programs[] = { "/bin/sh", "/sbin/init", "/bin/busybox" };
	enum machine machine = MACHINE_UNKNOWN;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]) && machine == MACHINE_UNKNOWN; i++) {
		uint8_t elf[ELF_BYTES] = { 0 };
		int fd = beneath_read(root, programs[i]);

		if (fd != -1 && read(fd, elf, sizeof(elf)) == (ssize_t)sizeof(elf))
			machine = machine_of(elf);
		if (fd != -1)
			close(fd);
	}
	return machine;
}

static void
look_at_pc(struct image_look *look)
{
	int directory = beneath_directory(look->root, look->boot);

	if (directory != -1 && boot_kernel_find(directory, &look->pc)) {
		look->source.pc_kernel = look->pc.kernel;
		look->source.pc_initramfs = look->pc.initrd[0] == '\0' ? NULL : look->pc.initrd;
	}
	if (directory != -1)
		close(directory);
}

struct image_look *
image_look_new(int root, const char *boot)
{
	struct image_look *look = calloc(1, sizeof(*look));
	char path[PATH_SIZE + 16];

	if (look == NULL)
		fatalx("no memory");
	look->root = root;
	snprintf(look->boot, sizeof(look->boot), "%s", boot);
	snprintf(path, sizeof(path), "%s/config.txt", boot);
	look->source = (struct board_source){ .boot = look->boot,
		.size_of = size_of,
		.kernel = look_at_kernel,
		.initramfs = look_at_initramfs,
		.argument = look,
		.machine = look_at_programs(root),
		.init = is_there(root, "/sbin/init") || is_there(root, "/etc/init") || is_there(root, "/bin/init") };
	if (beneath_slurp(root, path, TEXT_MAX, &look->config, &look->source.config_length) == 0)
		look->source.config = look->config;
	each_entry(root, "/lib/modules", visit_release, look);
	qsort(look->releases, look->release_count, sizeof(look->releases[0]), compare_releases);
	look_at_pc(look);
	return look;
}

const struct board_source *
image_look_source(const struct image_look *look)
{
	return &look->source;
}

void
image_look_free(struct image_look *look)
{
	free(look->config);
	free(look);
}
