/* SPDX-License-Identifier: ISC */
/*
 * What a tree needs to run from the network (adapt_rules.c has the table), written through beneath.h into a tree that is mounted
 * for nothing else.
 */
#ifndef DISKLESS_ADAPT_H
#define DISKLESS_ADAPT_H

#include <stddef.h>

#include "messages.h"

#define ADAPT_INTERFACE "eth0" /* what the root comes over: the command line that the server makes says so */

/*
 * Texts, pure; free() what they return, which is NULL if memory is out.
 *
 * fstab without what the network replaces: /, /boot, /boot/firmware, /boot/efi and swap that is not in memory become comments that
 * say so; a boot directory is mounted on itself instead.
 */
char *adapt_fstab(const char *text);
/* fstab in which /boot/firmware is mounted: on itself, if no line says otherwise. */
char *adapt_boot_mount(const char *text);
/* interfaces(5) and dhcpcd.conf(5) that leave the link under the root alone. */
char *adapt_interfaces(const char *text);
char *adapt_dhcpcd(const char *text);
/* hosts in which 127.0.1.1 is name: its line is replaced, or one is added. */
char *adapt_hosts(const char *text, const char *name);

/*
 * Makes the tree at root ready: boot files (below the directory boot_files) to where the OS expects them, and what the table
 * says. -1 and why.
 */
int adapt_image(int root, int boot_files, char *why, size_t size);
/* Where its boot files are and the kernels there, as in struct image_manifest. -1 and why. */
int adapt_look(int root, char boot[PATH_SIZE], char kernel[PATH_SIZE], char *why, size_t size);

#endif
