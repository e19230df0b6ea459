/* SPDX-License-Identifier: BSD-2-Clause */
/* Time and soft timers.  timer.c */
#ifndef XL_TIMER_H
#define XL_TIMER_H

#include "cpu_types.h"

/*
 * Soft timers: one-shot.  The callback runs on the CPU that armed the timer, from guest_prepare or
 * host_irq, without locks held.  Concurrent calls of timer_set and timer_stop for one timer are
 * safe.
 */
void timer_init(struct timer *t, void (*fn)(void *), void *arg);
void timer_set(struct timer *t, uint64_t deadline); /* arms or re-arms on this CPU; in ticks */
/*
 * Disarms the timer and waits until a running callback has returned; a callback may stop its own
 * timer and does not wait.  Afterwards fn does not run unless the timer is armed again.  The caller
 * holds no lock that fn takes.
 */
void timer_stop(struct timer *t);
/* Disarms the timer without waiting for a running callback.  Any lock may be held. */
void timer_cancel(struct timer *t);
/* Runs the callbacks that are due on this CPU, and sets the hardware timer for the next one. */
void timer_run_expired(void);
void time_init(void); /* starts system time; sched_init calls it */
uint64_t ns_to_ticks(uint64_t ns);
uint64_t ticks_to_ns(uint64_t ticks);
uint64_t system_time_ns(void); /* ns since boot: Xen's system time */
/* System time in ns at a counter value of the past or future; negative before boot. */
int64_t counter_to_system_ns(uint64_t ticks);

#endif
