/* SPDX-License-Identifier: ISC */
/* Duty: counts what roots take of the server's disk (space.h). Runs as part of disklessctl, as its caller. Holds nothing. */
#include "space.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <dirent.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "config.h"
#include "manifest.h"
#include "paths.h"

#define LOW_WATER_MOST ((uint64_t)4 << 30)

uint64_t
space_of_generation(const char *client, uint32_t generation)
{
	char path[sizeof(PATH_CLIENTS) + NAME_SIZE + 32];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%.63s/%" PRIu32 "/upper.ext4", PATH_CLIENTS, client, generation);
	return stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

uint64_t
space_of_client(const char *client)
{
	uint32_t kept[GENERATIONS_MAX];
	struct client_manifest m;
	char why[TEXT_SIZE];
	uint64_t bytes;
	size_t count;

	if (client_manifest_read(client, &m, why, sizeof(why)) == -1)
		return 0;
	bytes = space_of_generation(client, m.generation);
	count = client_kept(&m, kept);
	for (size_t i = 0; i < count; i++)
		bytes += space_of_generation(client, kept[i]);
	return bytes;
}

uint64_t
space_of_clients(void)
{
	DIR *clients = opendir(PATH_CLIENTS);
	struct dirent *entry;
	uint64_t bytes = 0;

	while (clients != NULL && (entry = readdir(clients)) != NULL)
		if (config_name_valid(entry->d_name))
			bytes += space_of_client(entry->d_name);
	if (clients != NULL)
		closedir(clients);
	return bytes;
}

bool
space_of_disk(uint64_t wish, struct space *s)
{
	struct statvfs st;

	if (statvfs(PATH_STATE, &st) == -1)
		return false;
	s->size = (uint64_t)st.f_blocks * st.f_frsize;
	s->free = (uint64_t)st.f_bavail * st.f_frsize;
	s->low_water = wish != 0 ? wish : s->size / 20 < LOW_WATER_MOST ? s->size / 20 : LOW_WATER_MOST;
	return true;
}
