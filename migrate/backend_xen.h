/* SPDX-License-Identifier: BSD-2-Clause */
/* backend.h by way of Xen's libraries: what the files backend_xen*.c share. */
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
    /* backend_xen_store.c: the guest's nodes as read ahead, and whether a watch has fired since */
    uint32_t saved_domid, saved_count;
    uint8_t *saved;
    size_t saved_length;
    bool saved_stale;
    char saved_home[64];
    /* backend_xen_xl.c */
    pid_t create_pid;
    int create_pidfd, create_output;
};

/* Takes the watch events that have come; notes those of the guest's own nodes. */
void store_drain(struct backend *backend);

/* Reads a node into a buffer as text; -ENOENT. */
int store_read(struct backend *backend, const char *path, char *value, size_t size);

#endif
