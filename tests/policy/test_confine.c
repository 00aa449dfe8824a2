/* SPDX-License-Identifier: ISC */
/* What a confined process has left, seen from outside by /proc, and what refuses to be a confinement. Needs root. */
#include "jail.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/capability.h>

#include <seccomp.h>

#include "confine.h"
#include "log.h"
#include "syscalls.h"

#define TEST_UID  65001
#define TEST_GID  65002
#define MAX_FILES 20

static char directory[] = "/tmp/empty-XXXXXX";

static void
make_directory(void)
{
	if (geteuid() != 0)
		cr_skip_test("only root can confine a process");
#ifdef DISKLESS_NO_CONFINEMENT
	cr_skip_test("built without confinement");
#endif
	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(chmod(directory, 0555), 0);
}

static void
remove_directory(void)
{
	rmdir(directory);
}

TestSuite(confine, .init = make_directory, .fini = remove_directory, .timeout = 60);

static struct confinement
jail(void)
{
	return (struct confinement){ directory, TEST_UID, TEST_GID, MAX_FILES, &syscalls_broker };
}

/* ---- a confined process that waits to be looked at ---- */

struct subject {
	pid_t pid;
	int pipe; /* a byte from it: it is confined. Its end: it leaves */
	bool confined;
};

static int
wait_in_the_jail(int pipe)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (send(pipe, "c", 1, MSG_NOSIGNAL) != 1)
		return 1;
	return recvmsg(pipe, &message, 0) == 0 ? 0 : 1;
}

static struct subject
start(int (*body)(int, const void *), const void *argument)
{
	struct subject s = { 0 };
	int pair[2];
	char byte;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	s.pid = fork();
	cr_assert_neq(s.pid, -1);
	if (s.pid == 0) {
		close(pair[0]);
		alarm(20);
		log_to_pipe("test", pair[1]); /* then fatal() does not run Criterion's exit handlers */
		_exit(body(pair[1], argument));
	}
	close(pair[1]);
	s.pipe = pair[0];
	s.confined = recv(s.pipe, &byte, 1, MSG_PEEK) == 1 && byte == 'c';
	if (s.confined) /* anything else is the test's to read */
		(void)recv(s.pipe, &byte, 1, 0);
	return s;
}

static int
finish(struct subject *s)
{
	int status;

	close(s->pipe);
	cr_assert_eq(waitpid(s->pid, &status, 0), s->pid);
	return status;
}

/* The value of a line of /proc/PID/NAME, in one of a few buffers. */
static const char *
field_of(const struct subject *s, const char *file, const char *key)
{
	static char line[256];
	char path[64];
	size_t length = strlen(key);
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)s->pid, file);
	f = fopen(path, "re");
	cr_assert_not_null(f, "%s", path);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, length) == 0) {
			fclose(f);
			line[strcspn(line, "\n")] = '\0';
			return line + length + strspn(line + length, " \t");
		}
	fclose(f);
	cr_assert_fail("%s has no %s", path, key);
	return NULL;
}

#define assert_status(s, key, value) \
	cr_expect_str_eq(field_of((s), "status", key ":"), (value), "%s: %s", key, field_of((s), "status", key ":"))
#define assert_limit(s, key, value) \
	cr_expect_eq(strncmp(field_of((s), "limits", key), (value), strlen(value)), 0, "%s: %s", key, \
	    field_of((s), "limits", key))

static int
confine_and_wait(int pipe, const void *argument)
{
	static const gid_t groups[] = { 4, 24, 0 };

	if (setgroups(3, groups) == -1)
		return 1;
	confine_child(argument);
	return wait_in_the_jail(pipe);
}

Test(confine, a_child_is_nobody_and_has_no_right_left)
{
	struct confinement j = jail();
	struct subject s = start(confine_and_wait, &j);

	cr_assert(s.confined);
	assert_status(&s, "Uid", "65001\t65001\t65001\t65001");
	assert_status(&s, "Gid", "65002\t65002\t65002\t65002");
	assert_status(&s, "Groups", "");
	assert_status(&s, "CapInh", "0000000000000000");
	assert_status(&s, "CapPrm", "0000000000000000");
	assert_status(&s, "CapEff", "0000000000000000");
	assert_status(&s, "CapBnd", "0000000000000000");
	assert_status(&s, "CapAmb", "0000000000000000");
	assert_status(&s, "NoNewPrivs", "1");
	assert_status(&s, "Seccomp", "2");
	cr_expect(with(finish(&s), 0));
}

Test(confine, a_childs_limits_are_tight)
{
	struct confinement j = jail();
	struct subject s = start(confine_and_wait, &j);

	cr_assert(s.confined);
	assert_limit(&s, "Max core file size", "0                    0 ");
	assert_limit(&s, "Max file size", "0                    0 ");
	assert_limit(&s, "Max processes", "0                    0 ");
	assert_limit(&s, "Max locked memory", "0                    0 ");
	assert_limit(&s, "Max open files", "20                   20 ");
	cr_expect(with(finish(&s), 0));
}

Test(confine, a_childs_root_is_the_empty_directory_and_its_proc_belongs_to_root)
{
	struct confinement j = jail();
	struct subject s = start(confine_and_wait, &j);
	char path[64], target[256] = "";
	struct stat st;

	cr_assert(s.confined);
	snprintf(path, sizeof(path), "/proc/%d/root", (int)s.pid);
	cr_expect_gt(readlink(path, target, sizeof(target) - 1), 0);
	cr_expect_str_eq(target, directory);
	memset(target, 0, sizeof(target));
	snprintf(path, sizeof(path), "/proc/%d/cwd", (int)s.pid);
	cr_expect_gt(readlink(path, target, sizeof(target) - 1), 0);
	cr_expect_str_eq(target, directory);
	/* What is not dumpable is root's in /proc: no process of the same user can look into it. See proc(5). */
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)s.pid);
	cr_expect_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_uid, 0);
	cr_expect(with(finish(&s), 0));
}

/* ---- Landlock ---- */

/* Lets everything pass, so that what stands behind the filter is seen. */
static const struct syscall_table open_filter = { .process = "test", .otherwise = SCMP_ACT_ALLOW };

/* What a child tries once it is confined; errno, or 0. */
static int
try_directory(void)
{
	return open("/", O_RDONLY | O_DIRECTORY) == -1 ? errno : 0;
}

static struct sockaddr_in
loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
}

static int
try_connect(void)
{
	struct sockaddr_in name = loopback(9);

	return connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof(name)) == -1 ? errno : 0;
}

static int
try_bind(void)
{
	struct sockaddr_in name = loopback(0);

	return bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof(name)) == -1 ? errno : 0;
}

/* A name without a file, which no directory keeps away: the test listens there. */
static const struct sockaddr_un abstract = { .sun_family = AF_UNIX, .sun_path = "\0diskless-test-of-landlock" };

static int
try_abstract(void)
{
	return connect(socket(AF_UNIX, SOCK_STREAM, 0), (const struct sockaddr *)&abstract, sizeof(abstract)) == -1
		   ? errno
		   : 0;
}

static const struct door {
	long abi; /* of Landlock, from which on it is shut */
	int (*try)(void);
	int open, shut; /* what comes of it */
	const char *name;
} doors[] = {
	{ 1, try_directory, 0, EACCES, "reading a directory" },
	{ 4, try_connect, ECONNREFUSED, EACCES, "TCP to another" },
	{ 4, try_bind, 0, EACCES, "TCP for others" },
	{ 6, try_abstract, 0, EPERM, "an abstract name of AF_UNIX" },
};

static int
confine_and_try(int pipe, const void *argument)
{
	const struct door *door = argument;
	struct confinement j = jail();

	j.table = &open_filter;
	confine_child(&j);
	return door->try();
}

/* The same where the kernel has no Landlock: what else stands around it does not shut that door. */
static int
confine_and_try_without(int pipe, const void *argument)
{
	static const struct syscall_rule rules[] = { { "landlock_create_ruleset", ARG_ANY, 0, 0, ENOSYS, 0, "test" } };
	static const struct syscall_table none = {
		.process = "test", .rules = rules, .count = 1, .otherwise = SCMP_ACT_ALLOW
	};
	const char *why;

	return syscalls_load(&none, &why) == -1 ? 9 : confine_and_try(pipe, argument);
}

static long
landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
}

static void
expect_a_wall_from(long abi)
{
	struct subject s;

	for (size_t i = 0; i < sizeof(doors) / sizeof(*doors); i++) {
		if (doors[i].abi != abi)
			continue;
		s = start(confine_and_try_without, &doors[i]);
		cr_expect(with(finish(&s), doors[i].open), "%s, without Landlock", doors[i].name);
		s = start(confine_and_try, &doors[i]);
		cr_expect(with(finish(&s), doors[i].shut), "%s", doors[i].name);
	}
}

Test(confine, a_child_is_behind_a_second_wall)
{
	if (landlock_abi() < 1)
		cr_skip_test("this kernel has no Landlock");
	expect_a_wall_from(1);
}

Test(confine, a_child_is_behind_a_second_wall_of_the_network_too)
{
	if (landlock_abi() < 4)
		cr_skip_test("the Landlock of this kernel knows no network");
	expect_a_wall_from(4);
}

Test(confine, a_child_is_behind_a_second_wall_of_names_without_a_file_too)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (landlock_abi() < 6)
		cr_skip_test("the Landlock of this kernel knows no abstract names");
	cr_assert_eq(bind(listener, (const struct sockaddr *)&abstract, sizeof(abstract)), 0);
	cr_assert_eq(listen(listener, 8), 0);
	expect_a_wall_from(6);
	close(listener);
}

static int
confine_where_landlock_fails(int pipe, const void *argument)
{
	static struct syscall_rule rules[] = { { "landlock_create_ruleset", ARG_ANY, 0, 0, 0, 0, "test" } };
	static const struct syscall_table table = {
		.process = "test", .rules = rules, .count = 1, .otherwise = SCMP_ACT_ALLOW
	};
	struct confinement j = jail();
	const char *why;

	rules[0].refuse = *(const int *)argument;
	if (syscalls_load(&table, &why) == -1)
		return 9;
	confine_child(&j);
	return wait_in_the_jail(pipe);
}

Test(confine, a_kernel_without_landlock_is_accepted_and_a_landlock_that_fails_is_not)
{
	static const int absent[] = { ENOSYS, EOPNOTSUPP }, failing = ENOMEM;
	struct subject s;

	for (size_t i = 0; i < 2; i++) {
		s = start(confine_where_landlock_fails, &absent[i]);
		cr_expect(s.confined);
		cr_expect(with(finish(&s), 0));
	}
	s = start(confine_where_landlock_fails, &failing);
	cr_expect_not(s.confined);
	cr_expect(with(finish(&s), 1));
}

/* ---- refusals ---- */

/* It must end with status 1 and these words on the log pipe, and never get into the jail. */
static void
expect_refusal(int (*body)(int, const void *), const struct confinement *j, const char *words)
{
	struct subject s = start(body, j);
	char record[512] = "";

	cr_expect_not(s.confined, "%s", words);
	cr_expect_gt(recv(s.pipe, record, sizeof(record) - 1, 0), 0, "%s", words);
	cr_expect_not_null(strstr(record + 1, words), "\"%s\" instead of \"%s\"", record + 1, words);
	cr_expect(with(finish(&s), 1), "%s", words);
}

Test(confine, root_is_not_an_id_for_a_child)
{
	struct confinement j = jail();

	j.uid = 0;
	expect_refusal(confine_and_wait, &j, "may not run as root");
	j = jail();
	j.gid = 0;
	expect_refusal(confine_and_wait, &j, "may not run as root");
}

Test(confine, a_directory_with_something_in_it_is_refused)
{
	struct confinement j = jail();
	char inside[64];

	snprintf(inside, sizeof(inside), "%s/.x", directory);
	cr_assert_eq(mkdir(inside, 0700), 0);
	expect_refusal(confine_and_wait, &j, "must be empty");
	rmdir(inside);
}

Test(confine, a_directory_that_others_can_write_to_is_refused)
{
	struct confinement j = jail();

	chmod(directory, 0575);
	expect_refusal(confine_and_wait, &j, "must be root's");
	chmod(directory, 0557);
	expect_refusal(confine_and_wait, &j, "must be root's");
	chmod(directory, 0555);
	cr_assert_eq(chown(directory, TEST_UID, 0), 0);
	expect_refusal(confine_and_wait, &j, "must be root's");
}

Test(confine, what_is_no_directory_is_refused)
{
	struct confinement j = jail();

	j.empty_directory = "/nonexistent";
	expect_refusal(confine_and_wait, &j, "/nonexistent");
	j.empty_directory = "/dev/null";
	expect_refusal(confine_and_wait, &j, "/dev/null");
}

static void *
sleep_on(void *nothing)
{
	pause();
	return nothing;
}

static int
confine_with_a_thread(int pipe, const void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, sleep_on, NULL) != 0)
		return 9;
	confine_child(argument);
	return wait_in_the_jail(pipe);
}

static int
confine_parent_with_a_thread(int pipe, const void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, sleep_on, NULL) != 0)
		return 9;
	confine_parent();
	return wait_in_the_jail(pipe);
}

Test(confine, a_process_with_threads_is_refused)
{
	struct confinement j = jail();

	expect_refusal(confine_with_a_thread, &j, "with threads");
	expect_refusal(confine_parent_with_a_thread, &j, "with threads");
}

static int
confine_where_a_limit_cannot_be(int pipe, const void *argument)
{
	const struct rlimit less = { 16, 16 };

	setrlimit(RLIMIT_NOFILE, &less);
	confine_child(argument);
	return wait_in_the_jail(pipe);
}

Test(confine, fewer_files_than_needed_is_refused)
{
	struct confinement j = jail();

	expect_refusal(confine_where_a_limit_cannot_be, &j, "open files");
}

Test(confine, a_filter_that_does_not_load_is_fatal)
{
	static const struct syscall_rule rules[] = { ALLOW("raed", "misspelt") };
	static const struct syscall_table table = {
		.process = "test", .rules = rules, .count = 1, .otherwise = SCMP_ACT_KILL_PROCESS
	};
	struct confinement j = jail();

	j.table = &table;
	expect_refusal(confine_and_wait, &j, "no system call filter");
}

/* ---- the parent ---- */

#define BIT(capability) (1ULL << (capability))
/* A second time, on purpose: a capability more takes a change here, too. */
static const unsigned long long kept =
    BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) |
    BIT(CAP_KILL) | BIT(CAP_MKNOD) | BIT(CAP_NET_ADMIN) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_NET_RAW) |
    BIT(CAP_SETFCAP) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP) | BIT(CAP_SETUID) | BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_CHROOT);

static int
confine_parent_and_wait(int pipe, const void *argument)
{
	confine_parent();
	return wait_in_the_jail(pipe);
}

static void
expect_kept(const char *set, const char *hex)
{
	cr_expect_eq(strtoull(hex, NULL, 16), kept, "%s: %s instead of %016llx", set, hex, kept);
}

Test(confine, the_parent_keeps_its_table_and_nothing_else)
{
	struct subject s = start(confine_parent_and_wait, NULL);

	cr_assert(s.confined);
	assert_status(&s, "Uid", "0\t0\t0\t0");
	expect_kept("CapInh", field_of(&s, "status", "CapInh:"));
	expect_kept("CapPrm", field_of(&s, "status", "CapPrm:"));
	expect_kept("CapEff", field_of(&s, "status", "CapEff:"));
	expect_kept("CapBnd", field_of(&s, "status", "CapBnd:"));
	assert_status(&s, "CapAmb", "0000000000000000");
	assert_status(&s, "NoNewPrivs", "1");
	assert_status(&s, "Seccomp", "2");
	cr_expect(with(finish(&s), 0));
}

/* Takes the place of the process by `cat /proc/self/status`, which writes to the pipe. */
static int
confine_parent_and_exec(int pipe, const void *argument)
{
	char *const argv[] = { (char[]){ "cat" }, (char[]){ "/proc/self/status" }, NULL };

	confine_parent();
	if (dup2(pipe, STDOUT_FILENO) == -1)
		return 9;
	execv("/bin/cat", argv);
	return 9;
}

/* no_new_privs takes nothing from root: what it runs has its whole table, and is under its filter. */
Test(confine, what_the_parent_runs_has_its_table_too)
{
	struct subject s = start(confine_parent_and_exec, NULL);
	char status[8192] = "";
	const char *line;

	cr_assert_gt(recv(s.pipe, status, sizeof(status) - 1, 0), 0);
	cr_expect(with(finish(&s), 0));
	for (size_t i = 0; i < 3; i++) {
		static const char *const sets[] = { "\nCapPrm:", "\nCapEff:", "\nCapBnd:" };

		line = strstr(status, sets[i]);
		cr_assert_not_null(line);
		expect_kept(sets[i] + 1, line + strlen(sets[i]));
	}
	cr_expect_not_null(strstr(status, "\nNoNewPrivs:\t1\n"));
	cr_expect_not_null(strstr(status, "\nSeccomp:\t2\n"));
}

static int
confine_both_and_wait(int pipe, const void *argument)
{
	confine_parent();
	return confine_and_wait(pipe, argument);
}

Test(confine, a_child_of_the_confined_parent_can_still_be_confined)
{
	struct confinement j = jail();
	struct subject s = start(confine_both_and_wait, &j);

	cr_assert(s.confined);
	assert_status(&s, "Uid", "65001\t65001\t65001\t65001");
	assert_status(&s, "Groups", "");
	assert_status(&s, "CapEff", "0000000000000000");
	assert_status(&s, "CapBnd", "0000000000000000");
	assert_status(&s, "Seccomp_filters", "2");
	cr_expect(with(finish(&s), 0));
}

/* ---- no way around ---- */

static bool
file_holds(const char *path, const char *words)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *bytes;
	bool holds;

	cr_assert_neq(fd, -1, "%s", path);
	cr_assert_eq(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size);
	cr_assert_not_null(bytes);
	cr_assert_eq(read(fd, bytes, (size_t)st.st_size), st.st_size);
	holds = memmem(bytes, (size_t)st.st_size, words, strlen(words)) != NULL;
	free(bytes);
	close(fd);
	return holds;
}

Test(no_way_around, the_switch_is_in_the_builds_for_tests_only)
{
	static const char words[] = "not confined";
	static const char *const built[] = { "libcommon.a", "disklessd", "diskless-broker", "diskless-dhcp",
		"diskless-tftp" };
	char path[256];

	for (size_t i = 0; i < sizeof(built) / sizeof(*built); i++) {
		snprintf(path, sizeof(path), "%s/%s", TEST_BUILD, built[i]);
#ifdef DISKLESS_NO_CONFINEMENT
		cr_expect(file_holds(path, words), "%s", path);
#else
		cr_expect_not(file_holds(path, words), "%s", path);
#endif
	}
}

#ifdef DISKLESS_NO_CONFINEMENT
static int
both_twice(int pipe, const void *argument)
{
	confine_parent();
	confine_child(argument);
	return wait_in_the_jail(pipe);
}

Test(no_way_around, without_confinement_there_is_one_warning_and_no_new_privileges)
{
	struct confinement j = { "/nonexistent", TEST_UID, TEST_GID, MAX_FILES, &syscalls_broker };
	struct subject s = start(both_twice, &j);
	char record[512] = "";

	cr_expect_gt(recv(s.pipe, record, sizeof(record) - 1, 0), 0);
	cr_expect_not_null(strstr(record + 1, "not confined"));
	cr_expect_eq(recv(s.pipe, record, sizeof(record) - 1, 0), 1, "one warning, then the byte");
	assert_status(&s, "NoNewPrivs", "1");
	assert_status(&s, "Seccomp", "0");
	cr_expect(with(finish(&s), 0));
}
#endif
