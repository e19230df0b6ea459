/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv3 with system registers (Arm IHI 0069).  EL2 takes physical interrupts with EOImode 1.
 * Priority drop and deactivation are thus two steps, and the guest's own EOI deactivates an
 * interrupt that was handed to it.
 */
#include "dt.h"
#include "log.h"
#include "panic.h"
#include "gicd.h"
#include "hw.h"
#include "lib.h"
#include "cpu.h"
#include "spinlock.h"
#include "arch.h"
#include <asm/gicv3.h>
#include <asm/io.h>

#define GICD_CTLR_ARE    (1u << 4)
#define GICD_CTLR_GROUP1 (1u << 1)
#define GICD_CTLR_RWP    (1u << 31)
#define GICR_CTLR_RWP    (1u << 3)
enum { GICR_CTLR = 0x0, GICR_TYPER = 0x8, GICR_WAKER = 0x14, GICR_SGI = 0x10000 };
#define GICR_WAKER_SLEEP    (1u << 1)
#define GICR_WAKER_CHILDREN (1u << 2)
#define GICR_TYPER_VLPIS    (1u << 1)
#define GICR_TYPER_LAST     (1u << 4)
#define REDIST_REGIONS      8u

static volatile void *dist;
static struct {
    volatile char *base;
    uint64_t bytes;
} regions[REDIST_REGIONS];
static unsigned region_count;
static uint64_t redist_stride; /* 0: derived from VLPIS */
static volatile char *redist_of[MAX_CPUS];
static spinlock_t lock = SPINLOCK_INIT; /* for read-modify-writes of the distributor's ICFGR */
static unsigned ap_count;

/*
 * Writes to CTLR and to the clear-enable registers take effect after a delay, for which callers
 * must wait.
 */
static void dist_wait(void)
{
    while (io_read32(dist, GICD_CTLR) & GICD_CTLR_RWP)
        ;
}
static void redist_wait(volatile char *r)
{
    while (io_read32(r, GICR_CTLR) & GICR_CTLR_RWP)
        ;
}

/* The frame with an interrupt's bits: for SGIs and PPIs this CPU's redistributor. */
static volatile void *frame(uint32_t intid)
{
    return intid < 32 ? redist_of[cpu_id()] + GICR_SGI : dist;
}

static uint64_t affinity(uint64_t mpidr) { return (mpidr & 0xffffff) | (mpidr & 0xff00000000ull); }

static void dist_init(void)
{
    uint32_t lines = ((io_read32(dist, GICD_TYPER) & 0x1f) + 1) * 32;

    gic_info.irq_count = MIN(lines, 1020u);
    io_write32(dist, GICD_CTLR, 0);
    dist_wait();
    for (uint32_t i = 32; i < lines; i += 32) {
        io_write32(dist, gicd_word(GICD_ICENABLER, i), ~0u);
        io_write32(dist, gicd_word(GICD_ICPENDR, i), ~0u);
        io_write32(dist, gicd_word(GICD_ICACTIVER, i), ~0u);
        io_write32(dist, gicd_word(GICD_IGROUPR, i), ~0u);
        for (uint32_t j = i; j < i + 32; j += 4)
            io_write32(dist, GICD_IPRIORITYR + j, GIC_PRIORITY * 0x01010101u);
        io_write32(dist, GICD_ICFGR + i / 4, 0);
        io_write32(dist, GICD_ICFGR + i / 4 + 4, 0);
    }
    dist_wait();
    io_write32(dist, GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GROUP1);
    dist_wait();
    for (uint32_t i = 32; i < gic_info.irq_count; i++) /* valid only with ARE set */
        io_write64(dist, GICD_IROUTER + 8 * i, affinity(this_cpu()->mpidr));
}

/* Walks the frames of all regions to find the one of this CPU. */
static volatile char *redist_find(uint64_t mpidr)
{
    uint32_t want = (uint32_t)(mpidr & 0xffffff) | (uint32_t)(mpidr >> 32 & 0xff) << 24;

    for (unsigned i = 0; i < region_count; i++) {
        for (uint64_t at = 0; at + 0x20000 <= regions[i].bytes;) {
            volatile char *r = regions[i].base + at;
            uint64_t typer = io_read64(r, GICR_TYPER);
            if (typer >> 32 == want)
                return r;
            if (typer & GICR_TYPER_LAST)
                break;
            at += redist_stride ? redist_stride : typer & GICR_TYPER_VLPIS ? 0x40000 : 0x20000;
        }
    }
    return NULL;
}

static void redist_init(volatile char *r)
{
    volatile char *sgi = r + GICR_SGI;

    io_write32(r, GICR_WAKER, io_read32(r, GICR_WAKER) & ~GICR_WAKER_SLEEP);
    while (io_read32(r, GICR_WAKER) & GICR_WAKER_CHILDREN)
        ;
    io_write32(sgi, GICD_ICENABLER, ~0u);
    redist_wait(r);
    io_write32(sgi, GICD_IGROUPR, ~0u);
    io_write32(sgi, GICD_ICPENDR, ~0u);
    io_write32(sgi, GICD_ICACTIVER, ~0u);
    for (uint32_t i = 0; i < 32; i += 4)
        io_write32(sgi, GICD_IPRIORITYR + i, GIC_PRIORITY * 0x01010101u);
    io_write32(sgi, GICD_ISENABLER, gicd_own_ppis());
}

static void cpu_interface_init(void)
{
    gicr_write_icc_sre_hyp(0xf); /* system registers on, no bypass; EL1 may access ICC_SRE_EL1 */
    arch_isb();
    gicr_write_icc_sre_el1(7);
    arch_isb(); /* the registers below exist only after this */
    gicr_write_icc_pmr(0xff);
    gicr_write_icc_bpr1(0);
    gicr_write_icc_ctlr((gicr_read_icc_ctlr() & ~1ull) | 2); /* EOImode 1 */
    gicr_write_icc_igrpen1(1);
    gicr_write_ich_hcr(0);
    for (unsigned i = 0; i < gic_info.lr_count; i++)
        gicr_write_lr(i, 0);
    arch_isb();
}

/*
 * Per CPU: what its registers hold while no guest runs.  A guest changes VMCR and the active
 * priorities; gicv3_save reads them after the guest.  Most vCPUs have equal values, which saves
 * writes.
 */
static struct gic_vcpu_regs live[MAX_CPUS];

static void gicv3_set_hcr(uint32_t hcr)
{
    struct gic_vcpu_regs *l = &live[cpu_id()];

    if (l->hcr != hcr)
        gicr_write_ich_hcr(l->hcr = hcr);
}

/*
 * There are as many active priority registers as the preemption bits need; the others do not exist.
 */
static void load_changed(const struct gic_vcpu_regs *r, bool all)
{
    struct gic_vcpu_regs *l = &live[cpu_id()];
#define LOAD(field, reg)             \
    if (all || l->field != r->field) \
        gicr_write_ich_##reg(l->field = r->field);
    LOAD(vmcr, vmcr)
    if (ap_count > 2) {
        LOAD(ap0r[3], ap0r3)
        LOAD(ap0r[2], ap0r2)
        LOAD(ap1r[3], ap1r3)
        LOAD(ap1r[2], ap1r2)
    }
    if (ap_count > 1) {
        LOAD(ap0r[1], ap0r1)
        LOAD(ap1r[1], ap1r1)
    }
    LOAD(ap0r[0], ap0r0)
    LOAD(ap1r[0], ap1r0)
    LOAD(hcr, hcr)
#undef LOAD
}

static void gicv3_cpu_init(void)
{
    unsigned cpu = cpu_id();

    redist_of[cpu] = redist_find(this_cpu()->mpidr);
    if (!redist_of[cpu])
        panic("GICv3: no redistributor for CPU%u, MPIDR %#llx", cpu,
              (unsigned long long)this_cpu()->mpidr);
    redist_init(redist_of[cpu]);
    cpu_interface_init();
    load_changed(&(struct gic_vcpu_regs){ 0 }, true);
}

static uint32_t gicv3_ack(void)
{
    uint32_t intid = (uint32_t)gicr_read_icc_iar1() & 0xffffff;
    arch_dsb(); /* the acknowledge is complete before data that the interrupt announces is read */
    return intid;
}
static void gicv3_eoi(uint32_t intid)
{
    gicr_write_icc_eoir1(intid);
    arch_isb();
}
static void gicv3_deactivate(uint32_t intid)
{
    gicr_write_icc_dir(intid);
    arch_isb();
}

static void gicv3_send_sgi(unsigned cpu, uint32_t intid)
{
    uint64_t m = cpus[cpu].mpidr, aff0 = m & 0xff;

    arch_dsb(); /* data for the other CPU is visible before the SGI */
    gicr_write_icc_sgi1r((m >> 32 & 0xff) << 48 | (aff0 >> 4) << 44 | (m >> 16 & 0xff) << 32 |
                         (uint64_t)intid << 24 | (m >> 8 & 0xff) << 16 | 1ull << (aff0 & 0xf));
    arch_isb();
}

static void gicv3_enable(uint32_t intid)
{
    io_write32(frame(intid), gicd_word(GICD_ISENABLER, intid), gicd_bit(intid));
}
static void gicv3_disable(uint32_t intid)
{
    io_write32(frame(intid), gicd_word(GICD_ICENABLER, intid), gicd_bit(intid));
    if (intid < 32)
        redist_wait(redist_of[cpu_id()]);
    else
        dist_wait();
}
static void gicv3_set_type(uint32_t intid, bool edge)
{
    volatile void *f = frame(intid);
    uint32_t reg = GICD_ICFGR + intid / 16 * 4, bit = 2u << (intid % 16 * 2);

    if (intid < 16)
        return; /* SGIs are edge-triggered */
    spin_lock(&lock);
    uint32_t v = io_read32(f, reg);
    io_write32(f, reg, edge ? v | bit : v & ~bit);
    spin_unlock(&lock);
}
static void gicv3_set_priority(uint32_t intid, uint8_t priority)
{
    io_write8(frame(intid), GICD_IPRIORITYR + intid, priority);
}
static void gicv3_route(uint32_t intid, unsigned cpu)
{
    if (intid >= 32)
        io_write64(dist, GICD_IROUTER + 8 * intid, affinity(cpus[cpu].mpidr));
}
static void gicv3_set_pending(uint32_t intid, bool pending)
{
    io_write32(frame(intid), gicd_word(pending ? GICD_ISPENDR : GICD_ICPENDR, intid),
               gicd_bit(intid));
}
static void gicv3_set_active(uint32_t intid, bool active)
{
    io_write32(frame(intid), gicd_word(active ? GICD_ISACTIVER : GICD_ICACTIVER, intid),
               gicd_bit(intid));
}

/* ICH_LR<n>_EL2 */
#define LR_PENDING (1ull << 62)
#define LR_ACTIVE  (1ull << 63)
#define LR_HW      (1ull << 61)
#define LR_GROUP1  (1ull << 60)
#define LR_EOI     (1ull << 41) /* if HW is clear */

static void gicv3_lr_write(unsigned n, const struct gic_lr *lr)
{
    uint64_t v = lr->virt | (uint64_t)lr->priority << 48;

    if (lr->hw)
        v |= LR_HW | (uint64_t)(lr->phys & 0x3ff) << 32;
    else if (lr->eoi)
        v |= LR_EOI;
    v |= (lr->pending ? LR_PENDING : 0) | (lr->active ? LR_ACTIVE : 0) |
         (lr->group1 ? LR_GROUP1 : 0);
    gicr_write_lr(n, v);
}

static void gicv3_lr_read(unsigned n, struct gic_lr *lr)
{
    uint64_t v = gicr_read_lr(n);

    *lr = (struct gic_lr){
        .virt = (uint32_t)v,
        .priority = (uint8_t)(v >> 48),
        .hw = v & LR_HW,
        .pending = v & LR_PENDING,
        .active = v & LR_ACTIVE,
        .group1 = v & LR_GROUP1,
        .phys = v & LR_HW ? (uint32_t)(v >> 32) & 0x3ff : 0,
        .eoi = !(v & LR_HW) && (v & LR_EOI),
    };
}

static void gicv3_lr_clear(unsigned n) { gicr_write_lr(n, 0); }
static uint32_t gicv3_lr_empty(void)
{
    return (uint32_t)gicr_read_ich_elrsr() & ((1u << gic_info.lr_count) - 1);
}
static uint32_t gicv3_misr(void) { return (uint32_t)gicr_read_ich_misr(); }
static void gicv3_load(const struct gic_vcpu_regs *r) { load_changed(r, false); }

static void gicv3_save(struct gic_vcpu_regs *r)
{
    arch_isb(); /* what the guest did last has reached the registers */
    r->hcr =
        live[cpu_id()]
            .hcr; /* only EL2 writes it, except for the count of EOIs without a list register */
    r->vmcr = (uint32_t)gicr_read_ich_vmcr();
    if (ap_count > 2) {
        r->ap0r[3] = (uint32_t)gicr_read_ich_ap0r3();
        r->ap0r[2] = (uint32_t)gicr_read_ich_ap0r2();
        r->ap1r[3] = (uint32_t)gicr_read_ich_ap1r3();
        r->ap1r[2] = (uint32_t)gicr_read_ich_ap1r2();
    }
    if (ap_count > 1) {
        r->ap0r[1] = (uint32_t)gicr_read_ich_ap0r1();
        r->ap1r[1] = (uint32_t)gicr_read_ich_ap1r1();
    }
    r->ap0r[0] = (uint32_t)gicr_read_ich_ap0r0();
    r->ap1r[0] = (uint32_t)gicr_read_ich_ap1r0();
    live[cpu_id()] = *r;
}

static const struct gic_driver driver = {
    .name = "GICv3",
    .version = 3,
    .cpu_init = gicv3_cpu_init,
    .ack = gicv3_ack,
    .eoi = gicv3_eoi,
    .deactivate = gicv3_deactivate,
    .send_sgi = gicv3_send_sgi,
    .enable = gicv3_enable,
    .disable = gicv3_disable,
    .set_type = gicv3_set_type,
    .set_priority = gicv3_set_priority,
    .route = gicv3_route,
    .set_pending = gicv3_set_pending,
    .set_active = gicv3_set_active,
    .lr_write = gicv3_lr_write,
    .lr_read = gicv3_lr_read,
    .lr_clear = gicv3_lr_clear,
    .lr_empty = gicv3_lr_empty,
    .misr = gicv3_misr,
    .load = gicv3_load,
    .save = gicv3_save,
    .set_hcr = gicv3_set_hcr,
};

const struct gic_driver *gicv3_probe(const void *fdt, int node)
{
    paddr_t pa;
    uint64_t bytes;
    bool edge;

    if (dt_reg(fdt, node, 0, &gic_info.dist, &gic_info.dist_bytes) ||
        !(dist = arch_map_device(gic_info.dist, gic_info.dist_bytes))) {
        log_err("GICv3: reg: no distributor\n");
        return NULL;
    }
    uint32_t count = dt_u32(fdt, node, "#redistributor-regions", 1);
    redist_stride = 0;
    int len;
    const fdt64_t *stride = fdt_getprop(fdt, node, "redistributor-stride", &len);
    if (stride && len == 8)
        redist_stride = (uint64_t)fdt32_to_cpu(((const fdt32_t *)(const void *)stride)[0]) << 32 |
                        fdt32_to_cpu(((const fdt32_t *)(const void *)stride)[1]);
    for (region_count = 0; region_count < count && region_count < REDIST_REGIONS; region_count++) {
        if (dt_reg(fdt, node, 1 + region_count, &pa, &bytes) ||
            !(regions[region_count].base = arch_map_device(pa, bytes))) {
            log_err("GICv3: reg: no redistributor region %u\n", region_count);
            return NULL;
        }
        regions[region_count].bytes = bytes;
        if (!region_count) {
            gic_info.redist = pa;
            gic_info.redist_bytes = bytes;
        }
    }
    if (!dt_interrupt(fdt, node, 0, &gic_info.maintenance_intid, &edge)) {
        log_warn("GICv3: interrupts: no maintenance interrupt; assuming %u\n",
                 INTID_PPI_MAINTENANCE);
        gic_info.maintenance_intid = INTID_PPI_MAINTENANCE;
    }
    gicr_write_icc_sre_hyp(0xf); /* the virtual interface's registers need it, too */
    arch_isb();
    uint64_t vtr = gicr_read_ich_vtr();
    gic_info.lr_count = (unsigned)(vtr & 0x1f) + 1;
    gic_info.pre_bits = (unsigned)(vtr >> 26 & 7) + 1;
    gic_info.priority_bits = (unsigned)(vtr >> 29 & 7) + 1;
    ap_count = gic_info.pre_bits <= 5 ? 1 : 1u << (gic_info.pre_bits - 5);
    dist_init();
    return &driver;
}
