/* SPDX-License-Identifier: ISC */
/* The parent's parts and how they meet. Included by daemons/disklessd/ and its tests only. */
#ifndef DISKLESS_DISKLESSD_H
#define DISKLESS_DISKLESSD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "access.h"
#include "attach.h"
#include "boot_kernel.h"
#include "config.h"
#include "ipc.h"

struct event_base;

/* ---- the configuration in force, as the wire has it (configure.c) ---- */

struct server {
	struct event_base *base;
	const char *config_path;
	struct config *config;
	uint32_t generation;
	struct msg_network *networks;
	struct msg_client *clients;
	struct access_view view; /* of the two above */
	uint64_t started;        /* wall clock, ms */
	uint32_t exports;        /* lines in force */
	bool nfsd;               /* the kernel's nfsd runs */
	char trouble[TEXT_SIZE]; /* what is wrong with the exports, or empty */
	char guard_trouble[TEXT_SIZE];
	char audit_trouble[TEXT_SIZE];
};

/* Puts config in force and takes it. false: it is freed, errors says why, and what was in force still is. */
bool server_configure(struct server *, struct config *, char *errors, size_t size);
/* Serves again where an interface was removed and made anew, and where nothing could be served before. Cheap: call it often. */
void server_keep(struct server *);
/* Reads the configuration again and applies it. On error the old one stays and errors says why. */
bool server_reload(struct server *, char *errors, size_t size);

/* ---- sockets.c: every socket of the suite, kept open while children come and go ---- */

#define TFTP_TRANSFER_SOCKETS 16
#define TFTP_FIRST_PORT       61069 /* above Linux's ephemeral ports (32768..60999), for a firewall's rule */

struct network_sockets {
	int dhcp;
	int dhcp_4011;
	int arp;
	int tftp_request;
	int tftp_transfer[TFTP_TRANSFER_SOCKETS];
	struct msg_socket facts; /* ifindex, mtu, mac */
};

/* 0, or -1 and why; then nothing stays open. those of dhcp are -1 when the network's dhcp is off. */
int sockets_open(const struct msg_network *, struct network_sockets *, char *why, size_t size);
void sockets_close(struct network_sockets *);
/* Is the interface gone, or is it what it was when these were opened: the same one, with the same addresses and MTU? Else it is new. */
enum interface_now { INTERFACE_GONE, INTERFACE_SAME, INTERFACE_NEW };
enum interface_now sockets_interface(const struct msg_network *, const struct network_sockets *);
/* The listening control socket. Its directory exists. */
int sockets_control(char *why, size_t size);

/* ---- children.c: who runs, and what they may ask ---- */

void children_start(struct server *);
/*
 * Opens the sockets of networks, if they are not those being served: then the old ones are closed, since they hold the ports. false
 * and why: nothing is served until the old networks are prepared and applied again.
 */
bool children_prepare(const struct msg_network *, size_t count, char *why, size_t size);
/* The prepared sockets take effect, with new dhcp and tftp processes, if any network differs; the broker gets everything anew. */
void children_apply(struct server *);
/* Are all interfaces there, and is one not what its network's sockets were opened on? */
bool children_stale(const struct server *);
void children_tell(const struct msg_client_state *);
void children_tell_mounted(uint32_t client, uint32_t generation);
void children_tell_finding(const struct msg_finding *);
void children_tell_audited(uint32_t ctl);
void children_tell_server(const struct server *);
unsigned children_interface(uint32_t network); /* its ifindex */

/* ---- roots.c: which roots are attached ---- */

void roots_init(struct server *);
/* Attaches what the configuration has and is not attached, withdraws what it has no more. */
void roots_apply(struct server *);
/* The state of every client of the configuration, to the broker. */
void roots_tell_all(struct server *);
/* A client asks for a boot file. If it discards what it writes, and has used its root since that was made, it gets a fresh one. */
void roots_boot_begins(const char *name);
/* Is this client's root attached? Then *paths and *boot (its boot directory) are set. */
bool roots_attached(const char *name, const struct attach_paths **paths, const char **boot);
/* The export lines wanted now; text is the caller's. Returns the number of lines, -1 when memory is out. */
int roots_exports(const struct server *, char **text);
/* exportfs has done it: these are in force, and withdrawn roots may be detached. */
void roots_exported(struct server *, bool in_force);
/* The root at this place in the list of all; *paths NULL: it is not attached. false: there are no more. */
bool roots_at(size_t place, const char **name, const struct attach_paths **paths);
/* The auditor closed or opened doors: who is closed out now is withdrawn. */
void roots_audited(struct server *);
/* The addresses of the clients that the auditor closes out; free() them. */
size_t roots_closed(uint32_t **addresses);
/* Who has a TCP connection to nfsd: tells the broker of each client that is new among them. */
void roots_look_for_mounts(struct server *);

/* ---- peers.c: who has a connection to nfsd ---- */

struct nfs_peer {
	uint32_t address;
	uint32_t ports; /* the sum of those that its connections come from */
};
/* Sorted, each address once, free() them; and the one of an address, or NULL. */
size_t nfs_peers(struct nfs_peer **peers);
const struct nfs_peer *nfs_peer_of(const struct nfs_peer *, size_t count, uint32_t address);

/* Does any program here listen to this port of TCP, over IPv4 or IPv6? 1 or 0; -1 with errno. And pure: is it that of this line? */
int tcp_listens(unsigned port);
bool tcp_line_listens(const char *line, unsigned port);

/*
 * Two machines with one MAC and one address take each other's connections away, over and over. Pure: called with what an address has at
 * each look; true, once a minute at most, if it changes as that of one machine does not.
 */
struct restless {
	uint64_t since;
	uint32_t ports;
	unsigned changes;
};
bool nfs_restless(struct restless *, uint32_t ports, uint64_t now_ms);

/* ---- exports.c: one file, generated whole ---- */

void exports_init(struct server *);
/* Soon (EXPORTS_DEBOUNCE_MS): write the file, exportfs -r, verify. */
#define EXPORTS_DEBOUNCE_MS 300
void exports_request(struct server *);
void exports_request_now(struct server *);
/* The guard is no longer busy. */
void exports_guarded(void);
/* Pure: one line; and does etab (the text) hold exactly these lines (of exports_line) below PATH_ROOTS? */
int exports_line(char *line, size_t size, const char *name, uint32_t address, uint32_t fsid);
enum export_is { EXPORT_FOREIGN, EXPORT_RIGHT, EXPORT_WRONG, EXPORT_UNWANTED };
/* Pure: a line of etab: somebody else's; ours and right; ours with wrong options, and why; ours and not wanted, and why. */
enum export_is exports_judge(const char *line, size_t length, const char *wanted, char *why, size_t size);
/* Pure: is this one of the options, which end with length or a parenthesis? */
bool exports_option(const char *list, size_t length, const char *option);
/* etab as it is now (exportfs renames it into place), free() it; NULL with errno. */
char *exports_etab(void);
/* The lines that exportfs was run for last, NULL while it runs. */
const char *exports_wanted(void);
bool exports_verify(const char *etab, const char *wanted, char *why, size_t size);

/* ---- withdraw.c: takes from an address what it had ---- */

/*
 * The root at this path (mounted) is not this address's (0: not known) any more: call it before the export lines change. The
 * export goes at once, state, locks and connections of the address are revoked; if the export does not go the address is dropped.
 * Whether the root is unmounted then is the caller's.
 */
void withdraw(struct server *, uint32_t address, const char *root);
/* The export lines were made without those that are being withdrawn; and: they are in force. */
void withdraw_unlisted(void);
void withdraw_exported(struct server *);
/* The addresses that are dropped, since their exports do not go; free() them. */
size_t withdraw_closed(uint32_t **addresses);
/* Pure: is this what the kernel tells (/proc/fs/nfsd/clients/N/info) of a client with this address? */
bool withdraw_is_of(const char *info, uint32_t address);

/* ---- guard.c: the guard's table of nftables ---- */

void guard_init(struct server *);
/* Makes the table as the configuration has it; takes effect whole, and soon. Nothing to do is quick. */
void guard_apply(struct server *);
/* Is it not known yet whether the last change took effect? */
bool guard_busy(void);
/* And is it about a network that was not guarded before, or closes all? Exports wait until it is known. */
bool guard_pending(const struct server *);
/* Is this network's guard off, or in force? A root may be exported only then. */
bool guard_in_force(void); /* all of it, closed doors included */
bool guard_holds(const struct server *, uint32_t network);

/* ---- audit.c: is what makes the claim true still so? ---- */

void audit_init(struct server *);
/* Something changed: look soon, not only at the next minute. */
void audit_soon(void);
/* A root is no longer among those of roots_at(). */
void audit_root_gone(void);
/* The same, and this connection of the broker's hears what was found. */
void audit_ask(uint32_t ctl);
/* Doors that it keeps closed: of a client, or NFS to all. */
bool audit_closes(const char *client);
bool audit_closes_all(void);

/* ---- boot_files.c ---- */

/* The command line of this client (diskless.conf(5)), ended by a newline. -1: it does not fit. Pure. */
int boot_cmdline(const struct config_client *, char *text, size_t size);
/* The same for a PC's kernel, without an end of line: its firmware knows its console, and its network device keeps the kernel's name. */
int boot_words(const struct config_client *, char *text, size_t size);
#define BOOT_CMDLINE_SIZE 1024 /* COMMAND_LINE_SIZE is 2048 on x86 and arm64, 1024 on arm: arch/.../setup.h */
/* The file of an OPEN that has been checked: status, and size and fd when it is FILE_OPENED. */
enum file_status boot_open(
    const struct server *, const struct config_client *, const char *path, uint64_t *size, int *fd);

/* ---- boot_loader.c: what loaders of PCs read ---- */

enum boot_loader { LOADER_NONE, LOADER_IPXE, LOADER_GRUB, LOADER_PXELINUX };
/* Whose file is path (below the boot directory) for this client? boot.ipxe, grub/grub.cfg, pxelinux.cfg/default or its 01-MAC. */
enum boot_loader boot_loader_of(const struct config_client *, const char *path);
/* Its length; -1: the command line has a character ('$', a backslash or a single quote) or word that loaders change, or does not fit. */
int boot_loader_text(
    enum boot_loader, const struct config_client *, const struct boot_kernel *, char *text, size_t size);

/* ---- neighbours.c: the kernel's table of who holds which address ---- */

void neighbours_init(void);
struct pin {
	unsigned ifindex;
	uint32_t address;
	uint8_t mac[MAC_SIZE];
};
/* Makes a permanent entry; a dynamic one is replaced. 0, or -1 with errno. */
int neighbours_pin(const struct pin *);
/*
 * These, and no others of ours, are permanent from now on: an entry of the last call that is not among them is taken out. Takes
 * pins, which came from malloc(3).
 */
void neighbours_pin_all(struct pin *pins, size_t count);
/* The last call's pins again. */
void neighbours_pin_again(void);
/* Likewise, if an interface has lost its first one, as one that was down has. Cheap: call it often. */
void neighbours_keep(void);
/* Who holds address? false: unknown. *permanent: by an entry that does not learn. */
bool neighbours_find(unsigned ifindex, uint32_t address, uint8_t mac[static MAC_SIZE], bool *permanent);

/* ---- tool.c: the one way to run a program ---- */

#define TOOL_LIMIT_MS 30000
/*
 * Runs argv[0] (absolute) with nothing but its arguments and, if it is not NULL, input (copied); done gets its wait status and
 * what it wrote to stdout and stderr, cut at some megabytes. It is killed after TOOL_LIMIT_MS. Programs run one after the other,
 * in the order of the calls, nft beside all others; argv must last until done. -1 if it cannot be done (done is not called).
 */
int tool_run(struct event_base *, const char *const argv[], const char *input,
    void (*done)(int status, const char *output, void *), void *argument);
bool tool_reaped(pid_t, int status);

#endif
