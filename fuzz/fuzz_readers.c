/* SPDX-License-Identifier: ISC */
/*
 * Any text to the small readers. Ranges of names: those that come out are valid, once each, and no more than there may be. What nfsd says of
 * a client of its own: it is an address's only if it says so in full. A program's head and the kernel's word on who runs such ones.
 * What dpkg says is installed: a line for each. Which image a client needs: a name that can be one, and a version.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "address.h"
#include "config.h"
#include "disklessctl/image_users.h"
#include "disklessctl/names.h"
#include "disklessctl/recipe_same.h"
#include "disklessctl/sandbox.h"
#include "disklessd/disklessd.h"
#include "tests/ipc/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
names(const char *text)
{
	struct names n = { 0 };
	char why[TEXT_SIZE] = "", value[NAME_SIZE];

	hold((names_add(&n, text, why, sizeof(why)) == -1) == (why[0] != '\0'));
	hold(n.count <= NAMES_MAX && (why[0] != '\0' || n.count > 0));
	for (size_t i = 0; i < n.count; i++)
		hold(config_name_valid(n.name[i]));
	for (size_t i = 1; i < n.count && i < 64; i++)
		for (size_t j = 0; j < i; j++)
			hold(strcmp(n.name[i], n.name[j]) != 0);
	for (size_t i = 0; i < n.count && i < 64; i++)
		if (names_value(text, i, n.count, value, sizeof(value), why, sizeof(why)) == 0)
			hold(strlen(value) < sizeof(value) && strchr(value, ',') == NULL);
	names_free(&n);
}

static void
nfsd_client(const char *text)
{
	static const uint32_t addresses[] = { 0x0100000a, 0x0a00000a, 0x6400000a };
	unsigned owners = 0;

	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		char whole[ADDRESS_TEXT + 2] = "\"";

		address_text(addresses[i], whole + 1);
		if (!withdraw_is_of(text, addresses[i]))
			continue;
		hold(strstr(text, whole) != NULL);
		owners++;
	}
	hold(owners <= 1);
}

static void
program(const uint8_t *bytes, size_t length, const char *text)
{
	uint8_t head[ELF_HEAD] = { 0 };
	bool fixed, matches;

	memcpy(head, bytes, length < sizeof(head) ? length : sizeof(head));
	if (elf_architecture(head, length) != NULL)
		hold(length >= ELF_HEAD && memcmp(head, "\177ELF", 4) == 0);
	matches = binfmt_matches(text, head, &fixed);
	hold(!matches || strncmp(text, "enabled\n", 8) == 0);
}

static void
tree(const char *text)
{
	char *list = packages_installed(text);
	struct image_user user;
	size_t length, lines = 0;

	hold(list != NULL);
	length = strlen(list);
	for (size_t i = 0; i < length; i++)
		lines += list[i] == '\n';
	hold(length == 0 || (list[length - 1] == '\n' && lines <= strlen(text) / strlen("Status:  ok installed")));
	free(list);
	if (image_user_parse(text, &user) == 0)
		hold(config_name_valid(user.image) && user.version > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	size_t head = length < ELF_HEAD ? length : ELF_HEAD;
	char *text = malloc(length + 1);

	hold(text != NULL);
	memcpy(text, bytes, length);
	text[length] = '\0';
	names(text);
	nfsd_client(text);
	tree(text);
	program(bytes, length, text + head);
	free(text);
	return 0;
}
