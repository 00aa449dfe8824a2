/* SPDX-License-Identifier: ISC */
/* Paths in a tree that its owner made as hostile as he can. Each test has a directory: `tree` is his, `secret` lies beside it. */
#include "beneath.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define SECRET "what no client may read"

static char base[] = "/tmp/test_beneath.XXXXXX";
static int outside, tree;

static void
put(int directory, const char *name, const char *text)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	cr_assert(fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/*
 * A resolver that is broken would write and remove in the root of the machine that tests it. So that it cannot, root's tests run
 * where everything is read-only but a /tmp of their own, and none runs where that does not hold.
 */
static void
shut_in(void)
{
	struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };

	if (geteuid() != 0)
		return;
	if (unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &read_only, sizeof(read_only)) == -1 ||
	    mount("none", "/tmp", "tmpfs", 0, NULL) == -1)
		cr_skip_test("no mount namespace to be safe in");
	cr_assert(mkdir("/test_beneath.guard", 0700) == -1 && errno == EROFS, "the machine's root is in reach");
}

static void
set_up(void)
{
	shut_in();
	cr_assert_not_null(mkdtemp(base));
	outside = open(base, O_PATH | O_DIRECTORY);
	put(outside, "secret", SECRET);
	cr_assert(mkdirat(outside, "tree", 0755) == 0 && mkdirat(outside, "tree/etc", 0755) == 0);
	tree = openat(outside, "tree", O_PATH | O_DIRECTORY);
	put(tree, "etc/hostname", "node1\n");
	alarm(10); /* whatever blocks is a failure */
}

static void
tear_down(void)
{
	int tmp = open("/tmp", O_PATH | O_DIRECTORY);

	cr_expect(beneath_remove_tree(tmp, strrchr(base, '/')) == 0, "%s: %s", base, strerror(errno));
	close(tmp);
}

TestSuite(beneath, .init = set_up, .fini = tear_down);

static void
plant(const char *target, int directory, const char *name)
{
	cr_assert(symlinkat(target, directory, name) == 0, "%s: %s", name, strerror(errno));
}

static void
expect_text(const char *path, const char *wanted)
{
	char *text;
	size_t length;

	cr_expect(beneath_slurp(tree, path, 4096, &text, &length) == 0, "%s: %s", path, strerror(errno));
	if (text != NULL)
		cr_expect_str_eq(text, wanted, "%s holds %s", path, text);
	free(text);
}

static void
expect_refused(const char *path, int error)
{
	int fd = beneath_read(tree, path);

	cr_expect(fd == -1, "%s was opened", path);
	cr_expect(errno == error, "%s: %s", path, strerror(errno));
}

Test(beneath, relative_and_absolute_paths_mean_the_same)
{
	expect_text("etc/hostname", "node1\n");
	expect_text("/etc/hostname", "node1\n");
	expect_text("//etc/./../etc/hostname", "node1\n");
	expect_refused("/etc/shadow", ENOENT);
	expect_refused("", ENOENT);
}

Test(beneath, dots_do_not_lead_out)
{
	expect_refused("../secret", ENOENT);
	expect_refused("etc/../../secret", ENOENT);
	expect_refused("/../../../../../../../../etc/passwd", ENOENT);
	expect_text("../../etc/hostname", "node1\n");
}

Test(beneath, a_symbolic_link_leads_to_a_place_below_root_or_nowhere)
{
	plant("/etc/hostname", tree, "absolute");
	plant("etc/hostname", tree, "relative");
	plant("../../../../../../../../../etc/hostname", tree, "climbing");
	plant("../secret", tree, "beside");
	plant("/etc/shadow", tree, "shadow");
	plant("..", tree, "up");
	plant("loop", tree, "loop");
	expect_text("absolute", "node1\n");
	expect_text("relative", "node1\n");
	expect_text("climbing", "node1\n");
	expect_refused("beside", ENOENT);
	expect_refused("shadow", ENOENT);
	expect_refused("up/secret", ENOENT);
	expect_refused("up/up/up/etc/shadow", ENOENT);
	expect_refused("loop", ELOOP);
}

Test(beneath, a_magic_link_is_never_followed)
{
	char self[PATH_MAX];
	int proc = open("/proc", O_PATH | O_DIRECTORY), fd = open(base, O_PATH | O_DIRECTORY);

	snprintf(self, sizeof(self), "self/fd/%d/secret", fd);
	cr_expect(beneath_read(proc, self) == -1);
	cr_expect(errno == ELOOP, "%s", strerror(errno));
	cr_expect(beneath_directory(proc, "self/root") == -1);
	cr_expect(errno == ELOOP, "%s", strerror(errno));
}

Test(beneath, only_regular_files_are_opened_and_nothing_blocks)
{
	cr_assert(mkfifoat(tree, "fifo", 0666) == 0);
	plant("fifo", tree, "link-to-fifo");
	expect_refused("fifo", EACCES);
	expect_refused("link-to-fifo", EACCES);
	expect_refused("etc", EACCES);
	expect_refused("/", EACCES);
	expect_refused("etc/hostname/below", ENOTDIR);
	if (geteuid() == 0) {
		cr_assert(mknodat(tree, "disk", S_IFBLK | 0666, makedev(7, 0)) == 0);
		cr_assert(mknodat(tree, "watchdog", S_IFCHR | 0666, makedev(10, 130)) == 0);
		expect_refused("disk", EACCES);
		expect_refused("watchdog", EACCES);
	}
}

Test(beneath, another_filesystem_below_root_is_not_entered)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert(mkdirat(tree, "mounted", 0755) == 0);
	pid = fork();
	if (pid == 0) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/tree/mounted", base);
		if (unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
		    mount("none", path, "tmpfs", 0, NULL) == -1)
			_exit(77);
		outside = open(base, O_PATH | O_DIRECTORY); /* as this namespace has it */
		tree = openat(outside, "tree", O_PATH | O_DIRECTORY);
		put(tree, "mounted/kept", "");
		if (beneath_directory(tree, "mounted") != -1 || errno != EXDEV ||
		    beneath_read(tree, "mounted/kept") != -1)
			_exit(1);
		if (beneath_remove_tree(outside, "tree") != -1 || errno != EXDEV)
			_exit(2);
		_exit(faccessat(tree, "mounted/kept", F_OK, 0) == 0 ? 0 : 3);
	}
	cr_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		cr_skip_test("no mount namespaces here");
	cr_expect(WEXITSTATUS(status) == 0, "step %d", WEXITSTATUS(status));
}

Test(beneath, a_file_longer_than_allowed_is_not_read)
{
	char *text;
	size_t length;

	cr_expect(beneath_slurp(tree, "etc/hostname", 5, &text, &length) == -1);
	cr_expect(errno == EFBIG && text == NULL);
	cr_expect(beneath_slurp(tree, "etc/hostname", 6, &text, &length) == 0 && length == 6 && text[6] == '\0');
	free(text);
}

Test(beneath, writing_over_a_planted_link_replaces_the_link)
{
	char target[PATH_MAX];
	struct stat st;

	snprintf(target, sizeof(target), "%s/secret", base);
	unlinkat(tree, "etc/hostname", 0);
	cr_assert(symlinkat(target, tree, "etc/hostname") == 0);
	cr_expect(beneath_write(tree, "/etc/hostname", "node2\n", 6, 0644) == 0, "%s", strerror(errno));
	cr_expect(fstatat(tree, "etc/hostname", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode));
	cr_expect((st.st_mode & 07777) == 0644);
	expect_text("etc/hostname", "node2\n");
	cr_expect(
	    fstatat(outside, "secret", &st, 0) == 0 && st.st_size == (off_t)strlen(SECRET), "the link was followed");
}

Test(beneath, writing_replaces_fifos_and_devices_too_but_no_directory)
{
	cr_assert(mkfifoat(tree, "fifo", 0666) == 0);
	cr_expect(beneath_write(tree, "fifo", "x", 1, 0600) == 0);
	expect_text("fifo", "x");
	cr_expect(beneath_write(tree, "etc", "x", 1, 0600) == -1 && errno == EISDIR);
	cr_expect(beneath_write(tree, "none/there", "x", 1, 0600) == -1 && errno == ENOENT);
	cr_expect(beneath_write(tree, "etc/..", "x", 1, 0600) == -1 && errno == EINVAL);
	cr_expect(beneath_write(tree, "/", "x", 1, 0600) == -1 && errno == EINVAL);
}

Test(beneath, a_directory_that_is_a_link_out_of_the_tree_is_written_below_it)
{
	char target[PATH_MAX];

	snprintf(target, sizeof(target), "%s", base);
	cr_assert(symlinkat(target, tree, "escape") == 0);
	cr_expect(beneath_write(tree, "escape/secret", "x", 1, 0600) == -1 && errno == ENOENT);
	cr_assert(symlinkat("../../etc", tree, "there") == 0);
	cr_expect(beneath_write(tree, "there/new", "x", 1, 0600) == 0);
	expect_text("etc/new", "x");
}

Test(beneath, no_draft_is_left_behind)
{
	int fd = beneath_directory(tree, "etc");

	cr_expect(beneath_write(tree, "etc/hostname", "a", 1, 0600) == 0);
	mkdirat(tree, "etc/full", 0755);
	put(tree, "etc/full/x", "");
	cr_expect(beneath_write(tree, "etc/full", "a", 1, 0600) == -1);
	cr_expect(beneath_symlink(tree, "x", "etc/full") == -1);
	cr_expect(beneath_symlink(tree, "x", "etc/hostname") == 0);
	cr_expect(unlinkat(fd, "hostname", 0) == 0 && beneath_remove_tree(tree, "etc/full") == 0);
	cr_expect(unlinkat(tree, "etc", AT_REMOVEDIR) == 0, "etc is not empty");
}

Test(beneath, directories_are_made_below_root_whatever_links_say)
{
	cr_expect(beneath_mkdirs(tree, "/boot/firmware/overlays", 0755) == 0, "%s", strerror(errno));
	cr_expect(beneath_directory(tree, "boot/firmware/overlays/") != -1);
	cr_expect(beneath_mkdirs(tree, "boot/firmware", 0755) == 0);
	cr_expect(beneath_mkdirs(tree, "/", 0755) == 0);
	cr_expect(beneath_mkdirs(tree, "etc/hostname/x", 0755) == -1 && errno == ENOTDIR);
	plant("/nowhere", tree, "dangling");
	cr_expect(beneath_mkdirs(tree, "dangling/x", 0755) == -1);
	plant(base, tree, "escape");
	cr_expect(beneath_mkdirs(tree, "escape/x", 0755) == -1);
	cr_expect(faccessat(outside, "x", F_OK, 0) == -1);
}

Test(beneath, removing_takes_the_link_and_not_what_it_names)
{
	plant("etc", tree, "link");
	plant("../..", tree, "etc/out");
	cr_expect(beneath_unlink(tree, "link") == 0);
	expect_text("etc/hostname", "node1\n");
	cr_expect(beneath_unlink(tree, "etc") == -1 && errno == EISDIR);
	cr_expect(beneath_remove_tree(tree, "etc") == 0, "%s", strerror(errno));
	cr_expect(faccessat(tree, "etc", F_OK, 0) == -1);
	cr_expect(faccessat(outside, "secret", F_OK, 0) == 0);
	cr_expect(beneath_unlink(tree, "etc/hostname") == 0 && beneath_remove_tree(tree, "gone/too") == 0);
	cr_expect(beneath_remove_tree(tree, "/") == -1 && errno == EINVAL);
}

Test(beneath, a_tree_deeper_than_paths_and_descriptors_is_removed)
{
	int at = openat(tree, "etc", O_PATH | O_DIRECTORY), next = -1, depth;

	for (depth = 0; depth < 3000; depth++) {
		cr_assert(mkdirat(at, "directory", 0755) == 0 &&
			  (next = openat(at, "directory", O_PATH | O_DIRECTORY)) != -1);
		put(next, "file", "");
		close(at);
		at = next;
	}
	close(at);
	cr_expect(beneath_remove_tree(tree, "etc") == 0, "%s", strerror(errno));
	cr_expect(faccessat(tree, "etc", F_OK, 0) == -1);
}

Test(beneath, a_tree_is_copied_below_root)
{
	int from;

	cr_assert(mkdirat(outside, "fat", 0755) == 0 && mkdirat(outside, "fat/overlays", 0755) == 0);
	put(outside, "fat/config.txt", "arm_64bit=1\n");
	put(outside, "fat/overlays/README", "read me");
	from = openat(outside, "fat", O_PATH | O_DIRECTORY);
	cr_assert(mkdirat(tree, "boot", 0755) == 0);
	plant("../secret", tree, "boot/config.txt");
	cr_expect(beneath_copy_tree(tree, "/boot", from) == 0, "%s", strerror(errno));
	expect_text("boot/config.txt", "arm_64bit=1\n");
	expect_text("boot/overlays/README", "read me");
	expect_refused("../secret", ENOENT);
	plant("/etc/shadow", from, "link");
	cr_expect(beneath_copy_tree(tree, "/boot", from) == -1 && errno == ELOOP);
	unlinkat(from, "link", 0);
	cr_assert(mkfifoat(from, "fifo", 0600) == 0);
	cr_expect(beneath_copy_tree(tree, "/boot", from) == -1 && errno == EACCES);
}
