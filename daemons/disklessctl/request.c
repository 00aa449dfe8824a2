/* SPDX-License-Identifier: ISC */
/*
 * Duty: one question to the broker and its answer. Runs as part of disklessctl, as its caller. Holds one connection to the control socket;
 * must never believe that what comes is what was asked for.
 */
#include "request.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "paths.h"

#define PATIENCE_SECONDS 120    /* for the next word: a broker that has no descriptor left does not even turn us away */
#define ROWS_MAX         300000 /* of an answer: more than the boots of all clients that there can be */

static enum request_result
connect_to_server(int *fd, bool follow, char *text, size_t size)
{
	struct timeval patience = { follow ? 0 : PATIENCE_SECONDS, 0 };
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = PATH_CONTROL };

	*fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (*fd == -1 || setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == -1 ||
	    setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == -1)
		fatal("socket");
	if (connect(*fd, (struct sockaddr *)&name, sizeof(name)) == 0)
		return REQUEST_OK;
	if (errno == ENOENT || errno == ECONNREFUSED) {
		snprintf(text, size, "the server does not run: nobody listens at %s", PATH_CONTROL);
		return REQUEST_NO_SERVER;
	}
	if (errno == EACCES)
		snprintf(text, size, "%s: only root and members of group %s may ask", PATH_CONTROL, GROUP_CONTROL);
	else
		snprintf(text, size, "%s: %s", PATH_CONTROL, strerror(errno));
	return REQUEST_FAILED;
}

/* The server's last word goes to a terminal, and a broker that was taken over may have written it. */
static void
take_text(struct request *r, const char *text)
{
	snprintf(r->text, sizeof(r->text), "%s", text);
	for (char *c = r->text; *c != '\0'; c++)
		if ((*c < ' ' || *c > '~') && *c != '\n')
			*c = '?';
}

static enum request_result
read_answer(int fd, struct request *r)
{
	struct ipc_message message;
	const char *why = "";
	size_t rows = 0;

	for (;;) {
		switch (ipc_receive(fd, ROLE_CTL, ROLE_BROKER, IPC_RUN, &message, &why)) {
		case IPC_MESSAGE:
			break;
		case IPC_BREACH:
			snprintf(r->text, sizeof(r->text),
			    "the server that runs is of another build than disklessctl (a message %s): "
			    "restart it",
			    why);
			return REQUEST_FAILED;
		case IPC_AGAIN:
			snprintf(r->text, sizeof(r->text),
			    "the server does not answer: its broker stands still, or has no descriptor left (see its "
			    "log)");
			return REQUEST_FAILED;
		default:
			snprintf(r->text, sizeof(r->text),
			    "the server closed the connection before the end: its broker was started "
			    "again, or is of another build than disklessctl");
			return REQUEST_FAILED;
		}
		if (message.type == MSG_CTL_END) {
			take_text(r, message.body.CTL_END.text);
			return message.body.CTL_END.ok ? REQUEST_OK : REQUEST_FAILED;
		}
		if (++rows > ROWS_MAX && !r->follow) {
			snprintf(r->text, sizeof(r->text), "the server's answer has no end");
			return REQUEST_FAILED;
		}
		if (r->row != NULL)
			r->row(&message, r->argument);
	}
}

enum request_result
request(struct request *r)
{
	struct msg_ctl_request question;
	enum request_result result;
	int fd;

	memset(&question, 0, sizeof(question));
	question.version = ipc_version();
	question.verb = r->verb;
	question.follow = r->follow;
	if (r->name != NULL && strlcpy(question.name, r->name, sizeof(question.name)) >= sizeof(question.name)) {
		snprintf(r->text, sizeof(r->text), "there is no client \"%.64s...\": a name has at most %d bytes",
		    r->name, NAME_SIZE - 1);
		return REQUEST_FAILED;
	}
	result = connect_to_server(&fd, r->follow, r->text, sizeof(r->text));
	if (result == REQUEST_OK) {
		/* A server that turns us away has said why: the answer is read whether or not the question got through. */
		(void)ipc_write(fd, MSG_CTL_REQUEST, &question, sizeof(question), -1);
		result = read_answer(fd, r);
	}
	close(fd);
	return result;
}

/* One sentence, or the errors of a configuration with their places. */
void
complain(const char *text)
{
	if (strchr(text, '\n') != NULL)
		fputs(text, stderr);
	else
		log_errx("%s", text);
}

bool
request_or_complain(struct request *r)
{
	if (request(r) == REQUEST_OK)
		return true;
	complain(r->text);
	return false;
}

void
rows_keep(const struct ipc_message *message, void *argument)
{
	for (struct rows *r = argument; r->type != MSG_NONE; r++) {
		if (r->type != message->type)
			continue;
		r->row = reallocarray(r->row, r->count + 1, r->size);
		if (r->row == NULL)
			fatalx("no memory");
		memcpy(r->row + r->count++ * r->size, &message->body, r->size);
	}
}

void
rows_free(struct rows *rows)
{
	for (; rows->type != MSG_NONE; rows++) {
		free(rows->row);
		rows->row = NULL;
		rows->count = 0;
	}
}
