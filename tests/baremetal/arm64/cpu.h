/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The payload's and its guests' access to the processor, and the parts of the ABI that depend on
 * the width.  Both widths have this header, with the same names.  Guests use it too, so all of it
 * is inline.
 */
#ifndef BM_CPU_H
#define BM_CPU_H

#include <stdbool.h>
#include <stdint.h>

/* ---- the ABI ---- */
#define PSCI_CPU_ON        0xc4000003u
#define PSCI_AFFINITY_INFO 0xc4000004u
#define GUEST_ADDRESS_BITS 64u
#define GUEST_CPSR         0x3c5u /* EL1h; D, A, I and F masked */
#define GUEST_SCTLR        0x00c50078u

/* The payload maps its memory 1:1.  No memory of this domain is at these addresses. */
#define SPACE     0x2000000000ul /* 1 GiB for pages of other domains */
#define NOWHERE   0x7f00000000ul
#define SPARE_GIB 400u /* GiB of virtual addresses for bm_readonly */

/* One hypercall, made by a guest. */
static inline long guest_hypercall(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2,
                                   uint64_t a3)
{
    register uint64_t x0 __asm__("x0") = a0;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    register uint64_t x3 __asm__("x3") = a3;
    register uint64_t x4 __asm__("x4") = 0;
    register uint64_t x16 __asm__("x16") = number;
    __asm__ volatile("hvc #0xea1"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4)
                     : "r"(x16)
                     : "memory");
    return (long)x0;
}

static inline long guest_psci(unsigned long function, unsigned long a, unsigned long b,
                              unsigned long c)
{
    register unsigned long x0 __asm__("x0") = function;
    register unsigned long x1 __asm__("x1") = a;
    register unsigned long x2 __asm__("x2") = b;
    register unsigned long x3 __asm__("x3") = c;
    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
    return (long)x0;
}

/* Can EL1 run in AArch32? */
static inline bool bm_el1_has_aarch32(void)
{
    uint64_t pfr0;
    __asm__("mrs %0, id_aa64pfr0_el1" : "=r"(pfr0));
    return (pfr0 >> 4 & 15) == 2;
}

/* ---- order, sleep, interrupts ---- */
static inline void barrier(void) { __asm__ volatile("dmb sy" ::: "memory"); }
static inline void nop(void) { __asm__ volatile("nop"); }
static inline void wait_for_interrupt(void) { __asm__ volatile("wfi" ::: "memory"); }
static inline void irq_on(void) { __asm__ volatile("msr daifclr, #2" ::: "memory"); }
static inline void irq_off(void) { __asm__ volatile("msr daifset, #2" ::: "memory"); }

/* ---- time ---- */
static inline uint64_t bm_counter(void)
{
    uint64_t t;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(t) : : "memory");
    return t;
}
/* No barrier: later instructions may start before the counter is read. */
static inline uint64_t guest_ticks(void)
{
    uint64_t t;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(t) : : "memory");
    return t;
}
static inline uint64_t bm_counter_hz(void)
{
    uint64_t f;
    __asm__("mrs %0, cntfrq_el0" : "=r"(f));
    return f;
}

static inline void virtual_timer_start(uint64_t ticks)
{
    __asm__ volatile("msr cntv_tval_el0, %0\n\tmsr cntv_ctl_el0, %1\n\tisb"
                     :
                     : "r"(ticks), "r"(1ul)
                     : "memory");
}
static inline void virtual_timer_stop(void)
{
    __asm__ volatile("msr cntv_ctl_el0, %0\n\tisb" : : "r"(2ul) : "memory");
}
static inline void physical_timer_start(uint64_t ticks)
{
    __asm__ volatile("msr cntp_tval_el0, %0\n\tmsr cntp_ctl_el0, %1\n\tisb"
                     :
                     : "r"(ticks), "r"(1ul)
                     : "memory");
}
static inline void physical_timer_stop(void)
{
    __asm__ volatile("msr cntp_ctl_el0, %0\n\tisb" : : "r"(2ul) : "memory");
}

/* ---- a GICv3's CPU interface ---- */
static inline void icc_write_pmr(uint32_t priority)
{
    __asm__ volatile("msr S3_0_C4_C6_0, %0\n\tisb" : : "r"((uint64_t)priority) : "memory");
}
static inline void icc_start(uint32_t priority)
{
    __asm__ volatile("msr S3_0_C12_C12_5, %0\n\tisb" : : "r"(1ul) : "memory"); /* ICC_SRE_EL1 */
    icc_write_pmr(priority);
    __asm__ volatile("msr S3_0_C12_C12_7, %0\n\tisb" : : "r"(1ul) : "memory"); /* ICC_IGRPEN1_EL1 */
}
static inline uint32_t icc_acknowledge(void)
{
    uint64_t intid;
    __asm__ volatile("mrs %0, S3_0_C12_C12_0" : "=r"(intid) : : "memory"); /* ICC_IAR1_EL1 */
    return (uint32_t)intid;
}
static inline void icc_end(uint32_t intid)
{
    /* ICC_EOIR1_EL1 */
    __asm__ volatile("msr S3_0_C12_C12_1, %0\n\tisb" : : "r"((uint64_t)intid) : "memory");
}
static inline void icc_send(uint64_t sgi)
{
    /* ICC_SGI1R_EL1 */
    __asm__ volatile("dsb sy\n\tmsr S3_0_C12_C11_5, %0\n\tisb" : : "r"(sgi) : "memory");
}

/* Priority mask, running and pending priority, a spurious acknowledge: accesses that must cause no
 * exit. */
static inline void icc_look_around(void)
{
    uint64_t v;
    __asm__ volatile("msr S3_0_C4_C6_0, %1\n\t" /* ICC_PMR_EL1 */
                     "mrs %0, S3_0_C4_C6_0\n\t"
                     "mrs %0, S3_0_C12_C11_3\n\t" /* ICC_RPR_EL1 */
                     "mrs %0, S3_0_C12_C12_2\n\t" /* ICC_HPPIR1_EL1 */
                     "mrs %0, S3_0_C12_C12_0\n\t" /* ICC_IAR1_EL1: spurious */
                     "msr S3_0_C12_C12_3, %2\n\t" /* ICC_BPR1_EL1 */
                     "msr S3_0_C4_C6_0, %3\n\tisb"
                     : "=&r"(v)
                     : "r"(0x80ul), "r"(3ul), "r"(0xf0ul));
}

/* ---- devices: only loads and stores that the hypervisor can emulate ---- */
static inline uint32_t mmio_read(uint64_t at) { return *(volatile uint32_t *)at; }
static inline void mmio_write(uint64_t at, uint32_t value) { *(volatile uint32_t *)at = value; }
static inline void mmio_write8(uint64_t at, uint8_t value) { *(volatile uint8_t *)at = value; }

/* ---- memory ---- */
static inline void copy_page(void *to, const void *from)
{
    uint64_t a, b, c, d, end = (uint64_t)to + 4096;
    __asm__ volatile("1: ldp %2, %3, [%1], #16\n\tldp %4, %5, [%1], #16\n\t"
                     "stp %2, %3, [%0], #16\n\tstp %4, %5, [%0], #16\n\t"
                     "cmp %0, %6\n\tb.lo 1b"
                     : "+r"(to), "+r"(from), "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d)
                     : "r"(end)
                     : "memory", "cc");
}

/* Makes a change of stage 1 take effect. */
static inline void stage1_flush(void)
{
    __asm__ volatile("dsb sy\n\ttlbi vmalle1is\n\tdsb sy\n\tisb" ::: "memory");
}

/* True if the hardware manages the flags of stage-1 leaves. */
static inline bool stage1_manages_flags(void)
{
    uint64_t mmfr1;
    __asm__("mrs %0, id_aa64mmfr1_el1" : "=r"(mmfr1));
    return (mmfr1 & 15) >= 2;
}

/* Turns a guest's MMU on, with tables for 39 bits at `root`.  Returns the value for stage1_off. */
static inline uint64_t stage1_on(uint64_t root)
{
    /* TCR_EL1: 39 bits of virtual addresses; HA, HD. */
    const uint64_t tcr = 25 | 1ul << 8 | 1ul << 10 | 3ul << 12 | 1ul << 23 | 2ul << 32 | 3ul << 39;
    uint64_t off;
    __asm__ volatile("msr mair_el1, %0\n\tmsr tcr_el1, %1\n\tmsr ttbr0_el1, %2\n\tisb\n\t"
                     "tlbi vmalle1\n\tdsb sy\n\tisb"
                     :
                     : "r"(0xfful), "r"(tcr), "r"(root)
                     : "memory");
    __asm__ volatile("mrs %0, sctlr_el1\n\torr x9, %0, #1\n\tmsr sctlr_el1, x9\n\tisb"
                     : "=&r"(off)
                     :
                     : "x9", "memory");
    return off;
}
static inline void stage1_off(uint64_t off)
{
    __asm__ volatile("msr sctlr_el1, %0\n\tisb" : : "r"(off) : "memory");
}

#endif
