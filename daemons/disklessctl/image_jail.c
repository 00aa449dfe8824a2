/* SPDX-License-Identifier: ISC */
/* Runs as root in the mount namespace of fill(); makes mounts and nothing else. */
#include "image_jail.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define JAIL_PATH (PATH_SIZE + 128)

/* What is at path here, at the same path there: a directory or a file; nothing if there is none. */
static int
bind_ours(const char *jail, const char *path)
{
	char there[JAIL_PATH], *slash;
	struct stat st;
	int fd;

	if (stat(path, &st) == -1)
		return 0;
	snprintf(there, sizeof(there), "%s%s", jail, path);
	for (slash = strchr(there + strlen(jail) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(there, 0755) == -1 && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	if (S_ISDIR(st.st_mode) && mkdir(there, 0755) == -1)
		return -1;
	if (!S_ISDIR(st.st_mode)) {
		fd = open(there, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd == -1)
			return -1;
		close(fd);
	}
	if (mount(path, there, NULL, MS_BIND, NULL) == -1)
		return -1;
	return mount(NULL, there, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL);
}

/* Debian has had /bin, /lib ... as links since 12. */
static int
make_links(const char *jail)
{
	static const char *const links[] = { "bin", "lib", "lib32", "lib64", "libx32", "sbin" };
	char path[JAIL_PATH], target[32];

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		snprintf(target, sizeof(target), "usr/%s", links[i]);
		snprintf(path, sizeof(path), "%s/%s", jail, links[i]);
		if (symlink(target, path) == -1)
			return -1;
	}
	return 0;
}

static int
make_directories(const char *jail)
{
	static const char *const directories[] = { "tree", "proc", "dev", "run", "tmp", "sys", "var", "var/tmp" };
	char path[JAIL_PATH];

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", jail, directories[i]);
		if (mkdir(path, 0755) == -1)
			return -1;
	}
	snprintf(path, sizeof(path), "%s/tmp", jail);
	return mount("diskless", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=256m");
}

static int
bind_tree(const struct image_make *m, const char *jail, unsigned long flags)
{
	char path[JAIL_PATH];

	snprintf(path, sizeof(path), "%s/tree", jail);
	if (mount(m->root, path, NULL, MS_BIND, NULL) == -1)
		return -1;
	return mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | flags, NULL);
}

int
image_jail(struct image_make *m, const char *jail, const char *const *also, unsigned long tree_flags)
{
	int result = mkdir(jail, 0700);

	if (result == 0)
		result = mount("diskless", jail, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m");
	if (result == 0)
		result =
		    make_links(jail) == -1 || make_directories(jail) == -1 || bind_ours(jail, "/usr") == -1 ? -1 : 0;
	for (; result == 0 && *also != NULL; also++)
		result = bind_ours(jail, *also);
	if (result == 0)
		result = bind_tree(m, jail, tree_flags);
	if (result == 0)
		result = mount(NULL, jail, NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL);
	return result == 0 ? 0 : image_failed(m, "%s: %s", jail, strerror(errno));
}
