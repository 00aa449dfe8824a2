/* SPDX-License-Identifier: ISC */
/* The one order in which a process gives up its rights. Each step is checked; any failure is fatal. */
#ifndef DISKLESS_CONFINE_H
#define DISKLESS_CONFINE_H

#include <stdint.h>
#include <sys/types.h>

struct syscall_table;

struct confinement {
	const char *empty_directory; /* becomes "/": owned by root, not writable, with nothing in it */
	uid_t uid;                   /* neither may be 0 */
	gid_t gid;
	unsigned max_files; /* RLIMIT_NOFILE */
	const struct syscall_table *table;
};

/*
 * A child: chroot, ids (no supplementary groups), no capabilities and an empty bounding set, Landlock without any right
 * where the kernel has it, limits (no core, no file size, no process, no locked memory), not dumpable, no_new_privs, filter.
 */
void confine_child(const struct confinement *);

/*
 * The parent: keeps the capabilities of confine.c's table, in permitted, effective, inheritable (not ambient) and bounding
 * sets; no_new_privs; filter. Its uid stays 0: it mounts, and runs exportfs and nft.
 */
void confine_parent(void);

#endif
