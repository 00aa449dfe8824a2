/* SPDX-License-Identifier: ISC */
/* Children of disklessctl: tools of the system, and its own work that mounts something (program.h). */
#include "program.h"

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define LOOK_MS       200
#define READ_SIZE     65536 /* of a pipe */
#define NOBODY        65534
#define NOBODY_MEMORY ((rlim_t)2 << 30) /* xz takes 65 MiB to unpack what xz -9 made, and more with threads */

/* Unpackers read no more than their standard input and write no more than their standard output. */
static int
become_nobody(unsigned seconds)
{
	static const struct rlimit memory = { NOBODY_MEMORY, NOBODY_MEMORY }, no_file = { 0, 0 };
	const struct rlimit time = { seconds, seconds };

	if (seconds > 0 && setrlimit(RLIMIT_CPU, &time) == -1)
		return -1;
	if (setrlimit(RLIMIT_AS, &memory) == -1 || setrlimit(RLIMIT_FSIZE, &no_file) == -1 ||
	    setgroups(0, NULL) == -1 || setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
	    setresuid(NOBODY, NOBODY, NOBODY) == -1)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* execve(2) takes no const, and changes nothing all the same. */
static char **
copy_words(const char *const *words)
{
	size_t count = 0;
	char **copy;

	while (words[count] != NULL)
		count++;
	copy = calloc(count + 1, sizeof(*copy));
	if (copy != NULL)
		memcpy(copy, words, count * sizeof(*copy));
	return copy;
}

static int
take_descriptors(const struct program *p, int out, int err)
{
	int input = p->input > 0 ? p->input : open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (input == -1 || (!p->terminal && (dup2(input, 0) == -1 || dup2(out, 1) == -1 || dup2(err, 2) == -1)))
		return -1;
	if (p->extra > 3 && dup2(p->extra, 3) == -1)
		return -1;
	closefrom(p->extra > 0 ? 4 : 3);
	return 0;
}

/* out and err are the same unless somebody takes what it writes. */
static void
become(const struct program *p, int out, int err, pid_t parent)
{
	/* mtools else refuses disks whose size is not that of a floppy drive's geometry (mtools(1)). */
	static char locale[] = "LC_ALL=C.UTF-8", check[] = "MTOOLS_SKIP_CHECK=1",
		    path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *ours[] = { locale, check, path, NULL };
	char **copy = copy_words(p->argv), **environment = p->environment == NULL ? ours : copy_words(p->environment);

	if (copy == NULL || environment == NULL || take_descriptors(p, out, err) == -1)
		_exit(126);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	if (p->enter != NULL && p->enter(p->enter_argument) == -1) {
		dprintf(2, "%s\n", strerror(errno));
		_exit(126);
	}
	if ((p->root != NULL && (chroot(p->root) == -1 || chdir("/") == -1)) ||
	    (p->nobody && become_nobody(p->seconds) == -1)) {
		dprintf(2, "giving up rights: %s\n", strerror(errno));
		_exit(126);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* the change of user has taken it back */
	if (p->enter == NULL && getppid() != parent)
		_exit(126);
	if (p->inside != NULL)
		_exit(p->inside(p->argument));
	if (p->terminal) { /* whose keys we ignore */
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
	}
	if (copy[0] != NULL)
		execve(copy[0], copy, environment);
	dprintf(2, "%s\n", strerror(errno));
	_exit(127);
}

/* What a program says: the beginning for the caller, the end for an error. */
struct words {
	char *output;
	char tail[PROGRAM_OUTPUT];
	size_t have;
	size_t kept;
};

static void
listen_to(struct words *w, const char *bytes, size_t length)
{
	size_t room = PROGRAM_OUTPUT - 1 - w->have, n = length < room ? length : room;

	memcpy(w->output + w->have, bytes, n);
	w->have += n;
	if (length > PROGRAM_OUTPUT - 1) {
		bytes += length - (PROGRAM_OUTPUT - 1);
		length = PROGRAM_OUTPUT - 1;
	}
	if (w->kept + length > PROGRAM_OUTPUT - 1) {
		size_t drop = w->kept + length - (PROGRAM_OUTPUT - 1);

		memmove(w->tail, w->tail + drop, w->kept - drop);
		w->kept -= drop;
	}
	memcpy(w->tail + w->kept, bytes, length);
	w->kept += length;
	w->output[w->have] = w->tail[w->kept] = '\0';
}

/* 1: there may be more. 0: it closed this. -1: who takes it wants no more. */
static int
read_some(const struct program *p, struct words *w, int fd, bool taken)
{
	static char bytes[READ_SIZE];
	ssize_t got = read(fd, bytes, sizeof(bytes));

	if (got <= 0)
		return got == -1 && errno == EINTR;
	if (taken)
		return p->take(p->argument, bytes, (size_t)got) == -1 ? -1 : 1;
	listen_to(w, bytes, (size_t)got);
	return 1;
}

/* Until it closes both; out is -1 if it is the same as err. */
static void
follow(const struct program *p, struct words *w, pid_t pid, int out, int err)
{
	struct pollfd fds[] = { { .fd = err, .events = POLLIN }, { .fd = out, .events = POLLIN } };

	while (fds[0].fd != -1 || fds[1].fd != -1) {
		int ready = poll(fds, 2, LOOK_MS);

		if (p->enough != NULL && p->enough(p->argument))
			kill(pid, SIGKILL);
		for (int i = 0; ready > 0 && i < 2; i++) {
			int more = fds[i].fd == -1 || fds[i].revents == 0
				       ? 1
				       : read_some(p, w, fds[i].fd, p->take != NULL && i == 1);

			if (more == -1)
				kill(pid, SIGKILL);
			if (more != 1)
				fds[i].fd = -1;
		}
	}
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

/* The ends that a program writes to are closed here once it has them. */
static int
run(const struct program *p, struct words *w, int out[2], int err[2], char *why, size_t size)
{
	pid_t self = getpid(), pid = fork();
	int status;

	if (pid == 0)
		become(p, p->take == NULL ? err[1] : out[1], err[1], self);
	close(err[1]);
	if (p->take != NULL)
		close(out[1]);
	if (pid != -1)
		follow(p, w, pid, out[0], err[0]);
	close(err[0]);
	if (p->take != NULL)
		close(out[0]);
	while (pid == -1 || waitpid(pid, &status, 0) == -1)
		if (pid == -1 || errno != EINTR) {
			snprintf(why, size, "%s: %s", p->argv[0], strerror(errno));
			return -1;
		}
	return verdict(p, status, w->tail, why, size);
}

int
program_run(const struct program *p, char output[PROGRAM_OUTPUT], char *why, size_t size)
{
	int out[2] = { -1, -1 }, err[2];
	struct words words = { .output = output };

	output[0] = '\0';
	if (pipe2(err, O_CLOEXEC) == -1) {
		snprintf(why, size, "%s: %s", p->argv[0], strerror(errno));
		return -1;
	}
	if (p->take != NULL && pipe2(out, O_CLOEXEC) == -1) {
		snprintf(why, size, "%s: %s", p->argv[0], strerror(errno));
		close(err[0]);
		close(err[1]);
		return -1;
	}
	return run(p, &words, out, err, why, size);
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
