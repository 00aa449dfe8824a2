/* SPDX-License-Identifier: ISC */
/*
 * An initramfs: cpio archives one behind the other, the last of them packed (buffer-format.rst of the kernel's documentation). Its
 * bytes are foreign. They are read by a process of ours that runs as nobody and may write to one pipe (program.h), and which starts
 * the unpacker; what comes back is one struct.
 */
#include "initramfs.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpio.h"
#include "log.h"
#include "messages.h"
#include "program.h"

#define BYTES_MAX   ((uint64_t)2 << 30) /* unpacked; one with all modules and firmware has some 500 MiB */
#define ENTRIES_MAX 200000
#define SECONDS_MAX 300 /* of processor time */
#define CHUNK       65536

/* Magic numbers as in the kernel's lib/decompress.c. */
static const struct packing {
	const char *magic;
	size_t length;
	const char *argv[4];
} packings[] = {
	{ "\x1f\x8b", 2, { "/bin/gzip", "-dc" } },
	{ "\xfd"
	  "7zXZ\0",
	    6, { "/usr/bin/xz", "-dc" } },
	{ "\x5d\0\0", 3, { "/usr/bin/xz", "-dc", "--format=lzma" } },
	{ "\x28\xb5\x2f\xfd", 4, { "/usr/bin/zstd", "-dcq", "--long=30" } },
	{ "BZh", 3, { "/usr/bin/bzip2", "-dc" } },
	{ "\x02\x21\x4c\x18", 4, { "/usr/bin/lz4", "-dc" } },
};

/* ---- as nobody ---- */

struct reading {
	struct cpio cpio;
	struct parts parts;
	uint64_t bytes;
};

/* Ours dies with it; who reads us shows these words. */
static _Noreturn void
give_up(const char *why)
{
	_exit(write(2, why, strlen(why)) == -1 ? 2 : 1);
}

static void
take_name(void *argument, const char *name)
{
	struct reading *r = argument;

	parts_of_path(&r->parts, name);
	if (r->parts.entries > ENTRIES_MAX)
		give_up("it has more entries than any initramfs");
}

/* How many of them are of cpio archives. */
static size_t
feed(struct reading *r, const uint8_t *bytes, size_t length)
{
	ssize_t taken = cpio_feed(&r->cpio, bytes, length);

	if (taken == -1)
		give_up(r->cpio.why);
	r->bytes += (uint64_t)taken;
	if (r->bytes > BYTES_MAX)
		give_up("it unpacks to more than any initramfs has");
	return (size_t)taken;
}

/* In its own process, reading from where our standard input is. */
static void
start_unpacker(const struct packing *packing, int out)
{
	static char *environment[] = { NULL };
	char *argv[4] = { NULL };

	for (int i = 0; i < 4 && packing->argv[i] != NULL; i++)
		argv[i] = strdup(packing->argv[i]);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(out, 1) != -1 && argv[0] != NULL && fcntl(2, F_SETFD, FD_CLOEXEC) != -1) /* what is wrong we say */
		execve(argv[0], argv, environment);
	give_up(strerror(errno));
}

/* What is behind the archives in it is not looked at: some fill the file up. */
static void
read_packed(struct reading *r, const struct packing *packing)
{
	static uint8_t bytes[CHUNK];
	int ends[2];
	ssize_t got;
	pid_t pid;

	if (pipe(ends) == -1 || (pid = fork()) == -1)
		give_up(strerror(errno));
	if (pid == 0)
		start_unpacker(packing, ends[1]);
	close(ends[1]);
	while ((got = read(ends[0], bytes, sizeof(bytes))) > 0)
		if (feed(r, bytes, (size_t)got) < (size_t)got)
			give_up("something is packed twice in it");
	close(ends[0]);
	waitpid(pid, NULL, 0);
	if (!cpio_between(&r->cpio) || r->parts.entries == 0)
		give_up("it is cut short or damaged where it is packed");
}

static const struct packing *
packing_at(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++)
		if (length >= packings[i].length && memcmp(bytes, packings[i].magic, packings[i].length) == 0)
			return &packings[i];
	return NULL;
}

/* Up to where a packed archive begins, or the end. */
static int
read_all(void *unused)
{
	static uint8_t bytes[CHUNK];
	static struct reading r;
	const struct packing *packing = NULL;
	off_t at = 0;
	ssize_t got;

	cpio_begin(&r.cpio, take_name, &r);
	while (packing == NULL && (got = pread(0, bytes, sizeof(bytes), at)) > 0) {
		size_t taken = feed(&r, bytes, (size_t)got);

		at += (off_t)taken;
		if (taken == (size_t)got)
			continue;
		/* The magic may lie across the end of what was read. */
		got = pread(0, bytes, sizeof(bytes), at);
		packing = got > 0 ? packing_at(bytes, (size_t)got) : NULL;
		if (packing == NULL)
			give_up("it is no cpio archive, and not packed in a way that is known");
	}
	if (packing != NULL && lseek(0, at, SEEK_SET) == at)
		read_packed(&r, packing);
	if (!cpio_between(&r.cpio) || r.parts.entries == 0)
		give_up(r.parts.entries == 0 ? "it is empty" : "it is cut short");
	return write(1, &r.parts, sizeof(r.parts)) == (ssize_t)sizeof(r.parts) ? 0 : 1;
}

/* ---- as root ---- */

struct answer {
	uint8_t bytes[sizeof(struct parts)];
	size_t have;
};

static int
take_answer(void *argument, const char *bytes, size_t length)
{
	struct answer *answer = argument;

	if (length > sizeof(answer->bytes) - answer->have)
		return -1;
	memcpy(answer->bytes + answer->have, bytes, length);
	answer->have += length;
	return 0;
}

int
initramfs_read(int fd, struct parts *parts, char *why, size_t size)
{
	static const char *const name[] = { "initramfs", NULL };
	struct answer answer = { .have = 0 };
	struct program program = { .argv = name,
		.inside = read_all,
		.take = take_answer,
		.argument = &answer,
		.input = fd,
		.nobody = true,
		.seconds = SECONDS_MAX };
	char output[PROGRAM_OUTPUT], reason[TEXT_SIZE] = "";

	memset(parts, 0, sizeof(*parts));
	if (program_run(&program, output, reason, sizeof(reason)) == -1 || answer.have != sizeof(*parts)) {
		log_visible(why, size, output, strcspn(output, "\n"));
		if (why[0] == '\0')
			snprintf(why, size, "its reader ended: %s", reason);
		return -1;
	}
	memcpy(parts, answer.bytes, sizeof(*parts));
	parts->release[sizeof(parts->release) - 1] = '\0';
	return 0;
}
