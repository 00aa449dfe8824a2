/* SPDX-License-Identifier: ISC */
/* The operators' side of the broker: connections of disklessctl. */
#ifndef DISKLESS_CONTROL_H
#define DISKLESS_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "answers.h"

#define CONTROL_CONNECTIONS_MAX 32
#define CONTROL_OTHERS_MAX      24 /* of them, those who are not root: root always gets in */

struct event_base;

/*
 * Serves listener (non-blocking) with what facts say. reload and audit ask the parent; false: it cannot be asked. Fatal when memory is out.
 * facts live as long as the process.
 */
typedef bool control_ask(uint32_t connection, uint32_t uid);
void control_init(struct event_base *, int listener, struct facts *, control_ask *reload, control_ask *audit);
/* A row of the parent's answer to an audit. */
void control_finding(const struct msg_finding *);
/* The parent's answer to a reload, or the end of an audit's. */
void control_reloaded(const struct msg_reloaded *);

#endif
