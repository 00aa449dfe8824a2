/* SPDX-License-Identifier: ISC */
/* Duty: the facts about this machine that a configuration is checked against. See config.h. */
#include "config.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <ifaddrs.h>
#include <string.h>

#include "address.h"
#include "manifest.h"
#include "paths.h"

/* An address may carry a label, "eth1:web", which getifaddrs(3) shows as the name. */
static bool
on_interface(const struct ifaddrs *a, const char *interface)
{
	size_t length = strlen(interface);

	return strncmp(a->ifa_name, interface, length) == 0 &&
	       (a->ifa_name[length] == '\0' || a->ifa_name[length] == ':');
}

static uint32_t
ipv4(const struct sockaddr *address)
{
	struct sockaddr_in in;

	if (address == NULL || address->sa_family != AF_INET)
		return 0;
	memcpy(&in, address, sizeof(in));
	return in.sin_addr.s_addr;
}

static bool
find_subnet(const struct ifaddrs *a, const char *interface, uint32_t server, uint32_t *subnet, unsigned *prefix,
    const char **why)
{
	*why = "there is no such interface";
	for (; a != NULL; a = a->ifa_next) {
		uint32_t mask;

		if (!on_interface(a, interface))
			continue;
		*why = "it does not have that address";
		mask = ipv4(a->ifa_netmask);
		if (ipv4(a->ifa_addr) != server || mask == 0)
			continue;
		*prefix = (unsigned)__builtin_popcount(mask);
		*subnet = server & mask;
		return true;
	}
	return false;
}

static bool
system_subnet(const char *interface, uint32_t server, uint32_t *subnet, unsigned *prefix, const char **why)
{
	struct ifaddrs *all;
	bool found;

	if (getifaddrs(&all) == -1) {
		*why = "the kernel does not tell its addresses";
		return false;
	}
	found = find_subnet(all, interface, server, subnet, prefix, why);
	freeifaddrs(all);
	return found;
}

static bool
system_image(const char *name, const char **why)
{
	*why = "there is no whole version of it below " PATH_IMAGES;
	return image_newest(name) != 0;
}

const struct config_resolver config_resolver_system = { system_subnet, system_image };
