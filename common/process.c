/* SPDX-License-Identifier: ISC */
/* See process.h. */
#include "process.h"

#include <sys/queue.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "child.h"
#include "clock.h"
#include "log.h"
#include "log_sink.h"
#include "paths.h"

struct process {
	TAILQ_ENTRY(process) next;
	struct process_spec spec;
	const struct process_hooks *hooks;
	void *argument;
	struct event_base *base;
	pid_t pid;
	uint32_t phase;
	uint32_t restarts;
	uint32_t epoch;
	uint32_t backoff;
	uint64_t started;
	struct ipc *pipe;
	struct log_sink *sink;
	struct event *timer; /* to READY, to the next start, or to SIGKILL */
	bool dropped;
	bool condemned; /* it broke the protocol: killed, and not listened to until it is reaped */
};

static TAILQ_HEAD(process_list, process) processes = TAILQ_HEAD_INITIALIZER(processes);
static void (*all_stopped)(void *);
static void *all_stopped_argument;

static void start(struct process *);

/* ---- the facts ---- */

void *
process_argument(const struct process *p)
{
	return p->argument;
}

const struct process_spec *
process_spec(const struct process *p)
{
	return &p->spec;
}

void
process_state(const struct process *p, struct msg_process_state *state)
{
	memset(state, 0, sizeof(*state));
	state->role = p->spec.role;
	state->network = p->spec.network;
	state->pid = (uint32_t)p->pid;
	state->phase = p->phase;
	state->restarts = p->restarts;
}

uint32_t
process_epoch(const struct process *p)
{
	return p->epoch;
}

struct ipc *
process_pipe(const struct process *p)
{
	return p->phase == PROCESS_READY && !p->condemned ? p->pipe : NULL;
}

const char *
process_fate(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		snprintf(text, size, "killed by its system call policy (signal %d)", SIGSYS);
	else if (WIFSIGNALED(status))
		snprintf(text, size, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
	return text;
}

/* ---- in the new process, before exec ---- */

static void
become(const struct process *p, int pipe, int log)
{
	char title[NAME_SIZE + 16];
	char *const argv[] = { title, NULL };
	char *const environment[] = { NULL };
	sigset_t none;
	int null;

	/* Out of the way of 3 and 4 first: either may be one of them. */
	pipe = fcntl(pipe, F_DUPFD, 10);
	log = fcntl(log, F_DUPFD, 10);
	null = open("/dev/null", O_RDWR);
	if (pipe == -1 || log == -1 || null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1 || dup2(null, 2) == -1)
		_exit(126);
	if (dup2(pipe, CHILD_PIPE_FD) == -1 || dup2(log, CHILD_LOG_FD) == -1)
		_exit(126);
	closefrom(CHILD_LOG_FD + 1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(title, sizeof(title), "diskless-%s", p->spec.name);
	execve(p->spec.path, argv, environment);
	_exit(127);
}

/* ---- its end ---- */

static void
set_timer(struct process *p, uint64_t ms)
{
	struct timeval wait = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };

	event_add(p->timer, &wait);
}

static void
close_pipes(struct process *p)
{
	ipc_free(p->pipe);
	p->pipe = NULL;
	log_sink_free(p->sink);
	p->sink = NULL;
}

static void
forget(struct process *p)
{
	TAILQ_REMOVE(&processes, p, next);
	event_free(p->timer);
	free(p);
	if (all_stopped != NULL && TAILQ_EMPTY(&processes))
		all_stopped(all_stopped_argument);
}

static void
plan_restart(struct process *p)
{
	if (clock_ms() - p->started > PROCESS_STABLE_MS)
		p->backoff = PROCESS_BACKOFF_MIN_MS;
	set_timer(p, p->backoff);
	p->backoff = p->backoff * 2 > PROCESS_BACKOFF_MAX_MS ? PROCESS_BACKOFF_MAX_MS : p->backoff * 2;
}

static struct process *
with_pid(pid_t pid)
{
	struct process *p;

	TAILQ_FOREACH (p, &processes, next)
		if (p->pid == pid)
			return p;
	return NULL;
}

bool
process_reaped(pid_t pid, int status)
{
	struct process *p = with_pid(pid);
	char fate[128];

	if (p == NULL)
		return false;
	close_pipes(p);
	p->pid = 0;
	p->phase = PROCESS_DEAD;
	if (p->dropped) {
		forget(p);
		return true;
	}
	log_errx("%s %s; starting it again", p->spec.name, process_fate(status, fate, sizeof(fate)));
	p->hooks->changed(p);
	plan_restart(p);
	return true;
}

void
process_breach(struct process *p, const char *what)
{
	if (p->pid == 0 || p->condemned)
		return;
	p->condemned = true;
	log_errx("%s broke the protocol (%s): killed", p->spec.name, what);
	kill(p->pid, SIGKILL);
}

static void
end(struct process *p)
{
	p->dropped = true;
	if (p->pid == 0) {
		forget(p);
		return;
	}
	ipc_free(p->pipe);
	p->pipe = NULL;
	set_timer(p, PROCESS_STOP_MS);
}

void
process_drop(struct process *p)
{
	if (p->pid != 0) {
		kill(p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) == -1 && errno == EINTR)
			;
	}
	close_pipes(p);
	forget(p);
}

void
process_stop_all(void (*done)(void *), void *argument)
{
	struct process *p, *following;

	all_stopped = done;
	all_stopped_argument = argument;
	if (TAILQ_EMPTY(&processes)) {
		done(argument);
		return;
	}
	for (p = TAILQ_FIRST(&processes); p != NULL; p = following) {
		following = TAILQ_NEXT(p, next);
		end(p);
	}
}

/* ---- its life ---- */

static void
on_message(struct ipc *ipc, struct ipc_message *message, void *argument)
{
	struct process *p = argument;

	if (p->condemned)
		return;
	if (message->type != MSG_READY) {
		if (p->phase != PROCESS_READY)
			process_breach(p, "a message before READY");
		else
			p->hooks->message(p, message);
		return;
	}
	if (p->phase == PROCESS_READY) {
		process_breach(p, "READY twice");
		return;
	}
	event_del(p->timer);
	p->phase = PROCESS_READY;
	log_debug("%s is ready, process %d", p->spec.name, (int)p->pid);
	p->hooks->changed(p);
}

static void
on_close(struct ipc *ipc, const char *why, void *argument)
{
	struct process *p = argument;

	/* A pipe closes because the process is gone, which waitpid(2) will say better, or because of a breach. */
	if (strcmp(why, "closed") != 0)
		process_breach(p, why);
	else if (p->pid != 0)
		kill(p->pid, SIGKILL);
}

static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct process *p = argument;

	if (p->pid == 0) {
		p->restarts++;
		start(p);
		return;
	}
	if (!p->dropped)
		log_errx("%s was not ready within %d seconds: killed", p->spec.name, PROCESS_READY_MS / 1000);
	kill(p->pid, SIGKILL);
}

/* What every child is told first and last; the hook's sockets are in between. */
static int
set_up(struct process *p, int pipe)
{
	struct msg_start hello = { .version = ipc_version(),
		.role = p->spec.role,
		.network = p->spec.network,
		.uid = p->spec.uid,
		.gid = p->spec.gid,
		.log_level = (uint32_t)log_get_level() };
	struct msg_empty lock = { 0 };

	snprintf(hello.empty_directory, sizeof(hello.empty_directory), "%s", PATH_EMPTY);
	if (ipc_write(pipe, MSG_START, &hello, sizeof(hello), -1) == -1 || p->hooks->hand_over(p, pipe) == -1)
		return -1;
	return ipc_write(pipe, MSG_LOCK, &lock, sizeof(lock), -1);
}

static void
start(struct process *p)
{
	int pipe[2], log = -1;

	p->epoch++;
	p->condemned = false;
	p->started = clock_ms();
	if (ipc_pair(pipe) == -1) {
		log_err("pipe for %s", p->spec.name);
		plan_restart(p);
		return;
	}
	p->sink = log_sink_new(p->base, p->spec.name, &log);
	if (p->sink == NULL || (p->pid = fork()) == -1) {
		log_err("start of %s", p->spec.name);
		p->pid = 0;
		close(pipe[0]);
		close(pipe[1]);
		close(log);
		close_pipes(p);
		plan_restart(p);
		return;
	}
	if (p->pid == 0)
		become(p, pipe[1], log);
	close(pipe[1]);
	close(log);
	p->phase = PROCESS_STARTING;
	if (set_up(p, pipe[0]) == -1)
		log_warn("set-up of %s", p->spec.name); /* it will be reaped: it waits for LOCK on a pipe that ends */
	p->pipe = ipc_new(p->base, pipe[0], ROLE_PARENT, p->spec.role, on_message, on_close, p);
	if (p->pipe == NULL)
		fatalx("no memory for %s", p->spec.name);
	set_timer(p, PROCESS_READY_MS);
	p->hooks->changed(p);
}

struct process *
process_new(struct event_base *base, const struct process_spec *spec, const struct process_hooks *hooks, void *argument)
{
	struct process *p = calloc(1, sizeof(*p));

	if (p == NULL)
		fatalx("no memory for %s", spec->name);
	p->spec = *spec;
	p->hooks = hooks;
	p->argument = argument;
	p->base = base;
	p->backoff = PROCESS_BACKOFF_MIN_MS;
	p->timer = evtimer_new(base, on_timer, p);
	if (p->timer == NULL)
		fatalx("no memory for %s", spec->name);
	TAILQ_INSERT_TAIL(&processes, p, next);
	start(p);
	return p;
}
