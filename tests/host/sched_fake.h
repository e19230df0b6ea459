/* SPDX-License-Identifier: BSD-2-Clause */
/* Stand-ins for the rest of the core in the scheduler's tests: they do nothing but check that state
 * is saved and loaded correctly. */
#ifndef SCHED_FAKE_H
#define SCHED_FAKE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <xen/xen.h>
#include <xen/vcpu.h>
#include "domain.h"
#include "fake.h"
#include "sched_core.h"

/*
 * The registers.  arch.sysreg[0] is the saved copy, hw[cpu] the hardware's.  A guest counts in the
 * hardware's register and in memory, in sysreg[1].  A load that was wrongly skipped, or a save that
 * came too late, makes the two differ.
 */
static uint64_t hw[MAX_CPUS];
static struct vcpu *hw_owner[MAX_CPUS];

static void hw_check(const struct vcpu *v)
{
    if (hw_owner[cpu_id()] != v || hw[cpu_id()] != v->arch.sysreg[1])
        fail_msg("CPU %u runs d%uv%u with another's registers: %llu, not %llu", cpu_id(),
                 v->domain->id, v->id, (unsigned long long)hw[cpu_id()],
                 (unsigned long long)v->arch.sysreg[1]);
}
static void hw_count(struct vcpu *v)
{
    hw_check(v);
    hw[cpu_id()]++;
    v->arch.sysreg[1]++;
}
void arch_vcpu_save(struct vcpu *v)
{
    hw_check(v);
    v->arch.sysreg[0] = hw[cpu_id()];
    v->arch.saves++;
}
void arch_vcpu_load(struct vcpu *v)
{
    hw[cpu_id()] = v->arch.sysreg[0];
    hw_owner[cpu_id()] = v;
    v->arch.loads++;
}

static int live[MAX_CPUS][2]; /* vGIC and timer: 1 exactly while the vCPU is on the CPU */
void vgic_load(struct vcpu *v)
{
    BUG_ON(v->vgic.routed_cpu == 77 || live[cpu_id()][0]++);
    v->vgic.routed_cpu = 77;
}
void vgic_save(struct vcpu *v)
{
    BUG_ON(v->vgic.routed_cpu != 77 || --live[cpu_id()][0]);
    v->vgic.routed_cpu = 0;
}
void vgic_flush(struct vcpu *v) { v->vgic.dirty = false; }
bool vgic_has_pending(struct vcpu *v)
{
    (void)v;
    return false;
}
void vtimer_load(struct vcpu *v)
{
    (void)v;
    BUG_ON(live[cpu_id()][1]++);
}
void vtimer_save(struct vcpu *v)
{
    (void)v;
    BUG_ON(--live[cpu_id()][1]);
}
uint64_t vmid_enter(struct domain *d) { return d->id + 1u; }
void vmid_idle(void) {}
void domain_reap(void) {}
void vcpu_runstate_publish(struct vcpu *v) { (void)v; }

static struct domain *made[64];
static unsigned made_count;
static void free_domains(void)
{
    fake_domains_clear();
    while (made_count) {
        struct domain *d = made[--made_count];
        for (unsigned i = 0; i < d->max_vcpus; i++)
            free(d->vcpu[i]);
        free(d);
    }
}

static struct domain *make_domain(domid_t id, unsigned vcpus)
{
    struct domain *d = calloc(1, sizeof(*d));
    d->id = id;
    d->refs = 1;
    d->max_vcpus = vcpus;
    sched_domain_init(d);
    for (unsigned i = 0; i < vcpus; i++) {
        struct vcpu *v = calloc(1, sizeof(*v));
        v->domain = d;
        v->id = i;
        sched_vcpu_init(v);
        d->vcpu[i] = v;
    }
    fake_domain_add(d);
    made[made_count++] = d;
    return d;
}

#endif
