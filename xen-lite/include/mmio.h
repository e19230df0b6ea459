/* SPDX-License-Identifier: BSD-2-Clause */
/* Emulated MMIO: regions with handlers; the leaf of an emulated page caches its handler (mmio.c).
 */
#ifndef XL_MMIO_H
#define XL_MMIO_H

#include "types.h"
#include "mmio_types.h"
struct domain;
struct vcpu;

/* While the domain does not run (being built, or paused). -ENOSPC, -EEXIST (overlaps), -EINVAL */
int mmio_register(struct domain *d, ipa_t start, uint64_t size, mmio_handler fn, void *arg);
/* The region that begins at `start` goes.  Under the same condition.  -ENOENT */
int mmio_unregister(struct domain *d, ipa_t start);
/* A debug key (mmio_debug.c): a device comes into the control domain's map, or one goes; others
 * change their numbers by it. */
void mmio_debug_change(void);
/* stage2_fault's second stop: true when handled. The access's register is read/written through
 * arch_reg_*. */
struct stage2_fault;
bool mmio_dispatch(struct vcpu *v, const struct stage2_fault *f);
#endif
