/* SPDX-License-Identifier: ISC */
/* The broker takes operators' connections on the control socket and asks the kernel who they are. */
#include "syscalls.h"

#include <sys/socket.h>

#include <seccomp.h>

static const struct syscall_rule rules[] = {
	ALLOW_EQ("accept4", 3, SOCK_NONBLOCK | SOCK_CLOEXEC, "control socket"),
	ALLOW_EQ("getsockopt", 2, SO_PEERCRED, "control socket: who is it"),
};

const struct syscall_table syscalls_broker = {
	.process = "broker",
	.rules = rules,
	.count = sizeof(rules) / sizeof(*rules),
	.otherwise = SCMP_ACT_KILL_PROCESS,
	.also = &syscalls_children,
};
