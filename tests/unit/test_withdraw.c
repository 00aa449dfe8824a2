/* SPDX-License-Identifier: ISC */
/* Whose NFSv4 state is revoked: what the kernel tells of a client, whatever that client calls itself. */
#include "disklessd/disklessd.h"

#include <criterion/criterion.h>

#include "address.h"

#define INFO(address) \
	"clientid: 0x1b2c3d4e5f607182\naddress: \"" address "\"\nstatus: confirmed\n" \
	"seconds from last renew: 3\nname: \"Linux NFSv4.2 node1\"\nminor version: 2\n"

static bool
is_of(const char *info, const char *text)
{
	uint32_t address;

	cr_assert(address_parse(text, &address));
	return withdraw_is_of(info, address);
}

Test(withdraw, a_client_is_known_by_its_address)
{
	cr_expect(is_of(INFO("192.168.10.31:842"), "192.168.10.31"));
	cr_expect(is_of(INFO("192.168.10.31"), "192.168.10.31"));
}

Test(withdraw, nobody_else_is)
{
	cr_expect_not(is_of(INFO("192.168.10.31:842"), "192.168.10.3"));
	cr_expect_not(is_of(INFO("192.168.10.3:842"), "192.168.10.31"));
	cr_expect_not(is_of(INFO("[::ffff:192.168.10.31]:842"), "192.168.10.31"));
	cr_expect_not(is_of("", "192.168.10.31"));
	cr_expect_not(is_of("address: \"192.168.10.31:1", "192.168.10.31"), "not at the beginning of a line");
}

/* The kernel writes such a name with its quotes and line ends escaped, and after the address. */
Test(withdraw, a_name_is_no_address)
{
	cr_expect_not(is_of(
	    "clientid: 0x1\naddress: \"10.0.0.9:700\"\nname: \"x\\naddress: \\\"192.168.10.31:1\"\n", "192.168.10.31"));
	cr_expect_not(is_of(
	    "clientid: 0x1\naddress: \"10.0.0.9:700\"\nname: \"x\naddress: \"192.168.10.31:1\"\n", "192.168.10.31"));
}
