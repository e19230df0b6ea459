/* SPDX-License-Identifier: BSD-2-Clause */
/* Information about domains for the tools, and bitmaps in the tools' memory. */
#include "domctl.h"

/* Pages between two checks for preemption: an all-zero page takes a thousand instructions. */
#define PFINFO_BATCH 16u
#define PFINFO_MAX   1024u

/* The domain is "blocked" if all vCPUs are, and "running" if one vCPU is. */
static void vcpu_info_sum(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    uint32_t flags = XEN_DOMINF_blocked;

    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    for (unsigned i = 0; i < MIN(d->max_vcpus, MAX_VCPUS); i++) {
        struct vcpu *v = d->vcpu[i];
        if (!v)
            continue;
        info->max_vcpu_id = i;
        info->cpu_time += vcpu_run_ns(v);
        if (!v->online)
            continue;
        info->nr_online_vcpus++;
        if (!v->blocked)
            flags &= ~(uint32_t)XEN_DOMINF_blocked;
        if (v->sched.running)
            flags |= XEN_DOMINF_running;
    }
    if (info->nr_online_vcpus)
        info->flags |= flags;
}

void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    memset(info, 0, sizeof(*info));
    info->domain = d->id;
    info->flags = XEN_DOMINF_hap | XEN_DOMINF_hvm_guest;
    vcpu_info_sum(d, info);
    info->flags |= (d->state == DOM_DEAD ? XEN_DOMINF_dying : 0u) |
                   (d->shut_down ? XEN_DOMINF_shutdown : 0u) |
                   d->shutdown_code << XEN_DOMINF_shutdownshift |
                   (d->controller_paused ? XEN_DOMINF_paused : 0u) |
                   (d->flags & DOMAIN_FLAG_DEBUGGED ? XEN_DOMINF_debugged : 0u) |
                   (d->flags & XEN_DOMCTL_CDF_xs_domain ? XEN_DOMINF_xs_domain : 0u);
    info->tot_pages = d->tot_pages;
    info->max_pages = d->max_pages;
    info->outstanding_pages = d->outstanding;
    info->shared_info_frame = d->shared_ipa.v == ~0ull ? ~0ull : ipa_gfn(d->shared_ipa);
    info->ssidref = d->ssidref;
    memcpy(info->handle, d->handle, sizeof(info->handle));
    info->gpaddr_bits = IPA_BITS;
    info->arch_config.gic_version = d->vgic.version == 2 ? XEN_DOMCTL_CONFIG_GIC_V2
                                                         : XEN_DOMCTL_CONFIG_GIC_V3;
    info->arch_config.nr_spis = d->vgic.spi_count;
}

/* About that domain or, if it does not exist, the next one: old tools walk the list this way. */
long domctl_getdomaininfo(struct domctl *c)
{
    struct domain *next = NULL;

    if (!c->d) {
        if (c->op->domain >= DOMID_FIRST_RESERVED)
            return -XEN_EINVAL;
        next = domain_get_next(c->op->domain);
        if (!next)
            return -XEN_ESRCH;
    }
    domain_info(c->d ? c->d : next, &c->op->u.getdomaininfo);
    c->op->domain = c->op->u.getdomaininfo.domain;
    if (next)
        domain_put(next);
    c->reply = true;
    return 0;
}

static bool all_zero(const void *page)
{
    const uint64_t *w = page;

    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*w); i += 8)
        if (w[i] | w[i + 1] | w[i + 2] | w[i + 3] | w[i + 4] | w[i + 5] | w[i + 6] | w[i + 7])
            return false;
    return true;
}

static bool frame_is_zero(struct domain *d, uint64_t gfn)
{
    struct page *page = p2m_get_page(d, GFN(gfn), false, NULL);
    bool zero = false;

    if (page) {
        const void *va = page_map(page);
        zero = all_zero(va);
        page_unmap(page, va);
        page_put(page);
    }
    return zero;
}

/*
 * A frame number may be asked about with type XALLOC ("allocate, no content").  If the page is RAM
 * and all zero now, the answer is XALLOC.  A tool would have to map the page to find that out, at
 * ten times the cost.
 */
static uint64_t pfn_info(struct domain *d, uint64_t question)
{
    bool ask_zero = (question & XEN_DOMCTL_PFINFO_LTAB_MASK) == XEN_DOMCTL_PFINFO_XALLOC;
    uint64_t gfn = ask_zero ? question & ~(uint64_t)XEN_DOMCTL_PFINFO_LTAB_MASK : question;
    struct p2m_entry e;

    if (gfn >= 1ull << (IPA_BITS - PAGE_SHIFT) || !p2m_lookup(d, GFN(gfn), &e) ||
        (e.type != P2M_RAM && e.type != P2M_SHARED))
        return XEN_DOMCTL_PFINFO_XTAB;
    return ask_zero && frame_is_zero(d, gfn) ? XEN_DOMCTL_PFINFO_XALLOC : XEN_DOMCTL_PFINFO_NOTAB;
}

static long pfn_info_batch(struct domain *d, uint64_t array, size_t n)
{
    uint64_t batch[PFINFO_BATCH];

    if (copy_from_guest(batch, array, n * sizeof(batch[0])))
        return -XEN_EFAULT;
    for (size_t j = 0; j < n; j++)
        batch[j] = pfn_info(d, batch[j]);
    return copy_to_guest(array, batch, n * sizeof(batch[0])) ? -XEN_EFAULT : 0;
}

/*
 * Replaces each frame number by its type: RAM, or no RAM that could be read.  If the call is
 * preempted, the upper half of `num` has the number of entries done.
 */
long domctl_getpageframeinfo3(struct domctl *c)
{
    struct xen_domctl_getpageframeinfo3 *p = &c->op->u.getpageframeinfo3;
    uint64_t num = (uint32_t)p->num, done = p->num >> 32;

    if (c->d == current_vcpu()->domain)
        return -XEN_EINVAL;
    if (num > PFINFO_MAX || done > num)
        return -XEN_E2BIG;
    while (done < num) {
        size_t n = (size_t)MIN(num - done, (uint64_t)PFINFO_BATCH);
        long result = pfn_info_batch(c->d, p->array.q + done * sizeof(uint64_t), n);
        if (result)
            return result;
        done += n;
        if (done < num && hypercall_preempt_check()) {
            p->num = done << 32 | num;
            c->reply = true;
            return -XEN_ERESTART;
        }
    }
    c->reply = p->num != num;
    p->num = num;
    return 0;
}

long bitmap_to_guest(const struct xenctl_bitmap *map, uint64_t value, unsigned bits)
{
    uint8_t bytes[8];
    uint32_t room = map->nr_bits / 8 + (map->nr_bits % 8 != 0), have = MIN(room, (bits + 7) / 8);

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    if (have && have * 8 > map->nr_bits)
        bytes[have - 1] &= (uint8_t)(0xff >> (have * 8 - map->nr_bits));
    if (copy_to_guest(map->bitmap.q, bytes, have))
        return -XEN_EFAULT;
    return room > have && clear_guest(map->bitmap.q + have, room - have) ? -XEN_EFAULT : 0;
}

long bitmap_from_guest(const struct xenctl_bitmap *map, uint64_t *value, unsigned bits)
{
    uint8_t bytes[8] = { 0 };
    uint32_t room = map->nr_bits / 8 + (map->nr_bits % 8 != 0);

    if (copy_from_guest(bytes, map->bitmap.q, MIN(room, (bits + 7) / 8)))
        return -XEN_EFAULT;
    *value = 0;
    for (unsigned i = 0; i < MIN(bits, map->nr_bits); i++)
        *value |= (uint64_t)(bytes[i / 8] >> (i % 8) & 1) << i;
    return 0;
}

uint64_t cpus_mask(void) { return cpu_count >= 64 ? ~0ull : (1ull << cpu_count) - 1; }
