/* SPDX-License-Identifier: ISC */
/*
 * Runs programs by absolute path, without our descriptors and environment, each for at most TOOL_LIMIT_MS; what one says is kept
 * up to a bound. One at a time, in the order in which they were asked for: what a later one does rests on the earlier.
 */
#include "disklessd.h"

#include <sys/mman.h>
#include <sys/queue.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "log.h"

#define OUTPUT_MAX ((size_t)8 << 20) /* nft lists some ten thousand clients in less */
#define JOBS_MAX   64                /* more wait only if the parent asks without end */

struct job {
	STAILQ_ENTRY(job) next;
	const char *const *argv;
	int input; /* what it reads, or -1 */
	void (*done)(int, const char *, void *);
	void *argument;
};

static STAILQ_HEAD(job_list, job) jobs = STAILQ_HEAD_INITIALIZER(jobs); /* the first may be running */
static size_t job_count;
static struct {
	pid_t pid; /* 0: none runs */
	int output;
	char *text;
	size_t length, room;
	struct event *limit, *readable;
} running;

static struct event_base *loop;

static void start_next(void);

static void
become(const char *const argv[], int input, int output)
{
	static const char locale[] = "LC_ALL=C";
	char environment_word[sizeof(locale)];
	char *environment[] = { environment_word, NULL };
	int in = input == -1 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : input;
	sigset_t none;

	memcpy(environment_word, locale, sizeof(locale));
	if (in == -1 || dup2(in, 0) == -1 || dup2(output, 1) == -1 || dup2(output, 2) == -1)
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

static bool
make_room(void)
{
	size_t room = running.room == 0 ? 4096 : running.room * 2;
	char *more;

	if (running.room - running.length >= 2)
		return true;
	more = room <= OUTPUT_MAX ? realloc(running.text, room) : NULL;
	if (more == NULL)
		return false;
	running.text = more;
	running.room = room;
	return true;
}

/* What there is now. What does not fit is thrown away: a text without its end is no right answer to anybody. */
static void
take_output(void)
{
	char rest[4096];
	ssize_t got;

	do {
		bool fits = make_room();

		got = fits ? read(running.output, running.text + running.length, running.room - running.length - 1)
			   : read(running.output, rest, sizeof(rest));
		if (fits && got > 0)
			running.length += (size_t)got;
	} while (got > 0);
	if (got == 0)
		event_del(running.readable);
}

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
	take_output();
}

static int
start(const struct job *job)
{
	struct timeval limit = { TOOL_LIMIT_MS / 1000, 0 };
	int output[2];

	if (pipe2(output, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	running.limit = evtimer_new(loop, on_limit, NULL);
	running.readable = event_new(loop, output[0], EV_READ | EV_PERSIST, on_readable, NULL);
	running.pid = running.limit != NULL && running.readable != NULL ? fork() : -1;
	if (running.pid == 0)
		become(job->argv, job->input, output[1]);
	close(output[1]);
	running.output = output[0];
	if (running.pid == -1)
		return -1;
	evtimer_add(running.limit, &limit);
	event_add(running.readable, NULL);
	return 0;
}

static void
clear(void)
{
	if (running.limit != NULL)
		event_free(running.limit);
	if (running.readable != NULL)
		event_free(running.readable);
	if (running.output > 0)
		close(running.output);
	free(running.text);
	memset(&running, 0, sizeof(running));
}

/* The first job is over: whoever asked hears how it went, then the next begins. */
static void
finish(int status)
{
	struct job *job = STAILQ_FIRST(&jobs);
	char *text = running.text;

	running.text = NULL;
	if (text != NULL)
		text[running.length] = '\0';
	clear();
	STAILQ_REMOVE_HEAD(&jobs, next);
	job_count--;
	if (job->input != -1)
		close(job->input);
	job->done(status, text == NULL ? "" : text, job->argument);
	free(job);
	free(text);
	start_next();
}

static void
on_not_started(evutil_socket_t fd, short what, void *argument)
{
	finish(126 << 8);
}

/* Nobody hears of his job before his tool_run() has returned. */
static void
start_next(void)
{
	static const struct timeval now = { 0, 0 };
	const struct job *job = STAILQ_FIRST(&jobs);

	if (job == NULL || running.pid != 0)
		return;
	if (start(job) == -1) {
		log_err("%s cannot be started", job->argv[0]);
		if (event_base_once(loop, -1, EV_TIMEOUT, on_not_started, NULL, &now) == -1)
			fatalx("no memory for timers");
	}
}

/* A file in memory that holds text, to be read from its beginning. */
static int
input_of(const char *text)
{
	size_t length = strlen(text), done = 0;
	int fd = memfd_create("input", MFD_CLOEXEC);
	ssize_t wrote;

	while (fd != -1 && done < length) {
		wrote = pwrite(fd, text + done, length - done, (off_t)done);
		if (wrote == -1) {
			close(fd);
			return -1;
		}
		done += (size_t)wrote;
	}
	return fd;
}

int
tool_run(struct event_base *base, const char *const argv[], const char *input,
    void (*done)(int status, const char *output, void *), void *argument)
{
	struct job *job = job_count < JOBS_MAX ? malloc(sizeof(*job)) : NULL;

	if (job == NULL) {
		errno = EAGAIN;
		return -1;
	}
	*job = (struct job){ .argv = argv, .input = -1, .done = done, .argument = argument };
	if (input != NULL && (job->input = input_of(input)) == -1) {
		free(job);
		return -1;
	}
	loop = base;
	STAILQ_INSERT_TAIL(&jobs, job, next);
	job_count++;
	if (job_count == 1)
		start_next();
	return 0;
}

bool
tool_reaped(pid_t pid, int status)
{
	if (running.pid == 0 || running.pid != pid)
		return false;
	take_output();
	finish(status);
	return true;
}
