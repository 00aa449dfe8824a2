/* SPDX-License-Identifier: ISC */
/* What the auditor takes for a breach, which door it closes, and what it leaves alone. */
#include "disklessd/audit_rules.h"

#include <sys/stat.h>

#include <string.h>

#include <criterion/criterion.h>

#include "paths.h"

#define GOOD \
	"rw,sync,wdelay,hide,nocrossmnt,secure,no_root_squash,no_all_squash,no_subtree_check,secure_locks,acl," \
	"mountpoint,fsid=7,anonuid=65534,anongid=65534,sec=sys,rw,secure,no_root_squash,no_all_squash"
#define FOREIGN "rw,sync,wdelay,hide,nocrossmnt,secure,root_squash,no_all_squash,no_subtree_check,sec=sys)\n"
#define OURS    "/srv/diskless/node1 192.168.10.12(rw,sync,no_subtree_check,no_root_squash,secure,sec=sys,mp,fsid=7)\n"
#define NODE1   "/srv/diskless/node1\t192.168.10.12(" GOOD ")\n"

static struct {
	unsigned breaches, unknown, notes;
	enum finding_closes closes; /* the widest */
	char name[NAME_SIZE];
	char text[TEXT_SIZE];
} seen;

static void
found(struct audit *a, enum finding_kind kind, enum finding_closes closes, const char *name, const char *text)
{
	seen.breaches += kind == FINDING_BREACH;
	seen.unknown += kind == FINDING_UNKNOWN;
	seen.notes += kind == FINDING_NOTE;
	if (closes > seen.closes)
		seen.closes = closes;
	snprintf(seen.name, sizeof(seen.name), "%s", name == NULL ? "" : name);
	snprintf(seen.text, sizeof(seen.text), "%s", text);
}

static int
with_state(const char *path)
{
	return strcmp(path, "/unreadable") == 0 ? -1 : strcmp(path, "/home") == 0 || strcmp(path, "/srv/my music") == 0;
}

static bool
closed_out(const char *name, const char *address, size_t length)
{
	return strcmp(name, "closed") == 0 && length == 8 && memcmp(address, "10.0.0.7", length) == 0;
}

static struct audit audit = { .found = found, .with_state = with_state, .closed_out = closed_out };

static void
reset(void)
{
	memset(&seen, 0, sizeof(seen));
}

TestSuite(audit, .init = reset);

Test(audit, etab_as_we_want_it_is_fine)
{
	audit_etab(&audit, "", "");
	audit_etab(&audit, NODE1, OURS);
	audit_etab(&audit, NODE1 "/exports/music\t*(" FOREIGN "/exports/work\t10.0.0.0/8(" FOREIGN, OURS);
	cr_expect_eq(seen.breaches + seen.unknown, 0, "%s", seen.text);
}

struct wrong {
	const char *etab;
	enum finding_closes closes;
	const char *name;
	const char *says;
};

Test(audit, etab_that_gives_more_closes_a_door)
{
	static const struct wrong table[] = {
		{ "/srv/diskless/node1\t192.168.10.13(" GOOD ")\n", CLOSES_ALL, "", "what the configuration does not" },
		{ "/srv/diskless/node1\t*(" GOOD ")\n", CLOSES_ALL, "", "what the configuration does not" },
		{ "/srv/diskless/node2\t192.168.10.12(" GOOD ")\n", CLOSES_ALL, "", "what the configuration does not" },
		{ "/srv/diskless\t10.0.0.1(" GOOD ")\n", CLOSES_ALL, "", "what the configuration does not" },
		{ "/\t10.0.0.1(" FOREIGN, CLOSES_ALL, "", "reaches /srv/diskless" },
		{ "/srv\t10.0.0.1(" FOREIGN, CLOSES_ALL, "", "reaches /srv/diskless" },
		{ "/var/lib\t10.0.0.1(" FOREIGN, CLOSES_ALL, "", "reaches " PATH_STATE },
		{ PATH_STATE "/images/x/1\t10.0.0.1(" FOREIGN, CLOSES_ALL, "", "reaches " PATH_STATE },
		{ PATH_RUN "/mounts/uppers/node1\t10.0.0.1(" FOREIGN, CLOSES_ALL, "", "reaches " PATH_RUN },
		{ "/home\t10.0.0.1(" FOREIGN, CLOSES_ALL, "", "the filesystem that holds " PATH_STATE },
		{ "/srv/my\\040music\t10.0.0.1(" FOREIGN, CLOSES_ALL, "", "the filesystem that holds " PATH_STATE },
		{ "/srv/diskless/node1\t192.168.10.12(rw,sync,no_root_squash,no_subtree_check,insecure)\n",
		    CLOSES_CLIENT, "node1", "insecure" },
		{ "/srv/diskless/node1\t192.168.10.12(rw,sync,secure,no_root_squash,no_subtree_check,sec=sys,fsid=7)\n",
		    CLOSES_CLIENT, "node1", "mountpoint" },
		{ "/srv/diskless/"
		  "node1\t192.168.10.12(rw,sync,secure,no_root_squash,no_subtree_check,mountpoint,sec=krb5,"
		  "fsid=7)\n",
		    CLOSES_CLIENT, "node1", "sec=sys" },
		{ "/srv/diskless/"
		  "node1\t192.168.10.12(rw,sync,secure,no_root_squash,no_subtree_check,mountpoint,sec=sys,"
		  "fsid=8)\n",
		    CLOSES_CLIENT, "node1", "fsid" },
		{ "/srv/diskless/closed\t10.0.0.7(" FOREIGN, CLOSES_CLIENT, "closed", "whose door is closed" },
		{ "/srv/diskless/closed\t10.0.0.8(" FOREIGN, CLOSES_ALL, "", "what the configuration does not" },
		{ "/exports/a\t*.example.org(" FOREIGN, CLOSES_NOTHING, "", "reverse DNS" },
		{ "/exports/a\t@hosts(" FOREIGN, CLOSES_NOTHING, "", "reverse DNS" },
		{ "/exports/a\tpc-[0-9](" FOREIGN, CLOSES_NOTHING, "", "reverse DNS" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		reset();
		audit_etab(&audit, table[i].etab, OURS);
		cr_expect_eq(seen.breaches, 1, "%u found in: %s", seen.breaches, table[i].etab);
		cr_expect_eq(seen.closes, table[i].closes, "%s", table[i].etab);
		cr_expect_str_eq(seen.name, table[i].name);
		cr_expect(strstr(seen.text, table[i].says) != NULL, "said \"%s\" of: %s", seen.text, table[i].etab);
	}
}

/* The kernel then follows each handle up to the directory that is exported. */
Test(audit, the_filesystem_of_ours_with_subtree_check_is_left_alone)
{
	audit_etab(&audit, "/home\t10.0.0.1(rw,sync,subtree_check,sec=sys)\n", "");
	cr_expect_eq(seen.breaches, 0);
}

Test(audit, an_export_that_cannot_be_looked_at_is_not_called_fine)
{
	char line[8192];

	audit_etab(&audit, "/unreadable\t10.0.0.1(" FOREIGN, "");
	cr_expect_eq(seen.unknown, 1);
	cr_expect_eq(seen.breaches, 0);
	reset();
	snprintf(line, sizeof(line), "/%05000d\t10.0.0.1(" FOREIGN, 0);
	audit_etab(&audit, line, "");
	cr_expect_eq(seen.unknown, 1, "a path longer than any");
	cr_expect_eq(seen.breaches, 0);
	reset();
	snprintf(line, sizeof(line), "/%0300d\t10.0.0.1(" FOREIGN, 0);
	audit_etab(&audit, line, "");
	cr_expect_eq(seen.unknown + seen.breaches, 0, "one that is only long");
}

Test(audit, what_is_no_line_of_etab_is_not_called_fine)
{
	audit_etab(&audit, "/srv/diskless/node1\n", OURS);
	cr_expect_eq(seen.unknown, 1);
	reset();
	audit_etab(&audit, "nonsense\tmore\n", OURS);
	cr_expect_eq(seen.unknown, 1);
}

Test(audit, versions_of_nfsd)
{
	audit_versions(&audit, "-2 +3 +4 +4.1 +4.2\n");
	cr_expect_eq(seen.breaches + seen.unknown, 0);
	audit_versions(&audit, "+2 +3 +4\n");
	cr_expect_eq(seen.breaches, 1);
	audit_versions(&audit, "");
	cr_expect_eq(seen.unknown, 1);
}

Test(audit, a_mountd_that_the_guard_does_not_know)
{
	audit_mountd(&audit, true, true);
	cr_expect_eq(seen.breaches + seen.notes, 0);
	audit_mountd(&audit, false, false);
	cr_expect_eq(seen.notes, 1, "without a guard it is no breach");
	cr_expect_eq(seen.breaches, 0);
	audit_mountd(&audit, false, true);
	cr_expect_eq(seen.breaches, 1);
	cr_expect_eq(seen.closes, CLOSES_NOTHING);
}

Test(audit, nfsd_over_anything_but_tcp)
{
	audit_ports(&audit, "tcp 2049\ntcp 2049\n");
	cr_expect_eq(seen.breaches, 0);
	audit_ports(&audit, "tcp 2049\nudp 2049\n");
	cr_expect_eq(seen.breaches, 1);
	cr_expect_eq(seen.closes, CLOSES_ALL);
	reset();
	audit_ports(&audit, "rdma 20049\n");
	cr_expect_eq(seen.closes, CLOSES_ALL);
}

Test(audit, holes_of_nfs_utils_by_version)
{
	audit_nfs_utils(&audit, "rpc.mountd version 2.6.2\n");
	audit_nfs_utils(&audit, "rpc.mountd version 2.8.5\n");
	cr_expect_eq(seen.notes, 2);
	audit_nfs_utils(&audit, "rpc.mountd version 2.8.6\n");
	audit_nfs_utils(&audit, "rpc.mountd version 2.9.1-rc2\n");
	audit_nfs_utils(&audit, "rpc.mountd version 3.0.0\n");
	cr_expect_eq(seen.notes, 2);
	audit_nfs_utils(&audit, "what?\n");
	cr_expect_eq(seen.notes, 3);
	cr_expect_eq(seen.breaches, 0);
}

#define MOUNT(device, point) "36 35 " device " / " point " rw,nosuid - ext4 /dev/loop0 rw\n"

Test(audit, each_client_has_filesystems_of_its_own)
{
	audit_own_filesystems(&audit,
	    MOUNT("7:0", "/u/alice") MOUNT("7:1", "/u/bob") MOUNT("7:2", "/u/carol") MOUNT("7:1", "/elsewhere")
		MOUNT("7:1", "/u/bob/below"),
	    "/u", "uppers");
	cr_expect_eq(seen.breaches, 0, "%s", seen.text);
	audit_own_filesystems(
	    &audit, MOUNT("7:0", "/u/alice") MOUNT("7:10", "/u/bob") MOUNT("7:0", "/u/carol"), "/u", "uppers");
	cr_expect_eq(seen.breaches, 2);
	cr_expect_eq(seen.closes, CLOSES_CLIENT);
}

Test(audit, directories_are_root_s_and_closed_to_others)
{
	cr_expect_not(audit_directory(&audit, "/d", 0, S_IFDIR | 0700, 0700));
	cr_expect_not(audit_directory(&audit, "/d", 0, S_IFDIR | 0500, 0700));
	cr_expect_eq(seen.breaches, 0);
	cr_expect(audit_directory(&audit, "/d", 0, S_IFDIR | 0755, 0700));
	cr_expect_eq(seen.breaches, 1);
	cr_expect_eq(seen.closes, CLOSES_NOTHING);
	cr_expect_not(audit_directory(&audit, "/d", 1000, S_IFDIR | 0700, 0700));
	cr_expect_not(audit_directory(&audit, "/d", 0, S_IFLNK | 0700, 0700));
	cr_expect_eq(seen.breaches, 3);
	cr_expect_eq(seen.closes, CLOSES_ALL);
}
