/* SPDX-License-Identifier: ISC */
/* Manifests: what is written is read back, and nothing else is taken. */
#include "manifest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "beneath.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ROOT   "name node1\nimage bookworm\nversion 3\nfsid 7\nquota 8589934592\ninodes 0\n"
#define CLIENT ROOT "generation 4\nprevious 3\nkept 1,3\nlabel -\nmade 2026-11-23T20:00:00Z\n"

static char why[TEXT_SIZE];

static const struct image_manifest image = {
	.name = "bookworm",
	.version = 4294967295u,
	.digest = DIGEST,
	.size = 3221225472u,
	.boot = "/boot/firmware",
	.kernel = "kernel8.img kernel_2712.img",
	.origin = "/srv/downloads/a name with spaces.img",
	.origin_digest = DIGEST,
	.made = "2026-11-23T20:00:00Z",
};

Test(manifest, of_an_image_is_read_as_it_was_written)
{
	struct image_manifest again;
	char *text = image_manifest_print(&image, why, sizeof(why));

	cr_assert_not_null(text, "%s", why);
	cr_expect(image_manifest_parse("m", text, strlen(text), &again, why, sizeof(why)) == 0, "%s", why);
	cr_expect(memcmp(&image, &again, sizeof(image)) == 0);
	free(text);
}

Test(manifest, of_a_client_is_read_as_it_was_written)
{
	struct client_manifest m;
	char *text;

	cr_assert(client_manifest_parse("m", CLIENT, strlen(CLIENT), &m, why, sizeof(why)) == 0, "%s", why);
	cr_expect(strcmp(m.name, "node1") == 0 && strcmp(m.image, "bookworm") == 0);
	cr_expect(m.version == 3 && m.fsid == 7 && m.quota == (uint64_t)8 << 30);
	cr_expect(m.generation == 4 && m.previous == 3);
	text = client_manifest_print(&m, why, sizeof(why));
	cr_expect_str_eq(text, CLIENT);
	free(text);
}

Test(manifest, the_generations_of_a_client_are_a_list_and_back)
{
	static const uint32_t all[GENERATIONS_MAX] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 4294967295u };
	uint32_t again[GENERATIONS_MAX];
	struct client_manifest m;

	cr_assert(client_manifest_parse("m", CLIENT, strlen(CLIENT), &m, why, sizeof(why)) == 0, "%s", why);
	cr_expect(client_kept(&m, again) == 2 && again[0] == 1 && again[1] == 3);
	client_keep(&m, all, GENERATIONS_MAX);
	cr_expect(client_kept(&m, again) == GENERATIONS_MAX && memcmp(all, again, sizeof(all)) == 0);
	client_keep(&m, all, 0);
	cr_expect(client_kept(&m, again) == 0);
	cr_expect_str_eq(m.kept, "-");
}

Test(manifest, an_empty_list_of_kernels_is_a_list)
{
	struct image_manifest m = image, again;
	char *text;

	m.kernel[0] = '\0';
	text = image_manifest_print(&m, why, sizeof(why));
	cr_assert_not_null(text, "%s", why);
	cr_expect(
	    image_manifest_parse("m", text, strlen(text), &again, why, sizeof(why)) == 0 && again.kernel[0] == '\0',
	    "%s", why);
	free(text);
}

Test(manifest, a_text_that_would_not_be_read_again_is_not_written)
{
	struct image_manifest m = image;

	strcpy(m.origin, "two\nlines");
	cr_expect_null(image_manifest_print(&m, why, sizeof(why)));
	m = image;
	strcpy(m.digest, "ABC");
	cr_expect_null(image_manifest_print(&m, why, sizeof(why)));
	m = image;
	strcpy(m.boot, "/boot/../..");
	cr_expect_null(image_manifest_print(&m, why, sizeof(why)));
	m = image;
	strcpy(m.name, "../x");
	cr_expect_null(image_manifest_print(&m, why, sizeof(why)));
}

struct wrong {
	const char *text;
	const char *says;
};

Test(manifest, what_is_not_exactly_a_manifest_is_refused_with_its_line)
{
	static const struct wrong table[] = {
		{ "", "m: no line `name`" },
		{ "name node1\nimage b\nversion 3\nfsid 7\n", "m: no line `quota`" },
		{ CLIENT "quota 1\n", "m:12: quota is there twice" },
		{ CLIENT "color red\n", "m:12: a key that is not known" },
		{ ROOT, "m: no line `generation`" },
		{ "kept 3,1\n", "m:1: kept is wrong" },
		{ "kept 1,1\n", "m:1: kept is wrong" },
		{ "kept 0\n", "m:1: kept is wrong" },
		{ "kept 1,\n", "m:1: kept is wrong" },
		{ "kept 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\n", "m:1: kept is wrong" },
		{ "kept 4294967296\n", "m:1: kept is wrong" },
		{ "label ../x\n", "m:1: label is wrong" },
		{ "name\n", "m:1: a line without a value" },
		{ "\n", "m:1: a line without a value" },
		{ "name node1\nimage b\nversion 3\nfsid 7\nquota 1", "m:5: the last line has no end" },
		{ "name ../etc\n", "m:1: name is wrong" },
		{ "name -x\n", "m:1: name is wrong" },
		{ "name node1\nimage \n", "m:2: image is wrong" },
		{ "name node1\nimage b\nversion 4294967296\n", "m:3: version is wrong" },
		{ "version -1\n", "m:1: version is wrong" },
		{ "version 0x10\n", "m:1: version is wrong" },
		{ "version 007\n", "m:1: version is wrong" },
		{ "version  7\n", "m:1: version is wrong" },
		{ "version 7 \n", "m:1: version is wrong" },
		{ "quota 99999999999999999999999\n", "m:1: quota is wrong" },
	};
	struct client_manifest m;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		why[0] = '\0';
		cr_expect(client_manifest_parse("m", table[i].text, strlen(table[i].text), &m, why, sizeof(why)) == -1,
		    "%s", table[i].text);
		cr_expect(strncmp(why, table[i].says, strlen(table[i].says)) == 0, "%s\ngives: %s", table[i].text, why);
	}
	cr_expect(client_manifest_parse("m", "name node1\0\n", 12, &m, why, sizeof(why)) == -1);
}

Test(manifest, a_manifest_longer_than_a_page_is_refused)
{
	char text[5000];
	struct client_manifest m;

	memset(text, 'x', sizeof(text));
	cr_expect(client_manifest_parse("m", text, sizeof(text), &m, why, sizeof(why)) == -1);
}

Test(manifest, is_written_whole_into_its_directory)
{
	char directory[] = "/tmp/test_manifest.XXXXXX", *text;
	struct image_manifest again;
	size_t length;
	int fd;

	cr_assert_not_null(mkdtemp(directory));
	fd = open(directory, O_PATH | O_DIRECTORY);
	cr_expect(image_manifest_write(fd, &image, why, sizeof(why)) == 0, "%s", why);
	cr_assert(beneath_slurp(fd, "manifest", 4096, &text, &length) == 0);
	cr_expect(image_manifest_parse("m", text, length, &again, why, sizeof(why)) == 0, "%s", why);
	free(text);
	cr_expect(beneath_unlink(fd, "manifest") == 0 && rmdir(directory) == 0);
}
