/* SPDX-License-Identifier: ISC */
/*
 * Debian from its mirror (image_suite.h): mmdebstrap of this machine, in a jail of its own. It checks the signatures of what it
 * gets; what it installs runs in the tree, behind the walls of sandbox.h but for the right to mount, which mmdebstrap needs.
 */
#include "image_suite.h"

#include <sys/mount.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "beneath.h"
#include "entries.h"
#include "image_jail.h"
#include "sandbox.h"

#define TREE_BYTES   ((uint64_t)3 << 30) /* of holes: a board's packages come later, into the recipe's room */
#define TREE_ENTRIES 150000
#define MMDEBSTRAP   "/usr/bin/mmdebstrap"
#define RELEASE_MAX  ((size_t)4 << 20)
#define NO_EPOCH     UINT64_C(1577836800) /* 2020: while it is not known yet, for the dates in /etc/shadow */

/* Beyond what is Essential and apt: what boots, finds its devices and its network, and knows the time. */
#define PACKAGES "--include=init,udev,dbus,kmod,netbase,iproute2,procps,ca-certificates,systemd-timesyncd"

static int
make(struct image_make *m, void *argument)
{
	const struct config_image *image = ((const struct suite *)argument)->image;

	snprintf(m->manifest.origin, sizeof(m->manifest.origin), "Debian %.60s %.10s from %.150s", image->suite,
	    image->architecture, image->mirror == NULL ? "its mirror" : image->mirror);
	snprintf(m->manifest.origin_digest, sizeof(m->manifest.origin_digest), "-");
	if (access(MMDEBSTRAP, X_OK) == -1)
		return image_failed(m, "%s: %s; install mmdebstrap", MMDEBSTRAP, strerror(errno));
	return image_new_filesystem(m, TREE_BYTES, TREE_ENTRIES);
}

/* Firmware of boards is in a part of its own since Debian 12. */
static const char *
components(const char *suite)
{
	return strcmp(suite, "bullseye") == 0 ? "--components=main,contrib,non-free"
					      : "--components=main,non-free-firmware";
}

/* What mmdebstrap reads of this machine; of its secrets nothing. */
static const char *const ours[] = { "/etc/alternatives", "/etc/apt", "/etc/dpkg", "/etc/gai.conf", "/etc/group",
	"/etc/hosts", "/etc/ld.so.cache", "/etc/nsswitch.conf", "/etc/passwd", "/etc/perl", "/etc/protocols",
	"/etc/resolv.conf", "/etc/services", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/var/lib/dpkg", NULL };

/* The kernel's modules that an initramfs needs to mount a root by NFS, and none for disks. */
static int
prepare_initramfs(struct image_make *m, int root)
{
	static const char directory[] = "/etc/initramfs-tools/conf.d";
	static const char text[] = "# diskless: the root comes over the network.\nMODULES=netboot\n";
	char path[64];

	snprintf(path, sizeof(path), "%s/diskless", directory);
	if (beneath_mkdirs(root, directory, 0755) == -1 ||
	    beneath_write(root, path, text, sizeof(text) - 1, 0644) == -1)
		return image_failed(m, "%s in the root: %s", path, strerror(errno));
	return 0;
}

/* mmdebstrap leaves this machine's own. */
static int
forget_machine(struct image_make *m, int root)
{
	if (beneath_unlink(root, "/etc/resolv.conf") == -1 ||
	    beneath_write(root, "/etc/hostname", "debian\n", 7, 0644) == -1)
		return image_failed(m, "/etc in the root: %s", strerror(errno));
	return 0;
}

/* ---- when it is of ---- */

/* "Date: Sat, 07 Jun 2025 09:00:00 UTC" of an archive's Release; 0: none. */
static uint64_t
release_date(const char *text)
{
	const char *date = strstr(text, "\nDate: ");
	struct tm tm = { 0 };
	time_t when;

	if (date == NULL || strptime(date + strlen("\nDate: "), "%a, %d %b %Y %H:%M:%S UTC", &tm) == NULL)
		return 0;
	when = timegm(&tm);
	return when > 0 ? (uint64_t)when : 0;
}

/* The newest of the archives' dates. */
static int
visit_list(int root, const char *path, const char *name, void *argument)
{
	uint64_t *epoch = argument, date;
	size_t length = strlen(name);
	char *text;

	if (length < 7 || strcmp(name + length - 7, "Release") != 0 ||
	    beneath_slurp(root, path, RELEASE_MAX, &text, &length) == -1)
		return 0;
	date = release_date(text);
	free(text);
	*epoch = date > *epoch ? date : *epoch;
	return 0;
}

static int
fill(struct image_make *m, int root, void *argument)
{
	const struct config_image *image = ((const struct suite *)argument)->image;
	char architecture[64], jail[PATH_SIZE + 32], tree[PATH_SIZE + 64];
	const char *const argv[] = { MMDEBSTRAP, "--quiet", "--mode=root", "--format=directory", "--variant=minbase",
		"--skip=check/qemu,chroot/mount/sys,output/dev,cleanup/apt/lists", architecture,
		components(image->suite), PACKAGES, image->suite, "/tree", image->mirror, NULL };
	struct sandbox sandbox = { .argv = argv,
		.network = true,
		.mounts = true,
		.tree = jail,
		.epoch = m->manifest.epoch == 0 ? NO_EPOCH : m->manifest.epoch };
	int result;

	snprintf(architecture, sizeof(architecture), "--architectures=%.30s", image->architecture);
	snprintf(jail, sizeof(jail), "%s/jail", m->work_path);
	if (sandbox_can_run_architecture(m, image->architecture) == -1 ||
	    image_jail(m, jail, ours, MS_NOSUID | MS_NODEV) == -1)
		return -1;
	image_say(m, "making Debian %s for %s; this takes minutes", image->suite, image->architecture);
	result = sandbox_run(m, &sandbox);
	snprintf(tree, sizeof(tree), "%s/tree", jail);
	umount2(tree, UMOUNT_NOFOLLOW | MNT_DETACH); /* else the filesystem stays mounted */
	if (result == 0 && m->manifest.epoch == 0)
		result = each_entry(root, "/var/lib/apt/lists", visit_list, &m->manifest.epoch);
	if (result == 0)
		result = forget_machine(m, root) == -1 || prepare_initramfs(m, root) == -1 ? -1 : 0;
	return result;
}

struct image_source
image_source_suite(struct suite *suite)
{
	return (struct image_source){ .make = make, .fill = fill, .argument = suite };
}
