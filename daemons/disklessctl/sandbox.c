/* SPDX-License-Identifier: ISC */
/*
 * The walls of sandbox.h. What stands between fork(2) and the program is here, in the order in which it is built: namespaces, the
 * tree as root, what a program expects in /dev, /proc and /run, then the rights that go. Must never run anything before the last.
 */
#include "sandbox.h"

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cap-ng.h>

#include "log.h"
#include "program.h"

#define LINE_MAX_SHOWN 400
#define SCRIPT_FD      3

struct walls {
	const char *tree;
	bool script, network, terminal, mounts;
};

/* ---- the tree and nothing else ---- */

static int
enter_tree(const struct walls *w)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount(w->tree, w->tree, NULL, MS_BIND | MS_REC, NULL) == -1 ||
	    mount(NULL, w->tree, NULL, MS_BIND | MS_REMOUNT | MS_NOSUID | MS_NODEV, NULL) == -1 ||
	    chdir(w->tree) == -1 || syscall(SYS_pivot_root, ".", ".") == -1 || umount2(".", MNT_DETACH) == -1)
		return -1;
	return chdir("/");
}

/* From here on a path is one of the tree: a link in it leads to another place of it. */

static const struct {
	const char *point, *type, *options;
	unsigned long flags;
} mounts[] = {
	{ "/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "/run", "tmpfs", "mode=755,size=256m", MS_NOSUID | MS_NODEV },
	{ "/dev", "tmpfs", "mode=755,size=1m", MS_NOSUID | MS_NOEXEC },
	{ "/dev/shm", "tmpfs", "mode=1777,size=256m", MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "/dev/pts", "devpts", "newinstance,ptmxmode=666,mode=620,gid=5", MS_NOSUID | MS_NOEXEC },
};

static int
mount_own(const struct walls *w)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		if ((mkdir(mounts[i].point, 0755) == -1 && errno != EEXIST) ||
		    mount("diskless", mounts[i].point, mounts[i].type, mounts[i].flags, mounts[i].options) == -1)
			return -1;
	return 0;
}

static const struct {
	const char *path;
	unsigned minor;
} devices[] = { { "/dev/null", 3 }, { "/dev/zero", 5 }, { "/dev/full", 7 }, { "/dev/random", 8 },
	{ "/dev/urandom", 9 } };

static const struct {
	const char *path, *target;
} links[] = { { "/dev/fd", "/proc/self/fd" }, { "/dev/stdin", "/proc/self/fd/0" }, { "/dev/stdout", "/proc/self/fd/1" },
	{ "/dev/stderr", "/proc/self/fd/2" }, { "/dev/ptmx", "pts/ptmx" } };

static int
make_devices(const struct walls *w)
{
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (mknod(devices[i].path, S_IFCHR | 0666, makedev(1, devices[i].minor)) == -1)
			return -1;
	if (mknod("/dev/tty", S_IFCHR | 0666, makedev(5, 0)) == -1)
		return -1;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i].target, links[i].path) == -1)
			return -1;
	return 0;
}

/* What packages ask before they touch a machine (systemd.io/CONTAINER_INTERFACE): raspi-firmware wants a mounted /boot/firmware of one. */
static int
say_container(const struct walls *w)
{
	static const char said[] = "diskless\n";
	int fd = mkdir("/run/systemd", 0755) == -1
		     ? -1
		     : open("/run/systemd/container", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd == -1 || write(fd, said, sizeof(said) - 1) != (ssize_t)sizeof(said) - 1)
		return -1;
	return close(fd);
}

/* The switches and the memory of the kernel: root's by their mode bits alone. Not every kernel has each. */
static const char *const read_only[] = { "/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs",
	"/proc/acpi", "/proc/tty", "/proc/driver", "/proc/mtrr", "/proc/latency_stats", "/proc/timer_stats" };
static const char *const hidden[] = { "/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/kmsg", "/proc/timer_list",
	"/proc/sched_debug", "/proc/kpagecount", "/proc/kpageflags", "/proc/kpagecgroup", "/proc/kallsyms",
	"/proc/vmallocinfo", "/proc/slabinfo" };

static int
cover_proc(const struct walls *w)
{
	const unsigned long still = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++) {
		if (mount(read_only[i], read_only[i], NULL, MS_BIND | MS_REC, NULL) == -1) {
			if (errno == ENOENT)
				continue;
			return -1;
		}
		if (mount(NULL, read_only[i], NULL, still, NULL) == -1)
			return -1;
	}
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (mount("/dev/null", hidden[i], NULL, MS_BIND, NULL) == -1 && errno != ENOENT)
			return -1;
	return 0;
}

static int
copy_script(const struct walls *w)
{
	int to;
	ssize_t got = 0;
	char bytes[4096];

	if (!w->script)
		return 0;
	to = open(SANDBOX_SCRIPT, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
	if (to == -1 || lseek(SCRIPT_FD, 0, SEEK_SET) == -1)
		return -1;
	while ((got = read(SCRIPT_FD, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, (size_t)got) != got)
			return -1;
	close(to);
	return got == 0 ? close(SCRIPT_FD) : -1;
}

/* ---- rights ---- */

/* What dpkg, useradd and their like need. Without SETFCAP packages make their programs setuid, which NFS carries; without MKNOD,
 * SYS_ADMIN, NET_ADMIN, SYS_MODULE, SYS_RAWIO, SYS_BOOT, SYS_TIME, SYS_PTRACE, DAC_READ_SEARCH ... the machine is out of reach. */
static const unsigned kept[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL, CAP_SETGID, CAP_SETUID,
	CAP_SYS_CHROOT };

static int
drop_capabilities(const struct walls *w)
{
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, kept[i]) != 0)
			return -1;
	if (w->mounts &&
	    capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, CAP_SYS_ADMIN) != 0)
		return -1;
	if (capng_apply(CAPNG_SELECT_ALL) != 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* They fail with EPERM: programs that try them go on without. A new namespace would bring new capabilities to attack the kernel with. */
static const int denied[] = { SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(fsopen),
	SCMP_SYS(open_tree), SCMP_SYS(move_mount), SCMP_SYS(pivot_root), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(delete_module), SCMP_SYS(open_by_handle_at), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(reboot),
	SCMP_SYS(acct), SCMP_SYS(quotactl), SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(adjtimex),
	SCMP_SYS(syslog), SCMP_SYS(iopl), SCMP_SYS(ioperm) };

#define TERMINAL_INJECT 0x5412 /* TIOCSTI: input for the terminal's own shell */

static int
deny_calls(const struct walls *w)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int result = filter == NULL ? -ENOMEM : 0;

	if (w->mounts) {
		seccomp_release(filter);
		return 0;
	}
	/* Programs of the 32-bit sister, too; where there is none this fails, and such a program is killed. */
	if (result == 0)
		seccomp_arch_add(filter, seccomp_arch_native() == SCMP_ARCH_X86_64 ? SCMP_ARCH_X86 : SCMP_ARCH_ARM);
	for (size_t i = 0; result == 0 && i < sizeof(denied) / sizeof(denied[0]); i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
		    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
	/* Its flags are behind a pointer; the C library then takes clone(2). */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
		    SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, TERMINAL_INJECT));
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	errno = -result;
	return result == 0 ? 0 : -1;
}

/* The keys of who runs us stay theirs. A program that has no business with the terminal has none. */
static int
leave_sessions(const struct walls *w)
{
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	return w->terminal || setsid() != -1 ? 0 : -1;
}

/* ---- processes ---- */

static const struct {
	const char *what;
	int (*build)(const struct walls *);
} order[] = {
	{ "its root", enter_tree },
	{ "its /proc, /run and /dev", mount_own },
	{ "its devices", make_devices },
	{ "the word that it is a container", say_container },
	{ "the kernel's switches", cover_proc },
	{ "the script", copy_script },
	{ "its session", leave_sessions },
	{ "its capabilities", drop_capabilities },
	{ "its system calls", deny_calls },
};

static int
build_walls(const struct walls *w)
{
	static const char name[] = "diskless";

	umask(0);
	if (sethostname(name, sizeof(name) - 1) == -1)
		return -1;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (order[i].build(w) == -1) {
			dprintf(2, "%s: ", order[i].what);
			return -1;
		}
	umask(022);
	return 0;
}

static void
end_like(int status)
{
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* The first process of its namespace: ends, and all others with it, when the program ends. */
static void
be_init(pid_t program)
{
	int status;
	pid_t pid;

	while ((pid = wait(&status)) != program)
		if (pid == -1 && errno != EINTR)
			_exit(126);
	end_like(status);
}

/* Returns in the process that becomes the program. alive: a pipe's end that is at its end when our parent has died. */
static int
start_inside(const struct walls *w, int alive)
{
	struct pollfd parent = { .fd = alive, .events = POLLIN };
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&parent, 1, 0) != 0)
		_exit(126);
	close(alive);
	if (build_walls(w) == -1)
		return -1;
	pid = fork();
	if (pid > 0)
		be_init(pid);
	if (pid == 0 && !w->terminal)
		return dup2(1, 2) == -1 ? -1 : 0; /* its words are one stream, in their order */
	return pid;
}

static int
enter(void *argument)
{
	const struct walls *w = argument;
	int namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP, alive[2], status;
	pid_t pid;

	if (unshare(namespaces | (w->network ? 0 : CLONE_NEWNET)) == -1 || pipe2(alive, O_CLOEXEC) == -1)
		return -1;
	pid = fork();
	if (pid == 0) {
		close(alive[1]);
		return start_inside(w, alive[0]);
	}
	close(alive[0]);
	while (pid == -1 || waitpid(pid, &status, 0) == -1)
		if (pid == -1 || errno != EINTR)
			return -1;
	end_like(status);
	return -1;
}

/* ---- what it says ---- */

struct lines {
	struct image_make *make;
	char line[LINE_MAX_SHOWN];
	size_t have;
	char last[LINE_MAX_SHOWN]; /* with something in it */
};

static void
show_line(struct lines *l)
{
	if (l->have == 0)
		return;
	log_visible(l->last, sizeof(l->last), l->line, l->have);
	image_say(l->make, "| %s", l->last);
	l->have = 0;
}

static int
take_lines(void *argument, const char *bytes, size_t length)
{
	struct lines *l = argument;

	for (size_t i = 0; i < length; i++)
		if (bytes[i] == '\n' || bytes[i] == '\r')
			show_line(l);
		else if (l->have < sizeof(l->line))
			l->line[l->have++] = bytes[i];
	return 0;
}

/* "KEY=value" of our own environment, or of what stands in for it. */
static const char *
handed_on(const char *key, const char *otherwise, char *text, size_t size)
{
	const char *value = getenv(key);

	if (value == NULL)
		value = otherwise;
	snprintf(text, size, "%s=%s", key, value);
	return text;
}

/* The proxies that an operator has are those that apt needs. */
static void
fill_environment(const struct sandbox *s, const char *environment[12], char texts[5][512])
{
	static const char *const proxies[] = { "http_proxy", "https_proxy", "no_proxy" };
	size_t count = 0;

	environment[count++] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	environment[count++] = "HOME=/root";
	environment[count++] = "LC_ALL=C.UTF-8";
	environment[count++] = "DEBIAN_FRONTEND=noninteractive";
	environment[count++] = "DEBCONF_NONINTERACTIVE_SEEN=true";
	snprintf(texts[0], sizeof(texts[0]), "SOURCE_DATE_EPOCH=%" PRIu64, s->epoch);
	environment[count++] = texts[0];
	if (s->terminal)
		environment[count++] = handed_on("TERM", "dumb", texts[1], sizeof(texts[1]));
	for (size_t i = 0; s->network && i < 3; i++)
		if (getenv(proxies[i]) != NULL)
			environment[count++] = handed_on(proxies[i], "", texts[2 + i], sizeof(texts[2 + i]));
	environment[count] = NULL;
}

int
sandbox_run(struct image_make *m, const struct sandbox *s)
{
	struct walls w = { .tree = s->tree == NULL ? m->root : s->tree,
		.script = s->script > 0,
		.network = s->network,
		.terminal = s->terminal,
		.mounts = s->mounts };
	struct lines lines = { .make = m };
	const char *environment[12];
	char texts[5][512], output[PROGRAM_OUTPUT], why[TEXT_SIZE];
	struct program program = { .argv = s->argv,
		.take = s->terminal ? NULL : take_lines,
		.argument = &lines,
		.input = s->input,
		.extra = s->script,
		.environment = environment,
		.enter = enter,
		.enter_argument = &w,
		.terminal = s->terminal };
	int result;

	fill_environment(s, environment, texts);
	result = program_run(&program, output, why, sizeof(why));
	show_line(&lines);
	if (result == 0)
		return 0;
	return image_failed(m, "%s%s%s", why, lines.last[0] == '\0' ? "" : " ", lines.last);
}
