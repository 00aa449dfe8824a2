/* SPDX-License-Identifier: ISC */
/*
 * Which boards an image can boot, and what else its boot files say before anybody powers one. Pure: what is in the image is asked
 * from who looked at it.
 */
#ifndef DISKLESS_BOARDS_H
#define DISKLESS_BOARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config_txt.h"
#include "messages.h"
#include "parts.h"

#define BOARDS 6

/* What its programs are for: e_machine of an ELF header. */
enum machine { MACHINE_UNKNOWN, MACHINE_ARM, MACHINE_ARM64, MACHINE_X86, MACHINE_X64, MACHINE_OTHER };

struct kernel_facts {
	struct parts builtin;
	char release[64]; /* empty: not known */
	bool modules;     /* /lib/modules has that release */
	bool config;      /* its config was there; else builtin is what modules.builtin names */
};

struct initramfs_facts {
	struct parts parts;
	char why[TEXT_SIZE]; /* it could not be read; else empty */
};

struct board_source {
	const char *boot; /* the boot directory */
	bool (*size_of)(
	    void *, const char *name, uint64_t *size); /* of a file in the boot directory; false: not there */
	const struct kernel_facts *(*kernel)(void *, const char *name);
	const struct initramfs_facts *(*initramfs)(void *, const char *name);
	void *argument;
	enum machine machine;
	bool init;          /* there is a /sbin/init */
	const char *config; /* config.txt, NULL: none */
	size_t config_length;
	const char *pc_kernel; /* the newest vmlinuz in the boot directory, or NULL */
	const char *pc_initramfs;
};

struct board_verdict {
	const char *board;
	bool boots;
	char kernel[2 * BOOT_NAME]; /* empty: none was found */
	char release[64];
	char initramfs[2 * BOOT_NAME]; /* empty: none is loaded */
	char nfs[32];                  /* versions that can mount its root: "3 4.2" */
	char why[2 * TEXT_SIZE];       /* not, the reasons */
};

/* What else there is to say; level as in words. */
typedef void board_warn(void *, const char *format, ...) __attribute__((format(printf, 2, 3)));

void boards_judge(const struct board_source *, struct board_verdict verdict[BOARDS], board_warn *warn, void *argument);

#endif
