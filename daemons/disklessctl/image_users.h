/* SPDX-License-Identifier: ISC */
/* Who needs which version of an image: roots of clients, the generations that are kept of them, and what is attached now. */
#ifndef DISKLESS_IMAGE_USERS_H
#define DISKLESS_IMAGE_USERS_H

#include <stddef.h>
#include <stdint.h>

#include "messages.h"

struct image_user {
	char client[NAME_SIZE];
	char image[NAME_SIZE];
	uint32_t version;
};

struct image_users {
	struct image_user *user; /* a client once for each generation */
	size_t count;
};

/* Of all manifests below PATH_CLIENTS. -1 and why if one cannot be read: then nobody knows. */
int image_users_read(struct image_users *, char *why, size_t size);
void image_users_free(struct image_users *);

/* How many clients use it, each counted once; their names as "node1, node2 and 38 more". */
size_t image_users_of(const struct image_users *, const char *image, uint32_t version, char *names, size_t size);

/*
 * Pure: image and version of the text of a client's manifest, of which nothing else is looked at: what is needed is kept whatever
 * else its writer has in it. -1: it has not both.
 */
int image_user_parse(const char *text, struct image_user *);

#endif
