/* SPDX-License-Identifier: ISC */
/* tftp receives and sends in batches, and reads files that the parent has opened. It can neither open nor write one. */
#include "syscalls.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <seccomp.h>

/* What is looked at is a descriptor, not a path; the path that these calls could still take leads into an empty directory. */
static const struct syscall_rule rules[] = {
	ALLOW_EQ("fcntl", 1, F_GETFL, "a file that came by a pipe: is it open for reading only"),
	ALLOW_EQ("fcntl64", 1, F_GETFL, "a file that came by a pipe: is it open for reading only; 32-bit"),
	ALLOW("fstat", "size and kind of a file; glibc since 2.39, musl"),
	ALLOW("fstat64", "size and kind of a file; 32-bit"),
	ALLOW_EQ("fstatat64", 3, AT_EMPTY_PATH, "fstat(3) of glibc 2.33 to 2.38; 32-bit"),
	ALLOW_EQ("newfstatat", 3, AT_EMPTY_PATH, "fstat(3) of glibc 2.33 to 2.38"),
	ALLOW("pread64", "blocks of a file"),
	ALLOW("preadv", "a window of blocks"),
	ALLOW("recvmmsg", "a batch of packets"),
	ALLOW("recvmmsg_time64", "a batch of packets; 32-bit"),
	ALLOW("sendmmsg", "a batch of packets"),
	ALLOW_EQ("statx", 2, AT_EMPTY_PATH | AT_NO_AUTOMOUNT, "fstat(3); 32-bit"),
};

const struct syscall_table syscalls_tftp = {
	.process = "tftp",
	.rules = rules,
	.count = sizeof(rules) / sizeof(*rules),
	.otherwise = SCMP_ACT_KILL_PROCESS,
	.also = &syscalls_children,
};
