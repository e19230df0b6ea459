/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bare-metal test payload.  It boots as the control domain of xen-lite, or of stock Xen for
 * comparison, makes guests of its own through domctl, and prints one line per check through
 * console_io:
 *
 *   ok NAME
 *   not ok NAME - WHY
 *   cost NAME N    N instructions (meaningful under -icount shift=0)
 *   hold NAME N    the longest time that one hypercall kept its CPU, in ns
 *                  (under -icount: in instructions)
 *   count NAME N   exits to the hypervisor per event
 *
 * The last line is "bm: N passed, N failed"; then the payload powers the machine off.
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

/* The payload is one image that runs wherever it is loaded: hidden symbols need no GOT. */
#pragma GCC visibility push(hidden)

#define PAGE 4096u
/* Who uses which part of SPACE, the guest-physical range where nothing is mapped at boot: */
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
void *bm_alloc(unsigned pages); /* zeroed; never freed */
uint64_t bm_random(uint64_t *state);
/* This domain's shared_info page, or NULL.  All event channels start masked, because a pending
 * event would keep this domain from sleeping. */
struct shared_info *bm_shared(void);
/* true when time counts instructions (-icount): measured times can then be checked */
bool bm_is_icount(void);
bool bm_wait(volatile uint64_t *word, uint64_t value, unsigned ms);
bool bm_is_xen_lite(void);
void *bm_readonly(void *p); /* the same memory, mapped read-only by stage 1 */
/* free pages of the machine, after a short wait for late releases */
uint64_t bm_free_pages(void);
bool bm_has_option(const char *text); /* true if the hypervisor's command line has `text` */
bool bm_is_debug(void);               /* true on a xen-lite built by `make debug` */
void bm_debug_key(char key);
/* The counters of XEN_SYSCTL_perfc_op, in the order of xen-lite's perfc.c. */
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
    uint32_t exits[BM_EXIT_COUNT][2] /* 0: control domain, 1: guests */,
        splits[2] /* 0: on a write fault, 1: in the background */, longest_ns[43];
};
bool bm_counters(struct bm_counters *c);
void bm_counters_reset(void);
bool bm_faults(void (*fn)(void)); /* true if the one access that fn makes aborts */
extern unsigned bm_failed, bm_passed;

/* bootargs.c: reads the device tree.  bm_option returns the number of `name=NUMBER` on this
 * payload's command line, or -1 if the option is absent. */
void bm_read_tree(const void *fdt);
int64_t bm_option(const char *name);

/* test_basic.c: the second CPU runs this function once it is up; without one it waits for
 * interrupts. */
extern void (*bm_secondary_work)(void);
bool bm_second_cpu(void); /* start the second CPU; false: there is none */

/* arm64/start.S, arm32/start.S */
unsigned long smccc(unsigned long fn, unsigned long a, unsigned long b, unsigned long c);
/* takes up to five arguments, each of register size; hypercall() casts them */
long bm_hypercall(unsigned long nr, ...);
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

/* gic.c: a GICv2 or a GICv3, at the addresses of QEMU's virt machine. */
#define DOM0_GICD 0x08000000ul
#define DOM0_GICR 0x080a0000ul /* GICv3 only */
extern unsigned gic_version;   /* bootargs.c */
void gic_start(unsigned cpu);
void gic_enable(unsigned cpu, uint32_t intid, uint8_t priority);
void gic_disable(unsigned cpu, uint32_t intid);
void gic_sgi(unsigned cpu, uint32_t intid);
void gic_mask(uint32_t priority);
uint32_t gic_acknowledge(void); /* IAR */
void gic_end(uint32_t iar);
void gic_look_around(void); /* use the CPU interface registers that must cause no exit */

/* irq.c: bm_irq_hook runs with interrupts masked. */
extern volatile uint32_t bm_irq_count[1024];
/* GICv2: per SGI, the mask of CPUs that have sent it. */
extern volatile uint32_t bm_irq_sources[16];
extern void (*bm_irq_hook)(uint32_t intid);
extern volatile uint64_t bm_tick;
void gic_tick(uint64_t ticks); /* this CPU's virtual timer, periodic; 0 stops it */

/* guest.c: making guests and giving them commands. */
#define GUEST_RAM 0x40000000ul
#define GUEST_GFN (GUEST_RAM / PAGE)
/* offset in guest RAM of the vCPUs' mailboxes, one page per vCPU */
#define GUEST_MAILS  0x200000ul
#define GUEST_DATA   0x400000ul   /* offset in guest RAM of the pages that tests write to */
#define GUEST_INFO   0x300000ul   /* offset of the vCPUs' vcpu_info, 64 bytes each (bench.c) */
#define GUEST_SHARED 0x39000000ul /* where bench.c maps shared_info */
/* Hypercall argument blocks lie in the mailbox, from this word of `page` on. */
#define GUEST_BLOCK 16u
enum guest_command {
    GUEST_IDLE,
    GUEST_WRITE_SET,
    GUEST_WRITE_ALL,
    GUEST_COST,
    GUEST_CHECK,
    GUEST_EXIT,
    GUEST_HYPERCALL, /* number in page[0], arguments in page[1..4], result in result[0] */
    /* `count` bytes (4 or 8) at address `first`: a load to result[0], a store of `value` */
    GUEST_LOAD,
    GUEST_STORE,
    GUEST_POKE, /* copy `count` words from page[GUEST_BLOCK] to address `first` */
    /* MMU on, stage-1 tables at `value`: load at `first`, or store if `count` is not 0 */
    GUEST_WALK,
    /* Keep `value` in `count` pages, check it and exchange the pages, until `seed` is `value`. */
    GUEST_WATCH,
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
struct mailbox { /* The payload writes `command` last; the guest writes `done` last. */
    volatile uint64_t command, done, first, count, seed, value, result[4];
    /* How long an idle vCPU sleeps between two reads of `command`; 0: it yields instead. */
    volatile uint64_t idle_ticks;
    volatile uint64_t gic_version; /* version of the guest's GIC: the host's */
    volatile uint64_t page[400];
};
struct guest {
    domid_t id;
    unsigned vcpu_count;
    bool silent; /* it missed its last answer: wait less from now on */
    uint64_t page_count;
    struct mailbox *mail[8]; /* mailboxes, mapped in this domain */
    uint64_t map_ipa;        /* where its pages may be mapped in this domain */
    struct xen_domctl op;
};
long domctl(struct guest *g, uint32_t cmd); /* the caller has filled g->op.u */
bool guest_make(struct guest *g, unsigned vcpu_count, unsigned mib);
/* One vCPU, 4 KiB pages, and only the pages that its program needs. */
bool guest_make_small(struct guest *g, unsigned data_pages);
/* Memory by 4 KiB pages in an order that allows no block. */
bool guest_make_paged(struct guest *g, unsigned vcpu_count, unsigned mib);
bool guest_mail(struct guest *g); /* map its mailboxes again, after guest_forget */
void guest_start(struct guest *g);
/* give a command and return at once */
bool guest_order(struct guest *g, unsigned vcpu, uint64_t command);
/* wait until the command is done */
bool guest_finish(struct guest *g, unsigned vcpu);
bool guest_run(struct guest *g, unsigned vcpu, uint64_t command); /* order and finish */
/* Run a command on vCPU 0; returns result[0]. */
uint64_t guest_tell(struct guest *g, uint64_t command, uint64_t first, uint64_t count,
                    uint64_t value);
/* Space for an argument block in a vCPU's mailbox: its address here, and its IPA in the guest. */
void *guest_block(struct guest *g, unsigned vcpu);
uint64_t guest_block_ipa(unsigned vcpu);
long guest_hypercall_of(struct guest *g, unsigned vcpu, uint64_t number, uint64_t a0, uint64_t a1,
                        uint64_t a2);
void guest_forget(struct guest *g); /* unmap its mailboxes here */
void guest_destroy(struct guest *g);
/* Map the guest's pages in this domain (XENMAPSPACE_gmfn_foreign); NULL on failure. */
void *guest_map(struct guest *g, uint64_t gfn, unsigned pages);
void guest_unmap(struct guest *g, void *p, unsigned pages);
/* Reserve guest-physical addresses of this domain where nothing is mapped. */
void *guest_space(unsigned pages);
extern char guest_code_start[], guest_code_end[];
/* The guests' program: the one of this width, or with guest=32 on arm64's command line arm32's. */
struct guest_program {
    const char *start, *end;
    unsigned address_bits, cpsr;
};
const struct guest_program *guest_program(void); /* arm64/program.c, arm32/program.c */
extern bool guest_is_probe;                      /* arm64: the next guest runs aarch32/probe.S */

/* log.c: compares a guest's dirty log with what a test expects, bit for bit.  "Known" pages are
 * dirty in every round, because this domain has them mapped and may write to them at any time. */
#define LOG_GFNS (GUEST_GFN + 0x8000)
void log_watch(struct guest *g); /* start anew; only the mailboxes are known */
void log_known(uint64_t gfn, bool known);
void log_once(uint64_t gfn);               /* expect this page in the current round */
void log_expect_nothing(void);             /* drop all expected pages; known ones stay */
long log_op(struct guest *g, uint32_t op); /* one shadow_op call with the bitmap */
/* One check: CLEAN reports exactly the known and the expected pages. */
bool log_round(struct guest *g, const char *name);
/* One check: PEEK reports the same pages.  They stay expected. */
bool log_peek(struct guest *g, const char *name);

/* The tests: */
void test_hypercalls(void);
void test_psci(void);
void test_vgic(void);
void test_timer(void);
void test_guest(void);
void test_cycles(void);
void test_dirty(void);
void test_routes(void);
void test_windows(void);
void test_aarch32(void); /* 32-bit guests on a 64-bit host; empty on arm32 */
void test_errors(void);
void test_vmids(void);
void test_costs(void);
void test_device_map(void);
void test_preempt(void);
void test_exits(void);
void test_soak(void);

/* bench.c: runs instead of the tests when the command line has bench=WORK,... */
bool bench_main(const void *fdt);

#pragma GCC visibility pop

#endif
