/* SPDX-License-Identifier: ISC */
/* The text of /proc/self/mountinfo (proc(5)), looked at in place. Pure but for mountinfo_read(). */
#ifndef DISKLESS_MOUNTINFO_H
#define DISKLESS_MOUNTINFO_H

#include <stdbool.h>
#include <stddef.h>

struct slice {
	const char *at;
	size_t length;
};

struct mount_entry {
	struct slice device, root, point, options, type, source, super;
};

/* The next entry at or after *text, which moves behind it; lines of another form are passed over. false: there is none. */
bool mountinfo_next(const char **text, struct mount_entry *);
/* The last entry at a mount point; returns how many there are, one over the other. */
unsigned mountinfo_find(const char *text, const char *point, struct mount_entry *);
/* Is this the text, with the kernel's octal escapes undone? */
bool slice_is(struct slice, const char *text);
bool slice_starts(struct slice, const char *text);
/* Does a list of options hold key=value, or key alone where value is NULL? */
bool options_have(struct slice options, const char *key, const char *value);
/* Does it name key at all, with whatever value? */
bool options_name(struct slice options, const char *key);

/* The whole text of this process, free() it; NULL with errno. */
char *mountinfo_read(void);

#endif
