/* SPDX-License-Identifier: ISC */
/* What the auditor decides, from texts of the kernel's and of nfs-utils'. Pure functions. */
#ifndef DISKLESS_AUDIT_RULES_H
#define DISKLESS_AUDIT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"

struct audit {
	/* What was found; name is the client's whose door is to be closed, or NULL. */
	void (*found)(struct audit *, enum finding_kind, enum finding_closes, const char *name, const char *text);
	/* Is this path on the filesystem that holds images and uppers? 1 or 0; -1 if that cannot be told. */
	int (*with_state)(const char *path);
	/* Is this client closed out, by the audit before, and this its address? Then we do not export to it, others may. */
	bool (*closed_out)(const char *name, const char *address, size_t length);
};

/* Every line of etab, beside the export lines of ours (exports_line) that are to be in force. */
void audit_etab(struct audit *, const char *etab, const char *ours);
/* /proc/fs/nfsd/versions: "-2 +3 +4 +4.1". */
void audit_versions(struct audit *, const char *versions);
/* /proc/fs/nfsd/portlist: a transport and its port a line. */
void audit_ports(struct audit *, const char *portlist);
/* Does mountd listen where the guard looks for it? guarded: there is a network with guard on. */
void audit_mountd(struct audit *, bool listens, bool guarded);
/* What `rpc.mountd --version` says. */
void audit_nfs_utils(struct audit *, const char *version);
/* The mounts below a directory of ours, each of a client: no two may be of one filesystem. what: upper, root. */
void audit_own_filesystems(struct audit *, const char *mountinfo, const char *below, const char *what);
/* A directory of ours as it is. true: it is to be put right, and can. */
bool audit_directory(struct audit *, const char *path, uint32_t uid, uint32_t mode, uint32_t wanted);

#endif
