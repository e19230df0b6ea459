/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's state records (records.h) as far as the daemon looks into them. */
#ifndef MIGRATE_STATE_H
#define MIGRATE_STATE_H

#include "common.h"
#include "../xen-lite/include/records.h"

/*
 * Finds the first record of this type: its payload inside `context`, *length its size; NULL if
 * there is none or the records do not parse.
 */
const void *state_find(const void *context, size_t bytes, uint16_t type, size_t *length);

/* 0 if `context` is a well-formed sequence HEADER ... END with sizes that hold what the daemon
 * reads; -1 with *f set. */
int state_check(const void *context, size_t bytes, struct failure *f);

/* The guest's width (enum xlr_width), of a context that state_check() has accepted. */
uint32_t state_width(const void *context, size_t bytes);

/* True if a guest with context `guest` may run on the host whose (empty domain's) context is
 * `host`; else -1 with *f set. */
int state_compatible(const void *guest, size_t guest_bytes, const void *host, size_t host_bytes,
                     uint32_t vcpus, struct failure *f, char *warning, size_t warning_size);

/* Adds `elapsed_ns` to XLR_TIME's counter, in its own ticks.  -1 with *f set. */
int state_add_time(void *context, size_t bytes, uint64_t elapsed_ns, struct failure *f);

#endif
