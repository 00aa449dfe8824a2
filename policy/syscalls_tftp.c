/* SPDX-License-Identifier: ISC */
/* tftp receives and sends in batches, and reads files that the parent has opened. It can neither open nor write one. */
#include "syscalls.h"

#include <seccomp.h>

static const struct syscall_rule rules[] = {
	ALLOW("pread64", "blocks of a file that is not mapped"),
	ALLOW("recvmmsg", "a batch of packets"),
	ALLOW("recvmmsg_time64", "a batch of packets; 32-bit"),
	ALLOW("sendmmsg", "a batch of packets"),
};

const struct syscall_table syscalls_tftp = {
	.process = "tftp",
	.rules = rules,
	.count = sizeof(rules) / sizeof(*rules),
	.otherwise = SCMP_ACT_KILL_PROCESS,
	.also = &syscalls_children,
};
