/* SPDX-License-Identifier: BSD-2-Clause */
/* What tools/bench.py makes the control domain measure.  bench.c, bench_guest.c, bench_dirty.c */
#ifndef BENCH_H
#define BENCH_H

#include "bm.h"

#pragma GCC visibility push(hidden)

/*
 * A line for tools/bench.py: "bench WORK ticks=T count=N KEY=VALUE...".  A tick of the counter is
 * 16 instructions under -icount shift=0 (the first line says how many).
 */
void bench_say(const char *work, uint64_t ticks, uint64_t count, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * What can be measured and traced: prepare() once, then run() the work `times` times.  run()
 * returns the ticks that one loop over it took, and may bench_say() more than that.
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

void bench_sleep(uint64_t us);                     /* with the vCPU blocked */
bool bench_finish(struct guest *g, unsigned vcpu); /* sleep until it has done what it was ordered */
bool bench_order(struct guest *g, unsigned vcpu, uint64_t command); /* order and bench_finish */

/* A guest whose vCPUs have their interrupt controller on and sleep when they have nothing to do. */
bool bench_guest(struct guest *g, unsigned vcpu_count, unsigned mib, bool pages);
uint64_t bench_idle_us(
    void); /* how long an idle vCPU is to sleep: long, for it disturbs who works */
void bench_idle(struct guest *g, uint64_t us);   /* between two looks at the mailbox; 0: yield */
long bench_shadow(struct guest *g, uint32_t op); /* ticks that the call took, or -1 */
/* Order `vcpu` to write to `count` of `of` pages from `first`. */
bool bench_write(struct guest *g, unsigned vcpu, uint64_t first, uint64_t of, uint64_t count,
                 bool scattered);

/* "dirty-MIB-VCPUS-4k" or -2m; "vmid-ROUNDS".  False: not that. */
bool bench_dirty(const char *text);
bool bench_vmid(const char *text);
const char *bench_after(const char *text, const char *prefix); /* NULL: it does not begin so */
uint64_t bench_number(const char **text);

#pragma GCC visibility pop

#endif
