/* SPDX-License-Identifier: ISC */
/* dhcp receives and sends in batches, and asks the clock. */
#include "syscalls.h"

#include <seccomp.h>

static const struct syscall_rule rules[] = {
	ALLOW("recvmmsg", "a batch of packets"),
	ALLOW("recvmmsg_time64", "a batch of packets; 32-bit"),
	ALLOW("sendmmsg", "a batch of packets"),
};

const struct syscall_table syscalls_dhcp = {
	.process = "dhcp",
	.rules = rules,
	.count = sizeof(rules) / sizeof(*rules),
	.otherwise = SCMP_ACT_KILL_PROCESS,
	.also = &syscalls_children,
};
