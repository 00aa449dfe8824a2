/* SPDX-License-Identifier: ISC */
/*
 * For tests of filters: a filter never goes away, and Criterion reports from the same process, so whatever locks itself runs
 * in a process of its own, and the test looks at how that ended.
 */
#ifndef DISKLESS_TESTS_JAIL_H
#define DISKLESS_TESTS_JAIL_H

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include <criterion/criterion.h>

/* Runs it(argument) in a process, which ends with what that returns; abort() fails the test. The status of waitpid(2). */
static inline int
in_a_process(int (*it)(const void *), const void *argument)
{
	const struct rlimit none = { 0, 0 };
	int status;
	pid_t pid = fork();

	cr_assert_neq(pid, -1);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none); /* many die here as they should */
		alarm(20);
		syscall(SYS_exit_group, it(argument)); /* a sanitizer's _exit() makes calls of its own */
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_not(WIFSIGNALED(status) && (WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGALRM));
	return status;
}

static inline bool
by_policy(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static inline bool
with(int status, int code)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

#endif
