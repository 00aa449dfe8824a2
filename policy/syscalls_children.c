/* SPDX-License-Identifier: ISC */
/* What each of broker, dhcp and tftp does in its jail: turn the event loop, speak on pipes, have memory, end. */
#include "syscalls.h"

#include <sys/mman.h>

#include <linux/futex.h>

#include <seccomp.h>

static const struct syscall_rule rules[] = {
	ALLOW("brk", "malloc"),
	ALLOW("clock_gettime", "time, where the vDSO has no clock"),
	ALLOW("clock_gettime64", "time, where the vDSO has no clock; 32-bit"),
	ALLOW("close", "descriptors that came by a pipe, pipes that ended"),
	ALLOW("epoll_ctl", "event loop"),
	ALLOW("epoll_pwait", "event loop; arm64 and musl know no other"),
	ALLOW_IF_KNOWN("epoll_pwait2", "event loop of libevent 2.2, which has no way back"),
	ALLOW("epoll_wait", "event loop"),
	ALLOW("exit", "musl, behind exit_group"),
	ALLOW("exit_group", "the end"),
	ALLOW_SUBSET("futex", 1, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, "locks in libc; wait and wake only"),
	ALLOW_SUBSET("futex_time64", 1, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, "locks in libc; wait and wake only; 32-bit"),
	ALLOW("getpid", "arc4random asks whether it was forked"),
	ALLOW("getrandom", "arc4random takes a new seed"),
	ALLOW("gettimeofday", "time, where the vDSO has no clock"),
	ALLOW("madvise", "malloc gives memory back"),
	ALLOW_SUBSET("mmap", 2, PROT_READ | PROT_WRITE, "malloc, and files that tftp sends; never code"),
	ALLOW_SUBSET("mmap2", 2, PROT_READ | PROT_WRITE, "malloc, and files that tftp sends; never code; 32-bit"),
	ALLOW_SUBSET("mprotect", 2, PROT_READ | PROT_WRITE, "malloc of musl; never code"),
	ALLOW("mremap", "realloc"),
	ALLOW("munmap", "free"),
	ALLOW("read", "event loop: its own signal pipe"),
	ALLOW("recvmsg", "messages, and packets one at a time"),
	ALLOW("restart_syscall", "the kernel's own, after SIGSTOP and SIGCONT"),
	ALLOW("rt_sigaction", "event loop: its signal handlers"),
	ALLOW("rt_sigprocmask", "event loop: its signal handlers"),
	ALLOW("rt_sigreturn", "event loop: its signal handlers"),
	ALLOW("send", "send(2) of the log, where it is a call of its own; 32-bit"),
	ALLOW("sendmsg", "messages, and packets one at a time"),
	ALLOW("sendto", "send(2) of the log; ARP"),
	ALLOW("sysinfo", "qsort of glibc, up to 2.36: is there memory for a merge"),
	ALLOW("time", "time, where the vDSO has no clock"),
	ALLOW("write", "event loop: its own signal pipe"),
};

const struct syscall_table syscalls_children = {
	.process = "children",
	.rules = rules,
	.count = sizeof(rules) / sizeof(*rules),
	.otherwise = SCMP_ACT_KILL_PROCESS,
};
