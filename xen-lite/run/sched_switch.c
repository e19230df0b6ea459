/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way back into a guest: pending work, the switch between vCPUs, and idling.
 *
 * Interrupts are masked at EL2.  So no interrupt is taken between the check of `work` and the ERET
 * or WFI that follows.  Another CPU that sets a bit in `work` also sends an SGI.  The SGI stays
 * pending, so the CPU leaves the guest, or the WFI, at once.
 */
#include "arch.h"
#include "dirty.h"
#include "domain.h"
#include "domain_ref.h"
#include "mm.h"
#include "panic.h"
#include "sched_core.h"
#include "timer.h"
#include "vgic.h"
#include "vmid.h"
#include "vtimer.h"

/* Saves `v`, which loses this CPU. */
static void leave(struct cpu *c, struct vcpu *v)
{
    arch_vcpu_save(v);
    vgic_save(v);
    vtimer_save(v);
    c->current = NULL;
    vcpu_runstate_publish(v);
    sched_release(v);
    domain_check_shutdown(v->domain);
}

static void enter(struct cpu *c, struct vcpu *v, bool reload)
{
    c->current = v;
    arch_load_vttbr(vmid_enter(v->domain));
    if (reload) {
        arch_vcpu_load(v);
        __atomic_store_n(&c->loaded, v, __ATOMIC_RELAXED);
    }
    vgic_load(v);
    vtimer_load(v);
    vcpu_runstate_publish(v);
}

static void reschedule(struct cpu *c)
{
    struct sched_decision s = sched_decide(c);
    if (s.prev == s.next)
        return;
    /*
     * As soon as leave() has released `prev`, a teardown that waited for `prev` to stop continues,
     * and may drop the last reference to the domain. leave() still uses the domain after that, so
     * `held` keeps it until leave() returns.
     */
    struct domain *held = s.prev && domain_ref(s.prev->domain) ? s.prev->domain : NULL;
    if (s.prev)
        leave(c, s.prev);
    if (held)
        domain_put(held);
    if (s.next)
        enter(c, s.next, s.reload);
}

/*
 * Runs until there is work.  Meanwhile the CPU splits 2 MiB stage-2 blocks of domains whose dirty
 * log is on, and clears free memory.  The interrupt that ends WFI stays pending until host_irq()
 * takes it.
 */
static void idle(struct cpu *c)
{
    uint64_t start = counter();
    arch_unload_vttbr(); /* the domain of the loaded map may be destroyed while this CPU sleeps */
    c->busy_ticks += start - c->idle_end;
    __atomic_store_n(&c->idle_since, start, __ATOMIC_RELAXED);
    __atomic_store_n(&c->idle, true, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&c->work, __ATOMIC_ACQUIRE)) {
        if (!dirty_split_idle() && !page_scrub())
            arch_wfi();
        host_irq();
        timer_run_expired();
    }
    c->idle_end = counter();
    __atomic_store_n(&c->idle, false, __ATOMIC_RELAXED);
    __atomic_store_n(&c->idle_ticks, c->idle_ticks + (c->idle_end - start), __ATOMIC_RELEASE);
}

/* Takes the domain's new VMID: vmid_renew waits for that. */
static void renumber(const struct cpu *c)
{
    if (c->current)
        arch_load_vttbr(vmid_enter(c->current->domain));
    else
        vmid_idle();
}

void guest_prepare(void)
{
    struct cpu *c = this_cpu();
    for (;;) {
        if (unlikely(__atomic_load_n(&panic_in_progress, __ATOMIC_RELAXED)))
            panic_stop_cpu(); /* the kick that ended WFI may come from a panic */
        uint32_t work = __atomic_exchange_n(&c->work, 0, __ATOMIC_ACQ_REL);
        if (work & WORK_TIMER)
            timer_run_expired();
        if (work & WORK_REAP)
            domain_reap();
        if (work & WORK_VMID)
            renumber(c);
        struct vcpu *v = c->current;
        if (!v || (work & WORK_RESCHED) || !sched_can_run(v)) {
            reschedule(c);
            v = c->current;
        }
        if (!v) {
            idle(c);
            continue;
        }
        if (v->vgic.dirty)
            vgic_flush(v);
        if (likely(!__atomic_load_n(&c->work, __ATOMIC_ACQUIRE)))
            return;
    }
}
