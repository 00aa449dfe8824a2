/* SPDX-License-Identifier: ISC */
/*
 * The making of an image version as a list of steps (image_make.h). Runs as root; its tree is touched only while it is mounted in
 * a namespace that nobody else is in, and by us only through beneath.h.
 */
#include "image_make.h"

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapt.h"
#include "beneath.h"
#include "image_ext4.h"
#include "image_verify.h"
#include "log.h"
#include "loop.h"
#include "paths.h"
#include "program.h"
#include "progress.h"

int
image_failed(struct image_make *m, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(m->why, sizeof(m->why), format, ap);
	va_end(ap);
	return -1;
}

void
image_say(const struct image_make *m, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_info("image %s: %s", m->manifest.name, text);
}

int
image_run(struct image_make *m, const char *const argv[], unsigned accept)
{
	struct program program = { .argv = argv, .accept = accept };
	char output[PROGRAM_OUTPUT];

	return program_run(&program, output, m->why, sizeof(m->why));
}

/* ---- the directory it is made in ---- */

static int
remove_if_dead(struct image_make *m, const char *name)
{
	int work = openat(m->images, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), result = 0;

	if (work == -1)
		return 0;
	if (flock(work, LOCK_EX | LOCK_NB) == 0) { /* else its maker still runs */
		image_say(m, "removing %s, left by one that was ended", name);
		result = beneath_remove_tree(m->images, name);
		if (result == -1)
			image_failed(m, "%s/%s: %s", PATH_IMAGES, name, strerror(errno));
	}
	close(work);
	return result;
}

static int
remove_left_overs(struct image_make *m)
{
	DIR *entries = opendir(PATH_IMAGES);
	struct dirent *entry;
	int result = 0;

	if (entries == NULL)
		return image_failed(m, "%s: %s", PATH_IMAGES, strerror(errno));
	while (result == 0 && (entry = readdir(entries)) != NULL)
		if (entry->d_name[0] == '.' && strstr(entry->d_name, ".tmp.") != NULL)
			result = remove_if_dead(m, entry->d_name);
	closedir(entries);
	return result;
}

static int
make_work(struct image_make *m)
{
	if ((mkdir(PATH_STATE, 0755) == -1 && errno != EEXIST) || (mkdir(PATH_IMAGES, 0755) == -1 && errno != EEXIST))
		return image_failed(m, "%s: %s", PATH_IMAGES, strerror(errno));
	m->images = open(PATH_IMAGES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->images == -1)
		return image_failed(m, "%s: %s", PATH_IMAGES, strerror(errno));
	if (remove_left_overs(m) == -1)
		return -1;
	snprintf(m->work_path, sizeof(m->work_path), "%s/.%s.tmp.XXXXXX", PATH_IMAGES, m->manifest.name);
	if (mkdtemp(m->work_path) == NULL) {
		m->work_path[0] = '\0';
		return image_failed(m, "%s: a directory in it: %s", PATH_IMAGES, strerror(errno));
	}
	snprintf(m->image, sizeof(m->image), "%s/new/image.ext4", m->work_path);
	snprintf(m->boot_files, sizeof(m->boot_files), "%s/boot", m->work_path);
	snprintf(m->root, sizeof(m->root), "%s/root", m->work_path);
	m->work = open(m->work_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->work == -1 || flock(m->work, LOCK_EX | LOCK_NB) == -1 || mkdirat(m->work, "new", 0755) == -1 ||
	    mkdirat(m->work, "boot", 0755) == -1 || mkdirat(m->work, "root", 0700) == -1)
		return image_failed(m, "%s: %s", m->work_path, strerror(errno));
	return 0;
}

static void
remove_work(struct image_make *m)
{
	if (m->work_path[0] != '\0' && beneath_remove_tree(m->images, strrchr(m->work_path, '/') + 1) == -1)
		log_warn("%s", m->work_path);
	if (m->work != -1)
		close(m->work);
	if (m->images != -1)
		close(m->images);
}

/* ---- the tree ---- */

struct tree_job {
	struct image_make *make;
	const struct image_source *source;
	const struct image_step *step;
	int (*run)(const struct tree_job *, int root);
};

static int
adapt(struct image_make *m, int root)
{
	int boot_files = open(m->boot_files, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;

	if (boot_files == -1)
		return image_failed(m, "%s: %s", m->boot_files, strerror(errno));
	image_say(m, "making its tree ready for the network");
	result = adapt_image(root, boot_files, m->why, sizeof(m->why));
	close(boot_files);
	return result;
}

/* What the tree is, whoever worked on it. */
static int
look_at(struct image_make *m, int root)
{
	if (adapt_look(root, m->manifest.boot, m->manifest.kernel, m->why, sizeof(m->why)) == -1)
		return -1;
	image_say(m, "boot files in %s; kernels: %s", m->manifest.boot,
	    m->manifest.kernel[0] == '\0' ? "none" : m->manifest.kernel);
	return 0;
}

static int
work_on(const struct tree_job *job, int root)
{
	const struct image_source *source = job->source;
	struct image_make *m = job->make;

	if (source->fill != NULL && source->fill(m, root, source->argument) == -1)
		return -1;
	if (!source->adapted && adapt(m, root) == -1)
		return -1;
	if (job->step != NULL && job->step->run(m, root, job->step->argument) == -1)
		return -1;
	return look_at(m, root);
}

static int
settle(const struct tree_job *job, int root)
{
	return job->step->settle(job->make, root, job->step->argument);
}

/*
 * The file is of holes: a full disk shows when what was written goes to it, behind the back of who wrote it. all is open since
 * before that, so no error is missed (syncfs(2)).
 */
static int
unmount(struct image_make *m, int all)
{
	int result = 0;

	if (syncfs(all) == -1)
		result = image_failed(
		    m, "%s: what is written does not reach the disk; is it full? %s", PATH_IMAGES, strerror(errno));
	close(all);
	if (umount2(m->root, UMOUNT_NOFOLLOW) == -1 && result == 0)
		result = image_failed(m, "%s: unmounting it: %s", m->root, strerror(errno));
	return result;
}

static int
tree_job(void *argument)
{
	const struct tree_job *job = argument;
	struct image_make *m = job->make;
	char device[LOOP_PATH];
	int loop = loop_attach(m->image, false, device), root, all, result;

	if (loop == -1 || mount(device, m->root, "ext4", MS_NOSUID | MS_NODEV | MS_NOEXEC, "errors=remount-ro") == -1)
		return image_failed(m, "%s: mounting it: %s", m->image, strerror(errno));
	close(loop);
	root = open(m->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	all = open(m->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root == -1 || all == -1)
		return image_failed(m, "%s: %s", m->root, strerror(errno));
	result = job->run(job, root);
	close(root);
	return result == 0 ? unmount(m, all) : -1;
}

static int
make_tree(struct image_make *m, const struct image_source *source, const struct image_step *step)
{
	struct tree_job job = { m, source, step, work_on };

	if (in_mount_namespace(tree_job, &job, m->why, sizeof(m->why)) == -1 || image_shrink(m) == -1)
		return -1;
	job.run = settle;
	if (step == NULL || step->settle == NULL)
		return 0;
	return in_mount_namespace(tree_job, &job, m->why, sizeof(m->why));
}

/* ---- the end ---- */

struct digesting {
	int fd;
	struct progress progress;
};

/* It reads by our descriptor, so its place in the file is ours to see. */
static bool
show_digesting(void *argument)
{
	struct digesting *d = argument;
	off_t at = lseek(d->fd, 0, SEEK_CUR);

	if (at > 0)
		progress_at(&d->progress, (uint64_t)at);
	return false;
}

int
image_digest_of(struct image_make *m, const char *file, char digest[65])
{
	static const char *const argv[] = { "/usr/bin/sha256sum", "-b", NULL };
	struct digesting d = { .fd = open(file, O_RDONLY | O_CLOEXEC) };
	struct program program = { .argv = argv, .enough = show_digesting, .argument = &d, .input = d.fd };
	char output[PROGRAM_OUTPUT];
	struct stat st;
	int result;

	if (d.fd == -1 || fstat(d.fd, &st) == -1)
		return image_failed(m, "%s: %s", file, strerror(errno));
	progress_begin(&d.progress, "digesting", (uint64_t)st.st_size);
	result = program_run(&program, output, m->why, sizeof(m->why));
	progress_end(&d.progress);
	close(d.fd);
	if (result == 0 && strspn(output, "0123456789abcdef") != 64)
		result = image_failed(m, "%s: %s said no digest", file, argv[0]);
	snprintf(digest, 65, "%.64s", result == 0 ? output : "");
	return result;
}

/* Of all directories there, also of versions that are not whole: a number is never used twice. */
static uint32_t
next_version(int versions)
{
	int copy = openat(versions, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = copy == -1 ? NULL : fdopendir(copy);
	struct dirent *entry;
	unsigned long long newest = 0;

	if (entries == NULL)
		return 0;
	while ((entry = readdir(entries)) != NULL)
		if (strspn(entry->d_name, "0123456789") == strlen(entry->d_name)) {
			unsigned long long version = strtoull(entry->d_name, NULL, 10);

			newest = version > newest ? version : newest;
		}
	closedir(entries);
	return newest < UINT32_MAX ? (uint32_t)newest + 1 : 0;
}

static int
sync_path(int directory, const char *path, int flags)
{
	int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | flags), result;

	if (fd == -1)
		return -1;
	result = fsync(fd);
	close(fd);
	return result;
}

/* versions is locked: two imports of one name get two numbers. */
static int
publish_as_next(struct image_make *m, int versions)
{
	int new = openat(m->work, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;
	char number[16];

	m->manifest.version = next_version(versions);
	if (new == -1 || m->manifest.version == 0)
		return image_failed(m, "%s/%s: no number for a version", PATH_IMAGES, m->manifest.name);
	result = image_manifest_write(new, &m->manifest, m->why, sizeof(m->why));
	if (result == 0 && (sync_path(new, "image.ext4", 0) == -1 || fsync(new) == -1))
		result = image_failed(m, "%s: %s", m->image, strerror(errno));
	close(new);
	snprintf(number, sizeof(number), "%" PRIu32, m->manifest.version);
	if (result == 0 &&
	    (renameat2(m->work, "new", versions, number, RENAME_NOREPLACE) == -1 || fsync(versions) == -1))
		result = image_failed(m, "%s/%s/%s: %s", PATH_IMAGES, m->manifest.name, number, strerror(errno));
	return result;
}

static int
publish(struct image_make *m)
{
	time_t now = time(NULL);
	struct tm tm;
	struct stat st;
	int versions, result;

	strftime(m->manifest.made, sizeof(m->manifest.made), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	if (stat(m->image, &st) == -1 || (mkdirat(m->images, m->manifest.name, 0755) == -1 && errno != EEXIST))
		return image_failed(m, "%s/%s: %s", PATH_IMAGES, m->manifest.name, strerror(errno));
	m->manifest.size = (uint64_t)st.st_size;
	versions = openat(m->images, m->manifest.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (versions == -1 || flock(versions, LOCK_EX) == -1)
		return image_failed(m, "%s/%s: %s", PATH_IMAGES, m->manifest.name, strerror(errno));
	result = publish_as_next(m, versions);
	close(versions);
	fsync(m->images);
	return result;
}

static int
digest(struct image_make *m)
{
	image_say(m, "computing its digest");
	return image_digest_of(m, m->image, m->manifest.digest);
}

int
image_make(struct image_make *m, const struct image_source *source, const struct image_step *step)
{
	int result;

	umask(022);
	result = make_work(m);
	if (result == 0)
		result = source->make(m, source->argument);
	if (result == 0 && (image_make_room(m) == -1 || image_take_over(m) == -1 || make_tree(m, source, step) == -1 ||
			       image_freeze(m) == -1 || digest(m) == -1 || publish(m) == -1))
		result = -1;
	if (result == 0)
		image_verified(&m->manifest);
	remove_work(m);
	return result;
}

struct image_make *
image_make_new(const char *name)
{
	struct image_make *m = shared_memory(sizeof(*m));

	if (m == NULL)
		fatalx("no memory");
	snprintf(m->manifest.name, sizeof(m->manifest.name), "%s", name);
	m->images = m->work = -1;
	return m;
}

void
image_make_free(struct image_make *m)
{
	munmap(m, sizeof(*m));
}

/* ---- a version as the source of the next ---- */

static int
make_base(struct image_make *m, void *argument)
{
	const struct image_manifest *base = argument;
	struct image_manifest *ours = &m->manifest;
	char file[PATH_SIZE + NAME_SIZE];
	const char *const copy[] = { "/bin/cp", "--reflink=auto", "--sparse=always", "--", file, m->image, NULL };
	const char *const writable[] = { "/sbin/tune2fs", "-O", "^read-only", m->image, NULL };

	snprintf(file, sizeof(file), "%s/%s/%" PRIu32 "/image.ext4", PATH_IMAGES, base->name, base->version);
	snprintf(ours->origin, sizeof(ours->origin), "image %s version %" PRIu32, base->name, base->version);
	snprintf(ours->origin_digest, sizeof(ours->origin_digest), "%s", base->digest);
	image_say(m, "copying version %" PRIu32 " of %s", base->version, base->name);
	if (image_run(m, copy, 0) == -1)
		return -1;
	if (chmod(m->image, 0600) == -1)
		return image_failed(m, "%s: %s", m->image, strerror(errno));
	return image_run(m, writable, 0);
}

struct image_source
image_source_base(struct image_manifest *base)
{
	return (struct image_source){ .make = make_base, .argument = base, .adapted = true };
}
