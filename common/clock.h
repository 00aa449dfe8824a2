/* SPDX-License-Identifier: ISC */
/* The two clocks: one that only goes forward, for deadlines; one on the wall, for people. */
#ifndef DISKLESS_CLOCK_H
#define DISKLESS_CLOCK_H

#include <stdint.h>

uint64_t clock_ms(void);      /* CLOCK_MONOTONIC, milliseconds */
uint64_t clock_wall_ms(void); /* CLOCK_REALTIME, milliseconds since 1970 */

#endif
