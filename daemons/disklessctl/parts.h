/* SPDX-License-Identifier: ISC */
/* What a kernel or an initramfs has of what a root over NFS needs: by the names of modules and programs, or a kernel's config. Pure. */
#ifndef DISKLESS_PARTS_H
#define DISKLESS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum part {
	PART_NFS,
	PART_NFS3,
	PART_NFS4,
	PART_NFS41,
	PART_NFS42,
	PART_ROOT_NFS, /* the kernel mounts its root itself */
	PART_IP_PNP,   /* and takes ip= */
	PART_GENET,    /* Ethernet of Raspberry Pi 4 */
	PART_MACB,     /* 5 */
	PART_LAN78XX,  /* 3B+ */
	PART_SMSC95XX, /* 2B, 3B */
	PART_NFSMOUNT, /* of klibc */
	PART_MOUNT_NFS,
	PART_IPCONFIG, /* of klibc */
	PART_DRACUT,   /* its module nfs */
	PARTS
};

#define HAS(p) (1u << (p))

struct parts {
	uint32_t has;
	char release[64]; /* of the kernel, from the paths of its modules; or empty */
	uint32_t entries;
};

/* Adds what a path says: a module or program in an initramfs, a line of modules.builtin. */
void parts_of_path(struct parts *, const char *path);
/* Adds what a kernel's config says is built in. */
void parts_of_config(struct parts *, const char *text);
/* How it is called: as a module or program, or as an option of the kernel's. */
const char *part_name(enum part);

#endif
