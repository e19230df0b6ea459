/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole session of the dirty log: turn it on, make a share of the pages dirty, read and clean it,
 * turn it off.
 *
 * The guest is paused during each call, so the figures are those of the calls alone.  A page that
 * this domain has mapped counts as dirty in every round.  Measurements of a clean guest therefore
 * unmap the mailboxes.
 */
#include "bench.h"

static struct guest g;
static unsigned mib;
static bool blocks, said_enable;

static const struct cell {
    unsigned percent;
    bool scattered;
} cells[] = {
    { 0, false },  { 1, false }, { 1, true },   { 10, false },  { 10, true },
    { 50, false }, { 50, true }, { 100, true }, { 100, false },
};

static uint64_t data_pages(void) { return g.page_count - GUEST_DATA / PAGE; }

static void say(const char *work, uint64_t ticks, uint64_t count, const struct cell *c)
{
    bench_say(work, ticks, count, "guest_mib=%u vcpus=%u leaves=%s dirty_percent=%u order=%s", mib,
              g.vcpu_count, blocks ? "2m" : "4k", c->percent,
              c->scattered ? "random" : "sequential");
}

static void pause(bool on)
{
    if (domctl(&g, on ? XEN_DOMCTL_pausedomain : XEN_DOMCTL_unpausedomain))
        CHECK("bench: the guest is paused and goes on", false);
}

/* One shadow_op during which no other domain has a page of the guest mapped. */
static long shadow_alone(uint32_t op)
{
    guest_forget(&g);
    if (op == XEN_DOMCTL_SHADOW_OP_CLEAN)
        bench_shadow(&g, op); /* drop the dirty bits of the mailboxes */
    long ticks = bench_shadow(&g, op);
    if (!guest_mail(&g) || ticks < 0)
        CHECK("bench: a call for the dirty log", false);
    return ticks;
}

static void enable(void)
{
    pause(true);
    long ticks = shadow_alone(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY);
    if (!said_enable)
        say("dirty-enable-per-page", (uint64_t)ticks, g.page_count, &cells[0]);
    said_enable = true;
    pause(false);
}

static void disable(const struct cell *c)
{
    pause(true);
    say("disable-per-page", (uint64_t)shadow_alone(XEN_DOMCTL_SHADOW_OP_OFF), g.page_count, c);
    pause(false);
}

/* The vCPUs write to their shares one after the other.  Returns the number of pages written.
 * *ticks: the time that this took beyond the same loop over pages that are already dirty. */
static uint64_t make_dirty(const struct cell *c, uint64_t *ticks)
{
    uint64_t share = data_pages() / g.vcpu_count, count = share * c->percent / 100;
    *ticks = 0;
    for (unsigned v = 0; v < g.vcpu_count; v++) {
        bench_write(&g, v, v * share, share, count, c->scattered);
        *ticks += g.mail[v]->result[0] - g.mail[v]->result[1];
    }
    return count * g.vcpu_count;
}

static void measure_clean(const struct cell *c)
{
    pause(true);
    uint64_t ticks = (uint64_t)shadow_alone(XEN_DOMCTL_SHADOW_OP_CLEAN);
    say("get-clear-whole", ticks, 1, c);
    say("get-clear-per-page", ticks, g.page_count, c);
    if (g.op.u.shadow_op.stats.dirty_count > 1) /* shared_info is dirty in every round */
        bm_check(false, "bench: a clean guest is clean", "%u pages are not",
                 g.op.u.shadow_op.stats.dirty_count);
    pause(false);
}

static void measure(const struct cell *c)
{
    uint64_t ticks;
    pause(true);
    bench_shadow(&g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    pause(false);
    uint64_t pages = make_dirty(c, &ticks);
    say("write-fault", ticks, pages, c);
    pause(true);
    ticks = (uint64_t)bench_shadow(&g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    say("get-clear-whole", ticks, 1, c);
    say("get-clear-per-page", ticks, g.page_count, c);
    /* Also dirty: the mailboxes, shared_info, and the page of vcpu_info. */
    uint64_t found = g.op.u.shadow_op.stats.dirty_count;
    if (found < pages || found > pages + g.vcpu_count + 2)
        bm_check(false, "bench: the log has what was written", "%ju pages of %ju", found, pages);
    pause(false);
}

/* The first write splits a block, so each measurement of blocks starts with a new session. */
static void sessions(void)
{
    if (!blocks)
        enable();
    for (unsigned i = 0; i < ARRAY_SIZE(cells); i++) {
        if (blocks)
            enable();
        if (cells[i].percent)
            measure(&cells[i]);
        else
            measure_clean(&cells[i]);
        if (blocks)
            disable(&cells[i]);
    }
    if (!blocks)
        disable(&cells[ARRAY_SIZE(cells) - 1]);
}

bool bench_dirty(const char *text)
{
    text = bench_after(text, "dirty-");
    if (!text)
        return false;
    mib = (unsigned)bench_number(&text);
    text++;
    unsigned vcpu_count = (unsigned)bench_number(&text);
    blocks = bench_after(text, "-2m") != NULL;
    said_enable = false;
    bool ok = bench_guest(&g, vcpu_count, mib, !blocks);
    bm_check(ok, "bench: make a guest", "%u MiB, %u vCPUs", mib, vcpu_count);
    if (ok)
        sessions();
    guest_destroy(&g);
    return true;
}

/* ---- calls to trace ---- */
static bool whole_guest(void)
{
    if (!bench_guest(&g, 1, 64, false))
        return false;
    pause(true);
    guest_forget(&g);
    return true;
}
static void guest_gone(void) { guest_destroy(&g); }

static uint64_t run_enable(unsigned times)
{
    long ticks = 0;
    for (unsigned i = 0; i < times; i++) {
        ticks += bench_shadow(&g, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY);
        bench_shadow(&g, XEN_DOMCTL_SHADOW_OP_OFF);
    }
    return (uint64_t)ticks;
}

static bool logged_guest(void)
{
    return whole_guest() && bench_shadow(&g, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY) >= 0;
}
static uint64_t run_clean(unsigned times)
{
    long ticks = 0;
    for (unsigned i = 0; i < times; i++)
        ticks += bench_shadow(&g, XEN_DOMCTL_SHADOW_OP_CLEAN);
    return (uint64_t)ticks;
}

const struct bench_work bench_log_works[] = {
    { "enable-blocks", whole_guest, run_enable, guest_gone, 8, 2 },
    { "clean-nothing", logged_guest, run_clean, guest_gone, 8, 2 },
};
const unsigned bench_log_work_count = ARRAY_SIZE(bench_log_works);

/* Rounds of the log while the guest keeps writing: how often must TLBs be flushed?  Debug key V
 * prints the counters. */
bool bench_vmid(const char *text)
{
    text = bench_after(text, "vmid-");
    if (!text)
        return false;
    uint64_t rounds = bench_number(&text), dirty_rounds = 0;
    if (!bench_guest(&g, 1, 64, false) ||
        bench_shadow(&g, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY) < 0) {
        bm_check(false, "bench: make a guest", "to log");
        return true;
    }
    g.mail[0]->first = 0, g.mail[0]->count = 64;
    guest_order(&g, 0, GUEST_KEEP_WRITING);
    bench_sleep(2 * bench_idle_us());
    bm_debug_key('V');
    for (uint64_t i = 0; i < rounds; i++) {
        bench_sleep(1000);
        bench_shadow(&g, XEN_DOMCTL_SHADOW_OP_CLEAN);
        dirty_rounds += g.op.u.shadow_op.stats.dirty_count >= 64;
    }
    bm_debug_key('V');
    bench_order(&g, 0, GUEST_IDLE);
    bench_say("vmid-rounds", 0, rounds, "dirty_rounds=%ju", dirty_rounds);
    guest_destroy(&g);
    return true;
}
