/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Benchmarks, run instead of the tests.  bench=WORK,WORK,... on the command line measures.
 * bench=trace:WORK is for tools/bench.py --trace: it waits for a key, then does the work a few
 * times between bench_trace_begin() and bench_trace_end().
 */
#include "bench.h"

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
size_t strlen(const char *s);

#define UNUSED_SPI 40u

void bench_say(const char *work, uint64_t ticks, uint64_t count, const char *fmt, ...)
{
    char more[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(more, sizeof(more), fmt, ap);
    va_end(ap);
    bm_print("bench %s ticks=%ju count=%ju %s\n", work, ticks, count, more);
}

/* ---- waiting ---- */
static bool tracing;

static void let_others_run(void)
{
    for (unsigned i = 0; i < 32; i++)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
}

/* No vCPU sleeps while tracing: an idle hypervisor clears free memory, and the trace would contain
 * every instruction of that. */
uint64_t bench_idle_us(void) { return tracing ? 0 : 20000; }

void bench_sleep(uint64_t us)
{
    if (tracing) {
        let_others_run();
        return;
    }
    irq_off();
    virtual_timer_start(bm_counter_hz() / 1000000 * us);
    wait_for_interrupt();
    irq_on(); /* bm_irq stops the timer */
}

bool bench_finish(struct guest *g, unsigned vcpu)
{
    if (tracing)
        return guest_finish(g, vcpu);
    for (unsigned n = 0; n < 2000; n++) {
        if (__atomic_load_n(&g->mail[vcpu]->done, __ATOMIC_ACQUIRE) == g->mail[vcpu]->command)
            return true;
        bench_sleep(10000);
    }
    bm_check(false, "bench: guest answers", "vCPU %u, command 0x%jx", vcpu, g->mail[vcpu]->command);
    return false;
}

bool bench_order(struct guest *g, unsigned vcpu, uint64_t command)
{
    guest_order(g, vcpu, command);
    return bench_finish(g, vcpu);
}

/* ---- what the control domain does itself ---- */
/* The figure includes the loop, the ISBs and the call itself, because every caller pays for them
 * too. */
static uint64_t run_hypercall(unsigned times)
{
    uint64_t start = bm_counter();
    for (unsigned i = 0; i < times; i++)
        hypercall(__HYPERVISOR_xen_version, XENVER_version, NULL);
    return bm_counter() - start;
}

/* XENVER_version takes a fast path ahead of the hypercall table.  An unknown version command goes
 * through the table. */
static uint64_t run_hypercall_by_table(unsigned times)
{
    uint64_t start = bm_counter();
    for (unsigned i = 0; i < times; i++)
        hypercall(__HYPERVISOR_xen_version, 77ul, NULL);
    return bm_counter() - start;
}

static uint64_t run_psci(unsigned times)
{
    uint64_t start = bm_counter();
    for (unsigned i = 0; i < times; i++)
        smccc(0x84000000, 0, 0, 0);
    return bm_counter() - start;
}

static uint64_t run_gic_read(unsigned times)
{
    uint64_t start = bm_counter();
    for (unsigned i = 0; i < times; i++)
        (void)mmio_read(DOM0_GICD + 4); /* TYPER */
    return bm_counter() - start;
}

static bool enable_unused(void)
{
    gic_enable(0, UNUSED_SPI, 0x80);
    return true;
}

static uint64_t run_gic_write(unsigned times)
{
    uint64_t start = bm_counter();
    for (unsigned i = 0; i < times; i++)
        /* ISENABLER: it is enabled already */
        mmio_write(DOM0_GICD + 0x100 + UNUSED_SPI / 32 * 4, 1u << UNUSED_SPI % 32);
    return bm_counter() - start;
}

/* Debug key M of a debug build changes the device map, which makes cached leaves stale.  Measures
 * the first read after that. */
static uint64_t run_stale(unsigned times)
{
    uint64_t ticks = 0;
    for (unsigned i = 0; i < times; i++) {
        bm_debug_key('M');
        for (volatile unsigned n = i * 7 & 15; n; n--) /* see dither() in guest_bench.c */
            ;
        uint64_t start = bm_counter();
        (void)mmio_read(DOM0_GICD + 4);
        ticks += bm_counter() - start;
    }
    return ticks;
}

static const struct bench_work own_works[] = {
    { "null-hypercall", NULL, run_hypercall, NULL, 1000, 8 },
    { "hypercall-by-table", NULL, run_hypercall_by_table, NULL, 1000, 8 },
    { "psci-version", NULL, run_psci, NULL, 1000, 8 },
    { "gic-read", NULL, run_gic_read, NULL, 1000, 8 },
    { "gic-write", enable_unused, run_gic_write, NULL, 1000, 8 },
    { "mmio-stale", NULL, run_stale, NULL, 256, 4 },
};

/* ---- measuring and tracing ---- */
static bool is_named(const char *name, const char *text)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if (text[i] != name[i])
            return false;
    return text[n] == ',' || text[n] == ' ' || text[n] == '\0';
}

static const struct bench_work *find(const char *text)
{
    for (unsigned i = 0; i < ARRAY_SIZE(own_works); i++)
        if (is_named(own_works[i].name, text))
            return &own_works[i];
    for (unsigned i = 0; i < bench_guest_work_count; i++)
        if (is_named(bench_guest_works[i].name, text))
            return &bench_guest_works[i];
    for (unsigned i = 0; i < bench_log_work_count; i++)
        if (is_named(bench_log_works[i].name, text))
            return &bench_log_works[i];
    return NULL;
}

static void measure(const struct bench_work *w)
{
    if (w->prepare && !w->prepare()) {
        bm_check(false, w->name, "could not be prepared");
        return;
    }
    uint64_t ticks = w->run(w->times);
    bench_say(w->name, ticks, w->times, "%s", "");
    if (w->finish)
        w->finish();
}

__attribute__((noinline)) void bench_trace_begin(void);
__attribute__((noinline)) void bench_trace_begin(void) { __asm__ volatile("" ::: "memory"); }
__attribute__((noinline)) void bench_trace_end(void);
__attribute__((noinline)) void bench_trace_end(void) { __asm__ volatile("nop" ::: "memory"); }

/* The tracer turns QEMU's log on when it sees the "trace: ready" line, then types a character. */
static void trace(const struct bench_work *w)
{
    char c;
    tracing = true;
    if (w->prepare && !w->prepare()) {
        bm_check(false, w->name, "could not be prepared");
        return;
    }
    unsigned times = w->traced_times;
    w->run(times); /* warm up, so that one-time costs are not traced */
    bm_print("trace: ready, payload at 0x%lx\n", (unsigned long)image_start);
    while (hypercall(__HYPERVISOR_console_io, 1ul /* CONSOLEIO_read */, 1ul, &c) != 1)
        ;
    bench_trace_begin();
    w->run(times);
    bench_trace_end();
    bm_print("trace: done\n");
}

const char *bench_after(const char *text, const char *prefix)
{
    for (; *prefix; prefix++, text++)
        if (*text != *prefix)
            return NULL;
    return text;
}

uint64_t bench_number(const char **text)
{
    uint64_t n = 0;
    while (**text >= '0' && **text <= '9')
        n = n * 10 + (uint64_t)(*(*text)++ - '0');
    return n;
}

static void do_work(const char *text)
{
    const char *traced = bench_after(text, "trace:");
    const struct bench_work *w = find(traced ? traced : text);
    if (!w && !traced && (bench_dirty(text) || bench_vmid(text)))
        return;
    if (!w)
        bm_check(false, "bench", "there is no work '%s'", text);
    else if (traced)
        trace(w);
    else
        measure(w);
}

/* ---- the command line ---- */
static uint32_t be32(const void *p) { return __builtin_bswap32(*(const uint32_t *)p); }

/* The value of the first property `bootargs` of a flattened device tree, or "". */
static const char *bootargs(const uint8_t *fdt)
{
    const uint8_t *at = fdt + be32(fdt + 8), *strings = fdt + be32(fdt + 12);
    for (;;) {
        uint32_t token = be32(at), bytes;
        at += 4;
        if (token == 1) { /* FDT_BEGIN_NODE: name */
            at += (strlen((const char *)at) + 4) & ~3ul;
        } else if (token == 3) { /* FDT_PROP: length, name's offset, value */
            bytes = be32(at);
            if (is_named("bootargs", (const char *)strings + be32(at + 4)))
                return (const char *)at + 8;
            at += 8 + ((bytes + 3) & ~3u);
        } else if (token != 2 && token != 4) { /* FDT_END_NODE, FDT_NOP */
            return "";
        }
    }
}

bool bench_main(const void *fdt)
{
    const char *text = bootargs(fdt);
    while (*text && !bench_after(text, "bench="))
        text++;
    if (!*text)
        return false;
    bm_print("bench: %ju instructions a tick\n", 1000000000ul / bm_counter_hz());
    irq_on();
    gic_enable(0, 27, 0x80);
    text = bench_after(text, "bench=");
    while (*text && *text != ' ') {
        do_work(text);
        while (*text && *text != ' ' && *text++ != ',')
            ;
    }
    return true;
}
