/* SPDX-License-Identifier: ISC */
/* Duty: a configuration back into its own language, and whether two of them mean the same. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "address.h"
#include "boot_arch.h"

static const char *const dhcp_words[] = {
	[DHCP_OFF] = "off", [DHCP_PROXY] = "proxy", [DHCP_RESERVATIONS] = "reservations"
};
static const char *const unknown_words[] = { [UNKNOWN_OBSERVE] = "observe", [UNKNOWN_ANSWER] = "answer" };
static const char *const boot_words[] = { [BOOT_NETWORK] = "network", [BOOT_SD] = "sd" };

static void
print_quoted(const char *text, FILE *f)
{
	putc('"', f);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', f);
		putc(*text, f);
	}
	putc('"', f);
}

/* A statement with a string; nothing if it was not given. */
static void
print_string(const char *word, const char *text, FILE *f)
{
	if (text == NULL)
		return;
	fprintf(f, "\t%s ", word);
	print_quoted(text, f);
	putc('\n', f);
}

static void
print_address(const char *word, uint32_t address, FILE *f)
{
	char text[ADDRESS_TEXT];

	fprintf(f, "%s %s\n", word, address_text(address, text));
}

static void
print_network(const struct config_network *n, FILE *f)
{
	char text[ADDRESS_TEXT];

	fprintf(f, "network \"%s\" {\n", n->name);
	print_string("interface", n->interface, f);
	if (n->own_server)
		print_address("\tserver-address", n->server, f);
	if (n->own_subnet)
		fprintf(f, "\tsubnet %s/%u\n", address_text(n->subnet, text), n->prefix);
	fprintf(f, "\tdhcp %s\n\tunknown %s\n", dhcp_words[n->dhcp], unknown_words[n->unknown]);
	if (n->guard)
		fputs("\tguard on\n", f);
	if (n->lease != 0)
		fprintf(f, "\tlease %" PRIu32 "s\n", n->lease);
	if (n->gateway != 0)
		print_address("\tgateway", n->gateway, f);
	if (n->name_server_count > 0) {
		fputs("\tname-servers {", f);
		for (size_t i = 0; i < n->name_server_count; i++)
			fprintf(f, "%s %s", i == 0 ? "" : ",", address_text(n->name_server[i], text));
		fputs(" }\n", f);
	}
	for (int arch = 0; arch < BOOT_ARCHS; arch++) {
		char word[32];

		snprintf(word, sizeof(word), "boot-file %s", boot_arch_word((enum boot_arch)arch));
		print_string(word, n->boot_file[arch], f);
	}
	fputs("}\n", f);
}

static void
print_list(const char *word, const struct config_list *list, FILE *f)
{
	if (list->count == 0)
		return;
	fprintf(f, "\t%s {", word);
	for (size_t i = 0; i < list->count; i++) {
		fputs(i == 0 ? " " : ", ", f);
		print_quoted(list->word[i], f);
	}
	fputs(" }\n", f);
}

static void
print_user(const struct config_user *u, FILE *f)
{
	fprintf(f, "\tuser \"%s\" {\n", u->name);
	if (u->password_hash != NULL) {
		putc('\t', f);
		print_string("password-hash", u->password_hash, f);
	}
	if (u->groups.count > 0) {
		putc('\t', f);
		print_list("groups", &u->groups, f);
	}
	fputs("\t}\n", f);
}

/* In the largest unit that says it exactly; nothing if it was not given. */
static void
print_size(const char *word, uint64_t bytes, FILE *f)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };
	size_t unit = 0;

	if (bytes == 0)
		return;
	for (; unit < 4 && bytes % 1024 == 0; unit++)
		bytes /= 1024;
	fprintf(f, "\t%s %" PRIu64 "%s\n", word, bytes, units[unit]);
}

void
config_print_image(const struct config_image *image, FILE *f)
{
	fprintf(f, "image \"%s\" {\n", image->name);
	print_string("source", image->source, f);
	print_string("sha256", image->sha256, f);
	print_string("suite", image->suite, f);
	print_string("architecture", image->architecture, f);
	print_string("mirror", image->mirror, f);
	print_size("room", image->room, f);
	print_string("timezone", image->timezone, f);
	print_string("locale", image->locale, f);
	print_string("authorized-keys", image->authorized_keys, f);
	print_list("packages", &image->packages, f);
	print_list("config-txt", &image->config_txt, f);
	for (size_t i = 0; i < image->user_count; i++)
		print_user(&image->user[i], f);
	for (size_t i = 0; i < image->file_count; i++) {
		fputs("\tfile ", f);
		print_quoted(image->file[i].source, f);
		putc(' ', f);
		print_quoted(image->file[i].target, f);
		putc('\n', f);
	}
	if (image->ssh)
		fputs("\tssh on\n", f);
	if (image->docker)
		fputs("\tdocker on\n", f);
	print_string("run", image->run, f);
	print_list("keep", &image->keep, f);
	fputs("}\n", f);
}

void
config_print_client(const struct config_client *c, FILE *f)
{
	char text[MAC_TEXT];

	fprintf(f, "client \"%s\" {\n", c->name);
	if (c->has_serial)
		fprintf(f, "\tserial %0*" PRIx64 "\n", c->serial > UINT32_MAX ? 16 : 8, c->serial);
	fprintf(f, "\tmac %s\n", mac_text(c->mac, text));
	print_string("network", c->network->name, f);
	print_address("\taddress", c->address, f);
	if (c->image != NULL)
		print_string("image", c->image->name, f);
	print_size("quota", c->quota, f);
	if (c->inodes != 0)
		fprintf(f, "\tinodes %" PRIu32 "\n", c->inodes);
	if (c->root == ROOT_LOCAL)
		print_string("root local", c->local_root, f);
	else
		fputs("\troot nfs\n", f);
	fprintf(f, "\tboot %s\n", boot_words[c->boot]);
	print_string("cmdline", c->cmdline, f);
	if (c->persistence == PERSISTENCE_DISCARD)
		fputs("\tpersistence discard\n", f);
	print_list("keep", &c->keep, f);
	fputs("}\n", f);
}

void
config_print(const struct config *c, FILE *f)
{
	const char *between = "";

	if (c->server_address != 0) {
		print_address("server-address", c->server_address, f);
		between = "\n";
	}
	if (c->low_water != 0) {
		fprintf(f, "low-water %" PRIu64 "\n", c->low_water);
		between = "\n";
	}
	for (size_t i = 0; i < c->network_count; i++, between = "\n") {
		fputs(between, f);
		print_network(&c->network[i], f);
	}
	for (size_t i = 0; i < c->image_count; i++, between = "\n") {
		fputs(between, f);
		config_print_image(&c->image[i], f);
	}
	for (size_t i = 0; i < c->client_count; i++, between = "\n") {
		fputs(between, f);
		config_print_client(&c->client[i], f);
	}
}

/* ---- equality ---- */

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_boot_files(const struct config_network *a, const struct config_network *b)
{
	for (int i = 0; i < BOOT_ARCHS; i++)
		if (!same(a->boot_file[i], b->boot_file[i]))
			return false;
	return true;
}

static bool
same_network(const struct config_network *a, const struct config_network *b)
{
	return same(a->name, b->name) && same(a->interface, b->interface) && a->server == b->server &&
	       a->subnet == b->subnet && a->prefix == b->prefix && a->gateway == b->gateway && a->dhcp == b->dhcp &&
	       a->unknown == b->unknown && a->guard == b->guard && a->own_server == b->own_server &&
	       a->lease == b->lease && same_boot_files(a, b) && a->own_subnet == b->own_subnet &&
	       a->name_server_count == b->name_server_count &&
	       (a->name_server_count == 0 ||
		   memcmp(a->name_server, b->name_server, a->name_server_count * sizeof(*a->name_server)) == 0);
}

static bool
same_list(const struct config_list *a, const struct config_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!same(a->word[i], b->word[i]))
			return false;
	}
	return true;
}

static bool
same_users(const struct config_image *a, const struct config_image *b)
{
	if (a->user_count != b->user_count)
		return false;
	for (size_t i = 0; i < a->user_count; i++) {
		if (!same(a->user[i].name, b->user[i].name) ||
		    !same(a->user[i].password_hash, b->user[i].password_hash) ||
		    !same_list(&a->user[i].groups, &b->user[i].groups))
			return false;
	}
	return true;
}

static bool
same_files(const struct config_image *a, const struct config_image *b)
{
	if (a->file_count != b->file_count)
		return false;
	for (size_t i = 0; i < a->file_count; i++) {
		if (!same(a->file[i].source, b->file[i].source) || !same(a->file[i].target, b->file[i].target))
			return false;
	}
	return true;
}

static bool
same_image(const struct config_image *a, const struct config_image *b)
{
	return same(a->name, b->name) && same(a->source, b->source) && same(a->sha256, b->sha256) &&
	       same(a->suite, b->suite) && same(a->architecture, b->architecture) && same(a->mirror, b->mirror) &&
	       a->room == b->room && same(a->timezone, b->timezone) && same(a->locale, b->locale) &&
	       same(a->authorized_keys, b->authorized_keys) && same_list(&a->packages, &b->packages) &&
	       same_list(&a->config_txt, &b->config_txt) && same_users(a, b) && same_files(a, b) && a->ssh == b->ssh &&
	       a->docker == b->docker && same(a->run, b->run) && same_list(&a->keep, &b->keep);
}

static const char *
image_name(const struct config_client *c)
{
	return c->image == NULL ? NULL : c->image->name;
}

static bool
same_client(const struct config_client *a, const struct config_client *b)
{
	return same(a->name, b->name) && a->has_serial == b->has_serial && a->serial == b->serial &&
	       memcmp(a->mac, b->mac, MAC_SIZE) == 0 && a->address == b->address && a->quota == b->quota &&
	       a->inodes == b->inodes && a->root == b->root && a->boot == b->boot &&
	       same(a->local_root, b->local_root) && same(a->cmdline, b->cmdline) && a->persistence == b->persistence &&
	       same_list(&a->keep, &b->keep) && same(a->network->name, b->network->name) &&
	       same(image_name(a), image_name(b));
}

bool
config_equal(const struct config *a, const struct config *b)
{
	if (a->server_address != b->server_address || a->low_water != b->low_water ||
	    a->network_count != b->network_count || a->image_count != b->image_count ||
	    a->client_count != b->client_count)
		return false;
	for (size_t i = 0; i < a->network_count; i++) {
		if (!same_network(&a->network[i], &b->network[i]))
			return false;
	}
	for (size_t i = 0; i < a->image_count; i++) {
		if (!same_image(&a->image[i], &b->image[i]))
			return false;
	}
	for (size_t i = 0; i < a->client_count; i++) {
		if (!same_client(&a->client[i], &b->client[i]))
			return false;
	}
	return true;
}
