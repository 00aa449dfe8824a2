/* SPDX-License-Identifier: ISC */
/* Runs a fuzz target over the files given as arguments: how a corpus is replayed where there is no libFuzzer. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define INPUT_MAX ((size_t)1 << 20)

static void
replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(INPUT_MAX), *exact;
	size_t length;

	if (file == NULL || bytes == NULL) {
		perror(path);
		exit(1);
	}
	length = fread(bytes, 1, INPUT_MAX, file);
	fclose(file);
	/* A copy of just its size, so that a sanitizer sees a read past its end. */
	exact = malloc(length == 0 ? 1 : length);
	if (exact == NULL)
		abort();
	for (size_t i = 0; i < length; i++)
		exact[i] = bytes[i];
	free(bytes);
	LLVMFuzzerTestOneInput(exact, length);
	free(exact);
}

int
main(int argc, char *argv[])
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	return argc < 2;
}
