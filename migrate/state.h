/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's view of a context: the few state records (records.h) that it reads or changes. */
#ifndef MIGRATE_STATE_H
#define MIGRATE_STATE_H

#include "common.h"
#include "../xen-lite/include/records.h"

/*
 * Returns the payload of the first state record of this type inside `context`, and its size in
 * *length.  NULL if there is none, or if the records do not parse.
 */
const void *state_find(const void *context, size_t bytes, uint16_t type, size_t *length);

/* 0 if `context` is a well-formed sequence from HEADER to END, and the records that the daemon
 * reads are present and long enough.  Otherwise -1 with *f set. */
int state_check(const void *context, size_t bytes, struct failure *f);

/* The guest's width (enum xlr_width).  state_check() must have accepted the context. */
uint32_t state_width(const void *context, size_t bytes);

/* 0 if a guest with the context `guest` can run on the host whose empty domain has the context
 * `host`; otherwise -1 with *f set.  `warning` gets a difference that does not prevent it, or "".
 */
int state_compatible(const void *guest, size_t guest_bytes, const void *host, size_t host_bytes,
                     uint32_t vcpus, struct failure *f, char *warning, size_t warning_size);

/* Advances the counter in XLR_TIME by `elapsed_ns`, converted to ticks.  0, or -1 with *f set. */
int state_add_time(void *context, size_t bytes, uint64_t elapsed_ns, struct failure *f);

#endif
