/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of xlm to the daemon of its own host: PROTOCOL.md, "The local socket of the daemon". */
#ifndef MIGRATE_LOCAL_SOCKET_H
#define MIGRATE_LOCAL_SOCKET_H

#include "host.h"

#define XLMD_SOCKET "/var/run/xlmd.sock"

/* Serves one connection in the calling thread until it ends, and closes fd. */
void local_socket_serve(struct host *host, int fd);

#endif
