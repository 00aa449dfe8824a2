/* SPDX-License-Identifier: ISC */
/* dhcp receives, sends and asks the clock: nothing that the other children do not do, too. */
#include "syscalls.h"

#include <seccomp.h>

const struct syscall_table syscalls_dhcp = {
	.process = "dhcp",
	.otherwise = SCMP_ACT_KILL_PROCESS,
	.also = &syscalls_children,
};
