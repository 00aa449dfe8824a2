/* SPDX-License-Identifier: ISC */
/*
 * The files that a board boots from: opened below its own boot directory, by descriptor. cmdline.txt is never read from the
 * client's tree, which the client writes: it is made here from the configuration, so that nothing on the board can break or
 * redirect its next boot. What loaders of PCs read is made the same way (boot_loader.c).
 */
#include "disklessd.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "beneath.h"
#include "log.h"
#include "paths.h"

#define LOADER_SIZE  4096
#define NAME_SERVERS 2 /* that ip= has room for */

/* As ip= has them at its end (Documentation/admin-guide/nfs/nfsroot.rst): images tell them to the board's resolver. */
static const char *
name_servers(const struct config_network *network, char text[NAME_SERVERS * (1 + ADDRESS_TEXT)])
{
	char address[ADDRESS_TEXT];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < network->name_server_count && i < NAME_SERVERS; i++) {
		text[used++] = ':';
		used +=
		    (size_t)snprintf(text + used, ADDRESS_TEXT, "%s", address_text(network->name_server[i], address));
	}
	return text;
}

/* The root as the kernel's nfsroot= and initramfs-tools both understand it: stock initramfs speak NFSv3 only. */
static int
nfs_root(const struct config_client *c, char *text, size_t size)
{
	char server[ADDRESS_TEXT], address[ADDRESS_TEXT], gateway[ADDRESS_TEXT] = "", netmask[ADDRESS_TEXT],
							  names[NAME_SERVERS * (1 + ADDRESS_TEXT)];

	if (c->network->gateway != 0)
		address_text(c->network->gateway, gateway);
	return snprintf(text, size, "root=/dev/nfs nfsroot=%s:%s/%s,vers=3,tcp,nolock ip=%s::%s:%s:%s:eth0:off%s rw",
	    address_text(c->network->server, server), PATH_ROOTS, c->name, address_text(c->address, address), gateway,
	    address_text(prefix_mask(c->network->prefix), netmask), c->name, name_servers(c->network, names));
}

/* The root and the configuration's own words, behind what comes first on this kind of machine. ip= says eth0, so that must stay. */
static int
command_line(const struct config_client *c, const char *before, char *text, size_t size)
{
	char root[512];
	int length;

	if (c->root == ROOT_NFS)
		length = nfs_root(c, root, sizeof(root));
	else
		length = snprintf(root, sizeof(root), "root=%s rw", c->local_root);
	if (length < 0 || (size_t)length >= sizeof(root))
		return -1;
	length = snprintf(text, size, "%s%s rootwait%s%s%s", before, root, c->root == ROOT_NFS ? " net.ifnames=0" : "",
	    c->cmdline == NULL ? "" : " ", c->cmdline == NULL ? "" : c->cmdline);
	return length < 0 || (size_t)length >= size ? -1 : length;
}

int
boot_cmdline(const struct config_client *c, char *text, size_t size)
{
	int length = command_line(c, "console=serial0,115200 console=tty1 ", text, size == 0 ? 0 : size - 1);

	if (length == -1)
		return -1;
	text[length] = '\n';
	text[length + 1] = '\0';
	return length + 1;
}

int
boot_words(const struct config_client *c, char *text, size_t size)
{
	return command_line(c, "", text, size);
}

/* A memfd that nobody can change any more. */
static int
sealed(const char *text, size_t length)
{
	int fd = memfd_create("cmdline.txt", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return -1;
	if (write(fd, text, length) != (ssize_t)length ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
open_cmdline(const struct config_client *client)
{
	char text[BOOT_CMDLINE_SIZE];
	int length = boot_cmdline(client, text, sizeof(text));

	if (length == -1) {
		static struct log_limit limit = LOG_LIMIT(5, 60000);

		LOG_LIMITED(&limit,
		    log_errx("client %s: its command line is longer than %d bytes", client->name, BOOT_CMDLINE_SIZE));
		errno = E2BIG;
		return -1;
	}
	return sealed(text, (size_t)length);
}

static int
open_boot(const char *root_path, const char *boot)
{
	int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC), directory, saved;

	if (root == -1)
		return -1;
	directory = beneath_directory(root, boot);
	saved = errno;
	close(root);
	errno = saved;
	return directory;
}

static int
open_loader(enum boot_loader loader, const struct config_client *client, const char *root_path, const char *boot)
{
	static struct log_limit limit = LOG_LIMIT(5, 60000);
	int directory = open_boot(root_path, boot), length;
	struct boot_kernel kernel;
	char text[LOADER_SIZE];
	bool found;

	if (directory == -1)
		return -1;
	found = boot_kernel_find(directory, &kernel);
	close(directory);
	if (!found) {
		errno = ENOENT;
		return -1;
	}
	length = boot_loader_text(loader, client, &kernel, text, sizeof(text));
	if (length == -1) {
		LOG_LIMITED(&limit,
		    log_errx("client %s: its command line is too long, or has a character that loaders change: ' \\ $",
			client->name));
		errno = E2BIG;
		return -1;
	}
	return sealed(text, (size_t)length);
}

static int
open_below(const char *root_path, const char *boot, const char *path)
{
	int directory = open_boot(root_path, boot), file, saved;

	if (directory == -1)
		return -1;
	file = beneath_read(directory, path);
	saved = errno;
	close(directory);
	errno = saved;
	return file;
}

/* errno of a failed open, as what tftp may say about it. */
static enum file_status
status_of(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return FILE_NOT_FOUND;
	case EACCES:
	case ELOOP:
	case EXDEV:
	case EPERM:
	case EISDIR:
	case ENAMETOOLONG:
		return FILE_REFUSED;
	default:
		return FILE_FAILED;
	}
}

/* Also below an os_prefix, which the board's own config.txt has: the tree's is never read. */
static bool
is_cmdline(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash == NULL ? path : slash + 1, "cmdline.txt") == 0;
}

/* A root that is discarded has the boot files of its image, and the image is there while the root is made anew. */
static const char *
boot_tree(const struct config_client *client, const struct attach_paths *paths)
{
	return client->persistence == PERSISTENCE_DISCARD ? paths->image : paths->root;
}

enum file_status
boot_open(const struct server *server, const struct config_client *client, const char *path, uint64_t *size, int *fd)
{
	enum boot_loader loader = boot_loader_of(client, path);
	const struct attach_paths *paths;
	const char *boot;
	struct stat st;

	*fd = -1;
	if (client->persistence == PERSISTENCE_DISCARD)
		roots_boot_begins(client->name);
	if (is_cmdline(path))
		*fd = open_cmdline(client);
	else if (!roots_attached(client->name, &paths, &boot))
		return FILE_FAILED;
	else if (loader != LOADER_NONE)
		*fd = open_loader(loader, client, boot_tree(client, paths), boot);
	else
		*fd = open_below(boot_tree(client, paths), boot, path);
	if (*fd == -1)
		return status_of(errno);
	if (fstat(*fd, &st) == -1) {
		close(*fd);
		*fd = -1;
		return FILE_FAILED;
	}
	*size = (uint64_t)st.st_size;
	return FILE_OPENED;
}
