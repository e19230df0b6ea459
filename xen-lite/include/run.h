/* SPDX-License-Identifier: BSD-2-Clause */
/* The way into a guest, and out of it to wait.  block.c; arch.h has guest_prepare and host_irq. */
#ifndef XL_RUN_H
#define XL_RUN_H

#include "types.h"
struct vcpu;

void vcpu_block(struct vcpu *v); /* current: wait for an event or interrupt (SCHEDOP_block, WFI) */

#endif
