/* SPDX-License-Identifier: ISC */
/*
 * The programs that the parent runs, real ones, under its capabilities and its filter: they must do and say what they do
 * without. In namespaces of mounts and network of their own; needs root.
 */
#include "jail.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "confine.h"

#define EXPORTFS "/usr/sbin/exportfs"
#define NFT      "/usr/sbin/nft"
#define MARK     "--\n" /* between the output of two commands */

struct commands {
	const char *program;
	const char *argument[6][8];
};

static const struct commands exportfs = { EXPORTFS,
	{ { "exportfs", "-r" }, { "exportfs", "-v" }, { "exportfs", "-s" } } };
static const struct commands nft = { NFT,
	{ { "nft", "list", "ruleset" }, { "nft", "add", "table", "inet", "diskless" }, { "nft", "list", "ruleset" },
	    { "nft", "delete", "table", "inet", "diskless" } } };
static const struct commands wrong_nft = { NFT, { { "nft", "add", "nonsense" } } };

static void
only_root_with(const char *program)
{
	if (geteuid() != 0)
		cr_skip_test("only root can confine the parent");
	if (access(program, X_OK) == -1)
		cr_skip_test("%s is not installed", program);
#ifdef DISKLESS_NO_CONFINEMENT
	cr_skip_test("built without confinement");
#endif
}

static int
write_exports(void)
{
	/* One of ours, and one of somebody else's with a name to resolve. */
	static const char lines[] =
	    "/var/lib/nfs/root 192.168.10.12(rw,sync,no_subtree_check,no_root_squash,secure,sec=sys,mp,fsid=7)\n"
	    "/var/lib/nfs/root localhost(ro,sync,no_subtree_check)\n";
	int fd = open("/etc/exports.d/diskless.exports", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd != -1 && write(fd, lines, sizeof(lines) - 1) == sizeof(lines) - 1 ? close(fd) : -1;
}

static int
touch(const char *path)
{
	return close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

/* An /etc as it is, but for what is written there: neither exports nor exports.d need exist on this machine. */
static int
cover_etc(void)
{
	if (mount("test", "/tmp", "tmpfs", 0, NULL) == -1 || mkdir("/tmp/upper", 0755) == -1 ||
	    mkdir("/tmp/work", 0755) == -1)
		return -1;
	if (mount("test", "/etc", "overlay", 0, "lowerdir=/etc,upperdir=/tmp/upper,workdir=/tmp/work") == -1)
		return -1;
	if (mkdir("/etc/exports.d", 0755) == -1 && errno != EEXIST)
		return -1;
	return touch("/etc/exports");
}

/* Nothing of what these programs write reaches the machine that the test runs on. */
static int
go_aside(void)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		return -1;
	if (mount("test", "/var/lib/nfs", "tmpfs", 0, NULL) == -1 || cover_etc() == -1)
		return -1;
	if (mkdir("/var/lib/nfs/root", 0755) == -1 || mount("test", "/var/lib/nfs/root", "tmpfs", 0, NULL) == -1)
		return -1;
	return touch("/var/lib/nfs/etab") == -1 || touch("/var/lib/nfs/rmtab") == -1 ? -1 : write_exports();
}

static int
run(const char *program, const char *const argument[8])
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execv(program, (char *const *)(uintptr_t)argument);
		_exit(127);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

struct job {
	const struct commands *commands;
	bool confined;
	int output;
};

/* Each command's output and the status that it ended with. */
static int
run_all(const void *argument)
{
	const struct job *job = argument;
	const struct commands *c = job->commands;

	if (go_aside() == -1 || dup2(job->output, STDOUT_FILENO) == -1 || dup2(job->output, STDERR_FILENO) == -1)
		return 9;
	if (job->confined)
		confine_parent();
	for (size_t i = 0; i < 6 && c->argument[i][0] != NULL; i++)
		dprintf(STDOUT_FILENO, MARK "%s: %d\n", c->argument[i][1], run(c->program, c->argument[i]));
	return 0;
}

static void
collect(const struct commands *commands, bool confined, char *text, size_t size)
{
	struct job job = { commands, confined, -1 };
	FILE *file = tmpfile();
	size_t length;

	cr_assert_not_null(file);
	job.output = fileno(file);
	cr_assert(with(in_a_process(run_all, &job), 0));
	rewind(file);
	length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	fclose(file);
}

static char without[16384], confined[16384];

static void
expect_same(const struct commands *commands)
{
	collect(commands, false, without, sizeof(without));
	collect(commands, true, confined, sizeof(confined));
	cr_expect_str_eq(confined, without, "confined:\n%swithout:\n%s", confined, without);
}

TestSuite(programs, .timeout = 60);

Test(programs, exportfs_does_under_the_filter_what_it_does_without)
{
	only_root_with(EXPORTFS);
	expect_same(&exportfs);
	cr_expect_not_null(strstr(confined, MARK "-r: 0\n"), "%s", confined);
	cr_expect_not_null(strstr(confined, "/var/lib/nfs/root"), "%s", confined);
	cr_expect_not_null(strstr(confined, "192.168.10.12("), "%s", confined);
	cr_expect_not_null(strstr(confined, "localhost("), "%s", confined);
}

Test(programs, nft_does_under_the_filter_what_it_does_without)
{
	only_root_with(NFT);
	collect(&nft, false, without, sizeof(without));
	if (strstr(without, MARK "list: 0\n") == NULL)
		cr_skip_test("this kernel has no nf_tables");
	expect_same(&nft);
	cr_expect_not_null(strstr(confined, "table inet diskless"), "%s", confined);
}

Test(programs, nft_fails_under_the_filter_as_it_fails_without)
{
	only_root_with(NFT);
	expect_same(&wrong_nft);
	cr_expect_null(strstr(confined, ": 0\n"), "%s", confined);
}
