/* SPDX-License-Identifier: BSD-2-Clause */
/* A 32-bit guest on a 64-bit host: checks the results of the probe (aarch32/probe.S), and the
 * guest's state in records. */
#include "bm.h"
#include <xen/hvm/save.h>
#include "records.h"
#include "../aarch32/slots.h"

void *memcpy(void *d, const void *s, size_t n);

/* the first of the values that the probe leaves in banked registers */
#define MARK          0xb0000010u
#define NOWHERE_32    0x10000000u
#define CONTEXT_PAGES 16u
static uint8_t *context;

static void exceptions(const volatile uint32_t *r)
{
    CHECK_EQ("aarch32: HVC of an unknown kind is undefined: mode", r[SLOT_UND_MODE] & 0x1ff, 0x1db);
    CHECK_EQ("aarch32: undefined, ARM: LR", r[SLOT_UND_LR], 4);
    CHECK_EQ("aarch32: undefined, Thumb: LR", r[SLOT_UND_LR_THUMB], 2);
    CHECK_EQ("aarch32: no PMU: LR", r[SLOT_PMCR_LR], 4);
    CHECK_EQ("aarch32: data abort, short descriptors: DFSR", r[SLOT_DFSR_SHORT], 0x008);
    CHECK_EQ("aarch32: data abort, long descriptors: DFSR", r[SLOT_DFSR_LONG], 0x210);
    CHECK_EQ("aarch32: data abort of LDRD: DFSR", r[SLOT_DFSR_PAIR], 0x210);
    CHECK_EQ("aarch32: data abort: DFAR", r[SLOT_DFAR], NOWHERE_32);
    CHECK_EQ("aarch32: data abort: mode", r[SLOT_DABT_MODE] & 0x1ff, 0x1d7);
    CHECK_EQ("aarch32: data abort: LR", r[SLOT_DABT_LR], 8);
    CHECK_EQ("aarch32: prefetch abort: IFSR", r[SLOT_IFSR], 0x210);
    CHECK_EQ("aarch32: prefetch abort: IFAR", r[SLOT_IFAR], NOWHERE_32);
    CHECK_EQ("aarch32: prefetch abort: LR", r[SLOT_PABT_LR], 4);
    CHECK_EQ("aarch32: HVC in user mode is undefined", r[SLOT_USER_MODE] & 0x1f, 0x1b);
    CHECK_EQ("aarch32: and comes from user mode", r[SLOT_USER_SPSR], 0x10);
}

static void calls(const volatile uint32_t *r)
{
    CHECK_EQ("aarch32: begins in Supervisor mode, all masked", r[SLOT_CPSR] & 0x1ff, 0x1d3);
    CHECK_EQ("aarch32: hypercall, ARM", r[SLOT_VERSION_ARM], 4 << 16 | 17);
    CHECK_EQ("aarch32: hypercall, Thumb", r[SLOT_VERSION_THUMB], 4 << 16 | 17);
    CHECK_EQ("aarch32: a hypercall leaves r1 alone", r[SLOT_KEPT], 0x11111111);
    CHECK_EQ("aarch32: unknown hypercall", (int32_t)r[SLOT_NO_CALL], -XEN_ENOSYS);
    CHECK_EQ("aarch32: hypercall with a buffer", r[SLOT_EXTRAVERSION], 0);
    CHECK("aarch32: the buffer has text", r[0x800 / 4]);
    CHECK_EQ("aarch32: hypercall with a buffer nowhere", (int32_t)r[SLOT_BAD_POINTER], -XEN_EFAULT);
    CHECK("aarch32: PSCI by HVC", r[SLOT_PSCI_HVC] >= 0x10000 && r[SLOT_PSCI_HVC] < 0x20000);
    CHECK_EQ("aarch32: PSCI by SMC", r[SLOT_PSCI_SMC], r[SLOT_PSCI_HVC]);
    CHECK_EQ("aarch32: no PSCI of 64 bits", (int32_t)r[SLOT_PSCI_64], -1);
    CHECK_EQ("aarch32: CPU_ON in Thumb state", r[SLOT_ON_THUMB], 0);
    CHECK_EQ("aarch32: and its context", r[SLOT_THUMB_CONTEXT], 0x77);
    CHECK_EQ("aarch32: CPU_ON again, in ARM state", r[SLOT_ON_ARM], 0);
    CHECK_EQ("aarch32: and its context again", r[SLOT_ARM_CONTEXT], 0x99);
    CHECK_EQ("aarch32: the second vCPU begins in Supervisor mode", r[SLOT_ARM_CPSR] & 0x1ff, 0x1d3);
    CHECK_EQ("aarch32: the second vCPU's MPIDR", r[SLOT_MPIDR], 0x80000001);
}

static void device(const volatile uint32_t *r)
{
    uint32_t typer = r[SLOT_TYPER];
    CHECK("aarch32: a device is there", typer);
    for (unsigned i = 0; i < 14; i++) /* SP and LR of six modes; R8 and R12 of FIQ mode */
        CHECK_EQ("aarch32: a device read into a banked register", r[SLOT_TYPER_IRQ + i], typer);
    CHECK_EQ("aarch32: a device written from LR", r[SLOT_STORE], 0xa0b0c0d0);
    CHECK_EQ("aarch32: a byte of a device written from LR", r[SLOT_STORE_BYTE], 0xa0b048d0);
    CHECK_EQ("aarch32: a signed byte of a device", r[SLOT_SIGNED], 0xffffffa0);
    CHECK_EQ("aarch32: an unsigned byte of a device", r[SLOT_UNSIGNED], 0xa0);
    CHECK_EQ("aarch32: a device by a short Thumb load", r[SLOT_THUMB_SHORT], typer);
    CHECK_EQ("aarch32: a device by a long Thumb load", r[SLOT_THUMB_LONG], typer);
    CHECK_EQ("aarch32: a device in an IT block", r[SLOT_IT], typer);
    CHECK_EQ("aarch32: the IT block continues after a device access", r[SLOT_IT + 1], 9);
    CHECK_EQ("aarch32: a device at the end of an IT block", r[SLOT_IT_LAST], typer);
    CHECK_EQ("aarch32: the IT block ends after a device access", r[SLOT_IT_LAST + 1], 1);
}

static void registers(const volatile uint32_t *r)
{
    CHECK("aarch32: CNTPCT goes forward", r[SLOT_CNTPCT]);
    CHECK("aarch32: CNTP_CVAL keeps 64 bits",
          r[SLOT_CVAL] == 0x12345678 && r[SLOT_CVAL + 1] == 0x9abcdef0);
    CHECK_EQ("aarch32: DBGDIDR", r[SLOT_DBGDIDR], 0x11060000);
    CHECK_EQ("aarch32: ID_PFR1 has the timer, and no EL2", r[SLOT_ID_PFR1] & 0x000ff000, 0x10000);
    CHECK_EQ("aarch32: ACTLR, DCISW, DBGDIDR are not undefined", r[SLOT_NO_TRAP], 0);
    CHECK("aarch32: there is VFP", r[SLOT_MVFR0] & 0xf);
    CHECK_EQ("aarch32: SPSR is kept while two vCPUs share a CPU",
             r[SLOT_SPSR_LOST] + r[SLOT_SPSR_LOST + 1], 0);
    CHECK("aarch32: VFP and NEON registers are kept",
          r[SLOT_D0] == 0x13579bdf && r[SLOT_D31] == 0x2468ace0);
}

static uint32_t get_context(struct guest *g)
{
    g->op.u.hvmcontext.size = CONTEXT_PAGES * PAGE;
    set_xen_guest_handle(g->op.u.hvmcontext.buffer, context);
    return domctl(g, XEN_DOMCTL_gethvmcontext) ? 0 : g->op.u.hvmcontext.size;
}

static long set_context(struct guest *g, uint32_t bytes)
{
    g->op.u.hvmcontext.size = bytes;
    set_xen_guest_handle(g->op.u.hvmcontext.buffer, context);
    return domctl(g, XEN_DOMCTL_sethvmcontext);
}

static void *find(uint16_t type)
{
    for (uint8_t *at = context;;) {
        struct hvm_save_descriptor *d = (struct hvm_save_descriptor *)(void *)at;
        if (d->typecode == type)
            return d + 1;
        if (d->typecode == XLR_END)
            return NULL;
        at += sizeof(*d) + ((d->length + 7u) & ~7u);
    }
}

/* Banked registers in the order of AArch64's X13 to X30: R13_hyp, LR and SP of IRQ, SVC, ABT and
 * UND, R8_fiq to R12_fiq, SP and LR of FIQ. */
static bool marks_are_there(const struct xlr_vcpu *v)
{
    bool ok = v->x[15] == 0 && v->x[24] == MARK + 10 && v->x[28] == MARK + 10 &&
              v->x[29] == MARK + 9 && v->x[30] == MARK + 8;
    for (unsigned i = 0; i < 8; i++)
        ok = ok && v->x[16 + i] == MARK + i;
    return ok;
}

static bool is_narrow(const struct xlr_vcpu *v)
{
    uint64_t all = v->pc | v->pstate | v->spsr_el1 | v->spsr_abt | v->spsr_und | v->spsr_irq |
                   v->spsr_fiq | v->sysreg[XLR_SYS_SCTLR] | v->sysreg[XLR_SYS_VBAR] |
                   v->sysreg[XLR_SYS_TPIDR_EL1] | v->sysreg[XLR_SYS_ESR];
    for (unsigned i = 0; i < 31; i++)
        all |= v->x[i];
    return !(all >> 32) && !v->sp_el0 && !v->sp_el1 && !v->elr_el1;
}

static void records(struct guest *g)
{
    context = bm_alloc(CONTEXT_PAGES);
    CHECK_EQ("aarch32: pause", domctl(g, XEN_DOMCTL_pausedomain), 0);
    uint32_t bytes = get_context(g);
    struct xlr_header *h = find(XLR_HEADER);
    struct xlr_vcpu *v = find(XLR_VCPU);
    const struct xlr_cpu_features *f = find(XLR_CPU_FEATURES);
    CHECK_EQ("aarch32: the records are of 32 bits", h->width, 32);
    CHECK("aarch32: banked registers are where the architecture maps them", marks_are_there(v));
    CHECK("aarch32: nothing has an upper half", is_narrow(v));
    CHECK("aarch32: it has seen AArch32's ID registers alone",
          f->reg[XLR_ID_A32_PFR0] && !f->reg[XLR_ID_PFR0] && !f->reg[XLR_ID_ISAR0]);

    /* State that AArch32 does not have is dropped when a record is loaded, too. */
    for (unsigned i = 0; i < 31; i++)
        v->x[i] |= 0xabull << 32;
    v->sp_el1 = v->elr_el1 = v->x[15] = 1;
    v->sysreg[XLR_SYS_VBAR] |= 1ull << 40;
    CHECK_EQ("aarch32: the records are taken", set_context(g, bytes), 0);
    bytes = get_context(g);
    v = find(XLR_VCPU);
    CHECK("aarch32: loading records drops what AArch32 lacks, and nothing else",
          marks_are_there(v) && is_narrow(v));
    v->pstate = 0x3c5;
    CHECK_EQ("aarch32: EL1 of 64 bits is refused", set_context(g, bytes), -XEN_EINVAL);
    v->pstate = 0x1da;
    CHECK_EQ("aarch32: Hyp mode is refused", set_context(g, bytes), -XEN_EINVAL);
    v->pstate = 0x1d3;
    h = find(XLR_HEADER);
    h->width = 64;
    CHECK_EQ("aarch32: records of 64 bits are refused", set_context(g, bytes), -XEN_EINVAL);

    CHECK_EQ("aarch32: unpause", domctl(g, XEN_DOMCTL_unpausedomain), 0);
    for (unsigned i = 0; i < 1000; i++)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
    get_context(g);
    CHECK("aarch32: the guest runs on with its registers", marks_are_there(find(XLR_VCPU)));
}

/* Pin both vCPUs to the last CPU. */
static void share_a_cpu(struct guest *g)
{
    static struct xen_sysctl s;
    s.cmd = XEN_SYSCTL_physinfo, s.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    unsigned last = hypercall(__HYPERVISOR_sysctl, &s) ? 0 : s.u.physinfo.nr_cpus - 1;
    for (unsigned v = 0; v < 2; v++) {
        static uint8_t map[8];
        map[last / 8] = (uint8_t)(1u << last % 8);
        struct xen_domctl_vcpuaffinity *a = &g->op.u.vcpuaffinity;
        a->vcpu = v, a->flags = XEN_VCPUAFFINITY_HARD;
        a->cpumap_hard.nr_bits = 64;
        set_xen_guest_handle(a->cpumap_hard.bitmap, map);
        CHECK_EQ("aarch32: pin a vCPU", domctl(g, XEN_DOMCTL_setvcpuaffinity), 0);
    }
}

void test_aarch32(void)
{
    static struct guest g;
    volatile uint32_t *r;

    guest_is_probe = true;
    bool made = guest_make(&g, 2, 8);
    guest_is_probe = false;
    if (!made) {
        CHECK("aarch32: no guest of 32 bits where EL1 has none", !bm_el1_has_aarch32());
        guest_destroy(&g);
        return;
    }
    r = (volatile uint32_t *)(void *)g.mail[0];
    share_a_cpu(&g);
    guest_is_probe = true;
    g.vcpu_count = 1; /* the probe starts the second vCPU itself */
    guest_start(&g);
    g.vcpu_count = 2;
    guest_is_probe = false;
    for (unsigned ms = 0; ms < 10000 && r[SLOT_DONE] != 0x600d; ms++)
        bm_wait((volatile uint64_t *)(void *)(uintptr_t)&r[126], 1, 1);
    CHECK_EQ("aarch32: the probe comes to its end", r[SLOT_DONE], 0x600d);
    calls(r);
    exceptions(r);
    device(r);
    registers(r);
    if (bm_is_xen_lite())
        records(&g);
    guest_destroy(&g);
}
