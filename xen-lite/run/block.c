/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks a vCPU until an interrupt or event is pending for it.  sched_wait.c ends the wait and
 * argues why no wake-up is lost.
 */
#include "arch.h"
#include "domain_types.h"
#include "evtchn.h"
#include "run.h"
#include "vgic.h"

void vcpu_block(struct vcpu *v)
{
    __atomic_store_n(&v->blocked, true, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (vgic_has_pending(v) || evtchn_vcpu_pending(v)) {
        __atomic_store_n(&v->blocked, false, __ATOMIC_RELAXED);
        return;
    }
    __atomic_fetch_or(&this_cpu()->work, WORK_RESCHED, __ATOMIC_RELAXED);
}

void vcpu_wait_for_interrupt(struct vcpu *v) { vcpu_block(v); }
