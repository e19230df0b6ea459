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
#define PSCI_CPU_ON        0x84000003u
#define PSCI_AFFINITY_INFO 0x84000004u
#define GUEST_ADDRESS_BITS 32u
#define GUEST_CPSR         0x1d3u /* Supervisor mode; A, I and F masked */
#define GUEST_SCTLR        0x00c50078u

/* The payload maps its memory 1:1.  No memory of this domain is at these addresses.  NOWHERE is RAM
 * of the machine: stock Xen maps device addresses on access, but not RAM. */
#define SPACE     0x80000000ul /* 1 GiB for pages of other domains */
#define NOWHERE   0x7ff00000ul
#define SPARE_GIB 3u /* GiB of virtual addresses for bm_readonly */

/* One hypercall, made by a guest. */
static inline long guest_hypercall(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2,
                                   uint64_t a3)
{
    register uint32_t r0 __asm__("r0") = (uint32_t)a0;
    register uint32_t r1 __asm__("r1") = (uint32_t)a1;
    register uint32_t r2 __asm__("r2") = (uint32_t)a2;
    register uint32_t r3 __asm__("r3") = (uint32_t)a3;
    register uint32_t r4 __asm__("r4") = 0;
    register uint32_t r12 __asm__("r12") = (uint32_t)number;
    __asm__ volatile(".arch_extension virt\n\thvc #0xea1"
                     : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r4)
                     : "r"(r12)
                     : "memory");
    return (long)r0;
}

static inline long guest_psci(unsigned long function, unsigned long a, unsigned long b,
                              unsigned long c)
{
    register unsigned long r0 __asm__("r0") = function;
    register unsigned long r1 __asm__("r1") = a;
    register unsigned long r2 __asm__("r2") = b;
    register unsigned long r3 __asm__("r3") = c;
    __asm__ volatile(".arch_extension virt\n\thvc #0"
                     : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)
                     :
                     : "memory");
    return (long)r0;
}

/* ---- order, sleep, interrupts ---- */
static inline void barrier(void) { __asm__ volatile("dmb sy" ::: "memory"); }
static inline void nop(void) { __asm__ volatile("nop"); }
static inline void wait_for_interrupt(void) { __asm__ volatile("wfi" ::: "memory"); }
static inline void irq_on(void) { __asm__ volatile("cpsie i" ::: "memory"); }
static inline void irq_off(void) { __asm__ volatile("cpsid i" ::: "memory"); }

/* ---- time ---- */
static inline uint64_t bm_counter(void)
{
    uint64_t t;
    /* CNTVCT */
    __asm__ volatile("isb\n\tmrrc p15, 1, %Q0, %R0, c14\n\tisb" : "=r"(t) : : "memory");
    return t;
}
/* No barrier: later instructions may start before the counter is read. */
static inline uint64_t guest_ticks(void)
{
    uint64_t t;
    __asm__ volatile("isb\n\tmrrc p15, 1, %Q0, %R0, c14" : "=r"(t) : : "memory");
    return t;
}
static inline uint64_t bm_counter_hz(void)
{
    uint32_t hz;
    __asm__("mrc p15, 0, %0, c14, c0, 0" : "=r"(hz)); /* CNTFRQ */
    return hz;
}

static inline void virtual_timer_start(uint64_t ticks) /* CNTV_TVAL, CNTV_CTL */
{
    __asm__ volatile("mcr p15, 0, %0, c14, c3, 0\n\tmcr p15, 0, %1, c14, c3, 1\n\tisb"
                     :
                     : "r"((uint32_t)ticks), "r"(1)
                     : "memory");
}
static inline void virtual_timer_stop(void)
{
    __asm__ volatile("mcr p15, 0, %0, c14, c3, 1\n\tisb" : : "r"(2) : "memory");
}
static inline void physical_timer_start(uint64_t ticks) /* CNTP_TVAL, CNTP_CTL */
{
    __asm__ volatile("mcr p15, 0, %0, c14, c2, 0\n\tmcr p15, 0, %1, c14, c2, 1\n\tisb"
                     :
                     : "r"((uint32_t)ticks), "r"(1)
                     : "memory");
}
static inline void physical_timer_stop(void)
{
    __asm__ volatile("mcr p15, 0, %0, c14, c2, 1\n\tisb" : : "r"(2) : "memory");
}

/* ---- a GICv3's CPU interface ---- */
static inline void icc_write_pmr(uint32_t priority)
{
    __asm__ volatile("mcr p15, 0, %0, c4, c6, 0\n\tisb" : : "r"(priority) : "memory");
}
static inline void icc_start(uint32_t priority)
{
    __asm__ volatile("mcr p15, 0, %0, c12, c12, 5\n\tisb" : : "r"(1) : "memory"); /* ICC_SRE */
    icc_write_pmr(priority);
    __asm__ volatile("mcr p15, 0, %0, c12, c12, 7\n\tisb" : : "r"(1) : "memory"); /* ICC_IGRPEN1 */
}
static inline uint32_t icc_acknowledge(void)
{
    uint32_t intid;
    __asm__ volatile("mrc p15, 0, %0, c12, c12, 0" : "=r"(intid) : : "memory"); /* ICC_IAR1 */
    return intid;
}
static inline void icc_end(uint32_t intid)
{
    /* ICC_EOIR1 */
    __asm__ volatile("mcr p15, 0, %0, c12, c12, 1\n\tisb" : : "r"(intid) : "memory");
}
static inline void icc_send(uint64_t sgi)
{
    /* ICC_SGI1R */
    __asm__ volatile("dsb sy\n\tmcrr p15, 0, %Q0, %R0, c12\n\tisb" : : "r"(sgi) : "memory");
}

/* Priority mask, running and pending priority, a spurious acknowledge: accesses that must cause no
 * exit. */
static inline void icc_look_around(void)
{
    uint32_t v;
    __asm__ volatile("mcr p15, 0, %1, c4, c6, 0\n\t" /* ICC_PMR */
                     "mrc p15, 0, %0, c4, c6, 0\n\t"
                     "mrc p15, 0, %0, c12, c11, 3\n\t" /* ICC_RPR */
                     "mrc p15, 0, %0, c12, c12, 2\n\t" /* ICC_HPPIR1 */
                     "mrc p15, 0, %0, c12, c12, 0\n\t" /* ICC_IAR1: spurious */
                     "mcr p15, 0, %2, c12, c12, 3\n\t" /* ICC_BPR1 */
                     "mcr p15, 0, %3, c4, c6, 0\n\tisb"
                     : "=&r"(v)
                     : "r"(0x80), "r"(3), "r"(0xf0));
}

/* ---- devices: only loads and stores without writeback, which the hypervisor can emulate ---- */
static inline uint32_t mmio_read(uint64_t at)
{
    uint32_t v;
    __asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"((uint32_t)at) : "memory");
    return v;
}
static inline void mmio_write(uint64_t at, uint32_t value)
{
    __asm__ volatile("str %0, [%1]" : : "r"(value), "r"((uint32_t)at) : "memory");
}
static inline void mmio_write8(uint64_t at, uint8_t value)
{
    __asm__ volatile("strb %0, [%1]" : : "r"(value), "r"((uint32_t)at) : "memory");
}

/* ---- memory ---- */
static inline void copy_page(void *to, const void *from)
{
    const char *end = (const char *)to + 4096;
    __asm__ volatile(
        "1: ldm %1!, {r4, r5, r6, r8}\n\tstm %0!, {r4, r5, r6, r8}\n\tcmp %0, %2\n\tblo 1b"
        : "+r"(to), "+r"(from)
        : "r"(end)
        : "r4", "r5", "r6", "r8", "memory", "cc");
}

/* Makes a change of stage 1 take effect. */
static inline void stage1_flush(void)
{
    __asm__ volatile("dsb sy\n\tmcr p15, 0, %0, c8, c3, 0\n\tdsb sy\n\tisb" : : "r"(0) : "memory");
}

/* True if the hardware manages the flags of stage-1 leaves.  Armv7 cannot. */
static inline bool stage1_manages_flags(void) { return false; }

/* Turns a guest's MMU on, with long-descriptor tables at `root`.  Returns the value for
 * stage1_off. */
static inline uint64_t stage1_on(uint64_t root)
{
    uint32_t off;
    /* TTBCR: EAE; walks inner shareable, write-back. */
    __asm__ volatile("mcr p15, 0, %0, c10, c2, 0\n\t"             /* MAIR0 */
                     "mcr p15, 0, %1, c2, c0, 2\n\tisb\n\t"       /* TTBCR */
                     "mcrr p15, 0, %Q2, %R2, c2\n\tisb\n\t"       /* TTBR0 */
                     "mcr p15, 0, %0, c8, c7, 0\n\tdsb sy\n\tisb" /* TLBIALL */
                     :
                     : "r"(0xff), "r"(0x80003500u), "r"(root)
                     : "memory");
    __asm__ volatile(
        "mrc p15, 0, %0, c1, c0, 0\n\torr r12, %0, #1\n\tmcr p15, 0, r12, c1, c0, 0\n\tisb"
        : "=&r"(off)
        :
        : "r12", "memory");
    return off;
}
static inline void stage1_off(uint64_t off)
{
    __asm__ volatile("mcr p15, 0, %0, c1, c0, 0\n\tisb" : : "r"((uint32_t)off) : "memory");
}

#endif
