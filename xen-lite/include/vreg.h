/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers that trap, whatever the instruction that names them: what both widths' sysreg.c have
 * alike.  vreg.c */
#ifndef XL_VREG_H
#define XL_VREG_H

#include "types.h"
#include "vtimer_types.h"
struct vcpu;

/* One access: `value` is what is written, or takes what is read. */
struct vreg_access {
    bool write;
    uint64_t value;
};

/* Each: false where the access is undefined. */
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
/* ICC_SGI1R (group 1), ICC_SGI0R and ICC_ASGI1R (0): of the current vCPU, whose exit it is. */
bool vreg_sgi(struct vcpu *v, struct vreg_access *a, unsigned group);
/* Cache maintenance by set and way: DC ISW and the like. */
bool vreg_set_way(struct vcpu *v, struct vreg_access *a);
#endif
