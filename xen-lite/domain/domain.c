/* SPDX-License-Identifier: BSD-2-Clause */
/* Domains: creation, and the end of their memory.  domain_ref.c has the list and references. */
#include "abi.h"
#include "arch.h"
#include "domain.h"
#include "domain_ref.h"
#include "evtchn.h"
#include "grant.h"
#include "lib.h"
#include "log.h"
#include "mm.h"
#include "p2m.h"
#include "sched.h"
#include "timer.h"
#include "vgic.h"
#include "vtimer.h"
#include <xen/sched.h>
#include <xen/domctl.h>
#include <xen/hvm/params.h>

#define GRANT_FRAMES_DEFAULT    GRANT_FRAMES_MAX
#define MAPTRACK_FRAMES_DEFAULT 1024u

spinlock_t domctl_lock = SPINLOCK_INIT;

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
    vgic_domain_destroy(d); /* its interrupts point to vCPUs */
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
    for (struct domain *d; (d = domain_take_dead());) {
        domain_free(d);
        evtchn_send_global_virq(VIRQ_DOM_EXC); /* the tools look which domain is gone */
    }
}

/* ---- creation ---- */

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

/* A guest's GIC version is the machine's, because the hardware's list registers serve no other. */
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
    if (d->state >= DOM_DYING || d->shutting_down)
        return;
    log_warn("d%u: watchdog expired\n", d->id);
    domain_shutdown(d, SHUTDOWN_watchdog);
}

static void init_plain(struct domain *d, domid_t id, const struct xen_domctl_createdomain *cfg,
                       bool privileged)
{
    d->id = id;
    d->privileged = d->direct_map = privileged;
    /* 64-bit if EL1 can be, until XEN_DOMCTL_set_address_size */
    d->aarch32 = !arch_el1_width_ok(false);
    d->refs = 1;
    d->state = DOM_BUILDING;
    list_init(&d->link);
    memcpy(d->handle, cfg->handle, sizeof(d->handle));
    d->ssidref = cfg->ssidref;
    d->flags = cfg->flags;
    d->max_vcpus = cfg->max_vcpus;
    d->max_pages = ~0u; /* until XEN_DOMCTL_max_mem */
    d->pause_count = 1;
    d->controller_paused = 1; /* until the tools or the control domain's builder unpause it */
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
    (void)vgic_reserve(d, d->evtchn_ppi); /* false: the vGIC has reserved it already */
    (void)domain_ref(d);                  /* the caller's reference */
    rc = domain_insert(d);
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
