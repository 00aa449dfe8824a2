/* SPDX-License-Identifier: ISC */
/* What config.txt says to each model. */
#include "disklessctl/config_txt.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static const char *const pi4[] = { "pi4", NULL };
static const char *const pi3plus[] = { "pi3", "pi3+", NULL };
static struct config_txt c;

static void
parse(const char *text, const char *const *filters)
{
	config_txt_read(text, strlen(text), filters, &c);
}

Test(config_txt, what_is_not_said_is_empty)
{
	parse("# nothing\n\n", pi4);
	cr_expect_str_empty(c.kernel);
	cr_expect_str_empty(c.initramfs);
	cr_expect_eq(c.arm_64bit, -1);
	cr_expect_not(c.auto_initramfs);
}

Test(config_txt, names_are_read_and_the_last_one_counts)
{
	parse("kernel=old\nkernel=vmlinuz # new\r\n initramfs initrd.img followkernel\narm_64bit=0\nauto_initramfs=1\n"
	      "os_prefix=current/\ndevice_tree=x.dtb\ncmdline=other.txt\ninclude more.txt",
	    pi4);
	cr_expect_str_eq(c.kernel, "vmlinuz");
	cr_expect_str_eq(c.initramfs, "initrd.img");
	cr_expect_eq(c.arm_64bit, 0);
	cr_expect(c.auto_initramfs);
	cr_expect_str_eq(c.os_prefix, "current/");
	cr_expect_str_eq(c.device_tree, "x.dtb");
	cr_expect_str_eq(c.cmdline, "other.txt");
	cr_expect(c.includes);
}

struct section {
	const char *text;
	const char *const *filters;
	const char *kernel;
};

Test(config_txt, a_section_is_for_its_models_until_the_next)
{
	static const struct section sections[] = {
		{ "[pi4]\nkernel=a\n[all]\n", pi4, "a" },
		{ "[pi3]\nkernel=a\n[all]\n", pi4, "" },
		{ "[pi3]\nkernel=a\n[pi4]\nkernel=b\n", pi4, "b" },
		{ "[pi3]\nkernel=a\n[pi3+]\nkernel=b\n", pi3plus, "b" },
		{ "[pi3]\nkernel=a\n", pi3plus, "a" },
		{ "[none]\nkernel=a\n", pi4, "" },
		{ "[none]\nkernel=a\n[all]\nkernel=b\n", pi4, "b" },
		{ "[tryboot]\nkernel=a\n[pi4]\nkernel=b\n", pi4, "" },
		{ "[tryboot]\nkernel=a\n[all]\nkernel=b\n", pi4, "b" },
		{ "[gpio4=1]\nkernel=a\n", pi4, "" },
		{ "[cm4]\nkernel=a\n", pi4, "" },
		{ "[board-type=0x14]\nkernel=a\n", pi4, "" },
		{ "[pi4\nkernel=a\n", pi4, "a" },
	};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		parse(sections[i].text, sections[i].filters);
		cr_expect_str_eq(c.kernel, sections[i].kernel, "row %zu gives %s", i, c.kernel);
	}
}

Test(config_txt, what_lies_behind_4096_bytes_is_not_read)
{
	char *text = malloc(CONFIG_TXT_READ + 100);

	memset(text, '#', CONFIG_TXT_READ + 99);
	memcpy(text + CONFIG_TXT_READ - 12, "\nkernel=in\n#", 12);
	strcpy(text + CONFIG_TXT_READ, "\nkernel=out\n");
	parse(text, pi4);
	cr_expect_str_eq(c.kernel, "in");
	free(text);
}

Test(config_txt, names_and_lines_that_are_too_long_are_none)
{
	char text[600] = "kernel=";

	memset(text + 7, 'x', BOOT_NAME);
	parse(text, pi4);
	cr_expect_str_empty(c.kernel);
	memset(text + 7, 'x', sizeof(text) - 8);
	parse(text, pi4);
	cr_expect_str_empty(c.kernel);
}
