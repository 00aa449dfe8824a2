/* SPDX-License-Identifier: ISC */
/*
 * Turns a table of system calls into a filter of the kernel's. Knows no process and no call by name: what is allowed stands
 * in the tables. Nothing here may be skipped over: whatever cannot be expressed is an error, and the caller ends.
 */
#include "syscalls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <seccomp.h>

static char trouble[160];

static int
fail(const char *what, const char *name, int error)
{
	snprintf(trouble, sizeof(trouble), "%s%s%s: %s", what, name == NULL ? "" : " ", name == NULL ? "" : name,
	    strerror(error));
	return -1;
}

static uint32_t
action_of(const struct syscall_rule *rule)
{
	if (rule->refuse == 0)
		return SCMP_ACT_ALLOW;
	return rule->refuse == REFUSE_KILL ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(rule->refuse);
}

/*
 * Only the low half of an argument counts: those that we look at are ints, or have no meaning above bit 31, and the half that
 * the kernel ignores is whatever the caller's register held.
 */
static struct scmp_arg_cmp
comparison_of(const struct syscall_rule *rule)
{
	struct scmp_arg_cmp compare = { .arg = rule->argument, .op = SCMP_CMP_MASKED_EQ };

	compare.datum_a = rule->condition == ARG_EQ ? UINT32_MAX : ~(uint32_t)rule->value;
	compare.datum_b = rule->condition == ARG_EQ ? (uint32_t)rule->value : 0;
	return compare;
}

static int
add_rule(scmp_filter_ctx filter, const struct syscall_rule *rule)
{
	int number = seccomp_syscall_resolve_name(rule->name), result;
	struct scmp_arg_cmp compare = comparison_of(rule);

	if (number == __NR_SCMP_ERROR)
		return rule->optional ? 0 : fail("no system call", rule->name, EINVAL);
	result = seccomp_rule_add_array(filter, action_of(rule), number, rule->condition == ARG_ANY ? 0 : 1, &compare);
	return result == 0 ? 0 : fail("rule for", rule->name, -result);
}

static int
add_rules(scmp_filter_ctx filter, const struct syscall_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (add_rule(filter, &table->rules[i]) == -1)
			return -1;
	return table->also == NULL ? 0 : add_rules(filter, table->also);
}

/* architecture: SCMP_ARCH_*, or 0 for the one that we run on. */
static scmp_filter_ctx
build(const struct syscall_table *table, uint32_t architecture)
{
	scmp_filter_ctx filter = seccomp_init(table->otherwise);
	int result;

	if (filter == NULL) {
		fail("filter for", table->process, ENOMEM);
		return NULL;
	}
	/* Its default ends only the thread. A call by another architecture's door is nobody's habit. */
	result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (result == 0)
		result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	if (result == 0 && architecture != 0 && architecture != seccomp_arch_native()) {
		result = seccomp_arch_add(filter, architecture);
		if (result == 0)
			result = seccomp_arch_remove(filter, seccomp_arch_native());
	}
	if (result != 0)
		fail("attributes of the filter for", table->process, -result);
	else if (add_rules(filter, table) == 0)
		return filter;
	seccomp_release(filter);
	return NULL;
}

int
syscalls_load(const struct syscall_table *table, const char **why)
{
	scmp_filter_ctx filter = build(table, 0);
	int result;

	*why = trouble;
	if (filter == NULL)
		return -1;
	result = seccomp_load(filter);
	seccomp_release(filter);
	return result == 0 ? 0 : fail("loading the filter for", table->process, -result);
}

int
syscalls_export(const struct syscall_table *table, uint32_t architecture, int fd, const char **why)
{
	scmp_filter_ctx filter = build(table, architecture);
	int result;

	*why = trouble;
	if (filter == NULL)
		return -1;
	result = seccomp_export_bpf(filter, fd);
	seccomp_release(filter);
	return result == 0 ? 0 : fail("writing the filter for", table->process, -result);
}
