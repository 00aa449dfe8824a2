/* SPDX-License-Identifier: ISC */
/* See config_txt.h. Lines key=value or `initramfs FILE [ADDRESS]`, # comments, [filter] sections (Raspberry Pi documentation, config.txt). */
#include "config_txt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 256

struct filter {
	const char *const *applies;
	bool model; /* that of the last filter for a model */
	bool other; /* the rest, which [all] ends */
};

static bool
is_model(const char *name)
{
	return strncmp(name, "pi", 2) == 0 || strncmp(name, "cm", 2) == 0 || strncmp(name, "board-type=", 11) == 0;
}

static void
read_filter(struct filter *filter, const char *name)
{
	bool applies = false;

	for (const char *const *f = filter->applies; *f != NULL; f++)
		applies = applies || strcmp(*f, name) == 0;
	if (strcmp(name, "all") == 0)
		filter->model = filter->other = true;
	else if (is_model(name))
		filter->model = applies;
	else
		filter->other = false;
}

static void
keep(char to[BOOT_NAME], const char *value)
{
	snprintf(to, BOOT_NAME, "%s", strlen(value) < BOOT_NAME ? value : "");
}

/* `initramfs FILE followkernel`, or with =; several files are one behind the other: the first has what mounts the root. */
static void
keep_initramfs(char to[BOOT_NAME], char *value)
{
	value[strcspn(value, " \t,")] = '\0';
	keep(to, value);
}

static void
read_setting(struct config_txt *c, const char *key, char *value)
{
	const struct name {
		const char *key;
		char *to;
	} names[] = { { "kernel", c->kernel }, { "os_prefix", c->os_prefix }, { "device_tree", c->device_tree },
		{ "cmdline", c->cmdline } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(key, names[i].key) == 0)
			keep(names[i].to, value);
	if (strcmp(key, "initramfs") == 0 || strcmp(key, "ramfsfile") == 0)
		keep_initramfs(c->initramfs, value);
	if (strcmp(key, "arm_64bit") == 0)
		c->arm_64bit = atoi(value) != 0;
	if (strcmp(key, "auto_initramfs") == 0)
		c->auto_initramfs = atoi(value) != 0;
	if (strcmp(key, "include") == 0)
		c->includes = true;
}

/* Without the blanks at both ends. */
static char *
trim(char *text)
{
	size_t length;

	text += strspn(text, " \t\r");
	for (length = strlen(text); length > 0 && strchr(" \t\r", text[length - 1]) != NULL; length--)
		text[length - 1] = '\0';
	return text;
}

static void
read_line(struct config_txt *c, struct filter *filter, char *line)
{
	char *value;

	line[strcspn(line, "#")] = '\0';
	line = trim(line);
	if (line[0] == '[') {
		line[strcspn(line, "]")] = '\0';
		read_filter(filter, line + 1);
		return;
	}
	value = line + strcspn(line, "= \t");
	if (*value == '\0' || !filter->model || !filter->other)
		return;
	*value++ = '\0';
	read_setting(c, line, trim(value));
}

void
config_txt_read(const char *text, size_t length, const char *const *filters, struct config_txt *c)
{
	struct filter filter = { filters, true, true };
	size_t end = length < CONFIG_TXT_READ ? length : CONFIG_TXT_READ;

	*c = (struct config_txt){ .arm_64bit = -1 };
	for (size_t at = 0, next; at < end; at = next + 1) {
		char line[LINE_SIZE];

		for (next = at; next < end && text[next] != '\n'; next++)
			;
		if (next - at < sizeof(line)) {
			memcpy(line, text + at, next - at);
			line[next - at] = '\0';
			read_line(c, &filter, line);
		}
	}
}
