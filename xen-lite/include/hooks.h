/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Upward calls.  A layer calls only lower layers; these functions are the exceptions, each with its
 * reason. tools/layers permits no others.
 */
#ifndef XL_HOOKS_H
#define XL_HOOKS_H

#include "types.h"

struct domain;

/*
 * Stack protector, called by code of all layers: the compiler inserts a call into functions with
 * arrays, for the case that the guard value on the stack has changed.  Panics. base/stack_guard.c
 */
extern uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

/*
 * vGIC, called by the scheduler and by the VMID code while they wait for another CPU with
 * interrupts masked.  That CPU may itself wait in vgic_sync_lrs() until this CPU has flushed its
 * list registers.  Flushes them if another CPU waits for that; host_irq also calls it on a kick.
 * vgic/vgic_lr.c
 */
void vgic_serve(void);

/*
 * Virtual UART, called by event channels: d's console backend has sent an event on the UART's
 * channel, whose receiver is the hypervisor. domain/vuart.c
 */
void vuart_event(struct domain *d);

/*
 * Debug keys, called by the console: a key dumps the state of any layer.  Typed after three Ctrl-A,
 * or sent with `xl debug-keys`. call/debug_keys.c
 */
void debug_key(char key);

#endif
