/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Emulated MMIO: regions with handlers.  The leaf of an emulated page caches its handler (mmio.c).
 */
#ifndef XL_MMIO_H
#define XL_MMIO_H

#include "types.h"
#include "mmio_types.h"
struct domain;
struct vcpu;

/*
 * Call while the domain does not run (it is being built, or is paused).  -ENOSPC, -EEXIST
 * (overlap), -EINVAL.
 */
int mmio_register(struct domain *d, ipa_t start, uint64_t size, mmio_handler fn, void *arg);
/* Removes the region that begins at `start`, under the same condition.  -ENOENT. */
int mmio_unregister(struct domain *d, ipa_t start);
/*
 * A debug key (mmio_debug.c): adds or removes a device of the control domain, which renumbers other
 * regions.
 */
void mmio_debug_change(void);
/*
 * The second case that stage2_fault tries.  True if handled.  arch_reg_* read and write the
 * access's register.
 */
struct stage2_fault;
bool mmio_dispatch(struct vcpu *v, const struct stage2_fault *f);
#endif
