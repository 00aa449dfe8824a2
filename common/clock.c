/* SPDX-License-Identifier: ISC */
/* See clock.h. Both are calls of the vDSO where there is one; the jails allow them as system calls too. */
#include "clock.h"

#include <time.h>

static uint64_t
milliseconds(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t
clock_ms(void)
{
	return milliseconds(CLOCK_MONOTONIC);
}

uint64_t
clock_wall_ms(void)
{
	return milliseconds(CLOCK_REALTIME);
}
