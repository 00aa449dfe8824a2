/* SPDX-License-Identifier: ISC */
/*
 * disklessd, the parent. Runs as root with the capabilities of policy/confine.c's table and under the filter of
 * policy/syscalls_disklessd.c. Holds every socket, the mounts of images and roots, the exports file, and permanent neighbour
 * entries. Must never read a byte that came from the network, nor do for a child what the configuration does not allow it.
 */
#include "disklessd.h"

#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "clients.h"
#include "clock.h"
#include "confine.h"
#include "log.h"
#include "paths.h"
#include "process.h"

#define KEEP_SECONDS 2 /* how long an interface that was down, or is another one, is without pins and service */
#define PIN_SECONDS  30

#define FILES_MAX 16384 /* more than any child's max_files */

static struct server server;

static void
on_pin_timer(evutil_socket_t fd, short what, void *argument)
{
	neighbours_pin_again();
}

static void
on_keep_timer(evutil_socket_t fd, short what, void *argument)
{
	server_keep(&server);
}

static void
every(struct event_base *base, time_t seconds, event_callback_fn handler)
{
	struct timeval interval = { seconds, 0 };
	struct event *timer = event_new(base, -1, EV_PERSIST, handler, NULL);

	if (timer == NULL || event_add(timer, &interval) == -1)
		fatalx("no memory for timers");
}

/* ---- signals ---- */

static void
on_stopped(void *base)
{
	event_base_loopbreak(base);
}

static void
on_terminate(evutil_socket_t number, short what, void *base)
{
	log_info("stopping; roots stay mounted and exported, running boards notice nothing");
	process_stop_all(on_stopped, base);
}

static void
on_hangup(evutil_socket_t number, short what, void *argument)
{
	char errors[2048];

	server_reload(&server, errors, sizeof(errors));
}

static void
on_child(evutil_socket_t number, short what, void *argument)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!process_reaped(pid, status))
			tool_reaped(pid, status);
}

static void catch (struct event_base *base, int number, event_callback_fn handler)
{
	struct event *e = evsignal_new(base, number, handler, base);

	if (e == NULL || event_add(e, NULL) == -1)
		fatalx("no memory for signals");
}

/* ---- starting ---- */

static void
make_directory(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == -1 && errno != EEXIST)
		fatal("%s", path);
	if (lstat(path, &st) == -1 || !S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022) != 0)
		fatalx("%s: it must be a directory of root's that nobody else can write to", path);
	if (chmod(path, mode) == -1)
		fatal("%s", path);
}

static void
make_directories(void)
{
	make_directory(PATH_RUN, 0755);
	make_directory(PATH_EMPTY, 0555);
	make_directory(PATH_MOUNTS, 0700);
	make_directory(PATH_STATE, 0700);
	make_directory(PATH_IMAGES, 0700);
	make_directory(PATH_CLIENTS, 0700);
	make_directory(PATH_ROOTS, 0755);
}

/* What was interrupted when the machine, or disklessctl, ended; unless it works right now. */
static void
tidy_clients(void)
{
	char why[TEXT_SIZE];
	int fd = clients_lock(false, why, sizeof(why));

	if (fd != -1)
		close(fd);
}

/* One disklessd a machine. The descriptor is kept, and with it the lock. */
static void
lock_out_others(void)
{
	int fd = open(PATH_RUN "/disklessd.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd == -1)
		fatal("%s/disklessd.lock", PATH_RUN);
	if (flock(fd, LOCK_EX | LOCK_NB) == -1)
		fatalx("disklessd runs already (its lock is %s/disklessd.lock)", PATH_RUN);
}

/* What tftp needs for its transfers is more than many systems give; nobody can raise it once capabilities are given up. */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		fatal("limit of open files");
	/* Descriptors that wait in a pipe count against the sender's own limit: unix(7), ETOOMANYREFS. */
	limit.rlim_cur = FILES_MAX;
	if (limit.rlim_max < FILES_MAX)
		limit.rlim_max = FILES_MAX;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		fatal("it needs a limit of %d open files (LimitNOFILE= in the unit)", FILES_MAX);
}

static struct event_base *
event_loop(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (config == NULL)
		fatalx("no memory for the event loop");
	event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
	base = event_base_new_with_config(config);
	event_config_free(config);
	if (base == NULL)
		fatalx("no event loop");
	return base;
}

static void
run(struct config *config)
{
	char errors[2048];

	server.started = clock_wall_ms();
	server.base = event_loop();
	catch (server.base, SIGTERM, on_terminate);
	catch (server.base, SIGINT, on_terminate);
	catch (server.base, SIGHUP, on_hangup);
	catch (server.base, SIGCHLD, on_child);
	neighbours_init();
	confine_parent();
	roots_init(&server);
	exports_init(&server);
	guard_init(&server);
	audit_init(&server);
	children_start(&server);
	if (!server_configure(&server, config, errors, sizeof(errors)))
		fatalx("%s", errors);
	every(server.base, PIN_SECONDS, on_pin_timer);
	every(server.base, KEEP_SECONDS, on_keep_timer);
	log_info("serving %zu networks, %zu clients", server.view.network_count, server.view.client_count);
	event_base_dispatch(server.base);
}

static __attribute__((noreturn)) void
usage(void)
{
	fprintf(stderr, "usage: disklessd [-dnv] [-f file]\n");
	exit(2);
}

/* -n: is the configuration right? -nv prints it back. */
static int
check(const struct config *config, int verbose)
{
	if (verbose > 0)
		config_print(config, stdout);
	else
		printf("configuration OK\n");
	return fflush(stdout) == EOF;
}

int
main(int argc, char *argv[])
{
	char errors[8192];
	int option, debug = 0, dry = 0, verbose = 0;
	struct config *config;

	server.config_path = PATH_CONFIG;
	while ((option = getopt(argc, argv, "df:nv")) != -1)
		switch (option) {
		case 'd':
			debug = 1;
			break;
		case 'f':
			server.config_path = optarg;
			break;
		case 'n':
			dry = 1;
			break;
		case 'v':
			verbose++;
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();
	config = config_load(server.config_path, &config_resolver_system, errors, sizeof(errors));
	if (config == NULL) {
		fputs(errors, stderr);
		return 1;
	}
	if (dry)
		return check(config, verbose);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	if (geteuid() != 0)
		fatalx("it must be started by root");
	if (debug)
		log_to_stderr("disklessd");
	else
		log_to_syslog("disklessd");
	log_level(verbose > 0 ? LOG_DEBUG : LOG_INFO);
	make_directories();
	lock_out_others();
	tidy_clients();
	raise_file_limit();
	run(config);
	log_info("stopped");
	return 0;
}
