/* SPDX-License-Identifier: ISC */
/* The import of a file or directory: which kind of source it is. Runs as root; what it is made of is read by that kind alone. */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image_source.h"
#include "log.h"

/* The first that it is. */
static const struct image_kind *const kinds[] = { &image_kind_disk };

static int
open_origin(struct image_make *m, struct image_origin *origin)
{
	origin->fd = open(origin->file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (origin->fd == -1 || fstat(origin->fd, &origin->st) == -1)
		return image_failed(m, "%s: %s", origin->file, strerror(errno));
	if (!S_ISREG(origin->st.st_mode))
		return image_failed(m, "%s: not a regular file; it should be a raw disk image", origin->file);
	if (pread(origin->fd, origin->head, sizeof(origin->head), 0) == -1)
		return image_failed(m, "%s: %s", origin->file, strerror(errno));
	log_visible(m->manifest.origin, sizeof(m->manifest.origin), origin->file, strlen(origin->file));
	return image_digest_of(m, origin->file, m->manifest.origin_digest);
}

static int
import(struct image_make *m, struct image_origin *origin)
{
	struct image_source source = { .argument = origin };

	for (size_t i = 0; source.make == NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i]->is(origin)) {
			source.make = kinds[i]->make;
			source.fill = kinds[i]->fill;
		}
	return image_make(m, &source, NULL);
}

int
image_import(const char *file, const char *name, uint32_t *version, char *why, size_t size)
{
	struct image_make *m = image_make_new(name);
	struct image_origin origin = { .file = file, .fd = -1 };
	int result = open_origin(m, &origin);

	if (result == 0)
		result = import(m, &origin);
	*version = m->manifest.version;
	snprintf(why, size, "%s", m->why);
	if (origin.fd != -1)
		close(origin.fd);
	image_make_free(m);
	return result;
}
