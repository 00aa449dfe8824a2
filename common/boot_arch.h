/* SPDX-License-Identifier: ISC */
/* The kinds of firmware and loader that ask for a first file of their own. A Raspberry Pi is none of them: its firmware knows its files. */
#ifndef DISKLESS_BOOT_ARCH_H
#define DISKLESS_BOOT_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

/* The word of diskless.conf(5), for example "efi-x64". */
const char *boot_arch_word(enum boot_arch);
/* -1: there is no such word. */
int boot_arch_parse(const char *word);
/* What it loads if the configuration does not say it; empty: nothing, and then it is not answered. Never NULL. */
const char *boot_arch_default(enum boot_arch);
/* Does it load by HTTP, so that its file is a URI? */
bool boot_arch_http(enum boot_arch);
/* By number of option 93 (IANA, "Processor Architecture Types"). -1: one that we do not know. */
int boot_arch_of_number(uint16_t number);

#endif
