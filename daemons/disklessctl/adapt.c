/* SPDX-License-Identifier: ISC */
/* Runs as root on trees of foreign bytes: every path goes through beneath.h, every file is read with a bound. */
#include "adapt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"

#define TEXT_MAX    ((size_t)1 << 20)
#define KERNELS_MAX 32

static int
fail(char *why, size_t size, const char *path)
{
	snprintf(why, size, "%s in the root: %s", path, strerror(errno));
	return -1;
}

/* ---- texts ---- */

static bool
line_is_from_a_disk(const char *line)
{
	char device[128], point[128], type[32];

	if (sscanf(line, "%127s %127s %31s", device, point, type) != 3 || device[0] == '#')
		return false;
	return strcmp(point, "/") == 0 || strcmp(point, "/boot") == 0 || strcmp(point, "/boot/firmware") == 0 ||
	       strcmp(type, "swap") == 0;
}

static bool
line_names_this_host(const char *line)
{
	char address[32];

	return sscanf(line, "%31s", address) == 1 && strcmp(address, "127.0.1.1") == 0;
}

/* The beginning of the line at text, alone; returns the length of the whole line with its end. */
static size_t
take_line(const char *text, char *line, size_t size)
{
	size_t length = strcspn(text, "\n");

	snprintf(line, size, "%.*s", (int)length, text);
	return text[length] == '\n' ? length + 1 : length;
}

char *
adapt_fstab(const char *text)
{
	char line[512], *fstab = NULL;
	size_t length, size;
	FILE *out = open_memstream(&fstab, &size);

	if (out == NULL)
		return NULL;
	for (; *text != '\0'; text += length) {
		length = take_line(text, line, sizeof(line));
		if (line_is_from_a_disk(line))
			fputs("# diskless: not used, the root comes over the network: ", out);
		fwrite(text, 1, length, out);
	}
	return fclose(out) == 0 ? fstab : NULL;
}

char *
adapt_hosts(const char *text, const char *name)
{
	char line[512], *hosts = NULL;
	size_t length, size;
	FILE *out = open_memstream(&hosts, &size);
	bool ended = true, written = false;

	if (out == NULL)
		return NULL;
	for (; *text != '\0'; text += length) {
		length = take_line(text, line, sizeof(line));
		ended = text[length - 1] == '\n';
		if (!line_names_this_host(line)) {
			fwrite(text, 1, length, out);
		} else if (!written) {
			fprintf(out, "127.0.1.1\t%s\n", name);
			written = ended = true;
		}
	}
	if (!written)
		fprintf(out, "%s127.0.1.1\t%s\n", ended ? "" : "\n", name);
	return fclose(out) == 0 ? hosts : NULL;
}

/* ---- directories ---- */

/* visit() gets the path of each entry of a directory; one that is not there has none. */
static int
each_entry(
    int root, const char *directory, int (*visit)(int root, const char *path, const char *name, void *), void *argument)
{
	int fd = beneath_directory(root, directory), list, result = 0;
	struct dirent *entry;
	DIR *entries;

	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	list = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(fd);
	entries = list == -1 ? NULL : fdopendir(list);
	if (entries == NULL)
		return -1;
	while (result == 0 && (entry = readdir(entries)) != NULL) {
		char path[2 * PATH_SIZE];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%.200s/%s", directory, entry->d_name);
		result = visit(root, path, entry->d_name, argument);
	}
	closedir(entries);
	return result;
}

/* ---- services ---- */

/* What works on the disk that a board had, by the beginning of its name: growing the root to its end, swap files on it. */
static const char *const services[] = { "resize2fs_once", "rpi-resize", "dphys-swapfile", "rpi-swap" };

static bool
is_such_a_service(const char *name)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strncmp(name, services[i], strlen(services[i])) == 0)
			return true;
	return false;
}

/* Links of System V's init: S01name, K01name. */
static int
visit_rc_link(int root, const char *path, const char *name, void *unused)
{
	return strlen(name) > 3 && is_such_a_service(name + 3) ? beneath_unlink(root, path) : 0;
}

static int
visit_wanted(int root, const char *path, const char *name, void *unused)
{
	return is_such_a_service(name) ? beneath_unlink(root, path) : 0;
}

/* TARGET.wants, TARGET.requires: where systemctl enable puts its links. */
static int
visit_unit_directory(int root, const char *path, const char *name, void *unused)
{
	const char *dot = strrchr(name, '.');

	if (dot == NULL || (strcmp(dot, ".wants") != 0 && strcmp(dot, ".requires") != 0))
		return 0;
	return each_entry(root, path, visit_wanted, NULL);
}

/* A generator needs no link to run; a link of its name to /dev/null keeps it from it: systemd.generator(7). */
static int
visit_generator(int root, const char *path, const char *name, void *unused)
{
	char mask[PATH_SIZE];

	if (!is_such_a_service(name))
		return 0;
	snprintf(mask, sizeof(mask), "/etc/systemd/system-generators/%.100s", name);
	if (beneath_mkdirs(root, "/etc/systemd/system-generators", 0755) == -1)
		return -1;
	return beneath_symlink(root, "/dev/null", mask);
}

static int
disable_services(int root, char *why, size_t size)
{
	static const char *const levels[] = { "/etc/rcS.d", "/etc/rc0.d", "/etc/rc1.d", "/etc/rc2.d", "/etc/rc3.d",
		"/etc/rc4.d", "/etc/rc5.d", "/etc/rc6.d" };

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (each_entry(root, levels[i], visit_rc_link, NULL) == -1)
			return fail(why, size, levels[i]);
	if (beneath_unlink(root, "/etc/init.d/resize2fs_once") == -1)
		return fail(why, size, "/etc/init.d/resize2fs_once");
	if (each_entry(root, "/etc/systemd/system", visit_unit_directory, NULL) == -1)
		return fail(why, size, "/etc/systemd/system");
	if (each_entry(root, "/usr/lib/systemd/system-generators", visit_generator, NULL) == -1 ||
	    each_entry(root, "/lib/systemd/system-generators", visit_generator, NULL) == -1)
		return fail(why, size, "/etc/systemd/system-generators");
	return 0;
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

/* Rewrites a file, if there is one, by a function of its text. */
static int
rewrite(int root, const char *path, char *(*change)(const char *, const char *), const char *argument, char *why,
    size_t size)
{
	char *text, *changed;
	size_t length;
	int result;

	if (beneath_slurp(root, path, TEXT_MAX, &text, &length) == -1)
		return errno == ENOENT ? 0 : fail(why, size, path);
	changed = change(text, argument);
	free(text);
	result = changed == NULL ? -1 : beneath_write(root, path, changed, strlen(changed), 0644);
	free(changed);
	return result == -1 ? fail(why, size, path) : 0;
}

static char *
change_fstab(const char *text, const char *unused)
{
	return adapt_fstab(text);
}

int
adapt_image(int root, int boot_files, char *why, size_t size)
{
	int etc = beneath_directory(root, "/etc");

	if (etc == -1) {
		snprintf(why, size, "its root has no /etc; it should be a root filesystem");
		return -1;
	}
	close(etc);
	if (install_boot_files(root, boot_files, why, size) == -1 ||
	    rewrite(root, "/etc/fstab", change_fstab, NULL, why, size) == -1)
		return -1;
	return disable_services(root, why, size);
}

int
adapt_client(int root, const char *name, char *why, size_t size)
{
	char hostname[NAME_SIZE + 1];
	int length = snprintf(hostname, sizeof(hostname), "%s\n", name);

	if (beneath_write(root, "/etc/hostname", hostname, (size_t)length, 0644) == -1)
		return fail(why, size, "/etc/hostname");
	return rewrite(root, "/etc/hosts", adapt_hosts, name, why, size);
}
