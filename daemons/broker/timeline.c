/* SPDX-License-Identifier: ISC */
/*
 * Duty: turns what dhcp, tftp and the parent report into boots, step by step, and says in an operator's words where one stands still.
 * Runs as part of diskless-broker. Holds the last boots of each client; must never decide who gets what, nor grow.
 */
#include "timeline.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "log.h"

#define NEVER UINT64_MAX

/*
 * By the step reached: a DHCP request (seen) or a read after more than this many ms of silence begins another boot. A ROM that gets no
 * lease asks for up to a minute; its second stage asks DHCP again within seconds of the first file; behind the kernel there is none.
 * stall: longer than this without a word is a standstill (reference: TFTP_FILE_TIMEOUT of the boards is 30 s; kernels take up to two
 * minutes to their root on slow links).
 */
static const struct {
	uint64_t seen, read, stall;
} patience[STEPS] = {
	[STEP_SEEN] = { 60000, 60000, NEVER },
	[STEP_OFFERED] = { 60000, 60000, 30000 },
	[STEP_FIRMWARE] = { 10000, 60000, 60000 },
	[STEP_KERNEL] = { 0, 10000, 120000 },
	[STEP_MOUNTED] = { 0, 10000, NEVER },
};

#define OFFERS_IN_VAIN 3

/* Files that a board cannot do without, in the order of a boot; one of each class is enough. Other misses are normal. */
enum file_class { FILE_BOOTCODE, FILE_FIRMWARE, FILE_CONFIG, FILE_DEVICE_TREE, FILE_KERNEL };
static const struct {
	const char *pattern;
	enum file_class class;
} classes[] = {
	{ "bootcode.bin", FILE_BOOTCODE },
	{ "start*.elf", FILE_FIRMWARE },
	{ "config.txt", FILE_CONFIG },
	{ "bcm27*.dtb", FILE_DEVICE_TREE },
	{ "kernel*.img", FILE_KERNEL },
	{ "vmlinuz*", FILE_KERNEL },
	{ "Image*", FILE_KERNEL },
};

static const char *
name_in(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* -1: a file that may be absent. */
static int
class_of(const char *path)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (fnmatch(classes[i].pattern, name_in(path), 0) == 0)
			return (int)classes[i].class;
	return -1;
}

/* ---- the table ---- */

static int
by_name(const void *a, const void *b)
{
	const struct msg_client *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static const struct msg_client **
sorted_by_name(const struct bindings *b)
{
	size_t count = b == NULL ? 0 : b->view.client_count;
	const struct msg_client **sorted = calloc(count + 1, sizeof(const struct msg_client *));

	if (sorted == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &b->view.clients[i];
	qsort(sorted, count, sizeof(*sorted), by_name);
	return sorted;
}

bool
timelines_configured(struct timelines *t, const struct bindings *old, const struct bindings *now)
{
	const struct msg_client **before = sorted_by_name(old);
	struct timeline **of = calloc(now->view.client_count + 1, sizeof(struct timeline *));

	if (before == NULL || of == NULL) {
		free(before);
		free(of);
		return false;
	}
	for (size_t i = 0; i < now->view.client_count && t->count > 0; i++) {
		const struct msg_client *wanted = &now->view.clients[i], *const * found;

		found = bsearch(&wanted, before, t->count, sizeof(*before), by_name);
		if (found == NULL)
			continue;
		of[i] = t->of[(*found)->index];
		t->of[(*found)->index] = NULL;
	}
	for (size_t i = 0; i < t->count; i++)
		free(t->of[i]);
	free(t->of);
	free(before);
	t->of = of;
	t->count = now->view.client_count;
	return true;
}

const struct timeline *
timeline_of(const struct timelines *t, uint32_t client)
{
	return client < t->count ? t->of[client] : NULL;
}

const struct boot *
timeline_boot(const struct timeline *line, unsigned number)
{
	if (line == NULL || number >= line->count)
		return NULL;
	return &line->boot[(line->newest + TIMELINE_BOOTS - number) % TIMELINE_BOOTS];
}

static struct boot *
begin(struct timeline *line, uint64_t now)
{
	struct boot *boot;

	line->newest = (line->newest + 1) % TIMELINE_BOOTS;
	line->count += line->count < TIMELINE_BOOTS;
	boot = &line->boot[line->newest];
	memset(boot, 0, sizeof(*boot));
	boot->last = now;
	return boot;
}

/* Its newest boot, or NULL; *line is made if it must be. */
static struct boot *
newest(struct timelines *t, const struct msg_client *client, struct timeline **line)
{
	struct timeline **place = &t->of[client->index];

	if (*place == NULL)
		*place = calloc(1, sizeof(**place));
	*line = *place;
	if (*line == NULL)
		return NULL;
	(*line)->changed = ++t->sequence;
	return (*line)->count == 0 ? NULL : &(*line)->boot[(*line)->newest];
}

static bool
quiet_since(const struct boot *boot, uint64_t limit, uint64_t now)
{
	return now > boot->last && now - boot->last > limit;
}

/* What wants a boot to belong to and must not end one. NULL: no memory. */
static struct boot *
newest_or_new(struct timelines *t, const struct msg_client *client, uint64_t now)
{
	struct timeline *line;
	struct boot *boot = newest(t, client, &line);

	return boot == NULL && line != NULL ? begin(line, now) : boot;
}

static void
advance(struct boot *boot, enum boot_step step, uint64_t now)
{
	if (step <= boot->step)
		return;
	boot->at[step] = now;
	boot->step = step;
}

static void
note_life(struct timelines *t, const struct msg_client *client, struct boot *boot, uint64_t now)
{
	boot->last = now;
	t->of[client->index]->last_seen = now;
}

/* ---- events ---- */

static void
note_dhcp_fault(struct boot *boot, const struct msg_dhcp_seen *seen)
{
	boot->dhcp_fault = seen->verdict;
	boot->given = seen->address;
	boot->given_by = seen->server;
}

void
timeline_seen(struct timelines *t, const struct msg_client *client, const struct msg_dhcp_seen *seen, uint64_t now)
{
	struct timeline *line;
	struct boot *boot = newest(t, client, &line);

	if (line == NULL)
		return;
	if (seen->verdict > SEEN_NOT_SERVED) {
		note_dhcp_fault(boot == NULL ? begin(line, now) : boot, seen);
		return;
	}
	if (boot == NULL || boot->step > STEP_FIRMWARE || quiet_since(boot, patience[boot->step].seen, now))
		boot = begin(line, now);
	advance(boot, STEP_SEEN, now);
	if (seen->verdict == SEEN_OFFERED) {
		advance(boot, STEP_OFFERED, now);
		boot->offers++;
	}
	note_life(t, client, boot, now);
}

void
timeline_read(struct timelines *t, const struct msg_client *client, const char *path, uint64_t now)
{
	struct timeline *line;
	struct boot *boot = newest(t, client, &line);

	if (line == NULL)
		return;
	if (boot == NULL || quiet_since(boot, patience[boot->step].read, now))
		boot = begin(line, now);
	advance(boot, STEP_SEEN, now);
	boot->asked++;
	boot->held = false;
	boot->elsewhere = 0;
	boot->dhcp_fault = 0;
	log_visible(boot->file, sizeof(boot->file), path, strlen(path));
	note_life(t, client, boot, now);
}

void
timeline_refused(struct timelines *t, const struct msg_client *client, enum access_verdict verdict, const uint8_t *mac,
    const struct msg_client *other, uint64_t now)
{
	static const enum trouble troubles[] = {
		[ACCESS_FOREIGN] = TROUBLE_FOREIGN,
		[ACCESS_BAD_PATH] = TROUBLE_BAD_PATH,
		[ACCESS_NOT_SERVED] = TROUBLE_NOT_SERVED,
	};
	struct boot *boot = newest_or_new(t, client, now);

	if (boot == NULL)
		return;
	boot->refused++;
	if (verdict == ACCESS_WRONG_MAC) {
		boot->held = true;
		boot->held_known = mac != NULL;
		if (mac != NULL)
			memcpy(boot->holder, mac, MAC_SIZE);
	} else if (verdict < sizeof(troubles) / sizeof(*troubles)) {
		boot->trouble = troubles[verdict];
		snprintf(boot->other, sizeof(boot->other), "%s", other == NULL ? "" : other->name);
	}
}

void
timeline_elsewhere(struct timelines *t, const struct msg_client *client, uint32_t address, uint64_t now)
{
	struct boot *boot = newest_or_new(t, client, now);

	if (boot != NULL)
		boot->elsewhere = address;
}

static void
note_missing(struct boot *boot, const char *path)
{
	int class = class_of(path);

	boot->missing++;
	if (class == -1 || boot->had & 1u << class)
		return;
	if (boot->wanted != 0 && (int)boot->wanted - 1 <= class && !(boot->had & 1u << (boot->wanted - 1)))
		return;
	boot->wanted = (uint32_t)(class + 1);
	log_visible(boot->wanted_file, sizeof(boot->wanted_file), name_in(path), strlen(name_in(path)));
}

static void
note_served(struct boot *boot, const struct msg_done *done, uint64_t now)
{
	int class = class_of(done->path);

	if (class != -1)
		boot->had |= 1u << class;
	advance(boot, STEP_FIRMWARE, now);
	if (done->status != DONE_SENT)
		return;
	boot->files++;
	if (class == FILE_KERNEL)
		advance(boot, STEP_KERNEL, now);
}

void
timeline_done(
    struct timelines *t, const struct msg_client *client, const struct msg_done *done, bool granted, uint64_t now)
{
	struct timeline *line;
	struct boot *boot = newest(t, client, &line);

	if (boot == NULL)
		return;
	boot->bytes += done->bytes;
	boot->retransmits += done->retransmits;
	boot->failed = done->status == DONE_TIMEOUT || done->status == DONE_FAILED ? done->status : 0;
	if (done->status == DONE_SENT || done->status == DONE_CLOSED) {
		note_served(boot, done, now);
	} else if (done->status == DONE_NOT_FOUND) {
		note_missing(boot, done->path);
	} else if (done->status == DONE_REFUSED && granted) {
		boot->refused++;
		boot->trouble = TROUBLE_NOT_OPENED;
	}
	if (done->status != DONE_REFUSED || granted)
		note_life(t, client, boot, now);
}

void
timeline_mounted(struct timelines *t, const struct msg_client *client, uint64_t now)
{
	struct boot *boot = newest_or_new(t, client, now);

	if (boot == NULL)
		return;
	advance(boot, STEP_MOUNTED, now);
	note_life(t, client, boot, now);
}

/* ---- what an operator sees ---- */

bool
timeline_stalled(const struct boot *boot, const struct msg_client *client, uint64_t now)
{
	if (boot->step == STEP_KERNEL && client->root == ROOT_LOCAL)
		return false; /* nobody tells us of a root on a card */
	return boot->step < STEPS && boot->step > 0 && quiet_since(boot, patience[boot->step].stall, now);
}

void
timelines_age(struct timelines *t, const struct bindings *b, uint64_t now)
{
	for (size_t i = 0; i < t->count; i++) {
		struct boot *boot;
		bool stalled;

		if (t->of[i] == NULL || t->of[i]->count == 0)
			continue;
		boot = &t->of[i]->boot[t->of[i]->newest];
		stalled = timeline_stalled(boot, &b->view.clients[i], now);
		if (stalled != boot->stalled)
			t->of[i]->changed = ++t->sequence;
		boot->stalled = stalled;
	}
}

static void
dhcp_fault_text(const struct boot *boot, const struct msg_client *client, char *text, size_t size)
{
	char address[ADDRESS_TEXT], given[ADDRESS_TEXT], by[ADDRESS_TEXT] = "";

	address_text(client->address, address);
	address_text(boot->given, given);
	if (boot->given_by != 0)
		address_text(boot->given_by, by);
	if (boot->dhcp_fault == SEEN_DECLINED)
		snprintf(text, size, "says that another machine has its address %s", address);
	else if (boot->dhcp_fault == SEEN_OTHER_SERVER)
		snprintf(text, size, "takes its address from another DHCP server of the network, %s", by);
	else
		snprintf(text, size, "asks for address %s instead of its own, %s%s%s", given, address,
		    boot->given_by == 0 ? "" : ": it has it of DHCP server ", by);
}

/* Somebody did what he may not. Shown whatever became of the boot. */
static void
trouble_text(const struct boot *boot, const struct msg_client *client, char *text, size_t size)
{
	char address[ADDRESS_TEXT], holder[MAC_TEXT], mac[MAC_TEXT];

	if (boot->held && boot->held_known)
		snprintf(text, size, "refused: its address %s is held by MAC %s instead of %s",
		    address_text(client->address, address), mac_text(boot->holder, holder), mac_text(client->mac, mac));
	else if (boot->held)
		snprintf(text, size, "refused: nobody's MAC is known for its address %s",
		    address_text(client->address, address));
	else if (boot->dhcp_fault != 0)
		dhcp_fault_text(boot, client, text, size);
	else if (boot->trouble == TROUBLE_FOREIGN && boot->other[0] != '\0')
		snprintf(text, size, "refused: asked for files of client %s", boot->other);
	else if (boot->trouble == TROUBLE_FOREIGN)
		snprintf(text, size,
		    "refused: asked for files of a serial or MAC that is not its own: is its serial right?");
	else if (boot->trouble == TROUBLE_BAD_PATH)
		snprintf(text, size, "refused: asked for a path that leads out of its boot directory");
	else if (boot->trouble == TROUBLE_NOT_OPENED)
		snprintf(text, size, "refused: asked for what is no plain file of its boot directory");
	else if (boot->trouble == TROUBLE_NOT_SERVED)
		snprintf(text, size, "asked for files, but is configured \"boot sd\"");
}

static void
in_vain_text(const struct boot *boot, const struct msg_client *client, char *text, size_t size)
{
	char address[ADDRESS_TEXT], other[ADDRESS_TEXT], mac[MAC_TEXT];

	if (boot->elsewhere != 0)
		snprintf(text, size,
		    "its files were asked for from %s: does the network's DHCP server give it that address "
		    "instead of %s?",
		    address_text(boot->elsewhere, other), address_text(client->address, address));
	else
		snprintf(text, size,
		    "offered %" PRIu32 " times, no file asked for: does the network's DHCP server give %s "
		    "to %s? is the switch port blocked at first (spanning tree)? is TFTP_IP set on the board?",
		    boot->offers, address_text(client->address, address), mac_text(client->mac, mac));
}

static void
no_root_text(const struct timeline_context *c, char *text, size_t size)
{
	if (c->server != NULL && !c->server->nfsd)
		snprintf(text, size, "has its kernel, but nfsd does not run on this server");
	else if (c->state != NULL && c->state->phase != CLIENT_EXPORTED)
		snprintf(text, size, "has its kernel, but its root is not exported%s%.180s",
		    c->state->text[0] == '\0' ? "" : ": ", c->state->text);
	else
		snprintf(text, size,
		    "has its kernel, but did not mount its root: do kernel and initramfs have the board's "
		    "network device and NFS version 3 over TCP?");
}

/* Why it stands still, most likely. */
static void
standstill_text(const struct boot *boot, const struct timeline_context *c, char *text, size_t size)
{
	if (boot->step == STEP_KERNEL)
		no_root_text(c, text, size);
	else if (boot->wanted != 0 && !(boot->had & 1u << (boot->wanted - 1)))
		snprintf(text, size, "asked for %s, which is not in its boot directory", boot->wanted_file);
	else if (boot->failed == DONE_TIMEOUT)
		snprintf(text, size, "did not answer while %.100s was sent: is the link or the switch losing packets?",
		    boot->file);
	else if (boot->asked == 0)
		in_vain_text(boot, c->client, text, size);
	else
		snprintf(text, size,
		    "asked for %.100s last and for no kernel since: what does its screen or serial port say?",
		    boot->file);
}

/* Our fault, and at once. */
static void
failed_text(const struct boot *boot, const struct timeline_context *c, char *text, size_t size)
{
	if (c->state != NULL && (c->state->phase == CLIENT_WAITING || c->state->phase == CLIENT_FAILED))
		snprintf(text, size, "its root is not mounted on this server, so there is no %.40s%s%.150s", boot->file,
		    c->state->text[0] == '\0' ? "" : ": ", c->state->text);
	else
		snprintf(text, size, "%.100s could not be read on this server: see its log", boot->file);
}

static bool
offered_in_vain(const struct boot *boot)
{
	return boot->step <= STEP_OFFERED && boot->asked == 0 &&
	       (boot->offers >= OFFERS_IN_VAIN || boot->elsewhere != 0);
}

static void
fault_text(const struct boot *boot, const struct timeline_context *c, bool stalled, char *text, size_t size)
{
	trouble_text(boot, c->client, text, size);
	if (text[0] != '\0')
		return;
	if (boot->failed == DONE_FAILED)
		failed_text(boot, c, text, size);
	else if (stalled)
		standstill_text(boot, c, text, size);
	else if (offered_in_vain(boot))
		in_vain_text(boot, c->client, text, size);
}

void
timeline_row(const struct boot *boot, const struct timeline_context *c, uint64_t now, struct msg_ctl_boot *row)
{
	bool stalled = timeline_stalled(boot, c->client, now);

	memset(row, 0, sizeof(*row));
	for (int step = STEP_SEEN; step < STEPS; step++)
		row->at[step] = boot->at[step];
	row->files = boot->files;
	row->missing = boot->missing;
	row->refused = boot->refused;
	row->retransmits = boot->retransmits;
	row->bytes = boot->bytes;
	row->step = boot->step;
	row->stalled = stalled;
	memcpy(row->client, c->client->name, sizeof(row->client));
	memcpy(row->file, boot->file, sizeof(row->file));
	fault_text(boot, c, stalled, row->fault, sizeof(row->fault));
}
