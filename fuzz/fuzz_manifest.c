/* SPDX-License-Identifier: ISC */
/* Any bytes as a manifest: what is taken prints to a text that reads back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
hold(int truth)
{
	if (!truth)
		abort();
}

static void
image(const char *text, size_t length)
{
	struct image_manifest m, again;
	char why[TEXT_SIZE] = "", *printed;

	if (image_manifest_parse("m", text, length, &m, why, sizeof(why)) == -1) {
		hold(strncmp(why, "m:", 2) == 0);
		return;
	}
	hold(strstr(m.boot, "..") == NULL && strchr(m.name, '/') == NULL);
	printed = image_manifest_print(&m, why, sizeof(why));
	hold(printed != NULL && image_manifest_parse("m", printed, strlen(printed), &again, why, sizeof(why)) == 0);
	hold(memcmp(&m, &again, sizeof(m)) == 0);
	free(printed);
	m.kernel[0] = '\n'; /* what could not be read again is not written */
	hold(image_manifest_print(&m, why, sizeof(why)) == NULL && why[0] != '\0');
}

static void
client(const char *text, size_t length)
{
	struct client_manifest m, again;
	char why[TEXT_SIZE] = "", *printed;

	if (client_manifest_parse("m", text, length, &m, why, sizeof(why)) == -1) {
		hold(strncmp(why, "m:", 2) == 0);
		return;
	}
	printed = client_manifest_print(&m, why, sizeof(why));
	hold(printed != NULL && client_manifest_parse("m", printed, strlen(printed), &again, why, sizeof(why)) == 0);
	hold(memcmp(&m, &again, sizeof(m)) == 0);
	free(printed);
	m.image[0] = '/';
	hold(client_manifest_print(&m, why, sizeof(why)) == NULL && why[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	image((const char *)bytes, length);
	client((const char *)bytes, length);
	return 0;
}
