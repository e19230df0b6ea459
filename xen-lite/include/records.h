/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State records: what XEN_DOMCTL_gethvmcontext returns and XEN_DOMCTL_sethvmcontext takes.
 *
 * A context is a sequence of records.  Each begins with Xen's struct hvm_save_descriptor
 * (public/hvm/save.h: typecode u16, instance u16, length u32).  Its payload is padded with zeroes
 * to 8 bytes; `length` is the size without padding.  XLR_HEADER is first, XLR_END last.  `instance`
 * is the vCPU's number for per-vCPU records and 0 for all others.  All fields are little-endian and
 * naturally aligned.  The hypervisor, the migration daemon and the stream dump share this header,
 * and nothing else of the hypervisor.
 *
 * A typecode that the reader does not know is an error, unless it has XLR_OPTIONAL set.  A record
 * may grow at its end: a reader accepts a longer one than it knows, and refuses one that is too
 * short for it.
 */
#ifndef XL_RECORDS_H
#define XL_RECORDS_H

#include <stdint.h>

#define XLR_MAGIC   0x54534c58u /* "XLST" */
#define XLR_VERSION 1u
/* In a typecode: a reader that does not know the type may skip the record. */
#define XLR_OPTIONAL  0x8000u
#define XLR_MAX_BYTES (256u * 1024) /* no context is larger */
#define XLR_MAX_VCPUS 8u

enum xlr_type {
    XLR_END = 0,
    XLR_HEADER = 1,
    XLR_CPU_FEATURES = 2, /* one: ID registers as the guest reads them */
    XLR_TIME = 3,         /* one */
    XLR_VCPU = 4,         /* per vCPU */
    XLR_FPSIMD = 5,       /* per vCPU */
    XLR_VGIC_DIST = 6,    /* one; XLR_VGIC_IRQ states follow in its payload */
    XLR_VGIC_CPU = 7,     /* per vCPU */
    XLR_VTIMER = 8,       /* per vCPU */
    XLR_PLACES = 9,       /* one: where the guest's shared pages are */
    XLR_EVTCHN = 10,      /* one */
    XLR_GRANT = 11,       /* one */
    XLR_HVM_PARAMS = 12,  /* one */
};

enum xlr_gic { XLR_GIC_V2 = 2, XLR_GIC_V3 = 3 };
enum xlr_width { XLR_WIDTH_64 = 64, XLR_WIDTH_32 = 32 };

struct xlr_header {
    uint32_t magic, version;
    uint32_t gic;   /* enum xlr_gic */
    uint32_t width; /* enum xlr_width, of EL1 */
    uint32_t vcpu_count;
    uint32_t ipa_bits;
    uint64_t counter_hz; /* CNTFRQ */
};
_Static_assert(sizeof(struct xlr_header) == 32, "xlr_header");

/*
 * Index into xlr_cpu_features.reg: the ID registers that a guest reads, sanitised.  If the guest's
 * EL1 is 32-bit, the AArch64 registers are zero (DCZID: DC ZVA prohibited).  If no exception level
 * can be AArch32, its registers are zero.
 */
enum xlr_id_reg {
    XLR_ID_MIDR,
    XLR_ID_CTR,
    XLR_ID_DCZID,
    XLR_ID_CLIDR,
    XLR_ID_PFR0,
    XLR_ID_PFR1,
    XLR_ID_DFR0,
    XLR_ID_DFR1,
    XLR_ID_ISAR0,
    XLR_ID_ISAR1,
    XLR_ID_ISAR2,
    XLR_ID_MMFR0,
    XLR_ID_MMFR1,
    XLR_ID_MMFR2,
    XLR_ID_ZFR0,
    XLR_ID_SMFR0,
    XLR_ID_REG_COUNT_1, /* count in early records: enough for a 64-bit guest */
    /* AArch32's registers, by encoding: (CRm - 1) * 8 + Op2 */
    XLR_ID_A32_PFR0 = XLR_ID_REG_COUNT_1,
    XLR_ID_A32_PFR1,
    XLR_ID_A32_DFR0,
    XLR_ID_A32_AFR0,
    XLR_ID_A32_MMFR0,
    XLR_ID_A32_MMFR1,
    XLR_ID_A32_MMFR2,
    XLR_ID_A32_MMFR3,
    XLR_ID_A32_ISAR0,
    XLR_ID_A32_ISAR1,
    XLR_ID_A32_ISAR2,
    XLR_ID_A32_ISAR3,
    XLR_ID_A32_ISAR4,
    XLR_ID_A32_ISAR5,
    XLR_ID_A32_MMFR4,
    XLR_ID_A32_ISAR6,
    XLR_ID_A32_MVFR0,
    XLR_ID_A32_MVFR1,
    XLR_ID_A32_MVFR2,
    XLR_ID_A32_RES_33,
    XLR_ID_A32_PFR2,
    XLR_ID_A32_DFR1,
    XLR_ID_A32_MMFR5,
    XLR_ID_A32_RES_37,
    XLR_ID_REG_COUNT
};
struct xlr_cpu_features {
    uint32_t count; /* the writer's XLR_ID_REG_COUNT */
    uint32_t pad;
    uint64_t reg[XLR_ID_REG_COUNT];
};

/*
 * The guest's virtual counter (CNTVCT_EL0) when the context was taken.  sethvmcontext makes the
 * guest's counter read `counter` at that moment.  The daemon adds the downtime to `counter` before,
 * so that the guest's clock includes it.
 */
struct xlr_time {
    uint64_t counter;
    uint64_t counter_hz;
};

enum xlr_sysreg {
    XLR_SYS_SCTLR,
    XLR_SYS_ACTLR,
    XLR_SYS_CPACR,
    XLR_SYS_TTBR0,
    XLR_SYS_TTBR1,
    XLR_SYS_TCR,
    XLR_SYS_MAIR,
    XLR_SYS_AMAIR,
    XLR_SYS_VBAR,
    XLR_SYS_CONTEXTIDR,
    XLR_SYS_TPIDR_EL0,
    XLR_SYS_TPIDRRO_EL0,
    XLR_SYS_TPIDR_EL1,
    XLR_SYS_ESR,
    XLR_SYS_AFSR0,
    XLR_SYS_AFSR1,
    XLR_SYS_FAR,
    XLR_SYS_PAR,
    XLR_SYS_CSSELR,
    XLR_SYS_MDSCR,
    XLR_SYS_DACR32,
    XLR_SYS_IFSR32,
    XLR_SYS_FPEXC32,
    XLR_SYS_APIAKEYLO,
    XLR_SYS_APIAKEYHI,
    XLR_SYS_APIBKEYLO,
    XLR_SYS_APIBKEYHI,
    XLR_SYS_APDAKEYLO,
    XLR_SYS_APDAKEYHI,
    XLR_SYS_APDBKEYLO,
    XLR_SYS_APDBKEYHI,
    XLR_SYS_APGAKEYLO,
    XLR_SYS_APGAKEYHI,
    XLR_SYS_COUNT
};
#define XLR_VCPU_ONLINE  1u /* powered on (PSCI) */
#define XLR_VCPU_WAITING 2u /* in WFI, or blocked in SCHEDOP_block/poll */
struct xlr_vcpu {
    uint64_t x[31];
    uint64_t pc, pstate;
    uint64_t sp_el0, sp_el1, elr_el1, spsr_el1;
    uint64_t spsr_abt, spsr_und, spsr_irq, spsr_fiq;
    uint64_t mpidr;
    uint32_t flags;
    uint32_t sysreg_count; /* the writer's XLR_SYS_COUNT */
    uint64_t sysreg[XLR_SYS_COUNT];
};

struct xlr_fpsimd {
    uint64_t v[64]; /* V0..V31, low doubleword first */
    uint32_t fpsr, fpcr;
};

/* State of one interrupt; `flags`: */
#define XLR_IRQ_ENABLED 1u
#define XLR_IRQ_PENDING 2u /* latched */
#define XLR_IRQ_ACTIVE  4u
#define XLR_IRQ_EDGE    8u
#define XLR_IRQ_LINE    16u /* input line is high (level) */
#define XLR_IRQ_GROUP1  32u
struct xlr_irq {
    uint8_t flags, priority;
    /* GICv2 SGI: pending source CPUs, one bit per CPU; PENDING is set if there are any */
    uint8_t sources;
    uint8_t active_source; /* GICv2 SGI that is active: its source CPU */
    /* GICv3 SPI: Aff3<<24 | Aff2<<16 | Aff1<<8 | Aff0, or bit 31 for any PE; GICv2: target mask */
    uint32_t affinity;
};
struct xlr_vgic_dist {
    uint32_t ctlr; /* GICD_CTLR; for GICv3 with ARE and DS set */
    uint32_t
        spi_count; /* a multiple of 32; `struct xlr_irq irq[spi_count]` follows, INTID 32 first */
};
/*
 * The CPU interface, in the form of GICv3's registers.  GICH_VMCR has the same fields at the same
 * places, except that its priority mask has only the upper five bits.
 */
struct xlr_vgic_cpu {
    uint32_t vmcr;  /* ICH_VMCR_EL2 */
    uint32_t waker; /* GICR_WAKER; GICv2: 0 */
    uint32_t ap0r[4],
        ap1r[4]; /* ICH_AP<g>R<n>_EL2; GICH_APR, which covers both groups, is ap1r[0] */
    uint32_t pad[2];
    struct xlr_irq irq[32]; /* SGIs and PPIs */
};

struct xlr_vtimer {
    uint64_t virt_cval, phys_cval; /* in guest counter ticks */
    uint32_t virt_ctl, phys_ctl;
    uint32_t cntkctl, pad;
};

#define XLR_NOWHERE (~0ull)
struct xlr_places {
    uint64_t shared_info_gfn; /* or XLR_NOWHERE */
    uint32_t vcpu_count, pad;
    struct {
        /* Where vcpu_info was registered, or XLR_NOWHERE: it is in shared_info. */
        uint64_t vcpu_info_gpa;
        uint64_t runstate_gva; /* VCPUOP_register_runstate_memory_area: a virtual address, or 0 */
        uint64_t runstate_gpa; /* what it translates to, or XLR_NOWHERE */
        uint64_t reserved;
    } vcpu[XLR_MAX_VCPUS];
};

struct xlr_evtchn_port {
    uint32_t port;
    uint16_t state; /* EVTCHNSTAT_* of public/event_channel.h */
    uint16_t remote_dom;
    uint32_t remote_port;
    uint32_t vcpu; /* vCPU that is notified */
};
#define XLR_EVTCHN_MAX 4096u
struct xlr_evtchn {
    uint32_t count, pad; /* `struct xlr_evtchn_port port[count]` follows */
};

#define XLR_GRANT_MAX_FRAMES 64u
struct xlr_grant {
    uint32_t version; /* 1 */
    uint32_t frame_count;
    uint64_t gfn[XLR_GRANT_MAX_FRAMES]; /* where each frame is mapped, or XLR_NOWHERE */
};

struct xlr_hvm_params {
    uint32_t count, pad; /* `struct { uint64_t index, value; } param[count]` follows */
};

#endif
