/* SPDX-License-Identifier: ISC */
/* How far a long step is (progress.h). Writes to stderr alone. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "output.h"

#define BAR_MS  200
#define LINE_MS 5000
#define BAR     30

void
progress_begin(struct progress *p, const char *what, uint64_t total)
{
	*p = (struct progress){
		.what = what, .total = total, .begun = clock_ms(), .terminal = isatty(STDERR_FILENO) == 1
	};
	p->shown = p->begun;
}

static unsigned
percent(uint64_t done, uint64_t total)
{
	return total == 0 || done >= total ? 100 : (unsigned)(done / ((double)total / 100));
}

void
progress_text(uint64_t done, uint64_t total, uint64_t elapsed_ms, char *text, size_t size)
{
	double each_second = elapsed_ms == 0 ? 0 : (double)done * 1000 / (double)elapsed_ms;
	uint64_t rate = each_second < (double)UINT64_MAX ? (uint64_t)each_second : UINT64_MAX;
	uint64_t left = rate == 0 || done >= total ? 0 : (total - done) / rate;
	char amount[16], each[16];
	int length;

	if (total == 0)
		length = snprintf(text, size, "%s", output_human(done, amount));
	else
		length = snprintf(text, size, "%u%% of %s", percent(done, total), output_human(total, amount));
	if (rate > 0 && length > 0 && (size_t)length < size)
		length += snprintf(text + length, size - (size_t)length, ", %s/s", output_human(rate, each));
	if (rate > 0 && total > 0 && length > 0 && (size_t)length < size)
		snprintf(text + length, size - (size_t)length, ", %" PRIu64 "%s left", left < 120 ? left : left / 60,
		    left < 120 ? " s" : " min");
}

void
progress_at(struct progress *p, uint64_t done)
{
	uint64_t now = clock_ms();
	unsigned filled;
	char text[80];

	if (now - p->shown < (p->terminal ? BAR_MS : LINE_MS))
		return;
	p->shown = now;
	progress_text(done, p->total, now - p->begun, text, sizeof(text));
	if (!p->terminal) {
		log_info("%s: %s", p->what, text);
		return;
	}
	p->drawn = true;
	if (p->total == 0) {
		fprintf(stderr, "\r%s %s\033[K", p->what, text);
		return;
	}
	filled = percent(done, p->total) * BAR / 100;
	fprintf(stderr, "\r%s [%.*s%*s] %s\033[K", p->what, (int)filled, "##############################",
	    (int)(BAR - filled), "", text);
}

void
progress_end(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stderr);
	p->drawn = false;
}
