/* SPDX-License-Identifier: BSD-2-Clause */
/* Time and soft timers.  timer.c */
#ifndef XL_TIMER_H
#define XL_TIMER_H

#include "cpu_types.h"

/*
 * Soft timers: one-shot; the callback runs on the CPU that armed it, from guest_prepare or
 * host_irq, without locks held. A timer belongs to one object; concurrent timer_set/timer_stop
 * calls on it are safe.  timer.c
 */
void timer_init(struct timer *t, void (*fn)(void *), void *arg);
void timer_set(struct timer *t, uint64_t deadline); /* (re)arm, on this CPU, counter ticks */
/*
 * After it returns fn is not running and will not, unless somebody arms the timer again.  Called
 * from fn itself it does not wait. It may wait for fn on another CPU: hold no lock that fn takes.
 */
void timer_stop(struct timer *t);
void timer_cancel(
    struct timer *t); /* disarm, without waiting for a callback under way; any lock may be held */
void timer_run_expired(void); /* this CPU; also programs the hardware for the next one */
void time_init(void);         /* system time starts now; sched_init calls it */
uint64_t ns_to_ticks(uint64_t ns);
uint64_t ticks_to_ns(uint64_t ticks);
uint64_t system_time_ns(void);                /* since boot: Xen's system time */
int64_t counter_to_system_ns(uint64_t ticks); /* what system_time_ns() was (will be) at that counter
                                                 value; < 0 before boot */

#endif
