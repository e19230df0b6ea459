/* SPDX-License-Identifier: BSD-2-Clause */
/* Accesses to registers that trap on both widths (vreg.h). */
#include "domain_types.h"
#include "p2m.h"
#include "vgic.h"
#include "vreg.h"
#include "vtimer.h"

bool vreg_timer(struct vcpu *v, struct vreg_access *a, enum vtimer_reg reg)
{
    if (a->write) {
        if (reg == VTIMER_CNTPCT)
            return false;
        vtimer_phys_write(v, reg, a->value);
    } else {
        a->value = vtimer_phys_read(v, reg);
    }
    return true;
}

bool vreg_sgi(struct vcpu *v, struct vreg_access *a, unsigned group)
{
    v->exits[EXIT_SGI]++; /* counted as an SGI write, not as a system register access */
    v->exits[EXIT_SYSREG]--;
    return a->write && v->domain->vgic.version == 3 && vgic_sgi_write(v, a->value, group);
}

/*
 * Cache maintenance by set and way acts on one CPU's caches, but a vCPU may move between CPUs.  So
 * it becomes maintenance of the guest's whole memory by address.  A guest loops over all sets and
 * ways and needs that once per loop; an operand that was seen before starts a new loop.
 */
bool vreg_set_way(struct vcpu *v, struct vreg_access *a)
{
    if (!a->write)
        return false;
    if (!v->set_way_seen || v->set_way_first == a->value) {
        v->set_way_seen = true;
        v->set_way_first = a->value;
        p2m_cache_flush(v->domain, 0, p2m_max_gfn(v->domain) + 1);
    }
    return true;
}
