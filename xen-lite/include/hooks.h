/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Upward calls.  A layer calls only layers below it.  These few functions are the exceptions, each
 * with its reason; tools/layers allows no other.
 */
#ifndef XL_HOOKS_H
#define XL_HOOKS_H

#include "types.h"

struct domain;

/*
 * The compiler calls this at the end of functions with arrays, in every layer, if the value on the
 * stack has changed.  It panics.  base/stack_guard.c
 */
extern uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

/*
 * The vGIC, called by the scheduler and by vmid.c.  Both wait for another CPU, while interrupts are
 * masked on this CPU.  The other CPU may itself wait in vgic_sync_lrs() until this CPU has flushed
 * its list registers.  vgic_serve flushes them if another CPU waits for them.  host_irq calls it on
 * a kick, too.  vgic/vgic_lr.c
 */
void vgic_serve(void);

/*
 * The virtual UART, called by event channels when the backend of d's UART has sent an event: the
 * receiver of the UART's channel is the hypervisor.  domain/vuart.c
 */
void vuart_event(struct domain *d);

/*
 * Debug keys, called by the console: a key shows the state of objects in any layer.  A key is typed
 * after three Ctrl-A, or sent by `xl debug-keys`.  call/debug_keys.c
 */
void debug_key(char key);

#endif
