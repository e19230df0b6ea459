/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains: creation, finding, references, and the end of their memory.
 *
 * References.  The list holds one from creation until domain_kill is through; everybody who keeps a
 * pointer holds another.  The last domain_put may come from anywhere, under any lock, so it only
 * queues the corpse; guest_prepare frees it (domain_reap) with no lock held.  Pages that others
 * still map then outlive their owner: the page allocator makes them nobody's (page_forget_owner),
 * and the last unmapping frees them.
 *
 * list_lock guards the list and the step from one reference to none; nothing is locked inside it.
 */
#include "domain.h"
#include "hw.h"
#include <xen/errno.h>
#include <xen/sched.h>
#include <xen/domctl.h>
#include <xen/hvm/params.h>

#define GRANT_FRAMES_DEFAULT    GRANT_FRAMES_MAX
#define MAPTRACK_FRAMES_DEFAULT 1024u

struct domain *dom0;
spinlock_t domctl_lock = SPINLOCK_INIT;

static spinlock_t list_lock = SPINLOCK_INIT;
static struct list domains = LIST_INIT(domains), corpses = LIST_INIT(corpses);
static unsigned domain_count;

static struct domain *entry(struct list *l) { return list_entry(l, struct domain, link); }

/* ---- finding ----------------------------------------------------------------------------------
 */

/* The first with an id of at least `id`. */
static struct domain *at_least(domid_t id)
{
    ASSERT_LOCKED(&list_lock);
    list_for_each(l, &domains) if (entry(l)->id >= id) return entry(l);
    return NULL;
}

/* False when the count has reached zero: it is on its way out. */
bool domain_ref(struct domain *d)
{
    uint32_t refs = __atomic_load_n(&d->refs, __ATOMIC_RELAXED);
    while (refs)
        if (__atomic_compare_exchange_n(&d->refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

/* Referenced, or NULL. */
static struct domain *find(domid_t id)
{
    spin_lock(&list_lock);
    struct domain *d = at_least(id);
    if (d && (d->id != id || !domain_ref(d)))
        d = NULL;
    spin_unlock(&list_lock);
    return d;
}

struct domain *domain_get(domid_t id)
{
    if (id == DOMID_SELF) {
        struct vcpu *v = current_vcpu();
        return v && domain_ref(v->domain) ? v->domain : NULL;
    }
    struct domain *d = find(id);
    if (d && __atomic_load_n(&d->dying, __ATOMIC_ACQUIRE) == DOM_DEAD) {
        domain_put(d);
        return NULL;
    }
    return d;
}

struct domain *domain_get_next(domid_t first)
{
    spin_lock(&list_lock);
    struct domain *d = at_least(first);
    while (d && !domain_ref(d))
        d = d->link.next == &domains ? NULL : entry(d->link.next);
    spin_unlock(&list_lock);
    return d;
}

/* Ids go round, as Xen's do: a tool that holds the id of a dead domain shall not meet a new one
 * soon. */
domid_t domain_free_id(void)
{
    static domid_t last;
    domid_t found = DOMID_INVALID;
    spin_lock(&list_lock);
    for (unsigned tries = 0; tries < DOMID_FIRST_RESERVED && found == DOMID_INVALID; tries++) {
        last = last + 1u < DOMID_FIRST_RESERVED ? (domid_t)(last + 1) : 1;
        struct domain *d = at_least(last);
        if (!d || d->id != last)
            found = last;
    }
    spin_unlock(&list_lock);
    return found;
}

/* Commit: from here on others see it. */
static int insert(struct domain *d)
{
    int rc = 0;
    spin_lock(&list_lock);
    struct domain *next = at_least(d->id);
    if (next && next->id == d->id)
        rc = -XEN_EEXIST;
    else if (domain_count >= MAX_DOMAINS)
        rc = -XEN_ENOMEM;
    else
        list_add_before(next ? &next->link : &domains, &d->link), domain_count++;
    spin_unlock(&list_lock);
    return rc;
}

/* ---- references -------------------------------------------------------------------------------
 */

static void queue_corpse(struct domain *d)
{
    spin_lock(&list_lock);
    list_del(&d->link);
    domain_count--;
    list_add_tail(&corpses, &d->link);
    spin_unlock(&list_lock);
    __atomic_fetch_or(&this_cpu()->work, WORK_REAP, __ATOMIC_RELAXED);
}

void domain_put(struct domain *d)
{
    uint32_t before = __atomic_fetch_sub(&d->refs, 1, __ATOMIC_ACQ_REL);
    BUG_ON(before == 0);
    if (before == 1)
        queue_corpse(d);
}

static void vcpu_free(struct vcpu *v)
{
    timer_stop(&v->poll_timer);
    timer_stop(&v->singleshot_timer);
    vcpu_release_areas(v);
    vtimer_vcpu_destroy(v);
    sched_vcpu_remove(v);
    arch_vcpu_destroy(v);
    mem_free(v, sizeof(*v));
}

static void domain_free(struct domain *d)
{
    for (unsigned i = 0; i < ARRAY_SIZE(d->watchdog); i++)
        timer_stop(&d->watchdog[i]);
    sched_domain_destroy(d);
    vgic_domain_destroy(d); /* its interrupts point at vCPUs */
    for (unsigned i = 0; i < MAX_VCPUS; i++)
        if (d->vcpu[i])
            vcpu_free(d->vcpu[i]);
    grant_destroy(d);
    evtchn_destroy(d);
    p2m_destroy(d);
    if (d->shared_page)
        page_put(d->shared_page);
    page_forget_owner(d);
    mem_free(d, sizeof(*d));
}

void domain_reap(void)
{
    for (;;) {
        spin_lock(&list_lock);
        struct domain *d = list_empty(&corpses) ? NULL : entry(corpses.next);
        if (d)
            list_del(&d->link);
        spin_unlock(&list_lock);
        if (!d)
            return;
        domain_free(d);
        evtchn_send_global_virq(VIRQ_DOM_EXC); /* the tools look what has gone */
    }
}

/* ---- creation ---------------------------------------------------------------------------------
 */

static int check_config(const struct xen_domctl_createdomain *cfg, bool privileged)
{
    const uint32_t required = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    const uint32_t allowed = required | XEN_DOMCTL_CDF_xs_domain | XEN_DOMCTL_CDF_s3_integrity |
                             XEN_DOMCTL_CDF_oos_off;
    if (!privileged && ((cfg->flags & required) != required || (cfg->flags & ~allowed)))
        return -XEN_EINVAL;
    if (cfg->max_vcpus < 1 || cfg->max_vcpus > MAX_VCPUS)
        return -XEN_EINVAL;
    if (XEN_DOMCTL_GRANT_version(cfg->grant_opts) > 2 ||
        (cfg->grant_opts & ~(uint32_t)XEN_DOMCTL_GRANT_version_mask))
        return -XEN_EINVAL;
    if (cfg->iommu_opts || cfg->cpupool_id || cfg->vmtrace_size ||
        cfg->arch.tee_type != XEN_DOMCTL_CONFIG_TEE_NONE)
        return -XEN_EINVAL;
    return cfg->arch.nr_spis > 1020 - INTID_SPI ? -XEN_EINVAL : 0;
}

/* The guests' controller is of the machine's kind: that is what list registers of the hardware
 * serve. */
static int gic_version_of(const struct xen_domctl_createdomain *cfg)
{
    switch (cfg->arch.gic_version) {
    case XEN_DOMCTL_CONFIG_GIC_NATIVE: return (int)gic->version;
    case XEN_DOMCTL_CONFIG_GIC_V2: return gic->version == 2 ? 2 : -XEN_ENODEV;
    case XEN_DOMCTL_CONFIG_GIC_V3: return gic->version == 3 ? 3 : -XEN_ENODEV;
    default: return -XEN_EINVAL;
    }
}

static uint32_t limit_of(int32_t asked, uint32_t fallback)
{
    return asked < 0 ? fallback : MIN((uint32_t)asked, fallback);
}

static void watchdog_expired(void *arg)
{
    struct domain *d = arg;
    if (d->dying >= DOM_DYING || d->shutting_down)
        return;
    log_warn("d%u: watchdog expired\n", d->id);
    domain_shutdown(d, SHUTDOWN_watchdog);
}

static void init_plain(struct domain *d, domid_t id, const struct xen_domctl_createdomain *cfg,
                       bool privileged)
{
    d->id = id;
    d->privileged = d->direct_map = privileged;
    d->aarch32 = !arch_el1_width_ok(false); /* else 64-bit until it is told otherwise */
    d->refs = 1;
    d->dying = DOM_BUILDING;
    list_init(&d->link);
    memcpy(d->handle, cfg->handle, sizeof(d->handle));
    d->ssidref = cfg->ssidref;
    d->flags = cfg->flags;
    d->max_vcpus = cfg->max_vcpus;
    d->max_pages = ~0u; /* until XEN_DOMCTL_max_mem */
    d->pause_count = 1;
    d->controller_paused = 1; /* until the tools (dom0's builder) unpause it */
    d->shared_ipa = IPA(~0ull);
    d->shutdown_code = ~0u;
    d->counter_offset = counter(); /* its clock starts at 0 */
    d->evtchn_ppi = GUEST_EVTCHN_PPI;
    d->hvm_param[HVM_PARAM_CALLBACK_IRQ] = (uint64_t)HVM_PARAM_CALLBACK_TYPE_PPI << 56 |
                                           HVM_PARAM_CALLBACK_TYPE_PPI_FLAG_LOW_LEVEL << 8 |
                                           d->evtchn_ppi;
    d->evtchn.max_port = MIN(cfg->max_evtchn_port, EVTCHN_PORTS - 1);
    for (unsigned i = 0; i < ARRAY_SIZE(d->watchdog); i++)
        timer_init(&d->watchdog[i], watchdog_expired, d);
    sched_domain_init(d);
}

static int init_shared_info(struct domain *d)
{
    d->shared_page = page_alloc(NULL, 0, ALLOC_ZERO);
    if (!d->shared_page)
        return -XEN_ENOMEM;
    d->shared_info = page_va(d->shared_page);
    domain_update_wallclock(d);
    return 0;
}

static int init_parts(struct domain *d, const struct xen_domctl_createdomain *cfg, int gic_version)
{
    unsigned spi_count = d->privileged ? gic_info.irq_count - MIN(gic_info.irq_count, INTID_SPI)
                                       : cfg->arch.nr_spis;
    int rc = p2m_init(d);
    if (rc)
        return rc;
    if ((rc = evtchn_init(d)))
        goto fail_p2m;
    if ((rc = grant_init(d, limit_of(cfg->max_grant_frames, GRANT_FRAMES_DEFAULT),
                         limit_of(cfg->max_maptrack_frames, MAPTRACK_FRAMES_DEFAULT))))
        goto fail_evtchn;
    if ((rc = vgic_domain_init(d, (unsigned)gic_version, ROUND_UP(spi_count, 32u))))
        goto fail_grant;
    if ((rc = init_shared_info(d)))
        goto fail_vgic;
    return 0;
fail_vgic:
    vgic_domain_destroy(d);
fail_grant:
    grant_destroy(d);
fail_evtchn:
    evtchn_destroy(d);
fail_p2m:
    p2m_destroy(d);
    return rc;
}

int domain_create(domid_t id, const struct xen_domctl_createdomain *cfg, bool privileged,
                  struct domain **out)
{
    int rc = check_config(cfg, privileged), version = gic_version_of(cfg);
    if (rc || version < 0)
        return rc ? rc : version;
    struct domain *d = mem_alloc(sizeof(*d));
    if (!d)
        return -XEN_ENOMEM;
    init_plain(d, id, cfg, privileged);
    rc = init_parts(d, cfg, version);
    if (rc) {
        mem_free(d, sizeof(*d));
        return rc;
    }
    (void)vgic_reserve(d, d->evtchn_ppi); /* false: the vGIC has already put it aside */
    (void)domain_ref(d);                  /* the caller's */
    rc = insert(d);
    if (rc) {
        domain_free(d);
        return rc;
    }
    if (privileged)
        dom0 = d;
    *out = d;
    return 0;
}

int domain_max_vcpus(struct domain *d, unsigned n)
{
    if (n != d->max_vcpus)
        return -XEN_EINVAL;
    for (unsigned i = 0; i < n; i++) {
        int rc = d->vcpu[i] ? 0 : vcpu_create(d, i);
        if (rc)
            return rc;
    }
    return 0;
}
