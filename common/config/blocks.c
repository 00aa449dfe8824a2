/* SPDX-License-Identifier: ISC */
/* Duty: what the grammar has read so far, block by block, each with the places of its statements beside it. */
#include "parse.h"

#include <stdlib.h>
#include <string.h>

#include "boot_arch.h"
#include "grammar.h"
#include "log.h"

/* Room for one more element of size bytes behind count others; doubles, so that a large file costs no more than its size. */
static void *
grow(void *array, size_t count, size_t size)
{
	if (count != 0 && (count & (count - 1)) != 0)
		return array;
	array = reallocarray(array, count == 0 ? 1 : 2 * count, size);
	if (array == NULL)
		fatal("configuration");
	return array;
}

static void
block_begin(struct config_parser *p, struct config_blocks *blocks, const char *kind, struct config_place at, char *name)
{
	struct config_block *b;

	config_text(p, at, T_NETWORK, name);
	for (size_t i = 0; i < blocks->count; i++) {
		if (strcmp(blocks->block[i].name, name) == 0) {
			config_error(p, at, "%s %s is there twice; the first is at %s", kind, config_shown(p, name),
			    config_place_text(p, blocks->block[i].place));
			break;
		}
	}
	blocks->block = grow(blocks->block, blocks->count, sizeof(*b));
	b = &blocks->block[blocks->count++];
	memset(b, 0, sizeof(*b));
	b->name = name;
	b->place = at;
	p->block = b;
}

void
config_network_begin(struct config_parser *p, struct config_place at, char *name)
{
	struct config *c = p->config;

	block_begin(p, &p->network, "network", at, name);
	c->network = grow(c->network, c->network_count, sizeof(*c->network));
	c->network[c->network_count++] =
	    (struct config_network){ .place = at, .name = name, .dhcp = DHCP_PROXY, .unknown = UNKNOWN_OBSERVE };
}

void
config_image_begin(struct config_parser *p, struct config_place at, char *name)
{
	struct config *c = p->config;

	block_begin(p, &p->image, "image", at, name);
	c->image = grow(c->image, c->image_count, sizeof(*c->image));
	c->image[c->image_count++] = (struct config_image){ .place = at, .name = name };
}

void
config_client_begin(struct config_parser *p, struct config_place at, char *name)
{
	struct config *c = p->config;

	block_begin(p, &p->client, "client", at, name);
	c->client = grow(c->client, c->client_count, sizeof(*c->client));
	c->client[c->client_count++] =
	    (struct config_client){ .place = at, .name = name, .root = ROOT_NFS, .boot = BOOT_NETWORK };
}

struct config_network *
config_network(struct config_parser *p)
{
	return &p->config->network[p->config->network_count - 1];
}

struct config_image *
config_image(struct config_parser *p)
{
	return &p->config->image[p->config->image_count - 1];
}

struct config_client *
config_client(struct config_parser *p)
{
	return &p->config->client[p->config->client_count - 1];
}

bool
config_once(
    struct config_parser *p, struct config_block *b, int token, struct config_place at, struct config_place value)
{
	struct config_place *first = &b->at[config_word_index(token)];

	if (first->line != 0) {
		config_error(
		    p, at, "%s is there twice; the first is at %s", config_word(token), config_place_text(p, *first));
		return false;
	}
	*first = value;
	return true;
}

void
config_item_add(struct config_parser *p, struct config_place at, char *text)
{
	if (p->item_count == p->item_size) {
		p->item = grow(p->item, p->item_size, sizeof(*p->item));
		p->item_size = p->item_size == 0 ? 1 : 2 * p->item_size;
	}
	p->item[p->item_count++] = (struct config_item){ at, text };
}

void
config_name_servers(struct config_parser *p)
{
	struct config_network *n = config_network(p);

	n->name_server = config_alloc(p, p->item_count * sizeof(*n->name_server));
	for (size_t i = 0; i < p->item_count; i++)
		n->name_server[i] = config_address(p, p->item[i].place, p->item[i].text);
	if (p->item_count > NETWORK_NAME_SERVERS)
		config_error(p, p->item[NETWORK_NAME_SERVERS].place,
		    "this is the fifth name server; a network has at most %d", NETWORK_NAME_SERVERS);
	n->name_server_count = p->item_count;
}

void
config_boot_file(struct config_parser *p, struct config_place statement, struct config_place at_arch, const char *word,
    struct config_place at_file, char *file)
{
	int arch = boot_arch_parse(word);
	char **place;

	if (arch == -1) {
		config_error(p, at_arch,
		    "%s is no kind of firmware; there is: bios, efi-ia32, efi-x64, efi-arm32, efi-arm64, ipxe, "
		    "http-x64, http-arm64",
		    config_shown(p, word));
		return;
	}
	place = &config_network(p)->boot_file[arch];
	if (*place != NULL)
		config_error(p, statement, "boot-file %s is there twice; leave one out", word);
	else if (config_boot_file_valid((enum boot_arch)arch, file))
		*place = file;
	else
		config_error(p, at_file, "%s is no %s", config_shown(p, file),
		    boot_arch_http((enum boot_arch)arch)
			? "URI of a boot file; one has at most 127 characters and begins with http:// or https://"
			: "boot file; one is a path of at most 127 characters below the boot directory: grubx64.efi");
}

void
config_words(struct config_parser *p, int token, struct config_list *list)
{
	list->word = config_alloc(p, p->item_count * sizeof(*list->word));
	for (size_t i = 0; i < p->item_count; i++)
		list->word[i] = config_text(p, p->item[i].place, token, p->item[i].text);
	list->count = p->item_count;
}

/* ---- what an image has several of ---- */

/* As grow(), for arrays that are part of a config: the old one stays in its storage. */
static void *
grow_stored(struct config_parser *p, void *array, size_t count, size_t size)
{
	void *larger;

	if (count != 0 && (count & (count - 1)) != 0)
		return array;
	larger = config_alloc(p, (count == 0 ? 1 : 2 * count) * size);
	return count == 0 ? larger : memcpy(larger, array, count * size);
}

void
config_user_begin(struct config_parser *p, struct config_place at, char *name)
{
	struct config_image *image = config_image(p);

	config_text(p, at, T_USER, name);
	for (size_t i = 0; i < image->user_count; i++) {
		if (strcmp(image->user[i].name, name) == 0) {
			config_error(p, at, "user %s is there twice; the first is at %s", config_shown(p, name),
			    config_place_text(p, image->user[i].place));
			break;
		}
	}
	image->user = grow_stored(p, image->user, image->user_count, sizeof(*image->user));
	image->user[image->user_count++] = (struct config_user){ .place = at, .name = name };
	memset(&p->user, 0, sizeof(p->user));
}

struct config_user *
config_user(struct config_parser *p)
{
	struct config_image *image = config_image(p);

	return &image->user[image->user_count - 1];
}

void
config_file_add(
    struct config_parser *p, struct config_place at, char *source, struct config_place at_target, char *target)
{
	struct config_image *image = config_image(p);

	config_text(p, at, T_SOURCE, source);
	config_text(p, at_target, T_FILE, target);
	image->file = grow_stored(p, image->file, image->file_count, sizeof(*image->file));
	image->file[image->file_count++] = (struct config_file){ source, target };
}
