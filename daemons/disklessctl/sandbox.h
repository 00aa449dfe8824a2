/* SPDX-License-Identifier: ISC */
/*
 * Runs programs of a tree in that tree, so that they can do to it what they like and to this machine nothing: a mount, PID, UTS,
 * IPC and cgroup namespace of their own, the tree as the only filesystem (pivot_root), a /dev of seven devices, a /proc without
 * the kernel's switches, few capabilities, no new ones, and no system call that reaches around these. What they leave running is
 * killed when the program ends. Called in the mount namespace of a step (image_make.h), as root.
 *
 * Not walled off: with network, the network of this machine (its addresses, its loopback, abstract sockets); processor, memory.
 */
#ifndef DISKLESS_SANDBOX_H
#define DISKLESS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image_make.h"

#define SANDBOX_SCRIPT "/run/diskless-recipe" /* in the sandbox, where script is */

struct sandbox {
	const char *const *argv; /* argv[0]: a path in the tree */
	int input;               /* a file that is its standard input, or 0 */
	int script;              /* a file that lies at SANDBOX_SCRIPT for it, or 0 */
	bool network;
	bool terminal;    /* our own standard input and output are its; else its lines are lines of progress */
	uint64_t epoch;   /* SOURCE_DATE_EPOCH for it */
	const char *tree; /* or NULL, which is m->root */
	bool mounts;      /* a program of this machine, in a jail (image_jail.h), that has to mount something */
};

/* 0; -1 and m->why: its status or signal, and the last line that it said. */
int sandbox_run(struct image_make *, const struct sandbox *);

/*
 * Can this machine run the programs of the tree at root? By the ELF header of its /bin/sh, and for another architecture by what
 * the kernel has been told to run such programs with (binfmt_misc); architecture (16 bytes) gets its name in Debian. -1: m->why.
 */
int sandbox_can_run(struct image_make *, int root, char architecture[static 16]);

/* The same for an architecture by its name. */
int sandbox_can_run_architecture(struct image_make *, const char *name);

/* ---- pure ---- */

#define ELF_HEAD 20

/* Debian's name of the architecture that an ELF header is of; NULL: none that is known, or no ELF header. */
const char *elf_architecture(const uint8_t head[static ELF_HEAD], size_t length);
/*
 * Does this text, a file of /proc/sys/fs/binfmt_misc, make the kernel run files that begin so? Sets *fixed: its interpreter was
 * opened when it was registered (flag F), so that it is there in a tree that lacks it.
 */
bool binfmt_matches(const char *text, const uint8_t head[static ELF_HEAD], bool *fixed);

#endif
