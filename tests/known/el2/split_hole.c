/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @domain -xen-lite/stage2/guest_mem.c xen-lite/call/memory_*.c
// libs: -lcmocka
/*
 * A reader without the lock sees a state that exists only while the lock is held.  Dirty logging is
 * on, and a vCPU's write splits a clean 2 MiB block by break-before-make.  Between break and make,
 * p2m_lookup() on another CPU finds the invalid entry and reports a hole.  The daemon then treats
 * those pages as absent, and a decrease_reservation of the guest removes nothing.
 */
#include <stdio.h>
#include <threads.h>
#include "plain_memory.h"
#include "dirty.h"
#include "vlpt.h"

#define BLOCK         0x60000000ull
#define LOOKED_UP     5u /* pages of the block */
#define TURNS_AT_MOST 400000000ul

static struct domain *guest;
/* Not bool: with -fsanitize=bool gcc 12 reads a volatile bool once and spins on the copy. */
static volatile int in_break, looked;
static bool armed, found;

/* Runs while CPU 0, which holds p2m.lock, is between break and make. */
static int other_cpu(void *unused)
{
    (void)unused;
    fake_cpu_set(1);
    while (!in_break)
        ;
    struct p2m_entry e;
    found = p2m_lookup(guest, IPA(BLOCK + LOOKED_UP * PAGE_SIZE), &e) && e.type == P2M_RAM;
    looked = true;
    return 0;
}

/* The hardware's TLBI takes microseconds at this point.  The wait is bounded, because a look-up
 * that takes the lock ends only afterwards. */
void arch_tlb_flush_ipa(uint64_t vttbr, ipa_t ipa)
{
    (void)vttbr;
    if (!armed || (ipa.v & ~0x1fffffull) != BLOCK)
        return;
    in_break = true;
    for (unsigned long n = 0; !looked && n < TURNS_AT_MOST; n++)
        __asm__ volatile("" ::: "memory");
}

static void test_no_hole_while_a_block_is_split(void **state)
{
    (void)state;
    boot(NULL);
    sigaction(SIGSEGV, NULL, &machine_segv);
    struct domain *d = guest = make(1, 1);
    d->max_pages = 4096;
    struct page *p = page_alloc(d, 9, ALLOC_ZERO);
    assert_non_null(p);
    assert_int_equal(p2m_map(d, IPA(BLOCK), page_pa(p), 512, P2M_RAM), 0);
    domain_unpause_by_controller(d);
    assert_int_equal(dirty_enable(d), 0);
    vmid_enter(d);
    struct p2m_entry e;
    assert_true(p2m_lookup(d, IPA(BLOCK + LOOKED_UP * PAGE_SIZE), &e) && e.order == 9);
    thrd_t other;
    thrd_create(&other, other_cpu, NULL);
    armed = true;
    assert_true(dirty_fault(d->vcpu[0], IPA(BLOCK))); /* a write to another page of the block */
    armed = false;
    in_break = true;
    thrd_join(other, NULL);
    printf("page %u of the block while the block was split: %s\n", LOOKED_UP,
           found ? "memory" : "a hole");
    assert_true(p2m_lookup(d, IPA(BLOCK + LOOKED_UP * PAGE_SIZE), &e) && e.type == P2M_RAM);
    assert_true(found);
}

int main(void)
{
    sigaction(SIGSEGV, NULL, &machine_segv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_hole_while_a_block_is_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
