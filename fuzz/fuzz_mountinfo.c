/* SPDX-License-Identifier: ISC */
/* Any text as mountinfo: entries lie inside it, and no root is taken that the text does not show. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "mountinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
hold(int truth)
{
	if (!truth)
		abort();
}

static void
inside(struct slice slice, const char *text, size_t length)
{
	hold(slice.length > 0 && slice.at >= text && slice.at + slice.length <= text + length);
	hold(memchr(slice.at, ' ', slice.length) == NULL && memchr(slice.at, '\n', slice.length) == NULL);
}

static void
verify(const char *text)
{
	static const struct client_manifest manifest = {
		.name = "node1", .image = "bookworm", .version = 3, .fsid = 7, .quota = 1, .generation = 2
	};
	struct attach_paths paths;
	char why[TEXT_SIZE] = "";

	attach_paths(&manifest, &paths);
	if (!attach_verify(text, &paths, why, sizeof(why)))
		hold(why[0] != '\0');
	else
		hold(strstr(text, "nfs_export=on") != NULL && strstr(text, "noexec") != NULL &&
		     strstr(text, "overlay") != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct mount_entry entry;
	const char *at;
	char *text = malloc(length + 1);

	hold(text != NULL);
	memcpy(text, bytes, length);
	text[length] = '\0';
	length = strlen(text);
	for (at = text; mountinfo_next(&at, &entry);) {
		const struct slice *fields[] = { &entry.root, &entry.point, &entry.options, &entry.type, &entry.source,
			&entry.super };

		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
			inside(*fields[i], text, length);
		options_have(entry.super, "lowerdir", "/");
	}
	verify(text);
	free(text);
	return 0;
}
