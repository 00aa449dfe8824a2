/* SPDX-License-Identifier: ISC */
/*
 * hostile_child: stands in the place of diskless-broker, -dhcp and -tftp as one of them that has been taken over. It starts and locks itself
 * up as they do, and from then on says whatever its orders say, on every pipe that it has. For tests/hostile, which puts it in
 * their place and keeps the real ones in real/ beside it.
 *
 * Its orders are read before the jail; a line each:
 *
 *	act ACT NAME		NAME ("broker", "tftp lab") does ACT of the table below; who has no act becomes the real program
 *	address A.B.C.D		whom it claims to be, one after the other
 *	path TEXT		what it asks for
 *
 * What it gets goes to report.ROLE, lines of text behind a count, in memory that is shared before the jail.
 */
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <linux/futex.h>

#include "child.h"
#include "clock.h"
#include "ipc/raw.h"
#include "syscalls.h"

#define ORDERS       "/run/hostile/orders"
#define REPORT       "/run/hostile/report."
#define REPORT_SIZE  (4 << 20)
#define LIST_MAX     64
#define TICK_MS      5
#define BATCH        32  /* messages a tick */
#define HEAD         120 /* bytes of a file that are reported */
#define FLOOD_MS     4000
#define TITLE_PREFIX "diskless-"

static struct child child;
static const struct syscall_table *table;
static char act[16];
static uint32_t addresses[LIST_MAX];
static size_t address_count;
static char paths[LIST_MAX][PATH_SIZE];
static size_t path_count;
static int spare = -1; /* a descriptor to attach */
static int peer = -1;  /* the pipe to tftp or dhcp, or to the broker */
static uint32_t epoch; /* of the tftp of network 0 */
static uint32_t next;  /* the next question */
static struct msg_client clients[LIST_MAX];
static uint32_t client_count;

struct report {
	uint32_t used;
	uint32_t starts;
	char text[];
};
static struct report *report;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
say(const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(report->text + report->used, 512, format, arguments);
	va_end(arguments);
	if (length > 0 && report->used + 1024 < REPORT_SIZE - sizeof(*report))
		report->used += (uint32_t)length;
}

/* ---- before the jail ---- */

static void
take_order(char *line, const char *self)
{
	char word[16], rest[PATH_SIZE];

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "act %15s %255[^\n]", word, rest) == 2 && strcmp(rest, self) == 0)
		strcpy(act, word);
	else if (strncmp(line, "address ", 8) == 0 && address_count < LIST_MAX)
		addresses[address_count++] = inet_addr(line + 8);
	else if (strncmp(line, "path ", 5) == 0 && path_count < LIST_MAX)
		snprintf(paths[path_count++], PATH_SIZE, "%s", line + 5);
}

static void
read_orders(const char *self)
{
	FILE *file = fopen(ORDERS, "re");
	char line[512];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		take_order(line, self);
	if (file != NULL)
		fclose(file);
}

static void
open_report(const char *role)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), REPORT "%s", role);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1 || ftruncate(fd, REPORT_SIZE) == -1)
		_exit(2);
	report = mmap(NULL, REPORT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (report == MAP_FAILED)
		_exit(2);
	close(fd);
	report->starts++;
}

/* ---- saying ---- */

/* A sleep that the jail has. */
static void
doze(void)
{
	const struct timespec wait = { 0, 1000000 };
	uint32_t word = 0;

	syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &wait, NULL, 0);
}

/* Until the pipe takes it, or for good: its reader may have stopped. */
static void
push(int pipe, const struct raw *raw, size_t length, int descriptors)
{
	while (raw_send(pipe, raw, length, descriptors, spare) == -1 && errno == EAGAIN)
		doze();
}

static void
push_right(int pipe, enum msg_type type, const void *payload)
{
	struct raw raw = raw_right(type);

	memcpy(raw.payload, payload, raw.size);
	push(pipe, &raw, raw_length(&raw), 0);
}

static uint32_t
random_below(uint32_t limit)
{
	static uint32_t state;

	if (state == 0)
		state = report->starts * 2654435761u + 1;
	state ^= state << 13; /* xorshift (Marsaglia) */
	state ^= state >> 17;
	state ^= state << 5;
	return state % limit;
}

/* ---- tftp: asks for what is not its clients' ---- */

static struct msg_read
question(uint32_t number)
{
	struct msg_read read = { .id = number, .network = number % 3, .epoch = number };

	read.address = addresses[number / path_count % address_count];
	memcpy(read.path, paths[number % path_count], PATH_SIZE);
	return read;
}

/* Every path in the name of every address. */
static void
ask(void)
{
	for (unsigned i = 0; i < BATCH && peer != -1 && next < address_count * path_count; i++) {
		struct msg_read read = question(next++);

		push_right(peer, MSG_TFTP_READ, &read);
	}
}

static void
ask_and_never_read(void)
{
	while (peer != -1) {
		struct msg_read read = question(next++);

		push_right(peer, MSG_TFTP_READ, &read);
	}
}

static void
got_file(struct ipc_message *message)
{
	static const char *const words[] = { "?", "opened", "not-found", "refused", "failed" };
	const struct msg_file *file = &message->body.FILE;
	char head[HEAD + 1] = "";

	if (message->fd != -1 && pread(message->fd, head, HEAD, 0) < 0)
		snprintf(head, sizeof(head), "unreadable");
	head[strcspn(head, "\n")] = '\0';
	say("%s %s\n", words[file->status < 5 ? file->status : 0], head);
}

/* ---- broker: has opened what nobody may have ---- */

static struct msg_open
open_of(uint32_t number)
{
	struct msg_open open = { .read = question(number), .generation = clients[0].generation };
	uint32_t round = number / (uint32_t)(address_count * path_count);
	const struct msg_client *claimed = &clients[round % client_count];

	open.client = claimed->index;
	memcpy(open.mac, claimed->mac, MAC_SIZE);
	open.read.epoch = epoch;
	open.read.network = round / client_count % 2;
	/* What is asked and what is to be opened: the same, or any other. */
	memcpy(open.rest, paths[round % 3 == 0 ? number % path_count : random_below((uint32_t)path_count)], PATH_SIZE);
	return open;
}

static void
have_opened(void)
{
	if (client_count == 0 || epoch == 0 || next == UINT32_MAX)
		return;
	for (unsigned i = 0; i < BATCH; i++) {
		struct msg_open open = open_of(next++);

		push_right(CHILD_PIPE_FD, MSG_OPEN, &open);
	}
	if (next >= address_count * path_count * client_count * 4) {
		say("asked %u\n", next);
		next = UINT32_MAX;
	}
}

/* Any value in any field of the three that it may say. */
static void
say_random(void)
{
	static const enum msg_type types[] = { MSG_OPEN, MSG_NEIGHBOUR_ASK, MSG_RELOAD };

	for (unsigned i = 0; i < BATCH && epoch != 0; i++) {
		struct raw raw = raw_right(types[random_below(20) == 0 ? 2 : random_below(2)]);

		for (size_t at = 0; at < raw.size; at++)
			raw.payload[at] = random_below(4) == 0 ? (unsigned char)random_below(256) : 0;
		((struct msg_read *)raw.payload)->network = random_below(2);
		((struct msg_read *)raw.payload)->epoch = epoch;
		((struct msg_read *)raw.payload)->path[PATH_SIZE - 1] = '\0';
		raw.payload[message_rules[raw.type].size - 1] = '\0';
		push(CHILD_PIPE_FD, &raw, raw_length(&raw), 0);
		next++;
	}
}

static void
flood_with(enum msg_type type)
{
	struct msg_read read = { .network = 0, .address = addresses[next++ % address_count] };
	uint64_t end = clock_ms() + FLOOD_MS;

	while (clock_ms() < end)
		push_right(CHILD_PIPE_FD, type, &read);
	say("flooded\n");
}

static void
flood_neighbours(void)
{
	flood_with(MSG_NEIGHBOUR_ASK);
}

static void
flood_reloads(void)
{
	flood_with(MSG_RELOAD);
}

/* A row with escapes wherever a terminal might obey, and strings that end. */
static struct raw
row_of_escapes(enum msg_type type)
{
	struct raw raw = raw_right(type);

	memset(raw.payload, 27, raw.size);
	for (size_t i = 0; i < message_string_count; i++)
		if (strcmp(message_strings[i].payload, message_rules[type].payload) == 0)
			raw.payload[message_strings[i].offset + message_strings[i].size - 1] = '\0';
	return raw;
}

/* A connection that is closed with a question unread breaks off what was said. */
static void
hear_question(int fd)
{
	struct raw raw;
	struct iovec iov = { &raw, sizeof(raw) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

	while (recvmsg(fd, &header, MSG_DONTWAIT) == -1 && errno == EAGAIN)
		doze();
}

/* To an operator: rows of all kinds and a last word; to every second one, rows without end. */
static void
lie(void)
{
	static const enum msg_type rows[] = { MSG_CTL_SERVER, MSG_CTL_PROCESS, MSG_CTL_NETWORK, MSG_CTL_CLIENT,
		MSG_CTL_SIGHTING, MSG_CTL_BOOT, MSG_CTL_END };
	int fd = accept4(spare, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	uint64_t end = clock_ms() + 60000;

	if (fd == -1)
		return;
	hear_question(fd);
	errno = 0;
	next++;
	for (size_t i = 0; next % 2 == 0 && errno != EPIPE && clock_ms() < end; i++) {
		struct raw raw = row_of_escapes(rows[i % 6]);

		push(fd, &raw, raw_length(&raw), 0);
	}
	for (size_t i = 0; next % 2 == 1 && i < sizeof(rows) / sizeof(*rows); i++) {
		struct raw raw = row_of_escapes(rows[i]);

		push(fd, &raw, raw_length(&raw), 0);
	}
	close(fd);
}

static void
flood_audits(void)
{
	flood_with(MSG_AUDIT_ASK);
}

/* ---- dhcp ---- */

static void
see_random(void)
{
	while (peer != -1) {
		struct msg_dhcp_seen seen = { .verdict = random_below(8), .model = random_below(8) };

		for (unsigned i = 0; i < MAC_SIZE; i++)
			seen.mac[i] = (uint8_t)random_below(256);
		seen.serial = random_below(UINT32_MAX);
		memset(seen.vendor, 27, sizeof(seen.vendor) - 1); /* escape: a terminal would obey */
		push_right(peer, MSG_DHCP_SEEN, &seen);
	}
}

/* ---- any of them ---- */

/* A form of a message that is wrong in one way, another with each start, first to a peer and then to the parent. */
static void
break_form(void)
{
	uint32_t type = 1 + report->starts * 7 % (MSG_TYPES - 1);
	struct raw raw = raw_right(type);
	size_t length = raw_length(&raw);
	int descriptors = raw_fds(&message_rules[type]);

	if (peer == -1)
		return;
	switch (report->starts % 8) {
	case 0:
		length = 0;
		break;
	case 1:
		length = RAW_HEADER - 1;
		break;
	case 2:
		raw.size = UINT32_MAX;
		break;
	case 3:
		length = sizeof(raw);
		break;
	case 4:
		descriptors = RAW_FDS_MAX;
		break;
	case 5:
		raw.type = MSG_TYPES + report->starts;
		break;
	case 6: /* not its to say */
		raw = raw_right(MSG_CONFIG_BEGIN);
		length = raw_length(&raw);
		descriptors = 0;
		break;
	case 7:
		raw = raw_right(MSG_READY); /* a second time */
		length = raw_length(&raw);
		descriptors = 1;
		break;
	}
	say("wrong %s of %zu bytes with %d descriptors\n", ipc_name(raw.type), length, descriptors);
	push(peer, &raw, length, descriptors);
	push(CHILD_PIPE_FD, &raw, length, descriptors);
	peer = -1;
}

/* Calls that are not its to make, another with each start. */
static void
break_out(void)
{
	char *const shell[] = { (char[]){ "/bin/sh" }, NULL };

	say("breaks\n");
	switch (report->starts % 6) {
	case 0:
		syscall(SYS_openat, AT_FDCWD, "/etc/shadow", O_RDONLY);
		break;
	case 1:
		syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
		break;
	case 2:
		execv(shell[0], shell);
		break;
	case 3:
		ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
		break;
	case 4:
		kill(getppid(), SIGKILL);
		break;
	case 5:
		mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		break;
	}
	say("outside\n");
}

static void
flood_log(void)
{
	uint64_t end = clock_ms() + FLOOD_MS;
	char record[2048];

	memset(record, '\n', sizeof(record));
	while (clock_ms() < end) {
		record[0] = (char)random_below(256);
		record[1] = 27;
		(void)send(CHILD_LOG_FD, record, random_below(sizeof(record)), MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	say("flooded\n");
}

/* Answers nobody and reads on: what the others say goes to the report. */
static void
collect(void)
{
}

static const struct {
	const char *name;
	void (*tick)(void);
} acts[] = { { "ask", ask }, { "deaf", ask_and_never_read }, { "collect", collect }, { "open", have_opened },
	{ "random", say_random }, { "neighbours", flood_neighbours }, { "reloads", flood_reloads },
	{ "see", see_random }, { "audits", flood_audits }, { "early", collect }, { "lie", lie },
	{ "wrong", break_form }, { "break-out", break_out }, { "log", flood_log } };

static void
on_tick(evutil_socket_t fd, short what, void *argument)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++)
		if (strcmp(acts[i].name, act) == 0)
			acts[i].tick();
}

/* ---- hearing ---- */

static void
on_peer(struct ipc *ipc, struct ipc_message *message, void *argument)
{
	if (message->type == MSG_TFTP_REFUSE)
		say("refused\n");
}

static void
on_peer_gone(struct ipc *ipc, const char *why, void *argument)
{
	peer = -1;
	ipc_free(ipc);
}

static void
on_peer_end(struct ipc_message *message)
{
	const struct msg_peer *who = &message->body.PEER;

	if (who->network != 0)
		return;
	if (who->role == ROLE_TFTP)
		epoch = who->epoch;
	peer = ipc_take_fd(message);
	if (ipc_new(child.base, peer, child.role, who->role, on_peer, on_peer_gone, NULL) == NULL)
		_exit(3);
}

static void
on_message(struct child *self, struct ipc_message *message)
{
	if (message->type == MSG_FILE)
		got_file(message);
	else if (message->type == MSG_PEER)
		on_peer_end(message);
	else if (message->type == MSG_CONFIG_BEGIN)
		client_count = 0;
	else if (message->type == MSG_CONFIG_CLIENT && client_count < LIST_MAX)
		clients[client_count++] = message->body.CONFIG_CLIENT;
}

static void
on_socket(struct child *self, const struct msg_socket *socket, int fd)
{
	spare = fd;
}

static uint32_t
role_of(const char *self)
{
	if (strncmp(self, "broker", 6) == 0) {
		table = &syscalls_broker;
		return ROLE_BROKER;
	}
	table = self[0] == 'd' ? &syscalls_dhcp : &syscalls_tftp;
	return self[0] == 'd' ? ROLE_DHCP : ROLE_TFTP;
}

int
main(int argc, char **argv)
{
	const struct timeval tick = { 0, TICK_MS * 1000 };
	const char *self = argv[0] + strlen(TITLE_PREFIX);
	char *const nothing[] = { NULL };
	char real[128];
	uint32_t role = role_of(self);
	struct event *timer;

	read_orders(self);
	if (act[0] == '\0') {
		snprintf(real, sizeof(real), DISKLESS_LIBEXECDIR "/real/diskless-%s", ipc_role(role));
		execve(real, argv, nothing);
		_exit(127);
	}
	open_report(ipc_role(role));
	child_begin(&child, role, on_socket);
	timer = event_new(child.base, -1, EV_PERSIST, on_tick, NULL);
	if (timer == NULL || event_add(timer, &tick) == -1)
		_exit(3);
	child.max_files = 4096;
	if (strcmp(act, "early") == 0) { /* before READY */
		struct msg_open open = { .client = 0 };

		push_right(CHILD_PIPE_FD, MSG_OPEN, &open);
	}
	child_serve(&child, table, on_message);
}
