/* SPDX-License-Identifier: BSD-2-Clause */
/* Entry to a guest, and waiting. block.c; guest_prepare and host_irq are in arch.h. */
#ifndef XL_RUN_H
#define XL_RUN_H

#include "types.h"
struct vcpu;

/*
 * Makes the current vCPU wait for an event or interrupt (SCHEDOP_block, WFI).  Takes effect on
 * return.
 */
void vcpu_block(struct vcpu *v);

#endif
