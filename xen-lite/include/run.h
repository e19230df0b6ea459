/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entering a guest, and leaving it to wait.  block.c; arch.h declares guest_prepare and host_irq.
 */
#ifndef XL_RUN_H
#define XL_RUN_H

#include "types.h"
struct vcpu;

/* For the current vCPU: waits for an event or interrupt (SCHEDOP_block, WFI). */
void vcpu_block(struct vcpu *v);

#endif
