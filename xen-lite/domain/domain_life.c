/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a domain stops: pause by its controller, shutdown by itself, crash, resume, and teardown in
 * stages.
 */
#include "abi.h"
#include "arch.h"
#include "domain.h"
#include "domain_ref.h"
#include "evtchn.h"
#include "grant.h"
#include "lib.h"
#include "log.h"
#include "mm.h"
#include "options.h"
#include "p2m.h"
#include "preempt.h"
#include "sched.h"
#include "timer.h"
#include "vtimer.h"
#include "vuart.h"
#include <xen/sched.h>

/* ---- the controller's pause ---- */

int domain_pause_by_controller(struct domain *d)
{
    uint8_t held = __atomic_load_n(&d->controller_paused, __ATOMIC_RELAXED);
    do {
        if (held == UINT8_MAX) /* a tool that never unpauses must not make the counter wrap */
            return -XEN_EOVERFLOW;
    } while (!__atomic_compare_exchange_n(&d->controller_paused, &held, (uint8_t)(held + 1), true,
                                          __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    domain_pause(d);
    return 0;
}

void domain_unpause_by_controller(struct domain *d)
{
    uint8_t held = __atomic_load_n(&d->controller_paused, __ATOMIC_RELAXED), expect = DOM_BUILDING;
    do {
        if (!held)
            return;
    } while (!__atomic_compare_exchange_n(&d->controller_paused, &held, (uint8_t)(held - 1), true,
                                          __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    __atomic_compare_exchange_n(&d->state, &expect, DOM_ALIVE, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_RELAXED);
    domain_unpause(d);
}

/* ---- shutdown ---- */

static _Noreturn void machine_shutdown(uint32_t reason)
{
    switch (reason) {
    case SHUTDOWN_poweroff:
        log_info("xen-lite: the control domain powers the machine off\n");
        arch_poweroff();
    case SHUTDOWN_crash:
        log_err("xen-lite: the control domain crashed%s\n", cmdline.noreboot ? "" : ": rebooting");
        if (cmdline.noreboot)
            arch_halt();
        break;
    case SHUTDOWN_watchdog:
        log_err("xen-lite: the control domain's watchdog expired: rebooting\n");
        break;
    default:
        log_info("xen-lite: the control domain reboots the machine (reason %u)\n", reason);
        break;
    }
    arch_reboot();
}

static bool any_running(const struct domain *d)
{
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpu[i] && __atomic_load_n(&d->vcpu[i]->sched.running, __ATOMIC_ACQUIRE))
            return true;
    return false;
}

/*
 * `shut_down` means that no vCPU runs any more, so memory and registers are final when the tools
 * see it.  Called after each step that could be the last one (the flag is set; a vCPU leaves its
 * CPU).  The first call that finds no vCPU running tells the tools.
 */
void domain_check_shutdown(struct domain *d)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&d->shutting_down, __ATOMIC_RELAXED) || any_running(d) ||
        __atomic_exchange_n(&d->shut_down, true, __ATOMIC_SEQ_CST))
        return;
    evtchn_send_global_virq(VIRQ_DOM_EXC);
}

void domain_shutdown(struct domain *d, uint32_t reason)
{
    if (d->privileged)
        machine_shutdown(reason);
    spin_lock(&d->lock);
    bool first = !d->shutting_down && d->state < DOM_DYING;
    if (first) {
        if (d->shutdown_code == ~0u) /* otherwise SCHEDOP_shutdown_code has recorded a reason */
            d->shutdown_code = reason;
        domain_pause_nosync(d); /* one pause count for the whole shutdown; domain_resume drops it */
        __atomic_store_n(&d->shutting_down, true, __ATOMIC_SEQ_CST);
    }
    spin_unlock(&d->lock);
    if (first)
        domain_check_shutdown(d);
}

void domain_resume(struct domain *d)
{
    spin_lock(&d->lock);
    bool was = d->shutting_down;
    d->shutting_down = d->shut_down = false;
    d->shutdown_code = ~0u;
    spin_unlock(&d->lock);
    if (was)
        domain_unpause(d);
}

/* ---- teardown ---- */

static int stop_all(struct domain *d)
{
    spin_lock(&d->lock);
    /* From now on page_alloc, maps and event channels refuse this domain. */
    __atomic_store_n(&d->state, DOM_DYING, __ATOMIC_SEQ_CST);
    spin_unlock(&d->lock);
    domain_pause(d); /* for ever */
    for (unsigned i = 0; i < ARRAY_SIZE(d->watchdog); i++)
        timer_stop(&d->watchdog[i]);
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpu[i]) {
            timer_stop(&d->vcpu[i]->poll_timer);
            timer_stop(&d->vcpu[i]->singleshot_timer);
        }
    return 0;
}

static int close_channels(struct domain *d)
{
    int rc = evtchn_relinquish(d);
    if (!rc)
        evtchn_destroy(d);
    return rc;
}

static int drop_pinned(struct domain *d)
{
    vuart_destroy(d);
    page_forget_block(d);
    if (dom0)
        p2m_flush_deferred(dom0); /* its tools may have unmapped memory of the domain just before */
    for (unsigned i = 0; i < d->max_vcpus; i++)
        if (d->vcpu[i])
            vcpu_release_areas(d->vcpu[i]);
    return 0;
}

/*
 * Removes the owner of pages that other domains still hold.  The search takes long, so it is done
 * here in pieces and not when the domain is freed.
 */
static int forget_pages(struct domain *d)
{
    while (!page_forget_some(d, &d->forget_next))
        if (hypercall_preempt_check())
            return -XEN_ERESTART;
    return 0;
}

/*
 * In this order: no vCPU runs; no event is sent; what it holds of other domains is dropped; then
 * its own memory.
 */
static int (*const stage[])(struct domain *) = {
    stop_all, close_channels, grant_release_mappings, drop_pinned, p2m_relinquish, forget_pages,
};

static int kill_stages(struct domain *d)
{
    for (; d->next_relinquish < ARRAY_SIZE(stage); d->next_relinquish++) {
        int rc = stage[d->next_relinquish](d);
        if (rc)
            return rc; /* -XEN_ERESTART: the same stage again */
    }
    return 0;
}

/*
 * No lock is held across the stages.  A second caller is told to call again; it then finds the
 * domain dead.
 */
int domain_kill(struct domain *d)
{
    if (d == dom0 || (current_vcpu() && current_vcpu()->domain == d))
        return -XEN_EINVAL;
    if (__atomic_exchange_n(&d->being_killed, true, __ATOMIC_ACQUIRE))
        return -XEN_ERESTART;
    bool dead = d->state == DOM_DEAD;
    int rc = dead ? 0 : kill_stages(d);
    if (!dead && !rc)
        __atomic_store_n(&d->state, DOM_DEAD, __ATOMIC_SEQ_CST);
    __atomic_store_n(&d->being_killed, false, __ATOMIC_RELEASE);
    if (!dead && !rc) {
        evtchn_send_global_virq(VIRQ_DOM_EXC);
        domain_put(d); /* the list's reference */
    }
    return rc;
}

/* ---- dump for the debug key ---- */

static void dump(struct domain *d)
{
    static const char *const state[] = { "building", "alive", "dying", "dead" };
    log_info("d%u: %s refs %u vcpus %u pages %u of %u pause %d%s\n", d->id, state[d->state & 3],
             d->refs, d->max_vcpus, d->tot_pages, d->max_pages, d->pause_count,
             d->aarch32 ? " aarch32" : "");
    if (d->shutting_down)
        log_info("d%u: shutdown reason %u%s\n", d->id, d->shutdown_code,
                 d->shut_down ? "" : " (under way)");
    log_info("d%u: vttbr %llx counter offset %llx shared_info %llx\n", d->id,
             (unsigned long long)d->vttbr, (unsigned long long)d->counter_offset,
             (unsigned long long)d->shared_ipa.v);
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        const struct vcpu *v = d->vcpu[i];
        if (!v)
            continue;
        log_info("  v%u: %s%s%s pause %d cpu %d pc 0x%llx vcpu_info %llx\n", i,
                 v->online ? "online" : "offline", v->blocked ? " blocked" : "",
                 v->sched.running ? " running" : "", v->pause_count, v->sched.cpu,
                 (unsigned long long)v->arch.regs.pc, (unsigned long long)v->info_ipa.v);
        spin_lock(&d->evtchn.lock); /* v->info may be freed at any time */
        struct vcpu_info info = v->info ? *v->info : (struct vcpu_info){ 0 };
        spin_unlock(&d->evtchn.lock);
        log_info("      upcall %u selector %llx; virtual timer ctl %x in %lld ticks\n",
                 info.evtchn_upcall_pending, (unsigned long long)info.evtchn_pending_sel,
                 v->vtimer.virt_ctl, (long long)(v->vtimer.virt_cval - guest_counter(d)));
    }
}

void domain_dump_all(void)
{
    for (struct domain *d = domain_get_next(0), *next; d; d = next) {
        dump(d);
        next = domain_get_next((domid_t)(d->id + 1));
        domain_put(d);
    }
}
