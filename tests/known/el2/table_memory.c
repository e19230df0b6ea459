/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @domain -xen-lite/stage2/guest_mem.c xen-lite/call/memory_*.c
// libs: -lcmocka
/*
 * A resource without a limit: stage-2 tables are not charged to a domain and are not freed when
 * their last entry is removed.  A guest of 1 MiB moves one grant frame from address to address.
 * Each address takes new tables, until the host has no memory for other domains.
 */
#include <stdio.h>
#include "plain_memory.h"
#include <xen/memory.h>

long do_memory_op(uint64_t cmd, uint64_t arg);

#define PLACE_FIRST  (1u << 21)
#define PLACE_END    (1u << 28)
#define PLACE_STRIDE 512u /* one leaf table */

static void test_tables_of_one_guest_are_bounded(void **state)
{
    (void)state;
    boot(NULL);
    see_windows();
    struct domain *d = make(1, 1);
    give_memory(d);
    d->vcpu[0]->online = true;
    struct vcpu *previous = cpus[0].current;
    cpus[0].current = d->vcpu[0]; /* the guest's own, unprivileged hypercalls */
    uint64_t before = page_free_count();
    unsigned calls = 0;
    long result = 0;
    for (uint64_t gfn = PLACE_FIRST; gfn < PLACE_END && !result; gfn += PLACE_STRIDE, calls++) {
        struct xen_add_to_physmap op = {
            .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .idx = 0, .gpfn = gfn
        };
        result = do_memory_op(XENMEM_add_to_physmap, (uint64_t)(uintptr_t)&op);
    }
    cpus[0].current = previous;
    printf("free pages of the host: %llu before, %llu after %u calls, the last of which returned "
           "%ld; the guest's tables: %llu pages\n",
           (unsigned long long)before, (unsigned long long)page_free_count(), calls, result,
           (unsigned long long)d->p2m.table_pages);
    struct xen_domctl_createdomain next = config(1);
    struct domain *other = NULL;
    assert_int_equal(domain_create(7, &next, false, &other), 0);
    assert_true(page_free_count() > before / 2);
}

int main(void)
{
    sigaction(SIGSEGV, NULL, &machine_segv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_of_one_guest_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
