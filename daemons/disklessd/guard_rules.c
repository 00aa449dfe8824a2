/* SPDX-License-Identifier: ISC */
/*
 * The guard's table as text for nft(8), generated whole, and the comparison of what nft lists with it. Pure.
 *
 * A frame is judged where it comes in, before anything else of the machine sees it: by its interface, the MAC address that it was sent
 * from, and the address that it claims. Rules are written as nft lists them, so that the two texts can be compared.
 */
#include "guard_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

#define NFS_PORTS "111, 2049, " MOUNTD_PORT_TEXT /* rpcbind, nfsd, mountd */

/* ---- the text ---- */

bool
guard_nameable(const char *interface)
{
	return strpbrk(interface, "\"\\*") == NULL;
}

static bool
guards(const struct guard_view *v, uint32_t network)
{
	return network < v->network_count && v->on[network] && guard_nameable(v->networks[network].interface);
}

/* Does this network have a chain? */
static bool
watched(const struct guard_view *v, uint32_t network)
{
	return guards(v, network) ||
	       ((v->closed_count > 0 || v->all_closed) && guard_nameable(v->networks[network].interface));
}

/* A set's elements, one after the other; begin with a comma but for the first. */
static void
element(FILE *f, bool *first, const char *text)
{
	fprintf(f, "%s%s", *first ? "\t\telements = { " : ",\n\t\t\t     ", text);
	*first = false;
}

static void
end_set(FILE *f, bool empty)
{
	fputs(empty ? "\t}\n\n" : " }\n\t}\n\n", f);
}

static void
write_closed(const struct guard_view *v, FILE *f)
{
	char text[ADDRESS_TEXT];
	bool first = true;

	fputs("\tset closed {\n\t\ttype ipv4_addr\n", f);
	for (size_t i = 0; i < v->closed_count; i++)
		element(f, &first, address_text(v->closed[i], text));
	end_set(f, first);
}

/* Who these addresses are is known: a frame that claims one is theirs, or forged. Ours are among them. */
static void
write_held(const struct guard_view *v, FILE *f)
{
	char text[ADDRESS_TEXT];
	bool first = true;

	fputs("\tset held {\n\t\ttype ipv4_addr\n", f);
	for (size_t i = 0; i < v->network_count; i++) {
		bool again = !guards(v, (uint32_t)i);

		for (size_t j = 0; j < i && !again; j++)
			again = guards(v, (uint32_t)j) && v->networks[j].server == v->networks[i].server;
		if (!again)
			element(f, &first, address_text(v->networks[i].server, text));
	}
	for (size_t i = 0; i < v->client_count; i++)
		if (guards(v, v->clients[i].network))
			element(f, &first, address_text(v->clients[i].address, text));
	end_set(f, first);
}

static void
write_bound(const struct guard_view *v, uint32_t network, FILE *f)
{
	char mac[MAC_TEXT], address[ADDRESS_TEXT], both[MAC_TEXT + ADDRESS_TEXT + 3];
	bool first = true;

	fprintf(f, "\tset bound%u {\n\t\ttype ether_addr . ipv4_addr\n", network);
	for (size_t i = 0; i < v->client_count; i++) {
		if (v->clients[i].network != network)
			continue;
		snprintf(both, sizeof(both), "%s . %s", mac_text(v->clients[i].mac, mac),
		    address_text(v->clients[i].address, address));
		element(f, &first, both);
	}
	end_set(f, first);
}

/* A chain's beginning, and what is closed to everybody or to an address. */
static void
write_closing(const struct guard_view *v, uint32_t network, FILE *f)
{
	fprintf(f,
	    "\tchain network%u {\n"
	    "\t\ttype filter hook ingress device \"%s\" priority -500; policy accept;\n"
	    /* Frames of VLANs are those of other interfaces; but VLAN 0 is none, and is taken off even when it is there twice. */
	    "\t\tvlan id != 0 accept\n"
	    "\t\tether type 8021ad vlan id != 0 accept\n"
	    "\t\tmeta protocol 8021q counter drop\n"
	    "\t\tmeta protocol 8021ad counter drop\n"
	    "\t\tip saddr @closed counter drop\n",
	    network, v->networks[network].interface);
	if (v->all_closed)
		fputs("\t\ttcp dport { " NFS_PORTS " } counter drop\n"
		      "\t\tudp dport { " NFS_PORTS " } counter drop\n",
		    f);
}

static void
write_guarding(uint32_t network, FILE *f)
{
	fprintf(f,
	    "\t\tether saddr . ip saddr @bound%u accept\n"
	    "\t\tether saddr . arp saddr ip @bound%u arp saddr ether . arp saddr ip @bound%u accept\n"
	    "\t\tarp saddr ip @held counter drop\n"
	    "\t\tudp dport { 67, 4011 } accept\n"
	    "\t\tip saddr @held counter drop\n"
	    "\t\ttcp dport { " NFS_PORTS " } counter drop\n"
	    /* TFTP's transfers: sockets.c takes the first ports from 61069 on that are free. */
	    "\t\tudp dport { 69, " NFS_PORTS ", 61069-61229 } counter drop\n",
	    network, network, network);
}

static void
write_table(const struct guard_view *v, FILE *f)
{
	fputs(GUARD_TABLE " {\n", f);
	write_closed(v, f);
	write_held(v, f);
	for (uint32_t i = 0; i < v->network_count; i++)
		if (guards(v, i))
			write_bound(v, i, f);
	for (uint32_t i = 0; i < v->network_count; i++) {
		if (!watched(v, i))
			continue;
		write_closing(v, i, f);
		if (guards(v, i))
			write_guarding(i, f);
		fputs("\t}\n", f);
	}
	fputs("}\n", f);
}

bool
guard_wanted(const struct guard_view *v)
{
	for (uint32_t i = 0; i < v->network_count; i++)
		if (watched(v, i))
			return true;
	return false;
}

/* Adding and deleting first, in the same transaction: the table is as if there had been none, and never away. */
char *
guard_rules(const struct guard_view *v)
{
	char *text = NULL;
	size_t length;
	FILE *f = open_memstream(&text, &length);

	if (f == NULL)
		return NULL;
	fputs("add " GUARD_TABLE "\ndelete " GUARD_TABLE "\n", f);
	if (guard_wanted(v))
		write_table(v, f);
	if (fclose(f) == EOF) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- the comparison ---- */

struct lines {
	char **line;
	size_t count, room;
	char *text; /* what they lie in */
};

static bool
add_line(struct lines *l, char *line)
{
	if (l->count == l->room) {
		char **more = reallocarray(l->line, l->room * 2 + 64, sizeof(*more));

		if (more == NULL)
			return false;
		l->line = more;
		l->room = l->room * 2 + 64;
	}
	l->line[l->count++] = line;
	return true;
}

/* What a rule has counted is no part of it. */
static void
forget_counts(char *line)
{
	static const char head[] = "counter packets ";
	char *at = line;

	while ((at = strstr(at, head)) != NULL) {
		char *end = at + sizeof(head) - 1;

		end += strspn(end, "0123456789");
		if (strncmp(end, " bytes ", 7) != 0)
			return;
		end += 7;
		end += strspn(end, "0123456789");
		at += sizeof("counter") - 1;
		memmove(at, end, strlen(end) + 1);
	}
}

static char *
trim(char *text)
{
	size_t length;

	text += strspn(text, " \t");
	length = strlen(text);
	while (length > 0 && strchr(" \t", text[length - 1]) != NULL)
		text[--length] = '\0';
	return text;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The elements of a set, in whatever order and over however many lines: sorted, one a line. *at is behind the "{". */
static bool
add_elements(struct lines *l, char **at)
{
	size_t first = l->count;
	char *end = strchr(*at, '}'), *element_text;

	if (end == NULL)
		return false;
	*end = '\0';
	for (char *p = *at; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	while ((element_text = strsep(at, ",")) != NULL)
		if (!add_line(l, trim(element_text)))
			return false;
	qsort(l->line + first, l->count - first, sizeof(*l->line), compare);
	*at = end + 1;
	return true;
}

static bool
split(struct lines *l, const char *text)
{
	static const char elements[] = "elements = {";
	char *at;

	*l = (struct lines){ .text = strdup(text) };
	at = l->text;
	while (at != NULL && *at != '\0') {
		char *line = at + strspn(at, " \t\n");

		if (strncmp(line, elements, sizeof(elements) - 1) == 0) {
			at = line + sizeof(elements) - 1;
			if (!add_elements(l, &at))
				return false;
			continue;
		}
		at = line;
		line = trim(strsep(&at, "\n"));
		forget_counts(line);
		if (*line != '\0' && !add_line(l, line))
			return false;
	}
	return l->text != NULL;
}

static void
free_lines(struct lines *l)
{
	free(l->line);
	free(l->text);
}

static bool
same_lines(const struct lines *listed, const struct lines *wanted, char *why, size_t size)
{
	for (size_t i = 0; i < wanted->count || i < listed->count; i++) {
		const char *has = i < listed->count ? listed->line[i] : "nothing";
		const char *wants = i < wanted->count ? wanted->line[i] : "nothing more";

		if (strcmp(has, wants) != 0) {
			snprintf(why, size, "the guard's table has '%.80s' where '%.80s' belongs", has, wants);
			return false;
		}
	}
	return true;
}

bool
guard_verify(const char *listing, const char *rules, char *why, size_t size)
{
	const char *table = strstr(rules, GUARD_TABLE " {");
	struct lines listed, wanted;
	bool read, right;

	read = split(&listed, listing);
	read = split(&wanted, table == NULL ? "" : table) && read;
	if (!read)
		snprintf(why, size, "the guard's table cannot be read: a list without an end, or no memory");
	right = read && same_lines(&listed, &wanted, why, size);
	free_lines(&listed);
	free_lines(&wanted);
	return right;
}

uint64_t
guard_dropped(const char *listing, const char *interface)
{
	static const char head[] = "counter packets ";
	char device[INTERFACE_SIZE + 16];
	const char *at, *end;
	uint64_t packets = 0;

	snprintf(device, sizeof(device), "device \"%s\" ", interface);
	at = strstr(listing, device);
	if (at == NULL)
		return 0;
	end = strstr(at, "\n\t}");
	for (at = strstr(at, head); at != NULL && (end == NULL || at < end); at = strstr(at, head)) {
		at += sizeof(head) - 1;
		packets += strtoull(at, NULL, 10);
	}
	return packets;
}
