/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake machine of the host tests.  fake.c implements arch.h, core.c stands in for parts of the
 * core that a test does not link; everything in both is weak, so a test (or the real file) that
 * defines the same name wins.
 */
#ifndef FAKE_H
#define FAKE_H

#include <setjmp.h>
#include "arch.h"
#include "lib.h"

struct domain;

/* A machine of `ram_bytes` at FAKE_RAM (contents 0xa5), `cpu_total` CPUs; this thread is CPU 0. May
 * be called again: starts afresh. */
void fake_init(uint64_t ram_bytes, unsigned cpu_total);
/* page_init() over all of that RAM; to be called after fake_init by tests that link page.c. */
void fake_page_init(void);
/*
 * After fake_init: only the first `bytes` are in the direct map.  The rest is reached by
 * arch_map_page, of whose places each CPU has FAKE_MOMENTS, and arch_map_lasting, FAKE_LASTING in
 * all; what is there otherwise, and a place that is used after it was unmapped, faults.
 */
#define FAKE_MOMENTS 4u
#define FAKE_LASTING 8u
void fake_small_direct_map(uint64_t bytes);
void *fake_ram(paddr_t pa);                 /* for tests: wherever it is */
extern unsigned fake_moments, fake_lasting; /* places in use */
extern unsigned long fake_moment_count;     /* maps made so far */
void fake_cpu_set(unsigned cpu);            /* the calling thread is this CPU from now on */

/* Time. */
extern uint64_t fake_counter, fake_counter_step;
extern uint64_t fake_timer_deadline[MAX_CPUS]; /* last arch_timer_set; ~0 at first */
extern void (*fake_on_wfi)(void);
/* Kicks seen, and what to do on one (the argument is the kicked CPU). */
extern unsigned fake_kicks[MAX_CPUS];
extern void (*fake_on_kick)(unsigned cpu);
/* Guest stage 1: identity, unless set.  Returns 0 or -XEN_EFAULT. */
extern int (*fake_gva_to_ipa)(gva_t va, bool write, ipa_t *ipa);
/* Virtual timer registers as arch_vtimer_write left them. */
struct fake_vtimer {
    uint64_t cval, voff;
    uint32_t ctl, cntkctl;
    unsigned masks;
};
extern struct fake_vtimer fake_vtimer[MAX_CPUS];
extern bool fake_el1_64, fake_el1_32; /* widths that EL1 can have: arch_el1_width_ok() */
extern bool fake_preempt;             /* hypercall_preempt_check()'s answer (core.c) */

/*
 * Stage-2 translation with a TLB that never forgets by itself: what is not flushed stays, stale.
 * A guest access through `vttbr`: fills the TLB, sets the dirty state in hardware mode.  Checks
 * break-before-make: two live translations of one address that differ in output address, size or
 * memory type are a failure of the test.
 */
enum fake_fault { FAKE_OK, FAKE_TRANSLATION, FAKE_PERMISSION };
enum fake_fault fake_access(uint64_t vttbr, ipa_t ipa, bool write, paddr_t *pa);
/* A store that is complete, in memory, before any flush that starts later is: what TLBI and its DSB
 * promise. */
enum fake_fault fake_store64(uint64_t vttbr, ipa_t ipa, uint64_t value);
extern bool fake_hw_dirty;      /* FEAT_HAFDBS */
extern unsigned fake_vmid_bits; /* 8 */
extern unsigned fake_flush_ipa_count, fake_flush_vmid_count, fake_flush_all_count;
extern uint64_t fake_loaded_vttbr[MAX_CPUS];
extern unsigned fake_vlpt_forgets;
extern unsigned fake_vlpt_shows;         /* one window: how often another slot was shown */
extern unsigned long fake_cleaned_bytes; /* arch_dcache_clean* */

/* A panic (or BUG_ON) returns here with 1 when armed by `if (setjmp(fake_panic_jmp) == 0) {
 * fake_panic_armed = true; ... }`. */
extern jmp_buf fake_panic_jmp;
extern bool fake_panic_armed;

/* core.c: domains that domain_get() finds. */
void fake_domain_add(struct domain *d);
void fake_domains_clear(void);

#endif
