/* SPDX-License-Identifier: ISC */
/* The tables of system calls: whole and in order as data, and in force as filters. */
#include "jail.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>
#include <linux/loop.h>
#include <seccomp.h>

#include "syscalls.h"

static const struct syscall_table *const children[] = { &syscalls_broker, &syscalls_dhcp, &syscalls_tftp };
static const struct syscall_table *const all[] = { &syscalls_children, &syscalls_broker, &syscalls_dhcp, &syscalls_tftp,
	&syscalls_disklessd };
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* ---- the tables as data ---- */

static int
order(const struct syscall_rule *a, const struct syscall_rule *b)
{
	int by_name = strcmp(a->name, b->name);

	if (by_name != 0)
		return by_name;
	if (a->argument != b->argument)
		return a->argument < b->argument ? -1 : 1;
	return a->value < b->value ? -1 : a->value > b->value;
}

Test(syscalls, rows_are_sorted_and_unique)
{
	for (size_t t = 0; t < COUNT(all); t++)
		for (size_t i = 1; i < all[t]->count; i++)
			cr_assert_lt(order(&all[t]->rules[i - 1], &all[t]->rules[i]), 0, "%s: %s is behind %s",
			    all[t]->process, all[t]->rules[i].name, all[t]->rules[i - 1].name);
}

Test(syscalls, every_row_has_a_reason_and_known_columns)
{
	for (size_t t = 0; t < COUNT(all); t++)
		for (size_t i = 0; i < all[t]->count; i++) {
			const struct syscall_rule *r = &all[t]->rules[i];

			cr_assert(r->reason != NULL && strlen(r->reason) > 3, "%s: %s", all[t]->process, r->name);
			cr_assert_leq(r->condition, ARG_SUBSET);
			cr_assert_leq(r->argument, 5);
			cr_assert_leq(r->optional, 1);
			cr_assert_leq(r->value, UINT32_MAX, "%s: only low halves are compared", r->name);
		}
}

Test(syscalls, every_name_is_a_system_call)
{
	for (size_t t = 0; t < COUNT(all); t++)
		for (size_t i = 0; i < all[t]->count; i++) {
			const struct syscall_rule *r = &all[t]->rules[i];

			if (!r->optional)
				cr_assert_neq(seccomp_syscall_resolve_name(r->name), __NR_SCMP_ERROR, "%s", r->name);
		}
}

/* A row without a look at the arguments would make the others of its name void. */
Test(syscalls, no_name_stands_both_with_and_without_an_argument)
{
	for (size_t t = 0; t < COUNT(all); t++)
		for (size_t i = 1; i < all[t]->count; i++) {
			const struct syscall_rule *a = &all[t]->rules[i - 1], *b = &all[t]->rules[i];

			if (strcmp(a->name, b->name) == 0)
				cr_assert(a->condition == ARG_EQ && b->condition == ARG_EQ && a->refuse == b->refuse,
				    "%s", a->name);
		}
}

static const struct syscall_rule *
row_of(const struct syscall_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->rules[i].name, name) == 0)
			return &table->rules[i];
	return table->also == NULL ? NULL : row_of(table->also, name);
}

Test(syscalls, no_table_repeats_what_it_shares)
{
	for (size_t t = 0; t < COUNT(children); t++)
		for (size_t i = 0; i < children[t]->count; i++)
			cr_assert_null(row_of(&syscalls_children, children[t]->rules[i].name));
}

/* What no child has any business with, whatever else its table may grow to. */
static const char *const never_a_child[] = { "add_key", "bind", "bpf", "capset", "chdir", "chmod", "chown", "chroot",
	"clone", "clone3", "connect", "creat", "dup", "dup2", "dup3", "execve", "execveat", "fchmod", "fchown", "fcntl",
	"fork", "getdents64", "init_module", "inotify_init1", "io_uring_enter", "io_uring_register", "io_uring_setup",
	"ioctl", "kexec_load", "keyctl", "kill", "landlock_create_ruleset", "link", "linkat", "listen", "memfd_create",
	"mkdir", "mkdirat", "mknod", "mknodat", "mount", "name_to_handle_at", "open", "open_by_handle_at", "openat",
	"openat2", "perf_event_open", "pidfd_getfd", "pidfd_open", "pivot_root", "pkey_mprotect", "prctl", "prlimit64",
	"process_vm_readv", "process_vm_writev", "ptrace", "readlink", "readlinkat", "reboot", "rename", "renameat",
	"renameat2", "request_key", "seccomp", "setgid", "setgroups", "setns", "setresgid", "setresuid", "setrlimit",
	"setsockopt", "setuid", "shmat", "socket", "socketpair", "swapon", "symlink", "symlinkat", "tgkill", "tkill",
	"truncate", "umount2", "unlink", "unlinkat", "unshare", "userfaultfd", "vfork" };

static const char *const never_the_parent[] = { "acct", "add_key", "adjtimex", "bpf", "clock_settime", "delete_module",
	"fanotify_init", "finit_module", "init_module", "io_uring_enter", "io_uring_register", "io_uring_setup",
	"ioperm", "iopl", "kcmp", "kexec_file_load", "kexec_load", "keyctl", "migrate_pages", "modify_ldt",
	"move_pages", "open_by_handle_at", "perf_event_open", "pidfd_getfd", "pivot_root", "process_madvise",
	"process_vm_readv", "process_vm_writev", "ptrace", "quotactl", "reboot", "request_key", "setdomainname",
	"sethostname", "setns", "settimeofday", "swapoff", "swapon", "syslog", "userfaultfd", "vhangup" };

/* Not killed, but not there either. */
static const char *const missing_for_the_parent[] = { "clone3", "creat", "execveat", "fsopen", "inotify_init1",
	"mlockall", "mknod", "mknodat", "mount_setattr", "move_mount", "name_to_handle_at", "open_tree", "pidfd_open",
	"pkey_mprotect", "shmat", "truncate", "unshare" };

Test(syscalls, no_child_may_make_a_call_that_is_never_a_childs)
{
	for (size_t t = 0; t < COUNT(children); t++)
		for (size_t i = 0; i < COUNT(never_a_child); i++) {
			cr_assert_neq(
			    seccomp_syscall_resolve_name(never_a_child[i]), __NR_SCMP_ERROR, "%s", never_a_child[i]);
			cr_assert_null(
			    row_of(children[t], never_a_child[i]), "%s: %s", children[t]->process, never_a_child[i]);
		}
}

Test(syscalls, the_children_make_no_more_kinds_of_calls_than_these)
{
	cr_expect_leq(syscalls_children.count, 33, "a wider jail needs a thought, and this number");
	cr_expect_leq(syscalls_broker.count, 2);
	cr_expect_leq(syscalls_dhcp.count, 3, "batches in and out");
	cr_expect_leq(syscalls_tftp.count, 5);
}

Test(syscalls, whoever_is_not_listed_dies_but_under_the_parent_only_fails)
{
	for (size_t t = 0; t < COUNT(children); t++)
		cr_expect_eq(children[t]->otherwise, SCMP_ACT_KILL_PROCESS, "%s", children[t]->process);
	cr_expect_eq(syscalls_disklessd.otherwise, SCMP_ACT_ERRNO(ENOSYS));
}

Test(syscalls, what_a_child_may_do_its_parents_filter_lets_pass)
{
	for (size_t t = 0; t < COUNT(children); t++)
		for (const struct syscall_table *table = children[t]; table != NULL; table = table->also)
			for (size_t i = 0; i < table->count; i++) {
				const struct syscall_rule *r = row_of(&syscalls_disklessd, table->rules[i].name);

				cr_assert(
				    r != NULL && r->refuse == 0 && r->condition == ARG_ANY, "%s", table->rules[i].name);
			}
}

/* ---- the tables in force ---- */

struct call {
	const struct syscall_table *table;
	long number;
	unsigned long argument[6];
};

static void
lock(const struct syscall_table *table)
{
	const char *why;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 || syscalls_load(table, &why) == -1)
		abort();
}

/* Ends with the call's errno, or 0. Without a table there is no filter. */
static int
lock_and_call(const void *argument)
{
	const struct call *c = argument;
	const unsigned long *a = c->argument;

	if (c->table != NULL)
		lock(c->table);
	return syscall(c->number, a[0], a[1], a[2], a[3], a[4], a[5]) == -1 ? errno : 0;
}

/* Every argument is wrong, except the one. */
static int
outcome(const struct syscall_table *table, long number, unsigned index, unsigned long value)
{
	struct call c = { table, number, { -1UL, -1UL, -1UL, -1UL, -1UL, -1UL } };

	c.argument[index] = value;
	return in_a_process(lock_and_call, &c);
}

Test(syscalls, a_child_that_makes_a_forbidden_call_dies_of_it)
{
	for (size_t t = 0; t < COUNT(children); t++)
		for (size_t i = 0; i < COUNT(never_a_child); i++) {
			int number = seccomp_syscall_resolve_name(never_a_child[i]);

			if (number >= 0)
				cr_expect(by_policy(outcome(children[t], number, 0, -1UL)), "%s: %s",
				    children[t]->process, never_a_child[i]);
		}
}

Test(syscalls, a_call_that_is_newer_than_the_tables_kills_a_child_and_fails_for_the_parent)
{
	cr_expect(by_policy(outcome(&syscalls_tftp, 4000, 0, 0)));
	cr_expect(with(outcome(&syscalls_disklessd, 4000, 0, 0), ENOSYS));
}

#ifdef __x86_64__
Test(syscalls, the_x32_and_i386_doors_are_shut)
{
	cr_expect(by_policy(outcome(&syscalls_tftp, 0x40000000 | SYS_getpid, 0, 0)));
	cr_expect(by_policy(outcome(&syscalls_disklessd, 0x40000000 | SYS_getpid, 0, 0)));
}

static int
getpid_by_int80(const void *table)
{
	int result;

	if (table != NULL)
		lock(table);
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
	return result > 0 ? 0 : 1;
}

Test(syscalls, a_call_by_the_door_of_another_architecture_ends_the_process)
{
	if (!with(in_a_process(getpid_by_int80, NULL), 0))
		cr_skip_test("this kernel has no 32-bit calls");
	cr_expect(by_policy(in_a_process(getpid_by_int80, &syscalls_tftp)));
	cr_expect(by_policy(in_a_process(getpid_by_int80, &syscalls_disklessd)));
}
#endif

/* A stack that is not one: returning through it is no way to test that it may be tried. */
static bool
is_harmless(const char *name)
{
	return strcmp(name, "rt_sigreturn") != 0;
}

Test(syscalls, every_row_of_a_child_lets_its_call_pass)
{
	for (size_t t = 0; t < COUNT(children); t++)
		for (const struct syscall_table *table = children[t]; table != NULL; table = table->also)
			for (size_t i = 0; i < table->count; i++) {
				const struct syscall_rule *r = &table->rules[i];
				int number = seccomp_syscall_resolve_name(r->name), status;

				if (number < 0 || !is_harmless(r->name))
					continue;
				status = outcome(
				    children[t], number, r->argument, r->condition == ARG_ANY ? -1UL : r->value);
				cr_expect(WIFEXITED(status), "%s: %s", children[t]->process, r->name);
			}
}

Test(syscalls, every_argument_rule_of_a_child_has_an_outside)
{
	for (size_t t = 0; t < COUNT(children); t++)
		for (const struct syscall_table *table = children[t]; table != NULL; table = table->also)
			for (size_t i = 0; i < table->count; i++) {
				const struct syscall_rule *r = &table->rules[i];
				int number = seccomp_syscall_resolve_name(r->name);

				if (number < 0 || r->condition == ARG_ANY)
					continue;
				for (unsigned bit = 0; bit < 32; bit++) {
					unsigned long value =
					    r->condition == ARG_EQ ? r->value ^ 1UL << bit : 1UL << bit;

					if (r->condition == ARG_SUBSET && (r->value & value) != 0)
						continue;
					cr_expect(by_policy(outcome(children[t], number, r->argument, value)),
					    "%s: %s(%#lx)", children[t]->process, r->name, value);
				}
			}
}

Test(syscalls, memory_is_for_data_only)
{
	for (size_t t = 0; t < COUNT(children); t++) {
		cr_expect(WIFEXITED(outcome(children[t], SYS_mmap, 2, PROT_NONE)));
		cr_expect(WIFEXITED(outcome(children[t], SYS_mmap, 2, PROT_READ)));
		cr_expect(by_policy(outcome(children[t], SYS_mmap, 2, PROT_READ | PROT_WRITE | PROT_EXEC)));
		cr_expect(by_policy(outcome(children[t], SYS_mprotect, 2, PROT_READ | PROT_EXEC)));
	}
}

/* The kernel takes an int from the low half of a register; what the other half holds must neither help nor hurt. */
Test(syscalls, the_upper_half_of_an_argument_does_not_count)
{
	if (sizeof(long) < 8)
		cr_skip_test("registers have one half here");
	cr_expect(WIFEXITED(outcome(&syscalls_broker, SYS_getsockopt, 2, 0xffffffff00000000UL | SO_PEERCRED)));
	cr_expect(by_policy(outcome(&syscalls_broker, SYS_getsockopt, 2, 0xffffffff00000000UL | SO_ERROR)));
	cr_expect(WIFEXITED(outcome(&syscalls_tftp, SYS_mmap, 2, 0xffffffff00000000UL | PROT_READ)));
	cr_expect(by_policy(outcome(&syscalls_tftp, SYS_mmap, 2, 0xffffffff00000000UL | PROT_EXEC)));
}

/* ---- what libraries do by themselves ---- */

static int
compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
leave_the_loop(evutil_socket_t fd, short what, void *base)
{
	event_base_loopbreak(base);
}

/* As child_begin() does it: the base and the generator are there before the lock. */
static int
lock_and_use_libraries(const void *table)
{
	const struct timeval soon = { 0, 1000 };
	struct event_base *base = event_base_new();
	uint32_t *numbers = malloc(4), seed = arc4random();
	size_t count = 1 << 20; /* 4 MB: past what the generator gives from one seed */
	char text[64];
	int pair[2];

	if (base == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == -1)
		abort();
	lock(table);
	numbers = realloc(numbers, count * sizeof(*numbers));
	for (size_t i = 0; i < count; i++)
		numbers[i] = arc4random() ^ seed;
	qsort(numbers, count, sizeof(*numbers), compare);
	free(realloc(numbers, 2 * count * sizeof(*numbers)));
	snprintf(text, sizeof(text), "%s %.3f %ld", strerror(EACCES), (double)count, (long)time(NULL));
	if (event_base_once(base, pair[0], EV_READ, leave_the_loop, base, NULL) == -1 || send(pair[1], text, 1, 0) != 1)
		return 1;
	event_base_dispatch(base);
	if (event_base_once(base, -1, EV_TIMEOUT, leave_the_loop, base, &soon) == -1)
		return 1;
	return event_base_dispatch(base) == -1;
}

Test(syscalls, a_child_can_sort_allocate_draw_numbers_and_wait)
{
	for (size_t t = 0; t < COUNT(children); t++)
		cr_expect(with(in_a_process(lock_and_use_libraries, children[t]), 0), "%s", children[t]->process);
}

/* ---- the parent ---- */

Test(syscalls, what_the_parent_must_never_do_ends_it)
{
	for (size_t i = 0; i < COUNT(never_the_parent); i++) {
		const struct syscall_rule *r = row_of(&syscalls_disklessd, never_the_parent[i]);
		int number = seccomp_syscall_resolve_name(never_the_parent[i]);

		cr_assert(r != NULL && r->refuse == REFUSE_KILL, "%s", never_the_parent[i]);
		if (number >= 0)
			cr_expect(by_policy(outcome(&syscalls_disklessd, number, 0, -1UL)), "%s", r->name);
	}
}

Test(syscalls, what_the_parent_has_no_use_for_is_not_there)
{
	for (size_t i = 0; i < COUNT(missing_for_the_parent); i++) {
		int number = seccomp_syscall_resolve_name(missing_for_the_parent[i]);

		cr_assert_null(row_of(&syscalls_disklessd, missing_for_the_parent[i]), "%s", missing_for_the_parent[i]);
		if (number >= 0)
			cr_expect(
			    with(outcome(&syscalls_disklessd, number, 0, 0), ENOSYS), "%s", missing_for_the_parent[i]);
	}
}

/* These wait, or return by a stack that two processes share. */
static bool
returns_at_once(const char *name)
{
	return is_harmless(name) && strcmp(name, "vfork") != 0 && strcmp(name, "pause") != 0;
}

Test(syscalls, every_row_of_the_parent_lets_its_call_pass)
{
	for (size_t i = 0; i < syscalls_disklessd.count; i++) {
		const struct syscall_rule *r = &syscalls_disklessd.rules[i];
		struct call c = { NULL, seccomp_syscall_resolve_name(r->name), { -1UL, -1UL, -1UL, -1UL, -1UL, -1UL } };
		int without, with_filter;

		if (r->refuse != 0 || c.number < 0 || !returns_at_once(r->name))
			continue;
		if (r->condition != ARG_ANY)
			c.argument[r->argument] = r->value;
		without = in_a_process(lock_and_call, &c);
		c.table = &syscalls_disklessd;
		with_filter = in_a_process(lock_and_call, &c);
		cr_expect_eq(with_filter, without, "%s: %#x instead of %#x", r->name, with_filter, without);
	}
}

Test(syscalls, every_argument_rule_of_the_parent_has_an_outside)
{
	for (size_t i = 0; i < syscalls_disklessd.count; i++) {
		const struct syscall_rule *r = &syscalls_disklessd.rules[i];
		int number = seccomp_syscall_resolve_name(r->name);
		unsigned long outside = r->condition == ARG_SUBSET ? ~r->value : r->value | 0x40000000;

		if (r->condition != ARG_ANY && number >= 0)
			cr_expect(with(outcome(&syscalls_disklessd, number, r->argument, outside), ENOSYS), "%s(%#lx)",
			    r->name, outside);
	}
}

Test(syscalls, the_parent_has_sockets_of_five_families)
{
	static const int yes[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET };
	static const int no[] = { AF_UNSPEC, AF_BLUETOOTH, AF_ALG, AF_VSOCK, AF_XDP, AF_TIPC, AF_RDS, AF_KEY };

	for (size_t i = 0; i < COUNT(yes); i++)
		cr_expect_not(
		    with(outcome(&syscalls_disklessd, SYS_socket, 0, (unsigned long)yes[i]), ENOSYS), "%d", yes[i]);
	for (size_t i = 0; i < COUNT(no); i++)
		cr_expect(with(outcome(&syscalls_disklessd, SYS_socket, 0, (unsigned long)no[i]), ENOSYS), "%d", no[i]);
}

Test(syscalls, the_parent_asks_devices_for_little)
{
	static const unsigned long no[] = { TIOCSTI, TIOCLINUX, TIOCSETD, SIOCSIFADDR, SIOCSIFFLAGS, LOOP_CLR_FD,
		LOOP_CHANGE_FD };

	cr_expect(with(outcome(&syscalls_disklessd, SYS_ioctl, 1, TCGETS), EBADF));
	for (size_t i = 0; i < COUNT(no); i++)
		cr_expect(with(outcome(&syscalls_disklessd, SYS_ioctl, 1, no[i]), ENOSYS), "%#lx", no[i]);
}

Test(syscalls, the_parent_makes_processes_but_no_namespace_and_no_thread)
{
	static const unsigned long no[] = { CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWUTS,
		CLONE_NEWIPC, CLONE_NEWCGROUP, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, CLONE_PTRACE, CLONE_FILES,
		CLONE_FS };

	for (size_t i = 0; i < COUNT(no); i++)
		cr_expect(with(outcome(&syscalls_disklessd, SYS_clone, 0, no[i]), ENOSYS), "%#lx", no[i]);
}

static int
fork_under_the_parents_filter(const void *argument)
{
	int status;
	pid_t pid;

	lock(&syscalls_disklessd);
	pid = fork();
	if (pid == 0)
		_exit(7);
	return pid != -1 && waitpid(pid, &status, 0) == pid && with(status, 7) ? 0 : 1;
}

Test(syscalls, the_parent_can_fork)
{
	cr_expect(with(in_a_process(fork_under_the_parents_filter, NULL), 0));
}

/* A filter is inherited: the child's comes on top, and the stricter of the two decides. */
static int
lock_twice(const void *argument)
{
	lock(&syscalls_disklessd);
	return lock_and_call(argument);
}

Test(syscalls, a_childs_filter_stands_below_its_parents)
{
	struct call asked = { &syscalls_tftp, SYS_getpid, { 0 } }, forbidden = { &syscalls_tftp, SYS_openat, { 0 } };

	cr_expect(with(in_a_process(lock_twice, &asked), 0));
	cr_expect(by_policy(in_a_process(lock_twice, &forbidden)));
}

/* ---- the engine ---- */

static const char *
trouble_with(const struct syscall_rule *rule)
{
	struct syscall_table table = {
		.process = "test", .rules = rule, .count = 1, .otherwise = SCMP_ACT_KILL_PROCESS
	};
	const char *why = NULL;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), result = syscalls_export(&table, 0, null, &why);

	close(null);
	return result == -1 ? why : NULL;
}

Test(syscalls, a_name_that_no_architecture_has_is_an_error)
{
	struct syscall_rule misspelt = ALLOW("raed", "test"), newer = ALLOW_IF_KNOWN("not_yet_thought_of", "test");
	struct syscall_rule elsewhere = ALLOW("socketcall", "test");

	cr_assert_not_null(trouble_with(&misspelt));
	cr_expect_not_null(strstr(trouble_with(&misspelt), "raed"), "%s", trouble_with(&misspelt));
	cr_expect_null(trouble_with(&newer));
	cr_expect_null(trouble_with(&elsewhere), "a call of 32-bit machines");
}

Test(syscalls, a_rule_that_libseccomp_does_not_take_is_an_error)
{
	struct syscall_rule void_rule = KILL("ptrace", "what happens anyway"),
			    wrong = ALLOW_EQ("read", 6, 0, "no seventh argument");

	cr_expect_not_null(trouble_with(&void_rule));
	cr_expect_not_null(trouble_with(&wrong));
}

static int
load_where_the_kernel_says_no(const void *argument)
{
	static const struct syscall_rule rules[] = { { "seccomp", ARG_EQ, 0, 0, EPERM, 1, "SECCOMP_SET_MODE_FILTER" } };
	static const struct syscall_table no = {
		.process = "test", .rules = rules, .count = 1, .otherwise = SCMP_ACT_ALLOW
	};
	const char *why = NULL;

	lock(&no);
	return syscalls_load(&syscalls_tftp, &why) == -1 && strstr(why, "tftp") != NULL ? 0 : 1;
}

Test(syscalls, a_filter_that_does_not_load_is_an_error)
{
	cr_expect(with(in_a_process(load_where_the_kernel_says_no, NULL), 0));
}
