/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of test_domctl and test_hypercall: a control domain and a guest of two vCPUs (with room
 * for a third).  Guest virtual addresses are pointers of the test.  Stand-ins replace the code
 * behind the calls.  This header has definitions, because each test is a program of its own.
 */
#ifndef CONTROL_WORLD_H
#define CONTROL_WORLD_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "domctl.h"
#include "vgic_internal.h"
#include "dirty_internal.h"
#include "vgic_internal.h"
#include "fake.h"
#include <xen/platform.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define BAD 4096u
static struct domain *control, *guest, *made;
static struct vcpu *control_vcpu, *guest_vcpu[2];
static uint64_t frozen_from = ~0ull; /* copies to addresses from here on fail */
static uint64_t hole = ~0ull;        /* a copy that writes to this byte fails */

/* ---- stand-ins ---- */
static bool in_hole(uint64_t a, size_t n) { return a <= hole && hole - a < n; }
static bool bad(uint64_t a, size_t n)
{
    return a < BAD || (a <= frozen_from && frozen_from - a < n);
}
size_t copy_from_guest(void *dst, uint64_t from, size_t n)
{
    if (n && bad(from, n))
        return n;
    if (n)
        memcpy(dst, (const void *)(uintptr_t)from, n);
    return 0;
}
size_t copy_to_guest(uint64_t to, const void *src, size_t n)
{
    if (n && (bad(to, n) || in_hole(to, n)))
        return n;
    if (n)
        memcpy((void *)(uintptr_t)to, src, n);
    return 0;
}
size_t clear_guest(uint64_t to, size_t n)
{
    if (n && (bad(to, n) || in_hole(to, n)))
        return n;
    if (n)
        memset((void *)(uintptr_t)to, 0, n);
    return 0;
}
size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t n = strlen(src);
    if (size)
        snprintf(dst, size, "%s", src);
    return n;
}
spinlock_t domctl_lock = SPINLOCK_INIT;
uint64_t frame_base = 0x40000, frame_count = 0x20000;
struct gic_info gic_info = { .irq_count = 256,
                             .dist = { 0x8000000 },
                             .dist_bytes = 0x10000,
                             .redist = { 0x80a0000 },
                             .redist_bytes = 0x100000 };
static const struct gic_driver driver = { .version = 3 };
const struct gic_driver *gic = &driver;
uint32_t uart_intid = 33;
paddr_t uart_base = { 0x9000000 };
uint64_t page_free_count(void) { return 1000; }
uint64_t page_free_own_count(void) { return 1000; }
uint64_t page_total_count(void) { return 2000; }

static unsigned pauses, unpauses, kills, wakes, resumes;
static int domain_pauses;
static uint32_t shutdown_reason = ~0u;
int domain_create(domid_t id, const struct xen_domctl_createdomain *cfg, bool privileged,
                  struct domain **out)
{
    assert_false(privileged);
    assert_int_equal(cfg->arch.gic_version, XEN_DOMCTL_CONFIG_GIC_V3);
    made = calloc(1, sizeof(*made));
    made->id = id;
    made->refs = 2;
    made->max_vcpus = cfg->max_vcpus;
    made->controller_paused = 1;
    *out = made;
    return 0;
}
domid_t domain_free_id(void) { return 42; }
int domain_kill(struct domain *d)
{
    assert_true(spin_is_locked(&domctl_lock));
    if (d == control)
        return -XEN_EINVAL;
    return ++kills < 3 ? -XEN_ERESTART : 0;
}
int domain_max_vcpus(struct domain *d, unsigned n)
{
    (void)d;
    (void)n;
    return 0;
}
void domain_pause(struct domain *d)
{
    assert_ptr_not_equal(d, control);
    domain_pauses++;
}
void domain_unpause(struct domain *d)
{
    (void)d;
    domain_pauses--;
}
int domain_pause_by_controller(struct domain *d)
{
    (void)d;
    pauses++;
    return 0;
}
void domain_unpause_by_controller(struct domain *d)
{
    (void)d;
    unpauses++;
}
void domain_resume(struct domain *d)
{
    (void)d;
    resumes++;
}
void domain_shutdown(struct domain *d, uint32_t reason)
{
    d->shutting_down = true;
    shutdown_reason = reason;
}
void domain_update_wallclock(struct domain *d) { (void)d; }
static uint64_t wallclock_s;
void domain_set_wallclock(struct domain *d, uint64_t s, uint32_t ns, uint64_t at)
{
    (void)d;
    (void)ns;
    (void)at;
    wallclock_s = s;
}
bool evtchn_vcpu_pending(const struct vcpu *v)
{
    (void)v;
    return false;
}
void vcpu_wake(struct vcpu *v)
{
    (void)v;
    wakes++;
}
void vcpu_block(struct vcpu *v) { v->blocked = true; }
void vcpu_yield(struct vcpu *v) { (void)v; }
void vcpu_wait_for_interrupt(struct vcpu *v) { v->blocked = true; }
void vcpu_pause(struct vcpu *v) { v->pause_count++; }
void vcpu_unpause(struct vcpu *v) { v->pause_count--; }
void vcpu_sleep_sync(struct vcpu *v) { (void)v; }
int vcpu_reset(struct vcpu *v)
{
    v->online = v->initialised = false;
    return 0;
}
uint64_t vcpu_run_ns(struct vcpu *v)
{
    (void)v;
    return 1000;
}
int vcpu_register_info(struct vcpu *v, uint64_t gfn, uint32_t offset)
{
    (void)v;
    (void)gfn;
    (void)offset;
    return 0;
}
int vcpu_register_runstate(struct vcpu *v, gva_t where)
{
    v->runstate_va = where;
    return 0;
}
static uint64_t timer_deadline;
void timer_set(struct timer *t, uint64_t deadline)
{
    t->armed = true;
    timer_deadline = deadline;
}
void timer_stop(struct timer *t) { t->armed = false; }
void sched_set_affinity(struct vcpu *v, uint64_t hard, uint64_t soft)
{
    v->sched.affinity = hard;
    v->sched.affinity_soft = soft;
}
int sched_domctl(struct domain *d, struct xen_domctl_scheduler_op *op)
{
    (void)d;
    (void)op;
    return 0;
}
int sched_sysctl(struct xen_sysctl_scheduler_op *op)
{
    (void)op;
    return 0;
}
void arch_get_context(const struct vcpu *v, struct vcpu_guest_context *c)
{
    c->user_regs.pc64 = v->arch.regs.pc;
}
int arch_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    if ((c->user_regs.cpsr & 0xf) != 5)
        return -XEN_EINVAL;
    v->arch.regs.pc = c->user_regs.pc64;
    return 0;
}
void arch_get_features(const struct domain *d, struct xlr_cpu_features *f)
{
    (void)d;
    memset(f, 0, sizeof(*f));
    f->reg[XLR_ID_PFR0] = 0x11; /* EL1: AArch64 only */
}
int vuart_init(struct domain *d, uint64_t gfn, domid_t by, uint32_t *port)
{
    (void)d;
    (void)gfn;
    (void)by;
    *port = 5;
    return 0;
}
bool vgic_reserve(struct domain *d, uint32_t intid)
{
    return intid < INTID_SPI + d->vgic.spi_count && intid != 40;
}
static unsigned unreserved;
void vgic_unreserve(struct domain *d, uint32_t intid)
{
    (void)d;
    unreserved = intid;
}
struct vgic_irq *vgic_irq_get(struct domain *d, struct vcpu *v, uint32_t intid)
{
    (void)d;
    (void)v;
    (void)intid;
    return NULL;
}
void vgic_set_type(struct domain *d, uint32_t intid, bool edge)
{
    (void)d;
    (void)intid;
    (void)edge;
}
const struct gic_driver *gic;
int vgic_map_hw(struct domain *d, uint32_t virt, uint32_t phys)
{
    (void)d;
    (void)phys;
    return virt == 41 ? -XEN_EBUSY : 0;
}
void vgic_unmap_hw(struct domain *d, uint32_t virt)
{
    (void)d;
    (void)virt;
}
static uint64_t mapped_gfn, mapped_pa, mapped_pages;
int p2m_map(struct domain *d, ipa_t ipa, paddr_t pa, uint64_t pages, enum p2m_type type)
{
    (void)d;
    assert_int_equal(type, P2M_DEVICE);
    mapped_gfn = ipa_gfn(ipa);
    mapped_pa = pa.v;
    mapped_pages = pages;
    return 0;
}
int p2m_unmap_exact(struct domain *d, ipa_t ipa, paddr_t pa)
{
    (void)d;
    (void)ipa;
    (void)pa;
    return 0;
}
bool p2m_lookup(struct domain *d, ipa_t ipa, struct p2m_entry *e)
{
    (void)d;
    *e = (struct p2m_entry){ .type = P2M_RAM };
    return ipa_gfn(ipa) >= 0x40000;
}
/* Two pages at the start of RAM.  Frame 0x40001 is non-zero in its last byte only; the others are
 * zero. */
static struct page frames[2];
struct page *frame_table = frames;
static int frame_refs;
struct page *p2m_get_page(struct domain *d, ipa_t ipa, bool write, enum p2m_type *type)
{
    (void)d;
    assert_true(!write && !type);
    frame_refs++;
    return &frames[ipa_gfn(ipa) == 0x40001];
}
void page_put(struct page *p)
{
    (void)p;
    frame_refs--;
}
static uint64_t flushed;
void p2m_cache_flush(struct domain *d, uint64_t gfn, uint64_t pages)
{
    (void)d;
    (void)gfn;
    flushed += pages;
}
static uint32_t saved_bytes = 5000;
int records_save(struct domain *d, uint8_t *buf, uint32_t *bytes)
{
    (void)d;
    assert_int_equal(domain_pauses, 1);
    memset(buf, 0x77, saved_bytes);
    *bytes = saved_bytes;
    return 0;
}
static uint32_t loaded_bytes;
int records_load(struct domain *d, const uint8_t *buf, uint32_t bytes)
{
    assert_int_equal(domain_pauses, 1);
    assert_int_equal(buf[0], 0x55);
    loaded_bytes = bytes;
    d->vcpu[0]->online = true;
    return 0;
}
static uint32_t ring_text_bytes; /* this many letters in the ring, instead of a line */
uint32_t log_read_ring(char *dst, uint32_t max, uint32_t *index, bool incremental, bool clear)
{
    static const char text[] = "(XL) log\n";
    uint32_t at = incremental ? *index : 0, n = 0;
    (void)clear;
    for (; ring_text_bytes && n < max && at < ring_text_bytes; at++)
        dst[n++] = (char)('a' + at % 26);
    while (!ring_text_bytes && n < max && at < sizeof(text) - 1)
        dst[n++] = text[at++];
    *index = at;
    return n;
}
static char keys[32];
void debug_key(char key) { keys[strlen(keys)] = key; }
long do_console_io(unsigned cmd, unsigned count, uint64_t buffer)
{
    (void)cmd;
    (void)buffer;
    return (long)count + 100;
}
long do_hypfs_op(unsigned cmd, uint64_t path, uint64_t path_bytes, uint64_t data, uint64_t bytes)
{
    return (long)(cmd + path + path_bytes + data + bytes);
}
long do_event_channel_op(int cmd, uint64_t arg)
{
    (void)cmd;
    (void)arg;
    return -XEN_ENOSYS;
}
long do_grant_table_op(unsigned cmd, uint64_t arg, unsigned count)
{
    (void)cmd;
    (void)arg;
    (void)count;
    return 0;
}
static unsigned memory_restarts;
long do_memory_op(uint64_t cmd, uint64_t arg)
{
    (void)arg;
    if (memory_restarts) {
        memory_restarts--;
        arch_hypercall_set_arg(current_vcpu(), 0, cmd + 0x40);
        return -XEN_ERESTART;
    }
    return (long)cmd;
}

/* The dirty log: a set of gfns, as the leaves would hold it. */
#define LOG_PAGES 100000u
static uint64_t log_words[LOG_PAGES / 64 + 1];
static unsigned rounds, enabled;
/* size of the guest's map; pages beyond LOG_PAGES are clean */
static uint64_t map_pages = LOG_PAGES;
static uint64_t freeze_at_harvest; /* at the first harvest, frozen_from becomes this */
uint64_t p2m_max_gfn(const struct domain *d)
{
    (void)d;
    return map_pages - 1;
}
bool dirty_on(const struct domain *d) { return d->p2m.logging; }
uint64_t dirty_next(const struct domain *d, uint64_t gfn, uint64_t end, uint64_t *pages)
{
    (void)d;
    for (; gfn < end && gfn < LOG_PAGES; gfn = (gfn / 512 + 1) * 512)
        for (uint64_t i = gfn; i < LOG_PAGES && i < (gfn / 512 + 1) * 512; i++)
            if (bit_test(log_words, (unsigned)i)) {
                *pages = end - gfn;
                return gfn;
            }
    return end;
}
int dirty_enable(struct domain *d)
{
    if (d->p2m.logging)
        return -XEN_EINVAL;
    d->p2m.logging = true;
    enabled++;
    return 0;
}
int dirty_disable(struct domain *d)
{
    d->p2m.logging = false;
    return 0;
}
void dirty_mark(struct domain *d, ipa_t ipa)
{
    (void)d;
    bit_set(log_words, (unsigned)ipa_gfn(ipa));
}
bool dirty_noted(const struct p2m *p2m, uint64_t ipa)
{
    (void)p2m;
    (void)ipa;
    return true;
}
void dirty_round_end(struct domain *d)
{
    (void)d;
    rounds++;
}
int dirty_harvest(struct domain *d, uint64_t gfn, uint64_t pages, uint64_t *words, bool clear,
                  uint64_t *count)
{
    (void)d;
    assert_int_equal(gfn % 64, 0);
    memset(words, 0, (size_t)((pages + 63) / 64 * 8));
    if (freeze_at_harvest)
        frozen_from = freeze_at_harvest;
    for (uint64_t i = 0; i < pages && gfn + i < LOG_PAGES; i++)
        if (bit_test(log_words, (unsigned)(gfn + i))) {
            bit_set(words, (unsigned)i);
            ++*count;
            if (clear)
                bit_clear(log_words, (unsigned)(gfn + i));
        }
    return 0;
}

/* ---- calls ---- */
static uint64_t gva(const void *p) { return (uint64_t)(uintptr_t)p; }
static void be(struct vcpu *v) { cpus[0].current = v; }

/* Makes a call as a guest does: again as long as it is restarted. */
static long call(unsigned nr, uint64_t a0, uint64_t a1, uint64_t a2, unsigned *restarts)
{
    struct vcpu *v = current_vcpu();
    unsigned n = 0;

    v->arch.regs.x[5] = nr; /* the fake machine passes the number in x5 */
    v->arch.regs.x[0] = a0;
    v->arch.regs.x[1] = a1;
    v->arch.regs.x[2] = a2;
    for (;; n++) {
        unsigned before = v->arch.restarts;
        hypercall_dispatch(v);
        if (v->arch.restarts == before)
            break;
    }
    if (restarts)
        *restarts = n;
    return (long)v->arch.result;
}
static struct xen_domctl op;
static inline long domctl(uint32_t cmd, domid_t id)
{
    op.cmd = cmd;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.domain = id;
    return call(__HYPERVISOR_domctl, gva(&op), 0, 0, NULL);
}
static struct xen_sysctl sop;
static inline long sysctl_call(uint32_t cmd)
{
    sop.cmd = cmd;
    sop.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return call(__HYPERVISOR_sysctl, gva(&sop), 0, 0, NULL);
}

static struct vcpu *new_vcpu(struct domain *d, unsigned id)
{
    struct vcpu *v = calloc(1, sizeof(*v));
    v->domain = d;
    v->id = id;
    v->sched.affinity = v->sched.affinity_soft = ~0ull;
    v->arch.regs.pstate = 0x3c5;
    d->vcpu[id] = v;
    return v;
}
static struct domain *new_domain(domid_t id, unsigned vcpus)
{
    struct domain *d = calloc(1, sizeof(*d));
    d->id = id;
    d->refs = 1;
    d->state = DOM_ALIVE;
    d->max_vcpus = vcpus;
    d->vgic.version = 3;
    d->vgic.spi_count = 96;
    d->shared_info = calloc(1, 4096);
    d->shutdown_code = ~0u;
    fake_domain_add(d);
    return d;
}
static int start(void **state)
{
    (void)state;
    fake_init(1 << 20, 4);
    memset(fake_ram(PA(FAKE_RAM)), 0, 2 * PAGE_SIZE);
    *((uint8_t *)fake_ram(PA(FAKE_RAM)) + 2 * PAGE_SIZE - 1) = 1;
    control = new_domain(0, 1);
    control->privileged = control->direct_map = true;
    memset(control->irq_granted, 0xff, sizeof(control->irq_granted));
    guest = new_domain(3, 3); /* its third vCPU was not made */
    control_vcpu = new_vcpu(control, 0);
    guest_vcpu[0] = new_vcpu(guest, 0);
    guest_vcpu[1] = new_vcpu(guest, 1);
    memset(&op, 0, sizeof(op));
    memset(&sop, 0, sizeof(sop));
    memset(log_words, 0, sizeof(log_words));
    memset(keys, 0, sizeof(keys));
    frozen_from = hole = ~0ull;
    freeze_at_harvest = 0;
    map_pages = LOG_PAGES;
    kills = rounds = 0;
    made = NULL;
    be(control_vcpu);
    return 0;
}
static void free_domain(struct domain *d)
{
    for (unsigned i = 0; i < MAX_VCPUS; i++)
        free(d->vcpu[i]);
    free(d->shared_info);
    free(d);
}
static int end(void **state)
{
    (void)state;
    assert_int_equal(control->refs, 1); /* every call dropped its references */
    assert_int_equal(guest->refs, 1);
    assert_int_equal(domain_pauses, 0);
    assert_false(spin_is_locked(&domctl_lock));
    free_domain(control);
    free_domain(guest);
    free(made);
    fake_domains_clear();
    return 0;
}

#endif
