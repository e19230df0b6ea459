/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's timers.  The virtual timer runs in hardware; when it fires the interrupt is masked in
 * CNTV_CTL and injected as PPI 27.  While the vCPU is off the CPU a soft timer stands in.  The
 * physical timer is emulated (PPI 30).
 */
#ifndef XL_VTIMER_H
#define XL_VTIMER_H
#include "sched.h"
struct vtimer {
    uint64_t virt_cval, phys_cval;
    uint32_t virt_ctl, phys_ctl, cntkctl;
    struct timer virt_soft, phys_soft;
};
void vtimer_vcpu_init(struct vcpu *v);
void vtimer_vcpu_reset(struct vcpu *v);
void vtimer_vcpu_destroy(struct vcpu *v);
void vtimer_load(struct vcpu *v); /* CNTVOFF, CNTV_*; stops the soft timer */
void vtimer_save(struct vcpu *v); /* reads CNTV_*, arms the soft timer if enabled and unmasked */
void vtimer_host_irq(void);       /* physical PPI 27 came while a guest's timer is loaded */
enum vtimer_reg { VTIMER_CNTP_CTL, VTIMER_CNTP_CVAL, VTIMER_CNTP_TVAL, VTIMER_CNTPCT };
uint64_t vtimer_phys_read(struct vcpu *v, enum vtimer_reg reg); /* trapped accesses */
void vtimer_phys_write(struct vcpu *v, enum vtimer_reg reg, uint64_t value);
uint64_t guest_counter(const struct domain *d); /* CNTVCT of the domain now */
struct xlr_vtimer;
void vtimer_get(struct vcpu *v, struct xlr_vtimer *r);
void vtimer_set(struct vcpu *v, const struct xlr_vtimer *r);
/* arch: raw access to CNTV of this CPU and CNTVOFF (implemented in arch) */
void arch_vtimer_write(uint64_t cval, uint32_t ctl, uint64_t voff, uint32_t cntkctl);
void arch_vtimer_read(uint64_t *cval, uint32_t *ctl, uint32_t *cntkctl);
void arch_vtimer_mask(void); /* set IMASK in CNTV_CTL */
#endif
