/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @guest-mem
// libs: -lcmocka
/*
 * Compares the dirty log with a set of page numbers, bit for bit, round after round: with write
 * faults and with hardware dirty state, through the window and by walking.  Also a small migration:
 * a guest writes on one CPU while another harvests and copies.
 */
#include <threads.h>
#include "mem_guest.h"

#define BASE  0x3fe00000ull /* 6 MiB across a GiB boundary */
#define PAGES 1536u
#define FIRST (BASE >> PAGE_SHIFT)
static struct domain *guest, *other;
static struct page *of[PAGES];
static bool dirty[PAGES];
static unsigned writers[PAGES];
static uint64_t baseline;

static void set_up(bool vlpt, bool hardware, bool blocks)
{
    cmdline.vlpt = vlpt;
    cmdline.dirty_mode = 0;
    fake_domains_clear();
    fake_init(48ull << 20, 2);
    fake_page_init();
    fake_hw_dirty = hardware;
    vmid_init();
    baseline = page_free_count();
    guest = guest_new(1);
    other = guest_new(2);
    memset(dirty, 0, sizeof(dirty));
    memset(writers, 0, sizeof(writers));
    for (unsigned i = 0; i < PAGES; i += 512) {
        struct page *b = page_alloc(guest, 9, 0);
        for (unsigned k = 0; k < 512; k++)
            of[i + k] = &b[k];
        uint64_t n = blocks ? 512 : 1;
        for (unsigned k = 0; k < 512; k += (unsigned)n)
            assert_int_equal(p2m_map(guest, IPA(BASE + (uint64_t)(i + k) * PAGE_SIZE),
                                     page_pa(&b[k]), n, P2M_RAM),
                             0);
    }
}

static void tear_down(void)
{
    for (unsigned i = 0; i < PAGES; i++)
        for (; writers[i]; writers[i]--)
            dirty_ext_writer(of[i], -1);
    guest_free(guest);
    guest_free(other);
    assert_int_equal(page_free_count(), baseline);
}

static uint64_t ipa_of(unsigned i) { return BASE + (uint64_t)i * PAGE_SIZE; }

/* A harvest of all pages, in pieces of random size, compared with the model. */
static void harvest(bool clear)
{
    uint64_t words[PAGES / 64];
    for (unsigned at = 0; at < PAGES;) {
        unsigned n = one_in(2) ? 512 - at % 512 : 64 * (1 + (unsigned)below(8));
        n = MIN(n, PAGES - at);
        uint64_t count, expect = 0;
        memset(words, 0xa5, sizeof(words));
        assert_int_equal(dirty_harvest(guest, FIRST + at, n, words, clear, &count), 0);
        for (unsigned k = 0; k < n; k++) {
            if (bit_test(words, k) != dirty[at + k])
                fail_msg("page %u: the log says %d", at + k, bit_test(words, k));
            expect += dirty[at + k];
            dirty[at + k] = clear ? writers[at + k] != 0 : dirty[at + k];
        }
        assert_int_equal(count, expect);
        at += n;
    }
    if (clear)
        dirty_round_end(guest);
}

static void guest_write(unsigned i)
{
    paddr_t pa;
    assert_true(guest_access(guest, ipa_of(i) + 8, true, &pa));
    assert_int_equal(pa.v, page_pa(of[i]).v + 8);
    dirty[i] = true;
}

static void remap(unsigned i) /* replaces a page; the new one starts dirty */
{
    assert_int_equal(p2m_unmap(guest, IPA(ipa_of(i)), 1), 0);
    if (one_in(2)) {
        uint64_t words[8], count;
        assert_int_equal(dirty_harvest(guest, FIRST + i / 512 * 512, 512, words, false, &count), 0);
        assert_false(bit_test(words, i % 512));
    }
    struct page *p = page_alloc(guest, 0, 0);
    assert_non_null(p);
    assert_int_equal(p2m_map(guest, IPA(ipa_of(i)), page_pa(p), 1, P2M_RAM), 0);
    of[i] = p;
    dirty[i] = true;
}

static void remap_block(unsigned i)
{
    i -= i % 512;
    for (unsigned k = 0; k < 512; k++)
        if (writers[i + k])
            return;
    struct page *p = page_alloc(guest, 9, 0);
    if (!p)
        return;
    if (one_in(2))
        assert_int_equal(p2m_unmap(guest, IPA(ipa_of(i)), 512), 0);
    assert_int_equal(p2m_map(guest, IPA(ipa_of(i)), page_pa(p), 512, P2M_RAM), 0);
    for (unsigned k = 0; k < 512; k++) {
        of[i + k] = &p[k];
        dirty[i + k] = true;
    }
}

static void one_operation(void)
{
    unsigned i = (unsigned)below(PAGES), level;
    paddr_t pa;
    char c = 1;
    switch (below(20)) {
    case 0: harvest(true); break;
    case 1: harvest(false); break;
    case 2:
        assert_int_equal(copy_to_ipa(guest, IPA(ipa_of(i) + below(4096)), &c, 1), 0);
        dirty[i] = true;
        break;
    case 3:
        dirty_mark_page(of[i]);
        dirty[i] = true;
        break;
    case 4:
        if (writers[i] < 3) {
            dirty_ext_writer(of[i], 1);
            writers[i]++;
            dirty[i] = true;
        }
        break;
    case 5:
        if (writers[i]) {
            dirty_ext_writer(of[i], -1);
            writers[i]--;
        }
        break;
    case 6:
        if (!writers[i])
            remap(i);
        break;
    case 7:
        if (one_in(8))
            remap_block(i);
        break;
    case 8:
        if (one_in(20)) { /* off merges, on starts clean except for external writers */
            assert_int_equal(dirty_disable(guest), 0);
            assert_int_equal(dirty_disable(guest), -XEN_EINVAL);
            for (unsigned k = 0; k < 30; k++)
                assert_true(guest_access(guest, ipa_of((unsigned)below(PAGES)), true, &pa));
            assert_int_equal(dirty_enable(guest), 0);
            assert_int_equal(dirty_enable(guest), -XEN_EINVAL);
            for (unsigned k = 0; k < PAGES; k++)
                dirty[k] = writers[k] != 0;
        }
        break;
    case 9:
        assert_true(guest_access(guest, ipa_of(i), false, &pa));
        p2m_leaf(guest, IPA(ipa_of(i)), &level);
        break;
    default: guest_write(one_in(3) ? i : (unsigned)below(40));
    }
}

static void log_equals_writes(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 8; mode++) {
        set_up(mode & 1, mode & 2, mode & 4);
        assert_int_equal(
            dirty_harvest(guest, FIRST, 64, (uint64_t[1]){ 0 }, false, &(uint64_t){ 0 }),
            -XEN_EINVAL);
        for (unsigned i = 0; i < 200; i++)
            fake_access(vmid_enter(guest), IPA(ipa_of((unsigned)below(PAGES))), true,
                        &(paddr_t){ 0 });
        assert_int_equal(dirty_enable(guest), 0);
        harvest(true);
        for (unsigned step = 0; step < 6000; step++)
            one_operation();
        harvest(true);
        harvest(true);
        tear_down();
    }
}

/* Cost and effect of enabling and disabling on blocks.  Enabling makes one store per block and no
 * split.  The first write splits its block.  Disabling merges blocks again. */
static void log_over_blocks(void **state)
{
    (void)state;
    set_up(true, false, true);
    assert_int_equal(dirty_enable(guest), 0);
    assert_int_equal(guest->p2m.split_count, 0);
    harvest(false);
    guest_write(700);
    assert_int_equal(guest->p2m.split_count, 1);
    guest_write(701);
    harvest(true);
    harvest(true);
    guest_write(5);
    unsigned flushes = fake_flush_ipa_count;
    guest_write(5);
    assert_int_equal(fake_flush_ipa_count, flushes); /* already dirty: no exit */
    assert_int_equal(dirty_disable(guest), 0);
    assert_int_equal(guest->p2m.merge_count, 2);
    for (unsigned i = 0; i < PAGES; i += 512) {
        unsigned level;
        uint64_t leaf = p2m_leaf(guest, IPA(ipa_of(i)), &level);
        assert_int_equal(level, 2);
        assert_true(leaf & PTE_S2_W);
        assert_false(leaf & (PTE_SW_LOGGED | PTE_DBM));
    }
    tear_down();
}

static void enable_preempted_under_a_writer(void **state)
{
    (void)state;
    set_up(true, false, false);
    for (unsigned i = 0; i < 100; i++) {
        struct page *p = page_alloc(guest, 0, 0);
        assert_int_equal(
            p2m_map(guest, IPA(0x100000000 + (uint64_t)i * BLOCK_SIZE), page_pa(p), 1, P2M_RAM), 0);
    }
    fake_preempt = true;
    unsigned calls = 0;
    int err;
    while ((err = dirty_enable(guest)) == -XEN_ERESTART) {
        guest_write(calls % 64); /* the guest runs meanwhile */
        assert_int_equal(
            dirty_harvest(guest, FIRST, 64, (uint64_t[1]){ 0 }, true, &(uint64_t){ 0 }),
            -XEN_EINVAL);
        calls++;
    }
    assert_int_equal(err, 0);
    assert_true(calls >= 3);
    uint64_t words[1], count;
    assert_int_equal(dirty_harvest(guest, FIRST + 64, 64, words, true, &count), 0);
    assert_int_equal(words[0], 0);
    calls = 0;
    while ((err = dirty_disable(guest)) == -XEN_ERESTART) {
        guest_write(calls % 64);
        calls++;
    }
    assert_int_equal(err, 0);
    assert_true(calls >= 3);
    fake_preempt = false;
    guest_write(9);
    tear_down();
}

/* A block has EXT from external writers that have gone.  While logging starts, but before this
 * block's turn, one of its pages is unmapped, which splits the block. */
static void block_cut_while_log_starts(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 4; mode++) {
        set_up(mode & 1, mode & 2, true);
        dirty_ext_writer(of[600], 1);
        dirty_ext_writer(of[600], -1);
        fake_preempt = true;
        assert_int_equal(dirty_enable(guest), -XEN_ERESTART);
        assert_int_equal(p2m_unmap(guest, IPA(ipa_of(700)), 1), 0);
        fake_preempt = false;
        assert_int_equal(dirty_enable(guest), 0);
        for (unsigned i = 512; i < 1024; i++)
            dirty[i] = i != 700; /* like the block before */
        guest_write(800);
        harvest(true);
        guest_write(801);
        harvest(true);
        tear_down();
    }
}

static void no_table_to_split_a_block(void **state)
{
    (void)state;
    set_up(true, false, true);
    static struct page *hog[16384];
    unsigned hogs = 0;
    dirty_ext_writer(of[1000], 1);
    writers[1000] = 1;
    dirty[1000] = true; /* at once */
    assert_int_equal(dirty_enable(guest), 0);
    harvest(true);
    assert_int_equal(dirty_disable(guest), 0);
    while ((hog[hogs] = page_alloc(NULL, 0, 0)) != NULL)
        hogs++;
    /* Without memory for a table a block is not split: all of it counts as dirty, and no write is
     * lost. */
    assert_int_equal(dirty_enable(guest), 0);
    for (unsigned i = 512; i < 1024; i++)
        dirty[i] = true;
    harvest(false);
    guest_write(3);
    for (unsigned i = 0; i < 512; i++)
        dirty[i] = true;
    harvest(false);
    while (hogs)
        page_put(hog[--hogs]);
    tear_down();
}

/* The same when logging starts on a domain that has never run.  Its builder wrote to one page of a
 * block, and still has another one mapped. */
static void no_table_to_split_a_new_domains_block(void **state)
{
    (void)state;
    set_up(true, false, true);
    guest->state = DOM_BUILDING;
    static struct page *hog[16384];
    unsigned hogs = 0;
    assert_int_equal(copy_to_ipa(guest, IPA(ipa_of(520)), "x", 1), 0);
    dirty_ext_writer(of[1000], 1);
    writers[1000] = 1;
    while ((hog[hogs] = page_alloc(NULL, 0, 0)) != NULL)
        hogs++;
    assert_int_equal(dirty_enable(guest), 0);
    /* dirty in every round, because the page written is unknown */
    for (unsigned round = 0; round < 3; round++) {
        uint64_t words[8], count;
        assert_int_equal(dirty_harvest(guest, FIRST + 512, 512, words, true, &count), 0);
        assert_int_equal(count, 512);
        dirty_round_end(guest);
    }
    while (hogs)
        page_put(hog[--hogs]);
    tear_down();
}

/* ---- a guest that writes while it is copied ---- */
static int stop_writing;
static uint64_t writes; /* number of writes by the guest */
static int guest_writes(struct vcpu *v)
{
    uint64_t rnd = 5;
    for (uint64_t n = 1; !__atomic_load_n(&stop_writing, __ATOMIC_ACQUIRE); n++) {
        rnd = rnd * 6364136223846793005ull + 1442695040888963407ull;
        uint64_t ipa = ipa_of((unsigned)((rnd >> 33) % PAGES)) + ((rnd >> 20) & 0xff8);
        enum fake_fault fault;
        /* Each renewal may bring one more fault, so tries are counted between two renewals. */
        unsigned tries = 0;
        for (uint64_t vttbr, last = 0;; last = vttbr) {
            vttbr = vmid_enter(guest);
            fault = fake_store64(vttbr, IPA(ipa), n);
            if (fault == FAKE_OK)
                break;
            tries = vttbr == last ? tries + 1 : 0;
            struct stage2_fault f = { .ipa = IPA(ipa),
                                      .write = true,
                                      .permission = fault == FAKE_PERMISSION };
            stage2_fault(v, &f);
            if (v->arch.aborts || tries > 100)
                return 1;
        }
        __atomic_store_n(&writes, n, __ATOMIC_RELEASE);
    }
    return 0;
}

static int guest_cpu(void *arg)
{
    (void)arg;
    fake_cpu_set(1);
    int bad = guest_writes(guest->vcpu[0]);
    /* ends all waiting for further writes */
    __atomic_store_n(&writes, 1ull << 62, __ATOMIC_RELEASE);
    vmid_idle();
    return bad;
}

static void copy_page(uint8_t *copy, unsigned i)
{
    const uint64_t *from = page_va(of[i]);
    uint64_t *to = (uint64_t *)(void *)(copy + (size_t)i * PAGE_SIZE);
    for (unsigned k = 0; k < 512; k++)
        to[k] = __atomic_load_n(&from[k], __ATOMIC_RELAXED);
}

/* Waits until the guest has made `more` writes. */
static void let_it_write(uint64_t more)
{
    uint64_t until = __atomic_load_n(&writes, __ATOMIC_ACQUIRE) + more;
    while (__atomic_load_n(&writes, __ATOMIC_ACQUIRE) < until)
        thrd_yield();
}

static void take_round(uint8_t *copy, uint64_t *sent)
{
    uint64_t words[PAGES / 64], count;
    for (unsigned at = 0; at < PAGES; at += 512)
        assert_int_equal(dirty_harvest(guest, FIRST + at, 512, words + at / 64, true, &count), 0);
    dirty_round_end(guest);
    for (unsigned i = 0; i < PAGES; i++)
        if (bit_test(words, i)) {
            copy_page(copy, i);
            ++*sent;
        }
}

static void copy_of_a_running_guest(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 4; mode++) {
        set_up(mode & 1, mode & 2, true);
        uint8_t *copy = calloc(PAGES, PAGE_SIZE);
        uint64_t sent = 0;
        thrd_t t;
        int bad;
        stop_writing = 0;
        writes = 0;
        thrd_create(&t, guest_cpu, NULL);
        for (unsigned turn = 0; turn < 3; turn++) {
            assert_int_equal(dirty_enable(guest), 0);
            for (unsigned i = 0; i < PAGES; i++) /* the first round sends everything */
                copy_page(copy, i);
            for (unsigned round = 0; round < 40; round++) {
                let_it_write(20);
                take_round(copy, &sent);
            }
            if (turn < 2) /* the migration is cancelled; the next one starts anew */
                assert_int_equal(dirty_disable(guest), 0);
        }
        __atomic_store_n(&stop_writing, 1, __ATOMIC_RELEASE);
        thrd_join(t, &bad);
        assert_int_equal(bad, 0);
        take_round(copy, &sent);
        assert_true(sent > 0);
        for (unsigned i = 0; i < PAGES; i++)
            assert_memory_equal(copy + (size_t)i * PAGE_SIZE, page_va(of[i]), PAGE_SIZE);
        tear_down();
        free(copy);
    }
}

/* Logging is toggled as fast as possible while the guest writes.  No store may be refused, whatever
 * state its leaf is in. */
static void log_toggled_under_a_writer(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 4; mode++) {
        set_up(mode & 1, mode & 2, mode & 1);
        thrd_t t;
        int bad;
        stop_writing = 0;
        writes = 0;
        thrd_create(&t, guest_cpu, NULL);
        for (unsigned turn = 0; turn < 150; turn++) {
            assert_int_equal(dirty_enable(guest), 0);
            assert_int_equal(dirty_disable(guest), 0);
        }
        __atomic_store_n(&stop_writing, 1, __ATOMIC_RELEASE);
        thrd_join(t, &bad);
        assert_int_equal(bad, 0);
        tear_down();
    }
}

/* A page shared with the hypervisor is dirty in every round, whether it was mapped when logging
 * began, later, or again. */
static void shared_pages_dirty_in_every_round(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 4; mode++) {
        set_up(mode & 1, mode & 2, true);
        struct page *p[2] = { page_alloc(NULL, 0, 0), page_alloc(NULL, 0, 0) };
        const uint64_t at = BASE + PAGES * PAGE_SIZE;
        uint64_t words[1], count;
        assert_int_equal(p2m_map(guest, IPA(at), page_pa(p[0]), 1, P2M_SHARED), 0);
        for (unsigned turn = 0; turn < 2; turn++) {
            assert_int_equal(dirty_enable(guest), 0);
            for (unsigned round = 0; round < 6; round++) {
                if (round == 2)
                    assert_int_equal(
                        p2m_map(guest, IPA(at + PAGE_SIZE), page_pa(p[1]), 1, P2M_SHARED), 0);
                if (round == 4)
                    assert_int_equal(p2m_unmap(guest, IPA(at + PAGE_SIZE), 1), 0);
                assert_int_equal(dirty_harvest(guest, at >> PAGE_SHIFT, 64, words, true, &count),
                                 0);
                assert_int_equal(words[0], round == 2 || round == 3 ? 3 : 1);
                harvest(true);
            }
            assert_int_equal(dirty_disable(guest), 0);
        }
        assert_int_equal(p2m_unmap(guest, IPA(at), 1), 0);
        page_put(p[0]);
        page_put(p[1]);
        tear_down();
    }
}

/*
 * Duels: a page is marked, and a moment later another page of the same region, while the region is
 * harvested again and again.  Then there are no more writes.  So the second mark races with a
 * harvest of the region that the first mark has noted, and no later write makes up for a lost mark.
 */
#define DUELS 20000u
static uint64_t duel, fought, blow[2], pause_between;
static int fighter(void *arg)
{
    (void)arg;
    fake_cpu_set(1);
    for (uint64_t n = 1; n <= DUELS; n++) {
        while (__atomic_load_n(&duel, __ATOMIC_ACQUIRE) != n)
            ;
        dirty_mark(guest, IPA(ipa_of((unsigned)blow[0])));
        for (volatile uint64_t i = 0; i < pause_between; i++)
            ;
        dirty_mark(guest, IPA(ipa_of((unsigned)blow[1])));
        __atomic_store_n(&fought, n, __ATOMIC_RELEASE);
    }
    return 0;
}

static void marks_race_with_harvests(void **state)
{
    (void)state;
    set_up(true, false, false);
    thrd_t t;
    int bad;
    assert_int_equal(dirty_enable(guest), 0);
    duel = fought = 0;
    thrd_create(&t, fighter, NULL);
    for (uint64_t n = 1; n <= DUELS; n++) {
        uint64_t words[8], count;
        bool found[2] = { false, false }, over;
        blow[0] = 512 + below(512);
        blow[1] = 512 + below(512);
        pause_between = below(4000);
        __atomic_store_n(&duel, n, __ATOMIC_RELEASE);
        do {
            over = __atomic_load_n(&fought, __ATOMIC_ACQUIRE) == n;
            assert_int_equal(dirty_harvest(guest, FIRST + 512, 512, words, true, &count), 0);
            for (unsigned i = 0; i < 2; i++)
                found[i] |= bit_test(words, (unsigned)blow[i] - 512);
        } while (!over);
        if (!found[0] || !found[1])
            fail_msg("duel %u: page %u is lost", (unsigned)n, (unsigned)blow[found[0]]);
    }
    thrd_join(t, &bad);
    assert_int_equal(bad, 0);
    tear_down();
}

/* The first log of a domain that has never run starts with exactly the pages that its builder
 * wrote.  Later logs do not. */
static void new_domain(bool hardware, bool blocks)
{
    set_up(true, hardware, blocks);
    guest->state = DOM_BUILDING;
    /* By mappings that are removed again, as the toolstack's are; not in the last 2 MiB. */
    for (unsigned n = 0; n < 40; n++) {
        unsigned i = (unsigned)below(PAGES - 512);
        dirty_ext_writer(of[i], 1);
        dirty_ext_writer(of[i], -1);
        dirty[i] = true;
        i = (unsigned)below(PAGES); /* by copies of the hypervisor */
        assert_int_equal(copy_to_ipa(guest, IPA(ipa_of(i)), "x", 1), 0);
        dirty[i] = true;
    }
    dirty_ext_writer(of[77], 1); /* and by a mapping that remains */
    writers[77]++;
    dirty[77] = true;
    assert_int_equal(dirty_enable(guest), 0);
    harvest(false);
    harvest(true);
    harvest(true);
    guest->state = DOM_ALIVE;
    for (unsigned n = 0; n < 100; n++)
        guest_write((unsigned)below(PAGES));
    harvest(true);
    assert_int_equal(dirty_disable(guest), 0);
    assert_int_equal(dirty_enable(guest), 0); /* it has run: an ordinary log */
    harvest(true);
    assert_int_equal(dirty_disable(guest), 0);
    tear_down();
}

static void first_log_of_a_new_domain(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        new_domain(i & 1, i & 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(log_equals_writes),
                                        cmocka_unit_test(first_log_of_a_new_domain),
                                        cmocka_unit_test(shared_pages_dirty_in_every_round),
                                        cmocka_unit_test(log_over_blocks),
                                        cmocka_unit_test(enable_preempted_under_a_writer),
                                        cmocka_unit_test(block_cut_while_log_starts),
                                        cmocka_unit_test(no_table_to_split_a_block),
                                        cmocka_unit_test(no_table_to_split_a_new_domains_block),
                                        cmocka_unit_test(copy_of_a_running_guest),
                                        cmocka_unit_test(log_toggled_under_a_writer),
                                        cmocka_unit_test(marks_race_with_harvests) };
    return RUN_WITH_BOTH_WINDOWS(tests);
}
