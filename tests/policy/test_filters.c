/* SPDX-License-Identifier: ISC */
/*
 * What the filters do, on each architecture: the program that the kernel would get is run here over every call, and what it says is
 * compared with tests/policy/golden, so that a review sees the effect of a change to a table, or of another libseccomp. After a change
 * on purpose: cp -r build/release/tests/policy/golden tests/policy
 */
#include <sys/stat.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <seccomp.h>

#include "syscalls.h"

#define CALLS_MAX   1024
#define FOREIGN     0x40000003u /* AUDIT_ARCH_I386 */
#define X32_BIT     0x40000000u
#define PROGRAM_MAX 4096
#define GOLDEN      "tests/policy/golden"
#define NOW         TEST_BUILD "/tests/policy/golden"

static const struct syscall_table *const tables[] = { &syscalls_broker, &syscalls_dhcp, &syscalls_tftp,
	&syscalls_disklessd };
static const struct {
	const char *name;
	uint32_t value;
} architectures[] = { { "x86_64", SCMP_ARCH_X86_64 }, { "aarch64", SCMP_ARCH_AARCH64 } };
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct sock_filter program[PROGRAM_MAX];
static size_t length;
static uint32_t architecture;

/* ---- the kernel's part: Documentation/networking/filter.rst, as far as libseccomp goes ---- */

static uint32_t
word_at(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;

	cr_assert_leq(offset, sizeof(*data) - sizeof(word));
	memcpy(&word, (const char *)data + offset, sizeof(word));
	return word;
}

static bool
jumps(const struct sock_filter *i, uint32_t a)
{
	switch (BPF_OP(i->code)) {
	case BPF_JEQ:
		return a == i->k;
	case BPF_JGT:
		return a > i->k;
	case BPF_JGE:
		return a >= i->k;
	case BPF_JSET:
		return (a & i->k) != 0;
	}
	cr_assert_fail("a jump of kind %#x", i->code);
	return false;
}

static uint32_t
run(const struct seccomp_data *data)
{
	uint32_t a = 0, memory[BPF_MEMWORDS] = { 0 };

	for (size_t at = 0; at < length; at++) {
		const struct sock_filter *i = &program[at];

		if (i->code == (BPF_RET | BPF_K))
			return i->k;
		if (i->code == (BPF_LD | BPF_W | BPF_ABS))
			a = word_at(data, i->k);
		else if (i->code == (BPF_LD | BPF_MEM))
			a = memory[i->k % BPF_MEMWORDS];
		else if (i->code == BPF_ST)
			memory[i->k % BPF_MEMWORDS] = a;
		else if (i->code == (BPF_ALU | BPF_AND | BPF_K))
			a &= i->k;
		else if (i->code == (BPF_JMP | BPF_JA))
			at += i->k;
		else if (BPF_CLASS(i->code) == BPF_JMP)
			at += jumps(i, a) ? i->jt : i->jf;
		else
			cr_assert_fail("an instruction of kind %#x", i->code);
	}
	cr_assert_fail("the filter has no end");
	return 0;
}

/* ---- asking it ---- */

static uint32_t
ask(uint32_t number, unsigned argument, uint64_t value)
{
	struct seccomp_data data = { .nr = (int)number, .arch = architecture };

	data.args[argument] = value;
	return run(&data);
}

static const char *
word_for(uint32_t action)
{
	static char text[32];

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return "allow";
	case SECCOMP_RET_KILL_PROCESS:
		return "kill";
	case SECCOMP_RET_ERRNO:
		if ((action & SECCOMP_RET_DATA) == ENOSYS)
			return "missing";
		snprintf(text, sizeof(text), "errno %u", action & SECCOMP_RET_DATA);
		return text;
	}
	snprintf(text, sizeof(text), "%#x", action);
	return text;
}

static const struct syscall_rule *
row_of(const struct syscall_table *table, uint32_t number)
{
	for (; table != NULL; table = table->also)
		for (size_t i = 0; i < table->count; i++)
			if (seccomp_syscall_resolve_name_arch(architecture, table->rules[i].name) == (int)number)
				return &table->rules[i];
	return NULL;
}

static bool
is_a_value(const struct syscall_table *table, const struct syscall_rule *row, unsigned argument, uint64_t value)
{
	for (; row != NULL && table != NULL; table = table->also)
		for (size_t i = 0; i < table->count; i++)
			if (table->rules[i].condition == ARG_EQ && strcmp(table->rules[i].name, row->name) == 0 &&
			    table->rules[i].argument == argument && table->rules[i].value == value)
				return true;
	return false;
}

/* The bits that one argument can have while all others are 0, and what it says outside of them. */
static void
describe_bits(FILE *out, const struct syscall_table *table, uint32_t number, uint32_t base, unsigned argument)
{
	const struct syscall_rule *row = row_of(table, number);
	uint32_t same = 0, other = base;

	for (unsigned bit = 0; bit < 32; bit++) {
		uint32_t said = ask(number, argument, 1UL << bit);

		if (said == base || is_a_value(table, row, argument, 1UL << bit))
			same |= 1U << bit;
		else
			other = said;
	}
	if (same != UINT32_MAX)
		fprintf(out, "; argument %u with another bit than %#x: %s", argument, same, word_for(other));
}

/* Values that only tables know: a single bit does not find them. */
static void
describe_values(FILE *out, const struct syscall_table *table, uint32_t number, uint32_t base)
{
	const struct syscall_rule *row = row_of(table, number);

	for (; row != NULL && table != NULL; table = table->also)
		for (size_t i = 0; i < table->count; i++) {
			const struct syscall_rule *r = &table->rules[i];

			if (r->condition == ARG_EQ && strcmp(r->name, row->name) == 0 &&
			    ask(number, r->argument, r->value) != base)
				fprintf(out, "; argument %u = %#lx: %s", r->argument, (unsigned long)r->value,
				    word_for(ask(number, r->argument, r->value)));
		}
}

/* Not every libseccomp that we build with knows these. */
static void
describe_newer(FILE *out, const struct syscall_table *table)
{
	for (; table != NULL; table = table->also)
		for (size_t i = 0; i < table->count; i++)
			if (table->rules[i].optional)
				fprintf(out, "%s: allow, if libseccomp knows it\n", table->rules[i].name);
}

static void
describe_one(FILE *out, const struct syscall_table *table, uint32_t number)
{
	uint32_t base = ask(number, 0, 0);

	fputs(word_for(base), out);
	for (unsigned argument = 0; argument < 6; argument++)
		describe_bits(out, table, number, base, argument);
	describe_values(out, table, number, base);
}

/* A line for each call that meets anything but what most calls meet. */
static void
describe(FILE *out, const struct syscall_table *table)
{
	const char *ordinary = table->otherwise == SCMP_ACT_KILL_PROCESS ? "kill" : "missing";
	char *line;
	size_t size;

	fprintf(out, "any other call: %s\n", ordinary);
	describe_newer(out, table);
	for (uint32_t number = 0; number < CALLS_MAX; number++) {
		const struct syscall_rule *row = row_of(table, number);
		FILE *one = open_memstream(&line, &size);

		cr_assert_not_null(one);
		describe_one(one, table, number);
		fclose(one);
		if (strcmp(line, ordinary) != 0 && (row == NULL || !row->optional))
			fprintf(out, "%-24s %4u  %s\n", row == NULL ? "(no row of ours)" : row->name, number, line);
		free(line);
	}
}

static void
take_program(const struct syscall_table *table)
{
	FILE *file = tmpfile();
	const char *why = "";

	cr_assert_not_null(file);
	cr_assert_eq(syscalls_export(table, architecture, fileno(file), &why), 0, "%s", why);
	rewind(file);
	length = fread(program, sizeof(*program), PROGRAM_MAX, file);
	cr_assert(length > 10 && length < PROGRAM_MAX);
	fclose(file);
}

/* ---- the tests ---- */

static void
slurp(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");

	text[0] = '\0';
	if (file == NULL)
		return;
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

static void
compare(const struct syscall_table *table, const char *architecture_name)
{
	static char golden[1 << 16], now[1 << 16];
	char path[256];
	FILE *file;

	mkdir(TEST_BUILD "/tests", 0777);
	mkdir(TEST_BUILD "/tests/policy", 0777);
	mkdir(NOW, 0777);
	snprintf(path, sizeof(path), NOW "/%s.%s", table->process, architecture_name);
	file = fopen(path, "we");
	cr_assert_not_null(file, "%s", path);
	describe(file, table);
	fclose(file);
	memset(now, 0, sizeof(now));
	slurp(path, now, sizeof(now));
	snprintf(path, sizeof(path), GOLDEN "/%s.%s", table->process, architecture_name);
	memset(golden, 0, sizeof(golden));
	slurp(path, golden, sizeof(golden));
	cr_expect(strcmp(golden, now) == 0, "diff -u %s " NOW "/%s.%s", path, table->process, architecture_name);
}

Test(filters, do_on_each_architecture_what_was_reviewed)
{
	for (size_t a = 0; a < COUNT(architectures); a++)
		for (size_t t = 0; t < COUNT(tables); t++) {
			architecture = architectures[a].value;
			take_program(tables[t]);
			compare(tables[t], architectures[a].name);
		}
}

Test(filters, kill_who_calls_by_another_architectures_door)
{
	for (size_t a = 0; a < COUNT(architectures); a++)
		for (size_t t = 0; t < COUNT(tables); t++) {
			struct seccomp_data foreign = { .arch = FOREIGN };

			architecture = architectures[a].value;
			take_program(tables[t]);
			for (foreign.nr = 0; foreign.nr < CALLS_MAX; foreign.nr++)
				cr_assert_eq(run(&foreign), SECCOMP_RET_KILL_PROCESS);
			for (uint32_t number = 0; architecture == SCMP_ARCH_X86_64 && number < CALLS_MAX; number++)
				cr_assert_eq(ask(X32_BIT | number, 0, 0), SECCOMP_RET_KILL_PROCESS);
		}
}
