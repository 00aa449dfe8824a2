/* SPDX-License-Identifier: ISC */
/* Loop devices. Others take devices at the same time: a device that was free is asked for, not counted on. */
#include "loop.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TRIES 64 /* as many others may take the free device before us */

static void
close_quietly(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

static int
configure(int device, int backing, uint32_t flags)
{
	struct loop_config config = { .fd = (uint32_t)backing };

	/* Direct I/O keeps one page cache, the mounted filesystem's; not every filesystem below has it. */
	config.info.lo_flags = flags | LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
	if (ioctl(device, LOOP_CONFIGURE, &config) == 0)
		return 0;
	if (errno != EINVAL && errno != EOPNOTSUPP)
		return -1;
	config.info.lo_flags = flags | LO_FLAGS_AUTOCLEAR;
	return ioctl(device, LOOP_CONFIGURE, &config);
}

static int
take_free_device(int control, int backing, bool read_only, char path[LOOP_PATH])
{
	int number = ioctl(control, LOOP_CTL_GET_FREE), device;

	if (number == -1)
		return -1;
	snprintf(path, LOOP_PATH, "/dev/loop%d", number);
	device = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (device == -1)
		return -1;
	if (configure(device, backing, read_only ? LO_FLAGS_READ_ONLY : 0) == -1) {
		close_quietly(device);
		return -1;
	}
	return device;
}

int
loop_attach(const char *file, bool read_only, char path[LOOP_PATH])
{
	int backing = open(file, (read_only ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_CLOEXEC), control, device = -1;

	if (backing == -1)
		return -1;
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control != -1) {
		for (int i = 0; i < TRIES; i++) {
			device = take_free_device(control, backing, read_only, path);
			if (device != -1 || (errno != EBUSY && errno != EAGAIN))
				break;
		}
		close_quietly(control);
	}
	close_quietly(backing);
	return device;
}

static bool
device_is_of(const char *path, const struct stat *file)
{
	int device = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct loop_info64 info;
	bool is;

	if (device == -1)
		return false;
	is = ioctl(device, LOOP_GET_STATUS64, &info) == 0 && info.lo_inode == file->st_ino &&
	     info.lo_device == file->st_dev;
	close(device);
	return is;
}

bool
loop_is_of(const char *path, const char *file)
{
	struct stat st;

	return stat(file, &st) == 0 && device_is_of(path, &st);
}

bool
loop_in_use(const char *file)
{
	DIR *devices = opendir("/sys/block");
	struct dirent *entry;
	struct stat st;
	bool found = false;

	if (devices == NULL)
		return true; /* who asks will leave the file alone */
	if (stat(file, &st) == 0)
		while (!found && (entry = readdir(devices)) != NULL) {
			char path[sizeof("/dev/") + sizeof(entry->d_name)];

			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			found = strncmp(entry->d_name, "loop", 4) == 0 && device_is_of(path, &st);
		}
	closedir(devices);
	return found;
}
