/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's timers.  The virtual timer runs in hardware.  When it fires, its interrupt is masked
 * in CNTV_CTL and injected as PPI 27.  While the vCPU is off its CPU, a soft timer replaces it.
 * The physical timer is emulated (PPI 30).
 */
#ifndef XL_VTIMER_H
#define XL_VTIMER_H
#include "types.h"
#include "vtimer_types.h"
struct domain;
struct vcpu;
void vtimer_vcpu_init(struct vcpu *v);
void vtimer_vcpu_reset(struct vcpu *v);
void vtimer_vcpu_destroy(struct vcpu *v);
void vtimer_load(struct vcpu *v); /* loads CNTVOFF and CNTV_*; stops the soft timer */
/* Reads CNTV_*; arms the soft timer if the timer is enabled and unmasked. */
void vtimer_save(struct vcpu *v);
void vtimer_host_irq(void); /* physical PPI 27 came while a guest's timer is loaded */
uint64_t vtimer_phys_read(struct vcpu *v, enum vtimer_reg reg); /* trapped accesses */
void vtimer_phys_write(struct vcpu *v, enum vtimer_reg reg, uint64_t value);
uint64_t guest_counter(const struct domain *d); /* CNTVCT of the domain now */
struct xlr_vtimer;
void vtimer_get(struct vcpu *v, struct xlr_vtimer *r);
void vtimer_set(struct vcpu *v, const struct xlr_vtimer *r);
#endif
