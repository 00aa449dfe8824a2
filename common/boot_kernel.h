/* SPDX-License-Identifier: ISC */
/* The kernel that a PC boots from a boot directory as Debian lays it out. Its names are foreign: only those that no loader misreads. */
#ifndef DISKLESS_BOOT_KERNEL_H
#define DISKLESS_BOOT_KERNEL_H

#include <stdbool.h>

#define BOOT_KERNEL_SIZE 128
struct boot_kernel {
	char kernel[BOOT_KERNEL_SIZE]; /* vmlinuz, or vmlinuz-VERSION of the newest version */
	char initrd[BOOT_KERNEL_SIZE]; /* its initrd.img, or empty */
};

/* false: there is none. */
bool boot_kernel_find(int directory, struct boot_kernel *);

#endif
