/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers that trap on both widths, independent of the instruction that accesses them.  vreg.c */
#ifndef XL_VREG_H
#define XL_VREG_H

#include "types.h"
#include "vtimer_types.h"
struct vcpu;

/* One access: `value` is the value written, or receives the value read. */
struct vreg_access {
    bool write;
    uint64_t value;
};

/* Each returns false if the access is undefined. */
static inline bool vreg_read_only(struct vreg_access *a, uint64_t value)
{
    if (a->write)
        return false;
    a->value = value;
    return true;
}
static inline bool vreg_raz_wi(struct vreg_access *a)
{
    if (!a->write)
        a->value = 0;
    return true;
}
/* The physical timer and counter. */
bool vreg_timer(struct vcpu *v, struct vreg_access *a, enum vtimer_reg reg);
/* ICC_SGI1R (group 1), ICC_SGI0R and ICC_ASGI1R (group 0), of the current vCPU. */
bool vreg_sgi(struct vcpu *v, struct vreg_access *a, unsigned group);
/* Cache maintenance by set and way: DC ISW and the like. */
bool vreg_set_way(struct vcpu *v, struct vreg_access *a);
#endif
