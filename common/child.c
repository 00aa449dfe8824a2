/* SPDX-License-Identifier: ISC */
/* See child.h. Until LOCK this runs as root and reads only from the parent; after it, in the jail. */
#include "child.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "confine.h"
#include "log.h"

static void (*serve)(struct child *, struct ipc_message *);

static struct event_base *
event_base_of_epoll(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (config == NULL)
		fatalx("no memory for the event loop");
	event_config_avoid_method(config, "poll"); /* RLIMIT_NOFILE and the jail are made for epoll */
	event_config_avoid_method(config, "select");
	event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
	base = event_base_new_with_config(config);
	event_config_free(config);
	if (base == NULL)
		fatalx("no event loop: epoll is missing");
	return base;
}

/* Everything that libraries do once, on first use, has to be done before the jail. */
static void
warm_up(void)
{
	uint32_t seed = arc4random(); /* makes the generator */

	(void)seed;
	setenv("TZ", "UTC0", 1);
	tzset();
}

static void
start(struct child *child, const struct msg_start *start)
{
	if (start->version != ipc_version())
		fatalx("disklessd and diskless-%s are of different builds: install both anew, then restart",
		    ipc_role(child->role));
	if (start->role != child->role)
		fatalx("started as %s, but this is %s", ipc_role(start->role), ipc_role(child->role));
	child->start = *start;
	log_level((int)start->log_level);
}

void
child_begin(struct child *child, uint32_t role, void (*on_socket)(struct child *, const struct msg_socket *, int fd))
{
	struct ipc_message message = { .type = MSG_NONE };
	const char *why = "closed";

	log_to_pipe(ipc_role(role), CHILD_LOG_FD);
	if (isatty(CHILD_PIPE_FD) || getppid() == 1)
		fatalx("this program is started by disklessd only");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* of a terminal: the parent gets it too, and ends us */
	child->role = role;
	child->base = event_base_of_epoll();
	warm_up();
	while (message.type != MSG_LOCK) {
		if (ipc_receive(CHILD_PIPE_FD, role, ROLE_PARENT, IPC_SETUP, &message, &why) != IPC_MESSAGE)
			fatalx("set-up by the parent failed: %s", why);
		if (message.type == MSG_START)
			start(child, &message.body.START);
		else if (message.type == MSG_SOCKET)
			on_socket(child, &message.body.SOCKET, ipc_take_fd(&message));
	}
	if (child->start.role == 0)
		fatalx("set-up by the parent failed: no START");
}

static void
on_message(struct ipc *ipc, struct ipc_message *message, void *argument)
{
	serve(argument, message);
}

static void
on_close(struct ipc *ipc, const char *why, void *argument)
{
	/* The parent's orderly stop closes the pipe; a parent that died does too. Neither is ours to report. */
	log_debug("the parent's pipe: %s", why);
	_exit(0);
}

void
child_serve(struct child *child, const struct syscall_table *table,
    void (*on_child_message)(struct child *, struct ipc_message *))
{
	struct confinement jail = {
		.empty_directory = child->start.empty_directory,
		.uid = child->start.uid,
		.gid = child->start.gid,
		.max_files = child->max_files,
		.table = table,
	};
	struct msg_empty ready = { 0 };

	serve = on_child_message;
	child->parent = ipc_new(child->base, CHILD_PIPE_FD, child->role, ROLE_PARENT, on_message, on_close, child);
	if (child->parent == NULL)
		fatalx("no memory");
	confine_child(&jail);
	if (IPC_SEND(child->parent, READY, &ready) == -1)
		fatalx("cannot tell the parent that we are ready");
	event_base_dispatch(child->base);
	fatalx("the event loop ended");
}
