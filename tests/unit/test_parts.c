/* SPDX-License-Identifier: ISC */
/* What names of files and a kernel's config say of a root over NFS. */
#include "disklessctl/parts.h"

#include <string.h>

#include <criterion/criterion.h>

struct path {
	const char *path;
	uint32_t has;
	const char *release;
};

Test(parts, modules_and_programs_are_known_by_their_names)
{
	static const struct path paths[] = {
		{ "kernel/fs/nfs/nfs.ko", HAS(PART_NFS), "" },
		{ "usr/lib/modules/6.1.0-9-arm64/kernel/fs/nfs/nfsv3.ko.xz", HAS(PART_NFS3), "6.1.0-9-arm64" },
		{ "lib/modules/6.8.0/kernel/fs/nfs/nfsv4.ko.zst", HAS(PART_NFS4), "6.8.0" },
		{ "lib/modules/6.8.0/kernel/drivers/net/ethernet/broadcom/genet/genet.ko.gz", HAS(PART_GENET),
		    "6.8.0" },
		{ "kernel/drivers/net/ethernet/cadence/macb.ko", HAS(PART_MACB), "" },
		{ "kernel/drivers/net/usb/lan78xx.ko", HAS(PART_LAN78XX), "" },
		{ "kernel/drivers/net/usb/smsc95xx.ko", HAS(PART_SMSC95XX), "" },
		{ "usr/bin/nfsmount", HAS(PART_NFSMOUNT), "" },
		{ "sbin/mount.nfs", HAS(PART_MOUNT_NFS), "" },
		{ "ipconfig", HAS(PART_IPCONFIG), "" },
		{ "usr/lib/nfs-lib.sh", HAS(PART_DRACUT), "" },
		{ "kernel/fs/nfsd/nfsd.ko", 0, "" },
		{ "nfs.ko.bz2", 0, "" },
		{ "nfs.kox", 0, "" },
		{ "nfs", 0, "" },
		{ "bin/nfsmount.txt", 0, "" },
		{ "lib/modules/6.8.0", 0, "" },
		{ "lib/modules//x", 0, "" },
		{ "", 0, "" },
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct parts parts = { 0 };

		parts_of_path(&parts, paths[i].path);
		cr_expect_eq(parts.has, paths[i].has, "%s", paths[i].path);
		cr_expect_str_eq(parts.release, paths[i].release, "%s: %s", paths[i].path, parts.release);
		cr_expect_eq(parts.entries, 1);
	}
}

Test(parts, the_first_release_is_kept)
{
	struct parts parts = { 0 };

	parts_of_path(&parts, "lib/modules/1/modules.dep");
	parts_of_path(&parts, "lib/modules/2/modules.dep");
	cr_expect_str_eq(parts.release, "1");
}

Test(parts, a_config_tells_what_is_built_in)
{
	struct parts parts = { 0 };

	parts_of_config(&parts, "CONFIG_NFS_FS=y\nCONFIG_NFS_V3=m\n# CONFIG_ROOT_NFS is not set\nXCONFIG_IP_PNP=y\n"
				"CONFIG_NFS_V4=y\nCONFIG_NFS_V4_2=y\nCONFIG_BCMGENET=y");
	cr_expect_eq(parts.has, HAS(PART_NFS) | HAS(PART_NFS4) | HAS(PART_NFS42) | HAS(PART_GENET));
}
