/* SPDX-License-Identifier: ISC */
/* The commands of disklessctl and the words that they share. A command returns the exit status. */
#ifndef DISKLESS_DISKLESSCTL_H
#define DISKLESS_DISKLESSCTL_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

struct output;

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* argv[0] is the command's last word, for getopt(3); its arguments follow. */
typedef int command_run(int argc, char **argv, bool json);

command_run ctl_audit;
command_run boot_list;
command_run client_add;
command_run client_list;
command_run client_prepare;
command_run client_prune;
command_run client_remove;
command_run client_reset;
command_run client_resize;
command_run client_rollback;
command_run client_show;
command_run client_snapshot;
command_run client_upgrade;
command_run ctl_reload;
command_run ctl_status;
command_run network_list;
command_run sighting_list;

/* The command that runs, and its arguments: the strings are kept. */
void usage_is(const char *words, const char *arguments);
/* What is wrong (or NULL, when getopt(3) has said it) and that usage on stderr. EXIT_USAGE. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Words for the numbers of messages.h; "unknown" for one that has none. */
const char *word_step(uint32_t step);
const char *word_phase(uint32_t phase);
const char *word_process(uint32_t phase);
const char *word_dhcp(uint32_t mode);
const char *word_unknown(uint32_t policy);
const char *word_model(uint32_t model);

/* One row of each list, for the lists and the tests. network: names by index. */
void row_boot(struct output *, const struct msg_ctl_boot *);
void row_client(struct output *, const struct msg_ctl_client *, const char *network, const char *image);
void row_sighting(struct output *, const struct msg_ctl_sighting *);

#endif
