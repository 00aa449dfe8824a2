/* SPDX-License-Identifier: ISC */
/*
 * Any text as etab, beside the lines that we want in it. What holds: what is accepted has, below our directory, a wanted path to its own
 * one address and nothing else, and no option that opens a door; our own lines, as exportfs writes them, are accepted; and a line of
 * ours is one line.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include "disklessd/disklessd.h"
#include "tests/ipc/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define ROOTS "/srv/diskless"

static char wanted[512], ours[1024]; /* as we write them, and as etab has them */

static void
write_wanted(void)
{
	for (uint32_t i = 1; i <= 2; i++) {
		char line[256], name[8];

		snprintf(name, sizeof(name), "node%u", (unsigned)i);
		hold(exports_line(line, sizeof(line), name, htonl(0xc0a80a00u + i), i) == (int)strlen(line));
		hold(strchr(line, '\n') == line + strlen(line) - 1);
		strcat(wanted, line);
		*strchr(line, ' ') = '\t';
		/* exportfs writes that option out. */
		*strstr(line, "mp,") = '\0';
		snprintf(
		    ours + strlen(ours), sizeof(ours) - strlen(ours), "%smountpoint,fsid=%u)\n", line, (unsigned)i);
	}
}

static bool
begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* Is this word one of the comma-separated ones between the parentheses? */
static bool
has_word(const char *options, const char *word)
{
	size_t length = strlen(word);

	for (options++; *options != '\0' && *options != ')'; options += *options == ',') {
		size_t size = strcspn(options, ",)");

		if (size == length && memcmp(options, word, length) == 0)
			return true;
		options += size;
	}
	return false;
}

/* The opposite reading: what a line of ours that is in force is, and may never be. */
static void
check_line(const char *line)
{
	static const char *const never[] = { "insecure", "crossmnt", "nohide", "async", "subtree_check" };
	static const char *const always[] = { "rw", "sync", "secure", "no_subtree_check", "no_root_squash" };

	if (!begins(line, ROOTS "/") && !begins(line, ROOTS "\t"))
		return;
	hold(begins(line, ROOTS "/node1\t192.168.10.1(") || begins(line, ROOTS "/node2\t192.168.10.2("));
	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		hold(!has_word(strchr(line, '('), never[i]) && has_word(strchr(line, '('), always[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char why[TEXT_SIZE] = "", *text = malloc(length + 1);

	hold(text != NULL);
	if (wanted[0] == '\0')
		write_wanted();
	hold(exports_verify(ours, wanted, why, sizeof(why)));
	memcpy(text, bytes, length);
	text[length] = '\0';
	if (!exports_verify(text, wanted, why, sizeof(why)))
		hold(why[0] != '\0' && memchr(why, '\0', sizeof(why)) != NULL);
	else
		for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
			check_line(line);
	free(text);
	return 0;
}
