/* SPDX-License-Identifier: ISC */
/*
 * The table of what is changed in a tree so that it runs from the network, and the few things that a row can do. Runs as root on
 * trees of foreign bytes: every path goes through beneath.h, every file is read with a bound.
 */
#include "adapt_rules.h"

#include <sys/stat.h>

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapt.h"
#include "beneath.h"
#include "entries.h"

#define TEXT_MAX ((size_t)1 << 20)
#define BOOT     "BOOT/" /* in a path of the table: the boot directory */
#define UNITS    "/etc/systemd/system/"
#define SSHD     "/lib/systemd/system/ssh.service"
#define SEED     "/var/lib/cloud/seed/nocloud/"

/* ---- files of ours in a tree ---- */

/*
 * A generator runs before every service and needs nothing but the kernel's command line, which the server makes from its
 * configuration: ip=ADDRESS:SERVER:GATEWAY:NETMASK:NAME:DEVICE:PROTOCOL:DNS:DNS (Documentation/admin-guide/nfs/nfsroot.rst).
 */
static const char name_servers[] =
    "#!/bin/sh\n"
    "# diskless: the name servers of the kernel's command line, for /etc/resolv.conf and systemd-resolved.\n"
    "set -f\n"
    "umask 022\n"
    "read -r words </proc/cmdline\n"
    "for word in $words; do\n"
    "\tcase $word in ip=*) ip=${word#ip=} ;; esac\n"
    "done\n"
    "IFS=:\n"
    "set -- ${ip-}\n"
    "[ $# -ge 8 ] || exit 0\n"
    "shift 7\n"
    "mkdir -p /run/diskless /run/systemd/resolved.conf.d\n"
    "echo '[Resolve]' >/run/systemd/resolved.conf.d/diskless.conf\n"
    "for server; do\n"
    "\t[ -n \"$server\" ] || continue\n"
    "\techo \"nameserver $server\"\n"
    "\techo \"DNS=$server\" >>/run/systemd/resolved.conf.d/diskless.conf\n"
    "done >/run/diskless/resolv.conf\n";

static const char network_manager[] = "# diskless: the root comes over it; whoever takes it down takes the root away.\n"
				      "[device-diskless]\n"
				      "match-device=interface-name:" ADAPT_INTERFACE "\n"
				      "managed=0\n";

static const char networkd[] = "# diskless: the root comes over it; whoever takes it down takes the root away.\n"
			       "[Match]\n"
			       "Name=" ADAPT_INTERFACE "\n"
			       "\n"
			       "[Link]\n"
			       "Unmanaged=yes\n"
			       "RequiredForOnline=no\n";

/* Host keys and the name are those that the server keeps for each client. */
static const char cloud[] = "# diskless: the network and the name come from the server, and there is no disk to grow.\n"
			    "network: {config: disabled}\n"
			    "growpart: {mode: 'off'}\n"
			    "resize_rootfs: false\n"
			    "preserve_hostname: true\n"
			    "ssh_deletekeys: false\n";

static const char swap_in_memory[] = "# diskless: no swap file on a root that comes over the network.\n"
				     "[Main]\n"
				     "Mechanism=zram\n";

static const char ssh_keys[] = "# diskless: an image has no host keys; each client makes its own, once.\n"
			       "[Unit]\n"
			       "Description=SSH host keys of this board\n"
			       "Before=ssh.service sshd.service\n"
			       "ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key\n"
			       "\n"
			       "[Service]\n"
			       "Type=oneshot\n"
			       "ExecStart=/usr/bin/ssh-keygen -A\n"
			       "\n"
			       "[Install]\n"
			       "WantedBy=multi-user.target\n";

/* ---- the table ---- */

enum action {
	MASK,         /* path, a unit without suffix, with its links below *.wants and of System V's init */
	REMOVE,       /* path, a file */
	REMOVE_KEYS,  /* ssh_host_*_key* in the directory path */
	EMPTY,        /* path, if it says something else than text */
	WRITE,        /* text to path */
	SCRIPT,       /* the same, to be run */
	LINK,         /* path becomes a link to text */
	REWRITE,      /* path by change() */
	REWRITE_EACH, /* the files in the directory path */
};

struct rule {
	const char *where;    /* which release has it, for who reads this */
	const char *if_there; /* in the tree; NULL: look at path alone */
	enum action action;
	const char *path;
	const char *text;
	char *(*change)(const char *text);
};

static const struct rule rules[] = {
	/* The disk. */
	{ "all", NULL, REWRITE, "/etc/fstab", NULL, adapt_fstab },
	{ "Debian with raspi-firmware", "/etc/kernel/postinst.d/z50-raspi-firmware", REWRITE, "/etc/fstab", NULL,
	    adapt_boot_mount },
	{ "Raspberry Pi OS to bookworm", NULL, MASK, "resize2fs_once", NULL, NULL },
	{ "Raspberry Pi OS trixie", NULL, MASK, "rpi-resize", NULL, NULL },
	{ "Armbian", NULL, MASK, "armbian-resize-filesystem", NULL, NULL },
	{ "Raspberry Pi OS to bookworm", NULL, REMOVE, "/etc/init.d/resize2fs_once", NULL, NULL },
	/* Swap on it. What is in memory (zram-tools, systemd-zram-generator) stays. */
	{ "Raspberry Pi OS to bookworm", NULL, MASK, "dphys-swapfile", NULL, NULL },
	{ "Raspberry Pi OS trixie", "/usr/lib/systemd/system-generators/rpi-swap-generator", WRITE,
	    "/etc/rpi/swap.conf.d/90-diskless.conf", swap_in_memory, NULL },
	{ "Raspberry Pi OS", NULL, REMOVE, "/var/swap", NULL, NULL },
	{ "Ubuntu", NULL, REMOVE, "/swap.img", NULL, NULL },
	{ "Debian, Ubuntu", NULL, REMOVE, "/swapfile", NULL, NULL },
	/* The link under the root. */
	{ "Raspberry Pi OS since bookworm", "/etc/NetworkManager", WRITE, "/etc/NetworkManager/conf.d/90-diskless.conf",
	    network_manager, NULL },
	{ "Debian, Ubuntu with netplan", "/lib/systemd/systemd-networkd", WRITE,
	    "/etc/systemd/network/00-diskless.network", networkd, NULL },
	{ "the same", NULL, MASK, "systemd-networkd-wait-online", NULL, NULL },
	{ "Raspberry Pi OS bullseye", NULL, REWRITE, "/etc/dhcpcd.conf", NULL, adapt_dhcpcd },
	{ "Debian", NULL, REWRITE, "/etc/network/interfaces", NULL, adapt_interfaces },
	{ "Debian, cloud-init", NULL, REWRITE_EACH, "/etc/network/interfaces.d", NULL, adapt_interfaces },
	{ "all with systemd", "/lib/systemd/systemd", SCRIPT, "/etc/systemd/system-generators/diskless-name-servers",
	    name_servers, NULL },
	/* What is to be each board's own. */
	{ "all", NULL, EMPTY, "/etc/machine-id", "uninitialized\n", NULL },
	{ "all", NULL, REMOVE, "/var/lib/dbus/machine-id", NULL, NULL },
	{ "all", NULL, REMOVE, "/var/lib/systemd/random-seed", NULL, NULL },
	{ "all", NULL, REMOVE, "/var/lib/systemd/credential.secret", NULL, NULL },
	{ "all with sshd", NULL, REMOVE_KEYS, "/etc/ssh", NULL, NULL },
	{ "Raspberry Pi OS", NULL, MASK, "regenerate_ssh_host_keys", NULL, NULL },
	{ "all with sshd", "/usr/bin/ssh-keygen", WRITE, UNITS "diskless-ssh-keys.service", ssh_keys, NULL },
	{ "all with sshd", "/usr/bin/ssh-keygen", LINK, UNITS "multi-user.target.wants/diskless-ssh-keys.service",
	    "../diskless-ssh-keys.service", NULL },
	/* cloud-init. */
	{ "Ubuntu, Raspberry Pi OS trixie", "/etc/cloud", WRITE, "/etc/cloud/cloud.cfg.d/99-diskless.cfg", cloud,
	    NULL },
	{ "the same: its seed was a FAT partition", BOOT "user-data", LINK, SEED "user-data", BOOT "user-data", NULL },
	{ "the same", BOOT "meta-data", LINK, SEED "meta-data", BOOT "meta-data", NULL },
	{ "the same", BOOT "network-config", LINK, SEED "network-config", BOOT "network-config", NULL },
	{ "the same", BOOT "vendor-data", LINK, SEED "vendor-data", BOOT "vendor-data", NULL },
	/* ssh on the boot partition turns sshd on. userconf.txt there is for the board: it is at the same place in its root. */
	{ "Raspberry Pi OS", BOOT "ssh", LINK, UNITS "multi-user.target.wants/ssh.service", SSHD, NULL },
	{ "Raspberry Pi OS", BOOT "ssh.txt", LINK, UNITS "multi-user.target.wants/ssh.service", SSHD, NULL },
	{ "Raspberry Pi OS", NULL, REMOVE, BOOT "ssh", NULL, NULL },
	{ "Raspberry Pi OS", NULL, REMOVE, BOOT "ssh.txt", NULL, NULL },
};

/* ---- masking ---- */

/* The name of a unit with its suffix. */
static bool
is_unit(const char *name, const char *unit)
{
	size_t length = strlen(unit);

	return strncmp(name, unit, length) == 0 && (name[length] == '\0' || name[length] == '.');
}

/* Links of System V's init: S01name, K01name. */
static int
visit_rc_link(int root, const char *path, const char *name, void *unit)
{
	return strlen(name) > 3 && strcmp(name + 3, unit) == 0 ? beneath_unlink(root, path) : 0;
}

static int
visit_wanted(int root, const char *path, const char *name, void *unit)
{
	return is_unit(name, unit) ? beneath_unlink(root, path) : 0;
}

/* TARGET.wants, TARGET.requires: where systemctl enable puts its links. */
static int
visit_unit_directory(int root, const char *path, const char *name, void *unit)
{
	const char *dot = strrchr(name, '.');

	if (dot == NULL || (strcmp(dot, ".wants") != 0 && strcmp(dot, ".requires") != 0))
		return 0;
	return each_entry(root, path, visit_wanted, unit);
}

static int
mask(int root, const char *name)
{
	char link[128];

	snprintf(link, sizeof(link), UNITS "%.80s", name);
	return beneath_mkdirs(root, UNITS, 0755) == -1 ? -1 : beneath_symlink(root, "/dev/null", link);
}

/* Masked, since at a first boot systemd enables again what its presets do not forbid: systemd.preset(5). */
static int
visit_unit(int root, const char *path, const char *name, void *unit)
{
	const char *dot = strrchr(name, '.');
	bool is = is_unit(name, unit) && dot != NULL && (strcmp(dot, ".service") == 0 || strcmp(dot, ".timer") == 0);

	return is ? mask(root, name) : 0;
}

static int
mask_unit(int root, const char *unit)
{
	static const char *const levels[] = { "/etc/rcS.d", "/etc/rc0.d", "/etc/rc1.d", "/etc/rc2.d", "/etc/rc3.d",
		"/etc/rc4.d", "/etc/rc5.d", "/etc/rc6.d" };
	char name[64], script[128], service[128];

	snprintf(name, sizeof(name), "%s", unit);
	snprintf(script, sizeof(script), "/etc/init.d/%s", unit);
	snprintf(service, sizeof(service), "%s.service", unit);
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (each_entry(root, levels[i], visit_rc_link, name) == -1)
			return -1;
	if (is_there(root, script) && mask(root, service) == -1)
		return -1;
	if (each_entry(root, "/etc/systemd/system", visit_unit_directory, name) == -1 ||
	    each_entry(root, "/etc/systemd/system", visit_unit, name) == -1 ||
	    each_entry(root, "/usr/lib/systemd/system", visit_unit, name) == -1)
		return -1;
	return each_entry(root, "/lib/systemd/system", visit_unit, name);
}

/* ---- the other actions ---- */

/* With the directories above it. */
static int
put(int root, const char *path, const char *text, mode_t mode)
{
	char directory[PATH_SIZE];

	snprintf(directory, sizeof(directory), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (directory[0] != '\0' && beneath_mkdirs(root, directory, 0755) == -1)
		return -1;
	return mode == 0 ? beneath_symlink(root, text, path) : beneath_write(root, path, text, strlen(text), mode);
}

/* As it was: some hold a password for a wireless network. */
static mode_t
mode_of(int root, const char *path)
{
	int fd = beneath_read(root, path);
	struct stat st;
	bool known = fd != -1 && fstat(fd, &st) == 0;

	if (fd != -1)
		close(fd);
	return known ? st.st_mode & 0777 : 0600;
}

static int
rewrite(int root, const char *path, char *(*change)(const char *))
{
	char *text, *changed;
	size_t length;
	int result;

	if (beneath_slurp(root, path, TEXT_MAX, &text, &length) == -1)
		return errno == ENOENT ? 0 : -1;
	changed = change(text);
	free(text);
	result = changed == NULL ? -1 : beneath_write(root, path, changed, strlen(changed), mode_of(root, path));
	free(changed);
	return result;
}

struct rewriting {
	char *(*change)(const char *text);
};

/* What is no file is left. */
static int
visit_text(int root, const char *path, const char *name, void *argument)
{
	const struct rewriting *rewriting = argument;
	int fd = beneath_read(root, path);

	if (fd == -1)
		return 0;
	close(fd);
	return rewrite(root, path, rewriting->change);
}

static int
visit_host_key(int root, const char *path, const char *name, void *unused)
{
	return fnmatch("ssh_host_*_key*", name, 0) == 0 ? beneath_unlink(root, path) : 0;
}

static int
empty(int root, const char *path, const char *unless)
{
	char *text;
	size_t length;
	bool keep;

	if (beneath_slurp(root, path, TEXT_MAX, &text, &length) == -1)
		return errno == ENOENT ? 0 : -1;
	keep = length == 0 || strcmp(text, unless) == 0;
	free(text);
	return keep ? 0 : beneath_write(root, path, "", 0, 0444);
}

/* A path of the table in this tree. */
static const char *
resolve(const char *path, const char *boot, char text[PATH_SIZE])
{
	if (path == NULL || strncmp(path, BOOT, strlen(BOOT)) != 0)
		return path;
	snprintf(text, PATH_SIZE, "%s/%s", boot, path + strlen(BOOT));
	return text;
}

static int
apply(int root, const struct rule *rule, const char *path, const char *text)
{
	struct rewriting rewriting = { rule->change };

	switch (rule->action) {
	case MASK:
		return mask_unit(root, path);
	case REMOVE:
		return beneath_unlink(root, path);
	case REMOVE_KEYS:
		return each_entry(root, path, visit_host_key, NULL);
	case EMPTY:
		return empty(root, path, text);
	case WRITE:
		return put(root, path, text, 0644);
	case SCRIPT:
		return put(root, path, text, 0755);
	case LINK:
		return put(root, path, text, 0);
	case REWRITE:
		return rewrite(root, path, rule->change);
	case REWRITE_EACH:
		return each_entry(root, path, visit_text, &rewriting);
	}
	return 0;
}

/* Made by our generator, unless systemd-resolved looks after it, which hears of the name servers as well. */
static int
link_resolv_conf(int root)
{
	char target[PATH_SIZE] = "";
	int etc = beneath_directory(root, "/etc");
	ssize_t length = etc == -1 ? -1 : readlinkat(etc, "resolv.conf", target, sizeof(target) - 1);

	if (etc != -1)
		close(etc);
	if (!is_there(root, "/lib/systemd/systemd") || (length > 0 && strstr(target, "systemd/resolve") != NULL))
		return 0;
	return beneath_symlink(root, "../run/diskless/resolv.conf", "/etc/resolv.conf");
}

static int
failed(char *why, size_t size, const char *path)
{
	snprintf(why, size, "%s in the root: %s", path, strerror(errno));
	return -1;
}

int
adapt_rules(int root, const char *boot, char *why, size_t size)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		char there[PATH_SIZE], path[PATH_SIZE], text[PATH_SIZE];
		const char *if_there = resolve(rules[i].if_there, boot, there),
			   *at = resolve(rules[i].path, boot, path);

		if (if_there != NULL && !is_there(root, if_there))
			continue;
		if (apply(root, &rules[i], at, resolve(rules[i].text, boot, text)) == -1)
			return failed(why, size, at);
	}
	return link_resolv_conf(root) == -1 ? failed(why, size, "/etc/resolv.conf") : 0;
}
