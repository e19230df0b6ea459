/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocking, pausing, and waiting for a vCPU to be off its CPU.
 *
 * Blocking.  A vCPU sets `blocked` and only then looks for a reason not to; an interrupt or event
 * is made pending first and only then looks for `blocked`.  With a full barrier between the two
 * steps on both sides at least one of them sees the other.
 *
 * Why vcpu_sleep_sync cannot deadlock.  The waiter spins at EL2 with interrupts masked, on behalf
 * of its own vCPU, which thereby counts as running.  If two CPUs waited for each other's vCPU,
 * neither would ever save its own.  But only the control domain's vCPUs wait, and only in two ways.
 * In domain_kill, outside of any lock, for vCPUs of another domain: those never wait for anybody.
 * In other domctls, for any vCPU, its own domain's included: but these hold domctl_lock, so there
 * is one such waiter in the machine, and that lock is never waited for (it is taken with
 * spin_trylock; else -XEN_ERESTART goes through guest_prepare, which gives up the CPU if told to).
 * So what a waiter waits for is in its guest, where the kick ends that; or at EL2 in something
 * bounded; or is itself a killer, which waits only for the first two kinds.  No chain closes. Every
 * spin lock that the CPU waited for may want makes progress, because a waiter holds none but
 * domctl_lock.  Waiting for one's own vCPU is excluded by returning at once.
 *
 * vmid_renew waits in the same way, in domctls alone, for CPUs that are in the guest to come out of
 * it once.  A CPU that waits there itself counts as out, so two of them do not wait for each other;
 * one that waits above is not in a guest whose number changes: it runs the control domain, whose
 * log nobody can turn on.
 */
#include "arch.h"
#include "domain_types.h"
#include "hooks.h"
#include "log.h"
#include "panic.h"
#include "sched.h"
#include "timer.h"

#define REPORT_AFTER_S 5u

void vcpu_sleep_sync(struct vcpu *v)
{
    vcpu_sleep(v);
    if (v == current_vcpu())
        return;
    uint64_t start = counter(), report = start + REPORT_AFTER_S * counter_hz;
    while (__atomic_load_n(&v->sched.running, __ATOMIC_ACQUIRE)) {
        cpu_relax_();
        vgic_serve(); /* it may itself be in vgic_settle, waiting for our list registers */
        if (counter() > report) { /* a lost kick would show here; another one does no harm */
            log_warn("sched: d%uv%u does not leave CPU %d\n", v->domain->id, v->id, v->sched.cpu);
            vcpu_sleep(v);
            report = counter() + REPORT_AFTER_S * counter_hz;
        }
    }
}

void vcpu_unblock(struct vcpu *v)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&v->blocked, __ATOMIC_RELAXED) ||
        !__atomic_exchange_n(&v->blocked, false, __ATOMIC_ACQ_REL))
        return;
    if (__atomic_exchange_n(&v->poll_mask, false, __ATOMIC_ACQ_REL))
        timer_cancel(
            &v->poll_timer); /* too late for one that is just firing: that finds nothing blocked */
    vcpu_wake(v);
}

/* No lock: a vCPU that leaves its CPU meanwhile takes up its interrupts when it is loaded again. */
void vcpu_kick(struct vcpu *v)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&v->sched.running, __ATOMIC_ACQUIRE))
        return;
    unsigned cpu = (unsigned)v->sched.cpu;
    __atomic_fetch_or(&cpus[cpu].work, WORK_VGIC, __ATOMIC_SEQ_CST);
    if (cpu != cpu_id())
        arch_kick_cpu(cpu);
}

void vcpu_pause(struct vcpu *v)
{
    __atomic_fetch_add(&v->pause_count, 1, __ATOMIC_SEQ_CST);
    vcpu_sleep_sync(v);
}

void vcpu_unpause(struct vcpu *v)
{
    int32_t left = __atomic_sub_fetch(&v->pause_count, 1, __ATOMIC_SEQ_CST);
    BUG_ON(left < 0);
    if (!left)
        vcpu_wake(v);
}

static void for_each_vcpu(struct domain *d, void (*fn)(struct vcpu *v))
{
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpu[i])
            fn(d->vcpu[i]);
}

void domain_pause_nosync(struct domain *d)
{
    __atomic_fetch_add(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    for_each_vcpu(d, vcpu_sleep);
}

void domain_pause(struct domain *d)
{
    BUG_ON(current_vcpu() && current_vcpu()->domain == d);
    domain_pause_nosync(d); /* all are told before the first is waited for */
    for_each_vcpu(d, vcpu_sleep_sync);
}

void domain_unpause(struct domain *d)
{
    int32_t left = __atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    BUG_ON(left < 0);
    if (!left)
        for_each_vcpu(d, vcpu_wake);
}
