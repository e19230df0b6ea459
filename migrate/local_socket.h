/* SPDX-License-Identifier: BSD-2-Clause */
/* The local socket: one connection of xlm.  PROTOCOL.md, "The daemon's local interface". */
#ifndef MIGRATE_LOCAL_SOCKET_H
#define MIGRATE_LOCAL_SOCKET_H

#include "host.h"

#define XLMD_SOCKET "/var/run/xlmd.sock"

/* Serves one connection in the calling thread, to its end; closes fd. */
void local_socket_serve(struct host *host, int fd);

#endif
