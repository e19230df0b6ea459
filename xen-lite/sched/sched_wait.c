/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocking, pausing, and waiting until a vCPU is off its CPU.
 *
 * Blocking.  A vCPU sets `blocked` and then looks for a reason not to block.  The other side makes
 * an interrupt or event pending and then reads `blocked`.  Both sides have a full barrier between
 * their two steps, so at least one of them sees the other.
 *
 * Why vcpu_sleep_sync cannot deadlock.  The waiter spins at EL2 with interrupts masked, on behalf
 * of its own vCPU, which counts as running meanwhile.  If two CPUs waited for each other's vCPU,
 * neither would ever save its own.  But only the control domain's vCPUs wait, and only in two ways:
 * (1) In domain_kill, outside of any lock, for vCPUs of another domain.  Those never wait.
 * (2) In other domctls, for any vCPU, also of its own domain.  These hold domctl_lock, so there is
 * one such waiter in the machine.  Nobody waits for domctl_lock: it is taken with spin_trylock, and
 *     otherwise -XEN_ERESTART goes through guest_prepare, which gives up the CPU if it is told to.
 * So the vCPU that is waited for is in one of three states.  It is in its guest, and the kick makes
 * it leave.  Or it is at EL2 in a bounded operation.  Or it is a waiter of kind (1), which waits
 * only for the first two kinds.  No chain of waiters closes.  A waiter holds no spin lock but
 * domctl_lock, so every CPU that needs a spin lock makes progress.  A vCPU does not wait for
 * itself: that call returns at once.
 *
 * vmid_renew waits in the same way, in domctls only, until each CPU has left its guest once.  A CPU
 * that waits there counts as having left, so two of them do not wait for each other.  A CPU that
 * waits as described above is not in a guest whose VMID changes: it runs the control domain, whose
 * log cannot be enabled.
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
        vgic_serve(); /* it may itself be in vgic_sync_lrs, waiting for our list registers */
        if (counter() > report) { /* makes a lost kick visible; another kick does no harm */
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
    /* A timer that is just firing cannot be stopped, and finds nothing blocked. */
    if (__atomic_exchange_n(&v->poll_mask, false, __ATOMIC_ACQ_REL))
        timer_cancel(&v->poll_timer);
    vcpu_wake(v);
}

/* No lock: a vCPU that leaves its CPU meanwhile gets its interrupts when it is loaded again. */
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
    domain_pause_nosync(d); /* pause all before waiting for the first */
    for_each_vcpu(d, vcpu_sleep_sync);
}

void domain_unpause(struct domain *d)
{
    int32_t left = __atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    BUG_ON(left < 0);
    if (!left)
        for_each_vcpu(d, vcpu_wake);
}
