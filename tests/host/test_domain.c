/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @domain
// libs: -lcmocka
/*
 * Domains from creation to the release of the last page, on the real memory management, event
 * channels, grants, vGIC and scheduler: refused requests, references, shutdown and resume, the
 * areas in guest memory, the wall clock, and leaks.
 */
#include "domain_world.h"

/* ---- tests ---- */

static void test_create_refuses(void **state)
{
    (void)state;
    uint64_t free_pages = page_free_count();
    struct domain *d = NULL;
    for (unsigned i = 0; i < 10; i++) {
        struct xen_domctl_createdomain cfg = config(2);
        switch (i) {
        case 0: cfg.flags = XEN_DOMCTL_CDF_hvm; break;
        case 1: cfg.flags |= XEN_DOMCTL_CDF_iommu; break;
        case 2: cfg.flags |= XEN_DOMCTL_CDF_vpmu; break;
        case 3: cfg.max_vcpus = 0; break;
        case 4: cfg.max_vcpus = MAX_VCPUS + 1; break;
        case 5: cfg.arch.gic_version = XEN_DOMCTL_CONFIG_GIC_V2; break;
        case 6: cfg.arch.gic_version = 9; break;
        case 7: cfg.arch.nr_spis = 1000; break;
        case 8: cfg.arch.tee_type = XEN_DOMCTL_CONFIG_TEE_OPTEE; break;
        default: cfg.grant_opts = 3; break;
        }
        assert_int_equal(domain_create(5, &cfg, false, &d), i == 5 ? -XEN_ENODEV : -XEN_EINVAL);
        assert_null(d);
    }
    assert_int_equal(page_free_count(), free_pages);
    d = make(5, 2);
    struct xen_domctl_createdomain cfg = config(1);
    struct domain *other = NULL;
    assert_int_equal(domain_create(5, &cfg, false, &other), -XEN_EEXIST);
    assert_int_equal(domain_max_vcpus(d, 3), -XEN_EINVAL);
    assert_int_equal(vcpu_create(d, 2), -XEN_EINVAL);
    assert_int_equal(vcpu_create(d, 0), -XEN_EINVAL);
    destroy(d);
    assert_int_equal(page_free_count(), free_pages);
}

static void test_lists_and_references(void **state)
{
    (void)state;
    struct domain *b = make(20, 1), *a = make(10, 1), *c = make(30, 1), *d;
    static const domid_t from[] = { 0, 1, 10, 11, 21, 30, 31 },
                         expect[] = { 0, 10, 10, 20, 30, 30, DOMID_INVALID };
    for (unsigned i = 0; i < ARRAY_SIZE(from); i++) {
        d = domain_get_next(from[i]);
        assert_int_equal(d ? d->id : DOMID_INVALID, expect[i]);
        if (d)
            domain_put(d);
    }
    d = domain_get(DOMID_SELF);
    assert_ptr_equal(d, dom0);
    domain_put(d);
    assert_null(domain_get(11));
    d = domain_get(20);
    assert_ptr_equal(d, b);
    assert_int_equal(d->refs, 3); /* references of the list, of domain_create, of domain_get */
    assert_int_equal(domain_kill(b), 0);
    assert_null(domain_get(20)); /* dead, but the held reference stays valid */
    domain_put(d);
    d = domain_get_next(20);
    assert_ptr_equal(d, b); /* it is listed as long as a reference is held */
    domain_put(d);
    domain_put(b);
    enter();
    d = domain_get_next(20);
    assert_ptr_equal(d, c);
    domain_put(d);
    domid_t first = domain_free_id();
    assert_int_not_equal(domain_free_id(), first); /* wraps round */
    destroy(a);
    destroy(c);
}

/* A whole life: memory, shared pages, event channels, grants, areas, running vCPUs, and
 * destruction. */
static void one_life(domid_t id, unsigned round)
{
    struct domain *d = make(id, 2);
    give_memory(d);
    fake_preempt = round & 1;
    uint32_t port, virq;
    assert_int_equal(evtchn_alloc_unbound(d, 0, &port), 0);
    assert_int_equal(evtchn_bind_interdomain(dom0, id, port, &port), 0);
    assert_int_equal(evtchn_bind_virq(d, VIRQ_DEBUG, 0, &virq), 0);
    struct page *frame = NULL;
    assert_int_equal(grant_map_frame(d, 1, 0x60000, &frame), 0);
    assert_int_equal(vcpu_register_info(d->vcpu[0], (GUEST_RAM >> 12) + 3, 64 * (round % 60)), 0);
    assert_int_equal(
        vcpu_register_runstate(d->vcpu[0], GVA(GUEST_RAM + 5 * PAGE_SIZE - (round % 5) * 16)), 0);
    d->vcpu[0]->online = true;
    domain_unpause_by_controller(d);
    timer_set(&d->watchdog[0], ~1ull);
    timer_set(&d->vcpu[1]->poll_timer, ~1ull);
    for (unsigned i = 0; i < 10 && enter() != d->vcpu[0]; i++)
        vcpu_yield(current_vcpu());
    if (round % 3 == 0)
        domain_shutdown(d, SHUTDOWN_suspend);
    for (unsigned i = 0; i < 10 && enter() != dom0->vcpu[0]; i++)
        vcpu_yield(current_vcpu());
    assert_ptr_equal(current_vcpu(), dom0->vcpu[0]);
    destroy(d);
    fake_preempt = false;
    assert_int_equal(exc_count(), 1);
    assert_int_equal(evtchn_close(dom0, port, true), 0);
    assert_null(domain_get(id));
}

static void test_thousand_lives_leak_nothing(void **state)
{
    (void)state;
    one_life(1, 0); /* the first life grows dom0's tables */
    uint64_t free_pages = page_free_count();
    for (unsigned i = 1; i <= 1000; i++) {
        one_life((domid_t)(1 + i % 7), i);
        if (page_free_count() != free_pages)
            fail_msg("after %u lives %lld pages are missing", i,
                     (long long)(free_pages - page_free_count()));
    }
}

/* Another domain's mapping outlives the owner: the page stays until it is unmapped, and has no
 * owner meanwhile. */
static void test_page_outlives_owner(void **state)
{
    (void)state;
    uint64_t free_pages = page_free_count();
    struct domain *d = make(3, 1);
    give_memory(d);
    enum p2m_type type;
    struct page *p = p2m_get_page(d, IPA(GUEST_RAM), true, &type);
    assert_non_null(p);
    destroy(d);
    assert_int_equal(page_free_count(), free_pages - 1);
    d = make(3, 1); /* a new domain of the same id does not own it */
    assert_false(page_get(p, d));
    destroy(d);
    page_put(p);
    assert_int_equal(page_free_count(), free_pages);
}

/* A shutdown by the domain's own vCPU: visible to others only when that vCPU has left its CPU. */
static void test_shutdown_and_resume(void **state)
{
    (void)state;
    struct domain *d = make(4, 2);
    give_memory(d);
    exc_count();
    d->vcpu[0]->online = true;
    domain_unpause_by_controller(d);
    while (enter() != d->vcpu[0])
        vcpu_yield(current_vcpu());
    domain_shutdown(d, SHUTDOWN_suspend);
    assert_true(d->shutting_down);
    assert_false(d->shut_down);
    assert_int_equal(exc_count(), 0);
    assert_ptr_equal(enter(), dom0->vcpu[0]);
    assert_true(d->shut_down);
    assert_int_equal(d->shutdown_code, SHUTDOWN_suspend);
    assert_int_equal(exc_count(), 1);
    domain_shutdown(d, SHUTDOWN_poweroff); /* a second shutdown does not change the reason */
    assert_int_equal(d->shutdown_code, SHUTDOWN_suspend);
    assert_int_equal(exc_count(), 0);
    domain_resume(d);
    domain_resume(d); /* a second resume has no effect */
    assert_false(d->shut_down || d->shutting_down);
    assert_int_equal(d->pause_count, 0);
    while (enter() != d->vcpu[0])
        vcpu_yield(current_vcpu());
    domain_shutdown(d, SHUTDOWN_crash); /* by itself: it is running */
    assert_ptr_equal(enter(), dom0->vcpu[0]);
    assert_int_equal(d->shutdown_code, SHUTDOWN_crash);
    assert_true(d->shut_down);
    domain_resume(d);
    /* A shutdown by another domain while no vCPU runs takes effect at once. */
    exc_count();
    assert_ptr_not_equal(current_vcpu()->domain, d);
    domain_shutdown(d, SHUTDOWN_reboot);
    assert_true(d->shut_down);
    assert_int_equal(exc_count(), 1);
    domain_dump_all();
    sched_dump();
    destroy(d);
}

static void test_watchdog_and_timers(void **state)
{
    (void)state;
    struct domain *d = make(4, 1);
    struct vcpu *v = d->vcpu[0];
    v->blocked = v->poll_mask = true;
    timer_set(&v->poll_timer, counter());
    timer_run_expired();
    assert_false(v->blocked || v->poll_mask);
    uint32_t port;
    assert_int_equal(evtchn_bind_virq(d, VIRQ_TIMER, 0, &port), 0);
    v->periodic_ns = 1000;
    timer_set(&v->singleshot_timer, counter());
    timer_run_expired();
    assert_true(d->shared_info->evtchn_pending[0] >> port & 1);
    assert_true(v->singleshot_timer.armed);
    domain_unpause_by_controller(d);
    timer_set(&d->watchdog[1], counter());
    timer_run_expired();
    assert_true(d->shut_down);
    assert_int_equal(d->shutdown_code, SHUTDOWN_watchdog);
    destroy(d);
}

static void test_controller_pause(void **state)
{
    (void)state;
    struct domain *d = make(4, 1);
    assert_int_equal(d->pause_count, 1);
    assert_int_equal(domain_pause_by_controller(d), 0);
    domain_unpause_by_controller(d);
    assert_int_equal(d->state, DOM_ALIVE);
    assert_int_equal(d->pause_count, 1);
    domain_unpause_by_controller(d);
    domain_unpause_by_controller(d); /* an unpause too many is ignored */
    assert_int_equal(d->pause_count, 0);
    for (unsigned i = 0; i < 255; i++)
        assert_int_equal(domain_pause_by_controller(d), 0);
    assert_int_equal(domain_pause_by_controller(d), -XEN_EOVERFLOW);
    assert_int_equal(d->pause_count, 255);
    assert_int_equal(domain_kill(dom0), -XEN_EINVAL);
    d->being_killed = true; /* another CPU is destroying it */
    assert_int_equal(domain_kill(d), -XEN_ERESTART);
    d->being_killed = false;
    destroy(d);
}

static void test_dom0_shutdown(void **state)
{
    (void)state;
    static const struct {
        uint32_t reason;
        bool noreboot;
        int expect;
    } c[] = {
        { SHUTDOWN_poweroff, false, OFF },    { SHUTDOWN_reboot, false, REBOOT },
        { SHUTDOWN_crash, false, REBOOT },    { SHUTDOWN_crash, true, HALT },
        { SHUTDOWN_watchdog, false, REBOOT }, { 99, false, REBOOT },
    };
    for (volatile unsigned i = 0; i < ARRAY_SIZE(c); i++) {
        cmdline.noreboot = c[i].noreboot;
        int off = setjmp(machine_off);
        if (!off)
            domain_shutdown(dom0, c[i].reason);
        assert_int_equal(off, c[i].expect);
    }
    cmdline.noreboot = false;
}

static void test_vcpu_info(void **state)
{
    (void)state;
    uint64_t free_pages = page_free_count();
    struct domain *d = make(6, 2);
    give_memory(d);
    struct vcpu *v = d->vcpu[0], *w = d->vcpu[1];
    uint64_t gfn = GUEST_RAM >> 12;
    assert_ptr_equal(v->info, &d->shared_info->vcpu_info[0]);
    assert_ptr_equal(w->info, &w->private_info); /* shared_info has room for only one */
    assert_int_equal(vcpu_register_info(v, gfn, PAGE_SIZE - 32), -XEN_EINVAL);
    assert_int_equal(vcpu_register_info(v, gfn, 4), -XEN_EINVAL);
    assert_int_equal(vcpu_register_info(v, 0x123, 0), -XEN_EINVAL); /* nothing is mapped there */
    assert_int_equal(vcpu_register_info(v, 1ull << 52, 0), -XEN_EINVAL);
    /* a hypervisor's page */
    assert_int_equal(vcpu_register_info(v, 0x50000000 >> 12, 0), -XEN_EINVAL);
    w->online = true;
    /* another vCPU's, which may be running */
    assert_int_equal(vcpu_register_info(w, gfn, 0), -XEN_EINVAL);
    w->online = false;
    w->info->time.version = 42;
    assert_int_equal(vcpu_register_info(w, gfn + 1, 128), 0);
    struct vcpu_info *there = ram(d, PAGE_SIZE + 128);
    assert_ptr_equal(w->info, there);
    assert_int_equal(there->time.version, 42);
    assert_int_equal(there->evtchn_pending_sel, ~0ull);
    assert_int_equal(there->evtchn_upcall_pending, 1);
    assert_int_equal(w->info_ipa.v, GUEST_RAM + PAGE_SIZE + 128);
    assert_int_equal(vcpu_register_info(w, gfn + 2, 0), -XEN_EINVAL); /* only once per vCPU */
    /* The guest unmaps the page: the page stays until the vCPU releases it. */
    uint64_t before = page_free_count();
    assert_int_equal(p2m_unmap(d, IPA(GUEST_RAM + PAGE_SIZE), 1), 0);
    assert_int_equal(page_free_count(), before);
    w->info->evtchn_pending_sel = 0;
    vcpu_release_areas(w);
    assert_int_equal(page_free_count(), before + 1);
    assert_ptr_equal(w->info, &w->private_info);
    /* An address from a state record: the area's contents are kept. */
    there = ram(d, 8 * PAGE_SIZE);
    there->evtchn_pending_sel = 5;
    assert_int_equal(vcpu_restore_info(w, IPA(GUEST_RAM + 8 * PAGE_SIZE)), 0);
    assert_int_equal(w->info->evtchn_pending_sel, 5);
    assert_int_equal(vcpu_restore_info(w, IPA(GUEST_RAM + 8 * PAGE_SIZE)), -XEN_EINVAL);
    destroy(d);
    assert_int_equal(page_free_count(), free_pages);
}

static int no_translation(gva_t va, bool write, ipa_t *ipa)
{
    (void)va;
    (void)write;
    (void)ipa;
    return -XEN_EFAULT;
}

static void test_runstate_area(void **state)
{
    (void)state;
    struct domain *d = make(6, 1);
    give_memory(d);
    struct vcpu *v = d->vcpu[0];
    gva_t at = GVA(GUEST_RAM + 3 * PAGE_SIZE - 24); /* spans two pages */
    assert_int_equal(vcpu_register_runstate(v, GVA(at.v + 4)), -XEN_EINVAL);
    assert_int_equal(vcpu_register_runstate(v, GVA(0x123000)), -XEN_EINVAL);
    fake_gva_to_ipa = no_translation;
    assert_int_equal(vcpu_register_runstate(v, at), -XEN_EFAULT);
    fake_gva_to_ipa = NULL;
    assert_int_equal(vcpu_register_runstate(v, at), 0);
    assert_non_null(v->runstate_page[1]);
    v->online = true;
    fake_counter += 1000000;
    domain_unpause_by_controller(d);
    while (enter() != v)
        vcpu_yield(current_vcpu());
    struct vcpu_runstate_info r;
    memcpy(&r, ram(d, 3 * PAGE_SIZE - 24), 24);
    memcpy((uint8_t *)&r + 24, ram(d, 3 * PAGE_SIZE), 24);
    assert_int_equal(r.state, RUNSTATE_running);
    /* the update flag is clear */
    assert_int_equal(r.state_entry_time, v->runstate.state_entry_time);
    assert_true(r.time[RUNSTATE_offline] >= 1000000);
    assert_int_equal(r.time[0] + r.time[1] + r.time[2] + r.time[3] <= r.state_entry_time, 1);
    d->vm_assist = 1u << VMASST_TYPE_runstate_update_flag;
    uint64_t ran = v->runstate.time[RUNSTATE_running];
    vcpu_block(v);
    v->blocked = true;
    while (enter() == v)
        this_cpu()->work |= WORK_RESCHED;
    memcpy(&r, ram(d, 3 * PAGE_SIZE - 24), 24);
    assert_int_equal(r.state, RUNSTATE_blocked);
    assert_false(r.state_entry_time & XEN_RUNSTATE_UPDATE);
    assert_true(r.time[RUNSTATE_running] > ran);
    /* Registered elsewhere, then nowhere: the pages are released. */
    assert_int_equal(vcpu_register_runstate(v, GVA(GUEST_RAM + 64)), 0);
    assert_null(v->runstate_page[1]);
    assert_int_equal(vcpu_register_runstate(v, GVA(0)), 0);
    assert_null(v->runstate_page[0]);
    assert_int_equal(vcpu_place_runstate(v, GVA(0xffff000000001fe8), IPA(GUEST_RAM + 0xfe8)), 0);
    assert_non_null(v->runstate_page[1]);
    assert_int_equal(vcpu_place_runstate(v, GVA(0xffff000000001fe0), IPA(GUEST_RAM + 0xfe8)),
                     -XEN_EINVAL);
    destroy(d);
}

static int64_t wallclock(const struct domain *d) /* ns since 1970 at which d's counter was zero */
{
    const struct shared_info *s = d->shared_info;
    assert_int_equal(s->wc_version & 1, 0);
    return (int64_t)(((uint64_t)s->wc_sec_hi << 32 | s->wc_sec) * 1000000000u + s->wc_nsec);
}

static void test_wallclock(void **state)
{
    (void)state;
    fake_counter_step = 0;
    fake_counter += 3500000000u;
    struct domain *d = make(6, 1);
    give_memory(d);
    uint32_t version = d->shared_info->wc_version;
    uint64_t at = counter() - dom0->counter_offset; /* dom0's clock now */
    domain_set_wallclock(dom0, 1800000000, 250000000, at);
    assert_true(d->shared_info->wc_version > version);
    int64_t now = 1800000000250000000;
    assert_int_equal(wallclock(dom0) + (int64_t)at, now);
    assert_int_equal(wallclock(d) + (int64_t)(counter() - d->counter_offset), now);
    d->counter_offset -= 7000000000u; /* migrated here: its clock is 7 s ahead */
    domain_update_wallclock(d);
    assert_int_equal(wallclock(d) + (int64_t)(counter() - d->counter_offset), now);
    d->time_offset_s = -3600;
    domain_update_wallclock(d);
    assert_int_equal(wallclock(d) + (int64_t)(counter() - d->counter_offset), now - 3600000000000);
    domain_set_wallclock(dom0, 5000000000, 0, at); /* beyond 32 bits */
    assert_int_equal(wallclock(dom0) + (int64_t)at, 5000000000000000000);
    fake_counter_step = 1;
    destroy(d);
}

int main(void)
{
    fake_init(1 << 20, 1);
    sigaction(SIGSEGV, NULL, &machine_segv);
#define T(name) cmocka_unit_test_setup_teardown(name, boot, halt)
    const struct CMUnitTest tests[] = {
        T(test_create_refuses),
        T(test_lists_and_references),
        T(test_thousand_lives_leak_nothing),
        T(test_page_outlives_owner),
        T(test_shutdown_and_resume),
        T(test_watchdog_and_timers),
        T(test_controller_pause),
        T(test_dom0_shutdown),
        T(test_vcpu_info),
        T(test_runstate_area),
        T(test_wallclock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
