/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @p2m
// libs: -lcmocka
/*
 * VMIDs: many domains on a few CPUs, few VMIDs, and a TLB that keeps every entry until it is
 * flushed.  Each domain maps the same address to a page of its own.  A domain that sees another's
 * page, or its own former page after a renewal, has found a VMID in use twice, or a stale entry.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>
#include "mem_guest.h"

#define DOMAINS 12u
#define CPUS    4u
static struct domain *dom[DOMAINS];
static uint64_t pa_of[DOMAINS]; /* where IPA 0 leads */
static uint64_t vttbr_on[CPUS]; /* VTTBR_EL2 of each CPU */
static unsigned on[CPUS];

/* A kick: the CPU leaves its guest and enters it again. */
static void kicked(unsigned c)
{
    unsigned self = cpu_id();
    fake_cpu_set(c);
    if (__atomic_exchange_n(&cpus[c].work, 0, __ATOMIC_SEQ_CST) & WORK_VMID)
        vttbr_on[c] = vmid_enter(dom[on[c]]);
    fake_cpu_set(self);
}

static void set_up(unsigned bits)
{
    fake_on_kick = NULL;
    cmdline.vlpt = false;
    fake_domains_clear();
    fake_init(16ull << 20, CPUS);
    fake_page_init();
    fake_vmid_bits = bits;
    vmid_init();
    for (unsigned i = 0; i < DOMAINS; i++) {
        dom[i] = guest_new((domid_t)(i + 1));
        struct page *p = page_alloc(dom[i], 0, 0);
        pa_of[i] = page_pa(p).v;
        assert_int_equal(p2m_map(dom[i], IPA(0), PA(pa_of[i]), 1, P2M_RAM), 0);
    }
    for (unsigned c = 0; c < CPUS; c++) {
        fake_cpu_set(c);
        on[c] = c;
        vttbr_on[c] = vmid_enter(dom[c]);
    }
}
static void tear_down(void)
{
    fake_cpu_set(0);
    for (unsigned i = 0; i < DOMAINS; i++)
        guest_free(dom[i]);
}

/* CPU c is in its guest: checks the page that it reaches with the VTTBR_EL2 that it
 * entered with. */
static void guest_looks(unsigned c)
{
    paddr_t pa;
    assert_int_equal(fake_access(vttbr_on[c], IPA(0), true, &pa), FAKE_OK);
    assert_int_equal(pa.v, pa_of[on[c]]);
}

/* Maps another page at IPA 0 by a plain store.  Only the renewal makes it visible. */
static void move_and_renew(unsigned i)
{
    unsigned level;
    struct page *p = page_alloc(dom[i], 0, 0);
    uint64_t *leaf = pt_entry(&dom[i]->p2m.pt, 0, &level);
    struct page *old = pfn_page(pa_of[i] >> 12);
    uint64_t desc = *leaf;
    *leaf = 0; /* break */
    vmid_renew(dom[i]);
    assert_int_equal(dom[i]->vttbr_leaving, 0);
    pa_of[i] = page_pa(p).v;
    *leaf = (desc & ~PTE_ADDR) | pa_of[i];
    page_put(old);
    vttbr_on[cpu_id()] = vmid_enter(dom[on[cpu_id()]]); /* this CPU returns to its guest */
}

static void no_foreign_entries(void **state)
{
    (void)state;
    const unsigned bits[] = { 4, 5, 8 };
    for (unsigned b = 0; b < 6; b++) {
        /* How seldom CPUs leave their guests, so that generations pass meanwhile: CPU c by c times
         * as many bits. */
        unsigned patience = b < 3 ? 0 : 2;
        set_up(bits[b % 3]);
        fake_on_kick = kicked;
        for (unsigned step = 0; step < 20000; step++) {
            unsigned c = (unsigned)below(CPUS), i = (unsigned)below(DOMAINS);
            fake_cpu_set(c);
            if (one_in(4)) {
                /* By the hypervisor on any CPU, whether the domain runs elsewhere, here, or
                 * nowhere. */
                move_and_renew(i);
            } else if (one_in(2u << patience * c)) {
                on[c] = i;
                vttbr_on[c] = vmid_enter(dom[i]);
            } else if (one_in(1u << patience * c)) {
                /* an exit and back: the VMID stays while the domain is on this CPU */
                assert_int_equal(vmid_enter(dom[on[c]]), vttbr_on[c]);
            }
            guest_looks(c);
            if (one_in(3))
                guest_looks((unsigned)below(CPUS));
        }
        for (unsigned c = 0; c < CPUS; c++)
            for (unsigned k = 0; k < c; k++)
                assert_int_equal(on[c] == on[k], vttbr_on[c] == vttbr_on[k]);
        tear_down();
    }
}

/* A paused domain whose VMID is renewed again and again, as by rounds of the log: one flush per as
 * many rounds as there are VMIDs. */
static void one_flush_per_generation(void **state)
{
    (void)state;
    set_up(8);
    fake_cpu_set(0);
    fake_flush_vmid_count = fake_flush_all_count = 0;
    const unsigned n = 5000;
    for (unsigned i = 0; i < n; i++) {
        on[1] = 5;
        fake_cpu_set(1);
        vttbr_on[1] = vmid_enter(dom[5]);
        guest_looks(1);
        vttbr_on[1] = vmid_enter(dom[1]); /* switched out; then the control domain renews */
        on[1] = 1;
        fake_cpu_set(0);
        vmid_renew(dom[5]);
        guest_looks(0);
        guest_looks(1);
    }
    assert_int_equal(fake_flush_vmid_count, 0);
    assert_true(fake_flush_all_count <= n / (255 - CPUS) + 1);
    assert_true(fake_flush_all_count >= n / 256);
    /* The same for a running domain: its CPUs are kicked, and no VMID is flushed. */
    fake_on_kick = kicked;
    fake_flush_all_count = 0;
    for (unsigned i = 0; i < n; i++) {
        uint64_t before = vttbr_on[1];
        vmid_renew(dom[1]);
        vttbr_on[0] = vmid_enter(dom[0]);
        assert_int_not_equal(vttbr_on[1], before);
        guest_looks(0);
        guest_looks(1);
    }
    assert_int_equal(fake_flush_vmid_count, 0);
    assert_true(fake_flush_all_count <= n / (255 - CPUS) + 1);
    assert_true(fake_flush_all_count >= n / 256);
    tear_down();
}

static void no_flush_with_16_bits(void **state)
{
    (void)state;
    set_up(16);
    fake_cpu_set(0);
    fake_flush_all_count = 0;
    for (unsigned i = 0; i < 65000; i++) {
        vmid_renew(dom[7]);
        vmid_enter(dom[7]);
        vmid_enter(dom[8]);
    }
    assert_int_equal(fake_flush_all_count, 0);
    tear_down();
}

static bool enter_and_renew(uint64_t rnd)
{
    for (unsigned step = 0; step < 6000; step++) {
        rnd = rnd * 6364136223846793005ull + 1442695040888963407ull;
        unsigned i = (unsigned)(rnd >> 40) % DOMAINS;
        paddr_t pa;
        if (rnd >> 62 == 0)
            vmid_renew(dom[i]);
        if (fake_access(vmid_enter(dom[i]), IPA(0), false, &pa) != FAKE_OK || pa.v != pa_of[i])
            return false;
    }
    return true;
}

static int cpu_thread(void *arg)
{
    unsigned c = (unsigned)(uintptr_t)arg;
    fake_cpu_set(c);
    bool good = enter_and_renew(c + 77);
    vmid_idle();
    return good ? 0 : 1;
}

/* While a CPU is changing to the next VMID, a change of the map must flush its entries
 * under both. */
static void half_way(unsigned c)
{
    unsigned level;
    paddr_t pa;
    uint64_t *leaf = pt_entry(&dom[c]->p2m.pt, 0, &level), desc = *leaf;
    assert_int_equal(fake_access(vttbr_on[c], IPA(0), false, &pa), FAKE_OK);
    assert_int_not_equal(dom[c]->vttbr, vttbr_on[c]);
    assert_int_equal(fake_access(dom[c]->vttbr, IPA(0), false, &pa), FAKE_OK);
    *leaf = 0;
    vmid_flush_ipa(dom[c], IPA(0));
    assert_int_equal(fake_access(vttbr_on[c], IPA(0), false, &pa), FAKE_TRANSLATION);
    assert_int_equal(fake_access(dom[c]->vttbr, IPA(0), false, &pa), FAKE_TRANSLATION);
    *leaf = desc;
    assert_int_equal(fake_access(vttbr_on[c], IPA(0), false, &pa), FAKE_OK);
    *leaf = 0;
    vmid_flush(dom[c]);
    assert_int_equal(fake_access(vttbr_on[c], IPA(0), false, &pa), FAKE_TRANSLATION);
    *leaf = desc;
    kicked(c);
}

static void flush_during_renewal(void **state)
{
    (void)state;
    set_up(8);
    fake_cpu_set(0);
    fake_on_kick = half_way;
    unsigned kicks = fake_kicks[2];
    vmid_renew(dom[2]);
    assert_int_equal(fake_kicks[2], kicks + 1);
    guest_looks(2);
    assert_int_equal(dom[2]->vttbr_leaving, 0);
    tear_down();
}

static void renewals_on_all_cpus(void **state)
{
    (void)state;
    set_up(4);
    for (unsigned c = 2; c < CPUS; c++) {
        fake_cpu_set(c);
        vmid_idle();
    }
    thrd_t t[2];
    for (uintptr_t c = 0; c < 2; c++)
        thrd_create(&t[c], cpu_thread, (void *)c);
    for (unsigned c = 0; c < 2; c++) {
        int bad;
        thrd_join(t[c], &bad);
        assert_int_equal(bad, 0);
    }
    tear_down();
}

/* ---- more domains than VMIDs, on all CPUs at once, while their pages move ---- */
#define CROWD 300u
static struct member {
    struct domain *d;
    mtx_t moving;
    unsigned moves; /* odd: a move is under way */
    uint64_t pa;    /* where its IPA 0 leads */
} crowd[CROWD];
/* One of so many steps checks; the others only use up VMIDs. */
static unsigned burn;

/* Moves to another page; the old one is free for others at once. */
static void move(struct member *m)
{
    unsigned level;
    struct page *new = page_alloc(NULL, 0, 0), *old = pfn_page(m->pa >> PAGE_SHIFT);
    uint64_t *leaf = pt_entry(&m->d->p2m.pt, 0, &level), desc = *leaf;
    __atomic_add_fetch(&m->moves, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(leaf, 0, __ATOMIC_SEQ_CST);
    vmid_renew(m->d);
    page_put(old);
    m->pa = page_pa(new).v;
    __atomic_store_n(leaf, (desc & ~PTE_ADDR) | m->pa, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&m->moves, 1, __ATOMIC_SEQ_CST);
}

/* This CPU runs the domain.  Returns false if it saw another page than its own, unless it moved
 * meanwhile. */
static bool look(struct member *m)
{
    unsigned before = __atomic_load_n(&m->moves, __ATOMIC_SEQ_CST);
    uint64_t own = __atomic_load_n(&m->pa, __ATOMIC_RELAXED);
    paddr_t pa = PA(0);
    enum fake_fault fault = fake_access(vmid_enter(m->d), IPA(0), true, &pa);
    if (before % 2 || __atomic_load_n(&m->moves, __ATOMIC_SEQ_CST) != before)
        return true;
    return fault == FAKE_OK && pa.v == own;
}

static int crowd_steps(unsigned c)
{
    unsigned looks = 0;
    uint64_t rnd = c * 7919 + 77;
    for (unsigned step = 0; step < (burn > 1 ? 25000 : 8000); step++) {
        rnd = rnd * 6364136223846793005ull + 1442695040888963407ull;
        struct member *m = &crowd[(rnd >> 40) % CROWD];
        if (step % burn) {
            vmid_renew(m->d);
            vmid_enter(m->d);
        } else if (rnd >> 61 == 0) {
            mtx_lock(&m->moving);
            move(m);
            mtx_unlock(&m->moving);
        } else {
            looks++;
            for (unsigned again = 0; again < 3; again++)
                if (!look(m))
                    return 1;
        }
    }
    return looks > 500 ? 0 : 2;
}

static int crowd_thread(void *arg)
{
    unsigned c = (unsigned)(uintptr_t)arg;
    fake_cpu_set(c);
    int bad = crowd_steps(c);
    vmid_idle();
    return bad;
}

static void crowd_make(unsigned bits)
{
    cmdline.vlpt = false;
    fake_domains_clear();
    fake_init(32ull << 20, CPUS);
    fake_page_init();
    fake_vmid_bits = bits;
    vmid_init();
    for (unsigned i = 0; i < CROWD; i++) {
        struct domain *d = calloc(1, sizeof(*d));
        *d = (struct domain){
            .id = (domid_t)(i + 1), .refs = 1, .max_pages = ~0u, .state = DOM_ALIVE
        };
        assert_int_equal(p2m_init(d), 0);
        /* owned by none: only a few domains can own pages */
        struct page *p = page_alloc(NULL, 0, 0);
        crowd[i] = (struct member){ .d = d, .pa = page_pa(p).v };
        mtx_init(&crowd[i].moving, mtx_plain);
        assert_int_equal(p2m_map(d, IPA(0), page_pa(p), 1, P2M_RAM), 0);
    }
}

static void more_domains_than_numbers(void **state)
{
    (void)state;
    for (unsigned bits = 8; bits <= 16; bits += 8) {
        thrd_t t[CPUS];
        crowd_make(bits);
        burn = bits == 8 ? 1 : 16;
        fake_flush_all_count = 0;
        for (uintptr_t c = 0; c < CPUS; c++)
            thrd_create(&t[c], crowd_thread, (void *)c);
        for (unsigned c = 0; c < CPUS; c++) {
            int bad;
            thrd_join(t[c], &bad);
            assert_int_equal(bad, 0);
        }
        assert_true(fake_flush_all_count >= (bits == 8 ? 50 : 1));
        fake_cpu_set(0);
        /* Drops entries of old VMIDs, which the fake TLB would take for live ones. */
        arch_tlb_flush_all_guests();
        for (unsigned i = 0; i < CROWD; i++)
            guest_free(crowd[i].d);
    }
}

/* Replaces a live translation, then flushes what CPU 1 used before. */
static void replace_page(bool cpu_1_has_left)
{
    crowd_make(8);
    struct domain *d = crowd[0].d;
    paddr_t pa;
    fake_cpu_set(1);
    uint64_t before = vmid_enter(d);
    assert_int_equal(fake_access(before, IPA(0), true, &pa), FAKE_OK);
    if (cpu_1_has_left) {
        vmid_idle();
        fake_cpu_set(0);
        vmid_renew(d);
        fake_cpu_set(1);
        assert_int_equal(fake_access(vmid_enter(d), IPA(PAGE_SIZE), false, &pa), FAKE_TRANSLATION);
    }
    unsigned level;
    uint64_t *entry = pt_entry(&d->p2m.pt, 0, &level);
    *entry = (*entry & ~PTE_ADDR) | crowd[1].pa; /* without break-before-make */
    arch_tlb_flush_ipa(before, IPA(0));
    vmid_idle();
}

static int status_of_replacement(bool cpu_1_has_left)
{
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        struct rlimit no_core = { 0, 0 };
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        replace_page(cpu_1_has_left);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/*
 * The fake machine's check for break-before-make: an entry of a number that all CPUs have left is
 * no translation any more, so a flush that comes late may find it in any state.  (A fault handler
 * reads vttbr_leaving, and flushes that number when the renewal is over.)  An entry that a CPU can
 * use is checked.
 */
static void late_flush_of_a_left_number(void **state)
{
    (void)state;
    assert_int_equal(status_of_replacement(true), 0);
    int status = status_of_replacement(false);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_foreign_entries),         cmocka_unit_test(one_flush_per_generation),
        cmocka_unit_test(no_flush_with_16_bits),      cmocka_unit_test(flush_during_renewal),
        cmocka_unit_test(renewals_on_all_cpus),       cmocka_unit_test(more_domains_than_numbers),
        cmocka_unit_test(late_flush_of_a_left_number)
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
