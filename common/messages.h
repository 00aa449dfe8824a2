/* SPDX-License-Identifier: ISC */
/*
 * The payloads of messages.def: what crosses a wall. Fixed-width integers and char arrays only; no pointers, no
 * padding (each size is asserted in messages.c); a sender zeroes the struct before it fills it in.
 * Addresses are IPv4 in network byte order. Times are milliseconds of the wall clock since 1970.
 */
#ifndef DISKLESS_MESSAGES_H
#define DISKLESS_MESSAGES_H

#include <stdint.h>

/* Who speaks. A set of roles is an or of them. */
#define ROLE_PARENT 0x01u
#define ROLE_BROKER 0x02u
#define ROLE_DHCP   0x04u
#define ROLE_TFTP   0x08u
#define ROLE_CTL    0x10u
#define ROLE_CHILD  (ROLE_BROKER | ROLE_DHCP | ROLE_TFTP)

#define NAME_SIZE      64  /* a client's, image's or network's name with its NUL */
#define INTERFACE_SIZE 16  /* IFNAMSIZ */
#define PATH_SIZE      256 /* a requested boot file; longer requests are refused before they get here */
#define TEXT_SIZE      256 /* one line for the operator */
#define MAC_SIZE       6
#define BOOT_FILE_SIZE 128 /* the file field of a DHCP packet, with its NUL */

#define NETWORK_NAME_SERVERS 4

enum msg_type {
	MSG_NONE,
#define MESSAGE(name, from, to, payload, descriptor, phase) MSG_##name,
#include "messages.def"
	MSG_TYPES
};

struct msg_empty {
	uint32_t zero;
};

struct msg_start {
	uint64_t version; /* ipc_version() of the sender: a binary of another build is refused */
	uint32_t role;
	uint32_t network; /* index of the network that dhcp and tftp serve */
	uint32_t uid;
	uint32_t gid;
	uint32_t log_level; /* syslog(3) priority */
	uint32_t zero;
	char empty_directory[PATH_SIZE]; /* what the child makes its root directory */
};

enum socket_kind {
	SOCKET_CONTROL = 1,   /* broker: listening SOCK_SEQPACKET, non-blocking */
	SOCKET_DHCP,          /* dhcp: UDP, bound to port 67 on the network's interface */
	SOCKET_DHCP_4011,     /* dhcp: UDP, bound to server address, port 4011: questions for a boot server */
	SOCKET_ARP,           /* dhcp: AF_PACKET SOCK_DGRAM that receives nothing, to send frames */
	SOCKET_TFTP_REQUEST,  /* tftp: UDP, bound to server address, port 69 */
	SOCKET_TFTP_TRANSFER, /* tftp: UDP, bound to server address, a port of its own; index 0 .. 15 */
};

struct msg_socket {
	uint32_t kind; /* enum socket_kind */
	uint32_t index;
	uint32_t ifindex;      /* of the network's interface; 0 for SOCKET_CONTROL */
	uint32_t mtu;          /* of that interface */
	uint8_t mac[MAC_SIZE]; /* of that interface */
	uint8_t zero[2];
};

struct msg_peer {
	uint32_t role;    /* who is at the other end */
	uint32_t network; /* which one of them, for dhcp and tftp */
	uint32_t epoch;   /* the start of that process: a question of an earlier one is not answered */
	uint32_t zero;
};

struct msg_config_begin {
	uint32_t generation; /* grows with each reload */
	uint32_t networks;
	uint32_t clients;
	uint32_t zero;
};

enum dhcp_mode { DHCP_OFF = 1, DHCP_PROXY, DHCP_RESERVATIONS };
enum unknown_policy { UNKNOWN_OBSERVE = 1, UNKNOWN_ANSWER };
enum root_kind { ROOT_NFS = 1, ROOT_LOCAL };
enum boot_kind { BOOT_NETWORK = 1, BOOT_SD };
/* Who asks for a first file of its own (common/boot_arch.h). */
enum boot_arch {
	BOOT_BIOS,
	BOOT_EFI_IA32,
	BOOT_EFI_X64,
	BOOT_EFI_ARM32,
	BOOT_EFI_ARM64,
	BOOT_IPXE,
	BOOT_HTTP_X64,
	BOOT_HTTP_ARM64,
	BOOT_ARCHS
};

struct msg_network {
	uint32_t index;   /* 0 .. number of networks - 1 */
	uint32_t server;  /* our address on it */
	uint32_t gateway; /* 0: none */
	uint32_t prefix;  /* length, 1 .. 30 */
	uint32_t dhcp;    /* enum dhcp_mode */
	uint32_t unknown; /* enum unknown_policy */
	uint32_t lease;   /* seconds, of DHCP_RESERVATIONS */
	uint32_t name_servers;
	uint32_t name_server[NETWORK_NAME_SERVERS];
	char name[NAME_SIZE];
	char interface[INTERFACE_SIZE];
	char boot_file[BOOT_ARCHS][BOOT_FILE_SIZE]; /* by enum boot_arch; empty: none */
};

struct msg_client {
	uint32_t index; /* 0 .. number of clients - 1, in this generation */
	uint32_t generation;
	uint32_t network; /* index of its network */
	uint32_t address;
	uint32_t serial;     /* low 32 bits of the board's serial */
	uint32_t has_serial; /* 0 or 1 */
	uint32_t root;       /* enum root_kind */
	uint32_t boot;       /* enum boot_kind */
	uint8_t mac[MAC_SIZE];
	uint8_t zero[2];
	char name[NAME_SIZE];
};

struct msg_config_end {
	uint32_t generation;
	uint32_t zero;
};

enum client_phase {
	CLIENT_WAITING = 1, /* not attached yet */
	CLIENT_ATTACHED,    /* its root is mounted on the server */
	CLIENT_EXPORTED,    /* and its address may mount it */
	CLIENT_FAILED,      /* text says why */
};

struct msg_client_state {
	uint32_t client; /* index */
	uint32_t generation;
	uint32_t phase; /* enum client_phase */
	uint32_t fsid;
	uint64_t quota; /* bytes */
	uint64_t used;  /* bytes of the upper that hold data */
	char text[TEXT_SIZE];
};

enum process_phase { PROCESS_STARTING = 1, PROCESS_READY, PROCESS_DEAD };

struct msg_process_state {
	uint32_t role;
	uint32_t network;
	uint32_t pid;
	uint32_t phase; /* enum process_phase */
	uint32_t restarts;
	uint32_t zero;
};

struct msg_server_state {
	uint32_t generation;
	uint32_t nfsd;    /* 1: the kernel's nfsd runs */
	uint32_t exports; /* lines in force */
	uint32_t zero;
	uint64_t started;
	char text[TEXT_SIZE]; /* what is wrong, or empty */
};

struct msg_mounted {
	uint32_t client;
	uint32_t generation;
};

enum board_model { BOARD_OTHER = 0, BOARD_PI3 = 3, BOARD_PI4 = 4, BOARD_PI5 = 5 };
enum dhcp_verdict {
	SEEN_OFFERED = 1,
	SEEN_UNKNOWN,
	SEEN_NOT_SERVED,
	/* Of clients, and no step of a boot: */
	SEEN_OTHER_ADDRESS, /* asks for address, which is not its own; server, if it says so, gave it */
	SEEN_OTHER_SERVER,  /* takes its address from server, though it is we who give it */
	SEEN_DECLINED,      /* says that somebody has its address already */
};

struct msg_dhcp_seen {
	uint32_t network;
	uint32_t verdict;  /* enum dhcp_verdict */
	uint32_t model;    /* enum board_model */
	uint32_t revision; /* board revision code of option 97, or 0 */
	uint32_t serial;
	uint32_t has_serial;
	uint32_t address; /* SEEN_OTHER_ADDRESS */
	uint32_t server;  /* SEEN_OTHER_ADDRESS, SEEN_OTHER_SERVER; 0: not known */
	uint8_t mac[MAC_SIZE];
	uint8_t zero[2];
	char vendor[NAME_SIZE]; /* option 60, made printable */
};

struct msg_read {
	uint32_t id;          /* of tftp, echoed by all */
	uint32_t epoch;       /* of that tftp; set by the broker */
	uint32_t network;     /* set by the broker from the pipe it came by */
	uint32_t address;     /* that the request came from */
	char path[PATH_SIZE]; /* as requested */
};

struct msg_neighbour {
	struct msg_read read;
	uint32_t found; /* 0: the kernel knows no MAC for that address */
	uint8_t mac[MAC_SIZE];
	uint8_t zero[2];
};

struct msg_open {
	struct msg_read read;
	uint32_t client; /* index */
	uint32_t generation;
	uint8_t mac[MAC_SIZE]; /* that the neighbour table gave */
	uint8_t zero[2];
	char rest[PATH_SIZE]; /* the path below the client's boot directory */
};

enum refusal { REFUSE_SILENTLY = 1, REFUSE_NOT_FOUND, REFUSE_ACCESS };

struct msg_refuse {
	uint32_t id;
	uint32_t why; /* enum refusal */
	char text[64];
};

enum file_status { FILE_OPENED = 1, FILE_NOT_FOUND, FILE_REFUSED, FILE_FAILED };

struct msg_file {
	uint32_t id;
	uint32_t status; /* enum file_status; a descriptor comes with FILE_OPENED and only then */
	uint64_t size;
};

enum done_status {
	DONE_SENT = 1, /* the last block was acknowledged, or only that is missing: some ROMs never do it */
	DONE_CLOSED,   /* the client ended it early: normal for a probe */
	DONE_TIMEOUT,
	DONE_NOT_FOUND,
	DONE_REFUSED,
	DONE_FAILED, /* our fault: reading, memory */
};

struct msg_done {
	uint32_t address;
	uint32_t status; /* enum done_status */
	uint64_t bytes;
	uint32_t milliseconds;
	uint32_t retransmits;
	char path[PATH_SIZE];
};

enum ctl_verb { CTL_STATUS = 1, CTL_CLIENTS, CTL_SIGHTINGS, CTL_BOOTS, CTL_RELOAD, CTL_AUDIT };

struct msg_ctl_request {
	uint64_t version;
	uint32_t verb;        /* enum ctl_verb */
	uint32_t follow;      /* CTL_BOOTS: stay, and send rows as they change */
	char name[NAME_SIZE]; /* of a client, or empty for all */
};

struct msg_ctl_client {
	struct msg_client client;
	struct msg_client_state state;
	uint64_t last_seen; /* 0: never */
	uint32_t step;      /* enum boot_step of its last boot, 0: none */
	uint32_t zero;
};

struct msg_ctl_sighting {
	uint64_t first;
	uint64_t last;
	uint32_t count;
	uint32_t model; /* enum board_model */
	uint32_t revision;
	uint32_t serial;
	uint32_t has_serial;
	uint8_t mac[MAC_SIZE];
	uint8_t zero[6];
	char network[NAME_SIZE];
	char vendor[NAME_SIZE];
};

/* The steps of a boot, in order. */
enum boot_step { STEP_SEEN = 1, STEP_OFFERED, STEP_FIRMWARE, STEP_KERNEL, STEP_MOUNTED, STEPS };

struct msg_ctl_boot {
	uint64_t at[6];   /* when step i (enum boot_step) was reached; 0: not */
	uint32_t files;   /* sent whole */
	uint32_t missing; /* asked for and not there */
	uint32_t refused;
	uint32_t retransmits;
	uint64_t bytes;
	uint32_t step;    /* the last one reached */
	uint32_t stalled; /* 1: no progress for longer than that step may take */
	char client[NAME_SIZE];
	char file[PATH_SIZE];  /* the last one asked for */
	char fault[TEXT_SIZE]; /* what an operator should look at, or empty */
};

struct msg_ctl_end {
	uint32_t ok;
	uint32_t zero;
	char text[1024];
};

enum finding_kind {
	FINDING_BREACH = 1,
	FINDING_UNKNOWN, /* the auditor cannot tell */
	FINDING_NOTE,    /* worth knowing, and no breach */
};
enum finding_closes { CLOSES_NOTHING, CLOSES_CLIENT, CLOSES_ALL };

struct msg_finding {
	uint32_t ctl;    /* which connection of the broker's asked */
	uint32_t kind;   /* enum finding_kind */
	uint32_t closes; /* enum finding_closes */
	uint32_t zero;
	char text[TEXT_SIZE];
};

struct msg_reload {
	uint32_t ctl; /* which connection of the broker's asked */
	uint32_t uid;
};

struct msg_reloaded {
	uint32_t ctl;
	uint32_t ok;
	char text[1024]; /* the errors of the configuration, a line each */
};

union msg_payload {
#define MESSAGE(name, from, to, payload, descriptor, phase) struct msg_##payload name;
#include "messages.def"
};

#endif
