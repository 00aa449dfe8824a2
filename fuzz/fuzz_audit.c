/* SPDX-License-Identifier: ISC */
/*
 * Any text to the auditor as each of those that it reads. What holds: a finding is one line that fits; a client's door is named; whatever
 * etab exports below our directory and is not exactly ours is found.
 */
#include <sys/stat.h>

#include <stdint.h>
#include <string.h>

#include "disklessd/audit_rules.h"
#include "tests/ipc/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define OURS "/srv/diskless/node1 192.168.10.1(rw,sync,no_subtree_check,no_root_squash,secure,sec=sys,mp,fsid=1)\n"

static unsigned findings;

static void
found(struct audit *a, enum finding_kind kind, enum finding_closes closes, const char *name, const char *text)
{
	hold(kind >= FINDING_BREACH && kind <= FINDING_NOTE && closes <= CLOSES_ALL);
	hold(strlen(text) > 0 && strlen(text) < TEXT_SIZE && strchr(text, '\n') == NULL);
	hold(kind == FINDING_BREACH || closes == CLOSES_NOTHING);
	hold((closes == CLOSES_CLIENT) == (name != NULL));
	hold(name == NULL || strlen(name) < NAME_SIZE);
	findings++;
}

static int
with_state(const char *path)
{
	return path[0] == '\0' ? 0 : path[1] == 'u' ? -1 : path[1] == 'h';
}

static bool
closed_out(const char *name, const char *address, size_t length)
{
	return strcmp(name, "closed") == 0 && length == 8 && memcmp(address, "10.0.0.7", length) == 0;
}

static struct audit audit = { .found = found, .with_state = with_state, .closed_out = closed_out };

static bool
exports_ours(const char *text)
{
	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "/srv/diskless/", 14) == 0 &&
		    strncmp(line, "/srv/diskless/node1\t192.168.10.1(", 33) != 0)
			return true;
	}
	return false;
}

/* Open to nobody but whom it is for, or there is a word; it says whether it must be shut. */
static void
directory(const uint8_t *bytes)
{
	uint32_t mode = (uint32_t)bytes[0] << 8 | bytes[1], uid = bytes[2] % 2;
	bool shut;

	findings = 0;
	shut = audit_directory(&audit, "/x", uid, mode, 0700);
	hold(!shut || findings == 1);
	hold(findings == 1 || (uid == 0 && S_ISDIR(mode) && (mode & 0077) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = malloc(length + 1);

	hold(text != NULL);
	memcpy(text, bytes, length);
	text[length] = '\0';
	findings = 0;
	audit_etab(&audit, text, OURS);
	hold(findings > 0 || !exports_ours(text));
	audit_etab(&audit, text, "");
	audit_versions(&audit, text);
	audit_ports(&audit, text);
	audit_nfs_utils(&audit, text);
	audit_own_filesystems(&audit, text, "/srv/diskless", "roots");
	audit_mountd(&audit, length % 2 == 0, length % 3 == 0);
	if (length >= 3)
		directory(bytes);
	free(text);
	return 0;
}
