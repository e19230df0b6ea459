/* SPDX-License-Identifier: BSD-2-Clause */
/* Which devices and I/O memory a domain may have, and mapping them. */
#include "domctl.h"
#include "hw.h"
#include "irq.h"
#include "panic.h"

#define IOMEM_GRANTS      64u
#define MAPPING_PAGES_MAX 64u
#define FLUSH_PAGES_MAX   (1ull << 18)
#define FLUSH_PIECE       64u

/* Ranges that the tools allowed; the control domain itself may have every device.  Guarded by
 * domctl_lock. */
static struct {
    domid_t id;
    bool used;
    uint64_t first, last;
} iomem[IOMEM_GRANTS];

static bool overlaps(uint64_t first, uint64_t last, paddr_t pa, uint64_t bytes)
{
    return bytes && first <= (pa.v + bytes - 1) >> PAGE_SHIFT && last >= pa_pfn(pa);
}

/*
 * RAM, the interrupt controller and the hypervisor's console are not devices that a domain can
 * have.
 */
static bool is_device(uint64_t first, uint64_t last)
{
    if (last < first || last >= 1ull << (arch_pa_bits() - PAGE_SHIFT))
        return false;
    if (gic_owns(first, last) || overlaps(first, last, uart_base, uart_base.v ? PAGE_SIZE : 0))
        return false;
    return first >= frame_base + frame_count || last < frame_base;
}

static bool may_have(const struct domain *d, uint64_t first, uint64_t last)
{
    ASSERT_LOCKED(&domctl_lock);
    if (!is_device(first, last))
        return false;
    if (d->privileged)
        return true;
    for (unsigned i = 0; i < IOMEM_GRANTS; i++)
        if (iomem[i].used && iomem[i].id == d->id && iomem[i].first <= first &&
            iomem[i].last >= last)
            return true;
    return false;
}

void domctl_forget_devices(domid_t id)
{
    ASSERT_LOCKED(&domctl_lock);
    for (unsigned i = 0; i < IOMEM_GRANTS; i++)
        if (iomem[i].id == id)
            iomem[i].used = false;
}

static long iomem_allow(const struct domain *d, uint64_t first, uint64_t last)
{
    if (may_have(d, first, last))
        return 0;
    for (unsigned i = 0; i < IOMEM_GRANTS; i++)
        if (!iomem[i].used) {
            iomem[i].id = d->id;
            iomem[i].first = first;
            iomem[i].last = last;
            iomem[i].used = true;
            return 0;
        }
    return -XEN_ENOMEM;
}

/* Parts of an entry outside the range stay allowed: the entry shrinks, or splits in two. */
static long iomem_deny(const struct domain *d, uint64_t first, uint64_t last)
{
    ASSERT_LOCKED(&domctl_lock);
    for (unsigned i = 0; i < IOMEM_GRANTS; i++) {
        if (!iomem[i].used || iomem[i].id != d->id || iomem[i].last < first ||
            iomem[i].first > last)
            continue;
        uint64_t old_first = iomem[i].first, old_last = iomem[i].last;
        iomem[i].used = false;
        long result = old_first < first ? iomem_allow(d, old_first, first - 1) : 0;
        if (!result && old_last > last)
            result = iomem_allow(d, last + 1, old_last);
        if (result)
            return result;
    }
    return 0;
}

long domctl_iomem_permission(struct domctl *c)
{
    const struct xen_domctl_iomem_permission *p = &c->op->u.iomem_permission;
    uint64_t last = p->first_mfn + p->nr_mfns - 1;

    if (last < p->first_mfn)
        return -XEN_EINVAL;
    if (!is_device(p->first_mfn, last))
        return -XEN_EPERM;
    return p->allow_access ? iomem_allow(c->d, p->first_mfn, last)
                           : iomem_deny(c->d, p->first_mfn, last);
}

static long unmap_device(struct domain *d, uint64_t gfn, uint64_t mfn, uint64_t pages)
{
    long result = 0;

    for (uint64_t i = 0; i < pages; i++) {
        int one = p2m_unmap_exact(d, GFN(gfn + i), pfn_pa(mfn + i));
        if (one && !result)
            result = one;
    }
    return result;
}

long domctl_memory_mapping(struct domctl *c)
{
    const struct xen_domctl_memory_mapping *m = &c->op->u.memory_mapping;
    uint64_t last = m->first_mfn + m->nr_mfns - 1, last_gfn = m->first_gfn + m->nr_mfns - 1;

    if (!m->nr_mfns || last < m->first_mfn || last_gfn < m->first_gfn ||
        last_gfn >= 1ull << (IPA_BITS - PAGE_SHIFT))
        return -XEN_EINVAL;
    if (m->nr_mfns > MAPPING_PAGES_MAX)
        return -XEN_E2BIG;
    if (!may_have(c->d, m->first_mfn, last))
        return -XEN_EPERM;
    if (!m->add_mapping)
        return unmap_device(c->d, m->first_gfn, m->first_mfn, m->nr_mfns);
    return p2m_map(c->d, GFN(m->first_gfn), pfn_pa(m->first_mfn), m->nr_mfns, P2M_DEVICE);
}

long domctl_irq_permission(struct domctl *c)
{
    const struct xen_domctl_irq_permission *p = &c->op->u.irq_permission;

    if (p->pirq >= gic_info.irq_count)
        return -XEN_EINVAL;
    if (!irq_permitted(current_vcpu()->domain, p->pirq))
        return -XEN_EPERM;
    return irq_permit(c->d, p->pirq, p->allow_access);
}

/* Gives a physical SPI to a guest under the same number. */
long domctl_bind_pt_irq(struct domctl *c)
{
    const struct xen_domctl_bind_pt_irq *b = &c->op->u.bind_pt_irq;
    uint32_t irq = b->machine_irq;

    if (b->irq_type != PT_IRQ_TYPE_SPI)
        return -XEN_EOPNOTSUPP;
    if (irq != b->u.spi.spi || irq < INTID_SPI || irq >= gic_info.irq_count || irq == uart_intid)
        return -XEN_EINVAL;
    if (!irq_permitted(current_vcpu()->domain, irq))
        return -XEN_EPERM;
    return c->op->cmd == XEN_DOMCTL_unbind_pt_irq ? irq_unbind(c->d, irq) : irq_bind(c->d, irq);
}

/*
 * Cleans what the tools wrote to the point of coherency.  Progress is kept in the caller's block.
 */
long domctl_cacheflush(struct domctl *c)
{
    struct xen_domctl_cacheflush *f = &c->op->u.cacheflush;

    if (f->nr_pfns > FLUSH_PAGES_MAX || f->start_pfn + f->nr_pfns < f->start_pfn)
        return -XEN_EINVAL;
    while (f->nr_pfns) {
        uint64_t pages = MIN(f->nr_pfns, (uint64_t)FLUSH_PIECE);
        p2m_cache_flush(c->d, f->start_pfn, pages);
        f->start_pfn += pages;
        f->nr_pfns -= pages;
        if (f->nr_pfns && hypercall_preempt_check()) {
            c->reply = true;
            return -XEN_ERESTART;
        }
    }
    return 0;
}
