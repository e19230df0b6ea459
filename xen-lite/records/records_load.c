/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a context (a block of state records), second step: check that it fits this domain, then
 * load it.
 *
 * Nothing is changed before everything is checked.  Two things can still fail afterwards: memory
 * for a table, and the guest's registers, which only the architecture can judge.  In these cases
 * the registers are put back as they were.  The caller has paused the domain, which is still being
 * built: nobody runs it before loading has succeeded.
 */
#include "abi.h"
#include "arch.h"
#include "state_records.h"
#include "records_internal.h"
#include "domain.h"
#include "domain_types.h"
#include "evtchn.h"
#include "grant.h"
#include "guest_mem.h"
#include "lib.h"
#include "log.h"
#include "mm.h"
#include "p2m.h"
#include "vgic.h"
#include "vtimer.h"
#include <xen/xen.h>

struct registers {
    struct xlr_vcpu vcpu;
    struct xlr_fpsimd fpsimd;
    struct xlr_vgic_cpu vgic;
};

static int refuse(const struct domain *d, int error, const char *why)
{
    log_warn("d%u: context: %s\n", (unsigned)d->id, why);
    return error;
}

static int check_header(const struct domain *d, const struct xlr_header *h)
{
    if (h->magic != XLR_MAGIC)
        return refuse(d, -XEN_EINVAL, "not a context");
    if (h->version != XLR_VERSION)
        return refuse(d, -XEN_EOPNOTSUPP, "another version of the format");
    if (h->gic != (d->vgic.version == 2 ? XLR_GIC_V2 : XLR_GIC_V3))
        return refuse(d, -XEN_EOPNOTSUPP,
                      h->gic == XLR_GIC_V2   ? "the guest has a GICv2, this host a GICv3"
                      : h->gic == XLR_GIC_V3 ? "the guest has a GICv3, this host a GICv2"
                                             : "an unknown interrupt controller");
    if (h->width != (d->aarch32 ? XLR_WIDTH_32 : XLR_WIDTH_64))
        return refuse(d, -XEN_EINVAL, "the domain was made with another register width");
    if (h->ipa_bits != IPA_BITS)
        return refuse(d, -XEN_EOPNOTSUPP, "another size of the guest-physical address space");
    if (h->counter_hz != counter_hz)
        return refuse(d, -XEN_EOPNOTSUPP, "the counter runs at another frequency");
    if (h->vcpu_count > MIN(d->max_vcpus, MAX_VCPUS) || h->vcpu_count == 0)
        return refuse(d, -XEN_EINVAL, "another number of vCPUs");
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (!d->vcpu[i] != (i >= h->vcpu_count))
            return refuse(d, -XEN_EINVAL, "another number of vCPUs");
    return 0;
}

static bool is_ram(struct domain *d, ipa_t ipa)
{
    struct p2m_entry e;
    return ipa.v < 1ull << IPA_BITS && p2m_lookup(d, ipa, &e) && e.type == P2M_RAM && e.writable;
}

/*
 * True if an object of the guest's at `gpa` is inside its memory, aligned, and within one page
 * unless `may_straddle`.
 */
static bool place_ok(struct domain *d, uint64_t gpa, uint64_t bytes, uint64_t align,
                     bool may_straddle)
{
    bool straddles = (gpa & (PAGE_SIZE - 1)) + bytes > PAGE_SIZE;

    return gpa % align == 0 && (may_straddle || !straddles) && is_ram(d, IPA(gpa)) &&
           (!straddles || is_ram(d, IPA((gpa & PAGE_MASK) + PAGE_SIZE)));
}

static int check_places(struct domain *d, const struct parsed_records *c)
{
    const struct xlr_places *p = c->places;

    if (p->vcpu_count != c->header->vcpu_count)
        return refuse(d, -XEN_EINVAL, "places: another number of vCPUs");
    if (p->shared_info_gfn != XLR_NOWHERE && p->shared_info_gfn >> (IPA_BITS - PAGE_SHIFT))
        return refuse(d, -XEN_EINVAL, "places: shared_info beyond the address space");
    for (unsigned i = 0; i < p->vcpu_count; i++) {
        const struct vcpu *v = d->vcpu[i];
        uint64_t info = p->vcpu[i].vcpu_info_gpa, run = p->vcpu[i].runstate_gpa;
        if (info != XLR_NOWHERE && !place_ok(d, info, sizeof(struct vcpu_info), 8, false))
            return refuse(d, -XEN_EINVAL, "places: vcpu_info is not in the guest's memory");
        if (v->info_page && v->info_ipa.v != info)
            return refuse(d, -XEN_EINVAL, "places: vcpu_info is registered elsewhere");
        if (!p->vcpu[i].runstate_gva != (run == XLR_NOWHERE))
            return refuse(d, -XEN_EINVAL,
                          "places: a runstate area with only one of its two addresses");
        if (run != XLR_NOWHERE && (((run ^ p->vcpu[i].runstate_gva) & (PAGE_SIZE - 1)) ||
                                   !place_ok(d, run, sizeof(struct vcpu_runstate_info), 8, true)))
            return refuse(d, -XEN_EINVAL, "places: the runstate area is not in the guest's memory");
    }
    return 0;
}

static int check_params(const struct domain *d, const struct parsed_records *c)
{
    for (uint32_t i = 0; i < c->params->count; i++) {
        const struct hvm_param_pair *p = &records_params(c)[i];
        if (p->index >= ARRAY_SIZE(d->hvm_param) || hvm_param_may_set(d, NULL, (uint32_t)p->index))
            return refuse(d, -XEN_EINVAL, "an unknown HVM parameter");
    }
    return 0;
}

/* All checks that are possible without a change. */
static int check(struct domain *d, const struct parsed_records *c)
{
    int result = check_header(d, c->header);

    if (!result && c->time->counter_hz != counter_hz)
        result = refuse(d, -XEN_EOPNOTSUPP, "the counter runs at another frequency");
    if (!result)
        result = features_check(d, c->features);
    if (!result)
        result = check_places(d, c);
    if (!result)
        result = check_params(d, c);
    if (result)
        return result;
    if (vgic_check_dist(d, c->dist) || vgic_check_spis(d, records_spis(c), c->dist->spi_count))
        return refuse(d, -XEN_EINVAL, "the interrupt controller's state does not fit");
    for (unsigned i = 0; i < c->header->vcpu_count; i++)
        if (vgic_check_cpu(d, c->vgic_cpu[i]))
            return refuse(d, -XEN_EINVAL, "a vCPU's interrupt state does not fit");
    if (evtchn_check(d, records_ports(c), c->evtchn->count))
        return refuse(d, -XEN_EINVAL, "event channels: the rings' ports are not the same here");
    if (grant_check(d, c->grant))
        return refuse(d, -XEN_EINVAL, "the grant table does not fit");
    return 0;
}

/* ---- commit ---- */

static void restore_registers(struct domain *d, const struct registers *old, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        (void)arch_set_record(d->vcpu[i], &old[i].vcpu, &old[i].fpsimd);
        (void)vgic_set_cpu(d->vcpu[i], &old[i].vgic);
    }
}

static int set_registers(struct domain *d, const struct parsed_records *c, struct registers *old)
{
    for (unsigned i = 0; i < c->header->vcpu_count; i++) {
        struct vcpu *v = d->vcpu[i];
        arch_get_record(v, &old[i].vcpu, &old[i].fpsimd);
        vgic_get_cpu(v, &old[i].vgic);
        int result = arch_set_record(v, c->vcpu[i], c->fpsimd[i]);
        if (result)
            refuse(d, result, "a vCPU's registers have invalid values");
        else if ((result = vgic_set_cpu(v, c->vgic_cpu[i])))
            refuse(d, result, "a vCPU's interrupt state does not fit");
        if (result) {
            restore_registers(d, old, i + 1);
            return result;
        }
    }
    return 0;
}

/*
 * Map the shared info page at its old place.  If memory was sent for that frame, it has the page's
 * content of the old host: pending and mask bits, and clocks, which are updated afterwards.  It is
 * copied into the new page.
 */
static int place_shared_info(struct domain *d, uint64_t gfn)
{
    struct p2m_entry e;
    paddr_t pa = page_pa(d->shared_page);

    if (gfn == XLR_NOWHERE)
        return 0;
    if (is_ram(d, GFN(gfn)) && copy_from_ipa(d, page_va(d->shared_page), GFN(gfn), PAGE_SIZE))
        return -XEN_EFAULT;
    if (!p2m_lookup(d, GFN(gfn), &e) || e.pa.v != pa.v) {
        int result = p2m_map(d, GFN(gfn), pa, 1, P2M_SHARED);
        if (result)
            return result;
        if (d->shared_ipa.v != ~0ull)
            (void)p2m_unmap_exact(d, d->shared_ipa, pa);
    }
    d->shared_ipa = GFN(gfn);
    return 0;
}

static int place_vcpu(struct vcpu *v, uint64_t info, uint64_t run_va, uint64_t run)
{
    int result = 0;

    if (info != XLR_NOWHERE && !v->info_page)
        result = vcpu_restore_info(v, IPA(info));
    if (!result && run != XLR_NOWHERE)
        result = vcpu_place_runstate(v, GVA(run_va), IPA(run));
    return result;
}

static int set_places(struct domain *d, const struct parsed_records *c)
{
    int result = place_shared_info(d, c->places->shared_info_gfn);

    for (unsigned i = 0; !result && i < c->places->vcpu_count; i++)
        result = place_vcpu(d->vcpu[i], c->places->vcpu[i].vcpu_info_gpa,
                            c->places->vcpu[i].runstate_gva, c->places->vcpu[i].runstate_gpa);
    return result ? refuse(d, result, "places: could not be set") : 0;
}

/* Nothing can fail from here on. */
static void set_rest(struct domain *d, const struct parsed_records *c)
{
    for (uint32_t i = 0; i < c->params->count; i++)
        d->hvm_param[records_params(c)[i].index] = records_params(c)[i].value;
    d->counter_offset = counter() -
                        c->time->counter; /* before the timers: their deadlines are in guest time */
    domain_update_wallclock(d);
    vgic_set_dist(d, c->dist, records_spis(c));
    for (unsigned i = 0; i < c->header->vcpu_count; i++) {
        struct vcpu *v = d->vcpu[i];
        vtimer_set(v, c->vtimer[i]);
        v->initialised = true;
        /* A vCPU that was blocked checks again; a spurious wake-up is allowed. */
        v->blocked = false;
        v->online = c->vcpu[i]->flags & XLR_VCPU_ONLINE;
    }
    domain_map_shared_info(d); /* the wall clock follows from the new counter offset */
    evtchn_set(d, records_ports(c), c->evtchn->count);
    for (unsigned i = 0; i < c->header->vcpu_count; i++)
        evtchn_upcall(d->vcpu[i]);
}

int records_load(struct domain *d, const uint8_t *buf, uint32_t bytes)
{
    struct parsed_records c;
    int result = records_parse(d, buf, bytes, &c);

    if (!result)
        result = check(d, &c);
    if (result)
        return result;
    struct registers *old = mem_alloc_uncleared(XLR_MAX_VCPUS * sizeof(*old));
    if (!old)
        return -XEN_ENOMEM;
    result = set_registers(d, &c, old);
    if (!result) {
        result = grant_set(d, c.grant);
        if (!result)
            result = set_places(d, &c);
        if (result)
            restore_registers(d, old, c.header->vcpu_count);
        else
            set_rest(d, &c);
    }
    mem_free(old, XLR_MAX_VCPUS * sizeof(*old));
    return result;
}
