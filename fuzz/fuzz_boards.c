/* SPDX-License-Identifier: ISC */
/*
 * Any config.txt (up to the first zero) and any kernel's config behind it: every board is judged, names fit, who does not boot is
 * told why, and only files below the boot directory are asked for by their whole name. What else the image has goes by the input's sum.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disklessctl/boards.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct kernel_facts kernel;
static struct initramfs_facts initramfs;

static void
hold(int truth)
{
	if (!truth)
		abort();
}

/* There or not, by its name alone. */
static bool
size_of(void *argument, const char *name, uint64_t *size)
{
	unsigned sum = 0;

	hold(strlen(name) < (size_t)2 * BOOT_NAME);
	for (size_t i = 0; name[i] != '\0'; i++)
		sum = sum * 31 + (unsigned char)name[i];
	*size = (uint64_t)sum << 12;
	return sum % 4 != 0;
}

static const struct kernel_facts *
look_at_kernel(void *argument, const char *name)
{
	hold(name[0] != '\0');
	return &kernel;
}

static const struct initramfs_facts *
look_at_initramfs(void *argument, const char *name)
{
	hold(name[0] != '\0');
	return &initramfs;
}

static void warn(void *, const char *, ...) __attribute__((format(printf, 2, 3)));

static void
warn(void *argument, const char *format, ...)
{
	hold(format[0] != '\0');
}

static unsigned
sum_of(const uint8_t *bytes, size_t length)
{
	unsigned sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += bytes[i];
	return sum;
}

/* What else may be found in an image, by the sum of the input. */
static void
choose(struct board_source *source, unsigned choice)
{
	static const enum machine machines[] = { MACHINE_ARM64, MACHINE_ARM, MACHINE_X86, MACHINE_X64, MACHINE_OTHER };

	source->machine = machines[choice % 5];
	source->init = choice / 5 % 8 != 0;
	if (choice / 40 % 2 == 1)
		source->pc_kernel = "vmlinuz-6.1";
	if (choice / 80 % 2 == 1)
		source->pc_initramfs = "initrd.img-6.1";
	if (choice / 160 % 4 == 1)
		snprintf(initramfs.why, sizeof(initramfs.why), "it is damaged");
	if (choice / 160 % 4 == 2)
		snprintf(kernel.release, sizeof(kernel.release), "6.2");
	if (source->config_length == 0 && choice % 2 == 1)
		source->config = NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct board_source source = { .boot = "/boot",
		.size_of = size_of,
		.kernel = look_at_kernel,
		.initramfs = look_at_initramfs,
		.machine = MACHINE_ARM64,
		.init = true };
	struct board_verdict verdict[BOARDS];
	unsigned choice = sum_of(bytes, length);
	char *text = malloc(length + 1);

	if (text == NULL)
		return 0;
	if (length > 0)
		memcpy(text, bytes, length);
	text[length] = '\0';
	source.config = text;
	source.config_length = strlen(text);
	memset(&kernel, 0, sizeof(kernel));
	memset(&initramfs, 0, sizeof(initramfs));
	if (source.config_length < length) {
		parts_of_config(&kernel.builtin, text + source.config_length + 1);
		parts_of_path(&initramfs.parts, text + source.config_length + 1);
		snprintf(kernel.release, sizeof(kernel.release), "6.1");
		kernel.config = true;
	}
	choose(&source, choice);
	hold(kernel.builtin.has < HAS(PARTS) &&
	     memchr(initramfs.parts.release, 0, sizeof(initramfs.parts.release)) != NULL);
	boards_judge(&source, verdict, warn, NULL);
	for (size_t i = 0; i < BOARDS; i++) {
		hold(verdict[i].boots == (verdict[i].why[0] == '\0'));
		hold(memchr(verdict[i].why, 0, sizeof(verdict[i].why)) != NULL);
		hold(memchr(verdict[i].kernel, 0, sizeof(verdict[i].kernel)) != NULL);
	}
	free(text);
	return 0;
}
