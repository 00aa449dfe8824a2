/* SPDX-License-Identifier: ISC */
/*
 * Mounts a client's root and believes only what the kernel says afterwards (attach.h). Holds CAP_SYS_ADMIN where it runs; every
 * step is a plain system call, because disklessd's jail runs no mount(8).
 */
#include "attach.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop.h"
#include "mountinfo.h"
#include "paths.h"

#define OVERLAY_OPTIONS "index=on,nfs_export=on,xino=on,redirect_dir=on,metacopy=off"

/* What mount(2) gets for one of the two files, and what mountinfo must show. */
struct file_mount {
	const char *what;
	const char *file, *point;
	unsigned long flags;
	const char *mode;       /* of the filesystem itself: ro or rw */
	const char *options[5]; /* of the mount */
};

static int fail(char *, size_t, const char *, ...) __attribute__((format(printf, 3, 4)));

static int
fail(char *why, size_t size, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, size, format, ap);
	va_end(ap);
	return -1;
}

static struct file_mount
image_mount(const struct attach_paths *p)
{
	return (struct file_mount){ "image", p->image_file, p->image, MS_RDONLY | MS_NOSUID | MS_NODEV, "ro",
		{ "ro", "nosuid", "nodev" } };
}

static struct file_mount
upper_mount(const struct attach_paths *p)
{
	return (struct file_mount){ "upper", p->upper_file, p->upper, MS_NOSUID | MS_NODEV | MS_NOEXEC, "rw",
		{ "rw", "nosuid", "nodev", "noexec" } };
}

void
attach_paths(const struct client_manifest *m, struct attach_paths *p)
{
	memset(p, 0, sizeof(*p));
	snprintf(
	    p->image_file, sizeof(p->image_file), "%s/%s/%" PRIu32 "/image.ext4", PATH_IMAGES, m->image, m->version);
	snprintf(
	    p->upper_file, sizeof(p->upper_file), "%s/%s/%" PRIu32 "/upper.ext4", PATH_CLIENTS, m->name, m->generation);
	snprintf(p->image, sizeof(p->image), "%s/images/%s-%" PRIu32, PATH_MOUNTS, m->image, m->version);
	snprintf(p->upper, sizeof(p->upper), "%s/uppers/%s", PATH_MOUNTS, m->name);
	snprintf(p->root, sizeof(p->root), "%s/%s", PATH_ROOTS, m->name);
}

/* ---- what the kernel shows ---- */

/* The one mount at point: -1 none, with why; a second one over it would be what a client sees. */
static int
find_one(const char *mountinfo, const char *what, const char *point, struct mount_entry *entry, char *why, size_t size)
{
	unsigned count = mountinfo_find(mountinfo, point, entry);

	if (count == 1)
		return slice_is(entry->root, "/")
			   ? 0
			   : fail(why, size, "%s: not the root of a filesystem is mounted here", point);
	return fail(
	    why, size, count == 0 ? "%s: no %s is mounted here" : "%s: something is mounted over the %s", point, what);
}

/* *entry is set for who looks further. */
static int
verify_file(const char *mountinfo, const struct file_mount *m, struct mount_entry *entry, char *why, size_t size)
{
	if (find_one(mountinfo, m->what, m->point, entry, why, size) == -1)
		return -1;
	if (!slice_is(entry->type, "ext4") || !slice_starts(entry->source, "/dev/loop"))
		return fail(why, size, "%s: the %s is not ext4 on a loop device", m->point, m->what);
	if (!options_have(entry->super, m->mode, NULL))
		return fail(why, size, "%s: the filesystem of the %s is not %s", m->point, m->what, m->mode);
	for (const char *const *option = m->options; *option != NULL; option++)
		if (!options_have(entry->options, *option, NULL))
			return fail(why, size, "%s: the %s is mounted without %s", m->point, m->what, *option);
	return 0;
}

struct overlay_option {
	const char *key;
	const char *parameter; /* of the module; an option at its default is not shown */
	bool needed;           /* on, or else off */
	bool fixed;            /* its default is no on or off: only what is shown counts */
};

static const struct overlay_option overlay_options[] = {
	{ "index", "index", true, false },
	{ "nfs_export", "nfs_export", true, false },
	{ "redirect_dir", "redirect_dir", true, false },
	{ "metacopy", "metacopy", false, false },
	{ "xino", NULL, true, true },
};
#define OVERLAY_OPTION_COUNT (sizeof(overlay_options) / sizeof(overlay_options[0]))

static bool
option_in_force(struct slice super, const struct overlay_option *option, bool on_by_default)
{
	if (options_name(super, option->key))
		return options_have(super, option->key, option->needed ? "on" : "off");
	return !option->fixed && on_by_default == option->needed;
}

static int
verify_overlay(const char *mountinfo, const struct attach_paths *p, const bool *defaults, char *why, size_t size)
{
	char upper[PATH_SIZE + 8], work[PATH_SIZE + 8];
	struct mount_entry entry;

	if (find_one(mountinfo, "root", p->root, &entry, why, size) == -1)
		return -1;
	if (!slice_is(entry.type, "overlay"))
		return fail(why, size, "%s: the root is no overlay", p->root);
	snprintf(upper, sizeof(upper), "%s/files", p->upper);
	snprintf(work, sizeof(work), "%s/work", p->upper);
	if (!options_have(entry.super, "lowerdir", p->image) || !options_have(entry.super, "upperdir", upper) ||
	    !options_have(entry.super, "workdir", work))
		return fail(why, size, "%s: the root is of another image or upper", p->root);
	if (!options_have(entry.options, "nosuid", NULL) || !options_have(entry.options, "nodev", NULL))
		return fail(why, size, "%s: the root is mounted without nosuid or nodev", p->root);
	if (!options_have(entry.options, "rw", NULL) || !options_have(entry.super, "rw", NULL))
		return fail(why, size, "%s: the root is read-only", p->root);
	for (size_t i = 0; i < OVERLAY_OPTION_COUNT; i++)
		if (!option_in_force(entry.super, &overlay_options[i], defaults[i]))
			return fail(why, size, "%s: the kernel did not take %s=%s", p->root, overlay_options[i].key,
			    overlay_options[i].needed ? "on" : "off");
	return 0;
}

bool
attach_verify(const char *mountinfo, const struct attach_paths *p, char *why, size_t size)
{
	static const bool none[OVERLAY_OPTION_COUNT];
	struct file_mount image = image_mount(p), upper = upper_mount(p);
	struct mount_entry entry;

	return verify_file(mountinfo, &image, &entry, why, size) == 0 &&
	       verify_file(mountinfo, &upper, &entry, why, size) == 0 &&
	       verify_overlay(mountinfo, p, none, why, size) == 0;
}

/* Some distributions build overlayfs with options on by default. */
static void
overlay_defaults(bool *defaults)
{
	for (size_t i = 0; i < OVERLAY_OPTION_COUNT; i++) {
		char path[64], value = 'N';
		int fd;

		defaults[i] = false;
		if (overlay_options[i].parameter == NULL)
			continue;
		snprintf(path, sizeof(path), "/sys/module/overlay/parameters/%s", overlay_options[i].parameter);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd == -1)
			continue;
		defaults[i] = read(fd, &value, 1) == 1 && value == 'Y';
		close(fd);
	}
}

/* The device that is mounted must be one of our file, which no text shows. */
static int
verify_device(const char *mountinfo, const struct file_mount *m, char *why, size_t size)
{
	char device[LOOP_PATH];
	struct mount_entry entry;

	if (verify_file(mountinfo, m, &entry, why, size) == -1)
		return -1;
	snprintf(device, sizeof(device), "%.*s", (int)entry.source.length, entry.source.at);
	if (loop_is_of(device, m->file))
		return 0;
	return fail(why, size, "%s: the %s is not %s", m->point, m->what, m->file);
}

int
attach_check(const char *mountinfo, const struct attach_paths *p, char *why, size_t size)
{
	struct file_mount image = image_mount(p), upper = upper_mount(p);
	bool defaults[OVERLAY_OPTION_COUNT];

	if (mountinfo == NULL)
		return fail(why, size, "/proc/self/mountinfo cannot be read");
	overlay_defaults(defaults);
	if (verify_device(mountinfo, &image, why, size) == -1 || verify_device(mountinfo, &upper, why, size) == -1)
		return -1;
	return verify_overlay(mountinfo, p, defaults, why, size);
}

static int
verify_all(const struct attach_paths *p, char *why, size_t size)
{
	char *mountinfo = mountinfo_read();
	int result = attach_check(mountinfo, p, why, size);

	free(mountinfo);
	return result;
}

/* ---- mounting ---- */

/* As mkdir -p; only the last one gets mode. */
static int
make_directories(const char *path, mode_t parents, mode_t mode)
{
	char prefix[PATH_SIZE];
	size_t end = 0, length = strlen(path);

	if (length >= sizeof(prefix)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	while (end < length) {
		end += 1 + strcspn(path + end + 1, "/");
		memcpy(prefix, path, end);
		prefix[end] = '\0';
		if (mkdir(prefix, end < length ? parents : mode) == -1 && errno != EEXIST)
			return -1;
	}
	return 0;
}

static int
mount_file(const struct file_mount *m, char *why, size_t size)
{
	char device[LOOP_PATH];
	int loop, result;

	if (make_directories(m->point, 0700, 0700) == -1)
		return fail(why, size, "%s: %s", m->point, strerror(errno));
	loop = loop_attach(m->file, (m->flags & MS_RDONLY) != 0, device);
	if (loop == -1)
		return fail(why, size, "%s: no loop device for it: %s", m->file, strerror(errno));
	result = mount(device, m->point, "ext4", m->flags, NULL);
	if (result == -1)
		fail(why, size, "%s: mounting it as ext4 at %s: %s", m->file, m->point, strerror(errno));
	close(loop);
	return result;
}

/* In the upper, out of the client's reach: what it wrote, looking like the image's own root, and overlayfs's room to work. */
static int
prepare_upper(const struct attach_paths *p, char *why, size_t size)
{
	int upper = open(p->upper, O_PATH | O_DIRECTORY | O_CLOEXEC), result = -1;
	struct stat st;

	if (upper == -1)
		return fail(why, size, "%s: %s", p->upper, strerror(errno));
	if (stat(p->image, &st) == 0 && (mkdirat(upper, "work", 0700) == 0 || errno == EEXIST)) {
		if (mkdirat(upper, "files", 0700) == 0)
			result = fchownat(upper, "files", st.st_uid, st.st_gid, 0) == 0
				     ? fchmodat(upper, "files", st.st_mode & 07777, 0)
				     : -1;
		else
			result = errno == EEXIST ? 0 : -1;
	}
	if (result == -1)
		fail(why, size, "%s: %s", p->upper, strerror(errno));
	close(upper);
	return result;
}

static int
mount_overlay(const struct attach_paths *p, char *why, size_t size)
{
	char options[4 * PATH_SIZE];
	int length;

	if (strpbrk(p->image, ",:\\") != NULL || strpbrk(p->upper, ",:\\") != NULL)
		return fail(why, size, "%s, %s: no overlay can be made of such names", p->image, p->upper);
	if (make_directories(p->root, 0755, 0755) == -1)
		return fail(why, size, "%s: %s", p->root, strerror(errno));
	length = snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s/files,workdir=%s/work," OVERLAY_OPTIONS,
	    p->image, p->upper, p->upper);
	memcpy(options + length, ",uuid=on", sizeof(",uuid=on"));
	if (mount("diskless", p->root, "overlay", MS_NOSUID | MS_NODEV, options) == 0)
		return 0;
	options[length] = '\0'; /* uuid=on is of Linux 6.6 */
	if (errno == EINVAL && mount("diskless", p->root, "overlay", MS_NOSUID | MS_NODEV, options) == 0)
		return 0;
	return fail(why, size, "%s: mounting the overlay: %s", p->root, strerror(errno));
}

/* Mounted already it is looked at before anything is built on it. */
static int
ensure_file(const struct file_mount *m, bool *made, char *why, size_t size)
{
	char *mountinfo = mountinfo_read();
	struct mount_entry entry;
	int result;

	if (mountinfo == NULL)
		return fail(why, size, "/proc/self/mountinfo: %s", strerror(errno));
	if (mountinfo_find(mountinfo, m->point, &entry) == 0) {
		result = mount_file(m, why, size);
		*made = result == 0;
	} else {
		result = verify_device(mountinfo, m, why, size);
	}
	free(mountinfo);
	return result;
}

static int
ensure_overlay(const struct attach_paths *p, bool *made, char *why, size_t size)
{
	char *mountinfo = mountinfo_read();
	struct mount_entry entry;
	bool there;

	if (mountinfo == NULL)
		return fail(why, size, "/proc/self/mountinfo: %s", strerror(errno));
	there = mountinfo_find(mountinfo, p->root, &entry) > 0;
	free(mountinfo);
	if (there)
		return 0;
	if (prepare_upper(p, why, size) == -1 || mount_overlay(p, why, size) == -1)
		return -1;
	*made = true;
	return 0;
}

int
attach_root(const struct attach_paths *p, char *why, size_t size)
{
	struct file_mount image = image_mount(p), upper = upper_mount(p);
	bool made_image = false, made_upper = false, made_root = false;

	if (ensure_file(&image, &made_image, why, size) == 0 && ensure_file(&upper, &made_upper, why, size) == 0 &&
	    ensure_overlay(p, &made_root, why, size) == 0 && verify_all(p, why, size) == 0)
		return 0;
	if (made_root)
		umount2(p->root, UMOUNT_NOFOLLOW);
	if (made_upper)
		umount2(p->upper, UMOUNT_NOFOLLOW);
	if (made_image)
		umount2(p->image, UMOUNT_NOFOLLOW);
	return -1;
}

/* ---- unmounting ---- */

/* The mount and its empty directory. Not mounted is success. */
static int
unmount(const char *point)
{
	while (umount2(point, UMOUNT_NOFOLLOW) == 0)
		;
	if (errno != EINVAL && errno != ENOENT)
		return -1;
	rmdir(point);
	return 0;
}

/* In this order: the kernel lets go of an upper's mount point while an overlay still writes to it. */
int
detach_root(const struct attach_paths *p)
{
	return unmount(p->root) == 0 ? unmount(p->upper) : -1;
}

/* Likewise here, so the table of mounts is asked. */
int
detach_image(const char *mount_point)
{
	char *mountinfo = mountinfo_read();
	const char *at = mountinfo;
	struct mount_entry entry;
	bool used = false;

	if (mountinfo == NULL)
		return -1;
	while (!used && mountinfo_next(&at, &entry))
		used = slice_is(entry.type, "overlay") && options_have(entry.super, "lowerdir", mount_point);
	free(mountinfo);
	if (!used)
		return unmount(mount_point);
	errno = EBUSY;
	return -1;
}

void
detach_images(void)
{
	char *mountinfo = mountinfo_read(), image[PATH_SIZE];
	const char *at = mountinfo;
	struct mount_entry entry;

	while (mountinfo != NULL && mountinfo_next(&at, &entry))
		if (slice_starts(entry.point, PATH_MOUNTS "/images/")) {
			snprintf(image, sizeof(image), "%.*s", (int)entry.point.length, entry.point.at);
			detach_image(image);
		}
	free(mountinfo);
}

bool
attach_in_use(const char *file)
{
	return loop_in_use(file);
}

int
attach_usage(const char *upper, uint64_t *size, uint64_t *used)
{
	struct statvfs st;

	if (statvfs(upper, &st) == -1)
		return -1;
	*size = (uint64_t)st.f_blocks * st.f_frsize;
	*used = (uint64_t)(st.f_blocks - st.f_bfree) * st.f_frsize;
	return 0;
}
