/* SPDX-License-Identifier: BSD-2-Clause */
/* Compares the CPU features that a guest has seen with those of another host, by the fields of the
 * ID registers. */
#ifndef MIGRATE_FEATURES_H
#define MIGRATE_FEATURES_H

#include "common.h"

/*
 * Compares two payloads of XLR_CPU_FEATURES.  Returns 0 if the guest can run on the host. Otherwise
 * returns -1, and *f names the first field that prevents it ("ID_AA64ISAR0_EL1.ATOMICS: the guest
 * has seen 2, the target host offers 0").  `warning` gets a difference that does not prevent it, or
 * "".
 */
int features_compare(const void *guest, size_t guest_bytes, const void *host, size_t host_bytes,
                     struct failure *f, char *warning, size_t warning_size);

#endif
