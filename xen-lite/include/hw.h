/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core's interface to the drivers of the machine.  The interrupt controller is a table of
 * functions: GICv2 or GICv3, chosen by the device tree.
 */
#ifndef XL_HW_H
#define XL_HW_H

#include "types.h"

enum {
    INTID_SGI_KICK = 0,
    INTID_PPI_MAINTENANCE = 25,
    INTID_PPI_HYP_TIMER = 26,
    INTID_PPI_VTIMER = 27,
    INTID_PPI_PTIMER = 30,
    INTID_SPI = 32,
    INTID_SPURIOUS = 1020
};

/* A list register in canonical form; the driver converts it to the hardware's format. */
struct gic_lr {
    uint32_t virt; /* virtual INTID */
    uint32_t phys; /* physical INTID when `hw` */
    uint8_t priority;
    uint8_t source;                        /* GICv2 SGI: source CPU */
    bool hw, pending, active, group1, eoi; /* eoi: maintenance interrupt on EOI */
};
struct gic_vcpu_regs { /* per-vCPU hardware state apart from list registers */
    uint32_t hcr;
    /*
     * As ICH_VMCR_EL2.  GICH_VMCR has the same fields, except that its priority mask has only the
     * upper five bits.
     */
    uint32_t vmcr;
    uint32_t ap0r[4], ap1r[4]; /* GICv2 has one register for both groups: ap1r[0] */
};
struct gic_driver {
    const char *name;
    unsigned version; /* 2 or 3 */
    /* The distributor was initialised by probe; this is for the CPU's own interface. */
    void (*cpu_init)(void);
    uint32_t (*ack)(void);       /* INTID; INTID_SPURIOUS or greater: none */
    void (*eoi)(uint32_t intid); /* priority drop (EOImode 1) */
    void (*deactivate)(uint32_t intid);
    void (*send_sgi)(unsigned cpu, uint32_t intid);
    void (*enable)(uint32_t intid), (*disable)(uint32_t intid);
    void (*set_type)(uint32_t intid, bool edge);
    void (*set_priority)(uint32_t intid, uint8_t priority);
    void (*route)(uint32_t intid, unsigned cpu);
    void (*set_pending)(uint32_t intid, bool pending), (*set_active)(uint32_t intid, bool active);
    /* Virtual interface of this CPU. */
    void (*lr_write)(unsigned n, const struct gic_lr *lr);
    void (*lr_read)(unsigned n, struct gic_lr *lr);
    void (*lr_clear)(unsigned n);
    uint32_t (*lr_empty)(void); /* ELRSR: bit n is set if LR n is empty */
    uint32_t (*misr)(void);
    void (*load)(const struct gic_vcpu_regs *r), (*save)(struct gic_vcpu_regs *r);
    void (*set_hcr)(uint32_t hcr);
};
#define GICH_HCR_EN   1u
#define GICH_HCR_UIE  2u /* underflow: interrupt if at most one list register is in use */
#define GICH_HCR_NPIE 8u /* interrupt if no list register is pending */
extern const struct gic_driver *gic; /* set by gic_probe */
struct gic_info {
    unsigned lr_count, irq_count; /* irq_count: INTIDs of the distributor */
    unsigned priority_bits, pre_bits;
    /* Addresses, for guests' maps and for hiding the frames from dom0. */
    paddr_t dist;
    uint64_t dist_bytes;
    paddr_t redist;
    uint64_t redist_bytes; /* GICv3: first region */
    paddr_t cpu_if;
    uint64_t cpu_if_bytes; /* GICv2 */
    paddr_t hyp_if;
    uint64_t hyp_if_bytes; /* GICv2: GICH */
    paddr_t vcpu_if;
    uint64_t vcpu_if_bytes; /* GICv2: GICV frame, given to guests */
    /* GICv2: offset at which the two pages of a CPU interface are adjacent */
    uint64_t alias_offset;
    uint32_t maintenance_intid;
};
extern struct gic_info gic_info;
/*
 * True if one of the frames first..last belongs to the GIC.  No domain can have these frames as a
 * device.
 */
static inline bool gic_owns(uint64_t first, uint64_t last)
{
    const struct {
        paddr_t pa;
        uint64_t bytes;
    } frame[] = {
        { gic_info.dist, gic_info.dist_bytes },       { gic_info.redist, gic_info.redist_bytes },
        { gic_info.cpu_if, gic_info.cpu_if_bytes },   { gic_info.hyp_if, gic_info.hyp_if_bytes },
        { gic_info.vcpu_if, gic_info.vcpu_if_bytes },
    };

    for (unsigned i = 0; i < sizeof(frame) / sizeof(frame[0]); i++)
        if (frame[i].bytes && first <= pa_pfn(PA(frame[i].pa.v + frame[i].bytes - 1)) &&
            last >= pa_pfn(frame[i].pa))
            return true;
    return false;
}
/*
 * Finds the controller in the device tree and initialises the distributor.  0, -ENODEV, -EINVAL
 * (the log names the property).
 */
int gic_probe(const void *fdt);
const struct gic_driver *gicv3_probe(const void *fdt, int node);
const struct gic_driver *gicv2_probe(const void *fdt, int node);

/*
 * PL011 console.  `path` as in dtuart= (a device-tree path or alias); NULL: stdout-path of /chosen.
 */
int uart_probe(const void *fdt, const char *path);
void uart_putc(char c);     /* polls; '\n' is sent as it is */
int uart_getc(void);        /* -1: no character */
void uart_irq_enable(void); /* receive interrupt, routed to the boot CPU */
extern uint32_t uart_intid; /* 0: none */
extern paddr_t uart_base;   /* hidden from dom0 */

/* PSCI firmware, through the conduit that the device tree names. */
int psci_probe(const void *fdt);
int psci_cpu_on(uint64_t mpidr, paddr_t entry, uint64_t context_id);
_Noreturn void psci_system_off(void);
_Noreturn void psci_system_reset(void);

#endif
