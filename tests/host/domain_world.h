/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world for tests of whole domains, on the real memory management, event channels, grants, vGIC
 * and scheduler.  It is a machine whose interrupt controller does nothing, with a control domain,
 * and guests with 1 MiB of memory.
 */
#ifndef DOMAIN_WORLD_H
#define DOMAIN_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <xen/xen.h>
#include "domain.h"
#include "hypercall.h"
#include "fake.h"
#include <xen/domctl.h>
#include <xen/sched.h>

#define GUEST_PAGES 256u
#define GUEST_RAM   0x40000000ull

/* ---- a machine whose interrupt controller does nothing ---- */

struct gic_info gic_info = { .lr_count = 4,
                             .irq_count = 96,
                             .priority_bits = 5,
                             .pre_bits = 5,
                             .dist = { 0x8000000 },
                             .dist_bytes = 0x10000,
                             .redist = { 0x80a0000 },
                             .redist_bytes = 0xf60000 };
static void g_n(uint32_t i) { (void)i; }
static void g_nb(uint32_t i, bool b)
{
    (void)i;
    (void)b;
}
static void g_route(uint32_t i, unsigned c)
{
    (void)i;
    (void)c;
}
static void g_lr_write(unsigned n, const struct gic_lr *l)
{
    (void)n;
    (void)l;
}
static void g_lr_read(unsigned n, struct gic_lr *l)
{
    (void)n;
    memset(l, 0, sizeof(*l));
}
static void g_lr_clear(unsigned n) { (void)n; }
static void g_load(const struct gic_vcpu_regs *r) { (void)r; }
static void g_save(struct gic_vcpu_regs *r) { (void)r; }
static const struct gic_driver no_gic = {
    .name = "none",
    .version = 3,
    .enable = g_n,
    .disable = g_n,
    .deactivate = g_n,
    .set_type = g_nb,
    .set_pending = g_nb,
    .set_active = g_nb,
    .route = g_route,
    .lr_write = g_lr_write,
    .lr_read = g_lr_read,
    .lr_clear = g_lr_clear,
    .load = g_load,
    .save = g_save,
    .set_hcr = g_n,
};
const struct gic_driver *gic = &no_gic;
void host_irq(void) {}

static jmp_buf machine_off;
enum { OFF = 1, REBOOT, HALT };
void arch_poweroff(void) { longjmp(machine_off, OFF); }
void arch_reboot(void) { longjmp(machine_off, REBOOT); }
void arch_halt(void) { longjmp(machine_off, HALT); }

static uint64_t direct_bytes; /* 0: all RAM is in the direct map */
static uint32_t exc_port;
static inline unsigned exc_count(void) /* number of VIRQ_DOM_EXC since the last call; at most 1 */
{
    uint64_t *word = &dom0->shared_info->evtchn_pending[exc_port / 64],
             bit = 1ull << (exc_port % 64);
    bool was = *word & bit;
    *word &= ~bit;
    return was;
}

static struct xen_domctl_createdomain config(unsigned vcpus)
{
    return (struct xen_domctl_createdomain){ .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
                                             .max_vcpus = vcpus,
                                             .max_evtchn_port = 1023,
                                             .max_grant_frames = 32,
                                             .max_maptrack_frames = 64,
                                             .grant_opts = XEN_DOMCTL_GRANT_version(1) };
}

/* Runs the vCPU that the scheduler chooses.  dom0's vCPU can always run. */
static struct vcpu *enter(void)
{
    guest_prepare();
    return current_vcpu();
}

static inline int boot(void **state)
{
    (void)state;
    fake_init(48 << 20, 2);
    if (direct_bytes)
        fake_small_direct_map(direct_bytes);
    fake_page_init();
    fake_preempt = false;
    fake_counter_step = 1;
    counter_hz = 1000000000;
    vmid_init();
    sched_init();
    sched_cpu_start();
    struct xen_domctl_createdomain cfg = config(1);
    dom0 = NULL;
    assert_int_equal(domain_create(0, &cfg, true, &dom0), 0);
    assert_int_equal(domain_max_vcpus(dom0, 1), 0);
    dom0->vcpu[0]->online = true;
    domain_unpause_by_controller(dom0);
    assert_int_equal(dom0->state, DOM_ALIVE);
    assert_ptr_equal(enter(), dom0->vcpu[0]);
    assert_int_equal(evtchn_bind_virq(dom0, VIRQ_DOM_EXC, 0, &exc_port), 0);
    exc_count();
    return 0;
}

/* Each test has a fresh machine, but domain.c's list of domains outlives it.  So dom0 is torn down
 * like any other domain. */
static inline int halt(void **state)
{
    (void)state;
    struct domain *d = dom0;
    cpus[0].current = cpus[0].scheduled = NULL;
    d->vcpu[0]->sched.running = false;
    vgic_save(d->vcpu[0]);
    vtimer_save(d->vcpu[0]);
    dom0 = NULL;
    assert_int_equal(domain_kill(d), 0);
    domain_put(d);
    domain_reap();
    assert_null(domain_get_next(0));
    return 0;
}

static inline struct domain *make(domid_t id, unsigned vcpus)
{
    struct xen_domctl_createdomain cfg = config(vcpus);
    struct domain *d = NULL;
    assert_int_equal(domain_create(id, &cfg, false, &d), 0);
    assert_int_equal(domain_max_vcpus(d, vcpus), 0);
    d->max_pages = GUEST_PAGES + 16;
    return d;
}

static inline void give_memory(struct domain *d)
{
    for (unsigned i = 0; i < GUEST_PAGES; i++) {
        struct page *p = page_alloc(d, 0, ALLOC_ZERO);
        assert_non_null(p);
        assert_int_equal(p2m_map(d, IPA(GUEST_RAM + i * PAGE_SIZE), page_pa(p), 1, P2M_RAM), 0);
    }
    d->shared_ipa = IPA(0x50000000);
    assert_int_equal(p2m_map(d, d->shared_ipa, page_pa(d->shared_page), 1, P2M_SHARED), 0);
    domain_map_shared_info(d);
}

static inline void destroy(struct domain *d)
{
    int rc;
    unsigned again = 0;
    while ((rc = domain_kill(d)) == -XEN_ERESTART)
        again++;
    assert_int_equal(rc, 0);
    assert_true(!fake_preempt || again);
    assert_int_equal(d->state, DOM_DEAD);
    assert_int_equal(domain_kill(d), 0); /* a second call finds nothing to do */
    domain_put(d);
    assert_ptr_equal(enter(), dom0->vcpu[0]); /* which also frees the dead domain */
}

/* cmocka installs its own handlers before each test.  SIGSEGV must be the machine's handler, which
 * fills the VLPT windows. */
static struct sigaction machine_segv;
static inline void see_windows(void) { sigaction(SIGSEGV, &machine_segv, NULL); }

static inline void *ram(struct domain *d, uint64_t offset)
{
    struct p2m_entry e;
    see_windows();
    assert_true(p2m_lookup(d, IPA(GUEST_RAM + offset), &e));
    return (uint8_t *)fake_ram(PA(e.pa.v & PAGE_MASK)) + (offset & (PAGE_SIZE - 1));
}

#endif
