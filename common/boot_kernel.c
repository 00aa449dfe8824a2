/* SPDX-License-Identifier: ISC */
/* See boot_kernel.h. */
#include "boot_kernel.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES_MAX 4096 /* of a boot directory, which the client fills */
#define KERNEL      "vmlinuz"
#define INITRD      "initrd.img"
#define NAME_BYTES  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~-"

/* What stands behind KERNEL in a name of one, "-6.1.0-18-amd64" or nothing; NULL: it is none, or not one to put into a script. */
static const char *
version_of(const char *name)
{
	size_t length = strlen(KERNEL);

	if (strncmp(name, KERNEL, length) != 0 || strspn(name, NAME_BYTES) != strlen(name) ||
	    strlen(name) >= BOOT_KERNEL_SIZE - strlen(INITRD))
		return NULL;
	return name[length] == '\0' || name[length] == '-' ? name + length : NULL;
}

bool
boot_kernel_find(int directory, struct boot_kernel *found)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	const char *version;
	char best[BOOT_KERNEL_SIZE];
	bool any = false;

	if (list == NULL) {
		if (fd != -1)
			close(fd);
		return false;
	}
	for (int i = 0; i < ENTRIES_MAX && (entry = readdir(list)) != NULL; i++) {
		version = version_of(entry->d_name);
		if (version == NULL || (any && strverscmp(version, best) <= 0))
			continue;
		snprintf(best, sizeof(best), "%s", version);
		any = true;
	}
	if (any) {
		snprintf(found->kernel, sizeof(found->kernel), KERNEL "%s", best);
		snprintf(found->initrd, sizeof(found->initrd), INITRD "%s", best);
		if (faccessat(directory, found->initrd, F_OK, AT_SYMLINK_NOFOLLOW) == -1)
			found->initrd[0] = '\0';
	}
	closedir(list);
	return any;
}
