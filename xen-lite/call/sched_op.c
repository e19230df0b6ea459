/* SPDX-License-Identifier: BSD-2-Clause */
/* SCHEDOP_*: scheduling calls of a guest.  public/sched.h */
#include "types.h"
#include <xen/xen.h>
#include <xen/sched.h>
#include "domain.h"
#include "hypercall.h"

#define POLL_PORTS_MAX 128u
#define FAR_FUTURE_NS  (1ull << 56) /* two years: later deadlines are cut to this */

/*
 * Guards the watchdog slots.  The timer's callback (domain.c) never takes it, so timer_stop may
 * wait while it is held.
 */
static spinlock_t watchdog_lock = SPINLOCK_INIT;
/*
 * SCHEDOP_pin_override: the affinity that each vCPU of the control domain returns to; its bit is
 * set while it is overridden.
 */
static struct {
    uint64_t hard[MAX_VCPUS], soft[MAX_VCPUS];
    uint32_t active;
} pinned;
static spinlock_t pin_lock = SPINLOCK_INIT;

/* Absolute system time in ns to counter ticks.  A time in the past becomes now. */
static uint64_t deadline_of(uint64_t system_ns)
{
    uint64_t now = system_time_ns();
    return counter() + (system_ns > now ? ns_to_ticks(MIN(system_ns - now, FAR_FUTURE_NS)) : 0);
}

/* 1: a port is pending; 0: none is; or -errno. */
static long poll_ports_pending(struct domain *d, uint64_t ports, unsigned count, uint32_t *first)
{
    long pending = 0;

    for (unsigned i = 0; i < count; i++) {
        evtchn_port_t port;
        if (copy_from_guest(&port, ports + i * sizeof(port), sizeof(port)))
            return -XEN_EFAULT;
        if (port >= EVTCHN_PORTS)
            return -XEN_EINVAL;
        if (i == 0)
            *first = port;
        if (__atomic_load_n(&d->shared_info->evtchn_pending[port / 64], __ATOMIC_ACQUIRE) >>
                (port % 64) &
            1)
            pending = 1;
    }
    return pending;
}

/*
 * Waits for an event on one of several ports, masked or not.  The vCPU is marked as polling and
 * blocked before the ports are examined.  An event that comes in between finds the vCPU marked and
 * clears both marks; guest_prepare() then acts on the marks that remain.
 */
static long sched_poll(struct vcpu *v, uint64_t arg)
{
    struct sched_poll poll;
    uint32_t first = 0;

    if (copy_from_guest(&poll, arg, sizeof(poll)))
        return -XEN_EFAULT;
    if (poll.nr_ports > POLL_PORTS_MAX)
        return -XEN_EINVAL;
    long pending = poll_ports_pending(v->domain, poll.ports.q, poll.nr_ports, &first);
    if (pending)
        return pending < 0 ? pending : 0;
    if (evtchn_vcpu_pending(v))
        return 0;

    v->poll_port = poll.nr_ports == 1 ? first : 0;
    __atomic_store_n(&v->poll_mask, true, __ATOMIC_SEQ_CST);
    vcpu_block(v);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    pending = poll_ports_pending(v->domain, poll.ports.q, poll.nr_ports, &first);
    if (pending || evtchn_vcpu_pending(v)) {
        vcpu_unblock(v);
        __atomic_store_n(&v->poll_mask, false, __ATOMIC_RELEASE);
        return pending < 0 ? pending : 0;
    }
    /*
     * The vCPU is still blocked: no interrupt and no other CPU has woken it yet.  vcpu_unblock()
     * stops the timer.
     */
    if (poll.timeout && __atomic_load_n(&v->blocked, __ATOMIC_RELAXED))
        timer_set(&v->poll_timer, deadline_of(poll.timeout));
    return 0;
}

/* `latch`: only record the reason, which a later shutdown reports. */
static long sched_shutdown_op(struct domain *d, uint64_t arg, bool latch)
{
    struct sched_shutdown s;

    if (copy_from_guest(&s, arg, sizeof(s)))
        return -XEN_EFAULT;
    if (!latch)
        domain_shutdown(d, s.reason & 0xff);
    else {
        spin_lock(&d->lock);
        if (d->shutdown_code == ~0u) /* the first reason counts */
            d->shutdown_code = s.reason & 0xff;
        spin_unlock(&d->lock);
    }
    return 0;
}

static long sched_remote(struct domain *by, uint64_t arg)
{
    struct sched_remote_shutdown r;

    if (copy_from_guest(&r, arg, sizeof(r)))
        return -XEN_EFAULT;
    if (r.domain_id == by->id)
        return -XEN_EPERM;
    struct domain *d = r.domain_id < DOMID_FIRST_RESERVED ? domain_get(r.domain_id) : NULL;
    if (!d)
        return -XEN_ESRCH;
    long result = 0;
    if (!domain_is_control(by))
        result = -XEN_EPERM;
    else
        domain_shutdown(d, r.reason & 0xff);
    domain_put(d);
    return result;
}

static void watchdog_start(struct domain *d, unsigned n, uint32_t seconds)
{
    timer_set(&d->watchdog[n], counter() + seconds * counter_hz);
    d->watchdog_inuse |= 1u << n;
}

/*
 * Id 0: starts a new watchdog and returns its number (from 1); with a time of 0 it expires at once.
 * Other ids: restarts that watchdog; a time of 0 stops it.
 */
static long watchdog_set(struct domain *d, uint32_t id, uint32_t seconds)
{
    if (id > ARRAY_SIZE(d->watchdog))
        return -XEN_EINVAL;
    if (id == 0) {
        for (unsigned n = 0; n < ARRAY_SIZE(d->watchdog); n++)
            if (!(d->watchdog_inuse & 1u << n)) {
                watchdog_start(d, n, seconds);
                return (long)n + 1;
            }
        return -XEN_ENOSPC;
    }
    if (!(d->watchdog_inuse & 1u << (id - 1)))
        return -XEN_EINVAL;
    if (seconds)
        watchdog_start(d, id - 1, seconds);
    else {
        timer_stop(&d->watchdog[id - 1]);
        d->watchdog_inuse &= ~(1u << (id - 1));
    }
    return 0;
}

static long sched_watchdog_op(struct domain *d, uint64_t arg)
{
    struct sched_watchdog w;

    if (copy_from_guest(&w, arg, sizeof(w)))
        return -XEN_EFAULT;
    spin_lock(&watchdog_lock);
    long result = watchdog_set(d, w.id, w.timeout);
    spin_unlock(&watchdog_lock);
    return result;
}

/*
 * Pins the calling vCPU of the control domain for a while, for firmware calls that only one CPU may
 * make.
 */
static long pin_override(struct vcpu *v, int32_t cpu)
{
    uint32_t bit = 1u << v->id;

    if (cpu < 0) {
        if (!(pinned.active & bit))
            return -XEN_EINVAL;
        pinned.active &= ~bit;
        sched_set_affinity(v, pinned.hard[v->id], pinned.soft[v->id]);
        return 0;
    }
    if (pinned.active & bit)
        return -XEN_EBUSY;
    if ((uint32_t)cpu >= cpu_count)
        return -XEN_EINVAL;
    pinned.hard[v->id] = v->sched.affinity;
    pinned.soft[v->id] = v->sched.affinity_soft;
    pinned.active |= bit;
    sched_set_affinity(v, 1ull << cpu, v->sched.affinity_soft);
    return 0;
}

static long sched_pin(struct vcpu *v, uint64_t arg)
{
    struct sched_pin_override p;

    if (!v->domain->privileged)
        return -XEN_EPERM;
    if (copy_from_guest(&p, arg, sizeof(p)))
        return -XEN_EFAULT;
    spin_lock(&pin_lock);
    long result = pin_override(v, p.pcpu);
    spin_unlock(&pin_lock);
    return result;
}

long do_sched_op(int cmd, uint64_t arg)
{
    struct vcpu *v = current_vcpu();

    switch (cmd) {
    case SCHEDOP_yield: vcpu_yield(v); return 0;
    case SCHEDOP_block:
        /*
         * The ABI wants event delivery enabled atomically.  The upcall is an interrupt here, so
         * unmask interrupts.
         */
        v->arch.regs.pstate &= ~(
            __typeof__(v->arch.regs.pstate))PSR_IRQ_MASK; /* same bit in CPSR */
        vcpu_wait_for_interrupt(v);
        return 0;
    case SCHEDOP_shutdown: return sched_shutdown_op(v->domain, arg, false);
    case SCHEDOP_shutdown_code: return sched_shutdown_op(v->domain, arg, true);
    case SCHEDOP_poll: return sched_poll(v, arg);
    case SCHEDOP_remote_shutdown: return sched_remote(v->domain, arg);
    case SCHEDOP_watchdog: return sched_watchdog_op(v->domain, arg);
    case SCHEDOP_pin_override: return sched_pin(v, arg);
    default: return -XEN_ENOSYS;
    }
}
