/* SPDX-License-Identifier: BSD-2-Clause */
/* A domain's state as one block of records.  records.c */
#ifndef XL_STATE_RECORDS_H
#define XL_STATE_RECORDS_H

#include "types.h"
struct domain;

/*
 * XEN_DOMCTL_gethvmcontext and sethvmcontext.  The caller has paused the domain.
 *
 * records_save: `buf` is aligned to 8.  *bytes is the room, and becomes the size used.
 * -XEN_ENOSPC: *bytes becomes a sufficient size.
 *
 * records_load: everything is validated before anything is changed.  -XEN_EINVAL: malformed;
 * -XEN_EOPNOTSUPP: of another kind of machine; the log has the reason.  After success, unpausing
 * the domain runs it.
 */
int records_save(struct domain *d, uint8_t *buf, uint32_t *bytes);
int records_load(struct domain *d, const uint8_t *buf, uint32_t bytes);

#endif
