/* SPDX-License-Identifier: ISC */
/* Duty: words for numbers that cross the control socket. */
#include "disklessctl.h"

#include <stddef.h>

#define WORD(table, number) \
	((number) < sizeof(table) / sizeof(*(table)) && (table)[number] != NULL ? (table)[number] : "unknown")

const char *
word_step(uint32_t step)
{
	static const char *const words[] = {
		[0] = "none",
		[STEP_SEEN] = "seen",
		[STEP_OFFERED] = "offered",
		[STEP_FIRMWARE] = "firmware",
		[STEP_KERNEL] = "kernel",
		[STEP_MOUNTED] = "mounted",
	};

	return WORD(words, step);
}

const char *
word_phase(uint32_t phase)
{
	static const char *const words[] = {
		[CLIENT_WAITING] = "waiting",
		[CLIENT_ATTACHED] = "attached",
		[CLIENT_EXPORTED] = "exported",
		[CLIENT_FAILED] = "failed",
	};

	return WORD(words, phase);
}

const char *
word_process(uint32_t phase)
{
	static const char *const words[] = {
		[PROCESS_STARTING] = "starting",
		[PROCESS_READY] = "ready",
		[PROCESS_DEAD] = "dead",
	};

	return WORD(words, phase);
}

const char *
word_dhcp(uint32_t mode)
{
	static const char *const words[] = {
		[DHCP_OFF] = "off",
		[DHCP_PROXY] = "proxy",
		[DHCP_RESERVATIONS] = "reservations",
	};

	return WORD(words, mode);
}

const char *
word_unknown(uint32_t policy)
{
	static const char *const words[] = { [UNKNOWN_OBSERVE] = "observe", [UNKNOWN_ANSWER] = "answer" };

	return WORD(words, policy);
}

const char *
word_model(uint32_t model)
{
	static const char *const words[] = {
		[BOARD_OTHER] = "other",
		[BOARD_PI3] = "Raspberry Pi 3",
		[BOARD_PI4] = "Raspberry Pi 4",
		[BOARD_PI5] = "Raspberry Pi 5",
	};

	return WORD(words, model);
}
