/* SPDX-License-Identifier: ISC */
/*
 * Duty: the life of operators' connections: one request each, then rows as fast as the operator reads them. Runs as part of
 * diskless-broker. Holds the control socket and at most CONTROL_CONNECTIONS_MAX connections, and no queue: a row is made when there is room
 * for it. Must never wait for an operator, nor believe one about who he is.
 */
#include "control.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "ipc.h"
#include "log.h"

#define ACCEPTS_PER_WAKEUP 8
#define ROWS_PER_WAKEUP    128
#define PATIENCE_SECONDS   10 /* for a request, and for a reader that does not read */
#define FOLLOW_MS          300
#define RETRY_SECONDS      1

enum stage { FREE, ASKING, READING, FOLLOWING, RELOADING };

static struct connection {
	enum stage stage;
	int fd;
	uint32_t id;
	uid_t uid;
	struct event *readable;
	struct event *writable;
	struct msg_ctl_request request;
	struct answer_cursor cursor;
	uint64_t sequence; /* following: what is new after this pass */
	bool waiting;      /* the row below did not fit yet */
	struct answer_row row;
} connections[CONTROL_CONNECTIONS_MAX];

static struct event_base *base;
static struct event *acceptable;
static struct event *retry;
static struct event *follow;
static struct facts *facts;
static control_ask *ask_reload, *ask_audit;
static uint32_t last_id;

static const struct timeval patience = { PATIENCE_SECONDS, 0 };

static void
drop(struct connection *c)
{
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->writable != NULL)
		event_free(c->writable);
	close(c->fd);
	memset(c, 0, sizeof(*c));
}

/* ---- writing ---- */

/* false: not now (it waits in c->row), or never (the connection is gone). */
static bool
write_row(struct connection *c)
{
	c->waiting = ipc_write(c->fd, c->row.type, &c->row.body, c->row.size, -1) == -1;
	if (!c->waiting)
		return true;
	if (errno != EAGAIN && errno != ENOBUFS)
		drop(c);
	else if (event_add(c->writable, &patience) == -1)
		drop(c);
	return false;
}

static void
end(struct connection *c, const struct msg_ctl_end *how)
{
	c->row.type = MSG_CTL_END;
	c->row.size = sizeof(*how);
	c->row.body.CTL_END = *how;
	c->stage = READING;
	if (write_row(c))
		drop(c);
}

static bool
next_row(struct connection *c)
{
	uint64_t now = clock_wall_ms();

	if (c->row.type == MSG_CTL_END)
		return false;
	if (answer_next(facts, &c->request, &c->cursor, now, &c->row))
		return true;
	if (c->stage == FOLLOWING)
		return false;
	memset(&c->row.body.CTL_END, 0, sizeof(c->row.body.CTL_END));
	c->row.body.CTL_END.ok = 1;
	c->row.type = MSG_CTL_END;
	c->row.size = sizeof(c->row.body.CTL_END);
	return true;
}

static void
write_rows(struct connection *c)
{
	for (int i = 0; i < ROWS_PER_WAKEUP; i++) {
		if (!c->waiting && !next_row(c)) {
			event_del(c->writable);
			if (c->stage != FOLLOWING)
				drop(c);
			return;
		}
		if (!write_row(c))
			return;
	}
	/* The others have their turn first. */
	if (event_add(c->writable, &patience) == -1)
		drop(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *argument)
{
	struct connection *c = argument;

	if (what & EV_TIMEOUT)
		drop(c);
	else
		write_rows(c);
}

/* ---- following ---- */

static bool
idle_follower(const struct connection *c)
{
	return c->stage == FOLLOWING && !event_pending(c->writable, EV_WRITE, NULL);
}

static void
on_follow_timer(evutil_socket_t fd, short what, void *argument)
{
	bool any = false;

	if (facts->bindings == NULL)
		return;
	timelines_age(&facts->timelines, facts->bindings, clock_wall_ms());
	for (struct connection *c = connections; c < connections + CONTROL_CONNECTIONS_MAX; c++) {
		any = any || c->stage == FOLLOWING;
		if (!idle_follower(c) || facts->timelines.sequence == c->sequence)
			continue;
		c->cursor = (struct answer_cursor){ .after = c->sequence };
		c->sequence = facts->timelines.sequence;
		write_rows(c);
	}
	if (!any)
		event_del(follow);
}

static void
start_following(struct connection *c)
{
	struct timeval interval = { 0, FOLLOW_MS * 1000 };

	c->stage = FOLLOWING;
	c->sequence = facts->timelines.sequence;
	if (event_add(follow, &interval) == -1)
		drop(c);
	else
		write_rows(c);
}

/* ---- reading ---- */

static void
begin(struct connection *c, const struct msg_ctl_request *request)
{
	struct msg_ctl_end refusal;

	c->request = *request;
	event_remove_timer(c->readable);
	if (!answer_allowed(facts, request, c->uid, &refusal)) {
		end(c, &refusal);
	} else if (request->verb == CTL_RELOAD || request->verb == CTL_AUDIT) {
		control_ask *ask = request->verb == CTL_RELOAD ? ask_reload : ask_audit;

		c->stage = RELOADING;
		strlcpy(refusal.text, "the server does not answer", sizeof(refusal.text));
		if (!ask(c->id, c->uid))
			end(c, &refusal);
	} else if (request->follow) {
		start_following(c);
	} else {
		c->stage = READING;
		write_rows(c);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	struct connection *c = argument;
	struct ipc_message message;
	const char *why = "";

	if (what & EV_TIMEOUT) {
		drop(c);
		return;
	}
	switch (ipc_receive(fd, ROLE_BROKER, ROLE_CTL, IPC_RUN, &message, &why)) {
	case IPC_AGAIN:
		return;
	case IPC_MESSAGE:
		if (c->stage == ASKING && message.type == MSG_CTL_REQUEST) {
			begin(c, &message.body.CTL_REQUEST);
			return;
		}
		break;
	case IPC_BREACH:
		LOG_LIMITED(&limit, log_warnx("control socket: a message %s by uid %u", why, c->uid));
		break;
	case IPC_CLOSED:
		break;
	}
	drop(c);
}

/* ---- accepting ---- */

static void
turn_away(int fd)
{
	struct msg_ctl_end busy = { .text = "too many connections: try again" };

	(void)ipc_write(fd, MSG_CTL_END, &busy, sizeof(busy), -1);
	close(fd);
}

/* A free place for this user, or NULL. */
static struct connection *
place_for(uid_t uid)
{
	struct connection *place = NULL;
	unsigned others = 0;

	for (struct connection *c = connections; c < connections + CONTROL_CONNECTIONS_MAX; c++) {
		if (c->stage == FREE)
			place = c;
		else if (c->uid != 0)
			others++;
	}
	return uid != 0 && others >= CONTROL_OTHERS_MAX ? NULL : place;
}

static void
welcome(int fd)
{
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(who);
	struct connection *c;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == -1 || (c = place_for(who.uid)) == NULL) {
		turn_away(fd);
		return;
	}
	c->stage = ASKING;
	c->fd = fd;
	c->uid = who.uid;
	c->id = ++last_id;
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	if (c->readable == NULL || c->writable == NULL || event_add(c->readable, &patience) == -1)
		drop(c);
}

static void
on_acceptable(evutil_socket_t listener, short what, void *argument)
{
	static struct log_limit limit = LOG_LIMIT(5, 10000);
	struct timeval later = { RETRY_SECONDS, 0 };

	for (int i = 0; i < ACCEPTS_PER_WAKEUP; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd != -1) {
			welcome(fd);
			continue;
		}
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		/* Out of descriptors or memory: the connection stays in the backlog, and would wake us at once again. */
		LOG_LIMITED(&limit, log_warn("control socket"));
		event_del(acceptable);
		event_add(retry, &later);
		return;
	}
}

static void
on_retry(evutil_socket_t fd, short what, void *argument)
{
	event_add(acceptable, NULL);
}

/* There are few of them, and the pipe is empty: who does not read even that is let go. */
void
control_finding(const struct msg_finding *finding)
{
	for (struct connection *c = connections; c < connections + CONTROL_CONNECTIONS_MAX; c++)
		if (c->stage == RELOADING && c->request.verb == CTL_AUDIT && c->id == finding->ctl &&
		    ipc_write(c->fd, MSG_CTL_FINDING, finding, sizeof(*finding), -1) == -1)
			drop(c);
}

void
control_reloaded(const struct msg_reloaded *reloaded)
{
	struct msg_ctl_end how = { .ok = reloaded->ok };

	memcpy(how.text, reloaded->text, sizeof(how.text));
	for (struct connection *c = connections; c < connections + CONTROL_CONNECTIONS_MAX; c++)
		if (c->stage == RELOADING && c->id == reloaded->ctl)
			end(c, &how);
}

void
control_init(struct event_base *event_base, int listener, struct facts *known, control_ask *reload, control_ask *audit)
{
	base = event_base;
	facts = known;
	ask_reload = reload;
	ask_audit = audit;
	acceptable = event_new(base, listener, EV_READ | EV_PERSIST, on_acceptable, NULL);
	retry = evtimer_new(base, on_retry, NULL);
	follow = event_new(base, -1, EV_PERSIST, on_follow_timer, NULL);
	if (acceptable == NULL || retry == NULL || follow == NULL || event_add(acceptable, NULL) == -1)
		fatalx("no memory for the control socket");
}
