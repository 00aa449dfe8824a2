/* SPDX-License-Identifier: ISC */
/* config.txt of a Raspberry Pi, as far as it says which files are loaded. Pure; the bytes are foreign. */
#ifndef DISKLESS_CONFIG_TXT_H
#define DISKLESS_CONFIG_TXT_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_TXT_READ 4096 /* what start*.elf looks at over the network (raspberrypi/firmware issues 1012, 1575) */
#define BOOT_NAME       96

struct config_txt {
	char kernel[BOOT_NAME]; /* empty: not said; so with all names */
	char initramfs[BOOT_NAME];
	char os_prefix[BOOT_NAME];
	char device_tree[BOOT_NAME];
	char cmdline[BOOT_NAME];
	int arm_64bit; /* -1: not said */
	bool auto_initramfs;
	bool includes; /* other files, which are not looked at */
};

/*
 * What it says to a board to which the conditional filters apply, NULL behind the last: "pi4". Only the beginning that the firmware
 * reads counts. A name that is too long is none. What depends on more than the model (GPIO, serial, EDID, tryboot) is left out.
 */
void config_txt_read(const char *text, size_t length, const char *const *filters, struct config_txt *);

#endif
