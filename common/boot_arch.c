/* SPDX-License-Identifier: ISC */
/* See boot_arch.h. */
#include "boot_arch.h"

#include <string.h>

/* UEFI names a loader on a removable disk boot*.efi: that is what a client's image has most likely. */
static const struct {
	const char *word;
	const char *first_file;
	bool http;
} archs[BOOT_ARCHS] = {
	[BOOT_BIOS] = { "bios", "undionly.kpxe", false },
	[BOOT_EFI_IA32] = { "efi-ia32", "bootia32.efi", false },
	[BOOT_EFI_X64] = { "efi-x64", "bootx64.efi", false },
	[BOOT_EFI_ARM32] = { "efi-arm32", "bootarm.efi", false },
	[BOOT_EFI_ARM64] = { "efi-arm64", "bootaa64.efi", false },
	[BOOT_IPXE] = { "ipxe", "boot.ipxe", false },
	[BOOT_HTTP_X64] = { "http-x64", "", true },
	[BOOT_HTTP_ARM64] = { "http-arm64", "", true },
};

/* RFC 4578 and after; 9 is EFI byte code, which x64 machines said before 7 was agreed on. */
static const struct {
	uint16_t number;
	uint8_t arch;
} numbers[] = {
	{ 0, BOOT_BIOS },
	{ 6, BOOT_EFI_IA32 },
	{ 7, BOOT_EFI_X64 },
	{ 9, BOOT_EFI_X64 },
	{ 10, BOOT_EFI_ARM32 },
	{ 11, BOOT_EFI_ARM64 },
	{ 16, BOOT_HTTP_X64 },
	{ 19, BOOT_HTTP_ARM64 },
};

const char *
boot_arch_word(enum boot_arch arch)
{
	return archs[arch].word;
}

int
boot_arch_parse(const char *word)
{
	for (int i = 0; i < BOOT_ARCHS; i++)
		if (strcmp(archs[i].word, word) == 0)
			return i;
	return -1;
}

const char *
boot_arch_default(enum boot_arch arch)
{
	return archs[arch].first_file;
}

bool
boot_arch_http(enum boot_arch arch)
{
	return archs[arch].http;
}

int
boot_arch_of_number(uint16_t number)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].number == number)
			return numbers[i].arch;
	return -1;
}
