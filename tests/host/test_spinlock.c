/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @p2m
// libs: -lcmocka
/* The assertions about locks: they fire unless this very CPU holds the lock. */
#include "mem_guest.h"
#include "dirty.h"

/* `expression` panics. */
#define EXPECT_PANIC(expression)                \
    do {                                        \
        fake_panic_armed = true;                \
        if (!setjmp(fake_panic_jmp)) {          \
            expression;                         \
            fail_msg("no panic: " #expression); \
        }                                       \
        assert_false(fake_panic_armed);         \
    } while (0)

static void nobody_holds_it(void **state)
{
    (void)state;
    spinlock_t lock = SPINLOCK_INIT;
    EXPECT_PANIC(ASSERT_LOCKED(&lock));
    ASSERT_UNLOCKED(&lock);
}

static void this_cpu_holds_it(void **state)
{
    (void)state;
    spinlock_t lock = SPINLOCK_INIT;
    spin_lock(&lock);
    ASSERT_LOCKED(&lock);
    EXPECT_PANIC(ASSERT_UNLOCKED(&lock));
    spin_unlock(&lock);
    EXPECT_PANIC(ASSERT_LOCKED(&lock));
}

/* A try of another CPU that fails must not change the holder either. */
static void another_cpu_holds_it(void **state)
{
    (void)state;
    spinlock_t lock = SPINLOCK_INIT;
    fake_cpu_set(1);
    assert_true(spin_trylock(&lock));
    fake_cpu_set(0);
    assert_false(spin_trylock(&lock));
    EXPECT_PANIC(ASSERT_LOCKED(&lock));
    ASSERT_UNLOCKED(&lock);
    fake_cpu_set(1);
    ASSERT_LOCKED(&lock);
    spin_unlock(&lock);
    fake_cpu_set(0);
}

/* A function of the core that demands a lock. */
static void core_demands_it(void **state)
{
    (void)state;
    fake_domains_clear();
    fake_init(64ull << 20, 2);
    fake_page_init();
    vmid_init();
    struct domain *d = guest_new(1);
    struct page *p = page_alloc(d, 9, 0);
    assert_int_equal(p2m_map(d, IPA(0x40000000), page_pa(p), 512, P2M_RAM), 0);
    EXPECT_PANIC(dirty_split(&d->p2m, 0x40000000));
    spin_lock(&d->p2m.lock);
    assert_non_null(dirty_split(&d->p2m, 0x40000000));
    spin_unlock(&d->p2m.lock);
    guest_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_holds_it),
        cmocka_unit_test(this_cpu_holds_it),
        cmocka_unit_test(another_cpu_holds_it),
        cmocka_unit_test(core_demands_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
