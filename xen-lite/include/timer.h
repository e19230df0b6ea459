/* SPDX-License-Identifier: BSD-2-Clause */
/* Time and soft timers.  timer.c */
#ifndef XL_TIMER_H
#define XL_TIMER_H

#include "cpu_types.h"

/*
 * Soft timers are one-shot.  The callback runs on the CPU that armed the timer, from guest_prepare
 * or host_irq, with no lock held.  A timer belongs to one object; concurrent calls of timer_set and
 * timer_stop on it are safe.
 */
void timer_init(struct timer *t, void (*fn)(void *), void *arg);
/* Arms it, or arms it again, on this CPU; deadline in counter ticks. */
void timer_set(struct timer *t, uint64_t deadline);
/*
 * After it returns, fn does not run and will not run, unless the timer is armed again.  Called from
 * fn itself it does not wait.  It may wait for fn on another CPU, so hold no lock that fn takes.
 */
void timer_stop(struct timer *t);
/* Disarms it without waiting for a callback in progress; any lock may be held. */
void timer_cancel(struct timer *t);
void timer_run_expired(void); /* for this CPU; programs the hardware timer for the next deadline */
void time_init(void);         /* system time starts now; for sched_init */
uint64_t ns_to_ticks(uint64_t ns);
uint64_t ticks_to_ns(uint64_t ticks);
uint64_t system_time_ns(void); /* since boot: Xen's system time */
/* Value of system_time_ns() at that counter value; negative before boot. */
int64_t counter_to_system_ns(uint64_t ticks);

#endif
