/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical interrupts that belong to domains ("tied" to virtual ones).  EL2 acknowledges them and
 * drops their priority, injects them with LR.HW, and the guest's own EOI deactivates them without
 * an exit.  So the physical interrupt is active exactly while the virtual one is pending or active,
 * and the GIC does not raise it again before.  Whoever takes the pending or active state away from
 * the guest must deactivate the physical interrupt.
 */
#include "abi.h"
#include "arch.h"
#include "domain_types.h"
#include "lib.h"
#include "panic.h"
#include "vgic_internal.h"

/* By physical INTID.  Written under the domain's vgic.lock while the interrupt is disabled. */
static struct {
    struct vgic_irq *irq;
    struct domain *d;
} hw_map[INTID_SPURIOUS];
static bool in_flight[MAX_CPUS]; /* per CPU: it is inside vgic_hw_irq */

unsigned vgic_cpu_of(const struct vcpu *v)
{
    return v && v->sched.cpu >= 0 ? (unsigned)v->sched.cpu : 0;
}

void vgic_set_type(struct domain *d, uint32_t intid, bool edge)
{
    struct vgic_irq *irq = intid >= INTID_SPI ? vgic_irq_get(d, NULL, intid) : NULL;
    struct vcpu *owner = irq ? vgic_irq_lock(irq) : NULL;

    if (!irq)
        return;
    irq->edge = edge;
    if (owner)
        spin_unlock(&owner->vgic.lock);
}

int vgic_map_hw(struct domain *d, uint32_t virt, uint32_t phys)
{
    struct vgic_irq *irq = virt >= INTID_SPI ? vgic_irq_get(d, NULL, virt) : NULL;
    int ret = 0;

    if (!irq || phys < INTID_SPI || phys >= ARRAY_SIZE(hw_map) || phys >= gic_info.irq_count)
        return -XEN_EINVAL;
    spin_lock(&d->vgic.lock);
    struct vgic_irq *none = NULL;
    if (irq->hw || !__atomic_compare_exchange_n(&hw_map[phys].irq, &none, irq, false,
                                                __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        ret = -XEN_EBUSY;
    } else {
        struct vcpu *owner = vgic_irq_lock(irq);
        hw_map[phys].d = d;
        irq->phys = phys;
        irq->hw = true;
        d->vgic.hw_count++;
        gic->set_type(phys, irq->edge);
        gic->route(phys, vgic_cpu_of(irq->target));
        if (irq->enabled)
            gic->enable(phys);
        if (owner)
            spin_unlock(&owner->vgic.lock);
    }
    spin_unlock(&d->vgic.lock);
    return ret;
}

/* Nobody acknowledges it any more; wait for those that already had, for they still look at the
 * interrupt.  The caller holds no lock that one of them may wait for. */
static void wait_for_acknowledgers(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < MAX_CPUS; i++)
        while (i != cpu_id() && __atomic_load_n(&in_flight[i], __ATOMIC_ACQUIRE))
            cpu_relax_();
}

/* The owner's lock is held, or no vCPU of the domain runs. */
static void untie(struct domain *d, struct vgic_irq *irq)
{
    gic->disable(irq->phys);
    if (irq->active || irq->pending || irq->lr >= 0)
        gic->deactivate(irq->phys);
    __atomic_store_n(&hw_map[irq->phys].irq, NULL, __ATOMIC_RELEASE);
    irq->hw = false;
    d->vgic.hw_count--;
}

void vgic_unmap_hw(struct domain *d, uint32_t virt)
{
    struct vgic_irq *irq = virt >= INTID_SPI ? vgic_irq_get(d, NULL, virt) : NULL;

    if (!irq)
        return;
    spin_lock(&d->vgic.lock);
    struct vcpu *owner = vgic_irq_lock(irq);
    if (irq->hw)
        untie(d, irq);
    bool tell = owner && vgic_irq_update(irq);
    if (owner)
        spin_unlock(&owner->vgic.lock);
    spin_unlock(&d->vgic.lock);
    wait_for_acknowledgers();
    if (tell)
        vgic_notify(owner);
}

void vgic_unmap_all_hw(struct domain *d)
{
    if (!d->vgic.hw_count)
        return;
    for (unsigned i = 0; i < d->vgic.spi_count; i++)
        if (d->vgic.spi[i].hw)
            untie(d, &d->vgic.spi[i]);
    wait_for_acknowledgers();
}

bool vgic_hw_irq(uint32_t phys)
{
    bool *busy = &in_flight[cpu_id()];

    __atomic_store_n(busy, true, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    struct vgic_irq *irq = phys < ARRAY_SIZE(hw_map)
                               ? __atomic_load_n(&hw_map[phys].irq, __ATOMIC_ACQUIRE)
                               : NULL;
    if (irq)
        vgic_inject(hw_map[phys].d, NULL, irq->intid, true);
    __atomic_store_n(busy, false, __ATOMIC_RELEASE);
    return irq;
}

/* The machine's interrupts that go to this vCPU follow it to the CPU where it now is. */
void vgic_hw_follow(struct vcpu *v)
{
    ASSERT_LOCKED(&v->vgic.lock);
    struct vgic_dist *d = &v->domain->vgic;
    unsigned cpu = cpu_id();

    if (!d->hw_count || v->vgic.routed_cpu == (int)cpu)
        return;
    v->vgic.routed_cpu = (int)cpu;
    for (unsigned i = 0; i < d->spi_count; i++)
        if (d->spi[i].hw && d->spi[i].enabled && d->spi[i].target == v)
            gic->route(d->spi[i].phys, cpu);
}
