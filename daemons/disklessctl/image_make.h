/* SPDX-License-Identifier: ISC */
/*
 * Makes one version of an image: a work directory beside the images, a filesystem, its tree made ready, a step of the caller's
 * on it, sealed and published by one rename. What differs is where the tree comes from (struct image_source) and what is done to
 * it (struct image_step); both are plugged in here, so neither copies anything of this. As root.
 *
 * Whatever fails or is killed before the rename leaves a directory whose name begins with a dot; it is locked by its maker and
 * removed by the next one who finds it without that lock.
 */
#ifndef DISKLESS_IMAGE_MAKE_H
#define DISKLESS_IMAGE_MAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "manifest.h"

/* In memory that is shared with the process of the mounts: what fill() and a step write into it is kept. */
struct image_make {
	struct image_manifest manifest; /* origin and origin_digest are the source's to give; the rest is found here */
	/*
	 * Bytes that a step shall find free, beyond the boot files; 0 without a step. They are holes of a file, and the image is
	 * shrunk to what it holds when it is sealed, so a generous number costs little.
	 */
	uint64_t room;
	bool new_filesystem;        /* made here, larger than need be: it is shrunk as well */
	int images;                 /* PATH_IMAGES */
	int work;                   /* the directory it is made in, locked while we live */
	char work_path[PATH_SIZE];  /* its path; a source may put what it needs there under names of its own */
	char image[PATH_SIZE + 32]; /* new/image.ext4 there: the filesystem */
	char boot_files[PATH_SIZE +
			32];       /* boot there: files of a boot partition, if the source has one; else left empty */
	char root[PATH_SIZE + 32]; /* root there: where the tree is mounted in the namespace of fill() and the step */
	char why[2 * TEXT_SIZE];   /* why it failed */
};

/* Functions of a source and of a step return 0, or -1 after image_failed(). */
struct image_source {
	/*
	 * In our own mount namespace: makes m->image, a sound ext4 filesystem (foreign bytes after image_check_foreign(), new ones
	 * by image_new_filesystem()), and what there is in m->boot_files.
	 */
	int (*make)(struct image_make *m, void *argument);
	/* NULL, or fills the filesystem, mounted nosuid,nodev,noexec at m->root (descriptor: root, O_PATH) in a mount namespace. */
	int (*fill)(struct image_make *m, int root, void *argument);
	void *argument;
	bool adapted; /* it is the tree of a version of ours: not made ready for the network once more */
};

/*
 * Runs behind the adapting in the same mount namespace, its own child process: mounts that it makes vanish with it. What runs
 * programs of the tree mounts m->root once more for itself, without noexec.
 */
struct image_step {
	int (*run)(struct image_make *m, int root, const void *argument);
	/* NULL, or runs when the filesystem has got its size, by which directories got new times; likewise mounted. */
	int (*settle)(struct image_make *m, int root, const void *argument);
	const void *argument;
};

/* name is valid (config_name_valid()). Fatal when memory is out. */
struct image_make *image_make_new(const char *name);
/*
 * All of it. step may be NULL. 0: manifest.version is there. -1: m->why says why, and nothing of it is left. Progress on stderr.
 * Once for each image_make_new().
 */
int image_make(struct image_make *, const struct image_source *, const struct image_step *);
void image_make_free(struct image_make *);

/* ---- for sources and steps ---- */

/* Sets m->why; -1. */
int image_failed(struct image_make *, const char *, ...) __attribute__((format(printf, 2, 3)));
/* A line of progress. */
void image_say(const struct image_make *, const char *, ...) __attribute__((format(printf, 2, 3)));
/* Runs a program as program.h does: bit i of accept: exit status i is success (0 is the same as 1). -1: m->why. */
int image_run(struct image_make *, const char *const argv[], unsigned accept);
/* sha256 of a file, for manifest.origin_digest. */
int image_digest_of(struct image_make *, const char *file, char digest[65]);

/* m->image as an empty ext4 filesystem for a tree of so many bytes (in whole blocks) and entries, and m->room. */
int image_new_filesystem(struct image_make *, uint64_t bytes, uint64_t entries);
/* e2fsck -y of m->image: foreign bytes, before a kernel sees them. */
int image_check_foreign(struct image_make *);

/* The source whose tree is that of an existing version; argument: its struct image_manifest, which outlives it. */
struct image_source image_source_base(struct image_manifest *base);

/* What a tree takes: bytes in whole blocks, and entries. */
struct image_measure {
	uint64_t bytes;
	uint64_t entries;
	uint64_t content; /* of its files, to the byte */
};
void image_measure(const char *path, struct image_measure *);

#endif
