/* SPDX-License-Identifier: ISC */
/* Programs of the system, run by absolute path; and work in a mount namespace of its own. */
#ifndef DISKLESS_PROGRAM_H
#define DISKLESS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#define PROGRAM_OUTPUT 1024 /* what is kept of what a program says */

struct program {
	const char *const *argv; /* argv[0] is the path */
	unsigned accept;         /* bit i: exit status i is success; 0 is the same as 1 */
	bool (*enough)(void *);  /* or NULL; asked five times a second: true ends the program */
	/* or NULL; gets what it writes to its standard output. -1 ends the program. */
	int (*take)(void *, const char *bytes, size_t length);
	void *argument;                 /* of both */
	int input;                      /* a descriptor that it reads from; 0: nothing to read */
	int extra;                      /* a descriptor that is its descriptor 3; 0: none */
	const char *root;               /* or NULL: its root directory, in which argv[0] is looked for */
	const char *const *environment; /* or NULL: PATH and a locale */
	/* or NULL; called in the new process before argv[0] is run, with enter_argument. -1: it is not run; errno says why. */
	int (*enter)(void *);
	void *enter_argument;
	bool terminal; /* our standard input, output and error are its; nothing of what it says is kept */
	/* It reads foreign bytes and needs no rights for it: runs as nobody, who can make no file and has bounded memory. */
	bool nobody;
	/* or NULL; runs in the new process with its descriptors and rights in place of argv[0], which then only names it. */
	int (*inside)(void *);
	unsigned seconds; /* of processor time for each process, with nobody; 0: no bound */
};

/*
 * Runs it to its end, without our other descriptors and our environment. It dies with us. output gets the beginning of what it
 * said, with take() of its standard error alone. 0; -1 and why: its status or signal with the last line that it said.
 */
int program_run(const struct program *, char output[PROGRAM_OUTPUT], char *why, size_t size);

/*
 * Runs job(argument) in a child with a mount namespace of its own, which dies with us; its mounts vanish with it. argument lies
 * in memory from shared_memory() if the job has something to say. 0; -1 if the job returned so, or (why then says it) died.
 */
int in_mount_namespace(int (*job)(void *), void *argument, char *why, size_t size);
void *shared_memory(size_t size);

#endif
