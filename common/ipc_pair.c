/* SPDX-License-Identifier: ISC */
/* Makes pipes. Apart from ipc.c, so that a process which may not make one does not even have the code. */
#include "ipc.h"

#include <sys/socket.h>

int
ipc_pair(int fd[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd);
}
