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

/* The first that it is; what is none of these may be a disk image, or it is said there why it is none. */
static const struct image_kind *const kinds[] = { &image_kind_directory, &image_kind_tar };

int
image_origin_look(struct image_make *m, struct image_origin *origin)
{
	memset(origin->head, 0, sizeof(origin->head));
	if (fstat(origin->fd, &origin->st) == -1)
		return image_failed(m, "%s: %s", origin->file, strerror(errno));
	if (S_ISDIR(origin->st.st_mode))
		return 0;
	if (!S_ISREG(origin->st.st_mode))
		return image_failed(m, "%s: it should be a disk image, a tar or a directory", origin->file);
	if (pread(origin->fd, origin->head, sizeof(origin->head), 0) == -1)
		return image_failed(m, "%s: %s", origin->file, strerror(errno));
	return 0;
}

/* What is given is what was meant: before anything is made of it. */
static int
check_digest(struct image_make *m, const struct image_origin *origin, const char *wanted)
{
	char *digest = m->manifest.origin_digest;

	if (S_ISDIR(origin->st.st_mode)) {
		snprintf(digest, sizeof(m->manifest.origin_digest), "-");
		return wanted == NULL ? 0 : image_failed(m, "%s: a directory has no sha256", origin->file);
	}
	if (image_digest_of(m, origin->file, digest) == -1)
		return -1;
	if (wanted == NULL || strcasecmp(digest, wanted) == 0)
		return 0;
	return image_failed(m, "%s: its sha256 is %s; it should be %s", origin->file, digest, wanted);
}

int
image_origin_open(struct image_make *m, struct image_origin *origin, const char *sha256)
{
	origin->fd = open(origin->file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (origin->fd == -1)
		return image_failed(m, "%s: %s", origin->file, strerror(errno));
	log_visible(m->manifest.origin, sizeof(m->manifest.origin), origin->file, strlen(origin->file));
	return image_origin_look(m, origin) == -1 ? -1 : check_digest(m, origin, sha256);
}

/* ---- the source that image_make() sees ---- */

static int
make(struct image_make *m, void *argument)
{
	struct image_origin *origin = argument;

	if (image_is_packed(origin)) {
		if (image_unpack(m, origin) == -1)
			return -1;
		if (image_is_packed(origin))
			return image_failed(
			    m, "%s: what is packed in it is packed once more; unpack it first", origin->file);
	}
	origin->kind = &image_kind_disk;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i]->is(origin)) {
			origin->kind = kinds[i];
			break;
		}
	return origin->kind->make(m, origin);
}

static int
fill(struct image_make *m, int root, void *argument)
{
	struct image_origin *origin = argument;

	return origin->kind->fill == NULL ? 0 : origin->kind->fill(m, root, origin);
}

struct image_source
image_source_file(struct image_origin *origin)
{
	return (struct image_source){ .make = make, .fill = fill, .argument = origin };
}

int
image_import(const char *file, const char *name, const char *sha256, bool json)
{
	struct image_make *m = image_make_new(name);
	struct image_origin origin = { .file = file, .fd = -1 };
	struct image_source source = image_source_file(&origin);
	int result = image_origin_open(m, &origin, sha256);

	if (result == 0)
		result = image_make(m, &source, NULL);
	if (origin.fd != -1)
		close(origin.fd);
	return image_report(m, result, json);
}
