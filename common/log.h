/* SPDX-License-Identifier: ISC */
/*
 * Logging. The parent and disklessctl write to stderr or syslog; a jailed process writes records to a pipe that the
 * parent reads (log_sink.h), because a jail has no /dev/log to come back to. No function here ever blocks on the pipe:
 * a record that does not fit is counted, and the count is logged with the next one that does.
 * Bytes from a network or a client's tree go through log_visible(); messages that a packet can cause go through LOG_LIMITED.
 */
#ifndef DISKLESS_LOG_H
#define DISKLESS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

#define LOG_RECORD_SIZE 1024 /* a record longer than this is cut */

/* name: the process's name in each line. Call one of these once, before the first message. */
void log_to_stderr(const char *name);
void log_to_syslog(const char *name);
void log_to_pipe(const char *name, int fd);
void log_level(int priority); /* the least urgent syslog(3) priority still written; LOG_INFO at first */
int log_get_level(void);

/* Already formatted text under another process's name (log_sink.c). */
void log_record(int priority, const char *name, const char *text);

#define LOG_PRINTF(f, a) __attribute__((format(printf, f, a)))
/* As err(3): with errno's text; as errx(3), the x ones: without. fatal ones exit with status 1. */
void log_err(const char *format, ...) LOG_PRINTF(1, 2);
void log_errx(const char *format, ...) LOG_PRINTF(1, 2);
void log_warn(const char *format, ...) LOG_PRINTF(1, 2);
void log_warnx(const char *format, ...) LOG_PRINTF(1, 2);
void log_info(const char *format, ...) LOG_PRINTF(1, 2);
void log_debug(const char *format, ...) LOG_PRINTF(1, 2);
void fatal(const char *format, ...) LOG_PRINTF(1, 2) __attribute__((noreturn));
void fatalx(const char *format, ...) LOG_PRINTF(1, 2) __attribute__((noreturn));

/*
 * length bytes at bytes, as text that no terminal or log reader interprets: vis(3) with VIS_OCTAL and VIS_WHITE but for
 * the space; cut to fit size (4 * length + 1 always suffices). Returns text.
 */
char *log_visible(char *text, size_t size, const void *bytes, size_t length);

/* A bucket: burst at once, then one each interval_ms. A caller keeps one per kind of message, static. */
struct log_limit {
	uint32_t burst;
	uint32_t interval_ms;
	uint32_t tokens;
	uint32_t suppressed;
	uint64_t last;
};
/* Releases of clang-format differ over an initializer in a macro. */
/* clang-format off */
#define LOG_LIMIT(burst, interval_ms) { (burst), (interval_ms), (burst), 0, 0 }
/* clang-format on */
/* true: log it now. The number suppressed since the last time is logged by this call itself. */
bool log_limit_pass(struct log_limit *);
#define LOG_LIMITED(limit, call) \
	do { \
		if (log_limit_pass(limit)) \
			call; \
	} while (0)

#endif
