/* SPDX-License-Identifier: ISC */
/*
 * What is a breach of the claim, and which door it closes: that of one client, that of all, or none. A text that cannot be understood is
 * never taken for a right one.
 */
#include "audit_rules.h"

#include <sys/stat.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disklessd.h"
#include "guard_rules.h"
#include "mountinfo.h"
#include "paths.h"

#define SHOWN 120 /* bytes of a foreign text in one of ours */

static void
breach(struct audit *a, enum finding_closes closes, const char *name, const char *text)
{
	a->found(a, FINDING_BREACH, closes, name, text);
}

/* ---- etab ---- */

/* Is path the directory, or one below it? */
static bool
is_below(const char *path, size_t length, const char *directory)
{
	size_t size = strlen(directory);

	return length >= size && strncmp(path, directory, size) == 0 && (length == size || path[size] == '/');
}

static bool
is_above(const char *path, size_t length, const char *directory)
{
	return (length == 1 && path[0] == '/') ||
	       (length <= strlen(directory) && strncmp(path, directory, length) == 0 &&
		   (directory[length] == '/' || directory[length] == '\0'));
}

static const char *
place_of(const char *path, size_t length)
{
	static const char *const ours[] = { PATH_ROOTS, PATH_STATE, PATH_RUN };

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (is_below(path, length, ours[i]) || is_above(path, length, ours[i]))
			return ours[i];
	return NULL;
}

/* exportfs writes blanks, quotes, backslashes, "#" and what does not print as \ooo. false: it is too long. */
static bool
plain_path(const char *line, size_t length, char path[static PATH_MAX])
{
	size_t used = 0;

	for (size_t i = 0; i < length && used < PATH_MAX; i++, used++) {
		if (line[i] == '\\' && length - i > 3 && strspn(line + i + 1, "01234567") >= 3) {
			path[used] = (char)((line[i + 1] - '0') << 6 | (line[i + 2] - '0') << 3 | (line[i + 3] - '0'));
			i += 3;
		} else {
			path[used] = line[i];
		}
	}
	path[used < PATH_MAX ? used : PATH_MAX - 1] = '\0';
	return used < PATH_MAX;
}

/* Path and client of somebody else's line; how it touches us. */
static void
foreign_export(struct audit *a, const char *line, size_t length, size_t path_length, bool subtree)
{
	char text[TEXT_SIZE], path[PATH_MAX] = "";
	int shown = (int)(length < SHOWN ? length : SHOWN), there;
	bool whole = plain_path(line, path_length, path);
	const char *place = place_of(path, strlen(path));

	there = subtree ? 0 : whole ? a->with_state(path) : -1;
	if (place != NULL) {
		snprintf(text, sizeof(text), "somebody else's export reaches %s: %.*s", place, shown, line);
		breach(a, CLOSES_ALL, NULL, text);
	} else if (there == -1) {
		snprintf(text, sizeof(text), "which filesystem is exported cannot be told: %.*s", shown, line);
		a->found(a, FINDING_UNKNOWN, CLOSES_NOTHING, NULL, text);
	} else if (there == 1) {
		snprintf(text, sizeof(text),
		    "an export of the filesystem that holds %s reaches every root, whatever its directory: %.*s",
		    PATH_STATE, shown, line);
		breach(a, CLOSES_ALL, NULL, text);
	}
}

/* With a wildcard or a netgroup in any export, mountd asks the DNS who each address is. */
static void
client_pattern(struct audit *a, const char *line, size_t length, const char *client, size_t client_length)
{
	char text[TEXT_SIZE];
	bool everybody = client_length == 1 && client[0] == '*';

	if (everybody || client_length == 0)
		return;
	if (client[0] != '@' && memchr(client, '*', client_length) == NULL &&
	    memchr(client, '?', client_length) == NULL && memchr(client, '[', client_length) == NULL)
		return;
	snprintf(text, sizeof(text), "an export for names makes every mount wait for reverse DNS: %.*s",
	    (int)(length < SHOWN ? length : SHOWN), line);
	breach(a, CLOSES_NOTHING, NULL, text);
}

static void
etab_line(struct audit *a, const char *line, size_t length, const char *ours)
{
	const char *tab = memchr(line, '\t', length);
	const char *open = tab == NULL ? NULL : memchr(tab, '(', length - (size_t)(tab - line));
	char why[TEXT_SIZE], name[NAME_SIZE];
	size_t path_length, name_length;
	enum export_is is;

	if (open == NULL) {
		snprintf(why, sizeof(why), "etab has a line that is no export: %.*s",
		    (int)(length < SHOWN ? length : SHOWN), line);
		a->found(a, FINDING_UNKNOWN, CLOSES_NOTHING, NULL, why);
		return;
	}
	path_length = (size_t)(tab - line);
	client_pattern(a, line, length, tab + 1, (size_t)(open - tab) - 1);
	is = exports_judge(line, length, ours, why, sizeof(why));
	if (is == EXPORT_FOREIGN) {
		foreign_export(a, line, length, path_length,
		    exports_option(open + 1, length - (size_t)(open + 1 - line), "subtree_check"));
		return;
	}
	name_length =
	    path_length > sizeof(PATH_ROOTS) ? path_length - sizeof(PATH_ROOTS) : 0; /* its NUL stands for the slash */
	snprintf(name, sizeof(name), "%.*s", (int)name_length, line + path_length - name_length);
	if (is == EXPORT_UNWANTED && a->closed_out(name, tab + 1, (size_t)(open - tab) - 1)) {
		snprintf(why, sizeof(why), "somebody else exports %s/%s to its own client, whose door is closed",
		    PATH_ROOTS, name);
		is = EXPORT_WRONG;
	}
	if (is == EXPORT_WRONG)
		breach(a, CLOSES_CLIENT, name, why);
	else if (is == EXPORT_UNWANTED)
		breach(a, CLOSES_ALL, NULL, why);
}

void
audit_etab(struct audit *a, const char *etab, const char *ours)
{
	while (*etab != '\0') {
		size_t length = strcspn(etab, "\n");

		if (length > 0)
			etab_line(a, etab, length, ours);
		etab += length + (etab[length] == '\n');
	}
}

/* ---- nfsd ---- */

static bool
has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (; *text != '\0'; text += strcspn(text, " \n"), text += strspn(text, " \n"))
		if (strncmp(text, word, length) == 0 && strchr(" \n", text[length]) != NULL)
			return true;
	return false;
}

void
audit_versions(struct audit *a, const char *versions)
{
	if (strpbrk(versions, "+-") == NULL)
		a->found(a, FINDING_UNKNOWN, CLOSES_NOTHING, NULL, "nfsd does not tell its versions");
	if (has_word(versions, "+2"))
		breach(a, CLOSES_NOTHING, NULL, "nfsd serves NFS version 2: nobody needs it, and nobody tests it");
}

void
audit_ports(struct audit *a, const char *portlist)
{
	for (; *portlist != '\0'; portlist += strcspn(portlist, "\n"), portlist += *portlist == '\n') {
		if (strncmp(portlist, "udp", 3) == 0)
			breach(a, CLOSES_ALL, NULL,
			    "nfsd listens to UDP: who forges a client's address writes to its root without an answer");
		else if (strncmp(portlist, "rdma", 4) == 0)
			breach(a, CLOSES_ALL, NULL, "nfsd listens to RDMA, which goes past the guard and every filter");
	}
}

/* ---- nfs-utils ---- */

void
audit_mountd(struct audit *a, bool listens, bool guarded)
{
	if (!listens)
		a->found(a, guarded ? FINDING_BREACH : FINDING_NOTE, CLOSES_NOTHING, NULL,
		    "nothing listens to TCP port " MOUNTD_PORT_TEXT
		    ", mountd's: either it does not run, and nobody can "
		    "mount, or it listens where the guard does not keep strangers out (/etc/nfs.conf.d/diskless.conf)");
}

static const struct {
	unsigned version[3]; /* the first without it */
	const char *what;
} holes[] = {
	/* https://nvd.nist.gov/vuln/detail/CVE-2025-12801; the announcement of nfs-utils 2.8.6 */
	{ { 2, 8, 6 },
	    "CVE-2025-12801 (mountd looks up paths below an export as root; a root of ours is a whole filesystem "
	    "without squashing, so it gives nothing there)" },
};

void
audit_nfs_utils(struct audit *a, const char *said)
{
	unsigned v[3] = { 0 };
	const char *at = strstr(said, "version ");
	char text[TEXT_SIZE];

	if (at == NULL || sscanf(at, "version %u.%u.%u", &v[0], &v[1], &v[2]) < 2) {
		a->found(a, FINDING_NOTE, CLOSES_NOTHING, NULL, "mountd does not tell its version");
		return;
	}
	for (size_t i = 0; i < sizeof(holes) / sizeof(*holes); i++) {
		const unsigned *h = holes[i].version;

		if (v[0] > h[0] || (v[0] == h[0] && (v[1] > h[1] || (v[1] == h[1] && v[2] >= h[2]))))
			continue;
		snprintf(text, sizeof(text), "nfs-utils %u.%u.%u, unless your distribution mended it: %s", v[0], v[1],
		    v[2], holes[i].what);
		a->found(a, FINDING_NOTE, CLOSES_NOTHING, NULL, text);
	}
}

/* ---- mounts and directories ---- */

/* The name of a client if this is the mount of one: a point just below the directory. */
static bool
client_of(const struct mount_entry *entry, const char *below, char name[static NAME_SIZE])
{
	size_t length = strlen(below);

	if (!slice_starts(entry->point, below) || entry->point.length <= length + 1 || entry->point.at[length] != '/' ||
	    entry->point.length - length - 1 >= NAME_SIZE)
		return false;
	snprintf(name, NAME_SIZE, "%.*s", (int)(entry->point.length - length - 1), entry->point.at + length + 1);
	return strchr(name, '/') == NULL;
}

struct own {
	char name[NAME_SIZE];
	struct slice device;
};

static int
compare_devices(const void *x, const void *y)
{
	const struct own *a = x, *b = y;
	size_t shorter = a->device.length < b->device.length ? a->device.length : b->device.length;
	int order = memcmp(a->device.at, b->device.at, shorter);

	return order != 0 ? order : (a->device.length > b->device.length) - (a->device.length < b->device.length);
}

static void
compare_neighbours(struct audit *a, const struct own *own, size_t count, const char *what)
{
	char text[TEXT_SIZE];

	for (size_t i = 1; i < count; i++) {
		if (compare_devices(&own[i - 1], &own[i]) != 0 || strcmp(own[i - 1].name, own[i].name) == 0)
			continue;
		snprintf(text, sizeof(text), "clients %s and %s share one filesystem for their %s", own[i - 1].name,
		    own[i].name, what);
		breach(a, CLOSES_CLIENT, own[i - 1].name, text);
		breach(a, CLOSES_CLIENT, own[i].name, text);
	}
}

void
audit_own_filesystems(struct audit *a, const char *mountinfo, const char *below, const char *what)
{
	struct mount_entry entry;
	struct own *own = NULL;
	size_t count = 0, room = 0;

	while (mountinfo_next(&mountinfo, &entry)) {
		if (count == room) {
			struct own *more = reallocarray(own, room = room * 2 + 64, sizeof(*more));

			if (more == NULL) {
				a->found(a, FINDING_UNKNOWN, CLOSES_NOTHING, NULL, "no memory for the mounts");
				break;
			}
			own = more;
		}
		own[count].device = entry.device;
		count += client_of(&entry, below, own[count].name);
	}
	if (count > 0)
		qsort(own, count, sizeof(*own), compare_devices);
	compare_neighbours(a, own, count, what);
	free(own);
}

bool
audit_directory(struct audit *a, const char *path, uint32_t uid, uint32_t mode, uint32_t wanted)
{
	char text[TEXT_SIZE];

	if (!S_ISDIR(mode) || uid != 0) {
		snprintf(text, sizeof(text), "%s must be a directory of root's", path);
		breach(a, CLOSES_ALL, NULL, text);
	} else if ((mode & 07777 & ~wanted) != 0) {
		snprintf(text, sizeof(text), "%s was open to others (mode %04o); it is %04o again", path,
		    (unsigned)(mode & 07777), (unsigned)wanted);
		breach(a, CLOSES_NOTHING, NULL, text);
		return true;
	}
	return false;
}
