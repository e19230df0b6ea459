/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The soak: does the dirty log ever lose a write?
 *
 * A guest of 8 vCPUs writes numbers into random pages.  A second CPU of the control domain writes
 * to some of these pages too (soak_writer.c).  This CPU harvests as fast as it can, copies the
 * pages that are reported, and between rounds does what toolstacks do (soak_events.c).
 *
 * Two properties must hold.
 *
 * Exact: with all writers stopped, one more harvest and copy makes the copy equal to the guest,
 * byte for byte.  After that no page is dirty.
 *
 * Racing: a page that differs from its copy was written after it was copied, so the next harvest
 * must report it.  A private page has one writer only.  Its fault has been handled completely
 * before its write is visible, so the next harvest must always have it.  A page with several
 * writers may be late: with software logging a fault handler makes the leaf writable, and marks its
 * region a moment later.  A second writer on another CPU may write to the page in between, and its
 * write is visible before the mark.  So if such a page is missing, all writers are stopped, which
 * leaves no handler under way, and then it must be reported.
 *
 * Also: the next harvest reports what a peek has reported, pages that were taken out are never
 * reported, and new pages are.
 *
 * The same seed repeats the same actions in the same order; the races with them differ from run to
 * run.
 */
#include "soak.h"

void *memset(void *p, int c, size_t n);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);

#define MAIN_VCPUS    8u
#define MAIN_MIB      12u
#define BESIDE_VCPUS  2u
#define BESIDE_MIB    8u
#define MAP_EACH      0x4000000u /* bytes of SPACE_SOAK per guest */
#define BATCH         64u
#define DUEL_PAUSE    40000u /* turns of a loop: about as long as a harvest takes */
#define PATIENCE_S    20u
#define TIMES_MAX     30u
#define EACH_MAX      300u
#define PAGE_WORDS    (PAGE / 8)
#define REPORT_S      10u
#define BESIDE_ROUNDS 400u /* rounds that the second guest lives, and then is absent */
#define RING_PIECE    32768u

struct soak_stats soak_stats;
uint64_t soak_seed;
char soak_dirty_mode[4];
bool soak_vlpt = true;
static uint64_t random_state;
static bool failed;
static struct soak main_guest, beside;

/* ---- helpers ---- */
uint64_t soak_random(uint64_t below) { return bm_random(&random_state) % below; }
bool soak_one_in(unsigned n) { return soak_random(n) == 0; }

void soak_fail(const struct soak *s, const char *fmt, ...)
{
    char why[160];
    va_list ap;
    if (failed)
        return; /* report only the first failure */
    failed = true;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    bm_check(false, "soak: no write is lost",
             "SOAK_SEED=%ju, dirty=%s vlpt=%s, %s guest, round %ju (%ju of this log): %s",
             soak_seed, soak_dirty_mode[0] ? soak_dirty_mode : "auto", soak_vlpt ? "on" : "off",
             s == &beside ? "second" : "first", s->round, s->round - s->on_since, why);
}

static uint64_t *data_words(uint64_t *bitmap) { return bitmap + soak_gfn(0) / 64; }
static bool in_bitmap(uint64_t *bitmap, uint64_t page)
{
    return data_words(bitmap)[page / 64] >> page % 64 & 1;
}
static bool is_hole(const struct soak *s, uint64_t page)
{
    return page - s->hole_first < s->hole_pages;
}
static size_t bitmap_bytes(const struct soak *s)
{
    return (size_t)(soak_gfn(s->data_pages) + 63) / 64 * 8;
}
static uint64_t *copy_of(const struct soak *s, uint64_t page)
{
    return s->copy + page * PAGE_WORDS;
}

/* ---- maps of the guest's pages ---- */
bool soak_map(struct soak *s, uint64_t at, uint64_t page, uint64_t pages)
{
    xen_ulong_t idx[BATCH];
    xen_pfn_t gpfn[BATCH];
    int err[BATCH];
    for (uint64_t done = 0; done < pages; done += BATCH) {
        uint16_t n = (uint16_t)(pages - done < BATCH ? pages - done : BATCH);
        for (uint16_t i = 0; i < n; i++)
            idx[i] = soak_gfn(page + done + i), gpfn[i] = at / PAGE + done + i, err[i] = -1;
        struct xen_add_to_physmap_batch b = { .domid = DOMID_SELF,
                                              .space = XENMAPSPACE_gmfn_foreign,
                                              .size = n,
                                              .u.foreign_domid = s->g.id };
        set_xen_guest_handle(b.idxs, idx);
        set_xen_guest_handle(b.gpfns, gpfn);
        set_xen_guest_handle(b.errs, err);
        if (hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, &b))
            return false;
        for (uint16_t i = 0; i < n; i++)
            if (err[i])
                return false;
    }
    return true;
}

bool soak_unmap(uint64_t at, uint64_t pages)
{
    bool good = true;
    for (uint64_t i = 0; i < pages; i++) {
        struct xen_remove_from_physmap r = { .domid = DOMID_SELF, .gpfn = at / PAGE + i };
        good &= hypercall(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &r) == 0;
    }
    return good;
}

/* ---- rounds ---- */
static bool shadow(struct soak *s, uint32_t op, uint64_t *bitmap, uint64_t gfns)
{
    memset(&s->g.op.u, 0, sizeof(s->g.op.u));
    s->g.op.u.shadow_op.op = op;
    s->g.op.u.shadow_op.pages = gfns;
    set_xen_guest_handle(s->g.op.u.shadow_op.dirty_bitmap, (void *)bitmap);
    long rc = domctl(&s->g, XEN_DOMCTL_shadow_op);
    if (rc)
        soak_fail(s, "shadow_op %u answers %ld", op, rc);
    return rc == 0;
}

/* Compares a page with its copy; true and the first different word if they differ. */
static bool differs(const struct soak *s, uint64_t page, unsigned words, unsigned *word,
                    uint64_t *now)
{
    const uint64_t *copy = copy_of(s, page);
    const volatile uint64_t *data = soak_data(s, page);
    for (unsigned i = 0; i < words; i++) {
        uint64_t value = data[i];
        if (value != copy[i]) {
            *word = i;
            *now = value;
            return true;
        }
    }
    return false;
}

static void fail_page(const struct soak *s, uint64_t page, const char *why)
{
    unsigned word = 0;
    uint64_t now = copy_of(s, page)[0];
    differs(s, page, PAGE_WORDS, &word, &now);
    soak_fail(s, "page %ju (gfn 0x%jx, %s) %s: word %u is %ju, %ju in the copy", page,
              soak_gfn(page), soak_private(page) ? "private" : "shared", why, word, now,
              copy_of(s, page)[word]);
}

/* Notes which pages differ from their copies: the next harvest must report them. */
static void look(struct soak *s)
{
    uint64_t first = soak_one_in(2) ? 0 : soak_random(s->data_pages), now;
    unsigned word;
    for (uint64_t page = first; page < s->data_pages; page++)
        if (!is_hole(s, page) && !s->owed[page] && differs(s, page, SOAK_SLOTS, &word, &now))
            s->owed[page] = soak_private(page) ? OWED_NOW : OWED_SOON;
    soak_stats.compared += s->data_pages - first;
}

/* After a harvest of the first `pages`: does it have every page that it must have?  *late is set if
 * pages are missing that may be late (see above). */
static bool found_all(struct soak *s, uint64_t pages, bool excuse, bool *late)
{
    for (uint64_t page = 0; page < pages; page++) {
        bool found = in_bitmap(s->bitmap, page);
        if (found && is_hole(s, page)) {
            soak_fail(s, "page %ju is reported, and is not there", page);
            return false;
        }
        if (!found && s->peek_valid && in_bitmap(s->peeked, page)) {
            fail_page(s, page, "was told by a peek, and not by the harvest after it");
            return false;
        }
        if (found || !s->owed[page])
            continue;
        if (s->owed[page] == OWED_NOW || !excuse) {
            fail_page(s, page, "was written, and is not in the log");
            return false;
        }
        *late = true;
    }
    return true;
}

static bool copy_found(struct soak *s, uint64_t pages)
{
    /* Map each page for its copy, as the daemon does. */
    bool each = soak_one_in(8) && s->g.op.u.shadow_op.stats.dirty_count < EACH_MAX;
    for (uint64_t word = 0; word < (pages + 63) / 64; word++)
        for (uint64_t bits = data_words(s->bitmap)[word]; bits; bits &= bits - 1) {
            uint64_t page = word * 64 + (uint64_t)__builtin_ctzll(bits);
            if (page >= pages)
                break;
            if (each && !soak_map(s, s->spare, page, 1)) {
                soak_fail(s, "page %ju cannot be mapped", page);
                return false;
            }
            copy_page(copy_of(s, page),
                      each ? (uint64_t *)(uintptr_t)s->spare : soak_data(s, page));
            if (each)
                soak_unmap(s->spare, 1);
            s->owed[page] = OWED_NOTHING;
            soak_stats.harvested++;
        }
    return true;
}

/* Collects `times` harvests in s->bitmap.  Harvests in quick succession meet faults under way more
 * often than harvests with copies in between. */
static bool clean(struct soak *s, uint64_t pages, uint64_t times)
{
    uint64_t *all = data_words(s->bitmap), *one = data_words(s->one);
    memset(all, 0, s->data_pages / 8);
    while (times--) {
        memset(one, 0xa5, s->data_pages / 8);
        if (!shadow(s, XEN_DOMCTL_SHADOW_OP_CLEAN, s->one, soak_gfn(pages)))
            return false;
        for (uint64_t i = 0; i < (pages + 63) / 64; i++)
            all[i] |= one[i];
        s->round++;
        soak_stats.rounds++;
    }
    return true;
}

/* Harvests the first `pages`, checks that no page is missing, and copies them. */
static bool harvest(struct soak *s, uint64_t pages, uint64_t times, bool excuse)
{
    bool late = false;
    if (!clean(s, pages, times) || !found_all(s, pages, excuse, &late) || !copy_found(s, pages))
        return false;
    s->peek_valid = false;
    if (!late)
        return true;
    soak_stats.late++;
    return soak_check(s);
}

static bool round_of(struct soak *s)
{
    uint64_t pages = s->next_pages    ? s->next_pages
                     : soak_one_in(4) ? 1 + soak_random(s->data_pages)
                                      : s->data_pages;
    uint64_t times = soak_one_in(4) ? 1 + soak_random(TIMES_MAX) : 1;
    s->next_pages = 0;
    if (soak_one_in(2))
        look(s);
    if (soak_one_in(8)) {
        if (!shadow(s, XEN_DOMCTL_SHADOW_OP_PEEK, s->peeked, soak_gfn(s->data_pages)))
            return false;
        s->peek_valid = true;
        soak_stats.peeks++;
    }
    return harvest(s, pages, times, true);
}

/* ---- checks with all writers stopped ---- */
static bool equal(struct soak *s)
{
    unsigned word;
    uint64_t now;
    for (uint64_t page = 0; page < s->data_pages; page++)
        if (!is_hole(s, page) && differs(s, page, PAGE_WORDS, &word, &now)) {
            fail_page(s, page, "is not what was copied, with all writers stopped");
            return false;
        }
    soak_stats.compared += s->data_pages;
    return true;
}

static bool nothing_dirty(struct soak *s)
{
    if (!shadow(s, XEN_DOMCTL_SHADOW_OP_PEEK, s->bitmap, soak_gfn(s->data_pages)))
        return false;
    uint64_t dirty = 0, last = 0;
    for (uint64_t page = 0; page < s->data_pages; page++)
        if (in_bitmap(s->bitmap, page))
            last = page, dirty++;
    if (dirty)
        soak_fail(
            s, "with all writers stopped %ju pages are dirty again, page %ju (gfn 0x%jx) the last",
            dirty, last, soak_gfn(last));
    return !dirty;
}

bool soak_check(struct soak *s)
{
    if (s->writer)
        soak_writer_hold(true);
    domctl(&s->g, XEN_DOMCTL_pausedomain);
    soak_stats.checks++;
    bool good = harvest(s, s->data_pages, 1, false) && equal(s) && nothing_dirty(s);
    domctl(&s->g, XEN_DOMCTL_unpausedomain);
    if (s->writer)
        soak_writer_hold(false);
    return good;
}

bool soak_log(struct soak *s, bool on)
{
    if (!shadow(s, on ? XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY : XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0))
        return false;
    s->peek_valid = false;
    s->on_since = s->round;
    for (uint64_t page = 0; on && page < s->data_pages; page++) {
        if (is_hole(s, page))
            continue;
        s->owed[page] = OWED_NOTHING;
        copy_page(copy_of(s, page), soak_data(s, page));
    }
    return true;
}

/* ---- duels ---- */
/*
 * One vCPU writes to a page and a moment later to another page of the same region, then waits.
 * This CPU only harvests meanwhile.  So the second write may race with a harvest of the region that
 * the first write has marked.
 */
static bool duel(struct soak *s, struct soak_order *o)
{
    uint64_t region = soak_random(s->data_pages / 512) * 512, missing = 3,
             end = bm_counter() + PATIENCE_S * bm_counter_hz();
    bool fought;
    o->first = region + 8 + 16 * soak_random(32); /* both are private pages of vCPU 0 */
    o->second = region + 8 + 16 * soak_random(32);
    o->between = soak_random(DUEL_PAUSE);
    __atomic_store_n(&o->duel, o->duel + 1, __ATOMIC_RELEASE);
    do {
        fought = __atomic_load_n(&o->fought, __ATOMIC_ACQUIRE) == o->duel;
        if (!shadow(s, XEN_DOMCTL_SHADOW_OP_CLEAN, s->one, soak_gfn(s->data_pages)))
            return false;
        for (uint64_t i = 0; i < s->data_pages / 64; i++)
            data_words(s->bitmap)[i] |= data_words(s->one)[i];
        missing &= ~((uint64_t)in_bitmap(s->one, o->first) | (uint64_t)in_bitmap(s->one, o->second)
                                                                 << 1);
        soak_stats.rounds++;
    } while (!fought && bm_counter() < end);
    if (!fought)
        soak_fail(s, "vCPU 0 does not come to its duel");
    else if (missing)
        fail_page(s, missing & 1 ? o->first : o->second,
                  "was written in a duel, and is not in the log");
    soak_stats.duels++;
    return fought && !missing;
}

bool soak_duels(struct soak *s, unsigned count)
{
    struct soak_order *o = soak_order(s->g.mail[0]);
    soak_pattern(s, 1);
    if (s->writer)
        soak_writer_rest(true);
    o->duelling = 1;
    for (unsigned v = 1; v < s->g.vcpu_count; v++)
        if (!bm_wait(&soak_order(s->g.mail[v])->asleep, 1, PATIENCE_S * 1000)) {
            soak_fail(s, "vCPU %u does not go to sleep", v);
            return false;
        }
    bool good = soak_acked(s) && harvest(s, s->data_pages, 1, true);
    memset(data_words(s->bitmap), 0, s->data_pages / 8);
    while (good && count--)
        good = duel(s, o);
    good = good && copy_found(s, s->data_pages);
    o->duelling = 0;
    soak_pattern(s, s->g.vcpu_count);
    return good;
}

/* ---- guests ---- */
static bool begin(struct soak *s, unsigned vcpus, unsigned mib)
{
    bool first = s == &main_guest;
    if (!guest_make(&s->g, vcpus, mib)) {
        soak_fail(s, "it cannot be made");
        return false;
    }
    s->hole_pages = s->next_pages = s->round = s->on_since = 0;
    s->peek_valid = s->writer = false;
    memset(s->copy, 0, (size_t)s->data_pages * PAGE);
    memset(s->owed, OWED_NOTHING, s->data_pages);
    bool early = !first && soak_one_in(2); /* log before it first runs: all pages are zero */
    if (early && !shadow(s, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0))
        return false;
    for (unsigned v = 0; v < vcpus; v++) {
        soak_order(s->g.mail[v])->data_pages = s->data_pages;
        s->g.mail[v]->seed = bm_random(&random_state);
    }
    soak_pattern(s, vcpus);
    guest_start(&s->g);
    /* Only after it has started: a mapping made earlier would count as the builder's, a writer. */
    if (!soak_map(s, s->map, 0, s->data_pages)) {
        soak_fail(s, "its memory cannot be mapped");
        return false;
    }
    for (unsigned v = 0; v < vcpus; v++)
        guest_order(&s->g, v, GUEST_SOAK);
    if (first && !soak_writer_start(s)) {
        soak_fail(s, "the second CPU does not start");
        return false;
    }
    soak_stats.guests++;
    return early || soak_log(s, true);
}

/* Checks what the vCPUs themselves report. */
static bool fared_well(struct soak *s)
{
    for (unsigned v = 0; v < s->g.vcpu_count; v++) {
        const struct soak_order *o = soak_order(s->g.mail[v]);
        if ((!o->written && !o->asleep) || o->wrong) {
            soak_fail(
                s,
                "vCPU %u has written %ju numbers, and read %ju times something else from the GIC",
                v, o->written, o->wrong);
            return false;
        }
    }
    return true;
}

static bool end(struct soak *s)
{
    /* The guest may stay logged, so that a logged domain is destroyed too. */
    bool good = (soak_one_in(2) || soak_log(s, false)) && fared_well(s);
    soak_unmap(s->map, s->data_pages);
    guest_destroy(&s->g);
    return good;
}

static void room_for(struct soak *s, unsigned mib, unsigned number)
{
    s->data_pages = mib * 256 - (unsigned)(GUEST_DATA / PAGE);
    s->copy = bm_alloc(s->data_pages);
    s->owed = bm_alloc((s->data_pages + PAGE - 1) / PAGE);
    s->bitmap = bm_alloc((unsigned)(bitmap_bytes(s) + PAGE - 1) / PAGE);
    s->one = bm_alloc((unsigned)(bitmap_bytes(s) + PAGE - 1) / PAGE);
    s->peeked = bm_alloc((unsigned)(bitmap_bytes(s) + PAGE - 1) / PAGE);
    s->map = SPACE_SOAK + number * MAP_EACH;
    s->spare = s->map + MAP_EACH / 2;
}

/* ---- what the hypervisor counted ---- */
static const char *after(const char *text, const char *word)
{
    for (; text && *text; text++) {
        const char *t = text, *w = word;
        while (*w && *t == *w)
            t++, w++;
        if (!*w)
            return t;
    }
    return NULL;
}

static uint64_t number_at(const char *s)
{
    uint64_t n = 0;
    while (s && *s >= '0' && *s <= '9')
        n = n * 10 + (uint64_t)(*s++ - '0');
    return n;
}

/* Debug key 'p' prints the counts to the log.  Takes those of the domain with most splits, which is
 * the first guest. */
static void splits_and_merges(uint64_t *splits, uint64_t *merges)
{
    static struct xen_sysctl op;
    static char text[RING_PIECE + 1], key = 'p';
    static uint32_t index;
    op.cmd = XEN_SYSCTL_debug_keys, op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    set_xen_guest_handle(op.u.debug_keys.keys, &key);
    op.u.debug_keys.nr_keys = 1;
    hypercall(__HYPERVISOR_sysctl, &op);
    *splits = *merges = 0;
    for (uint32_t n = RING_PIECE; n == RING_PIECE; index = op.u.readconsole.index) {
        memset(&op.u, 0, sizeof(op.u));
        op.cmd = XEN_SYSCTL_readconsole;
        op.u.readconsole.incremental = 1, op.u.readconsole.index = index,
        op.u.readconsole.count = RING_PIECE;
        set_xen_guest_handle(op.u.readconsole.buffer, text);
        if (hypercall(__HYPERVISOR_sysctl, &op))
            return;
        n = op.u.readconsole.count;
        text[n] = 0;
        for (const char *at = after(text, "splits "); at; at = after(at, "splits "))
            if (number_at(at) >= *splits)
                *splits = number_at(at), *merges = number_at(after(at, "merges "));
    }
}

static void report(void)
{
    const struct soak_stats *t = &soak_stats;
    uint64_t splits, merges, written = 0;
    splits_and_merges(&splits, &merges);
    for (unsigned v = 0; v < main_guest.g.vcpu_count; v++)
        written += soak_order(main_guest.g.mail[v])->written;
    bm_print("soak: %ju rounds, %ju pages harvested, %ju pages compared, %ju checks, "
             "%ju splits, %ju merges, %ju toggles, "
             "%ju of vlpt, %ju holes,\n",
             t->rounds, t->harvested, t->compared, t->checks, splits, merges, t->toggles,
             t->vlpt_toggles, t->holes);
    bm_print("soak:   %ju peeks, %ju pauses, %ju moves of vCPUs, %ju guests, %ju duels, %ju late; "
             "writes: %ju by the guest, %ju foreign, "
             "%ju granted, %ju copied\n",
             t->peeks, t->pauses, t->moves, t->guests, t->duels, t->late, written,
             soak_writes[SLOT_FOREIGN], soak_writes[SLOT_GRANT], soak_writes[SLOT_COPY]);
}

/* ---- */
static bool go_on(unsigned n)
{
    if (n % (2 * BESIDE_ROUNDS) == BESIDE_ROUNDS && !begin(&beside, BESIDE_VCPUS, BESIDE_MIB))
        return false;
    bool with = n % (2 * BESIDE_ROUNDS) >= BESIDE_ROUNDS;
    if (n && n % (2 * BESIDE_ROUNDS) == 0 && !end(&beside))
        return false;
    return soak_event(&main_guest) && round_of(&main_guest) &&
           (!with || (soak_event(&beside) && round_of(&beside)));
}

void test_soak(void)
{
    uint64_t seconds = (uint64_t)bm_option("soak"), start = bm_counter(), hz = bm_counter_hz(),
             next = start + REPORT_S * hz;
    int64_t seed = bm_option("soak_seed");
    soak_seed = seed > 0 ? (uint64_t)seed : bm_counter() | 1;
    random_state = soak_seed;
    bm_print("soak: %ju s, soak_seed=%ju\n", seconds, soak_seed);
    room_for(&main_guest, MAIN_MIB, 0);
    room_for(&beside, BESIDE_MIB, 1);
    bool good = begin(&main_guest, MAIN_VCPUS, MAIN_MIB);
    good = good && soak_weigh(&main_guest, 8192);
    if (good)
        soak_writer_hold(false);
    for (unsigned n = 0; good && bm_counter() - start < seconds * hz; n++) {
        good = go_on(n);
        if (bm_counter() > next) {
            report();
            next = bm_counter() + REPORT_S * hz;
        }
    }
    good = good && soak_check(&main_guest) && fared_well(&main_guest);
    report();
    bm_print("soak: took %ju s\n", (bm_counter() - start) / hz);
    if (good)
        bm_check(true, "soak: no write is lost", "%s", "");
}
