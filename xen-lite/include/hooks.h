/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Upward calls.  A layer calls only layers below; these few functions are called from below their
 * own layer, each for the reason that stands here.  tools/layers allows no other.
 */
#ifndef XL_HOOKS_H
#define XL_HOOKS_H

#include "types.h"

struct domain;

/*
 * Every object, lib's too, calls this: the compiler puts the call at the end of functions with
 * arrays, when the value on the stack is not the guard any more.  It panics.  base/stack_guard.c
 */
extern uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

/*
 * vGIC, called by the scheduler and by the VMIDs.  They wait for another CPU with interrupts
 * masked; that CPU may itself wait in vgic_sync_lrs() until this one has flushed its list
 * registers. Also called by host_irq on a kick: flushes if somebody waits for this CPU's list
 * registers. vgic/vgic_lr.c
 */
void vgic_serve(void);

/*
 * Virtual UART, called by event channels: the hypervisor is the receiver of the channel that
 * belongs to a UART, and d's backend has sent an event.  domain/vuart.c
 */
void vuart_event(struct domain *d);

/*
 * Debug keys, called by the console: a key shows the state of any object of any layer.  Typed after
 * three Ctrl-A, or `xl debug-keys`.  call/debug_keys.c
 */
void debug_key(char key);

#endif
