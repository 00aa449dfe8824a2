/* SPDX-License-Identifier: ISC */
/* The rewritings of text that a tree needs for the network: pure functions of what a file says (adapt.h). */
#include "adapt.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 512 /* of a line, what is looked at */
#define NOT_USED  "# diskless: not used, the root comes over the network: "

/* The beginning of the line at text, alone; returns the length of the whole line with its end. */
static size_t
take_line(const char *text, char *line, size_t size)
{
	size_t length = strcspn(text, "\n");

	snprintf(line, size, "%.*s", (int)length, text);
	return text[length] == '\n' ? length + 1 : length;
}

/* What change() makes of each line, one behind the other. */
static char *
each_line(const char *text, void (*change)(FILE *, const char *line, const char *whole, size_t length, void *),
    void *argument)
{
	char line[LINE_SIZE], *changed = NULL;
	size_t length, size;
	FILE *out = open_memstream(&changed, &size);

	if (out == NULL)
		return NULL;
	for (; *text != '\0'; text += length) {
		length = take_line(text, line, sizeof(line));
		change(out, line, text, length, argument);
	}
	return fclose(out) == 0 ? changed : NULL;
}

static bool
is_one_of(const char *word, const char *const *words)
{
	while (*words != NULL && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

/* ---- fstab ---- */

#define BIND " none bind,nofail 0 0\n"

/*
 * A boot directory stays a mount point, now of itself: scripts of Raspberry Pi OS look for it in fstab, Debian's raspi-firmware
 * looks whether something is mounted there before it puts a new kernel there. Swap in memory (zram) is no disk's.
 */
static void
change_fstab(FILE *out, const char *line, const char *whole, size_t length, void *unused)
{
	static const char *const boot[] = { "/boot", "/boot/firmware", NULL };
	static const char *const gone[] = { "/", "/boot", "/boot/firmware", "/boot/efi", "/efi", NULL };
	char device[128], point[128], type[32];
	bool known = sscanf(line, "%127s %127s %31s", device, point, type) == 3 && device[0] != '#';

	if (!known || strcmp(type, "none") == 0 || strncmp(device, "/dev/zram", 9) == 0 ||
	    (!is_one_of(point, gone) && strcmp(type, "swap") != 0)) {
		fwrite(whole, 1, length, out);
		return;
	}
	fputs(NOT_USED, out);
	fwrite(whole, 1, length, out);
	if (is_one_of(point, boot))
		fprintf(out, "%s%s %s" BIND, whole[length - 1] == '\n' ? "" : "\n", point, point);
}

char *
adapt_fstab(const char *text)
{
	return each_line(text, change_fstab, NULL);
}

/* A tree that was made of packages has no line for it: the same one. */
char *
adapt_boot_mount(const char *text)
{
	char line[LINE_SIZE], device[128], point[128], *changed;
	const char *at = text, *end;

	for (size_t length; *at != '\0'; at += length) {
		length = take_line(at, line, sizeof(line));
		if (sscanf(line, "%127s %127s", device, point) == 2 && device[0] != '#' &&
		    strcmp(point, "/boot/firmware") == 0)
			return strdup(text);
	}
	end = at == text || at[-1] == '\n' ? "" : "\n";
	return asprintf(&changed, "%s%s/boot/firmware /boot/firmware" BIND, text, end) == -1 ? NULL : changed;
}

/* ---- hosts ---- */

struct hosts {
	const char *name;
	bool ended;
	bool written;
};

static void
change_hosts(FILE *out, const char *line, const char *whole, size_t length, void *argument)
{
	struct hosts *hosts = argument;
	char address[32];

	hosts->ended = whole[length - 1] == '\n';
	if (sscanf(line, "%31s", address) != 1 || strcmp(address, "127.0.1.1") != 0) {
		fwrite(whole, 1, length, out);
	} else if (!hosts->written) {
		fprintf(out, "127.0.1.1\t%s\n", hosts->name);
		hosts->written = hosts->ended = true;
	}
}

/* text and more behind it; text is free()d. */
static char *
append(char *text, const char *more)
{
	char *longer = NULL;

	if (text != NULL && asprintf(&longer, "%s%s", text, more) == -1)
		longer = NULL;
	free(text);
	return longer;
}

char *
adapt_hosts(const char *text, const char *name)
{
	struct hosts hosts = { .name = name, .ended = true };
	char *changed = each_line(text, change_hosts, &hosts), line[LINE_SIZE];

	snprintf(line, sizeof(line), "%s127.0.1.1\t%s\n", hosts.ended ? "" : "\n", name);
	return hosts.written ? changed : append(changed, line);
}

/* ---- whoever would take the link down ---- */

/* eth0, and what it would be called by a predictable name: with net.ifnames=0 there is none of these. */
static bool
carries_the_root(const char *interface)
{
	return strcmp(interface, ADAPT_INTERFACE) == 0 || fnmatch("en*", interface, 0) == 0;
}

/* A stanza of interfaces(5) goes on until a line that begins the next. */
static bool
begins_stanza(const char *word)
{
	static const char *const words[] = { "auto", "iface", "mapping", "no-auto-down", "no-scripts", "rename",
		"source", "source-directory", "template", NULL };

	return is_one_of(word, words) || strncmp(word, "allow-", 6) == 0;
}

/* `auto lo eth0 wlan0`: the others stay. False: eth0 is not among them. */
static bool
change_auto(FILE *out, const char *line, const char *whole, size_t length)
{
	char copy[LINE_SIZE], kept[LINE_SIZE] = "", *rest = NULL;
	size_t used = 0;
	bool found = false, others = false;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " \t", &rest); word != NULL; word = strtok_r(NULL, " \t", &rest)) {
		if (used > 0 && carries_the_root(word)) {
			found = true;
			continue;
		}
		others = others || used > 0;
		used += (size_t)snprintf(kept + used, sizeof(kept) - used, "%s%s", used == 0 ? "" : " ", word);
	}
	if (!found)
		return false;
	fputs(NOT_USED, out);
	fwrite(whole, 1, length, out);
	if (others)
		fprintf(out, "%s%s\n", whole[length - 1] == '\n' ? "" : "\n", kept);
	return true;
}

static void
change_interfaces(FILE *out, const char *line, const char *whole, size_t length, void *argument)
{
	bool *inside = argument;
	char word[64] = "", interface[64] = "";
	int words = sscanf(line, "%63s %63s", word, interface);

	if (words >= 1 && begins_stanza(word)) {
		*inside = strcmp(word, "iface") == 0 && carries_the_root(interface);
		if ((strcmp(word, "auto") == 0 || strncmp(word, "allow-", 6) == 0) &&
		    change_auto(out, line, whole, length))
			return;
	}
	if (*inside && words >= 1 && word[0] != '#')
		fputs(NOT_USED, out);
	fwrite(whole, 1, length, out);
}

char *
adapt_interfaces(const char *text)
{
	bool inside = false;

	return each_line(text, change_interfaces, &inside);
}

static void
find_line(FILE *out, const char *line, const char *whole, size_t length, void *argument)
{
	const char **wanted = argument;

	if (*wanted != NULL && strcmp(line, *wanted) == 0)
		*wanted = NULL;
	fwrite(whole, 1, length, out);
}

/* Behind its last line, which may lack its end, and out of an `interface` or `ssid` block, which ends at none: dhcpcd.conf(5). */
char *
adapt_dhcpcd(const char *text)
{
	const char *wanted = "denyinterfaces " ADAPT_INTERFACE;
	char *same = each_line(text, find_line, &wanted), *changed = NULL;

	if (same == NULL || wanted == NULL)
		return same;
	free(same);
	return asprintf(&changed, "# diskless: the root comes over it\n%s\n\n%s", wanted, text) == -1 ? NULL : changed;
}
