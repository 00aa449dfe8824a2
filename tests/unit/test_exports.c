/* SPDX-License-Identifier: ISC */
/* The exports that the parent writes, and what it accepts when it reads etab back. */
#include "disklessd/disklessd.h"

#include <string.h>

#include <criterion/criterion.h>

#include "address.h"

#define GOOD \
	"rw,sync,wdelay,hide,nocrossmnt,secure,no_root_squash,no_all_squash,no_subtree_check,secure_locks,acl," \
	"mountpoint,fsid=7,anonuid=65534,anongid=65534,sec=sys,rw,secure,no_root_squash,no_all_squash"
#define WANTED "/srv/diskless/node1 192.168.10.12(rw,sync,no_subtree_check,no_root_squash,secure,sec=sys,mp,fsid=7)\n"

static char why[TEXT_SIZE];

Test(exports, a_line_names_one_directory_one_address_and_every_option)
{
	char line[512];
	uint32_t address;

	cr_assert(address_parse("192.168.10.12", &address));
	exports_line(line, sizeof(line), "node1", address, 7);
	cr_expect_str_eq(line, WANTED);
}

Test(exports, etab_with_just_our_lines_is_right)
{
	cr_expect(
	    exports_verify("/srv/diskless/node1\t192.168.10.12(" GOOD ")\n", WANTED, why, sizeof(why)), "%s", why);
	cr_expect(exports_verify("", "", why, sizeof(why)));
}

Test(exports, lines_of_other_paths_are_not_ours_to_judge)
{
	cr_expect(
	    exports_verify("/home\t*(ro,insecure)\n/srv/disklessness/x\t*(rw)\n/srv/diskless/node1\t192.168.10.12(" GOOD
			   ")\n",
		WANTED, why, sizeof(why)),
	    "%s", why);
}

struct wrong {
	const char *etab;
	const char *says;
};

Test(exports, etab_that_gives_more_or_less_than_we_wanted_is_refused)
{
	static const struct wrong table[] = {
		{ "", "holds 0 of 1" },
		{ "/srv/diskless/node1\t192.168.10.13(" GOOD ")\n", "what the configuration does not" },
		{ "/srv/diskless/node1\t*(" GOOD ")\n", "what the configuration does not" },
		{ "/srv/diskless/node1\t192.168.10.0/24(" GOOD ")\n", "what the configuration does not" },
		{ "/srv/diskless/node1\t192.168.10.12(" GOOD ")\n/srv/diskless/node2\t192.168.10.12(" GOOD ")\n",
		    "what the configuration does not" },
		{ "/srv/diskless\t192.168.10.12(" GOOD ")\n/srv/diskless/node1\t192.168.10.12(" GOOD ")\n",
		    "what the configuration does not" },
		{ "/srv/diskless/node1\t192.168.10.12(" GOOD ")\n/srv/diskless/node1\t192.168.10.99(" GOOD ")\n",
		    "what the configuration does not" },
		{ "/srv/diskless/node1\t192.168.10.12(rw,sync,no_root_squash,no_subtree_check,insecure)\n",
		    "insecure" },
		{ "/srv/diskless/node1\t192.168.10.12(rw,sync,secure,no_root_squash,no_subtree_check,crossmnt)\n",
		    "crossmnt" },
		{ "/srv/diskless/node1\t192.168.10.12(rw,sync,secure,no_root_squash)\n", "no_subtree_check" },
		{ "/srv/diskless/node1\n", "what the configuration does not" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		cr_expect_not(exports_verify(table[i].etab, WANTED, why, sizeof(why)), "taken: %s", table[i].etab);
		cr_expect(strstr(why, table[i].says) != NULL, "said \"%s\" of: %s", why, table[i].etab);
	}
}
