/* SPDX-License-Identifier: ISC */
/*
 * Puts a configuration in force: its facts as the wire has them, its sockets, its roots, its pins. All of it or, when its sockets
 * cannot be had, none: then the old one stays.
 */
#include "disklessd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot_arch.h"
#include "log.h"

static void
network_facts(const struct config_network *n, uint32_t index, struct msg_network *out)
{
	out->index = index;
	out->server = n->server;
	out->gateway = n->gateway;
	out->prefix = n->prefix;
	out->dhcp = n->dhcp;
	out->unknown = n->unknown;
	out->lease = n->lease != 0 ? n->lease : CONFIG_LEASE_DEFAULT;
	out->name_servers = (uint32_t)n->name_server_count;
	for (size_t i = 0; i < n->name_server_count; i++)
		out->name_server[i] = n->name_server[i];
	for (int i = 0; i < BOOT_ARCHS; i++)
		snprintf(out->boot_file[i], sizeof(out->boot_file[i]), "%s",
		    n->boot_file[i] != NULL ? n->boot_file[i] : boot_arch_default((enum boot_arch)i));
	snprintf(out->name, sizeof(out->name), "%s", n->name);
	snprintf(out->interface, sizeof(out->interface), "%s", n->interface);
}

static void
client_facts(const struct config *config, uint32_t index, uint32_t generation, struct msg_client *out)
{
	const struct config_client *c = &config->client[index];

	out->index = index;
	out->generation = generation;
	out->network = (uint32_t)(c->network - config->network);
	out->address = c->address;
	out->serial = (uint32_t)c->serial;
	out->has_serial = c->has_serial;
	out->root = c->root;
	out->boot = c->boot;
	memcpy(out->mac, c->mac, MAC_SIZE);
	snprintf(out->name, sizeof(out->name), "%s", c->name);
}

struct facts {
	struct msg_network *networks;
	struct msg_client *clients;
};

static struct facts
facts_of(const struct config *config, uint32_t generation)
{
	struct facts facts = { calloc(config->network_count + 1, sizeof(*facts.networks)),
		calloc(config->client_count + 1, sizeof(*facts.clients)) };

	if (facts.networks == NULL || facts.clients == NULL)
		fatalx("no memory for the configuration");
	for (uint32_t i = 0; i < config->network_count; i++)
		network_facts(&config->network[i], i, &facts.networks[i]);
	for (uint32_t i = 0; i < config->client_count; i++)
		client_facts(config, i, generation, &facts.clients[i]);
	return facts;
}

/* ---- pins ---- */

static void
pin_clients(const struct server *s)
{
	struct pin *pins = calloc(s->view.client_count + 1, sizeof(*pins));

	if (pins == NULL)
		fatalx("no memory for the neighbour entries");
	for (size_t i = 0; i < s->view.client_count; i++) {
		pins[i].ifindex = children_interface(s->clients[i].network);
		pins[i].address = s->clients[i].address;
		memcpy(pins[i].mac, s->clients[i].mac, MAC_SIZE);
	}
	neighbours_pin_all(pins, s->view.client_count);
}

/* ---- configuring ---- */

static void
put_in_force(struct server *s, struct config *config, struct facts facts)
{
	struct server old = *s;

	s->config = config;
	s->generation++;
	s->networks = facts.networks;
	s->clients = facts.clients;
	s->view = (struct access_view){ facts.networks, config->network_count, facts.clients, config->client_count };
	roots_apply(s);
	children_apply(s);
	pin_clients(s);
	guard_apply(s);
	audit_soon();
	config_free(old.config);
	free(old.networks);
	free(old.clients);
}

void
server_keep(struct server *s)
{
	static struct log_limit limit = LOG_LIMIT(3, 60000);
	char why[TEXT_SIZE];

	if (!children_stale(s)) {
		neighbours_keep();
		return;
	}
	if (!children_prepare(s->networks, s->view.network_count, why, sizeof(why))) {
		LOG_LIMITED(&limit, log_errx("nothing is served: %s", why));
		return;
	}
	children_apply(s);
	pin_clients(s);
	guard_apply(s);
	log_info("serving %zu networks again", s->view.network_count);
}

bool
server_configure(struct server *s, struct config *config, char *errors, size_t size)
{
	struct facts facts = facts_of(config, s->generation + 1);
	char why[TEXT_SIZE];

	if (children_prepare(facts.networks, config->network_count, errors, size)) {
		put_in_force(s, config, facts);
		return true;
	}
	free(facts.networks);
	free(facts.clients);
	config_free(config);
	/* What was served before is served again. */
	if (s->config != NULL && children_prepare(s->networks, s->view.network_count, why, sizeof(why)))
		children_apply(s);
	return false;
}

bool
server_reload(struct server *s, char *errors, size_t size)
{
	static struct log_limit limit = LOG_LIMIT(20, 1000); /* a broker may ask for it all the time */
	struct config *config = config_load(s->config_path, &config_resolver_system, errors, size);

	if (config == NULL || !server_configure(s, config, errors, size)) {
		LOG_LIMITED(&limit, log_errx("configuration not reloaded, the old one stays: %s", errors));
		return false;
	}
	LOG_LIMITED(&limit,
	    log_info("configuration reloaded: %zu networks, %zu clients", config->network_count, config->client_count));
	snprintf(errors, size, "%zu networks, %zu clients", config->network_count, config->client_count);
	return true;
}
