/* SPDX-License-Identifier: ISC */
/* See log.h. One place to write to, chosen once; no allocation, no lock. */
#include "log.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define LIBBSD_OPENBSD_VIS /* which strnvis(3) is meant; we use neither */
#include <vis.h>

#include "clock.h"

enum target { TO_STDERR, TO_SYSLOG, TO_PIPE };

static enum target target = TO_STDERR;
static const char *process = "diskless";
static int pipe_fd = -1;
static int level = LOG_INFO;
static unsigned lost;

void
log_to_stderr(const char *name)
{
	target = TO_STDERR;
	process = name;
}

void
log_to_syslog(const char *name)
{
	target = TO_SYSLOG;
	process = name;
	openlog(name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
log_to_pipe(const char *name, int fd)
{
	target = TO_PIPE;
	process = name;
	pipe_fd = fd;
}

void
log_level(int priority)
{
	level = priority;
}

int
log_get_level(void)
{
	return level;
}

/* A record of the log pipe: the priority as one byte, then the text, no NUL. */
static void
write_pipe(int priority, const char *text)
{
	char record[1 + LOG_RECORD_SIZE];
	int length = snprintf(record + 1, sizeof(record) - 1, "%s", text);

	if (lost > 0)
		length = snprintf(record + 1, sizeof(record) - 1, "%s (%u earlier messages lost)", text, lost);
	if (length >= LOG_RECORD_SIZE)
		length = LOG_RECORD_SIZE - 1;
	record[0] = (char)priority;
	if (send(pipe_fd, record, (size_t)length + 1, MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
		lost++;
	else
		lost = 0;
}

void
log_record(int priority, const char *name, const char *text)
{
	if (priority > level)
		return;
	switch (target) {
	case TO_STDERR:
		fprintf(stderr, "%s: %s\n", name, text);
		break;
	case TO_SYSLOG:
		if (name == process)
			syslog(priority, "%s", text);
		else
			syslog(priority, "%s: %s", name, text);
		break;
	case TO_PIPE:
		write_pipe(priority, text);
		break;
	}
}

static LOG_PRINTF(3, 0) void write_log(int priority, int error, const char *format, va_list arguments)
{
	char text[LOG_RECORD_SIZE];
	int saved = errno, length;

	length = vsnprintf(text, sizeof(text), format, arguments);
	if (error != 0 && length >= 0 && (size_t)length < sizeof(text))
		snprintf(text + length, sizeof(text) - (size_t)length, ": %s", strerror(error));
	log_record(priority, process, text);
	errno = saved;
}

#define WRITE_LOG(priority, error, format) \
	do { \
		va_list arguments; \
		va_start(arguments, format); \
		write_log((priority), (error), (format), arguments); \
		va_end(arguments); \
	} while (0)

void
log_err(const char *format, ...)
{
	WRITE_LOG(LOG_ERR, errno, format);
}

void
log_errx(const char *format, ...)
{
	WRITE_LOG(LOG_ERR, 0, format);
}

void
log_warn(const char *format, ...)
{
	WRITE_LOG(LOG_WARNING, errno, format);
}

void
log_warnx(const char *format, ...)
{
	WRITE_LOG(LOG_WARNING, 0, format);
}

void
log_info(const char *format, ...)
{
	WRITE_LOG(LOG_INFO, 0, format);
}

void
log_debug(const char *format, ...)
{
	if (level >= LOG_DEBUG)
		WRITE_LOG(LOG_DEBUG, 0, format);
}

/* A jailed process may not run exit handlers (a sanitizer's or gcov's would make calls that the jail does not know). */
static __attribute__((noreturn)) void
leave(void)
{
	if (target == TO_PIPE)
		_exit(1);
	exit(1);
}

void
fatal(const char *format, ...)
{
	WRITE_LOG(LOG_CRIT, errno, format);
	leave();
}

void
fatalx(const char *format, ...)
{
	WRITE_LOG(LOG_CRIT, 0, format);
	leave();
}

char *
log_visible(char *text, size_t size, const void *bytes, size_t length)
{
	const char *from = bytes;
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		char one[8];
		size_t n =
		    (size_t)(vis(one, from[i], VIS_OCTAL | VIS_TAB | VIS_NL, i + 1 < length ? from[i + 1] : 0) - one);

		if (used + n >= size)
			break;
		memcpy(text + used, one, n);
		used += n;
	}
	if (size > 0)
		text[used] = '\0';
	return text;
}

bool
log_limit_pass(struct log_limit *limit)
{
	uint64_t now = clock_ms(), earned = (now - limit->last) / limit->interval_ms;

	if (earned > 0) {
		limit->tokens = earned + limit->tokens > limit->burst ? limit->burst : limit->tokens + (uint32_t)earned;
		limit->last = now;
	}
	if (limit->tokens == 0) {
		limit->suppressed++;
		return false;
	}
	limit->tokens--;
	if (limit->suppressed > 0) {
		uint32_t suppressed = limit->suppressed;

		limit->suppressed = 0;
		log_info("%u messages like the next one were suppressed", suppressed);
	}
	return true;
}
