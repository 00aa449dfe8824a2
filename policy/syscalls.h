/* SPDX-License-Identifier: ISC */
/*
 * The system calls that each process may make: data, by name, each row with its reason. A name that this architecture
 * does not have is left out by libseccomp; a name that no architecture has is an error.
 */
#ifndef DISKLESS_SYSCALLS_H
#define DISKLESS_SYSCALLS_H

#include <stddef.h>
#include <stdint.h>

enum syscall_condition {
	ARG_ANY,    /* no look at the arguments */
	ARG_EQ,     /* argument == value, low 32 bits */
	ARG_SUBSET, /* no bit of the argument outside value, low 32 bits */
};

struct syscall_rule {
	const char *name;
	uint8_t condition; /* enum syscall_condition */
	uint8_t argument;  /* 0..5 */
	uint8_t optional;  /* 1: a name newer than the oldest libseccomp we build with */
	uint8_t refuse;    /* 0: allow; REFUSE_KILL; else the errno that the call fails with, for a habit of libc's */
	uint64_t value;
	const char *reason;
};

#define REFUSE_KILL 255 /* ends the process; no errno is so large */

/* Releases of clang-format differ over an initializer in a macro. */
/* clang-format off */
#define RULE(...) { __VA_ARGS__ }
/* clang-format on */
#define ALLOW(name, reason)                         RULE(name, ARG_ANY, 0, 0, 0, 0, reason)
#define ALLOW_IF_KNOWN(name, reason)                RULE(name, ARG_ANY, 0, 1, 0, 0, reason)
#define ALLOW_EQ(name, argument, value, reason)     RULE(name, ARG_EQ, argument, 0, 0, value, reason)
#define ALLOW_SUBSET(name, argument, value, reason) RULE(name, ARG_SUBSET, argument, 0, 0, value, reason)
#define KILL(name, reason)                          RULE(name, ARG_ANY, 0, 0, REFUSE_KILL, 0, reason)

struct syscall_table {
	const char *process;
	const struct syscall_rule *rules; /* sorted by name, then argument, then value */
	size_t count;
	uint32_t otherwise;               /* what happens to every other call: SCMP_ACT_KILL_PROCESS for the children */
	const struct syscall_table *also; /* rules that hold as well, or NULL; they name none of these calls */
};

extern const struct syscall_table syscalls_children; /* what broker, dhcp and tftp have in common */
extern const struct syscall_table syscalls_broker;
extern const struct syscall_table syscalls_dhcp;
extern const struct syscall_table syscalls_disklessd;
extern const struct syscall_table syscalls_tftp;

/* Builds the filter and loads it for the whole process. 0, or -1 and *why. The caller has set no_new_privs. */
int syscalls_load(const struct syscall_table *, const char **why);
/* The same filter as the kernel gets it (struct sock_filter) on fd, for an architecture (SCMP_ARCH_*; 0: ours). 0 or -1. */
int syscalls_export(const struct syscall_table *, uint32_t architecture, int fd, const char **why);

#endif
