/* SPDX-License-Identifier: BSD-2-Clause */
#include "bm.h"

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
void *memset(void *p, int c, size_t n);
void *memcpy(void *restrict d, const void *restrict s, size_t n);
extern char heap_start[] __attribute__((visibility("hidden")));
extern uint64_t level1[512] __attribute__((visibility("hidden")));

unsigned bm_passed, bm_failed;
static uint64_t heap_used;
static bool expecting_fault;
static unsigned fault_count;
volatile uint64_t bm_fault_esr;

void *memset(void *p, int c, size_t n)
{
    for (volatile uint8_t *b = p; n--; b++)
        *b = (uint8_t)c;
    return p;
}

void *memcpy(void *restrict d, const void *restrict s, size_t n)
{
    volatile uint8_t *to = d;
    for (const uint8_t *from = s; n--;)
        *to++ = *from++;
    return d;
}

size_t strnlen(const char *s, size_t max);
size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;
    while (n < max && s[n])
        n++;
    return n;
}

size_t strlen(const char *s);
size_t strlen(const char *s) { return strnlen(s, ~(size_t)0); }

static void out(const char *s, unsigned n)
{
    hypercall(__HYPERVISOR_console_io, 0ul /* CONSOLEIO_write */, n, s);
}

static void vprint(const char *prefix, const char *fmt, va_list ap)
{
    char line[256];
    unsigned n = 0;
    for (; *prefix; prefix++)
        line[n++] = *prefix;
    int m = vsnprintf(line + n, sizeof(line) - n, fmt, ap);
    n += (unsigned)m;
    out(line, n < sizeof(line) ? n : sizeof(line) - 1);
}

void bm_print(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vprint("", fmt, ap);
    va_end(ap);
}

void bm_check(bool ok, const char *name, const char *fmt, ...)
{
    va_list ap;
    if (ok) {
        bm_passed++;
        bm_print("ok %s\n", name);
        return;
    }
    bm_failed++;
    bm_print("not ok %s - ", name);
    va_start(ap, fmt);
    vprint("", fmt, ap);
    va_end(ap);
    bm_print("\n");
}

/* Under -icount shift=0 one nanosecond is one instruction. */
void bm_cost(const char *name, uint64_t ticks, uint64_t count)
{
    bm_print("cost %s %ju\n", name, ticks * (1000000000ul / bm_counter_hz()) / count);
}

struct shared_info *bm_shared(void)
{
    static struct shared_info *shared;
    struct xen_add_to_physmap a = { .domid = DOMID_SELF,
                                    .space = XENMAPSPACE_shared_info,
                                    .gpfn = SPACE_SHARED / PAGE };
    if (!shared && hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &a) == 0) {
        shared = (struct shared_info *)SPACE_SHARED;
        memset(shared->evtchn_mask, 0xff, sizeof(shared->evtchn_mask));
        shared->vcpu_info[0].evtchn_upcall_pending = 0;
    }
    return shared;
}

static uint64_t loop_ticks(void)
{
    uint64_t start = bm_counter();
    for (volatile unsigned i = 0; i < 100000; i++)
        ;
    return bm_counter() - start;
}

/* Three equal loops take the same time only when time counts instructions. */
bool bm_is_icount(void)
{
    static int known;
    if (!known) {
        uint64_t first = loop_ticks(), second = loop_ticks(), third = loop_ticks();
        uint64_t low = first < second ? first : second, high = first < second ? second : first;
        low = third < low ? third : low, high = third > high ? third : high;
        known = high - low <= 1 ? 1 : -1; /* one tick is several instructions */
    }
    return known > 0;
}

static long perfc(uint32_t cmd, struct xen_sysctl *s, void *values)
{
    s->cmd = XEN_SYSCTL_perfc_op, s->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    s->u.perfc_op.cmd = cmd;
    set_xen_guest_handle(s->u.perfc_op.desc, NULL);
    set_xen_guest_handle(s->u.perfc_op.val, values);
    return hypercall(__HYPERVISOR_sysctl, s);
}

bool bm_counters(struct bm_counters *c)
{
    static struct xen_sysctl s;
    return perfc(XEN_SYSCTL_PERFCOP_query, &s, NULL) == 0 &&
           s.u.perfc_op.nr_counters == BM_EXIT_COUNT + 2 &&
           s.u.perfc_op.nr_vals * sizeof(uint32_t) == sizeof(*c) &&
           perfc(XEN_SYSCTL_PERFCOP_query, &s, c) == 0;
}

void bm_counters_reset(void)
{
    static struct xen_sysctl s;
    perfc(XEN_SYSCTL_PERFCOP_reset, &s, NULL);
}

void *bm_alloc(unsigned pages)
{
    uint8_t *p = (uint8_t *)heap_start + heap_used;
    heap_used += (uint64_t)pages * PAGE;
    memset(p, 0, (uint64_t)pages * PAGE);
    return p;
}

uint64_t bm_random(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

bool bm_wait(volatile uint64_t *word, uint64_t value, unsigned ms)
{
    uint64_t end = bm_counter() + bm_counter_hz() / 1000 * ms;
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) {
        if (bm_counter() > end)
            return false;
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
    }
    return true;
}

static bool version_has(const char word[3])
{
    char extra[16] = { 0 };
    hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, extra);
    for (unsigned i = 0; i < sizeof(extra) - 3; i++)
        if (extra[i] == word[0] && extra[i + 1] == word[1] && extra[i + 2] == word[2])
            return true;
    return false;
}

/* Maps the GiB that p is in once more, read-only, at an otherwise unused address. */
void *bm_readonly(void *p)
{
    const uint64_t gib = 1ull << 30, at = SPARE_GIB;
    level1[at] = ((uintptr_t)p & ~(gib - 1)) | 0x785; /* attributes as in start.S, plus read-only */
    stage1_flush();
    return (void *)(uintptr_t)(at * gib + ((uintptr_t)p & (gib - 1)));
}

bool bm_is_xen_lite(void) { return version_has("lit"); }
bool bm_is_debug(void) { return version_has("dbg"); }

bool bm_has_option(const char *text)
{
    static char line[1024];
    hypercall(__HYPERVISOR_xen_version, XENVER_commandline, line);
    for (const char *at = line; *at; at++) {
        const char *a = at, *b = text;
        while (*b && *a == *b)
            a++, b++;
        if (!*b)
            return true;
    }
    return false;
}

void bm_debug_key(char key)
{
    static struct xen_sysctl s;
    s.cmd = XEN_SYSCTL_debug_keys, s.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    set_xen_guest_handle(s.u.debug_keys.keys, &key);
    s.u.debug_keys.nr_keys = 1;
    CHECK_EQ("debug key", hypercall(__HYPERVISOR_sysctl, &s), 0);
}

bool bm_faults(void (*fn)(void))
{
    expecting_fault = true;
    bm_fault_esr = 0;
    fault_count = 0;
    fn();
    expecting_fault = false;
    return bm_fault_esr != 0;
}

void bm_sync(unsigned long esr, unsigned long far, unsigned long *elr);
void bm_sync(unsigned long esr, unsigned long far, unsigned long *elr)
{
    if (expecting_fault) {
        bm_fault_esr = esr;
        /* Each further fault steps further: stock Xen's return address on 32-bit is one or two
         * instructions too low. */
        *elr += 4 * ++fault_count;
        return;
    }
    bm_print("not ok payload - exception: ESR 0x%lx FAR 0x%lx ELR 0x%lx\n", esr, far, *elr);
    struct sched_shutdown s = { .reason = SHUTDOWN_poweroff };
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s);
}

void bm_bad(unsigned long esr, unsigned long elr);
void bm_bad(unsigned long esr, unsigned long elr)
{
    bm_print("not ok payload - unexpected exception class: ESR 0x%lx ELR 0x%lx\n", esr, elr);
    struct sched_shutdown s = { .reason = SHUTDOWN_poweroff };
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s);
}

_Noreturn void panic_at(const char *file, int line, const char *fmt, ...);
_Noreturn void panic_at(const char *file, int line, const char *fmt, ...)
{
    bm_print("not ok payload - panic at %s:%d: %s\n", file, line, fmt);
    for (;;)
        ;
}

static void phase(const char *name, void (*test)(void))
{
    uint64_t start = bm_counter();
    test();
    bm_print("# %s took %ju ms\n", name, (bm_counter() - start) * 1000 / bm_counter_hz());
}

static void all_phases(void)
{
    bm_shared();
    /* first call: nothing else runs yet */
    bm_print("# time is %s\n", bm_is_icount() ? "instructions" : "a clock's");
    phase("hypercalls", test_hypercalls);
    phase("psci", test_psci);
    phase("vgic", test_vgic);
    phase("timer", test_timer);
    phase("guest", test_guest);
    /* Not with a GICv2: the pages below it, where this test adds and removes devices, are flash
     * memory. */
    if (bm_is_debug() && gic_version == 3)
        phase("device map", test_device_map);
    else
        phase("cycles", test_cycles);
    if (bm_is_xen_lite())
        phase("dirty", test_dirty);
    if (bm_is_xen_lite())
        phase("routes", test_routes);
    if (bm_is_xen_lite())
        phase("windows", test_windows);
    phase("aarch32", test_aarch32);
    phase("errors", test_errors);
    if (bm_is_xen_lite())
        phase("vmids", test_vmids);
    phase("costs", test_costs);
    if (bm_is_xen_lite()) {
        phase("exits", test_exits);
        phase("preemption", test_preempt);
    }
}

void bm_main(void *fdt);
void bm_main(void *fdt)
{
    bm_read_tree(fdt);
    bm_print("bm: payload runs on %s\n", bm_is_xen_lite() ? "xen-lite" : "another hypervisor");
    gic_start(0);
    if (bm_option("soak") > 0)
        test_soak();
    else if (!bench_main(fdt))
        all_phases();
    bm_print("bm: %u passed, %u failed\n", bm_passed, bm_failed);
    struct sched_shutdown s = { .reason = SHUTDOWN_poweroff };
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s);
}
