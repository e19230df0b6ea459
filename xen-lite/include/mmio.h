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
 * Adds a region.  The domain does not run (it is being built, or paused).  0; -XEN_ENOSPC: no entry
 * left; -XEN_EEXIST: overlaps another region; -XEN_EINVAL.
 */
int mmio_register(struct domain *d, ipa_t start, uint64_t size, mmio_handler fn, void *arg);
/* Removes the region that begins at `start`.  The domain does not run.  0; -XEN_ENOENT: none. */
int mmio_unregister(struct domain *d, ipa_t start);
/*
 * For a debug key (mmio_debug.c): adds or removes a dummy device of the control domain, so that the
 * numbers of other regions change.
 */
void mmio_debug_change(void);
/*
 * Emulates the access of a decoded fault, for stage2_fault.  False: no handler, or the handler
 * refused.  The data register is accessed through arch_reg_get and arch_reg_set.
 */
struct stage2_fault;
bool mmio_dispatch(struct vcpu *v, const struct stage2_fault *f);
#endif
