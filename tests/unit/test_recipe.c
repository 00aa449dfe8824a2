/* SPDX-License-Identifier: ISC */
/* What of a recipe is pure: which programs the kernel runs, and what dpkg says is installed. */
#include "disklessctl/recipe_same.h"
#include "disklessctl/sandbox.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

/* ---- architectures ---- */

#define ELF(class, order, machine) \
	{ \
		0x7f, 'E', 'L', 'F', class, order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, machine, 0 \
	}

Test(recipe, an_elf_header_names_the_architecture)
{
	static const struct {
		uint8_t head[ELF_HEAD];
		const char *architecture;
	} table[] = {
		{ ELF(2, 1, 62), "amd64" },
		{ ELF(1, 1, 3), "i386" },
		{ ELF(2, 1, 183), "arm64" },
		{ ELF(1, 1, 40), "armhf" },
		{ ELF(1, 1, 183), NULL }, /* 32 bits */
		{ ELF(2, 2, 183), NULL }, /* big-endian */
		{ ELF(2, 1, 243), NULL },
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

static const uint8_t arm64[ELF_HEAD] = ELF(2, 1, 183);

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
