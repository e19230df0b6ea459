/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bare-metal test payload: boots as the control domain (of xen-lite, or of stock Xen, to compare),
 * makes guests of its own through domctl, and prints a line a check through console_io: ok NAME not
 * ok NAME - WHY cost NAME N            instructions, meaningful under -icount shift=0 hold NAME N
 * the longest time that a hypercall kept its CPU, ns: instructions there count NAME N exits to the
 * hypervisor for one event and at the end "bm: N passed, N failed", then powers the machine off.
 */
#ifndef BM_H
#define BM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hypfs.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include "cpu.h"

/* Everything is in one image that runs where it is loaded: no GOT. */
#pragma GCC visibility push(hidden)

#define PAGE 4096u
/* In SPACE: */
#define SPACE_MAPS   SPACE                 /* guest_map */
#define SPACE_FREE   (SPACE + 0x10000000u) /* test_preempt.c */
#define SPACE_SHARED (SPACE + 0x18000000u) /* bm_shared */
#define SPACE_WRITER (SPACE + 0x19000000u) /* soak_writer.c */
#define SPACE_SOAK   (SPACE + 0x20000000u) /* test_soak.c */

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* lib.c */
void bm_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void bm_check(bool ok, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#define CHECK(name, cond) bm_check((cond), name, "%s", #cond)
#define CHECK_EQ(name, got, want)                                          \
    do {                                                                   \
        int64_t g_ = (int64_t)(got), w_ = (int64_t)(want);                 \
        bm_check(g_ == w_, name, "%s is %jd, expected %jd", #got, g_, w_); \
    } while (0)
void bm_cost(const char *name, uint64_t ticks, uint64_t count);
void *bm_alloc(unsigned pages); /* zeroed, never freed */
uint64_t bm_random(uint64_t *state);
/* This domain's shared page, all event channels masked at first: an event that waits would keep it
 * from sleeping.  NULL: none */
struct shared_info *bm_shared(void);
bool bm_is_icount(void); /* time is instructions: what is measured can be checked */
bool bm_wait(volatile uint64_t *word, uint64_t value, unsigned ms);
bool bm_is_xen_lite(void);
void *bm_readonly(void *p);           /* the same memory where stage 1 allows no writing */
uint64_t bm_free_pages(void);         /* of the machine, when it has come to rest */
bool bm_has_option(const char *text); /* in the hypervisor's command line */
bool bm_is_debug(void);               /* xen-lite as `make debug` makes it */
void bm_debug_key(char key);
/* XEN_SYSCTL_perfc_op, in the order in which xen-lite tells its counters (perfc.c). */
enum bm_exit {
    BM_EXIT_IRQ,
    BM_EXIT_HYPERCALL,
    BM_EXIT_PSCI,
    BM_EXIT_MMIO,
    BM_EXIT_WRITE_FAULT,
    BM_EXIT_WFI,
    BM_EXIT_SYSREG,
    BM_EXIT_SGI,
    BM_EXIT_OTHER,
    BM_EXIT_COUNT
};
struct bm_counters {
    uint32_t exits[BM_EXIT_COUNT][2] /* control domain, guests */,
        splits[2] /* when needed, in the background */, longest_ns[43];
};
bool bm_counters(struct bm_counters *c);
void bm_counters_reset(void);
bool bm_faults(void (*fn)(void)); /* it makes one access, which is to abort */
extern unsigned bm_failed, bm_passed;

/* bootargs.c: what the device tree says.  `name=NUMBER` on this payload's command line; -1: not
 * there */
void bm_read_tree(const void *fdt);
int64_t bm_option(const char *name);

/* test_basic.c: what the second CPU does when it is up, beside waiting for interrupts */
extern void (*bm_secondary_work)(void);
bool bm_second_cpu(void); /* start it; false: there is none */

/* arm64/start.S, arm32/start.S */
unsigned long smccc(unsigned long fn, unsigned long a, unsigned long b, unsigned long c);
long bm_hypercall(unsigned long nr, ...); /* up to five arguments, each of a register's size: */
#define hypercall(...)                                                                             \
    ARGUMENTS(__VA_ARGS__, REGISTERS6, REGISTERS5, REGISTERS4, REGISTERS3, REGISTERS2, REGISTERS1) \
    (__VA_ARGS__)
#define ARGUMENTS(a, b, c, d, e, f, macro, ...) macro
#define REGISTERS1(a)                           bm_hypercall((unsigned long)(a))
#define REGISTERS2(a, b)                        bm_hypercall((unsigned long)(a), (unsigned long)(b))
#define REGISTERS3(a, b, c)                     bm_hypercall((unsigned long)(a), (unsigned long)(b), (unsigned long)(c))
#define REGISTERS4(a, b, c, d) \
    bm_hypercall((unsigned long)(a), (unsigned long)(b), (unsigned long)(c), (unsigned long)(d))
#define REGISTERS5(a, b, c, d, e)                                                                \
    bm_hypercall((unsigned long)(a), (unsigned long)(b), (unsigned long)(c), (unsigned long)(d), \
                 (unsigned long)(e))
#define REGISTERS6(a, b, c, d, e, f)                                                             \
    bm_hypercall((unsigned long)(a), (unsigned long)(b), (unsigned long)(c), (unsigned long)(d), \
                 (unsigned long)(e), (unsigned long)(f))
extern char bm_vectors[], bm_secondary[], image_start[];

/* gic.c: a GICv2 or a GICv3, at the places where the emulated machine has them */
#define DOM0_GICD 0x08000000ul
#define DOM0_GICR 0x080a0000ul /* a GICv3's alone */
extern unsigned gic_version;   /* bootargs.c */
void gic_start(unsigned cpu);
void gic_enable(unsigned cpu, uint32_t intid, uint8_t priority);
void gic_disable(unsigned cpu, uint32_t intid);
void gic_sgi(unsigned cpu, uint32_t intid);
void gic_mask(uint32_t priority);
uint32_t gic_acknowledge(void); /* IAR */
void gic_end(uint32_t iar);
void gic_look_around(void); /* what the CPU interface has that causes no exit */

/* irq.c: the handler runs with interrupts masked */
extern volatile uint32_t bm_irq_count[1024];
extern volatile uint32_t
    bm_irq_sources[16]; /* of a GICv2's SGIs: the CPUs from which each has come */
extern void (*bm_irq_hook)(uint32_t intid);
extern volatile uint64_t bm_tick;
void gic_tick(uint64_t ticks); /* this CPU's virtual timer, again and again; 0: no more */

/* guest.c: guests that this payload makes */
#define GUEST_RAM    0x40000000ul
#define GUEST_GFN    (GUEST_RAM / PAGE)
#define GUEST_MAILS  0x200000ul   /* offset of the vCPUs' mailboxes in guest RAM, a page each */
#define GUEST_DATA   0x400000ul   /* offset of what tests write to */
#define GUEST_INFO   0x300000ul   /* of the vCPUs' vcpu_info, 64 bytes each, for bench.c */
#define GUEST_SHARED 0x39000000ul /* shared_info, where bench.c maps it */
#define GUEST_BLOCK  16u /* argument blocks lie in the mailbox, from this word of `page` on */
enum guest_command {
    GUEST_IDLE,
    GUEST_WRITE_SET,
    GUEST_WRITE_ALL,
    GUEST_COST,
    GUEST_CHECK,
    GUEST_EXIT,
    GUEST_HYPERCALL, /* number page[0], arguments page[1..4]; result[0] */
    GUEST_LOAD,
    GUEST_STORE, /* `count` bytes (4 or 8) at address `first`; result[0], `value` */
    GUEST_POKE,  /* `count` words from page[GUEST_BLOCK] to address `first` */
    GUEST_WALK,  /* with stage-1 tables at `value`: load at `first`, or with `count` store */
    GUEST_WATCH, /* hold `value` in `count` pages, and exchange them, until `seed` is `value` */
    GUEST_SLEEP,
    GUEST_SOAK,
    GUEST_BENCH,
    GUEST_GIC = GUEST_BENCH,
    GUEST_DIRTY,
    GUEST_YIELD,
    GUEST_SGI,
    GUEST_EVENT,
    GUEST_ANSWER,
    GUEST_READ,
    GUEST_KEEP_WRITING,
};
struct mailbox { /* the payload writes command last; the guest writes done last */
    volatile uint64_t command, done, first, count, seed, value, result[4];
    volatile uint64_t idle_ticks;  /* how long to sleep between two looks at command; 0: yield */
    volatile uint64_t gic_version; /* of the guest's own: the host's */
    volatile uint64_t page[400];
};
struct guest {
    domid_t id;
    unsigned vcpu_count;
    bool silent; /* it did not answer the last time: do not wait so long again */
    uint64_t page_count;
    struct mailbox *mail[8]; /* mapped here */
    uint64_t map_ipa;        /* where foreign maps of it may go */
    struct xen_domctl op;
};
long domctl(struct guest *g, uint32_t cmd); /* g->op.u filled */
bool guest_make(struct guest *g, unsigned vcpu_count, unsigned mib);
bool guest_make_small(struct guest *g,
                      unsigned data_pages); /* one vCPU, single pages, no more than it needs */
bool guest_make_paged(struct guest *g, unsigned vcpu_count,
                      unsigned mib); /* in pages, without blocks */
bool guest_mail(struct guest *g);    /* map its mailboxes, after guest_forget */
void guest_start(struct guest *g);
bool guest_order(struct guest *g, unsigned vcpu, uint64_t command); /* tell and go on */
bool guest_finish(struct guest *g, unsigned vcpu);                  /* wait for it */
bool guest_run(struct guest *g, unsigned vcpu, uint64_t command);   /* both */
uint64_t guest_tell(struct guest *g, uint64_t command, uint64_t first, uint64_t count,
                    uint64_t value); /* vCPU 0; result[0] */
void *guest_block(struct guest *g,
                  unsigned vcpu);        /* for an argument block, in its mailbox: here, */
uint64_t guest_block_ipa(unsigned vcpu); /* and where the guest sees it */
long guest_hypercall_of(struct guest *g, unsigned vcpu, uint64_t number, uint64_t a0, uint64_t a1,
                        uint64_t a2);
void guest_forget(struct guest *g); /* drop the mappings of its mailboxes */
void guest_destroy(struct guest *g);
void *guest_map(struct guest *g, uint64_t gfn,
                unsigned pages); /* foreign map, in this domain's IPA space */
void guest_unmap(struct guest *g, void *p, unsigned pages);
void *guest_space(
    unsigned pages); /* guest-physical addresses of this domain where nothing is mapped yet */
extern char guest_code_start[], guest_code_end[];
/* What runs in them: the width's own program, or with guest=32 on the command line, arm32's on
 * arm64. */
struct guest_program {
    const char *start, *end;
    unsigned address_bits, cpsr;
};
const struct guest_program *guest_program(void); /* arm64/program.c, arm32/program.c */
extern bool guest_is_probe;                      /* arm64: the next guest is aarch32/probe.S */

/* log.c: a guest's dirty log, bit for bit.  `known` pages are dirty in every round: others can
 * write to them at any time. */
#define LOG_GFNS (GUEST_GFN + 0x8000)
void log_watch(struct guest *g); /* known: the mailboxes */
void log_known(uint64_t gfn, bool known);
void log_once(uint64_t gfn);               /* expected in this round */
void log_expect_nothing(void);             /* but the known ones, after all */
long log_op(struct guest *g, uint32_t op); /* shadow_op with the bitmap */
bool log_round(struct guest *g,
               const char *name); /* CLEAN: exactly the known and the expected ones; a check */
bool log_peek(struct guest *g, const char *name); /* PEEK: the same, and they stay expected */

/* the tests */
void test_hypercalls(void);
void test_psci(void);
void test_vgic(void);
void test_timer(void);
void test_guest(void);
void test_cycles(void);
void test_dirty(void);
void test_routes(void);
void test_windows(void);
void test_aarch32(void); /* guests of 32 bits on a host of 64; nothing to do on one of 32 */
void test_errors(void);
void test_vmids(void);
void test_costs(void);
void test_device_map(void);
void test_preempt(void);
void test_exits(void);
void test_soak(void);

/* bench.c: instead of the tests, when the command line has bench=WORK,... */
bool bench_main(const void *fdt);

#pragma GCC visibility pop

#endif
