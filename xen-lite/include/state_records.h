/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of a domain as one block of records.  records.c */
#ifndef XL_STATE_RECORDS_H
#define XL_STATE_RECORDS_H

#include "types.h"
struct domain;

/*
 * records.c: XEN_DOMCTL_gethvmcontext / sethvmcontext.  The caller has paused the domain.
 * save: *bytes is the room, then what was used; -XEN_ENOSPC with a size that is enough. `buf` is
 * aligned to 8. load: everything is validated before anything is changed; -XEN_EINVAL malformed,
 * -XEN_EOPNOTSUPP another kind of machine, each with a line in the log; afterwards unpausing the
 * domain runs it.
 */
int records_save(struct domain *d, uint8_t *buf, uint32_t *bytes);
int records_load(struct domain *d, const uint8_t *buf, uint32_t bytes);

#endif
