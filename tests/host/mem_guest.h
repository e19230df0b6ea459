/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the memory tests: a random source, and domains that have only a map. */
#ifndef MEM_GUEST_H
#define MEM_GUEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "domain.h"
#include "hypercall.h"
#include "fake.h"
#include "p2m.h"
#include "vlpt.h"
#include "dirty_internal.h"

static uint64_t random_state = 88172645463325252ull;
static inline uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}
static inline uint64_t below(uint64_t n) { return random64() % n; }
static inline bool one_in(unsigned n) { return below(n) == 0; }

static inline struct domain *guest_new(domid_t id)
{
    struct domain *d = calloc(1, sizeof(*d));
    d->id = id;
    d->refs = 1;
    d->max_pages = ~0u;
    d->state = DOM_ALIVE;
    d->vcpu[0] = calloc(1, sizeof(struct vcpu));
    d->vcpu[0]->domain = d;
    assert_int_equal(p2m_init(d), 0);
    fake_domain_add(d);
    return d;
}

static inline void guest_free(struct domain *d)
{
    assert_int_equal(p2m_relinquish(d), 0);
    p2m_destroy(d);
    page_forget_owner(d);
    free(d->vcpu[0]);
    free(d);
}

/* The guest loads or stores as on a CPU: a fault is handled and the access repeated, until it
 * succeeds or an abort is injected. */
static inline bool guest_access(struct domain *d, uint64_t ipa, bool write, paddr_t *pa)
{
    struct vcpu *v = d->vcpu[0];
    for (unsigned try = 0; try < 4; try++) {
        enum fake_fault fault = fake_access(vmid_enter(d), IPA(ipa), write, pa);
        if (fault == FAKE_OK)
            return true;
        unsigned aborts = v->arch.aborts;
        struct stage2_fault f = { .ipa = IPA(ipa),
                                  .write = write,
                                  .permission = fault == FAKE_PERMISSION };
        stage2_fault(v, &f);
        if (v->arch.aborts != aborts)
            return false;
    }
    fail_msg("access to 0x%llx goes on faulting", (unsigned long long)ipa);
    return false;
}

/* Runs a group of tests with the VLPT windows of 64-bit, where the address space has room for them,
 * and with those of 32-bit. */
#define RUN_WITH_BOTH_WINDOWS(tests)                                                   \
    __extension__({                                                                    \
        int failed_ = fake_one_window ? 0 : cmocka_run_group_tests(tests, NULL, NULL); \
        fake_one_window = true;                                                        \
        failed_ + cmocka_run_group_tests(tests, NULL, NULL);                           \
    })

#endif
