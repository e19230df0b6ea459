/* SPDX-License-Identifier: BSD-2-Clause */
/* Stand-ins for parts of the core that a test does not link.  All weak. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>
#include "boot.h"
#include "domain.h"
#include "hypercall.h"
#include "dirty_internal.h"
#include "fake.h"

#define WEAK __attribute__((weak))

WEAK struct cpu cpus[MAX_CPUS];
WEAK unsigned cpu_count;
WEAK struct domain *dom0;
WEAK struct cmdline cmdline = { .vlpt = true };
jmp_buf fake_panic_jmp;
bool fake_panic_armed, fake_preempt;

WEAK void log_printf(enum log_level level, const char *fmt, ...)
{
    if (level > LOG_WARN && !getenv("FAKE_LOG"))
        return;
    va_list ap;
    va_start(ap, fmt);
    (vfprintf)(stderr, fmt, ap);
    va_end(ap);
}
WEAK void panic_at(const char *file, int line, const char *fmt, ...)
{
    if (fake_panic_armed) {
        fake_panic_armed = false;
        longjmp(fake_panic_jmp, 1);
    }
    va_list ap;
    fprintf(stderr, "panic at %s:%d: ", file, line);
    va_start(ap, fmt);
    (vfprintf)(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}
WEAK bool hypercall_preempt_check(void) { return fake_preempt; }
WEAK bool page_scrub(void) { return false; }
WEAK bool dirty_split_idle(void) { return false; }
WEAK void dirty_eager_start(struct p2m *p2m) { (void)p2m; }
WEAK void dirty_eager_stop(struct p2m *p2m) { (void)p2m; }
WEAK void guest_mem_begin_call(void) {}
WEAK void guest_mem_end_call(void) {}

/* ---- memory without page.c: the heap ---- */
WEAK void *mem_alloc(size_t bytes)
{
    size_t size = PAGE_SIZE;
    while (size < bytes)
        size *= 2;
    void *p = aligned_alloc(size, size);
    if (p)
        memset(p, 0, size);
    return p;
}
WEAK void *mem_alloc_uncleared(size_t bytes) { return mem_alloc(bytes); }
WEAK void mem_free(void *p, size_t bytes)
{
    (void)bytes;
    free(p);
}
WEAK void page_init(const struct mem_region *ram, unsigned ram_count,
                    const struct mem_region *reserved, unsigned reserved_count)
{
    (void)ram;
    (void)ram_count;
    (void)reserved;
    (void)reserved_count;
    fputs("fake_page_init: the test does not link page.c\n", stderr);
    abort();
}
void fake_page_init(void)
{
    struct mem_region ram = { FAKE_RAM, FAKE_RAM + fake_ram_bytes };
    page_init(&ram, 1, NULL, 0);
}

/* ---- domains ---- */
static struct domain *known[MAX_DOMAINS];
void fake_domain_add(struct domain *d)
{
    for (unsigned i = 0; i < MAX_DOMAINS; i++)
        if (!known[i]) {
            known[i] = d;
            return;
        }
}
void fake_domains_clear(void) { memset(known, 0, sizeof(known)); }
WEAK bool domain_ref(struct domain *d)
{
    __atomic_add_fetch(&d->refs, 1, __ATOMIC_SEQ_CST);
    return true;
}
WEAK void domain_put(struct domain *d) { __atomic_sub_fetch(&d->refs, 1, __ATOMIC_SEQ_CST); }
WEAK struct domain *domain_get(domid_t id)
{
    if (id == DOMID_SELF && current_vcpu())
        id = current_vcpu()->domain->id;
    for (unsigned i = 0; i < MAX_DOMAINS; i++)
        if (known[i] && known[i]->id == id && domain_ref(known[i]))
            return known[i];
    return NULL;
}
WEAK struct domain *domain_get_next(domid_t first)
{
    struct domain *best = NULL;
    for (unsigned i = 0; i < MAX_DOMAINS; i++)
        if (known[i] && known[i]->id >= first && (!best || known[i]->id < best->id))
            best = known[i];
    if (best)
        domain_ref(best);
    return best;
}

/* ---- memory management that most tests never reach ---- */
WEAK void dirty_mark(struct domain *d, ipa_t ipa)
{
    (void)d;
    (void)ipa;
}
WEAK void dirty_mark_page(struct page *p) { (void)p; }
WEAK void dirty_ext_writer(struct page *p, int delta) { p->ext_writers += (unsigned)delta; }
WEAK uint64_t p2m_leaf(struct domain *d, ipa_t ipa, unsigned *level)
{
    (void)d;
    (void)ipa;
    *level = 1;
    return 0;
}
WEAK int p2m_mmio_set(struct domain *d, ipa_t ipa, uint64_t payload)
{
    (void)d;
    (void)ipa;
    (void)payload;
    return -XEN_ENOMEM;
}
WEAK int p2m_unmap_later(struct domain *d, ipa_t ipa, paddr_t pa)
{
    return p2m_unmap_exact(d, ipa, pa);
}
WEAK int p2m_unmap_exact(struct domain *d, ipa_t ipa, paddr_t pa)
{
    (void)d;
    (void)ipa;
    (void)pa;
    return -XEN_ENOENT;
}
WEAK void p2m_flush_deferred(struct domain *d) { (void)d; }
WEAK void timer_init(struct timer *t, void (*fn)(void *), void *arg)
{
    *t = (struct timer){ .fn = fn, .arg = arg };
}
WEAK void timer_set(struct timer *t, uint64_t deadline)
{
    t->deadline = deadline;
    t->armed = true;
}
WEAK void timer_stop(struct timer *t) { t->armed = false; }
WEAK void page_forget_block(struct domain *d) { (void)d; }
WEAK void p2m_mmio_zap(struct domain *d) { (void)d; }
WEAK bool p2m_device_on_demand(struct domain *d, ipa_t ipa)
{
    (void)d;
    (void)ipa;
    return false;
}
WEAK void vgic_serve(void) {}
WEAK void domain_update_wallclock(struct domain *d) { (void)d; }
WEAK bool panic_in_progress;
WEAK _Noreturn void panic_stop_cpu(void) { abort(); }
WEAK bool mmio_dispatch(struct vcpu *v, const struct stage2_fault *f)
{
    (void)v;
    (void)f;
    return false;
}

/* ---- what an interrupt or an event makes of a vCPU: nothing ---- */
WEAK void vcpu_kick(struct vcpu *v) { (void)v; }
WEAK void vcpu_wake(struct vcpu *v) { (void)v; }
WEAK void vcpu_unblock(struct vcpu *v) { v->blocked = false; }
WEAK uint64_t ns_to_ticks(uint64_t ns) { return ns / 16; }
WEAK uint64_t ticks_to_ns(uint64_t ticks) { return ticks * 16; }
WEAK uint64_t system_time_ns(void) { return ticks_to_ns(counter()); }
