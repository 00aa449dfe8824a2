/* SPDX-License-Identifier: ISC */
/* Runs as root on trees of foreign bytes: every path goes through beneath.h, every file is read with a bound. */
#include "adapt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapt_rules.h"
#include "beneath.h"
#include "entries.h"

#define TEXT_MAX    ((size_t)1 << 20)
#define KERNELS_MAX 32

static int
fail(char *why, size_t size, const char *path)
{
	snprintf(why, size, "%s in the root: %s", path, strerror(errno));
	return -1;
}

/* ---- boot files ---- */

/* FAT does not tell them apart by case. The stock one names a disk, and the server makes each client's own. */
static int
visit_cmdline(int root, const char *path, const char *name, void *unused)
{
	return strcasecmp(name, "cmdline.txt") == 0 ? beneath_unlink(root, path) : 0;
}

struct kernels {
	char *name[KERNELS_MAX];
	size_t count;
};

static int
visit_kernel(int root, const char *path, const char *name, void *argument)
{
	struct kernels *kernels = argument;
	size_t length = strlen(name);
	bool is = strncmp(name, "vmlinuz", 7) == 0 ||
		  (strncmp(name, "kernel", 6) == 0 && length > 4 && strcmp(name + length - 4, ".img") == 0);

	if (!is || kernels->count == KERNELS_MAX ||
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-") != length)
		return 0;
	kernels->name[kernels->count] = strdup(name);
	return kernels->name[kernels->count++] == NULL ? -1 : 0;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
find_kernels(int root, const char *boot, char kernel[PATH_SIZE])
{
	struct kernels kernels = { .count = 0 };
	int result = each_entry(root, boot, visit_kernel, &kernels);
	size_t length = 0;

	qsort(kernels.name, kernels.count, sizeof(kernels.name[0]), compare_names);
	kernel[0] = '\0';
	for (size_t i = 0; i < kernels.count; i++) {
		if (kernels.name[i] != NULL && length + strlen(kernels.name[i]) + 2 < PATH_SIZE)
			length += (size_t)snprintf(
			    kernel + length, PATH_SIZE - length, "%s%s", i == 0 ? "" : " ", kernels.name[i]);
		free(kernels.name[i]);
	}
	return result;
}

/* The boot partition's mount point since Debian 12; before it was /boot. */
static const char *
boot_directory(int root)
{
	int firmware = beneath_directory(root, "/boot/firmware");

	if (firmware == -1)
		return "/boot";
	close(firmware);
	return "/boot/firmware";
}

static int
install_boot_files(int root, int boot_files, char *why, size_t size)
{
	const char *boot = boot_directory(root);

	if (beneath_copy_tree(root, boot, boot_files) == -1 || each_entry(root, boot, visit_cmdline, NULL) == -1)
		return fail(why, size, boot);
	return 0;
}

int
adapt_look(int root, char boot[PATH_SIZE], char kernel[PATH_SIZE], char *why, size_t size)
{
	snprintf(boot, PATH_SIZE, "%s", boot_directory(root));
	return find_kernels(root, boot, kernel) == -1 ? fail(why, size, boot) : 0;
}

/* ---- the two trees ---- */

int
adapt_image(int root, int boot_files, char *why, size_t size)
{
	int etc = beneath_directory(root, "/etc");

	if (etc == -1) {
		snprintf(why, size, "its root has no /etc; it should be a root filesystem");
		return -1;
	}
	close(etc);
	if (install_boot_files(root, boot_files, why, size) == -1)
		return -1;
	return adapt_rules(root, boot_directory(root), why, size);
}
