/* SPDX-License-Identifier: BSD-2-Clause */
/* What the control domain measures for tools/bench.py: bench.c, bench_guest.c, bench_dirty.c. */
#ifndef BENCH_H
#define BENCH_H

#include "bm.h"

#pragma GCC visibility push(hidden)

/*
 * Print one line for tools/bench.py: "bench WORK ticks=T count=N KEY=VALUE...".  Under -icount
 * shift=0 one tick of the counter is 16 instructions; the first line of output states the number.
 */
void bench_say(const char *work, uint64_t ticks, uint64_t count, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * One piece of work that can be measured and traced.  prepare() is called once, then run() does the
 * work `times` times.  run() returns the ticks that its loop took; it may also bench_say() further
 * figures.
 */
struct bench_work {
    const char *name;
    bool (*prepare)(void);
    uint64_t (*run)(unsigned times);
    void (*finish)(void);
    unsigned times, traced_times;
};
extern const struct bench_work bench_guest_works[], bench_log_works[];
extern const unsigned bench_guest_work_count, bench_log_work_count;

void bench_sleep(uint64_t us);                     /* the vCPU blocks meanwhile */
bool bench_finish(struct guest *g, unsigned vcpu); /* sleep until the vCPU has done its command */
/* guest_order and bench_finish */
bool bench_order(struct guest *g, unsigned vcpu, uint64_t command);

/* Make a guest whose vCPUs have their GIC on and sleep while they have nothing to do. */
bool bench_guest(struct guest *g, unsigned vcpu_count, unsigned mib, bool pages);
/* How long an idle vCPU sleeps: long, because each wake-up disturbs the vCPUs that work. */
uint64_t bench_idle_us(void);
/* sleep between two reads of the mailbox; 0: yield */
void bench_idle(struct guest *g, uint64_t us);
long bench_shadow(struct guest *g, uint32_t op); /* returns the ticks that the call took, or -1 */
/* Order `vcpu` to write to `count` of `of` pages from `first`. */
bool bench_write(struct guest *g, unsigned vcpu, uint64_t first, uint64_t of, uint64_t count,
                 bool scattered);

/* Names of works: "dirty-MIB-VCPUS-4k" (or -2m), "vmid-ROUNDS".  False: the text is no
 * such name. */
bool bench_dirty(const char *text);
bool bench_vmid(const char *text);
const char *bench_after(const char *text, const char *prefix); /* NULL: no such prefix */
uint64_t bench_number(const char **text);

#pragma GCC visibility pop

#endif
