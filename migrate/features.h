/* SPDX-License-Identifier: BSD-2-Clause */
/* Are the CPU features that a guest has seen there on another host?  By field of the ID registers.
 */
#ifndef MIGRATE_FEATURES_H
#define MIGRATE_FEATURES_H

#include "common.h"

/*
 * Compares two XLR_CPU_FEATURES payloads.  0 if the guest can run there; -1 with *f naming the
 * first field that stops it ("ID_AA64ISAR0_EL1.ATOMICS: the guest has seen 2, the target host
 * offers 0").  What differs and is only cosmetic goes to `warning` (or "").
 */
int features_compare(const void *guest, size_t guest_bytes, const void *host, size_t host_bytes,
                     struct failure *f, char *warning, size_t warning_size);

#endif
