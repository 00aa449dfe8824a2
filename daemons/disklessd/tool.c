/* SPDX-License-Identifier: ISC */
/*
 * Runs a program by absolute path, without our descriptors and environment, for at most TOOL_LIMIT_MS; its output is kept up to
 * a bound. One at a time: the parent has no need of more.
 */
#include "disklessd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "log.h"

static struct {
	pid_t pid; /* 0: none runs */
	int output;
	struct event *limit;
	void (*done)(int, const char *, void *);
	void *argument;
} running;

static void
become(const char *const argv[], int output)
{
	static const char locale[] = "LC_ALL=C";
	char environment_word[sizeof(locale)];
	char *environment[] = { environment_word, NULL };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	memcpy(environment_word, locale, sizeof(locale));
	if (null == -1 || dup2(null, 0) == -1 || dup2(output, 1) == -1 || dup2(output, 2) == -1)
		_exit(126);
	closefrom(3);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(argv[0], (char *const *)(uintptr_t)argv, environment);
	_exit(127);
}

static void
on_limit(evutil_socket_t fd, short what, void *argument)
{
	log_errx("process %d did not end within %d seconds: killed", (int)running.pid, TOOL_LIMIT_MS / 1000);
	kill(running.pid, SIGKILL);
}

int
tool_run(struct event_base *base, const char *const argv[], void (*done)(int, const char *, void *), void *argument)
{
	struct timeval limit = { TOOL_LIMIT_MS / 1000, 0 };
	int output[2];

	if (running.pid != 0) {
		errno = EBUSY;
		return -1;
	}
	if (pipe2(output, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	running.pid = fork();
	if (running.pid == 0)
		become(argv, output[1]);
	close(output[1]);
	if (running.pid == -1) {
		running.pid = 0;
		close(output[0]);
		return -1;
	}
	running.output = output[0];
	running.done = done;
	running.argument = argument;
	if (running.limit == NULL)
		running.limit = evtimer_new(base, on_limit, NULL);
	if (running.limit != NULL)
		evtimer_add(running.limit, &limit);
	return 0;
}

bool
tool_reaped(pid_t pid, int status)
{
	char output[512];
	ssize_t length;

	if (running.pid == 0 || running.pid != pid)
		return false;
	/* What does not fit the pipe made the tool fail to write, which is its trouble: nobody reads so much. */
	length = read(running.output, output, sizeof(output) - 1);
	output[length > 0 ? length : 0] = '\0';
	close(running.output);
	if (running.limit != NULL)
		evtimer_del(running.limit);
	running.pid = 0;
	running.done(status, output, running.argument);
	return true;
}
