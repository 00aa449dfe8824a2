/* SPDX-License-Identifier: ISC */
/* What of a recipe is pure: which programs the kernel runs, and what dpkg says is installed. */
#include "disklessctl/image_users.h"
#include "disklessctl/recipe_same.h"
#include "disklessctl/sandbox.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

/* ---- architectures ---- */

#define ELF(class, order, machine) 0x7f, 'E', 'L', 'F', class, order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, machine, 0

Test(recipe, an_elf_header_names_the_architecture)
{
	static const struct {
		uint8_t head[ELF_HEAD];
		const char *architecture;
	} table[] = {
		{ { ELF(2, 1, 62) }, "amd64" },
		{ { ELF(1, 1, 3) }, "i386" },
		{ { ELF(2, 1, 183) }, "arm64" },
		{ { ELF(1, 1, 40) }, "armhf" },
		{ { ELF(1, 1, 183) }, NULL }, /* 32 bits */
		{ { ELF(2, 2, 183) }, NULL }, /* big-endian */
		{ { ELF(2, 1, 243) }, NULL },
		{ "#!/bin/sh", NULL },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *architecture = elf_architecture(table[i].head, ELF_HEAD);

		cr_expect(architecture == NULL
			      ? table[i].architecture == NULL
			      : table[i].architecture != NULL && strcmp(architecture, table[i].architecture) == 0,
		    "row %zu", i);
	}
	cr_expect_null(elf_architecture(table[0].head, ELF_HEAD - 1), "a header cut short");
}

static const uint8_t arm64[ELF_HEAD] = { ELF(2, 1, 183) };

#define HANDLER(state, flags, magic, mask) \
	state "\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: " flags "\noffset 0\nmagic " magic \
	      "\nmask " mask "\n"
#define MAGIC "7f454c460201010000000000000000000200b700"
#define MASK  "ffffffffffffff00fffffffffffffffffeffffff"

Test(recipe, what_runs_a_program_is_read_as_the_kernel_writes_it)
{
	static const struct {
		const char *text;
		bool found, fixed;
	} table[] = {
		{ HANDLER("enabled", "PF", MAGIC, MASK), true, true },
		{ HANDLER("enabled", "P", MAGIC, MASK), true, false },
		{ HANDLER("enabled", "", MAGIC, MASK), true, false },
		{ HANDLER("disabled", "PF", MAGIC, MASK), false, true },
		{ HANDLER("enabled", "PF", "7f454c4602010100000000000000000002003e00", MASK), false, true },
		{ HANDLER("enabled", "PF", MAGIC, "ff"), false, true },
		{ HANDLER("enabled", "PF", MAGIC "00", MASK "00"), false, true },
		{ HANDLER("enabled", "PF", "zz", "ff"), false, true },
		{ HANDLER("enabled", "PF", "7", "f"), false, true },
		{ "enabled\ninterpreter /usr/bin/python3\nflags: F\noffset 0\nmagic 7f454c46\n", true, true },
		{ "enabled\ninterpreter /usr/bin/python3\nflags: \noffset 2\nmagic 4c46\n", false, false },
		{ "enabled\ninterpreter /usr/bin/jexec\nflags: \nextension .jar\n", false, false },
		{ "enabled\n", false, false },
		{ "", false, false },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		bool fixed, found = binfmt_matches(table[i].text, arm64, &fixed);

		cr_expect(found == table[i].found && fixed == table[i].fixed, "row %zu: %d %d", i, found, fixed);
	}
}

/* ---- packages ---- */

Test(recipe, what_is_installed_is_listed_with_version_and_architecture)
{
	static const struct {
		const char *status, *list;
	} table[] = {
		{ "", "" },
		{ "\n\n", "" },
		{ "Package: a\nStatus: install ok installed\nArchitecture: arm64\nVersion: 1:2-3\n",
		    "a 1:2-3 arm64\n" },
		{ "Package: a\nStatus: deinstall ok config-files\nArchitecture: arm64\nVersion: 1\n", "" },
		{ "Package: a\nStatus: hold ok installed\nArchitecture: all\nVersion: 1\n", "a 1 all\n" },
		{ "Package: a\nStatus: install ok unpacked\nArchitecture: all\nVersion: 1\n", "" },
		{ "Package: a\nStatus: install ok installed\nDescription: x\n Version: 9\n Package: z\nVersion: 1\n"
		  "Architecture: all\n\nPackage: b\nVersion: 2\nArchitecture: all\nStatus: install ok installed\n",
		    "a 1 all\nb 2 all\n" },
		{ "Package: a\n\nStatus: install ok installed\nVersion: 1\nArchitecture: all", " 1 all\n" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *list = packages_installed(table[i].status);

		cr_expect_str_eq(list, table[i].list, "row %zu gives: %s", i, list);
		free(list);
	}
}

/* ---- who needs an image ---- */

Test(recipe, what_a_client_needs_is_found_whatever_else_its_manifest_has)
{
	static const struct {
		const char *text;
		int result;
		uint32_t version;
	} table[] = {
		{ "name node1\nimage class\nversion 3\nfsid 7\nquota 8589934592\n", 0, 3 },
		{ "version 4294967295\nunheard-of x\nimage class\n", 0, 4294967295u },
		{ "image class\nversion 3", 0, 3 },
		{ "image class\nversion 0\n", -1, 0 },
		{ "image class\nversion 4294967296\n", -1, 0 },
		{ "image class\nversion 3x\n", -1, 0 },
		{ "image class\nversions 3\n", -1, 0 },
		{ "image ../class\nversion 3\n", -1, 0 },
		{ "version 3\n", -1, 0 },
		{ "", -1, 0 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct image_user user = { .version = 0 };
		int result = image_user_parse(table[i].text, &user);

		cr_expect(result == table[i].result, "row %zu: %d", i, result);
		if (result == 0)
			cr_expect(user.version == table[i].version && strcmp(user.image, "class") == 0, "row %zu", i);
	}
}

Test(recipe, users_are_counted_once_and_named_as_far_as_there_is_room)
{
	static struct image_user user[] = { { "node1", "class", 2 }, { "node1", "class", 2 }, { "node1", "class", 1 },
		{ "node2", "class", 2 }, { "node3", "other", 2 }, { "node4", "class", 2 } };
	const struct image_users users = { user, sizeof(user) / sizeof(user[0]) };
	char names[64], small[34];

	cr_expect(image_users_of(&users, "class", 2, names, sizeof(names)) == 3);
	cr_expect_str_eq(names, "node1, node2, node4");
	cr_expect(image_users_of(&users, "class", 2, small, sizeof(small)) == 3);
	cr_expect_str_eq(small, "node1, node2 and 1 more");
	cr_expect(image_users_of(&users, "class", 3, names, sizeof(names)) == 0);
	cr_expect_str_eq(names, "");
}
