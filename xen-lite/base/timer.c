/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time and soft timers.
 *
 * Each CPU has a list of armed timers, sorted by deadline.  Its hardware timer (EL2's own) has the
 * first deadline.  A timer fires on the CPU that armed it last.  Another CPU may remove it from the
 * list.  The hardware deadline is then left as it is, and costs at most one interrupt without a due
 * timer.
 *
 * Locks: t->lock (arming and disarming of this timer), then cpu->timer_lock (the list).  A callback
 * runs with neither held, so it may arm and stop timers, also its own.  `running` counts callbacks
 * in progress.  It is incremented under the list's lock before the timer leaves the list.  So a
 * caller that finds the timer disarmed and `running` zero knows that no callback will run.  The
 * decrement is the last access to the timer; its memory may be freed after that.
 */
#include "arch.h"
#include "lib.h"
#include "panic.h"
#include "spinlock.h"
#include "timer.h"

#define NS_PER_S 1000000000ull
#define NEVER    (~0ull)

static uint64_t boot_counter;

void time_init(void) { boot_counter = counter(); }

/* Split at whole seconds, so that no product overflows for any frequency below 18 GHz. */
uint64_t ns_to_ticks(uint64_t ns)
{
    return ns / NS_PER_S * counter_hz + ns % NS_PER_S * counter_hz / NS_PER_S;
}

uint64_t ticks_to_ns(uint64_t ticks)
{
    return ticks / counter_hz * NS_PER_S + ticks % counter_hz * NS_PER_S / counter_hz;
}

uint64_t system_time_ns(void) { return ticks_to_ns(counter() - boot_counter); }

int64_t counter_to_system_ns(uint64_t ticks)
{
    int64_t since = (int64_t)(ticks - boot_counter);
    return since >= 0 ? (int64_t)ticks_to_ns((uint64_t)since)
                      : -(int64_t)ticks_to_ns(0 - (uint64_t)since);
}

void timer_init(struct timer *t, void (*fn)(void *), void *arg)
{
    *t = (struct timer){ .fn = fn, .arg = arg };
    list_init(&t->link);
}

/* Set the hardware of CPU c, which is this one. */
static void program(struct cpu *c)
{
    ASSERT_LOCKED(&c->timer_lock);
    uint64_t next = list_empty(&c->timers)
                        ? NEVER
                        : list_entry(c->timers.next, struct timer, link)->deadline;
    if (next == c->armed)
        return;
    c->armed = next;
    arch_timer_set(next);
}

/* t->cpu does not change under t->lock, but that CPU may be firing the timer. */
static void disarm(struct timer *t)
{
    ASSERT_LOCKED(&t->lock);
    struct cpu *c = t->cpu;
    if (!c)
        return;
    spin_lock(&c->timer_lock);
    if (t->armed) {
        list_del(&t->link);
        __atomic_store_n(&t->armed, false, __ATOMIC_RELAXED);
        if (c == this_cpu())
            program(c);
    }
    spin_unlock(&c->timer_lock);
}

void timer_set(struct timer *t, uint64_t deadline)
{
    struct cpu *c = this_cpu();
    spin_lock(&t->lock);
    if (__atomic_load_n(&t->armed, __ATOMIC_RELAXED) && t->cpu != c)
        disarm(t);
    spin_lock(&c->timer_lock);
    if (t->armed)
        list_del(&t->link); /* on this CPU: one pass, one write of the hardware */
    t->cpu = c;
    t->deadline = deadline;
    __atomic_store_n(&t->armed, true, __ATOMIC_RELAXED);
    struct list *at = c->timers.next;
    while (at != &c->timers && list_entry(at, struct timer, link)->deadline <= deadline)
        at = at->next;
    list_add_before(at, &t->link);
    program(c);
    spin_unlock(&c->timer_lock);
    spin_unlock(&t->lock);
}

/*
 * Looks without the lock first, because there is hardly ever anything to stop.  A timer that is
 * armed meanwhile counts as armed afterwards.
 */
void timer_cancel(struct timer *t)
{
    if (!__atomic_load_n(&t->armed, __ATOMIC_ACQUIRE))
        return;
    spin_lock(&t->lock);
    disarm(t);
    spin_unlock(&t->lock);
}

void timer_stop(struct timer *t)
{
    uint32_t own = this_cpu()->timer_running ==
                   t; /* a callback that stops its own timer does not wait for itself */
    do {
        timer_cancel(t); /* again after each wait: the callback may have armed it again */
        while (__atomic_load_n(&t->running, __ATOMIC_ACQUIRE) > own)
            cpu_relax_();
    } while (__atomic_load_n(&t->armed, __ATOMIC_ACQUIRE));
}

/* The first timer if it is due, out of the list and counted as running. */
static struct timer *take_due(struct cpu *c)
{
    ASSERT_LOCKED(&c->timer_lock);
    if (list_empty(&c->timers))
        return NULL;
    struct timer *t = list_entry(c->timers.next, struct timer, link);
    if (t->deadline > counter())
        return NULL;
    list_del(&t->link);
    __atomic_fetch_add(&t->running, 1, __ATOMIC_RELAXED);
    /* After `running`: timer_stop reads them in the opposite order. */
    __atomic_store_n(&t->armed, false, __ATOMIC_RELEASE);
    return t;
}

void timer_run_expired(void)
{
    struct cpu *c = this_cpu();
    spin_lock(&c->timer_lock);
    for (struct timer *t; (t = take_due(c));) {
        struct timer *outer = c->timer_running;
        c->timer_running = t;
        spin_unlock(&c->timer_lock);
        t->fn(t->arg);
        __atomic_fetch_sub(&t->running, 1, __ATOMIC_RELEASE);
        spin_lock(&c->timer_lock);
        c->timer_running = outer;
    }
    /*
     * The timer interrupt is a level.  Even an unchanged deadline must be written again if it has
     * passed, or the line stays high.
     */
    if (c->armed <= counter())
        c->armed = NEVER - 1;
    program(c);
    spin_unlock(&c->timer_lock);
}
