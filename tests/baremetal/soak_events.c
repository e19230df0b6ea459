/* SPDX-License-Identifier: BSD-2-Clause */
/* The random events of the soak, between two rounds or during one: toolstack calls, switches of log
 * and VLPT, and a balloon. */
#include "soak.h"

void *memset(void *p, int c, size_t n);
void *memcpy(void *restrict d, const void *restrict s, size_t n);

#define ACK_MS     20000u
#define EVENT_ODDS 12u /* one event per this many rounds */
#define DUELS      200u
#define HOLE_MAX   700u /* pages: more than one block */
/* Slow vCPUs pause 2^16 to 2^19 turns of a loop between two writes: 0.1 to 1 ms. */
#define SLOW_LOG2 16u

static bool call_ok(struct soak *s, uint32_t cmd, const char *what)
{
    long rc = domctl(&s->g, cmd);
    if (rc)
        soak_fail(s, "%s answers %ld", what, rc);
    return rc == 0;
}

/* ---- orders ---- */
bool soak_acked(struct soak *s)
{
    for (unsigned v = 0; v < s->g.vcpu_count; v++) {
        struct soak_order *o = soak_order(s->g.mail[v]);
        o->hole_first = s->hole_first;
        o->hole_pages = s->hole_pages;
        barrier();
        o->sequence++;
    }
    barrier();
    if (s->writer)
        soak_writer_order(s->hole_first, s->hole_pages);
    for (unsigned v = 0; v < s->g.vcpu_count; v++) {
        struct soak_order *o = soak_order(s->g.mail[v]);
        uint64_t end = bm_counter() + bm_counter_hz() / 1000 * ACK_MS;
        while (!o->asleep && o->acked != o->sequence && bm_counter() < end)
            hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
        if (!o->asleep && o->acked != o->sequence) {
            soak_fail(s, "vCPU %u does not answer", v);
            return false;
        }
    }
    return true;
}

void soak_pattern(struct soak *s, unsigned awake)
{
    static const struct {
        uint64_t pages, stride;
    } patterns[] = {
        { 0, 1 },        /* all pages */
        { 48, 1 },       /* a few adjacent ones */
        { 24, 512 + 8 }, /* a few in each region */
    };
    uint64_t n = soak_random(ARRAY_SIZE(patterns)), base = soak_random(s->data_pages);
    /* Full speed, or slower: with a slow vCPU no later write soon makes up for one that was
     * missed. */
    uint64_t delay = soak_one_in(4) ? 0
                                    : 1ull << (soak_one_in(3) ? soak_random(SLOW_LOG2)
                                                              : SLOW_LOG2 + soak_random(4));
    if (s->writer)
        soak_writer_rest(soak_one_in(2));
    for (unsigned v = 0; v < s->g.vcpu_count; v++) {
        struct soak_order *o = soak_order(s->g.mail[v]);
        o->sleep = v >= awake;
        o->stride = patterns[n].stride;
        o->delay = delay;
        o->base = base;
        o->pages = patterns[n].pages ? patterns[n].pages : s->data_pages;
    }
    barrier();
    soak_order(s->g.mail[0])->wake = awake > 1;
}

/* ---- the balloon: pages leave the guest, and new ones come ---- */
static bool take_page(struct soak *s, uint64_t page)
{
    xen_pfn_t gfn = soak_gfn(page);
    if (page & 1) {
        struct xen_remove_from_physmap r = { .domid = s->g.id, .gpfn = gfn };
        return hypercall(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &r) == 0;
    }
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = s->g.id };
    set_xen_guest_handle(r.extent_start, &gfn);
    return hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r) == 1;
}

static bool hole_make(struct soak *s)
{
    s->hole_first = soak_random(s->data_pages);
    s->hole_pages = 1 + soak_random(s->data_pages - s->hole_first < HOLE_MAX
                                        ? s->data_pages - s->hole_first
                                        : HOLE_MAX);
    if (soak_one_in(2)) { /* a whole block, which returns as a block */
        s->hole_first &= ~511ull;
        s->hole_pages = 512;
    }
    if (!soak_acked(s) || !soak_unmap(s->map + s->hole_first * PAGE, s->hole_pages))
        return false;
    for (uint64_t i = 0; i < s->hole_pages; i++) {
        if (!take_page(s, s->hole_first + i)) {
            soak_fail(s, "page %ju cannot be taken from the guest", s->hole_first + i);
            return false;
        }
        s->owed[s->hole_first + i] = OWED_NOTHING;
    }
    s->peek_valid = false;
    soak_stats.holes++;
    return true;
}

/* Populates a whole block where one fits. */
static bool hole_fill(struct soak *s)
{
    for (uint64_t done = 0; done < s->hole_pages;) {
        xen_pfn_t gfn = soak_gfn(s->hole_first + done);
        bool block = gfn % 512 == 0 && s->hole_pages - done >= 512;
        struct xen_memory_reservation r = { .nr_extents = 1,
                                            .extent_order = block ? 9 : 0,
                                            .domid = s->g.id };
        set_xen_guest_handle(r.extent_start, &gfn);
        if (hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r) != 1) {
            soak_fail(s, "page %ju cannot be given to the guest", s->hole_first + done);
            return false;
        }
        done += block ? 512 : 1;
    }
    for (uint64_t i = 0; i < s->hole_pages; i++)
        s->owed[s->hole_first + i] = OWED_NOW; /* new pages are dirty */
    if (!soak_map(s, s->map + s->hole_first * PAGE, s->hole_first, s->hole_pages)) {
        soak_fail(s, "%ju new pages from %ju on cannot be mapped", s->hole_pages, s->hole_first);
        return false;
    }
    if (soak_one_in(2)) /* the next harvest ends among the new pages */
        s->next_pages = s->hole_first + 1 + soak_random(s->hole_pages);
    s->hole_pages = 0;
    return soak_acked(s);
}

/* ---- switches ---- */
static bool parameter(struct soak *s, const char *path, unsigned path_bytes, const void *value,
                      unsigned bytes)
{
    long rc = hypercall(__HYPERVISOR_hypfs_op, XEN_HYPFS_OP_write_contents, path, path_bytes, value,
                        bytes);
    if (rc)
        soak_fail(s, "%s cannot be set: %ld", path, rc);
    return rc == 0;
}

static bool switch_vlpt(struct soak *s)
{
    static const char path[] = "/params/vlpt";
    uint8_t on = !soak_vlpt;
    soak_vlpt = on;
    soak_stats.vlpt_toggles++;
    return parameter(s, path, sizeof(path), &on, 1);
}

static bool switch_log(struct soak *s)
{
    static const char path[] = "/params/dirty";
    static const char modes[][sizeof(soak_dirty_mode)] = { "sw", "hw" };
    const char *mode = modes[soak_random(2)];
    if (!soak_log(s, false) || !parameter(s, path, sizeof(path), mode, 3))
        return false;
    memcpy(soak_dirty_mode, mode, sizeof(modes[0]));
    for (uint64_t end = bm_counter() + soak_random(bm_counter_hz() / 100); bm_counter() < end;)
        ; /* meanwhile the guest writes unlogged */
    soak_stats.toggles++;
    return soak_log(s, true);
}

/* ---- vCPUs ---- */
static bool move_vcpu(struct soak *s)
{
    static uint8_t mask;
    mask = (uint8_t)(soak_one_in(3) ? 0xff : 1 + soak_random(15));
    memset(&s->g.op.u, 0, sizeof(s->g.op.u));
    struct xen_domctl_vcpuaffinity *a = &s->g.op.u.vcpuaffinity;
    a->vcpu = (uint32_t)soak_random(s->g.vcpu_count);
    a->flags = XEN_VCPUAFFINITY_HARD;
    set_xen_guest_handle(a->cpumap_hard.bitmap, &mask);
    a->cpumap_hard.nr_bits = 8;
    soak_stats.moves++;
    long rc = domctl(&s->g, XEN_DOMCTL_setvcpuaffinity);
    if (rc && rc != -XEN_EINVAL) /* the mask has no existing CPU */
        soak_fail(s, "setvcpuaffinity to 0x%x answers %ld", mask, rc);
    return rc == 0 || rc == -XEN_EINVAL;
}

static bool pause_for_a_while(struct soak *s)
{
    if (!call_ok(s, XEN_DOMCTL_pausedomain, "pause"))
        return false;
    for (uint64_t end = bm_counter() + soak_random(bm_counter_hz() / 1000); bm_counter() < end;)
        ;
    soak_stats.pauses++;
    return call_ok(s, XEN_DOMCTL_unpausedomain, "unpause");
}

bool soak_weigh(struct soak *s, uint16_t weight)
{
    struct guest self = { .id = 0 };
    self.op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
    self.op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    self.op.u.scheduler_op.u.credit2.weight = weight;
    self.op.u.scheduler_op.u.credit2.cap = 0xffff; /* unchanged */
    long rc = domctl(&self, XEN_DOMCTL_scheduler_op);
    if (rc)
        soak_fail(s, "the control domain's weight cannot be set: %ld", rc);
    return rc == 0;
}

/* ---- the order of events ---- */
enum {
    LOG,
    VLPT,
    HOLE,
    HOLE_AGAIN,
    PAUSE,
    PAUSE_AGAIN,
    MOVE,
    MOVE_AGAIN,
    WEIGH,
    PATTERN,
    CHECK,
    CHECK_AGAIN,
    DUEL,
    KINDS
};

/* Dealt like cards: every kind comes once, in random order, before any comes again.  So even a
 * short soak has all kinds. */
static unsigned next_kind(uint64_t dealt)
{
    static uint8_t deck[KINDS];
    for (unsigned i = 0; dealt % KINDS == 0 && i < KINDS; i++) {
        unsigned at = (unsigned)soak_random(i + 1);
        deck[i] = deck[at];
        deck[at] = (uint8_t)i;
    }
    return deck[dealt % KINDS];
}

bool soak_event(struct soak *s)
{
    static uint64_t dealt;
    if (!soak_one_in(dealt < KINDS ? 2 : EVENT_ODDS))
        return true;
    switch (next_kind(dealt++)) {
    case LOG: return switch_log(s);
    case VLPT: return switch_vlpt(s);
    case HOLE:
    case HOLE_AGAIN: return s->hole_pages ? hole_fill(s) : hole_make(s);
    case PAUSE:
    case PAUSE_AGAIN: return pause_for_a_while(s);
    case MOVE:
    case MOVE_AGAIN: return move_vcpu(s);
    case WEIGH: return soak_weigh(s, soak_one_in(4) ? 256 : 8192);
    case PATTERN:
        soak_pattern(s, soak_one_in(2) ? s->g.vcpu_count : 1 + (unsigned)soak_random(2));
        return true;
    case CHECK:
    case CHECK_AGAIN: return soak_check(s);
    default: return (!s->hole_pages || hole_fill(s)) && soak_duels(s, DUELS);
    }
}
