/* SPDX-License-Identifier: BSD-2-Clause */
/* Implementation of backend.h with Xen's libraries: declarations that the files backend_xen*.c
 * share.
 */
#ifndef MIGRATE_BACKEND_XEN_H
#define MIGRATE_BACKEND_XEN_H

#include <sys/types.h>

/* Debian's headers: 4.17. */
#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xenstore.h>

#include "backend.h"

struct backend {
    xc_interface *xc;
    xenforeignmemory_handle *memory;
    struct xs_handle *store;
    /* backend_xen_store.c: the guest's nodes, and whether a watch has fired since they were read */
    uint32_t saved_domid, saved_count;
    uint8_t *saved;
    size_t saved_length;
    bool saved_stale;
    char saved_home[64];
    /* backend_xen_xl.c */
    pid_t create_pid;
    int create_pidfd, create_output;
};

/* Reads all pending watch events.  Marks the saved nodes as stale if one of them has changed. */
void store_drain(struct backend *backend);

/* Reads a node as text.  0 or a negative errno: -ENOENT if it is missing, -E2BIG if it is too long.
 */
int store_read(struct backend *backend, const char *path, char *value, size_t size);

#endif
