/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's virtual and physical timers.  See vtimer.h. */
#include "arch.h"
#include "domain_types.h"
#include "lib.h"
#include "records.h"
#include "timer.h"
#include "vgic.h"
#include "vtimer.h"

enum { CTL_ENABLE = 1, CTL_IMASK = 2, CTL_ISTATUS = 4 };

/* Per CPU: the vCPU whose CNTV registers are in the hardware.  Only that CPU writes its entry. */
static struct vcpu *loaded[MAX_CPUS];

uint64_t guest_counter(const struct domain *d) { return counter() - d->counter_offset; }

/*
 * The moment when the guest's counter reaches `cval`, in counter() ticks.  A moment in the past
 * stays in the past; one that does not fit becomes "never".
 */
static uint64_t deadline_of(const struct domain *d, uint64_t cval)
{
    uint64_t host = counter(), now = host - d->counter_offset;

    if (cval <= now)
        return host;
    return cval - now > UINT64_MAX - 1 - host ? UINT64_MAX - 1 : host + (cval - now);
}

static bool armed(uint32_t ctl) { return (ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE; }

/* ---- virtual timer ---- */

static void virt_expired(void *arg)
{
    struct vcpu *v = arg;

    /*
     * Masked, as when it fires while loaded: the guest unmasks it when it programs the timer again.
     */
    v->vtimer.virt_ctl |= CTL_IMASK;
    vgic_inject(v->domain, v, INTID_PPI_VTIMER, true);
}

static void virt_stand_in(struct vcpu *v)
{
    if (armed(v->vtimer.virt_ctl))
        timer_set(&v->vtimer.virt_soft, deadline_of(v->domain, v->vtimer.virt_cval));
}

void vtimer_load(struct vcpu *v)
{
    struct vtimer *t = &v->vtimer;

    timer_stop(&t->virt_soft); /* before virt_ctl is read: virt_expired writes it */
    loaded[cpu_id()] = v;
    arch_vtimer_write(t->virt_cval, t->virt_ctl & (CTL_ENABLE | CTL_IMASK),
                      v->domain->counter_offset, t->cntkctl);
}

void vtimer_save(struct vcpu *v)
{
    struct vtimer *t = &v->vtimer;

    if (loaded[cpu_id()] != v)
        return;
    arch_vtimer_read(&t->virt_cval, &t->virt_ctl, &t->cntkctl);
    t->virt_ctl &= CTL_ENABLE | CTL_IMASK;
    /* Otherwise the timer is off or masked already, as vtimer_load expects. */
    if (armed(t->virt_ctl))
        arch_vtimer_mask();
    loaded[cpu_id()] = NULL;
    virt_stand_in(v);
}

void vtimer_host_irq(void)
{
    struct vcpu *v = loaded[cpu_id()];

    arch_vtimer_mask();
    if (v)
        vgic_inject(v->domain, v, INTID_PPI_VTIMER, true);
}

/* ---- physical timer ---- */

/*
 * Derive line and soft timer from the registers.  PPI 30 is level-triggered: its line is high while
 * the timer is expired, enabled and not masked.
 */
static void phys_update(struct vcpu *v)
{
    struct vtimer *t = &v->vtimer;

    timer_stop(&t->phys_soft); /* no late callback raises the line again */
    bool up = armed(t->phys_ctl) && guest_counter(v->domain) >= t->phys_cval;
    if (armed(t->phys_ctl) && !up)
        timer_set(&t->phys_soft, deadline_of(v->domain, t->phys_cval));
    vgic_inject(v->domain, v, INTID_PPI_PTIMER, up);
}

static void phys_expired(void *arg)
{
    struct vcpu *v = arg;

    vgic_inject(v->domain, v, INTID_PPI_PTIMER, true);
}

uint64_t vtimer_phys_read(struct vcpu *v, enum vtimer_reg reg)
{
    const struct vtimer *t = &v->vtimer;
    uint64_t now = guest_counter(v->domain);

    switch (reg) {
    case VTIMER_CNTP_CTL:
        return t->phys_ctl | ((t->phys_ctl & CTL_ENABLE) && now >= t->phys_cval ? CTL_ISTATUS : 0);
    case VTIMER_CNTP_CVAL: return t->phys_cval;
    case VTIMER_CNTP_TVAL: return (uint32_t)(t->phys_cval - now);
    case VTIMER_CNTPCT: break;
    }
    return now;
}

void vtimer_phys_write(struct vcpu *v, enum vtimer_reg reg, uint64_t value)
{
    struct vtimer *t = &v->vtimer;

    switch (reg) {
    case VTIMER_CNTP_CTL: t->phys_ctl = (uint32_t)value & (CTL_ENABLE | CTL_IMASK); break;
    case VTIMER_CNTP_CVAL: t->phys_cval = value; break;
    case VTIMER_CNTP_TVAL:
        t->phys_cval = guest_counter(v->domain) + (uint64_t)(int64_t)(int32_t)(uint32_t)value;
        break;
    case VTIMER_CNTPCT: return; /* read-only */
    }
    phys_update(v);
}

/* ---- life ---- */

void vtimer_vcpu_init(struct vcpu *v)
{
    struct vtimer *t = &v->vtimer;

    memset(t, 0, sizeof(*t));
    timer_init(&t->virt_soft, virt_expired, v);
    timer_init(&t->phys_soft, phys_expired, v);
}

void vtimer_vcpu_destroy(struct vcpu *v)
{
    timer_stop(&v->vtimer.virt_soft);
    timer_stop(&v->vtimer.phys_soft);
}

/* The vCPU is off its CPU. */
void vtimer_vcpu_reset(struct vcpu *v)
{
    struct vtimer *t = &v->vtimer;

    vtimer_vcpu_destroy(v);
    t->virt_cval = t->phys_cval = 0;
    t->virt_ctl = t->phys_ctl = t->cntkctl = 0;
    vgic_inject(v->domain, v, INTID_PPI_PTIMER, false);
}

/* State records. The vCPU is off its CPU. */
void vtimer_get(struct vcpu *v, struct xlr_vtimer *r)
{
    const struct vtimer *t = &v->vtimer;

    *r = (struct xlr_vtimer){ .virt_cval = t->virt_cval,
                              .phys_cval = t->phys_cval,
                              .virt_ctl = t->virt_ctl,
                              .phys_ctl = t->phys_ctl,
                              .cntkctl = t->cntkctl };
}

/*
 * Call after the domain's counter_offset and the vGIC's records are set: deadlines and the line
 * follow from them.
 */
void vtimer_set(struct vcpu *v, const struct xlr_vtimer *r)
{
    struct vtimer *t = &v->vtimer;

    vtimer_vcpu_destroy(v);
    t->virt_cval = r->virt_cval;
    t->phys_cval = r->phys_cval;
    t->virt_ctl = r->virt_ctl & (CTL_ENABLE | CTL_IMASK);
    t->phys_ctl = r->phys_ctl & (CTL_ENABLE | CTL_IMASK);
    t->cntkctl = r->cntkctl;
    virt_stand_in(v);
    phys_update(v);
}
