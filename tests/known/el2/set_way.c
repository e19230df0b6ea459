/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @domain -xen-lite/stage2/guest_mem.c xen-lite/call/memory_*.c xen-lite/vgic/vreg.c
// libs: -lcmocka
/*
 * A long operation without preemption: one `dc cisw` of a guest cleans all of the guest's memory,
 * line by line, in a single exit, and does not check for pending interrupts.
 */
#include <stdio.h>
#include "plain_memory.h"
#include "vreg.h"

#define BLOCKS              12u /* of 2 MiB */
#define INSTRUCTIONS        3u
#define PAGES_UNINTERRUPTED 64u

static uint64_t cleaned, looks;

void arch_dcache_clean_invalidate(const void *va, size_t bytes)
{
    (void)va;
    cleaned += bytes;
}

bool hypercall_preempt_check(void)
{
    looks++;
    return true;
}

static void test_set_way_is_bounded_or_preemptible(void **state)
{
    (void)state;
    boot(NULL);
    sigaction(SIGSEGV, NULL, &machine_segv);
    struct domain *d = make(1, 1);
    d->max_pages = 16384;
    for (unsigned i = 0; i < BLOCKS; i++) {
        struct page *p = page_alloc(d, 9, ALLOC_ZERO);
        assert_non_null(p);
        assert_int_equal(p2m_map(d, IPA(0x60000000 + i * 0x200000ull), page_pa(p), 512, P2M_RAM),
                         0);
    }
    struct vreg_access access = { .write = true, .value = 0x1000 };
    for (unsigned n = 1; n <= INSTRUCTIONS; n++) {
        assert_true(vreg_set_way(d->vcpu[0], &access));
        printf("after %u instructions dc cisw: %llu KiB cleaned, looked %llu times whether an "
               "interrupt is pending\n",
               n, (unsigned long long)cleaned >> 10, (unsigned long long)looks);
    }
    assert_true(cleaned <= INSTRUCTIONS * PAGES_UNINTERRUPTED * PAGE_SIZE || looks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_way_is_bounded_or_preemptible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
