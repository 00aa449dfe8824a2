/* SPDX-License-Identifier: ISC */
/* Where things are (DESIGN.md section 4). The Makefile defines the prefixes. */
#ifndef DISKLESS_PATHS_H
#define DISKLESS_PATHS_H

#ifndef DISKLESS_SYSCONFDIR
#define DISKLESS_SYSCONFDIR "/etc"
#endif
#ifndef DISKLESS_LIBEXECDIR
#define DISKLESS_LIBEXECDIR "/usr/libexec/diskless"
#endif

#define PATH_CONFIG    DISKLESS_SYSCONFDIR "/diskless/diskless.conf"
#define PATH_CLIENTS_D DISKLESS_SYSCONFDIR "/diskless/clients.d"
#define PATH_STATE     "/var/lib/diskless"
#define PATH_IMAGES    PATH_STATE "/images"  /* NAME/N/{image.ext4,manifest} */
#define PATH_CLIENTS   PATH_STATE "/clients" /* NAME/manifest, NAME/GENERATION/{upper.ext4,manifest} */
#define PATH_NEXT_FSID PATH_STATE "/next-fsid"
#define PATH_RUN       "/run/diskless"
#define PATH_CONTROL   PATH_RUN "/control.sock"
#define PATH_EMPTY     PATH_RUN "/empty"
#define PATH_MOUNTS    PATH_RUN "/mounts" /* 0700: images/NAME-N, uppers/NAME */
#define PATH_ROOTS     "/srv/diskless"    /* NAME: a client's mounted root */
#define PATH_EXPORTS   "/etc/exports.d/diskless.exports"
#define PATH_EXPORTFS  "/usr/sbin/exportfs"
#define PATH_NFT       "/usr/sbin/nft"
#define PATH_SS        "/usr/bin/ss"
#define PATH_MOUNTD    "/usr/sbin/rpc.mountd"
#define PATH_ETAB      "/var/lib/nfs/etab"

#define USER_BROKER   "_diskless-broker"
#define USER_DHCP     "_diskless-dhcp"
#define USER_TFTP     "_diskless-tftp"
#define GROUP_CONTROL "diskless" /* its members may use disklessctl's reading verbs */

#endif
