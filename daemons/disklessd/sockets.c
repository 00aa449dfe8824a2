/* SPDX-License-Identifier: ISC */
/*
 * Every socket of the suite, made here by the parent and handed to the children, which cannot make one. A socket is bound to
 * its network's interface, so that one network cannot reach another's processes.
 */
#include "disklessd.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netpacket/packet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "log.h"
#include "paths.h"

#define REQUEST_BUFFER  (4 << 20) /* a thousand boards may ask at once: reference measurement in DESIGN.md section 6 */
#define TRANSFER_BUFFER (1 << 20)
#define CONTROL_BACKLOG 16

static int
fail(char *why, size_t size, const struct msg_network *network, const char *what)
{
	snprintf(why, size, "network \"%s\": %s: %s", network->name, what, strerror(errno));
	return -1;
}

static int
set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

static int
interface_facts(const struct msg_network *network, struct msg_socket *facts, char *why, size_t size)
{
	struct ifreq request;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), result = -1;

	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", network->interface);
	if (fd == -1 || ioctl(fd, SIOCGIFINDEX, &request) == -1)
		goto out;
	facts->ifindex = (uint32_t)request.ifr_ifindex;
	if (ioctl(fd, SIOCGIFMTU, &request) == -1)
		goto out;
	facts->mtu = (uint32_t)request.ifr_mtu;
	if (ioctl(fd, SIOCGIFHWADDR, &request) == -1)
		goto out;
	memcpy(facts->mac, request.ifr_hwaddr.sa_data, MAC_SIZE);
	result = 0;
out:
	if (result == -1) {
		char what[INTERFACE_SIZE + 16];

		snprintf(what, sizeof(what), "interface %s", network->interface);
		fail(why, size, network, what);
	}
	if (fd != -1)
		close(fd);
	return result;
}

enum interface_now
sockets_interface(const struct msg_network *network, const struct network_sockets *s)
{
	struct msg_socket now = { 0 };
	char why[TEXT_SIZE];

	if (interface_facts(network, &now, why, sizeof(why)) == -1)
		return INTERFACE_GONE;
	return now.ifindex == s->facts.ifindex && now.mtu == s->facts.mtu &&
		       memcmp(now.mac, s->facts.mac, MAC_SIZE) == 0
		   ? INTERFACE_SAME
		   : INTERFACE_NEW;
}

/* Gives a half-made socket up; errno is still that of what failed. */
static int
give_up(int fd)
{
	int error = errno;

	close(fd);
	errno = error;
	return -1;
}

/* A UDP socket on the network's interface, at address and port, receiving into buffer bytes. */
static int
udp(const struct msg_network *network, uint32_t address, uint16_t port, int buffer)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = address };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	/* FREEBIND: the suite may start before the interface has its address. No DF: a file is not worth a black hole. */
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, network->interface, (socklen_t)strlen(network->interface)) ==
		-1 ||
	    set(fd, IPPROTO_IP, IP_FREEBIND, 1) == -1 || set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT) == -1 ||
	    set(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer) == -1 || bind(fd, (struct sockaddr *)&name, sizeof(name)) == -1)
		return give_up(fd);
	return fd;
}

static int
dhcp_socket(const struct msg_network *network)
{
	int fd = udp(network, INADDR_ANY, 67, TRANSFER_BUFFER);

	if (fd != -1 &&
	    (set(fd, SOL_SOCKET, SO_BROADCAST, 1) == -1 || set(fd, IPPROTO_IP, IP_TOS, IPTOS_CLASS_CS6) == -1))
		return give_up(fd);
	return fd;
}

/* Protocol 0: it receives nothing. */
static int
arp_socket(unsigned ifindex)
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET, .sll_ifindex = (int)ifindex };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd != -1 && bind(fd, (struct sockaddr *)&name, sizeof(name)) == -1)
		return give_up(fd);
	return fd;
}

/* At our address alone: what is asked there is asked of us, never of everybody. */
static int
boot_socket(const struct msg_network *network)
{
	int fd = udp(network, network->server, 4011, TRANSFER_BUFFER);

	if (fd != -1 && set(fd, IPPROTO_IP, IP_TOS, IPTOS_CLASS_CS6) == -1)
		return give_up(fd);
	return fd;
}

static int
open_dhcp(const struct msg_network *network, struct network_sockets *s, char *why, size_t size)
{
	if (network->dhcp == DHCP_OFF)
		return 0;
	if ((s->dhcp = dhcp_socket(network)) == -1)
		return fail(why, size, network, "UDP port 67 (is another DHCP server on this machine?)");
	if ((s->dhcp_4011 = boot_socket(network)) == -1)
		return fail(why, size, network, "UDP port 4011 (is another PXE server on this machine?)");
	if ((s->arp = arp_socket(s->facts.ifindex)) == -1)
		return fail(why, size, network, "packet socket");
	return 0;
}

static int
open_tftp(const struct msg_network *network, struct network_sockets *s, char *why, size_t size)
{
	uint16_t port = TFTP_FIRST_PORT;

	if ((s->tftp_request = udp(network, network->server, 69, REQUEST_BUFFER)) == -1)
		return fail(why, size, network, "UDP port 69 (is another TFTP server on this machine?)");
	for (int i = 0; i < TFTP_TRANSFER_SOCKETS; port++) {
		s->tftp_transfer[i] = udp(network, network->server, port, TRANSFER_BUFFER);
		if (s->tftp_transfer[i] != -1)
			i++;
		else if (errno != EADDRINUSE || port > TFTP_FIRST_PORT + 10 * TFTP_TRANSFER_SOCKETS)
			return fail(why, size, network, "UDP ports from 61069");
	}
	return 0;
}

int
sockets_open(const struct msg_network *network, struct network_sockets *s, char *why, size_t size)
{
	memset(s, 0, sizeof(*s));
	s->dhcp = s->dhcp_4011 = s->arp = s->tftp_request = -1;
	for (int i = 0; i < TFTP_TRANSFER_SOCKETS; i++)
		s->tftp_transfer[i] = -1;
	if (interface_facts(network, &s->facts, why, size) == -1 || open_dhcp(network, s, why, size) == -1 ||
	    open_tftp(network, s, why, size) == -1) {
		sockets_close(s);
		return -1;
	}
	return 0;
}

static void
close_one(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

void
sockets_close(struct network_sockets *s)
{
	close_one(&s->dhcp);
	close_one(&s->dhcp_4011);
	close_one(&s->arp);
	close_one(&s->tftp_request);
	for (int i = 0; i < TFTP_TRANSFER_SOCKETS; i++)
		close_one(&s->tftp_transfer[i]);
}

int
sockets_control(char *why, size_t size)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct group *group = getgrnam(GROUP_CONTROL);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", PATH_CONTROL);
	if (unlink(PATH_CONTROL) == -1 && errno != ENOENT)
		goto fail;
	if (fd == -1 || bind(fd, (struct sockaddr *)&name, sizeof(name)) == -1 || chmod(PATH_CONTROL, 0660) == -1 ||
	    (group != NULL && chown(PATH_CONTROL, 0, group->gr_gid) == -1) || listen(fd, CONTROL_BACKLOG) == -1)
		goto fail;
	return fd;
fail:
	snprintf(why, size, "%s: %s", PATH_CONTROL, strerror(errno));
	if (fd != -1)
		close(fd);
	return -1;
}
