/* SPDX-License-Identifier: ISC */
/* See parts.h. */
#include "parts.h"

#include <stdio.h>
#include <string.h>

/* Names of modules are those of their files, without .ko and what packs it. */
static const struct {
	const char *module;
	const char *program;
	const char *option;
} names[PARTS] = {
	[PART_NFS] = { "nfs", NULL, "CONFIG_NFS_FS" },
	[PART_NFS3] = { "nfsv3", NULL, "CONFIG_NFS_V3" },
	[PART_NFS4] = { "nfsv4", NULL, "CONFIG_NFS_V4" },
	[PART_NFS41] = { NULL, NULL, "CONFIG_NFS_V4_1" },
	[PART_NFS42] = { NULL, NULL, "CONFIG_NFS_V4_2" },
	[PART_ROOT_NFS] = { NULL, NULL, "CONFIG_ROOT_NFS" },
	[PART_IP_PNP] = { NULL, NULL, "CONFIG_IP_PNP" },
	[PART_GENET] = { "genet", NULL, "CONFIG_BCMGENET" },
	[PART_MACB] = { "macb", NULL, "CONFIG_MACB" },
	[PART_LAN78XX] = { "lan78xx", NULL, "CONFIG_USB_LAN78XX" },
	[PART_SMSC95XX] = { "smsc95xx", NULL, "CONFIG_USB_NET_SMSC95XX" },
	[PART_NFSMOUNT] = { NULL, "nfsmount", NULL },
	[PART_MOUNT_NFS] = { NULL, "mount.nfs", NULL },
	[PART_IPCONFIG] = { NULL, "ipconfig", NULL },
	[PART_DRACUT] = { NULL, "nfs-lib.sh", NULL },
};

const char *
part_name(enum part part)
{
	if (names[part].module != NULL)
		return names[part].module;
	return names[part].program != NULL ? names[part].program : names[part].option;
}

static bool
is_module(const char *file, const char *module)
{
	static const char *const endings[] = { ".ko", ".ko.xz", ".ko.zst", ".ko.gz" };
	size_t length = strlen(module);

	if (strncmp(file, module, length) != 0)
		return false;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (strcmp(file + length, endings[i]) == 0)
			return true;
	return false;
}

/* lib/modules/RELEASE/kernel/..., also below usr/. */
static void
keep_release(struct parts *parts, const char *path)
{
	const char *at = strstr(path, "lib/modules/");
	size_t length = at == NULL ? 0 : strcspn(at + 12, "/");

	if (length > 0 && length < sizeof(parts->release) && at[12 + length] == '/' && parts->release[0] == '\0')
		snprintf(parts->release, sizeof(parts->release), "%.*s", (int)length, at + 12);
}

void
parts_of_path(struct parts *parts, const char *path)
{
	const char *slash = strrchr(path, '/'), *file = slash == NULL ? path : slash + 1;

	parts->entries++;
	keep_release(parts, path);
	for (unsigned i = 0; i < PARTS; i++)
		if ((names[i].module != NULL && is_module(file, names[i].module)) ||
		    (names[i].program != NULL && strcmp(file, names[i].program) == 0))
			parts->has |= HAS(i);
}

void
parts_of_config(struct parts *parts, const char *text)
{
	for (; *text != '\0'; text += strcspn(text, "\n"), text += *text == '\n')
		for (unsigned i = 0; i < PARTS; i++) {
			size_t length = names[i].option == NULL ? 0 : strlen(names[i].option);

			if (length > 0 && strncmp(text, names[i].option, length) == 0 &&
			    strncmp(text + length, "=y", 2) == 0)
				parts->has |= HAS(i);
		}
}
