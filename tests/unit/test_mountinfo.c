/* SPDX-License-Identifier: ISC */
/* What /proc/self/mountinfo must show before a root is one: lines as Linux 6.1 and 6.18 print them, and each way to be wrong. */
#include "mountinfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "attach.h"

#define SERVER \
	"22 28 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:13 - proc proc rw\n" \
	"28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n"
#define IMAGE \
	"80 28 7:0 / /run/diskless/mounts/images/bookworm-3 ro,nosuid,nodev,relatime shared:40 - ext4 /dev/loop0 ro\n"
#define UPPER      "81 28 7:1 / /run/diskless/mounts/uppers/node1 rw,nosuid,nodev,noexec,relatime - ext4 /dev/loop1 rw\n"
#define ROOT_MOUNT "84 28 0:41 / /srv/diskless/node1 rw,nosuid,nodev,relatime shared:41 master:2 - overlay diskless "
#define LAYERS \
	"rw,lowerdir=/run/diskless/mounts/images/bookworm-3,upperdir=/run/diskless/mounts/uppers/node1/files," \
	"workdir=/run/diskless/mounts/uppers/node1/work"
#define ROOT ROOT_MOUNT LAYERS ",redirect_dir=on,index=on,uuid=on,nfs_export=on,xino=on\n"

static const struct client_manifest manifest = {
	.name = "node1", .image = "bookworm", .version = 3, .fsid = 7, .quota = 1, .generation = 2
};
static struct attach_paths paths;
static char why[TEXT_SIZE];

static void
set_up(void)
{
	attach_paths(&manifest, &paths);
}

TestSuite(mountinfo, .init = set_up);

Test(mountinfo, the_paths_of_a_root_are_those_of_the_design)
{
	cr_expect_str_eq(paths.image_file, "/var/lib/diskless/images/bookworm/3/image.ext4");
	cr_expect_str_eq(paths.upper_file, "/var/lib/diskless/clients/node1/2/upper.ext4");
	cr_expect_str_eq(paths.image, "/run/diskless/mounts/images/bookworm-3");
	cr_expect_str_eq(paths.upper, "/run/diskless/mounts/uppers/node1");
	cr_expect_str_eq(paths.root, "/srv/diskless/node1");
}

Test(mountinfo, a_root_with_all_options_in_force_is_taken)
{
	cr_expect(attach_verify(SERVER IMAGE UPPER ROOT, &paths, why, sizeof(why)), "%s", why);
	cr_expect(
	    attach_verify(IMAGE UPPER ROOT_MOUNT LAYERS ",index=on,nfs_export=on,xino=on,redirect_dir=on,metacopy=off",
		&paths, why, sizeof(why)),
	    "%s", why);
}

struct wrong {
	const char *text;
	const char *says;
};

Test(mountinfo, a_root_that_lacks_anything_is_refused_with_the_reason)
{
	static const struct wrong table[] = {
		{ "", "no image is mounted" },
		{ SERVER IMAGE ROOT, "no upper is mounted" },
		{ SERVER IMAGE UPPER, "no root is mounted" },
		{ SERVER IMAGE UPPER ROOT ROOT, "mounted over the root" },
		{ SERVER IMAGE UPPER ROOT "90 84 0:50 / /srv/diskless/node1 rw - tmpfs none rw\n",
		    "mounted over the root" },
		{ IMAGE UPPER ROOT_MOUNT LAYERS ",nfs_export=on,xino=on,redirect_dir=on\n", "index=on" },
		{ IMAGE UPPER ROOT_MOUNT LAYERS ",index=off,nfs_export=on,xino=on,redirect_dir=on\n", "index=on" },
		{ IMAGE UPPER ROOT_MOUNT LAYERS ",index=on,xino=on,redirect_dir=on\n", "nfs_export=on" },
		{ IMAGE UPPER ROOT_MOUNT LAYERS ",index=on,nfs_export=on,redirect_dir=on\n", "xino=on" },
		{ IMAGE UPPER ROOT_MOUNT LAYERS ",index=on,nfs_export=on,xino=auto,redirect_dir=on\n", "xino=on" },
		{ IMAGE UPPER ROOT_MOUNT LAYERS ",index=on,nfs_export=on,xino=on,redirect_dir=nofollow\n",
		    "redirect_dir=on" },
		{ IMAGE UPPER ROOT_MOUNT LAYERS ",index=on,nfs_export=on,xino=on,redirect_dir=on,metacopy=on\n",
		    "metacopy=off" },
		{ "80 28 7:0 / /run/diskless/mounts/images/bookworm-3 rw,nosuid,nodev - ext4 /dev/loop0 rw\n" UPPER
			ROOT,
		    "not ro" },
		{ "80 28 7:0 / /run/diskless/mounts/images/bookworm-3 rw,nosuid,nodev - ext4 /dev/loop0 ro\n" UPPER
			ROOT,
		    "without ro" },
		{ "80 28 7:0 /sub /run/diskless/mounts/images/bookworm-3 ro,nosuid,nodev - ext4 /dev/loop0 ro\n" UPPER
			ROOT,
		    "not the root" },
		{ "80 28 7:0 / /run/diskless/mounts/images/bookworm-3 ro,nosuid,nodev - ext4 /dev/sda1 ro\n" UPPER ROOT,
		    "loop device" },
		{ "80 28 7:0 / /run/diskless/mounts/images/bookworm-3 ro,nosuid,nodev - xfs /dev/loop0 ro\n" UPPER ROOT,
		    "loop device" },
		{ IMAGE "81 28 7:1 / /run/diskless/mounts/uppers/node1 rw,nodev,noexec - ext4 /dev/loop1 rw\n" ROOT,
		    "without nosuid" },
		{ IMAGE "81 28 7:1 / /run/diskless/mounts/uppers/node1 rw,nosuid,noexec - ext4 /dev/loop1 rw\n" ROOT,
		    "without nodev" },
		{ IMAGE "81 28 7:1 / /run/diskless/mounts/uppers/node1 rw,nosuid,nodev - ext4 /dev/loop1 rw\n" ROOT,
		    "without noexec" },
		{ IMAGE
		    "81 28 7:1 / /run/diskless/mounts/uppers/node1 rw,nosuid,nodev,noexec - ext4 /dev/loop1 ro\n" ROOT,
		    "not rw" },
		{ IMAGE UPPER "84 28 7:1 /files /srv/diskless/node1 rw,nosuid,nodev - ext4 /dev/loop1 rw\n",
		    "not the root" },
		{ IMAGE UPPER "84 28 7:1 / /srv/diskless/node1 rw,nosuid,nodev - ext4 /dev/loop1 rw\n", "no overlay" },
		{ IMAGE UPPER "84 28 0:41 / /srv/diskless/node1 rw,nodev - overlay diskless " LAYERS
			      ",index=on,nfs_export=on,xino=on,redirect_dir=on\n",
		    "without nosuid" },
		{ IMAGE UPPER ROOT_MOUNT
		    "rw,lowerdir=/run/diskless/mounts/images/bookworm-2,upperdir=/run/diskless/mounts/uppers/"
		    "node1/files,workdir=/run/diskless/mounts/uppers/node1/work,index=on,nfs_export=on,xino=on,"
		    "redirect_dir=on\n",
		    "another image or upper" },
		{ IMAGE UPPER ROOT_MOUNT
		    "rw,lowerdir=/run/diskless/mounts/images/bookworm-3,upperdir=/run/diskless/mounts/uppers/"
		    "node2/files,workdir=/run/diskless/mounts/uppers/node1/work,index=on,nfs_export=on,xino=on,"
		    "redirect_dir=on\n",
		    "another image or upper" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		why[0] = '\0';
		cr_expect(!attach_verify(table[i].text, &paths, why, sizeof(why)), "row %zu was taken", i);
		cr_expect_not_null(strstr(why, table[i].says), "row %zu wants `%s`, gives: %s", i, table[i].says, why);
	}
}

Test(mountinfo, escapes_are_undone_in_names_only)
{
	struct mount_entry entry;

	cr_expect(mountinfo_find("1 2 0:1 / /mnt/a\\040b\\134c rw - tmpfs none rw\n", "/mnt/a b\\c", &entry) == 1);
	cr_expect(mountinfo_find("1 2 0:1 / /mnt/a\\040b rw - tmpfs none rw\n", "/mnt/a\\040b", &entry) == 0);
	cr_expect(mountinfo_find("1 2 0:1 / /mnt/a\\04 rw - tmpfs none rw\n", "/mnt/a\\04", &entry) == 1);
	cr_expect(mountinfo_find("1 2 0:1 / /mnt/a\\999 rw - tmpfs none rw\n", "/mnt/a\\999", &entry) == 1);
	cr_expect(
	    mountinfo_find("1 2 0:1 / /m rw - overlay o rw,lowerdir=/a\\054b\\075c,index=on\n", "/m", &entry) == 1);
	cr_expect(options_have(entry.super, "lowerdir", "/a,b=c") && options_have(entry.super, "index", "on"));
}

Test(mountinfo, a_point_is_found_by_its_own_field_only)
{
	static const char text[] = "1 2 0:1 /m /x rw - tmpfs none rw\n"
				   "1 2 0:2 / /m1 rw - tmpfs /m rw\n"
				   "1 2 0:3 / /m/n rw /m - tmpfs none rw\n"
				   "1 2 0:4 / /m rw - tmpfs none rw,lowerdir=/m\n"
				   "a /m line\n"
				   "1 2 0:5 / /m rw - tmpfs none rw";
	struct mount_entry entry;

	cr_expect(mountinfo_find(text, "/m", &entry) == 2);
	cr_expect(slice_is(entry.device, "0:5"), "it is the last");
	cr_expect(mountinfo_find(text, "/n", &entry) == 0);
	cr_expect(mountinfo_find("", "/m", &entry) == 0);
}

Test(mountinfo, a_root_that_cannot_be_looked_at_is_not_right)
{
	why[0] = '\0';
	cr_expect_eq(attach_check(NULL, &paths, why, sizeof(why)), -1);
	cr_expect_not_null(strstr(why, "mountinfo"));
}

Test(mountinfo, an_option_is_a_whole_word)
{
	struct slice options = { "rw,nosuidx,index=only,xindex=on,flag=,bare", 42 };

	cr_expect(options_have(options, "rw", NULL) && options_have(options, "bare", NULL));
	cr_expect(!options_have(options, "nosuid", NULL) && !options_have(options, "ro", NULL));
	cr_expect(!options_have(options, "index", "on") && options_name(options, "index"));
	cr_expect(options_have(options, "flag", "") && !options_have(options, "flag", NULL) &&
		  !options_have(options, "bare", ""));
	cr_expect(!options_name(options, "") && !options_name((struct slice){ "", 0 }, "x"));
}

Test(mountinfo, lines_of_another_form_are_passed_over)
{
	const char *text = "\nnonsense\n1 2 3\n1 2 0:1 / /x rw shared:1\n1 2 0:1 / /x rw - tmpfs none\n1 2 0:1 / /x rw "
			   "- tmpfs none rw";
	struct mount_entry entry;

	cr_expect(mountinfo_next(&text, &entry) && slice_is(entry.point, "/x") && slice_is(entry.super, "rw"));
	cr_expect(!mountinfo_next(&text, &entry));
}

Test(mountinfo, the_real_text_of_this_process_has_its_root)
{
	char *text = mountinfo_read();
	struct mount_entry entry;

	cr_assert_not_null(text);
	cr_expect(mountinfo_find(text, "/", &entry) >= 1);
	free(text);
}
