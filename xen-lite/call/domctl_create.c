/* SPDX-License-Identifier: BSD-2-Clause */
/* Creating domains.  The whole configuration is checked here, before anything is allocated. */
#include "hw.h"
#include "domctl.h"

#define SPI_COUNT_MAX 988u /* INTIDs 32..1019 */

static long check_flags(const struct xen_domctl_createdomain *cfg)
{
    /*
     * Refuses a domain with an IOMMU or a PMU, because the hypervisor supports neither for guests.
     */
    return cfg->flags != (XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap) || cfg->iommu_opts ? -XEN_EINVAL
                                                                                      : 0;
}

static long check_limits(const struct xen_domctl_createdomain *cfg)
{
    if (cfg->max_vcpus < 1 || cfg->max_vcpus > MAX_VCPUS || cfg->vmtrace_size)
        return -XEN_EINVAL;
    if (cfg->grant_opts != XEN_DOMCTL_GRANT_version(1))
        return -XEN_EINVAL;
    if (cfg->max_grant_frames == 0 || cfg->max_grant_frames > (int32_t)GRANT_FRAMES_MAX)
        return -XEN_EINVAL;
    return cfg->cpupool_id ? -XEN_ESRCH : 0;
}

/* "Native" becomes the machine's GIC version.  The machine's list registers can serve no other. */
static long check_arch(struct xen_arch_domainconfig *a)
{
    uint8_t native = gic->version == 2 ? XEN_DOMCTL_CONFIG_GIC_V2 : XEN_DOMCTL_CONFIG_GIC_V3;

    if (a->gic_version == XEN_DOMCTL_CONFIG_GIC_NATIVE)
        a->gic_version = native;
    if (a->gic_version != native)
        return -XEN_ENODEV;
    if (a->tee_type != XEN_DOMCTL_CONFIG_TEE_NONE || a->nr_spis > SPI_COUNT_MAX)
        return -XEN_EINVAL;
    a->clock_frequency = 0; /* firmware sets CNTFRQ, so the guest's device tree need not have it */
    return 0;
}

static bool id_in_use(domid_t id)
{
    struct domain *d = domain_get_next(id);
    bool used = d && d->id == id;
    if (d)
        domain_put(d);
    return used;
}

static long choose_id(domid_t wanted, domid_t *id)
{
    if (wanted > 0 && wanted < DOMID_FIRST_RESERVED) {
        *id = wanted;
        return id_in_use(wanted) ? -XEN_EEXIST : 0;
    }
    *id = domain_free_id();
    return *id == DOMID_INVALID ? -XEN_ENOMEM : 0;
}

long domctl_createdomain(struct domctl *c)
{
    struct xen_domctl_createdomain *cfg = &c->op->u.createdomain;
    struct domain *d = NULL;
    domid_t id = DOMID_INVALID;
    long result = check_flags(cfg);

    if (!result)
        result = check_limits(cfg);
    if (!result)
        result = check_arch(&cfg->arch);
    if (!result)
        result = choose_id(c->op->domain, &id);
    if (!result)
        result = domain_create(id, cfg, false, &d);
    if (result)
        return result;
    /* The domain stays paused by its controller until the first unpause. */
    c->op->domain = d->id;
    c->reply = true;
    domain_put(d);
    return 0;
}

long domctl_max_vcpus(struct domctl *c)
{
    struct domain *d = c->d;

    if (d == current_vcpu()->domain || c->op->u.max_vcpus.max != d->max_vcpus)
        return -XEN_EINVAL;
    return domain_max_vcpus(d, c->op->u.max_vcpus.max);
}

/* The width of EL1 can be chosen while the domain has no memory. */
long domctl_set_address_size(struct domctl *c)
{
    struct domain *d = c->d;
    uint32_t size = c->op->u.address_size.size;

    if (size != 32 && size != 64)
        return -XEN_EINVAL;
    if (!arch_el1_width_ok(size == 32))
        return -XEN_EINVAL;
    if (d->tot_pages)
        return -XEN_EBUSY;
    d->aarch32 = size == 32;
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpu[i])
            arch_vcpu_reset(d->vcpu[i], 0, 0, d->aarch32);
    return 0;
}

/*
 * Xen keeps page-table memory of a domain in a pool that the tools size.  Here tables come from the
 * common heap: the call checks that the amount is free, and sets nothing aside.
 */
long domctl_paging_mempool(struct domctl *c)
{
    uint64_t *size = &c->op->u.paging_mempool.size;

    if (c->op->cmd == XEN_DOMCTL_get_paging_mempool_size) {
        *size = c->d->p2m.table_pages << PAGE_SHIFT;
        c->reply = true;
        return 0;
    }
    if (*size & ~PAGE_MASK || *size >> PAGE_SHIFT > INT32_MAX)
        return -XEN_EINVAL;
    return *size >> PAGE_SHIFT > page_free_own_count() + c->d->p2m.table_pages ? -XEN_ENOMEM : 0;
}
