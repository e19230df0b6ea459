/* SPDX-License-Identifier: BSD-2-Clause */
/* Hypercalls with bad arguments, PSCI, vGIC, timer, and a guest's life: tests that must pass on any
 * hypervisor with Xen's ABI. */
#include "bm.h"

void *memset(void *p, int c, size_t n);

static void hypercall_arguments(void)
{
    static struct xen_domctl d;
    static struct xen_sysctl s;
    struct xen_add_to_physmap a = { .domid = DOMID_SELF, .space = 99 };
    evtchn_send_t send = { .port = 4000 };
    CHECK_EQ("hypercall: unknown number", hypercall(63), -XEN_ENOSYS);
    CHECK_EQ("hypercall: number far out of range", hypercall(0x87654321ul), -XEN_ENOSYS);
    CHECK("hypercall: version is 4.17",
          hypercall(__HYPERVISOR_xen_version, XENVER_version, NULL) == (4 << 16 | 17));
    CHECK_EQ("hypercall: version into nowhere",
             hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, NOWHERE), -XEN_EFAULT);
    CHECK_EQ("hypercall: domctl from nowhere", hypercall(__HYPERVISOR_domctl, NOWHERE),
             -XEN_EFAULT);
    CHECK_EQ("hypercall: sysctl from nowhere", hypercall(__HYPERVISOR_sysctl, NOWHERE),
             -XEN_EFAULT);
    CHECK_EQ("hypercall: domctl of another version", hypercall(__HYPERVISOR_domctl, &d),
             -XEN_EACCES);
    CHECK_EQ("hypercall: sysctl of another version", hypercall(__HYPERVISOR_sysctl, &s),
             -XEN_EACCES);
    d.interface_version = XEN_DOMCTL_INTERFACE_VERSION, d.cmd = XEN_DOMCTL_pausedomain,
    d.domain = 77;
    CHECK_EQ("hypercall: domctl on no domain", hypercall(__HYPERVISOR_domctl, &d), -XEN_ESRCH);
    d.domain = DOMID_SELF;
    CHECK("hypercall: domctl pause of itself", hypercall(__HYPERVISOR_domctl, &d) < 0);
    CHECK_EQ("hypercall: unknown memory op", hypercall(__HYPERVISOR_memory_op, 60ul, &a),
             -XEN_ENOSYS);
    CHECK("hypercall: add_to_physmap of an unknown space",
          hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &a) < 0);
    CHECK_EQ("hypercall: unknown sched op", hypercall(__HYPERVISOR_sched_op, 99ul, NULL),
             -XEN_ENOSYS);
    CHECK_EQ("hypercall: shutdown from nowhere",
             hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, NOWHERE), -XEN_EFAULT);
    CHECK_EQ("hypercall: unknown vcpu op", hypercall(__HYPERVISOR_vcpu_op, 99ul, 0ul, NULL),
             -XEN_EINVAL);
    CHECK("hypercall: vcpu op on no vCPU",
          hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 77ul, &d) < 0);
    CHECK_EQ("hypercall: send on a closed port",
             hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send), -XEN_EINVAL);
    CHECK_EQ("hypercall: unknown event op", hypercall(__HYPERVISOR_event_channel_op, 99ul, &send),
             -XEN_ENOSYS);
    CHECK_EQ("hypercall: unknown grant op", hypercall(__HYPERVISOR_grant_table_op, 99ul, &d, 1ul),
             -XEN_ENOSYS);
    CHECK("hypercall: grant op with a negative count",
          hypercall(__HYPERVISOR_grant_table_op, 0ul, &d, 0x80000000ul) < 0);
}

static void event_channels(void)
{
    evtchn_alloc_unbound_t u = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    CHECK_EQ("evtchn: alloc_unbound",
             hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &u), 0);
    evtchn_bind_interdomain_t b = { .remote_dom = DOMID_SELF, .remote_port = u.port };
    CHECK_EQ("evtchn: bind_interdomain to itself",
             hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &b), 0);
    evtchn_status_t s = { .dom = DOMID_SELF, .port = u.port };
    CHECK_EQ("evtchn: status", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &s), 0);
    CHECK("evtchn: status shows the peer",
          s.status == EVTCHNSTAT_interdomain && s.u.interdomain.port == b.local_port);
    evtchn_close_t c = { .port = b.local_port };
    CHECK_EQ("evtchn: close", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &c), 0);
    CHECK_EQ("evtchn: close twice", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &c),
             -XEN_EINVAL);
    evtchn_init_control_t i = { 0 };
    if (bm_is_xen_lite()) /* xen-lite has 2-level channels only */
        CHECK_EQ("evtchn: no FIFO",
                 hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_init_control, &i), -XEN_ENOSYS);
}

void test_hypercalls(void)
{
    hypercall_arguments();
    event_channels();
}

static volatile uint64_t secondary_up;
void (*bm_secondary_work)(void);
void bm_secondary_main(uint64_t cpu);
void bm_secondary_main(uint64_t cpu)
{
    gic_start((unsigned)cpu);
    gic_enable((unsigned)cpu, 5, 0x80);
    __atomic_store_n(&secondary_up, cpu, __ATOMIC_RELEASE);
    irq_on();
    if (bm_secondary_work)
        bm_secondary_work();
    for (;;)
        wait_for_interrupt();
}

bool bm_second_cpu(void)
{
    return (int32_t)smccc(PSCI_CPU_ON, 1, (uintptr_t)bm_secondary, 1) == 0 &&
           bm_wait(&secondary_up, 1, 2000);
}

void test_psci(void)
{
    CHECK("psci: version is at least 1.0", (uint32_t)smccc(0x84000000, 0, 0, 0) >= 0x10000);
    CHECK("psci: features of CPU_ON", (int32_t)smccc(0x8400000a, PSCI_CPU_ON, 0, 0) >= 0);
    CHECK_EQ("psci: features of nothing", (int32_t)smccc(0x8400000a, 0x8400ffff, 0, 0), -1);
    CHECK_EQ("psci: unknown function", (int32_t)smccc(0x8400001f, 0, 0, 0), -1);
    CHECK_EQ("psci: affinity info of this CPU", smccc(PSCI_AFFINITY_INFO, 0, 0, 0), 0);
    CHECK_EQ("psci: CPU_ON of no CPU", (int32_t)smccc(PSCI_CPU_ON, 0xff, 0x1000, 0), -2);
    CHECK_EQ("psci: CPU_ON of a running CPU",
             (int32_t)smccc(PSCI_CPU_ON, 0, (uintptr_t)bm_secondary, 0), -4);
    int32_t rc = (int32_t)smccc(PSCI_CPU_ON, 1, (uintptr_t)bm_secondary, 1);
    if (rc == -2) {
        bm_print("# psci: one CPU only\n");
        return;
    }
    CHECK_EQ("psci: CPU_ON", rc, 0);
    CHECK("psci: the second CPU runs", bm_wait(&secondary_up, 1, 2000));
    CHECK_EQ("psci: affinity info of the second CPU", smccc(PSCI_AFFINITY_INFO, 1, 0, 0), 0);
}

#define SOURCED_SGI 14u

/* Wait until the distributor shows these sources of SOURCED_SGI. */
static bool wait_sources(unsigned seconds, uint8_t sources)
{
    uint64_t end = bm_counter() + seconds * bm_counter_hz();
    while ((mmio_read(DOM0_GICD + 0xf20 + (SOURCED_SGI & ~3u)) >> SOURCED_SGI % 4 * 8 & 0xff) !=
           sources)
        if (bm_counter() > end)
            return false;
    return true;
}

static bool wait_irq(uint32_t intid, uint32_t count)
{
    uint64_t end = bm_counter() + bm_counter_hz();
    while (bm_irq_count[intid] < count)
        if (bm_counter() > end)
            return false;
    return true;
}

static void send_from_second(uint32_t intid)
{
    if (intid == 5)
        gic_sgi(0, SOURCED_SGI);
}

/* GICv2: an SGI sent by two CPUs, by one of them twice, arrives once per sender. */
static void sgi_sources(void)
{
    gic_enable(0, SOURCED_SGI, 0x80);
    bm_irq_sources[SOURCED_SGI] = bm_irq_count[SOURCED_SGI] = 0;
    irq_off();
    bm_irq_hook = send_from_second;
    for (unsigned i = 0; i < 2; i++)
        gic_sgi(0, SOURCED_SGI);
    uint32_t asked = bm_irq_count[5];
    gic_sgi(1, 5);
    CHECK("vgic: the other CPU sends an SGI too", wait_irq(5, asked + 1) && wait_sources(2, 3));
    bm_irq_hook = NULL;
    irq_on();
    CHECK("vgic: an SGI comes once from each of its sources",
          wait_irq(SOURCED_SGI, 2) && bm_irq_sources[SOURCED_SGI] == 3);
    for (volatile unsigned i = 0; i < 100000; i++)
        ;
    CHECK_EQ("vgic: an SGI comes no more than once from each source", bm_irq_count[SOURCED_SGI], 2);
}

static void stage2_hole(void) { (void)mmio_read(NOWHERE); }

void test_vgic(void)
{
    if (gic_version == 3 || bm_is_xen_lite()) /* stock Xen's vGICv2 lacks it */
        CHECK("vgic: its version in PIDR2",
              (mmio_read(DOM0_GICD + (gic_version == 3 ? 0xffe8 : 0xfe8)) >> 4 & 15) ==
                  gic_version);
    CHECK("vgic: TYPER counts lines", (mmio_read(DOM0_GICD + 4) & 31) >= 1);
    if (gic_version == 3)
        CHECK("vgic: TYPER of the first redistributor is CPU 0", mmio_read(DOM0_GICR + 12) == 0);
    else
        CHECK("vgic: the targets of SGIs read as the reading CPU",
              mmio_read(DOM0_GICD + 0x800) == 0x01010101);
    gic_enable(0, 3, 0x80);
    irq_on();
    gic_sgi(0, 3);
    CHECK("vgic: SGI to itself", wait_irq(3, 1));
    gic_disable(0, 3);
    gic_sgi(0, 3);
    for (volatile unsigned i = 0; i < 100000; i++)
        ;
    CHECK("vgic: a disabled SGI waits", bm_irq_count[3] == 1);
    gic_enable(0, 3, 0x80);
    CHECK("vgic: a waiting SGI comes when enabled", wait_irq(3, 2));
    irq_off();
    for (unsigned i = 6; i < 14; i++) {
        gic_enable(0, i, (uint8_t)(0xe0 - i * 8));
        gic_sgi(0, i);
    }
    irq_on();
    bool all = true;
    for (unsigned i = 6; i < 14; i++)
        all &= wait_irq(i, 1);
    CHECK("vgic: more interrupts than list registers all come", all);
    irq_off();
    gic_mask(0x40);
    irq_on();
    gic_sgi(0, 3);
    for (volatile unsigned i = 0; i < 100000; i++)
        ;
    CHECK("vgic: the priority mask holds one back", bm_irq_count[3] == 2);
    gic_mask(0xf0);
    CHECK("vgic: a lower priority mask lets it go", wait_irq(3, 3));
    if (secondary_up) {
        gic_sgi(1, 5);
        CHECK("vgic: SGI to the other CPU in WFI", wait_irq(5, 1));
        if (gic_version == 2 && bm_is_xen_lite()) /* stock Xen does not report sources */
            sgi_sources();
    }
    CHECK("stage 2: a hole is an abort, and no more", bm_faults(stage2_hole));
}

void test_timer(void)
{
    gic_enable(0, 27, 0x80);
    irq_on();
    for (unsigned i = 1; i <= 3; i++) {
        uint64_t start = bm_counter();
        virtual_timer_start(bm_counter_hz() / 100);
        bool came = i < 3 ? wait_irq(27, i) : false;
        if (i == 3) /* the third time in WFI */
            while (bm_irq_count[27] < 3 && bm_counter() - start < bm_counter_hz())
                wait_for_interrupt();
        came |= bm_irq_count[27] == i;
        uint64_t ms = (bm_counter() - start) * 1000 / bm_counter_hz();
        bm_check(came && ms >= 10,
                 i < 3 ? "timer: virtual timer fires" : "timer: virtual timer ends WFI",
                 "count %u after %ju ms", bm_irq_count[27], ms);
    }
    gic_enable(0, 30, 0x80);
    physical_timer_start(bm_counter_hz() / 100);
    CHECK("timer: physical timer fires", wait_irq(30, 1));
}

static uint64_t free_pages(void)
{
    static struct xen_sysctl s;
    memset(&s, 0, sizeof(s));
    s.cmd = XEN_SYSCTL_physinfo, s.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    hypercall(__HYPERVISOR_sysctl, &s);
    return s.u.physinfo.free_pages;
}

void test_guest(void)
{
    struct guest g;
    bool ok = guest_make(&g, 2, 16);
    CHECK("guest: make", ok);
    if (!ok)
        return;
    guest_start(&g);
    g.mail[1]->first = 0, g.mail[1]->count = 64, g.mail[1]->value = 42;
    CHECK("guest: vCPU 1 answers", guest_run(&g, 1, GUEST_WRITE_ALL));
    g.mail[0]->first = 0, g.mail[0]->count = 64, g.mail[0]->value = 42;
    CHECK("guest: vCPU 0 reads what vCPU 1 wrote",
          guest_run(&g, 0, GUEST_CHECK) && g.mail[0]->result[0] == 0);
    CHECK_EQ("guest: info", domctl(&g, XEN_DOMCTL_getdomaininfo), 0);
    CHECK_EQ("guest: info counts vCPUs", g.op.u.getdomaininfo.nr_online_vcpus, 2);
    guest_destroy(&g);
    CHECK_EQ("guest: gone", domctl(&g, XEN_DOMCTL_pausedomain), -XEN_ESRCH);
}

/* Waits first: another CPU may drop a last reference a little later. */
uint64_t bm_free_pages(void)
{
    uint64_t end = bm_counter() + bm_counter_hz() / 20;
    while (bm_counter() < end)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
    return free_pages();
}

void test_cycles(void)
{
    struct guest g;
    unsigned i = 0, cycles = bm_is_xen_lite() ? 1000 : 20;
    uint64_t before = 0;
    for (bool ok = true; ok && i < cycles; i++) {
        if (i == 10) /* one-time allocations are done by now */
            before = bm_free_pages();
        ok = guest_make(&g, 1 + i % 3, 4);
        guest_forget(&g);
        ok = ok && domctl(&g, XEN_DOMCTL_destroydomain) == 0;
    }
    uint64_t after = bm_free_pages();
    /* Stock Xen frees pages at an unspecified later time. */
    bm_check(i == cycles && (after == before || !bm_is_xen_lite()),
             "guest: create and destroy, again and again, leak nothing",
             "%ju pages free, were %ju, after %u", after, before, i);
}
