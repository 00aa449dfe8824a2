/* SPDX-License-Identifier: ISC */
/*
 * Runs programs by absolute path, without our descriptors and environment, each for at most TOOL_LIMIT_MS; what one says is kept
 * up to a bound. One at a time in a lane, in the order in which they were asked for: what a later one does rests on the earlier.
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
#include "paths.h"

#define OUTPUT_MAX ((size_t)8 << 20) /* nft lists some ten thousand clients in less */
#define JOBS_MAX   64                /* more wait only if the parent asks without end */

struct job {
	STAILQ_ENTRY(job) next;
	const char *const *argv;
	int input; /* what it reads, or -1 */
	void (*done)(int, const char *, void *);
	void *argument;
};

STAILQ_HEAD(job_list, job);

/* Programs that wait for each other. nft is not kept waiting by an exportfs that hangs: it closes the door then. */
static struct lane {
	struct job_list jobs; /* the first may be running */
	size_t job_count;
	pid_t pid; /* 0: none runs */
	int output;
	char *text;
	size_t length, room;
	struct event *limit, *readable;
} lanes[2] = { { .jobs = STAILQ_HEAD_INITIALIZER(lanes[0].jobs) }, { .jobs = STAILQ_HEAD_INITIALIZER(lanes[1].jobs) } };

static struct event_base *loop;

static void start_next(struct lane *);

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
	const struct lane *l = argument;

	log_errx("process %d did not end within %d seconds: killed", (int)l->pid, TOOL_LIMIT_MS / 1000);
	kill(l->pid, SIGKILL);
}

static bool
make_room(struct lane *l)
{
	size_t room = l->room == 0 ? 4096 : l->room * 2;
	char *more;

	if (l->room - l->length >= 2)
		return true;
	more = room <= OUTPUT_MAX ? realloc(l->text, room) : NULL;
	if (more == NULL)
		return false;
	l->text = more;
	l->room = room;
	return true;
}

/* What there is now. What does not fit is thrown away: a text without its end is no right answer to anybody. */
static void
take_output(struct lane *l)
{
	char rest[4096];
	ssize_t got;

	do {
		bool fits = make_room(l);

		got = fits ? read(l->output, l->text + l->length, l->room - l->length - 1)
			   : read(l->output, rest, sizeof(rest));
		if (fits && got > 0)
			l->length += (size_t)got;
	} while (got > 0);
	if (got == 0)
		event_del(l->readable);
}

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
	take_output(argument);
}

static int
start(struct lane *l, const struct job *job)
{
	struct timeval limit = { TOOL_LIMIT_MS / 1000, 0 };
	int output[2];

	if (pipe2(output, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	l->limit = evtimer_new(loop, on_limit, l);
	l->readable = event_new(loop, output[0], EV_READ | EV_PERSIST, on_readable, l);
	l->pid = l->limit != NULL && l->readable != NULL ? fork() : -1;
	if (l->pid == 0)
		become(job->argv, job->input, output[1]);
	close(output[1]);
	l->output = output[0];
	if (l->pid == -1)
		return -1;
	evtimer_add(l->limit, &limit);
	event_add(l->readable, NULL);
	return 0;
}

static void
clear(struct lane *l)
{
	if (l->limit != NULL)
		event_free(l->limit);
	if (l->readable != NULL)
		event_free(l->readable);
	if (l->output > 0)
		close(l->output);
	free(l->text);
	l->limit = l->readable = NULL;
	l->output = 0;
	l->text = NULL;
	l->length = l->room = 0;
	l->pid = 0;
}

/* The first job is over: whoever asked hears how it went, then the next begins. */
static void
finish(struct lane *l, int status)
{
	struct job *job = STAILQ_FIRST(&l->jobs);
	char *text = l->text;

	l->text = NULL;
	if (text != NULL)
		text[l->length] = '\0';
	clear(l);
	STAILQ_REMOVE_HEAD(&l->jobs, next);
	l->job_count--;
	if (job->input != -1)
		close(job->input);
	job->done(status, text == NULL ? "" : text, job->argument);
	free(job);
	free(text);
	start_next(l);
}

static void
on_not_started(evutil_socket_t fd, short what, void *argument)
{
	finish(argument, 126 << 8);
}

/* Nobody hears of his job before his tool_run() has returned. */
static void
start_next(struct lane *l)
{
	static const struct timeval now = { 0, 0 };
	const struct job *job = STAILQ_FIRST(&l->jobs);

	if (job == NULL || l->pid != 0)
		return;
	if (start(l, job) == -1) {
		log_err("%s cannot be started", job->argv[0]);
		if (event_base_once(loop, -1, EV_TIMEOUT, on_not_started, l, &now) == -1)
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
	struct lane *l = &lanes[strcmp(argv[0], PATH_NFT) == 0];
	struct job *job = l->job_count < JOBS_MAX ? malloc(sizeof(*job)) : NULL;

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
	STAILQ_INSERT_TAIL(&l->jobs, job, next);
	l->job_count++;
	if (l->job_count == 1)
		start_next(l);
	return 0;
}

bool
tool_reaped(pid_t pid, int status)
{
	for (struct lane *l = lanes; l < lanes + 2; l++)
		if (l->pid != 0 && l->pid == pid) {
			take_output(l);
			finish(l, status);
			return true;
		}
	return false;
}
