/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv2 with Virtualization Extensions (Arm IHI 0048): all registers are in memory-mapped frames.
 * EOImode 1, as for GICv3.  Physical interrupts stay in group 0 of the non-secure view: without the
 * Security Extensions, bit 0 of GICC_CTLR enables them in either case.
 */
#include "dt.h"
#include "log.h"
#include "gicd.h"
#include "hw.h"
#include "lib.h"
#include "cpu.h"
#include "spinlock.h"
#include "arch.h"
#include <asm/io.h>

enum {
    GICC_CTLR = 0x0,
    GICC_PMR = 0x4,
    GICC_BPR = 0x8,
    GICC_IAR = 0xc,
    GICC_EOIR = 0x10,
    GICC_APR = 0xd0,
    GICC_IIDR = 0xfc,
    GICC_DIR = 0x1000
};
enum {
    GICH_HCR = 0x0,
    GICH_VTR = 0x4,
    GICH_VMCR = 0x8,
    GICH_MISR = 0x10,
    GICH_ELRSR0 = 0x30,
    GICH_ELRSR1 = 0x34,
    GICH_APR = 0xf0,
    GICH_LR = 0x100
};
#define GICC_CTLR_ENABLE  (1u << 0)
#define GICC_CTLR_EOIMODE (1u << 9)
#define GICC_IIDR_GIC400  0x0202043bu /* the variant field is ignored */
#define GICC_IIDR_VARIANT 0x0000f000u
#define LR_COUNT_MAX      16u /* the architecture allows 64; GIC-400 has 4 */

static volatile void *dist, *cpu_if, *hyp_if;
static uint8_t target_of[MAX_CPUS]; /* per CPU: its bit in ITARGETSR and SGIR */
/* Per CPU and SGI: the acknowledged value with its source, which EOI and DIR must repeat. */
static uint32_t sgi_iar[MAX_CPUS][16];
/* Per SPI: its target as in ITARGETSR, and the CPU that acknowledged it last. */
static struct {
    uint8_t target, taker;
} spi[1020];
static spinlock_t lock = SPINLOCK_INIT;

static void dist_init(void)
{
    uint32_t lines = ((io_read32(dist, GICD_TYPER) & 0x1f) + 1) * 32;

    gic_info.irq_count = MIN(lines, 1020u);
    io_write32(dist, GICD_CTLR, 0);
    for (uint32_t i = 32; i < lines; i += 32) {
        io_write32(dist, gicd_word(GICD_ICENABLER, i), ~0u);
        io_write32(dist, gicd_word(GICD_ICPENDR, i), ~0u);
        io_write32(dist, gicd_word(GICD_ICACTIVER, i), ~0u);
        for (uint32_t j = i; j < i + 32; j += 4) {
            io_write32(dist, GICD_IPRIORITYR + j, GIC_PRIORITY * 0x01010101u);
            io_write32(dist, GICD_ITARGETSR + j, target_of[cpu_id()] * 0x01010101u);
        }
        io_write32(dist, GICD_ICFGR + i / 4, 0);
        io_write32(dist, GICD_ICFGR + i / 4 + 4, 0);
    }
    for (uint32_t i = 32; i < gic_info.irq_count; i++)
        spi[i].target = target_of[cpu_id()];
    io_write32(dist, GICD_CTLR, 1);
}

/*
 * The first eight target registers are banked and read as the reading CPU's own bit.  A GIC with a
 * single CPU reads as zero.
 */
static void find_target(void)
{
    uint32_t mask = 0;

    for (uint32_t i = 0; i < 32 && !mask; i += 4)
        mask = io_read32(dist, GICD_ITARGETSR + i);
    mask |= mask >> 16;
    mask |= mask >> 8;
    target_of[cpu_id()] = mask & 0xff ? (uint8_t)mask : 1;
}

/*
 * Per CPU: what its registers hold while no guest runs.  A guest changes VMCR and the active
 * priorities; gicv2_save reads them after the guest.  Most vCPUs have equal values, which saves a
 * slow write to the controller.
 */
static struct gic_vcpu_regs live[MAX_CPUS];

static void load_changed(const struct gic_vcpu_regs *r, bool all)
{
    struct gic_vcpu_regs *l = &live[cpu_id()];

    if (all || l->vmcr != r->vmcr)
        io_write32(hyp_if, GICH_VMCR, l->vmcr = r->vmcr);
    if (all || l->ap1r[0] != r->ap1r[0])
        io_write32(hyp_if, GICH_APR, l->ap1r[0] = r->ap1r[0]);
    if (all || l->hcr != r->hcr)
        io_write32(hyp_if, GICH_HCR, l->hcr = r->hcr);
}

static void gicv2_cpu_init(void)
{
    find_target();
    io_write32(dist, GICD_ICENABLER, ~0u);
    io_write32(dist, GICD_ICPENDR, ~0u);
    io_write32(dist, GICD_ICACTIVER, ~0u);
    for (uint32_t i = 0; i < 32; i += 4)
        io_write32(dist, GICD_IPRIORITYR + i, GIC_PRIORITY * 0x01010101u);
    io_write32(dist, GICD_ISENABLER, gicd_own_ppis());
    for (uint32_t i = 0; i < 16; i += 4) /* interrupts that firmware acknowledged and never ended */
        io_write32(cpu_if, GICC_APR + i, 0);
    io_write32(cpu_if, GICC_PMR, 0xff);
    io_write32(cpu_if, GICC_BPR, 0);
    io_write32(cpu_if, GICC_CTLR, GICC_CTLR_ENABLE | GICC_CTLR_EOIMODE);
    for (unsigned i = 0; i < gic_info.lr_count; i++)
        io_write32(hyp_if, GICH_LR + 4 * i, 0);
    load_changed(&(struct gic_vcpu_regs){ 0 }, true);
}

static uint32_t gicv2_ack(void)
{
    uint32_t iar = io_read32(cpu_if, GICC_IAR), intid = iar & 0x3ff;

    arch_dsb(); /* acknowledged before data that the interrupt announces is read */
    if (intid < 16)
        sgi_iar[cpu_id()][intid] = iar;
    else if (intid >= 32 && intid < ARRAY_SIZE(spi))
        __atomic_store_n(&spi[intid].taker, (uint8_t)cpu_id(), __ATOMIC_RELAXED);
    return intid;
}
static uint32_t acknowledged(uint32_t intid)
{
    return intid < 16 ? sgi_iar[cpu_id()][intid] : intid;
}
static void gicv2_eoi(uint32_t intid) { io_write32(cpu_if, GICC_EOIR, acknowledged(intid)); }

/*
 * In some GICs (QEMU's) an SPI is active for the CPU that acknowledged it, and only that CPU's
 * interface or virtual interface can end it.  From another CPU it is cleared in the distributor,
 * which ends it for all CPUs.
 */
static void gicv2_deactivate(uint32_t intid)
{
    if (intid >= 32 && intid < ARRAY_SIZE(spi) &&
        __atomic_load_n(&spi[intid].taker, __ATOMIC_RELAXED) != cpu_id())
        io_write32(dist, gicd_word(GICD_ICACTIVER, intid), gicd_bit(intid));
    else
        io_write32(cpu_if, GICC_DIR, acknowledged(intid));
}

static void gicv2_send_sgi(unsigned cpu, uint32_t intid)
{
    arch_dsb(); /* data for the other CPU is visible before the SGI */
    io_write32(dist, GICD_SGIR, (uint32_t)target_of[cpu] << 16 | intid);
}

static void gicv2_enable(uint32_t intid)
{
    io_write32(dist, gicd_word(GICD_ISENABLER, intid), gicd_bit(intid));
}
static void gicv2_disable(uint32_t intid)
{
    io_write32(dist, gicd_word(GICD_ICENABLER, intid), gicd_bit(intid));
    /* The read-back ensures that the write has arrived. */
    (void)io_read32(dist, gicd_word(GICD_ICENABLER, intid));
}
static void gicv2_set_type(uint32_t intid, bool edge)
{
    uint32_t reg = GICD_ICFGR + intid / 16 * 4, bit = 2u << (intid % 16 * 2);

    if (intid < 16)
        return;
    spin_lock(&lock);
    uint32_t v = io_read32(dist, reg);
    io_write32(dist, reg, edge ? v | bit : v & ~bit);
    spin_unlock(&lock);
}
static void gicv2_set_priority(uint32_t intid, uint8_t priority)
{
    io_write8(dist, GICD_IPRIORITYR + intid, priority);
}
/*
 * The guest that handles the interrupt continues on another CPU, from which its EOI might not end
 * it (see above).  So the interrupt is ended here.  If its line is still up, it is raised once
 * more, on the new CPU.  The guest still sees a single interrupt, because its own state stays
 * active.
 */
static void gicv2_route(uint32_t intid, unsigned cpu)
{
    if (intid < 32 || intid >= ARRAY_SIZE(spi) || spi[intid].target == target_of[cpu])
        return;
    spi[intid].target = target_of[cpu];
    io_write8(dist, GICD_ITARGETSR + intid, target_of[cpu]);
    if (io_read32(dist, gicd_word(GICD_ISACTIVER, intid)) & gicd_bit(intid))
        io_write32(dist, gicd_word(GICD_ICACTIVER, intid), gicd_bit(intid));
}
static void gicv2_set_pending(uint32_t intid, bool pending)
{
    io_write32(dist, gicd_word(pending ? GICD_ISPENDR : GICD_ICPENDR, intid), gicd_bit(intid));
}
static void gicv2_set_active(uint32_t intid, bool active)
{
    io_write32(dist, gicd_word(active ? GICD_ISACTIVER : GICD_ICACTIVER, intid), gicd_bit(intid));
}

#define VMCR_RESERVED (7u << 24) /* the priority mask's lower bits, which only GICv3 has */
/* GICH_LR<n> */
#define LR_HW      (1u << 31)
#define LR_GROUP1  (1u << 30)
#define LR_ACTIVE  (1u << 29)
#define LR_PENDING (1u << 28)
#define LR_EOI     (1u << 19) /* if HW is clear */

static void gicv2_lr_write(unsigned n, const struct gic_lr *lr)
{
    uint32_t v = (lr->virt & 0x3ff) | (uint32_t)(lr->priority >> 3) << 23;

    if (lr->hw)
        v |= LR_HW | (lr->phys & 0x3ff) << 10;
    else
        v |= (lr->eoi ? LR_EOI : 0) | (lr->virt < 16 ? (uint32_t)(lr->source & 7) << 10 : 0);
    v |= (lr->pending ? LR_PENDING : 0) | (lr->active ? LR_ACTIVE : 0) |
         (lr->group1 ? LR_GROUP1 : 0);
    io_write32(hyp_if, GICH_LR + 4 * n, v);
}

static void gicv2_lr_read(unsigned n, struct gic_lr *lr)
{
    uint32_t v = io_read32(hyp_if, GICH_LR + 4 * n), virt = v & 0x3ff;

    *lr = (struct gic_lr){
        .virt = virt,
        .priority = (uint8_t)((v >> 23 & 0x1f) << 3),
        .hw = v & LR_HW,
        .pending = v & LR_PENDING,
        .active = v & LR_ACTIVE,
        .group1 = v & LR_GROUP1,
        .phys = v & LR_HW ? v >> 10 & 0x3ff : 0,
        .eoi = !(v & LR_HW) && (v & LR_EOI),
        .source = !(v & LR_HW) && virt < 16 ? (uint8_t)(v >> 10 & 7) : 0,
    };
}

static void gicv2_lr_clear(unsigned n) { io_write32(hyp_if, GICH_LR + 4 * n, 0); }
static uint32_t gicv2_lr_empty(void)
{
    return io_read32(hyp_if, GICH_ELRSR0) & ((1u << gic_info.lr_count) - 1);
}
static uint32_t gicv2_misr(void) { return io_read32(hyp_if, GICH_MISR); }
static void gicv2_set_hcr(uint32_t hcr)
{
    struct gic_vcpu_regs *l = &live[cpu_id()];

    if (l->hcr != hcr)
        io_write32(hyp_if, GICH_HCR, l->hcr = hcr);
}

static void gicv2_load(const struct gic_vcpu_regs *r) { load_changed(r, false); }

static void gicv2_save(struct gic_vcpu_regs *r)
{
    arch_dsb(); /* the guest's last writes to its GICV frame have arrived */
    r->hcr =
        live[cpu_id()]
            .hcr; /* only EL2 writes it, except for the count of EOIs without a list register */
    r->vmcr = io_read32(hyp_if, GICH_VMCR) & ~VMCR_RESERVED;
    r->ap1r[0] = io_read32(hyp_if, GICH_APR);
    live[cpu_id()] = *r;
}

static const struct gic_driver driver = {
    .name = "GICv2",
    .version = 2,
    .cpu_init = gicv2_cpu_init,
    .ack = gicv2_ack,
    .eoi = gicv2_eoi,
    .deactivate = gicv2_deactivate,
    .send_sgi = gicv2_send_sgi,
    .enable = gicv2_enable,
    .disable = gicv2_disable,
    .set_type = gicv2_set_type,
    .set_priority = gicv2_set_priority,
    .route = gicv2_route,
    .set_pending = gicv2_set_pending,
    .set_active = gicv2_set_active,
    .lr_write = gicv2_lr_write,
    .lr_read = gicv2_lr_read,
    .lr_clear = gicv2_lr_clear,
    .lr_empty = gicv2_lr_empty,
    .misr = gicv2_misr,
    .load = gicv2_load,
    .save = gicv2_save,
    .set_hcr = gicv2_set_hcr,
};

static bool frame(const void *fdt, int node, unsigned n, const char *what, uint32_t least,
                  paddr_t *pa, uint64_t *bytes)
{
    if (!dt_reg(fdt, node, n, pa, bytes) && *bytes >= least)
        return true;
    log_err("GICv2: reg: no %s frame, or less than 0x%x bytes of it\n", what, least);
    return false;
}

static bool find_frames(const void *fdt, int node)
{
    struct gic_info *g = &gic_info;

    if (!frame(fdt, node, 0, "distributor", 0x1000, &g->dist, &g->dist_bytes) ||
        !frame(fdt, node, 1, "CPU interface", 0x1004, &g->cpu_if, &g->cpu_if_bytes) ||
        !frame(fdt, node, 2, "virtual interface control", 0x140, &g->hyp_if, &g->hyp_if_bytes) ||
        !frame(fdt, node, 3, "virtual CPU interface", 2 * PAGE_SIZE, &g->vcpu_if,
               &g->vcpu_if_bytes))
        return false;
    /*
     * The frame is mapped into guests, at an address of theirs and over the control domain's CPU
     * interface.
     */
    if ((g->vcpu_if.v | g->cpu_if.v) & ~PAGE_MASK) {
        log_err("GICv2: reg: the CPU interfaces at 0x%llx and 0x%llx are not page-aligned\n",
                (unsigned long long)g->cpu_if.v, (unsigned long long)g->vcpu_if.v);
        return false;
    }
    dist = arch_map_device(g->dist, g->dist_bytes);
    cpu_if = arch_map_device(g->cpu_if, g->cpu_if_bytes);
    hyp_if = arch_map_device(g->hyp_if, g->hyp_if_bytes);
    if (!dist || !cpu_if || !hyp_if)
        log_err("GICv2: no addresses left to map the registers\n");
    return dist && cpu_if && hyp_if;
}

/*
 * With 64 KiB pages in mind, a GIC-400 may repeat each of its pages 16 times in 64 KiB, so that a
 * frame has 128 KiB.  The last copy of the first page and the first copy of the second page are
 * adjacent.  Linux looks for the same.
 */
static void find_alias(void)
{
    const uint32_t offset = 0xf000;

    gic_info.alias_offset = 0;
    if (gic_info.cpu_if_bytes < 0x20000 || gic_info.vcpu_if_bytes < 0x20000)
        return;
    uint32_t id = io_read32(cpu_if, GICC_IIDR);
    if ((id & ~GICC_IIDR_VARIANT) != GICC_IIDR_GIC400 ||
        io_read32(cpu_if, offset + GICC_IIDR) != id)
        return;
    gic_info.alias_offset = offset;
    cpu_if = (volatile char *)cpu_if + offset;
}

const struct gic_driver *gicv2_probe(const void *fdt, int node)
{
    bool edge;

    if (!find_frames(fdt, node))
        return NULL;
    find_alias();
    if (!dt_interrupt(fdt, node, 0, &gic_info.maintenance_intid, &edge)) {
        log_warn("GICv2: interrupts: no maintenance interrupt; assuming %u\n",
                 INTID_PPI_MAINTENANCE);
        gic_info.maintenance_intid = INTID_PPI_MAINTENANCE;
    }
    uint32_t vtr = io_read32(hyp_if, GICH_VTR);
    gic_info.lr_count = MIN((vtr & 0x3f) + 1, LR_COUNT_MAX);
    gic_info.pre_bits = (vtr >> 26 & 7) + 1;
    gic_info.priority_bits = (vtr >> 29 & 7) + 1;
    find_target();
    dist_init();
    return &driver;
}
