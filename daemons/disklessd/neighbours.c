/* SPDX-License-Identifier: ISC */
/*
 * The kernel's neighbour table over netlink (rtnetlink(7)): read to learn whose MAC holds an address, written to pin a client's.
 * Requests are answered by the kernel within the call; nothing here waits for a network.
 */
#include "disklessd.h"

#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "log.h"

static int netlink = -1;
static uint32_t sequence;
static struct pin *pinned; /* what the last neighbours_pin_all() was given, sorted */
static size_t pinned_count;

struct request {
	struct nlmsghdr header;
	struct ndmsg neighbour;
	char attributes[64];
};

void
neighbours_init(void)
{
	struct timeval limit = { 2, 0 };

	netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (netlink == -1 || setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == -1)
		fatal("netlink socket for the neighbour table");
}

static void
begin(struct request *r, uint16_t type, uint16_t flags, unsigned ifindex)
{
	memset(r, 0, sizeof(*r));
	r->header.nlmsg_len = NLMSG_LENGTH(sizeof(r->neighbour));
	r->header.nlmsg_type = type;
	r->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	r->header.nlmsg_seq = ++sequence;
	r->neighbour.ndm_family = AF_INET;
	r->neighbour.ndm_ifindex = (int)ifindex;
}

static void
add(struct request *r, uint16_t type, const void *data, size_t length)
{
	struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->header.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(length);
	memcpy(RTA_DATA(a), data, length);
	r->header.nlmsg_len = (uint32_t)(NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(a->rta_len));
}

/* Sends it and reads the answer of its sequence number: an error (0 is success), or a message. -1 with errno, else its length. */
static ssize_t
ask(struct request *r, struct nlmsghdr *answer, size_t size)
{
	ssize_t length;

	if (send(netlink, r, r->header.nlmsg_len, 0) == -1)
		return -1;
	do {
		length = recv(netlink, answer, size, 0);
		if (length == -1 && errno != EINTR)
			return -1;
	} while (length == -1 || !NLMSG_OK(answer, (size_t)length) || answer->nlmsg_seq != r->header.nlmsg_seq);
	if (answer->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = NLMSG_DATA(answer);

		errno = -error->error;
		return errno == 0 ? 0 : -1;
	}
	return length;
}

union answer {
	struct nlmsghdr header;
	char bytes[4096];
};

int
neighbours_pin(const struct pin *pin)
{
	struct request r;
	union answer answer;

	begin(&r, RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, pin->ifindex);
	r.neighbour.ndm_state = NUD_PERMANENT;
	add(&r, NDA_DST, &pin->address, sizeof(pin->address));
	add(&r, NDA_LLADDR, pin->mac, MAC_SIZE);
	return ask(&r, &answer.header, sizeof(answer)) == -1 ? -1 : 0;
}

static void
unpin(const struct pin *pin)
{
	struct request r;
	union answer answer;

	begin(&r, RTM_DELNEIGH, NLM_F_ACK, pin->ifindex);
	add(&r, NDA_DST, &pin->address, sizeof(pin->address));
	ask(&r, &answer.header, sizeof(answer)); /* an entry that is gone already is what we want */
}

static int
compare_pins(const void *a, const void *b)
{
	const struct pin *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

void
neighbours_pin_again(void)
{
	static struct log_limit limit = LOG_LIMIT(5, 60000);
	char text[ADDRESS_TEXT];

	for (size_t i = 0; i < pinned_count; i++)
		if (neighbours_pin(&pinned[i]) == -1)
			LOG_LIMITED(
			    &limit, log_warn("%s is not pinned to its MAC", address_text(pinned[i].address, text)));
}

void
neighbours_keep(void)
{
	uint8_t mac[MAC_SIZE];
	bool permanent = false;

	for (size_t i = 0; i < pinned_count; i++) {
		if (i > 0 && pinned[i].ifindex == pinned[i - 1].ifindex)
			continue;
		if (neighbours_find(pinned[i].ifindex, pinned[i].address, mac, &permanent) && permanent)
			continue;
		if (neighbours_pin(&pinned[i]) == 0) { /* it is up again */
			neighbours_pin_again();
			return;
		}
	}
}

void
neighbours_pin_all(struct pin *pins, size_t count)
{
	qsort(pins, count, sizeof(*pins), compare_pins);
	for (size_t i = 0; i < pinned_count; i++)
		if (bsearch(&pinned[i], pins, count, sizeof(*pins), compare_pins) == NULL)
			unpin(&pinned[i]);
	free(pinned);
	pinned = pins;
	pinned_count = count;
	neighbours_pin_again();
}

bool
neighbours_find(unsigned ifindex, uint32_t address, uint8_t mac[static MAC_SIZE], bool *permanent)
{
	struct request r;
	union answer answer;
	ssize_t length;

	begin(&r, RTM_GETNEIGH, 0, ifindex);
	add(&r, NDA_DST, &address, sizeof(address));
	length = ask(&r, &answer.header, sizeof(answer));
	if (length <= 0 || answer.header.nlmsg_type != RTM_NEWNEIGH)
		return false;
	struct ndmsg *found = NLMSG_DATA(&answer.header);
	struct rtattr *a = (struct rtattr *)((char *)found + NLMSG_ALIGN(sizeof(*found)));
	size_t left = NLMSG_PAYLOAD(&answer.header, sizeof(*found));

	if (found->ndm_state & (NUD_FAILED | NUD_INCOMPLETE | NUD_NONE))
		return false;
	*permanent = (found->ndm_state & NUD_PERMANENT) != 0;
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == NDA_LLADDR && RTA_PAYLOAD(a) == MAC_SIZE) {
			memcpy(mac, RTA_DATA(a), MAC_SIZE);
			return true;
		}
	return false;
}
