/* SPDX-License-Identifier: ISC */
/*
 * The auditor: on each change and every minute it looks whether what makes the claim true is still so (audit_rules.c). A breach is told
 * and closes a door: the client's address, or all of NFS, is dropped by the guard's table, and the export withdrawn. It never opens one:
 * a door that it closed is as the configuration has it when the breach is seen to be gone, which takes that everything could be looked at.
 */
#include "disklessd.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "address.h"
#include "audit_rules.h"
#include "guard_rules.h"
#include "log.h"
#include "mountinfo.h"
#include "paths.h"

#define NFSD_VERSIONS  "/proc/fs/nfsd/versions"
#define NFSD_PORTLIST  "/proc/fs/nfsd/portlist"
#define INTERVAL       60 /* seconds */
#define SOON_MS        500
#define FINDINGS_MAX   64 /* more would say no more */
#define ASKERS_MAX     32 /* the broker has no more connections of operators */
#define ROOTS_PER_TURN 32
#define WAITS_MAX      20
#define VERSION_MAX    128

struct report {
	struct msg_finding finding[FINDINGS_MAX];
	size_t count;
	bool closes_all;
	bool blind;                /* something could not be looked at */
	char (*closed)[NAME_SIZE]; /* clients */
	size_t closed_count, closed_room;
};

static struct server *server;
static struct event *timer;
static struct report last, next;
static bool running; /* roots are being looked at */
static size_t roots_done;
static bool missed;     /* a root that went meanwhile may have hidden the one behind it */
static unsigned waited; /* times, for a change that is being made */
static char nfs_utils[VERSION_MAX];
static uint32_t asker[ASKERS_MAX];
static size_t askers;

/* ---- what was found ---- */

static bool
closes_client(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->closed_count; i++)
		if (strcmp(r->closed[i], name) == 0)
			return true;
	return false;
}

static void
close_client(struct report *r, const char *name)
{
	if (closes_client(r, name))
		return;
	if (r->closed_count == r->closed_room) {
		char(*more)[NAME_SIZE] = reallocarray(r->closed, r->closed_room * 2 + 16, sizeof(*more));

		if (more == NULL)
			fatalx("no memory for the audit");
		r->closed = more;
		r->closed_room = r->closed_room * 2 + 16;
	}
	snprintf(r->closed[r->closed_count++], NAME_SIZE, "%s", name);
}

static void
found(struct audit *a, enum finding_kind kind, enum finding_closes closes, const char *name, const char *text)
{
	struct msg_finding *f;

	next.closes_all = next.closes_all || closes == CLOSES_ALL;
	next.blind = next.blind || kind == FINDING_UNKNOWN;
	if (closes == CLOSES_CLIENT)
		close_client(&next, name);
	if (next.count == FINDINGS_MAX)
		return;
	f = &next.finding[next.count++];
	*f = (struct msg_finding){ .kind = kind, .closes = closes };
	snprintf(f->text, sizeof(f->text), "%s", text);
	for (char *c = f->text; *c != '\0'; c++)
		if (*c == '\t')
			*c = ' ';
}

static int
with_state(const char *path)
{
	struct stat a, b;

	if (stat(path, &a) == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	return stat(PATH_STATE, &b) == -1 ? -1 : a.st_dev == b.st_dev;
}

static bool
closed_out(const char *name, const char *address, size_t length)
{
	char text[ADDRESS_TEXT];

	for (size_t i = 0; i < server->view.client_count && closes_client(&last, name); i++)
		if (strcmp(server->clients[i].name, name) == 0)
			return strlen(address_text(server->clients[i].address, text)) == length &&
			       memcmp(text, address, length) == 0;
	return false;
}

static struct audit audit = { .found = found, .with_state = with_state, .closed_out = closed_out };

static void
cannot_tell(const char *what, const char *why)
{
	char text[TEXT_SIZE];

	snprintf(text, sizeof(text), "%s: %s", what, why);
	found(&audit, FINDING_UNKNOWN, CLOSES_NOTHING, NULL, text);
}

/* ---- reading ---- */

static void
read_small(const char *path, void (*rules)(struct audit *, const char *))
{
	char text[1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);

	if (length == -1) {
		cannot_tell(path, strerror(errno));
	} else {
		text[length] = '\0';
		rules(&audit, text);
	}
	if (fd != -1)
		close(fd);
}

static void
look_at_exports(void)
{
	const char *wanted = exports_wanted();
	char *etab = exports_etab();

	if (wanted == NULL)
		cannot_tell("exports", "they are just being changed");
	else if (etab == NULL)
		cannot_tell(PATH_ETAB, strerror(errno));
	else
		audit_etab(&audit, etab, wanted);
	free(etab);
}

static void
look_at_mounts(void)
{
	char *mountinfo = mountinfo_read();

	if (mountinfo == NULL) {
		cannot_tell("/proc/self/mountinfo", strerror(errno));
		return;
	}
	audit_own_filesystems(&audit, mountinfo, PATH_ROOTS, "roots");
	audit_own_filesystems(&audit, mountinfo, PATH_MOUNTS "/uppers", "uppers");
	free(mountinfo);
}

static void
look_at_mountd(void)
{
	int listens = tcp_listens(MOUNTD_PORT);
	bool guarded = false;

	for (size_t i = 0; i < server->view.network_count; i++)
		guarded = guarded || server->config->network[i].guard;
	if (listens == -1)
		cannot_tell("/proc/net/tcp", strerror(errno));
	else
		audit_mountd(&audit, listens == 1, guarded);
}

static void
look_at_directories(void)
{
	static const struct {
		const char *path;
		mode_t mode;
	} ours[] = { { PATH_STATE, 0700 }, { PATH_IMAGES, 0700 }, { PATH_CLIENTS, 0700 }, { PATH_MOUNTS, 0700 },
		{ PATH_RUN, 0755 }, { PATH_ROOTS, 0755 } };
	struct stat st;

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		if (lstat(ours[i].path, &st) == -1)
			cannot_tell(ours[i].path, strerror(errno));
		else if (audit_directory(&audit, ours[i].path, st.st_uid, st.st_mode, ours[i].mode) &&
			 chmod(ours[i].path, ours[i].mode) == -1)
			cannot_tell(ours[i].path, strerror(errno));
	}
}

/* ---- what follows from it ---- */

bool
audit_closes_all(void)
{
	return last.closes_all;
}

bool
audit_closes(const char *client)
{
	return closes_client(&last, client);
}

static bool
said_before(const struct report *r, const char *text)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->finding[i].text, text) == 0)
			return true;
	return false;
}

static void
tell_changes(const struct report *before, const struct report *now)
{
	static const char *const doors[] = { "", " (the client's door is closed)", " (NFS is closed to all)" };

	for (size_t i = 0; i < now->count; i++) {
		const struct msg_finding *f = &now->finding[i];

		if (said_before(before, f->text))
			continue;
		if (f->kind == FINDING_BREACH)
			log_errx("ALARM: %s%s", f->text, doors[f->closes]);
		else if (f->kind == FINDING_NOTE)
			log_info("audit: %s", f->text);
	}
	for (size_t i = 0; i < before->count; i++)
		if (before->finding[i].kind == FINDING_BREACH && !said_before(now, before->finding[i].text))
			log_info("audit: no longer so: %s", before->finding[i].text);
}

static void
tell_status(void)
{
	const char *text = "";

	for (size_t i = last.count; i > 0; i--)
		if (last.finding[i - 1].kind == FINDING_BREACH)
			text = last.finding[i - 1].text;
	if (strcmp(server->audit_trouble, text) == 0)
		return;
	snprintf(server->audit_trouble, sizeof(server->audit_trouble), "%s", text);
	children_tell_server(server);
}

static void
answer_askers(void)
{
	for (size_t i = 0; i < askers; i++) {
		for (size_t j = 0; j < last.count; j++) {
			last.finding[j].ctl = asker[i];
			children_tell_finding(&last.finding[j]);
		}
		children_tell_audited(asker[i]);
	}
	askers = 0;
}

/* With what was found before, so that nobody takes it for mended. */
static void
keep_closed(const struct report *before)
{
	next.closes_all = next.closes_all || before->closes_all;
	for (size_t i = 0; i < before->closed_count; i++)
		close_client(&next, before->closed[i]);
	if (before->closes_all || before->closed_count > 0)
		cannot_tell("doors that were closed", "they stay so until all that is named here can be looked at");
	for (size_t i = 0; i < before->count && next.count < FINDINGS_MAX; i++)
		if (before->finding[i].closes != CLOSES_NOTHING && !said_before(&next, before->finding[i].text))
			next.finding[next.count++] = before->finding[i];
}

/* Doors are closed and opened where they changed; one that goes on being closed is left. */
static void
finish(void)
{
	struct report before = last;
	bool changed;

	if (missed)
		cannot_tell("roots", "one went meanwhile");
	if (next.blind)
		keep_closed(&before);
	changed = before.closes_all != next.closes_all || before.closed_count != next.closed_count;

	for (size_t i = 0; i < next.closed_count && !changed; i++)
		changed = !closes_client(&before, next.closed[i]);
	last = next;
	memset(&next, 0, sizeof(next));
	missed = false;
	tell_changes(&before, &last);
	if (changed) {
		roots_audited(server);
		guard_apply(server);
		exports_request_now(server);
	}
	free(before.closed);
	tell_status();
	answer_askers();
}

/* ---- when ---- */

static void
wait_ms(unsigned ms)
{
	struct timeval wait = { ms / 1000, (suseconds_t)(ms % 1000 * 1000) };

	evtimer_add(timer, &wait);
}

static void
begin(void)
{
	running = true;
	waited = 0;
	roots_done = 0;
	look_at_exports();
	look_at_mounts();
	look_at_directories();
	if (server->nfsd) {
		read_small(NFSD_VERSIONS, audit_versions);
		read_small(NFSD_PORTLIST, audit_ports);
		look_at_mountd();
	}
	if (server->guard_trouble[0] != '\0')
		found(&audit, FINDING_BREACH, CLOSES_NOTHING, NULL, server->guard_trouble);
	if (nfs_utils[0] != '\0')
		audit_nfs_utils(&audit, nfs_utils);
}

/* true: that were all, or they cannot be looked at. */
static bool
look_at_some_roots(void)
{
	char *mountinfo = mountinfo_read(), why[TEXT_SIZE];
	size_t end = roots_done + ROOTS_PER_TURN;
	const struct attach_paths *paths;
	const char *name;
	bool more = true;

	if (mountinfo == NULL) {
		cannot_tell("/proc/self/mountinfo", strerror(errno));
		return true;
	}
	for (; roots_done < end && (more = roots_at(roots_done, &name, &paths)); roots_done++)
		if (paths != NULL && attach_check(mountinfo, paths, why, sizeof(why)) == -1)
			found(&audit, FINDING_BREACH, CLOSES_CLIENT, name, why);
	free(mountinfo);
	return !more;
}

/* Some roots a turn, so that no READ waits for all of them. */
static void
on_timer(evutil_socket_t fd, short what, void *argument)
{
	bool again;

	if (!running && (exports_wanted() == NULL || guard_busy()) && waited++ < WAITS_MAX) {
		wait_ms(SOON_MS);
		return;
	}
	if (!running)
		begin();
	if (!look_at_some_roots()) {
		wait_ms(0);
		return;
	}
	running = false;
	again = missed;
	finish();
	wait_ms(again ? SOON_MS : INTERVAL * 1000);
}

void
audit_root_gone(void)
{
	missed = missed || running;
}

void
audit_soon(void)
{
	if (!running)
		wait_ms(SOON_MS);
}

void
audit_ask(uint32_t ctl)
{
	if (askers == ASKERS_MAX)
		return;
	asker[askers++] = ctl;
	audit_soon();
}

static void
on_version(int status, const char *output, void *argument)
{
	if (status == 0)
		snprintf(nfs_utils, sizeof(nfs_utils), "%.*s", (int)strcspn(output, "\n"), output);
}

void
audit_init(struct server *s)
{
	static const char *const command[] = { PATH_MOUNTD, "--version", NULL };

	server = s;
	timer = evtimer_new(s->base, on_timer, NULL);
	if (timer == NULL)
		fatalx("no memory for the audit");
	if (tool_run(s->base, command, NULL, on_version, NULL) == -1)
		log_debug("%s cannot be asked for its version", PATH_MOUNTD);
	wait_ms(INTERVAL * 1000);
}
