/* SPDX-License-Identifier: BSD-2-Clause */
/* Emulated MMIO: regions with handlers; the leaf of an emulated page caches its handler (mmio.c).
 */
#ifndef XL_MMIO_H
#define XL_MMIO_H

#include "types.h"
struct domain;
struct vcpu;

/* Of a device map's generation, in leaves. A debug build has 3, so that the number wraps while one
 * looks. */
#ifndef MMIO_GENERATION_BITS
#define MMIO_GENERATION_BITS 32
#endif
#define MMIO_GENERATION_MAX ((uint32_t)((1ull << MMIO_GENERATION_BITS) - 1))

struct mmio_access {
    uint64_t offset; /* in the region */
    uint64_t value;
    uint8_t size;
    bool write;
};
/* true: done (value set for reads). false: inject an abort. */
typedef bool (*mmio_handler)(struct vcpu *v, void *arg, struct mmio_access *a);
struct mmio_region {
    uint64_t start, size;
    mmio_handler fn;
    void *arg;
};
#define MMIO_REGIONS 16u
struct mmio_map {
    unsigned count;
    uint32_t
        generation; /* changes with every change of `region`: leaves that carry another are stale */
    struct mmio_region region[MMIO_REGIONS]; /* by address */
    uint64_t hits, slow; /* look-ups of mmio_dispatch by leaf, and by search; not exact */
};
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
/*
 * The same, and the exit counted, if the leaf, at level 3, says who it is: returns `v`; NULL:
 * nothing was done.  `iss`: of a data abort with ISV set (ESR_EL2 or HSR: one layout, Arm ARM
 * D17.2.37).
 */
struct vcpu *mmio_leaf_access(struct vcpu *v, uint32_t iss, ipa_t ipa);
#endif
