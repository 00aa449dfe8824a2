/* SPDX-License-Identifier: ISC */
/* Which programs this machine can run: its own, and those that the kernel hands to an interpreter. Reads, and mounts nothing that stays. */
#include "sandbox.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"

#define BINFMT_TEXT 4096

/* e_ident's class and byte order, e_machine: elf(5). */
static const struct {
	uint8_t class;
	uint8_t machine;
	const char *architecture;
	const char *native; /* what uname(2) says of a machine that runs it by itself */
	const char *also;
} architectures[] = {
	{ 2, 62, "amd64", "x86_64", NULL },
	{ 1, 3, "i386", "i686", "x86_64" },
	{ 2, 183, "arm64", "aarch64", NULL },
	{ 1, 40, "armhf", "armv7l", NULL },
};
#define ARCHITECTURES (sizeof(architectures) / sizeof(architectures[0]))

static size_t
find_architecture(const uint8_t *head, size_t length)
{
	size_t i = ARCHITECTURES;

	if (length < ELF_HEAD || memcmp(head, "\177ELF", 4) != 0 || head[5] != 1)
		return i;
	for (i = 0; i < ARCHITECTURES; i++)
		if (head[4] == architectures[i].class && head[18] == architectures[i].machine && head[19] == 0)
			break;
	return i;
}

const char *
elf_architecture(const uint8_t head[static ELF_HEAD], size_t length)
{
	size_t i = find_architecture(head, length);

	return i == ARCHITECTURES ? NULL : architectures[i].architecture;
}

/* ---- binfmt_misc ---- */

/* The value of the line that begins with key; NULL: there is none. */
static const char *
line_of(const char *text, const char *key)
{
	while (text != NULL && *text != '\0') {
		if (strncmp(text, key, strlen(key)) == 0)
			return text + strlen(key);
		text = strchr(text, '\n');
		if (text != NULL)
			text++;
	}
	return NULL;
}

/* Hexadecimal digits up to the line's end; the number of bytes, 0 if they are not such or too many. */
static size_t
read_hex(const char *text, uint8_t *bytes, size_t size)
{
	size_t count = 0;

	for (; *text != '\n' && *text != '\0'; text += 2, count++) {
		char digits[3] = { text[0], text[1], '\0' };

		if (count == size || strspn(digits, "0123456789abcdef") != 2)
			return 0;
		bytes[count] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return count;
}

bool
binfmt_matches(const char *text, const uint8_t head[static ELF_HEAD], bool *fixed)
{
	const char *flags = line_of(text, "flags: "), *offset = line_of(text, "offset "),
		   *magic_text = line_of(text, "magic "), *mask_text = line_of(text, "mask ");
	uint8_t magic[ELF_HEAD], mask[ELF_HEAD];
	size_t length = magic_text == NULL ? 0 : read_hex(magic_text, magic, sizeof(magic));

	*fixed = flags != NULL && memchr(flags, 'F', strcspn(flags, "\n")) != NULL;
	if (strncmp(text, "enabled\n", 8) != 0 || offset == NULL || strncmp(offset, "0\n", 2) != 0 || length == 0)
		return false;
	memset(mask, 0xff, sizeof(mask));
	if (mask_text != NULL && read_hex(mask_text, mask, sizeof(mask)) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (((head[i] ^ magic[i]) & mask[i]) != 0)
			return false;
	return true;
}

struct handlers {
	const uint8_t *head;
	bool found, fixed;
};

static void
look_at_handler(int directory, const char *name, struct handlers *h)
{
	char text[BINFMT_TEXT];
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);
	bool fixed;

	if (fd != -1)
		close(fd);
	if (got <= 0)
		return;
	text[got] = '\0';
	if (!binfmt_matches(text, h->head, &fixed))
		return;
	h->found = true;
	h->fixed = h->fixed || fixed;
}

/* Mounted for us alone: the table is the kernel's, whether or not somebody can see it. */
static int
look_at_handlers(struct image_make *m, struct handlers *h)
{
	char path[PATH_SIZE + 32];
	struct dirent *entry;
	DIR *entries;

	snprintf(path, sizeof(path), "%s/binfmt", m->work_path);
	if ((mkdir(path, 0700) == -1 && errno != EEXIST) ||
	    mount("diskless", path, "binfmt_misc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == -1)
		return image_failed(m, "binfmt_misc, which runs programs of other architectures, is not to be had: %s",
		    errno == ENODEV ? "this kernel has none" : strerror(errno));
	entries = opendir(path);
	while (entries != NULL && (entry = readdir(entries)) != NULL)
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, "register") != 0)
			look_at_handler(dirfd(entries), entry->d_name, h);
	if (entries != NULL)
		closedir(entries);
	umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH);
	return 0;
}

static bool
is_native(size_t architecture)
{
	struct utsname self;

	return uname(&self) == 0 && (strcmp(self.machine, architectures[architecture].native) == 0 ||
					(architectures[architecture].also != NULL &&
					    strcmp(self.machine, architectures[architecture].also) == 0));
}

static int
can_interpret(struct image_make *m, const uint8_t *head, const char *name)
{
	struct handlers h = { .head = head };

	if (look_at_handlers(m, &h) == -1)
		return -1;
	if (h.found && h.fixed)
		return 0;
	if (h.found)
		return image_failed(m,
		    "its programs are of %s, and what runs them here was registered without the flag F, so it is "
		    "not found in a tree; install qemu-user-static and binfmt-support",
		    name);
	return image_failed(m,
	    "its programs are of %s, which this machine does not run; install qemu-user-static and binfmt-support "
	    "(from "
	    "Debian 13 on qemu-user-binfmt), and see `update-binfmts --display`",
	    name);
}

int
sandbox_can_run(struct image_make *m, int root, char architecture[static 16])
{
	int fd = beneath_read(root, "/bin/sh");
	uint8_t head[ELF_HEAD];
	ssize_t got = fd == -1 ? -1 : pread(fd, head, sizeof(head), 0);
	size_t i;

	if (fd == -1)
		return image_failed(m, "/bin/sh in the root: %s; it is needed to run anything in it", strerror(errno));
	close(fd);
	i = find_architecture(head, got > 0 ? (size_t)got : 0);
	if (i == ARCHITECTURES)
		return image_failed(m, "/bin/sh in the root is no program of an architecture that is known here");
	snprintf(architecture, 16, "%s", architectures[i].architecture);
	return is_native(i) ? 0 : can_interpret(m, head, architecture);
}

int
sandbox_can_run_architecture(struct image_make *m, const char *name)
{
	for (size_t i = 0; i < ARCHITECTURES; i++) {
		const uint8_t head[ELF_HEAD] = { 0x7f, 'E', 'L', 'F', architectures[i].class, 1,
			1, [16] = 2, [18] = architectures[i].machine };

		if (strcmp(architectures[i].architecture, name) == 0)
			return is_native(i) ? 0 : can_interpret(m, head, name);
	}
	return image_failed(m, "nothing is known of the architecture %s", name);
}
