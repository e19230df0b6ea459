/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake xen-lite/stage2/mmio.c
// libs: -lcmocka
/* Emulated MMIO: the look-up of the handler, and the effect of an access on registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hypercall.h"
#include "domain.h"
#include "fake.h"

static struct domain dom;
static struct vcpu vcpu;
static struct mmio_access last;
static void *last_arg;
static uint64_t answer;
static bool refuse;

/* A stage 2 of 16 MiB that has only leaves. */
static uint64_t leaf[4096];
static unsigned sets, zaps;
uint64_t p2m_leaf(struct domain *d, ipa_t ipa, unsigned *level)
{
    (void)d;
    *level = 3;
    return ipa_gfn(ipa) < ARRAY_SIZE(leaf) ? leaf[ipa_gfn(ipa)] : 0;
}
int p2m_mmio_set(struct domain *d, ipa_t ipa, uint64_t payload)
{
    (void)d;
    sets++;
    assert_false(payload >> P2M_MMIO_PAYLOAD_BITS);
    if (ipa_gfn(ipa) >= ARRAY_SIZE(leaf))
        return -XEN_ENOMEM;
    leaf[ipa_gfn(ipa)] = payload << 2 | (uint64_t)P2M_MMIO << PTE_SW_TYPE_SHIFT;
    return 0;
}
void p2m_mmio_zap(struct domain *d)
{
    (void)d;
    zaps++;
    memset(leaf, 0, sizeof(leaf));
}

static bool handler(struct vcpu *v, void *arg, struct mmio_access *a)
{
    assert_ptr_equal(v, &vcpu);
    last = *a;
    last_arg = arg;
    if (!a->write)
        a->value = answer;
    return !refuse;
}
static int start(void **state)
{
    (void)state;
    fake_init(1 << 20, 1);
    memset(&dom, 0, sizeof(dom));
    memset(&vcpu, 0, sizeof(vcpu));
    vcpu.domain = &dom;
    memset(leaf, 0, sizeof(leaf));
    sets = zaps = 0;
    refuse = false;
    return 0;
}
static bool read_at(uint64_t ipa, unsigned size_log2, bool sign, bool reg64)
{
    struct stage2_fault f = { .ipa = IPA(ipa),
                              .decoded = true,
                              .reg = 3,
                              .size_log2 = (uint8_t)size_log2,
                              .sign_extend = sign,
                              .reg64 = reg64 };
    return mmio_dispatch(&vcpu, &f);
}

static void test_register(void **state)
{
    (void)state;
    assert_int_equal(mmio_register(&dom, IPA(0x3000), 0x1000, handler, (void *)3), 0);
    assert_int_equal(mmio_register(&dom, IPA(0x1000), 0x1000, handler, (void *)1), 0);
    assert_int_equal(mmio_register(&dom, IPA(0x2000), 0x1000, handler, (void *)2), 0);
    assert_int_equal(mmio_register(&dom, IPA(0x2800), 0x100, handler, NULL), -XEN_EEXIST);
    assert_int_equal(mmio_register(&dom, IPA(0x0), 0x1001, handler, NULL), -XEN_EEXIST);
    assert_int_equal(mmio_register(&dom, IPA(0x9000), 0, handler, NULL), -XEN_EINVAL);
    assert_int_equal(mmio_register(&dom, IPA(~0ull), 2, handler, NULL), -XEN_EINVAL);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_true(read_at(i * 0x1000 + 0x10, 2, false, false));
        assert_ptr_equal(last_arg, (void *)(uintptr_t)i);
        assert_int_equal(last.offset, 0x10);
    }
    assert_false(read_at(0xffc, 2, false, false));
    assert_false(read_at(0x4000, 2, false, false));
    for (uint64_t i = dom.mmio.count; i < MMIO_REGIONS; i++)
        assert_int_equal(mmio_register(&dom, IPA(0x10000 * i), 0x1000, handler, NULL), 0);
    assert_int_equal(mmio_register(&dom, IPA(0x900000), 0x1000, handler, NULL), -XEN_ENOSPC);
}

static void test_value_extension(void **state)
{
    (void)state;
    assert_int_equal(mmio_register(&dom, IPA(0x1000), 0x1000, handler, NULL), 0);
    answer = 0xfedcba9876543281;
    static const struct {
        unsigned size;
        bool sign, wide;
        uint64_t want;
    } t[] = {
        { 0, false, true, 0x81 },
        { 0, true, true, 0xffffffffffffff81 },
        { 0, true, false, 0xffffff81 },
        { 1, true, true, 0x3281 },
        { 2, true, true, 0x76543281 },
        { 2, false, false, 0x76543281 },
        { 3, false, true, 0xfedcba9876543281 },
    };
    for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
        vcpu.arch.regs.x[3] = ~0ull;
        assert_true(read_at(0x1000, t[i].size, t[i].sign, t[i].wide));
        assert_int_equal(vcpu.arch.regs.x[3], t[i].want);
        assert_int_equal(vcpu.arch.skipped, i + 1);
    }
    vcpu.arch.regs.x[4] = 0x1122334455667788;
    struct stage2_fault f = {
        .ipa = IPA(0x1004), .decoded = true, .write = true, .reg = 4, .size_log2 = 1
    };
    assert_true(mmio_dispatch(&vcpu, &f));
    assert_int_equal(last.value, 0x7788);
    f.reg = 31; /* XZR */
    assert_true(mmio_dispatch(&vcpu, &f));
    assert_int_equal(last.value, 0);
    f.write = false;
    assert_true(mmio_dispatch(&vcpu, &f));
}

/* Each of these accesses is an abort, and the vCPU does not change. */
static void test_bad_accesses_refused(void **state)
{
    (void)state;
    assert_int_equal(mmio_register(&dom, IPA(0x1000), 0x1004, handler, NULL), 0);
    struct stage2_fault f = { .ipa = IPA(0x1000), .reg = 3, .size_log2 = 2 };
    assert_false(mmio_dispatch(&vcpu, &f)); /* not decoded by the syndrome: a pair, or write-back */
    f.decoded = true;
    f.s1_walk = true;
    assert_false(mmio_dispatch(&vcpu, &f));
    f.s1_walk = false;
    f.instruction = true;
    assert_false(mmio_dispatch(&vcpu, &f));
    assert_false(read_at(0x1002, 2, false, false)); /* not aligned */
    assert_false(read_at(0x2000, 3, false, true));  /* past the end */
    refuse = true;
    assert_false(read_at(0x1000, 2, false, false));
    assert_int_equal(vcpu.arch.skipped, 0);
    assert_int_equal(vcpu.arch.regs.x[3], 0);
}

static void test_leaf_caches_region(void **state)
{
    (void)state;
    assert_int_equal(mmio_register(&dom, IPA(0x4000), 0x3000, handler, (void *)1), 0);
    assert_true(read_at(0x5010, 2, false, false));
    assert_true(dom.mmio.slow == 1 && dom.mmio.hits == 0 && sets == 1);
    assert_true(read_at(0x5020, 2, false, false));
    assert_int_equal(last.offset, 0x1020);
    assert_true(dom.mmio.slow == 1 && dom.mmio.hits == 1);
    /* The device map changes: the region has another number, and the leaf is stale. */
    assert_int_equal(mmio_register(&dom, IPA(0x1000), 0x1000, handler, (void *)2), 0);
    assert_true(read_at(0x5020, 2, false, false));
    assert_ptr_equal(last_arg, (void *)1);
    assert_true(dom.mmio.slow == 2 && dom.mmio.hits == 1);
    assert_true(read_at(0x5020, 2, false, false));
    assert_int_equal(dom.mmio.hits, 2);
    /* A page with two regions is never cached. */
    assert_int_equal(mmio_register(&dom, IPA(0x8000), 0x800, handler, (void *)3), 0);
    assert_int_equal(mmio_register(&dom, IPA(0x8800), 0x800, handler, (void *)4), 0);
    sets = 0;
    assert_true(read_at(0x8000, 2, false, false));
    assert_ptr_equal(last_arg, (void *)3);
    assert_true(read_at(0x8800, 2, false, false));
    assert_ptr_equal(last_arg, (void *)4);
    assert_int_equal(sets, 0);
    /* No device there: not cached, and a leaf with a wrong region number is not trusted. */
    assert_false(read_at(0x3000, 2, false, false));
    assert_int_equal(sets, 0);
    leaf[3] = ((uint64_t)dom.mmio.generation << 8 | 1) << 2 | (uint64_t)P2M_MMIO
                                                                  << PTE_SW_TYPE_SHIFT;
    assert_false(read_at(0x3000, 2, false, false));
    /* The generation wraps round. */
    dom.mmio.generation = ~0u;
    assert_int_equal(mmio_register(&dom, IPA(0xa000), 0x1000, handler, NULL), 0);
    assert_int_equal(zaps, 1);
    assert_true(read_at(0x5020, 2, false, false));
    assert_ptr_equal(last_arg, (void *)1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_register, start),
        cmocka_unit_test_setup(test_value_extension, start),
        cmocka_unit_test_setup(test_bad_accesses_refused, start),
        cmocka_unit_test_setup(test_leaf_caches_region, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
