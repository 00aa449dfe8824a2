/* SPDX-License-Identifier: ISC */
/*
 * The steps of a recipe, in the order that diskless.conf(5) promises. Runs as root in the mount namespace of image_make(). What the
 * tree's own programs can do is done by them, in a sandbox (sandbox.h); the rest is written through beneath.h. Must never run a
 * program of the tree in any other way, nor follow a link of it.
 */
#include "recipe.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapt.h"
#include "beneath.h"
#include "recipe_same.h"
#include "sandbox.h"

#define ROOM_PROGRAMS  ((uint64_t)2 << 30)
#define ROOM_FILES     ((uint64_t)64 << 20)
#define CONFIG_TXT_MAX ((size_t)1 << 20)
#define POLICY         "/usr/sbin/policy-rc.d"
#define RESOLV         "/etc/resolv.conf"

struct cooking {
	struct image_make *make;
	const struct config_image *image;
	int root;
	uint64_t epoch;
};

/* ---- programs of the tree ---- */

static int
run(struct cooking *c, const char *const *argv, int input, bool network)
{
	struct sandbox sandbox = { .argv = argv, .input = input, .network = network, .epoch = c->epoch };

	return sandbox_run(c->make, &sandbox);
}

/* A few lines of sh(1), with at most two arguments ($1, $2) that are never part of its text. */
static int
shell(struct cooking *c, const char *lines, const char *first, const char *second, int input)
{
	const char *const argv[] = { "/bin/sh", "-ec", lines, "sh", first, second, NULL };

	return run(c, argv, input, false);
}

static bool
has(const struct cooking *c, const char *path)
{
	int fd = beneath_read(c->root, path);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

static int
no_file(struct cooking *c, const char *path)
{
	return image_failed(c->make, "%s in the root: %s", path, strerror(errno));
}

static int
write_text(struct cooking *c, const char *path, const char *text)
{
	return beneath_write(c->root, path, text, strlen(text), 0644) == -1 ? no_file(c, path) : 0;
}

/* ---- packages ---- */

static bool
wants_locale(const struct cooking *c)
{
	return c->image->locale != NULL && strncmp(c->image->locale, "C.", 2) != 0 &&
	       strcmp(c->image->locale, "C") != 0;
}

/* What other words of the recipe need, unless it is there. */
static const char *
needed(const struct cooking *c, size_t i)
{
	switch (i) {
	case 0:
		return c->image->ssh && !has(c, "/usr/sbin/sshd") ? "openssh-server" : NULL;
	case 1:
		return wants_locale(c) && !has(c, "/usr/sbin/locale-gen") ? "locales" : NULL;
	case 2:
		return c->image->timezone != NULL && !has(c, "/usr/share/zoneinfo/UTC") &&
			       !has(c, "/usr/share/zoneinfo/Etc/UTC")
			   ? "tzdata"
			   : NULL;
	case 3:
		return c->image->docker && !has(c, "/usr/bin/dockerd") ? "docker.io" : NULL;
	default:
		return c->image->docker && !has(c, "/usr/bin/fuse-overlayfs") ? "fuse-overlayfs" : NULL;
	}
}
#define NEEDED 5

static int
packages(struct cooking *c)
{
	static const char *const update[] = { "/usr/bin/apt-get", "-qq", "update", NULL };
	static const char *const install[] = { "/usr/bin/apt-get", "-y", "-qq", "-o", "Dpkg::Use-Pty=0",
		"--no-install-recommends", "install" };
	const size_t fixed = sizeof(install) / sizeof(install[0]);
	const struct config_list *wanted = &c->image->packages;
	const char **argv = calloc(fixed + wanted->count + NEEDED + 1, sizeof(*argv)), *package;
	size_t count = fixed;
	int result = 0;

	if (argv == NULL)
		return image_failed(c->make, "no memory for the list of packages");
	memcpy(argv, install, sizeof(install));
	for (size_t i = 0; i < NEEDED; i++)
		if ((package = needed(c, i)) != NULL)
			argv[count++] = package;
	for (size_t i = 0; i < wanted->count; i++)
		argv[count++] = wanted->word[i];
	if (count > fixed) {
		image_say(c->make, "installing packages");
		result = run(c, update, 0, true) == -1 || run(c, argv, 0, true) == -1 ? -1 : 0;
	}
	free(argv);
	return result;
}

/* ---- what it is ---- */

static int
locale(struct cooking *c)
{
	static const char make[] = "printf '%s UTF-8\\n' \"$1\" >>/etc/locale.gen; locale-gen";
	char text[128];

	if (c->image->locale == NULL)
		return 0;
	image_say(c->make, "making the locale %s", c->image->locale);
	if (wants_locale(c) && shell(c, make, c->image->locale, NULL, 0) == -1)
		return -1;
	snprintf(text, sizeof(text), "LANG=%s\n", c->image->locale);
	/* The first was the place until Debian 13, in which it is a link to the second. */
	if (write_text(c, "/etc/default/locale", text) == -1)
		return -1;
	return write_text(c, "/etc/locale.conf", text);
}

static int
timezone_of(struct cooking *c)
{
	const char *zone = c->image->timezone;
	char path[PATH_SIZE], text[PATH_SIZE];

	if (zone == NULL)
		return 0;
	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.200s", zone);
	if (!has(c, path))
		return image_failed(c->make,
		    "timezone \"%s\": the image's tzdata has no such zone; it should be one of its /usr/share/zoneinfo",
		    zone);
	snprintf(text, sizeof(text), "%.200s\n", zone);
	if (beneath_symlink(c->root, path, "/etc/localtime") == -1)
		return no_file(c, "/etc/localtime");
	return write_text(c, "/etc/timezone", text);
}

/* By its standard input: what stands in a command line can be read by everybody. */
static int
set_password(struct cooking *c, const struct config_user *user)
{
	char line[1200];
	int length = snprintf(line, sizeof(line), "%s:%s\n", user->name, user->password_hash), result = -1;
	int fd = memfd_create("diskless", MFD_CLOEXEC);

	if (fd == -1 || write(fd, line, (size_t)length) != length || lseek(fd, 0, SEEK_SET) == -1)
		image_failed(c->make, "no memory for a password: %s", strerror(errno));
	else
		result = shell(c, "chpasswd -e", NULL, NULL, fd);
	if (fd != -1)
		close(fd);
	return result;
}

static int
add_user(struct cooking *c, const struct config_user *user)
{
	static const char add[] = "id -u \"$1\" >/dev/null 2>&1 || useradd -m -s /bin/bash -U \"$1\"";
	static const char join[] = "if grep -q \"^$2:\" /etc/group; then usermod -a -G \"$2\" \"$1\"; "
				   "else echo \"user $1: there is no group $2\"; exit 1; fi";

	image_say(c->make, "user %s", user->name);
	if (shell(c, add, user->name, NULL, 0) == -1)
		return -1;
	for (size_t i = 0; i < user->groups.count; i++)
		if (shell(c, join, user->name, user->groups.word[i], 0) == -1)
			return -1;
	return user->password_hash == NULL ? 0 : set_password(c, user);
}

static int
users(struct cooking *c)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < c->image->user_count; i++)
		result = add_user(c, &c->image->user[i]);
	return result;
}

static int
authorize(struct cooking *c, const char *user, int keys)
{
	static const char lines[] = "entry=$(grep \"^$1:\" /etc/passwd)\n"
				    "home=$(echo \"$entry\" | cut -d: -f6)\n"
				    "owner=$(echo \"$entry\" | cut -d: -f3,4)\n"
				    "umask 077\n"
				    "mkdir -p \"$home/.ssh\"\n"
				    "cat >\"$home/.ssh/authorized_keys\"\n"
				    "chown -R \"$owner\" \"$home/.ssh\"";

	return lseek(keys, 0, SEEK_SET) == -1 ? -1 : shell(c, lines, user, NULL, keys);
}

/* ---- files of this server ---- */

/* Its operator names them, so links are followed. -1 and why. */
static int
open_ours(struct cooking *c, const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd == -1 || fstat(fd, st) == -1)
		image_failed(c->make, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st->st_mode))
		image_failed(c->make, "%s: it should be a file", path);
	else
		return fd;
	if (fd != -1)
		close(fd);
	return -1;
}

static int
authorized_keys(struct cooking *c)
{
	struct stat st;
	int keys, result = 0;

	if (c->image->authorized_keys == NULL)
		return 0;
	keys = open_ours(c, c->image->authorized_keys, &st);
	if (keys == -1)
		return -1;
	for (size_t i = 0; result == 0 && i < c->image->user_count; i++)
		result = authorize(c, c->image->user[i].name, keys);
	if (c->image->user_count == 0)
		result = authorize(c, "root", keys);
	close(keys);
	return result;
}

static int
copy_ours(struct cooking *c, const char *source, const char *target)
{
	struct stat st;
	int fd = open_ours(c, source, &st), result = -1;
	void *bytes = NULL;
	char parent[PATH_MAX];

	if (fd == -1)
		return -1;
	snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(target, '/') - target), target);
	if (st.st_size > 0)
		bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		image_failed(c->make, "%s: %s", source, strerror(errno));
	else if ((parent[0] != '\0' && beneath_mkdirs(c->root, parent, 0755) == -1) ||
		 beneath_write(c->root, target, bytes, (size_t)st.st_size, (st.st_mode & 0100) != 0 ? 0755 : 0644) ==
		     -1)
		no_file(c, target);
	else
		result = 0;
	if (bytes != NULL && bytes != MAP_FAILED)
		munmap(bytes, (size_t)st.st_size);
	close(fd);
	return result;
}

static int
files(struct cooking *c)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < c->image->file_count; i++)
		result = copy_ours(c, c->image->file[i].source, c->image->file[i].target);
	return result;
}

/* ---- services ---- */

static int
ssh(struct cooking *c)
{
	/* Raspberry Pi OS has it installed and switched off. */
	static const char enable[] =
	    "rm -f /etc/ssh/sshd_not_to_be_run\n"
	    "if [ -x /usr/bin/systemctl ] || [ -x /bin/systemctl ]; then systemctl enable ssh\n"
	    "else update-rc.d ssh defaults; fi";

	return c->image->ssh ? shell(c, enable, NULL, NULL, 0) : 0;
}

/* Docker's own, overlay2, is the kernel's overlayfs, whose upper layer cannot be on NFS. */
static int
docker(struct cooking *c)
{
	static const char driver[] = "{\n\t\"storage-driver\": \"fuse-overlayfs\"\n}\n";

	if (!c->image->docker)
		return 0;
	if (beneath_mkdirs(c->root, "/etc/docker", 0755) == -1)
		return no_file(c, "/etc/docker");
	return write_text(c, "/etc/docker/daemon.json", driver);
}

/* ---- config.txt ---- */

/* Behind what there is, for all models whatever section it ended in. */
static int
append_lines(struct cooking *c, const char *path)
{
	char *text = NULL, *old = NULL;
	size_t size, length;
	FILE *out;
	int result = -1;

	if (beneath_slurp(c->root, path, CONFIG_TXT_MAX, &old, &length) == -1 && errno != ENOENT)
		return no_file(c, path);
	out = open_memstream(&text, &size);
	if (out != NULL) {
		fprintf(out, "%s%s[all]\n", old == NULL ? "" : old,
		    old == NULL || length == 0 || old[length - 1] == '\n' ? "" : "\n");
		for (size_t i = 0; i < c->image->config_txt.count; i++)
			fprintf(out, "%s\n", c->image->config_txt.word[i]);
		result = fclose(out) == 0 ? write_text(c, path, text) : image_failed(c->make, "no memory");
	}
	free(text);
	free(old);
	return result;
}

static int
config_txt(struct cooking *c)
{
	char boot[PATH_SIZE], kernel[PATH_SIZE], path[PATH_SIZE + 16];

	if (c->image->config_txt.count == 0)
		return 0;
	if (adapt_look(c->root, boot, kernel, c->make->why, sizeof(c->make->why)) == -1)
		return -1;
	snprintf(path, sizeof(path), "%.200s/config.txt", boot);
	if (append_lines(c, path) == -1)
		return -1;
	/* Debian's package writes config.txt anew with each kernel, and takes these over. */
	return has(c, "/etc/default/raspi-firmware") ? append_lines(c, "/etc/default/raspi-firmware-custom") : 0;
}

/* ---- the operator's program ---- */

static int
script(struct cooking *c)
{
	static const char *const argv[] = { SANDBOX_SCRIPT, NULL };
	struct sandbox sandbox = { .argv = argv, .network = true, .epoch = c->epoch };
	char reason[TEXT_SIZE];
	struct stat st;

	if (c->image->run == NULL)
		return 0;
	sandbox.script = open_ours(c, c->image->run, &st);
	if (sandbox.script == -1)
		return -1;
	image_say(c->make, "running %s", c->image->run);
	if (sandbox_run(c->make, &sandbox) == -1) {
		snprintf(reason, sizeof(reason), "%s", c->make->why);
		image_failed(c->make, "%s: %s", c->image->run, reason);
	} else {
		reason[0] = '\0';
	}
	close(sandbox.script);
	return reason[0] == '\0' ? 0 : -1;
}

/* ---- while it is made ---- */

/* What lies in its place only meanwhile: no service starts (policy-rc.d), names are found as on this machine (resolv.conf). */
struct stand_in {
	const char *path;
	char *text;   /* ours */
	char *before; /* or NULL: there was no file */
	bool link;    /* before is where a link led */
};

static char *
read_link(const struct cooking *c, const char *path)
{
	char target[PATH_MAX];
	ssize_t length = beneath_readlink(c->root, path, target, sizeof(target));

	return length == -1 ? NULL : strndup(target, (size_t)length);
}

static int
stand_in(struct cooking *c, struct stand_in *s, mode_t mode)
{
	size_t length;

	s->before = read_link(c, s->path);
	s->link = s->before != NULL;
	if (!s->link && beneath_slurp(c->root, s->path, CONFIG_TXT_MAX, &s->before, &length) == -1 && errno != ENOENT)
		return no_file(c, s->path);
	return beneath_write(c->root, s->path, s->text, strlen(s->text), mode) == -1 ? no_file(c, s->path) : 0;
}

/* Not if something else has been put there: a package that brings its own. */
static int
take_back(struct cooking *c, struct stand_in *s, mode_t mode)
{
	char *now = NULL;
	size_t length;
	bool ours = beneath_slurp(c->root, s->path, CONFIG_TXT_MAX, &now, &length) == 0 && strcmp(now, s->text) == 0;
	int result = 0;

	free(now);
	if (ours && s->before == NULL)
		result = beneath_unlink(c->root, s->path);
	else if (ours && s->link)
		result = beneath_symlink(c->root, s->before, s->path);
	else if (ours)
		result = beneath_write(c->root, s->path, s->before, strlen(s->before), mode);
	return result == -1 ? no_file(c, s->path) : 0;
}

static int (*const steps[])(struct cooking *) = { packages, locale, timezone_of, users, authorized_keys, ssh,
	config_txt, files, docker, script };

/* How this machine finds names, wherever the link leads that it may be; empty if it finds none. free() it. */
static char *
our_names(void)
{
	char text[4096];
	int fd = open(RESOLV, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd == -1 ? 0 : read(fd, text, sizeof(text));

	if (fd != -1)
		close(fd);
	return strndup(text, got > 0 ? (size_t)got : 0);
}

static int
cook(struct cooking *c)
{
	char policy[] = "#!/bin/sh\nexit 101\n";
	struct stand_in no_services = { .path = POLICY, .text = policy }, names = { .path = RESOLV };
	bool services = has(c, "/usr/bin/dpkg");
	int result;

	names.text = our_names();
	if (names.text == NULL)
		return image_failed(c->make, "no memory");
	result = (services && stand_in(c, &no_services, 0755) == -1) || stand_in(c, &names, 0644) == -1 ? -1 : 0;
	for (size_t i = 0; result == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		result = steps[i](c);
	if (result == 0 && (take_back(c, &names, 0644) == -1 || (services && take_back(c, &no_services, 0755) == -1)))
		result = -1;
	free(no_services.before);
	free(names.before);
	free(names.text);
	return result;
}

/* ---- what a recipe is ---- */

static bool
needs_programs(const struct config_image *image)
{
	return image->packages.count > 0 || image->locale != NULL || image->user_count > 0 || image->docker ||
	       image->ssh || image->authorized_keys != NULL || image->run != NULL;
}

bool
recipe_is_empty(const struct config_image *image)
{
	return !needs_programs(image) && image->timezone == NULL && image->config_txt.count == 0 &&
	       image->file_count == 0;
}

uint64_t
recipe_room(const struct config_image *image)
{
	if (image->room != 0)
		return image->room;
	return needs_programs(image) ? ROOM_PROGRAMS : ROOM_FILES;
}

static int
print_digest(struct image_make *m, const char *path, FILE *out)
{
	char digest[65];

	if (path == NULL)
		return 0;
	if (image_digest_of(m, path, digest) == -1)
		return -1;
	fprintf(out, "# sha256 %s %s\n", digest, path);
	return 0;
}

char *
recipe_text(struct image_make *m, const struct config_image *image)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int result = 0;

	if (out == NULL) {
		image_failed(m, "no memory");
		return NULL;
	}
	config_print_image(image, out);
	if (print_digest(m, image->authorized_keys, out) == -1 || print_digest(m, image->run, out) == -1)
		result = -1;
	for (size_t i = 0; result == 0 && i < image->file_count; i++)
		result = print_digest(m, image->file[i].source, out);
	if (fclose(out) == 0 && result == 0)
		return text;
	free(text);
	return NULL;
}

/* ---- the step ---- */

static int
cook_all(struct image_make *m, int root, const void *argument)
{
	const struct config_image *image = argument;
	struct cooking c = { .make = m, .image = image, .root = root, .epoch = m->manifest.epoch };
	char file[PATH_SIZE + 16], *text;
	int result;

	if (needs_programs(image) && sandbox_can_run(m, root, m->manifest.architecture) == -1)
		return -1;
	text = recipe_text(m, image);
	if (text == NULL)
		return -1;
	result = recipe_record(m, "recipe", text);
	free(text);
	snprintf(file, sizeof(file), "%s/new/recipe", m->work_path);
	if (result == -1 || image_digest_of(m, file, m->manifest.recipe) == -1 || cook(&c) == -1)
		return -1;
	return recipe_make_same(m, root);
}

struct image_step
recipe_step(const struct config_image *image)
{
	return (struct image_step){ .run = cook_all, .settle = recipe_settle, .argument = image };
}
