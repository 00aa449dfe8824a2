/* SPDX-License-Identifier: ISC */
/*
 * See confine.h. The steps stand in the order in which they must happen: the directory while there is still the right to
 * choose one, ids and capabilities next, limits and doors without a right of one's own, the filter last because it takes the
 * calls away that the other steps make.
 */
#include "confine.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <cap-ng.h>

#include "log.h"
#include "syscalls.h"

static void
no_new_privileges(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("no_new_privs");
}

#ifdef DISKLESS_NO_CONFINEMENT

/* Sanitizers and gcov make calls in every corner of a program that no jail of ours allows. */
static void
unconfined(void)
{
	static bool warned;

	if (!warned)
		log_warnx("not confined: built for tests only");
	warned = true;
	no_new_privileges();
}

void
confine_child(const struct confinement *jail)
{
	unconfined();
}

void
confine_parent(void)
{
	unconfined();
}

#else

/* A thread beside this one would keep its rights. The link count is 2 and one for each thread; see proc(5). */
static void
check_alone(void)
{
	struct stat tasks;

	if (stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink != 3)
		fatalx("a process with threads cannot give up its rights");
}

static void
load_filter(const struct syscall_table *table)
{
	const char *why;

	if (syscalls_load(table, &why) == -1)
		fatalx("no system call filter: %s", why);
}

/* ---- the directory ---- */

static bool
is_empty(DIR *directory)
{
	const struct dirent *entry;

	while ((entry = readdir(directory)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return false;
	return true;
}

/* By "." from the first step on: what was checked is what becomes "/". No open(2): a jailed program does not even link it. */
static void
enter(const char *path)
{
	DIR *directory = chdir(path) == -1 ? NULL : opendir(".");
	struct stat st;

	if (directory == NULL || stat(".", &st) == -1)
		fatal("empty directory %s", path);
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		fatalx("%s must be root's, and no one else may write to it", path);
	if (!is_empty(directory))
		fatalx("%s must be empty", path);
	if (chroot(".") == -1 || chdir("/") == -1)
		fatal("chroot to %s", path);
	closedir(directory);
}

/* ---- ids and capabilities ---- */

static void
check_became(uid_t uid, gid_t gid)
{
	uid_t u[3];
	gid_t g[3];

	if (getresuid(&u[0], &u[1], &u[2]) == -1 || getresgid(&g[0], &g[1], &g[2]) == -1)
		fatal("ids");
	if (u[0] != uid || u[1] != uid || u[2] != uid || g[0] != gid || g[1] != gid || g[2] != gid ||
	    getgroups(0, NULL) != 0)
		fatalx("could not become user %u, group %u and nobody else", (unsigned)uid, (unsigned)gid);
	if (setuid(0) == 0 || setgid(0) == 0)
		fatalx("could become root again");
}

static void
become(uid_t uid, gid_t gid)
{
	int result;

	if (uid == 0 || gid == 0)
		fatalx("a child may not run as root");
	capng_clear(CAPNG_SELECT_ALL);
	result = capng_change_id((int)uid, (int)gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT);
	if (result != 0)
		fatalx("could not become user %u without any capability (%d)", (unsigned)uid, result);
	check_became(uid, gid);
}

/* ---- limits ---- */

static void
limit(unsigned max_files)
{
	const struct {
		int resource;
		rlim_t most;
		const char *name;
	} limits[] = {
		{ RLIMIT_CORE, 0, "core" },
		{ RLIMIT_FSIZE, 0, "file size" },
		{ RLIMIT_NPROC, 0, "processes" },
		{ RLIMIT_MEMLOCK, 0, "locked memory" },
		{ RLIMIT_NOFILE, max_files, "open files" },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct rlimit both = { limits[i].most, limits[i].most };

		if (setrlimit(limits[i].resource, &both) == -1)
			fatal("limit of %s", limits[i].name);
	}
}

/* ---- Landlock: a second wall, without a door (Documentation/userspace-api/landlock.rst) ---- */

/* struct landlock_ruleset_attr as of ABI 6; the headers that we build with may be older than the kernel that we run on. */
struct landlock_rights {
	uint64_t files;
	uint64_t network;
	uint64_t scopes;
};

/* Everything that this ABI can take away. What is not listed stays allowed. */
static struct landlock_rights
landlock_all(long abi)
{
	static const struct {
		long abi;
		struct landlock_rights rights;
	} steps[] = {
		{ 1, { 0x1fff, 0, 0 } }, /* 13 rights, from EXECUTE to MAKE_SYM */
		{ 2, { 0x2000, 0, 0 } }, /* REFER */
		{ 3, { 0x4000, 0, 0 } }, /* TRUNCATE */
		{ 4, { 0, 0x3, 0 } },    /* BIND_TCP, CONNECT_TCP */
		{ 5, { 0x8000, 0, 0 } }, /* IOCTL_DEV */
		{ 6, { 0, 0, 0x3 } },    /* ABSTRACT_UNIX_SOCKET, SIGNAL */
	};
	struct landlock_rights all = { 0 };

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && steps[i].abi <= abi; i++) {
		all.files |= steps[i].rights.files;
		all.network |= steps[i].rights.network;
		all.scopes |= steps[i].rights.scopes;
	}
	return all;
}

static void
landlock(void)
{
	const uint32_t ask_version = 1; /* LANDLOCK_CREATE_RULESET_VERSION */
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, ask_version), rules;
	struct landlock_rights all;

	if (abi == -1 && (errno == ENOSYS || errno == EOPNOTSUPP))
		return; /* not built in, or not switched on: the first wall stands alone */
	if (abi < 1)
		fatal("landlock");
	all = landlock_all(abi);
	rules = syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (rules == -1 || syscall(SYS_landlock_restrict_self, (int)rules, 0) == -1)
		fatal("landlock");
	close((int)rules);
}

void
confine_child(const struct confinement *jail)
{
	check_alone();
	enter(jail->empty_directory);
	become(jail->uid, jail->gid);
	limit(jail->max_files);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		fatal("not dumpable");
	no_new_privileges();
	landlock();
	load_filter(jail->table);
}

/* ---- the parent ---- */

/*
 * What the parent keeps, and with it whatever it runs. overlayfs works on a client's upper with the rights of whoever mounted
 * it, so what the parent lacks the root user of a board lacks on its own root: hence those for files. Left out with intent:
 * SYS_RESOURCE (overlayfs drops it by itself; only the use of reserved blocks would need it) and LINUX_IMMUTABLE (NFS has no
 * way to ask for it).
 */
static const struct {
	unsigned capability;
	const char *reason;
} kept[] = {
	{ CAP_CHOWN, "a board's chown, and copies of its image's files with their owners; the control socket's group" },
	{ CAP_DAC_OVERRIDE, "a board's root user writes to any file of its root" },
	{ CAP_DAC_READ_SEARCH, "a board's root user reads any file of its root" },
	{ CAP_FOWNER, "a board's chmod and utimes of files of others" },
	{ CAP_FSETID, "a board's set-group-ID files stay so" },
	{ CAP_KILL, "children run as other users" },
	{ CAP_MKNOD, "a board's mknod; whiteouts of overlayfs before Linux 5.8" },
	{ CAP_NET_ADMIN, "neighbour entries, nft, SO_RCVBUFFORCE" },
	{ CAP_NET_BIND_SERVICE, "ports 67 and 69" },
	{ CAP_NET_RAW, "the packet socket that sends ARP; SO_BINDTODEVICE" },
	{ CAP_SETFCAP, "copies of an image's files that have capabilities (ping)" },
	{ CAP_SETGID, "a child, before its lock" },
	{ CAP_SETPCAP, "a child, before its lock: empties its bounding set" },
	{ CAP_SETUID, "a child, before its lock" },
	{ CAP_SYS_ADMIN, "mount, loop devices; trusted.overlay.* attributes" },
	{ CAP_SYS_CHROOT, "a child, before its lock" },
};

static void
keep_capabilities(void)
{
	const capng_type_t sets = CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE | CAPNG_BOUNDING_SET;

	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		if (capng_update(CAPNG_ADD, sets, kept[i].capability) != 0)
			fatalx("capability %s", capng_capability_to_name(kept[i].capability));
	if (capng_apply(CAPNG_SELECT_ALL) != 0)
		fatalx("could not limit itself to its capabilities: was it started with fewer?");
}

void
confine_parent(void)
{
	check_alone();
	keep_capabilities();
	no_new_privileges();
	load_filter(&syscalls_disklessd);
}

#endif
