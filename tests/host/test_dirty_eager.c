/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @guest-mem xen-lite/stage2/dirty_eager.c
// libs: -lcmocka
/* With split=eager, idle CPUs split the blocks of a logged domain.  The log reports the same as
 * without it. */
#include <threads.h>
#include "mem_guest.h"

#define BASE   0x3fe00000ull /* across a GiB boundary */
#define BLOCKS 4u
#define PAGES  (BLOCKS * 512u)
#define FIRST  (BASE >> PAGE_SHIFT)
static struct domain *guest, *other;
static struct page *of[PAGES];
static bool dirty[PAGES];
static uint64_t baseline;

static void map_block(unsigned b)
{
    struct page *p = page_alloc(guest, 9, 0);
    assert_non_null(p);
    assert_int_equal(p2m_map(guest, IPA(BASE + b * BLOCK_SIZE), page_pa(p), 512, P2M_RAM), 0);
    for (unsigned i = 0; i < 512; i++)
        of[b * 512 + i] = &p[i];
}

static void set_up(bool hardware)
{
    cmdline.vlpt = true;
    cmdline.dirty_mode = 0;
    cmdline.split_eager = true;
    fake_domains_clear();
    fake_init(48ull << 20, 2);
    fake_page_init();
    fake_hw_dirty = hardware;
    vmid_init();
    cpu_count = 2;
    baseline = page_free_count();
    other = guest_new(1); /* is not logged, and must stay unsplit */
    guest = guest_new(2);
    memset(dirty, 0, sizeof(dirty));
    for (unsigned b = 0; b < BLOCKS; b++)
        map_block(b);
    struct page *p = page_alloc(other, 9, 0);
    assert_int_equal(p2m_map(other, IPA(BASE), page_pa(p), 512, P2M_RAM), 0);
}

static void tear_down(void)
{
    guest_free(guest);
    guest_free(other);
    assert_int_equal(page_free_count(), baseline);
    assert_false(dirty_split_idle());
}

static unsigned level_at(struct domain *d, unsigned i)
{
    unsigned level;
    (void)p2m_leaf(d, IPA(BASE + i * (uint64_t)PAGE_SIZE), &level);
    return level;
}

static unsigned split_all(void)
{
    unsigned n = 0;
    while (dirty_split_idle())
        assert_true(n++ < 100);
    return n;
}

static void guest_write(unsigned i)
{
    paddr_t pa;
    assert_true(guest_access(guest, BASE + i * (uint64_t)PAGE_SIZE + 8, true, &pa));
    assert_int_equal(pa.v, page_pa(of[i]).v + 8);
    dirty[i] = true;
}

static void harvest(bool clear)
{
    static uint64_t words[PAGES / 64];
    uint64_t count;
    assert_int_equal(dirty_harvest(guest, FIRST, PAGES, words, clear, &count), 0);
    for (unsigned i = 0; i < PAGES; i++) {
        if (bit_test(words, i) != dirty[i])
            fail_msg("page %u: the log says %d", i, bit_test(words, i));
        dirty[i] = dirty[i] && !clear;
    }
    if (clear)
        dirty_round_end(guest);
}

static void clean_and_dirty_blocks(bool hardware)
{
    set_up(hardware);
    assert_int_equal(split_all(), 0); /* no domain is logged */
    cpus[1].idle = true;
    assert_int_equal(dirty_enable(guest), 0);
    assert_int_equal(fake_kicks[1], 1); /* the idle CPU is woken */
    assert_int_equal(level_at(guest, 0), 2);
    cmdline.split_eager = false;
    map_block(2); /* dirty as a whole */
    cmdline.split_eager = true;
    memset(&dirty[2 * 512], 1, 512);
    assert_int_equal(level_at(guest, 2 * 512), 2);
    assert_true(split_all() >= BLOCKS);
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(level_at(guest, i), 3);
    assert_int_equal(level_at(other, 0), 2);
    assert_true(guest->p2m.eager_count == BLOCKS && guest->p2m.split_count == BLOCKS);
    harvest(false);
    harvest(true);
    harvest(true);
    uint64_t faults = guest->p2m.fault_count;
    for (unsigned i = 3; i < PAGES; i += 97)
        guest_write(i);
    assert_int_equal(guest->p2m.split_count, BLOCKS);
    assert_int_equal(guest->p2m.fault_count - faults, hardware ? 0 : (PAGES - 3 + 96) / 97);
    harvest(true);
    map_block(1); /* arrives as leaves, all dirty */
    memset(&dirty[512], 1, 512);
    assert_int_equal(level_at(guest, 512), 3);
    assert_int_equal(split_all(), 0);
    harvest(true);
    assert_int_equal(dirty_disable(guest), 0);
    assert_int_equal(guest->p2m.merge_count, BLOCKS);
    assert_int_equal(level_at(guest, 512), 2);
    tear_down();
}
static void idle_split_with_write_faults(void **state)
{
    (void)state;
    clean_and_dirty_blocks(false);
}
static void idle_split_with_hardware_dirty_state(void **state)
{
    (void)state;
    clean_and_dirty_blocks(true);
}

/* Another domain has a writable mapping of one page: only that page is dirty, as after a split on a
 * write. */
static void idle_split_of_an_externally_written_block(void **state)
{
    (void)state;
    set_up(false);
    assert_int_equal(dirty_enable(guest), 0);
    dirty_ext_writer(of[700], 1);
    assert_true(split_all() > 0);
    dirty[700] = true;
    harvest(true);
    dirty[700] = true;
    harvest(true);
    dirty_ext_writer(of[700], -1);
    tear_down();
}

static void log_off_stops_idle_splits(void **state)
{
    (void)state;
    set_up(false);
    assert_int_equal(dirty_enable(guest), 0);
    assert_true(dirty_split_idle());
    assert_int_equal(dirty_disable(guest), 0);
    assert_false(dirty_split_idle());
    assert_int_equal(level_at(guest, 0), 2);
    assert_int_equal(dirty_enable(guest), 0); /* splitting starts from the first block again */
    assert_true(split_all() >= BLOCKS);
    assert_int_equal(level_at(guest, 0), 3);
    assert_int_equal(dirty_disable(guest), 0);
    assert_int_equal(dirty_enable(guest), 0);
    assert_true(dirty_split_idle()); /* the domain is destroyed in the middle of it */
    tear_down();
}

static void no_idle_split_without_eager(void **state)
{
    (void)state;
    set_up(false);
    cmdline.split_eager = false;
    assert_int_equal(dirty_enable(guest), 0);
    assert_int_equal(split_all(), 0);
    assert_int_equal(level_at(guest, 0), 2);
    tear_down();
}

static void idle_split_out_of_memory(void **state)
{
    (void)state;
    static struct page *hog[20000];
    unsigned n = 0;
    set_up(false);
    assert_int_equal(dirty_enable(guest), 0);
    while (n < ARRAY_SIZE(hog) && (hog[n] = page_alloc(NULL, 0, 0)) != NULL)
        n++;
    assert_int_equal(split_all(), 1); /* gives up after one attempt */
    while (n)
        page_put(hog[--n]);
    assert_int_equal(level_at(guest, 0), 2);
    guest_write(5); /* a write still splits the block */
    harvest(true);
    tear_down();
}

static bool over;
static int idle_cpu(void *arg)
{
    (void)arg;
    fake_cpu_set(1);
    while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE))
        if (!dirty_split_idle())
            thrd_yield();
    return 0;
}

/* Splits while a guest writes and the log is read, turned off and turned on. */
static void idle_split_under_a_writer(void **state)
{
    (void)state;
    set_up(false);
    thrd_t idle;
    over = false;
    assert_int_equal(thrd_create(&idle, idle_cpu, NULL), thrd_success);
    for (unsigned round = 0; round < 300; round++) {
        assert_int_equal(dirty_enable(guest), 0);
        memset(dirty, 0, sizeof(dirty));
        for (unsigned i = 0; i < 40; i++) {
            guest_write((unsigned)below(PAGES));
            if (one_in(10))
                harvest(one_in(2));
        }
        harvest(true);
        assert_int_equal(dirty_disable(guest), 0);
    }
    __atomic_store_n(&over, true, __ATOMIC_RELEASE);
    assert_int_equal(thrd_join(idle, NULL), thrd_success);
    assert_true(guest->p2m.eager_count > 0);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_split_with_write_faults),
        cmocka_unit_test(idle_split_with_hardware_dirty_state),
        cmocka_unit_test(idle_split_of_an_externally_written_block),
        cmocka_unit_test(log_off_stops_idle_splits),
        cmocka_unit_test(no_idle_split_without_eager),
        cmocka_unit_test(idle_split_out_of_memory),
        cmocka_unit_test(idle_split_under_a_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
