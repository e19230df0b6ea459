/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPUs of the machine. */
#include "arch.h"
#include "cpu.h"
#include "spinlock.h"
#include "timer.h"

struct cpu cpus[MAX_CPUS];
unsigned cpu_count;

#if XL_DEBUG
uint32_t spin_self(void) { return cpu_id() + 1; }
#endif

/* Read without a lock: a CPU that is just going idle or waking may be off by the length of one of
 * its steps. */
uint64_t cpu_idle_ns(unsigned cpu)
{
    const struct cpu *c = &cpus[cpu];
    uint64_t ticks = __atomic_load_n(&c->idle_ticks, __ATOMIC_ACQUIRE);
    if (__atomic_load_n(&c->idle, __ATOMIC_ACQUIRE)) {
        uint64_t since = __atomic_load_n(&c->idle_since, __ATOMIC_RELAXED), now = counter();
        ticks += now > since ? now - since : 0;
    }
    return ticks_to_ns(ticks);
}
