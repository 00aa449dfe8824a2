/* SPDX-License-Identifier: ISC */
/*
 * What the loaders of PCs read once they run: iPXE its script, GRUB its grub.cfg, U-Boot and PXELINUX their pxelinux.cfg. As cmdline.txt,
 * they are made here from the configuration and never read from the client's tree; of that come only the names of kernel and
 * initramfs (boot_kernel.h).
 */
#include "disklessd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "address.h"

enum boot_loader
boot_loader_of(const struct config_client *client, const char *path)
{
	char mac[MAC_TEXT], own[sizeof("pxelinux.cfg/01-") + MAC_TEXT];

	if (strcmp(path, "boot.ipxe") == 0)
		return LOADER_IPXE;
	if (strcmp(path, "grub/grub.cfg") == 0)
		return LOADER_GRUB;
	snprintf(own, sizeof(own), "pxelinux.cfg/01-%s", mac_dashes(client->mac, mac));
	if (strcmp(path, "pxelinux.cfg/default") == 0 || strcasecmp(path, own) == 0)
		return LOADER_PXELINUX;
	return LOADER_NONE;
}

/* ---- text ---- */

/* Every loader has its own idea of these; none hands them to a kernel as they are. */
static bool
is_plain(const char *words)
{
	if (strpbrk(words, "'\\$") != NULL || words[0] == '#' || strstr(words, " #") != NULL)
		return false;
	return strstr(words, " ; ") == NULL && strstr(words, " && ") == NULL && strstr(words, " || ") == NULL;
}

/*
 * The words as GRUB's script takes them: each in single quotes, because of its ; and { and the like. It writes double quotes around a
 * word with a blank in it itself, so that those of the kernel's syntax go.
 */
static bool
quote_for_grub(const char *words, char *text, size_t size)
{
	bool quoted = false, inside = false;
	size_t used = 0;

	for (; *words != '\0' && used + 4 < size; words++) {
		if (*words == '"') {
			quoted = !quoted;
			continue;
		}
		if (*words == ' ' && !quoted) {
			if (inside)
				text[used++] = '\'';
			inside = false;
			text[used++] = ' ';
			continue;
		}
		if (!inside)
			text[used++] = '\'';
		inside = true;
		text[used++] = *words;
	}
	if (inside)
		text[used++] = '\'';
	text[used] = '\0';
	return *words == '\0';
}

static int
ipxe_text(const struct boot_kernel *k, const char *words, char *text, size_t size)
{
	if (k->initrd[0] == '\0')
		return snprintf(text, size, "#!ipxe\nkernel %s %s\nboot\n", k->kernel, words);
	return snprintf(
	    text, size, "#!ipxe\nkernel %s initrd=%s %s\ninitrd %s\nboot\n", k->kernel, k->initrd, words, k->initrd);
}

static int
grub_text(const struct boot_kernel *k, const char *words, char *text, size_t size)
{
	char quoted[2 * BOOT_CMDLINE_SIZE];

	if (!quote_for_grub(words, quoted, sizeof(quoted)))
		return -1;
	return snprintf(text, size, "set timeout=0\nlinux /%s %s\n%s%s%sboot\n", k->kernel, quoted,
	    k->initrd[0] == '\0' ? "" : "initrd /", k->initrd, k->initrd[0] == '\0' ? "" : "\n");
}

static int
pxelinux_text(const struct boot_kernel *k, const char *words, char *text, size_t size)
{
	return snprintf(text, size, "DEFAULT diskless\nPROMPT 0\nLABEL diskless\n\tKERNEL /%s\n%s%s%s\tAPPEND %s\n",
	    k->kernel, k->initrd[0] == '\0' ? "" : "\tINITRD /", k->initrd, k->initrd[0] == '\0' ? "" : "\n", words);
}

int
boot_loader_text(enum boot_loader loader, const struct config_client *client, const struct boot_kernel *kernel,
    char *text, size_t size)
{
	char words[BOOT_CMDLINE_SIZE];
	int length = -1;

	if (boot_words(client, words, sizeof(words)) == -1 || !is_plain(words))
		return -1;
	if (loader == LOADER_IPXE)
		length = ipxe_text(kernel, words, text, size);
	else if (loader == LOADER_GRUB)
		length = grub_text(kernel, words, text, size);
	else if (loader == LOADER_PXELINUX)
		length = pxelinux_text(kernel, words, text, size);
	return length < 0 || (size_t)length >= size ? -1 : length;
}
