/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weights, caps and tunables as Xen's tools set them.  The scheduler presents itself as credit2
 * (public/domctl.h, public/sysctl.h).  It also accepts parameter blocks of the credit scheduler,
 * which have the same members.
 */
#include "abi.h"
#include "domain_ref.h"
#include "lib.h"
#include "log.h"
#include "sched.h"
#include "sched_core.h"
#include <xen/domctl.h>
#include <xen/sysctl.h>

#define UNCHANGED 0xffffu

_Static_assert(sizeof(struct xen_domctl_sched_credit) == sizeof(struct xen_domctl_sched_credit2),
               "one layout for both");

static bool known(uint32_t sched_id)
{
    return sched_id == XEN_SCHEDULER_CREDIT2 || sched_id == XEN_SCHEDULER_CREDIT;
}

int sched_domctl(struct domain *d, struct xen_domctl_scheduler_op *op)
{
    if (!known(op->sched_id))
        return -XEN_EINVAL;
    struct xen_domctl_sched_credit2 *p = &op->u.credit2;
    switch (op->cmd) {
    case XEN_DOMCTL_SCHEDOP_putinfo:
        sched_domain_set(d, p->weight ? p->weight : d->sched.weight,
                         p->cap != UNCHANGED ? p->cap : d->sched.cap);
        return 0;
    case XEN_DOMCTL_SCHEDOP_getinfo:
        p->weight = d->sched.weight;
        p->cap = d->sched.cap;
        return 0;
    default: /* per-vCPU parameters belong to a real-time scheduler */ return -XEN_EINVAL;
    }
}

static bool ratelimit_valid(uint32_t us)
{
    return us == 0 ||
           (us >= XEN_SYSCTL_SCHED_RATELIMIT_MIN && us <= XEN_SYSCTL_SCHED_RATELIMIT_MAX);
}

static int credit_op(struct xen_sysctl_credit_schedule *p, bool put)
{
    if (put) {
        if (p->tslice_ms < XEN_SYSCTL_CSCHED_TSLICE_MIN ||
            p->tslice_ms > XEN_SYSCTL_CSCHED_TSLICE_MAX || !ratelimit_valid(p->ratelimit_us) ||
            p->ratelimit_us > p->tslice_ms * 1000 ||
            p->vcpu_migr_delay_us > XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US)
            return -XEN_EINVAL;
        sched_tunables = (struct sched_tunables){ p->tslice_ms * 1000, p->ratelimit_us,
                                                  p->vcpu_migr_delay_us };
    }
    p->tslice_ms = sched_tunables.slice_us / 1000;
    p->ratelimit_us = sched_tunables.ratelimit_us;
    p->vcpu_migr_delay_us = sched_tunables.migrate_delay_us;
    return 0;
}

static int credit2_op(struct xen_sysctl_credit2_schedule *p, bool put)
{
    if (put) {
        if (!ratelimit_valid(p->ratelimit_us))
            return -XEN_EINVAL;
        sched_tunables.ratelimit_us = p->ratelimit_us;
        sched_tunables.slice_us = MAX(sched_tunables.slice_us, p->ratelimit_us);
    }
    p->ratelimit_us = sched_tunables.ratelimit_us;
    return 0;
}

int sched_sysctl(struct xen_sysctl_scheduler_op *op)
{
    if (op->cpupool_id != 0)
        return -XEN_ESRCH;
    if (!known(op->sched_id) ||
        (op->cmd != XEN_SYSCTL_SCHEDOP_putinfo && op->cmd != XEN_SYSCTL_SCHEDOP_getinfo))
        return -XEN_EINVAL;
    bool put = op->cmd == XEN_SYSCTL_SCHEDOP_putinfo;
    spin_lock(&sched_lock);
    int rc = op->sched_id == XEN_SCHEDULER_CREDIT2 ? credit2_op(&op->u.sched_credit2, put)
                                                   : credit_op(&op->u.sched_credit, put);
    spin_unlock(&sched_lock);
    return rc;
}

static const char *runstate_name(int state)
{
    static const char *const name[] = { "running", "runnable", "blocked", "offline" };
    return state >= 0 && (unsigned)state < ARRAY_SIZE(name) ? name[state] : "?";
}

static void dump_vcpu(struct vcpu *v)
{
    struct vcpu_runstate_info r;
    sched_runstate_get(v, &r);
    log_info(
        "  d%uv%u %s cpu %d%s pause %d+%d hard %llx soft %llx run %llu ms wait %llu ms vruntime "
        "%llu us\n",
        v->domain->id, v->id, runstate_name(r.state), v->sched.cpu,
        v->sched.queued ? " queued" : "", v->pause_count, v->domain->pause_count,
        (unsigned long long)(v->sched.affinity & ((1u << MAX_CPUS) - 1)),
        (unsigned long long)(v->sched.affinity_soft & ((1u << MAX_CPUS) - 1)),
        (unsigned long long)(r.time[RUNSTATE_running] / 1000000),
        (unsigned long long)(r.time[RUNSTATE_runnable] / 1000000),
        (unsigned long long)(v->sched.vruntime / 1000));
}

void sched_dump(void)
{
    log_info("scheduler: slice %u us, rate limit %u us\n", sched_tunables.slice_us,
             sched_tunables.ratelimit_us);
    for (unsigned i = 0; i < cpu_count; i++) {
        const struct vcpu *v = __atomic_load_n(&cpus[i].current, __ATOMIC_RELAXED);
        log_info(" CPU %u: %s d%dv%d work %x idle %llu ms\n", i, cpus[i].idle ? "idle" : "busy",
                 v ? (int)v->domain->id : -1, v ? (int)v->id : -1, cpus[i].work,
                 (unsigned long long)(cpu_idle_ns(i) / 1000000));
    }
    for (struct domain *d = domain_get_next(0), *next; d; d = next) {
        log_info(" d%u: weight %u cap %u%s\n", d->id, d->sched.weight, d->sched.cap,
                 d->sched.throttled ? " throttled" : "");
        for (unsigned i = 0; i < d->max_vcpus; i++)
            if (d->vcpu[i])
                dump_vcpu(d->vcpu[i]);
        next = domain_get_next((domid_t)(d->id + 1));
        domain_put(d);
    }
}
