/* SPDX-License-Identifier: ISC */
/* What makes a client itself, in its root: host name, hosts, machine-id, SSH host keys. All paths go through beneath.h. */
#ifndef DISKLESS_PERSONAL_H
#define DISKLESS_PERSONAL_H

#include <stddef.h>

#include "beneath.h"
#include "config.h"

/* Takes away what an image may have of these, so that no two clients share it. 0; -1 and why. */
int personal_begin(int root, char *why, size_t size);
/* Carries over the SSH host keys, the machine-id and /home of another root of the same client. -1 with errno. */
int personal_carry(int root, int old, struct carried *);
/*
 * Host name and hosts; and, unless they were carried over, a machine-id and SSH host keys. The keys are made by ssh-keygen(1) in work,
 * a directory of ours, if this machine has it and the image an SSH server; else by the client itself, when it boots.
 */
int personal_finish(int root, const struct config_client *, const char *work, char *why, size_t size);

#endif
