/* SPDX-License-Identifier: ISC */
/* Children of disklessctl: tools of the system, and its own work that mounts something (program.h). */
#include "program.h"

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define LOOK_MS 200

static void
become(const char *const argv[], int output, pid_t parent)
{
	/* mtools else refuses disks whose size is not that of a floppy drive's geometry (mtools(1)). */
	static char locale[] = "LC_ALL=C.UTF-8", check[] = "MTOOLS_SKIP_CHECK=1",
		    path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[] = { locale, check, path, NULL }, **copy;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	size_t count = 0;

	while (argv[count] != NULL)
		count++;
	copy = calloc(count + 1, sizeof(*copy)); /* execve(2) takes no const */
	if (copy == NULL || null == -1 || dup2(null, 0) == -1 || dup2(output, 1) == -1 || dup2(output, 2) == -1)
		_exit(126);
	for (size_t i = 0; i < count; i++)
		if ((copy[i] = strdup(argv[i])) == NULL)
			_exit(126);
	closefrom(3);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	if (copy[0] != NULL)
		execve(copy[0], copy, environment);
	dprintf(2, "%s\n", strerror(errno));
	_exit(127);
}

/* Reads what it says until it closes its output; keeps the beginning for the caller and the end for an error. */
static void
listen_to(pid_t pid, int fd, const struct program *p, char *output, char *tail)
{
	size_t have = 0, kept = 0;
	char bytes[PROGRAM_OUTPUT / 2];
	ssize_t got;

	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		int ready = poll(&wait, 1, LOOK_MS);

		if (p->enough != NULL && p->enough(p->argument))
			kill(pid, SIGKILL);
		if (ready == 0 || (ready == -1 && errno == EINTR))
			continue;
		got = read(fd, bytes, sizeof(bytes));
		if (got <= 0)
			break;
		if (have < PROGRAM_OUTPUT - 1) {
			size_t room = PROGRAM_OUTPUT - 1 - have, n = (size_t)got < room ? (size_t)got : room;

			memcpy(output + have, bytes, n);
			have += n;
		}
		if (kept + (size_t)got > PROGRAM_OUTPUT - 1) {
			size_t drop = kept + (size_t)got - (PROGRAM_OUTPUT - 1);

			memmove(tail, tail + drop, kept - drop);
			kept -= drop;
		}
		memcpy(tail + kept, bytes, (size_t)got);
		kept += (size_t)got;
	}
	output[have] = '\0';
	tail[kept] = '\0';
}

/* The last line with something in it, printable. */
static void
last_line(char *tail, char *line, size_t size)
{
	size_t end = strlen(tail), start;

	while (end > 0 && strchr("\n \r", tail[end - 1]) != NULL)
		end--;
	for (start = end; start > 0 && tail[start - 1] != '\n'; start--)
		;
	log_visible(line, size, tail + start, end - start);
}

static int
verdict(const struct program *p, int status, char *tail, char *why, size_t size)
{
	unsigned accept = p->accept == 0 ? 1 : p->accept;
	char line[200];

	if (WIFEXITED(status) && WEXITSTATUS(status) < 32 && (accept >> WEXITSTATUS(status) & 1) != 0)
		return 0;
	last_line(tail, line, sizeof(line));
	if (WIFSIGNALED(status))
		snprintf(why, size, "%s: ended by signal %d: %s", p->argv[0], WTERMSIG(status), line);
	else
		snprintf(why, size, "%s: status %d: %s", p->argv[0], WEXITSTATUS(status), line);
	return -1;
}

int
program_run(const struct program *p, char output[PROGRAM_OUTPUT], char *why, size_t size)
{
	char tail[PROGRAM_OUTPUT];
	pid_t self = getpid(), pid;
	int pipes[2], status;

	if (pipe2(pipes, O_CLOEXEC) == -1) {
		snprintf(why, size, "%s: %s", p->argv[0], strerror(errno));
		return -1;
	}
	pid = fork();
	if (pid == 0)
		become(p->argv, pipes[1], self);
	close(pipes[1]);
	if (pid == -1) {
		snprintf(why, size, "%s: %s", p->argv[0], strerror(errno));
		close(pipes[0]);
		return -1;
	}
	listen_to(pid, pipes[0], p, output, tail);
	close(pipes[0]);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR) {
			snprintf(why, size, "%s: %s", p->argv[0], strerror(errno));
			return -1;
		}
	return verdict(p, status, tail, why, size);
}

void *
shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

#define NO_NAMESPACE 3

/* Slave, not private: what is unmounted outside goes here too, so that we never hold a client's root that is on its way out. */
static int
own_mounts(void)
{
	return unshare(CLONE_NEWNS) == 0 ? mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) : -1;
}

int
in_mount_namespace(int (*job)(void *), void *argument, char *why, size_t size)
{
	pid_t self = getpid(), pid = fork();
	int status;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != self || own_mounts() == -1)
			_exit(NO_NAMESPACE);
		_exit(job(argument) == 0 ? 0 : 1);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid) {
		snprintf(why, size, "no process for the mounts: %s", strerror(errno));
		return -1;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACE)
		snprintf(why, size, "no mount namespace; it needs root (CAP_SYS_ADMIN)");
	else if (!WIFEXITED(status))
		snprintf(why, size, "the process of the mounts was ended by signal %d", WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}
