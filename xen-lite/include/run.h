/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leaving a guest to wait: block.c.  Entering a guest (guest_prepare) and host interrupts
 * (host_irq) are declared in arch.h.
 */
#ifndef XL_RUN_H
#define XL_RUN_H

#include "types.h"
struct vcpu;

/* For the current vCPU: waits for an event or interrupt (SCHEDOP_block, WFI). */
void vcpu_block(struct vcpu *v);

#endif
