/* SPDX-License-Identifier: BSD-2-Clause */
/* A domain's state as one block of records (records.h). records.c */
#ifndef XL_STATE_RECORDS_H
#define XL_STATE_RECORDS_H

#include "types.h"
struct domain;

/*
 * XEN_DOMCTL_gethvmcontext and XEN_DOMCTL_sethvmcontext.  The caller has paused the domain.  `buf`
 * is aligned to 8 bytes.
 *
 * records_save: *bytes is the size of buf, and then the size used.  -XEN_ENOSPC: buf is too small,
 * and *bytes is a sufficient size.  records_load: validates all records before it changes the
 * domain; afterwards the domain can be unpaused.  -XEN_EINVAL: malformed; -XEN_EOPNOTSUPP: from a
 * different kind of machine.  The log has the reason.
 */
int records_save(struct domain *d, uint8_t *buf, uint32_t *bytes);
int records_load(struct domain *d, const uint8_t *buf, uint32_t bytes);

#endif
