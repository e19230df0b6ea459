/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vCPUs, and the areas in guest memory that the hypervisor writes for each: vcpu_info and the
 * runstate area (public/vcpu.h).  A page reference pins both from registration until the vCPU is
 * destroyed.  So the addresses in v->info and in the runstate code stay valid whatever the guest
 * does to its map.
 */
#include "abi.h"
#include "arch.h"
#include "dirty.h"
#include "domain.h"
#include "domain_types.h"
#include "evtchn.h"
#include "lib.h"
#include "mm.h"
#include "p2m.h"
#include "sched.h"
#include "timer.h"
#include "vgic.h"
#include "vtimer.h"
#include <xen/vcpu.h>

_Static_assert(sizeof(struct vcpu_runstate_info) == 48, "public/vcpu.h on Arm");

#define NOWHERE IPA(~0ull)

/* ---- vCPUs ---- */

static void poll_timeout(void *arg) { vcpu_unblock(arg); }

/* Callback of VCPUOP_set_singleshot_timer and, with periodic_ns, VCPUOP_set_periodic_timer. */
static void event_timer_due(void *arg)
{
    struct vcpu *v = arg;
    evtchn_send_virq(v, VIRQ_TIMER);
    if (v->periodic_ns)
        timer_set(&v->singleshot_timer, counter() + ns_to_ticks(v->periodic_ns));
}

/*
 * Place of vcpu_info until the guest registers another one.  On Arm, shared_info has room for the
 * first vCPU only.
 */
static struct vcpu_info *default_info(struct vcpu *v)
{
    return v->id < XEN_LEGACY_MAX_VCPUS ? &v->domain->shared_info->vcpu_info[v->id]
                                        : &v->private_info;
}

int vcpu_create(struct domain *d, unsigned id)
{
    if (id >= d->max_vcpus || d->vcpu[id])
        return -XEN_EINVAL;
    struct vcpu *v = mem_alloc(sizeof(*v));
    if (!v)
        return -XEN_ENOMEM;
    v->domain = d;
    v->id = id;
    v->info = default_info(v);
    v->info_ipa = v->runstate_ipa = NOWHERE;
    timer_init(&v->poll_timer, poll_timeout, v);
    timer_init(&v->singleshot_timer, event_timer_due, v);
    sched_vcpu_init(v);
    int rc = arch_vcpu_init(v);
    if (rc)
        goto fail;
    rc = vgic_vcpu_init(v);
    if (rc)
        goto fail_arch;
    vtimer_vcpu_init(v);
    __atomic_store_n(&d->vcpu[id], v, __ATOMIC_RELEASE); /* readers take no lock */
    return 0;
fail_arch:
    arch_vcpu_destroy(v);
fail:
    mem_free(v, sizeof(*v));
    return rc;
}

int vcpu_reset(struct vcpu *v)
{
    v->online = v->initialised = v->blocked = v->poll_mask = false;
    vcpu_sleep(v);
    timer_stop(&v->poll_timer);
    timer_stop(&v->singleshot_timer);
    v->periodic_ns = 0;
    v->set_way_seen = false;
    arch_vcpu_reset(v, 0, 0, v->domain->aarch32);
    vgic_vcpu_reset(v);
    vtimer_vcpu_reset(v);
    sched_vcpu_invalidate(v);
    return 0;
}

/* ---- vcpu_info ---- */

static void unpin(struct page *p, const void *va)
{
    page_unmap_lasting(p, va);
    page_put(p);
}

/*
 * A page of the guest's own RAM that may be written, referenced and mapped at *va: 0, -XEN_EINVAL,
 * -XEN_ENOMEM.  The hypervisor may write to it at any time from now on, and marks it dirty after
 * each write.  Those marks go by address (evtchn_2l.c) and leave `written` alone, so it is set
 * here.
 */
static int pin(struct domain *d, ipa_t ipa, struct page **page, uint8_t **va)
{
    struct page *p = p2m_get_ram(d, ipa_gfn(ipa), true);
    *page = NULL;
    if (!p)
        return -XEN_EINVAL;
    *va = page_map_lasting(p);
    if (!*va) {
        page_put(p);
        return -XEN_ENOMEM;
    }
    p->written = true;
    *page = p;
    return 0;
}

static bool info_offset_valid(const struct vcpu *v, uint64_t offset)
{
    return !v->info_page && offset <= PAGE_SIZE - sizeof(struct vcpu_info) &&
           offset % _Alignof(struct vcpu_info) == 0;
}

static void set_info(struct vcpu *v, struct page *p, struct vcpu_info *info, ipa_t where)
{
    v->info_page = p;
    v->info_ipa = where;
    __atomic_store_n(&v->info, info, __ATOMIC_RELEASE);
}

static struct vcpu_info *info_at(uint8_t *page, uint64_t offset)
{
    return (struct vcpu_info *)(void *)(page + offset);
}

int vcpu_restore_info(struct vcpu *v, ipa_t where)
{
    uint64_t offset = where.v & (PAGE_SIZE - 1);
    struct page *p;
    uint8_t *va;
    if (!info_offset_valid(v, offset))
        return -XEN_EINVAL;
    int rc = pin(v->domain, where, &p, &va);
    if (!rc)
        set_info(v, p, info_at(va, offset), where);
    return rc;
}

/*
 * Under the event lock, which is held while a bit in v->info is set: so no event is set in the old
 * place after the copy.  All selector bits are set, as in Xen, because a guest that has already
 * looked at the old place must look at all words again.
 */
int vcpu_register_info(struct vcpu *v, uint64_t gfn, uint32_t offset)
{
    struct domain *d = v->domain;
    if (gfn >> (IPA_BITS - PAGE_SHIFT) || !info_offset_valid(v, offset) ||
        (v != current_vcpu() && v->online))
        return -XEN_EINVAL;
    ipa_t where = IPA((gfn << PAGE_SHIFT) + offset);
    struct page *p;
    uint8_t *va;
    int rc = pin(d, where, &p, &va);
    if (rc)
        return rc;
    spin_lock(&d->evtchn.lock);
    const struct vcpu_info *old = v->info;
    struct vcpu_info *new = info_at(va, offset);
    *new = *old;
    set_info(v, p, new, where);
    __atomic_store_n(&new->evtchn_pending_sel, ~(xen_ulong_t)0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&new->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
    spin_unlock(&d->evtchn.lock);
    dirty_mark_page(p);
    evtchn_upcall(v);
    return 0;
}

/* ---- runstate ---- */

static void drop_runstate(struct vcpu *v)
{
    v->runstate_va = GVA(0);
    v->runstate_ipa = NOWHERE;
    for (unsigned i = 0; i < 2; i++) {
        if (v->runstate_page[i])
            unpin(v->runstate_page[i], v->runstate_at[i]);
        v->runstate_page[i] = NULL;
        v->runstate_at[i] = NULL;
    }
}

/* Address of byte `at` of the area, which may straddle two pages. */
static uint8_t *area(const struct vcpu *v, size_t at)
{
    size_t offset = (v->runstate_va.v & (PAGE_SIZE - 1)) + at;
    return v->runstate_at[offset >> PAGE_SHIFT] + (offset & (PAGE_SIZE - 1));
}

/* Offsets are multiples of 8, so an 8-byte member never straddles pages. */
static void put_word(const struct vcpu *v, size_t at, uint64_t value)
{
    __atomic_store_n((uint64_t *)(void *)area(v, at), value, __ATOMIC_RELAXED);
}

/*
 * The guest reads without a lock.  If it asked for the update flag, state_entry_time must be equal
 * before and after the read and must not have the flag set.  Otherwise the two values just have to
 * be equal.
 */
void vcpu_runstate_publish(struct vcpu *v)
{
    if (!v->runstate_page[0])
        return;
    struct vcpu_runstate_info r;
    spin_lock(&v->domain->lock); /* another vCPU may be registering a new place */
    if (v->runstate_page[0]) {
        sched_runstate_copy(v, &r);
        bool flag = v->domain->vm_assist & (1u << VMASST_TYPE_runstate_update_flag);
        if (flag) {
            put_word(v, offsetof(struct vcpu_runstate_info, state_entry_time),
                     r.state_entry_time | XEN_RUNSTATE_UPDATE);
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
        }
        __atomic_store_n((int *)(void *)area(v, 0), r.state, __ATOMIC_RELAXED);
        for (unsigned i = 0; i < ARRAY_SIZE(r.time); i++)
            put_word(v, offsetof(struct vcpu_runstate_info, time) + i * 8, r.time[i]);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        put_word(v, offsetof(struct vcpu_runstate_info, state_entry_time), r.state_entry_time);
        for (unsigned i = 0; i < 2 && v->runstate_page[i]; i++)
            dirty_mark_page(v->runstate_page[i]);
    }
    spin_unlock(&v->domain->lock);
}

static int pin_runstate(struct vcpu *v, gva_t where, ipa_t first, ipa_t second)
{
    bool two = (where.v & (PAGE_SIZE - 1)) + sizeof(struct vcpu_runstate_info) > PAGE_SIZE;
    struct page *p[2] = { NULL };
    uint8_t *va[2] = { NULL };
    int rc = pin(v->domain, first, &p[0], &va[0]);
    if (rc)
        return rc;
    if (two && (rc = pin(v->domain, second, &p[1], &va[1]))) {
        unpin(p[0], va[0]);
        return rc;
    }
    spin_lock(&v->domain->lock);
    drop_runstate(v);
    v->runstate_va = where;
    v->runstate_ipa = first;
    for (unsigned i = 0; i < 2; i++) {
        v->runstate_page[i] = p[i];
        v->runstate_at[i] = va[i];
    }
    spin_unlock(&v->domain->lock);
    return 0;
}

int vcpu_place_runstate(struct vcpu *v, gva_t where, ipa_t ipa)
{
    if (where.v % 8 || (where.v & (PAGE_SIZE - 1)) != (ipa.v & (PAGE_SIZE - 1)))
        return -XEN_EINVAL;
    return pin_runstate(v, where, ipa, IPA((ipa.v & PAGE_MASK) + PAGE_SIZE));
}

/*
 * The address is virtual, in the map of the calling vCPU: kernel addresses are the same on all
 * vCPUs.
 */
int vcpu_register_runstate(struct vcpu *v, gva_t where)
{
    ipa_t first, second = NOWHERE;
    if (!where.v) {
        spin_lock(&v->domain->lock);
        drop_runstate(v);
        spin_unlock(&v->domain->lock);
        return 0;
    }
    if (where.v % 8)
        return -XEN_EINVAL;
    uint64_t last = where.v + sizeof(struct vcpu_runstate_info) - 1;
    if (arch_gva_to_ipa(where, true, &first) ||
        ((last ^ where.v) & PAGE_MASK && arch_gva_to_ipa(GVA(last & PAGE_MASK), true, &second)))
        return -XEN_EFAULT;
    int rc = pin_runstate(v, where, first, second);
    if (!rc)
        vcpu_runstate_publish(v);
    return rc;
}

void vcpu_release_areas(struct vcpu *v)
{
    struct domain *d = v->domain;
    spin_lock(&d->lock);
    drop_runstate(v);
    spin_unlock(&d->lock);
    spin_lock(&d->evtchn.lock);
    struct page *p = v->info_page;
    const struct vcpu_info *there = v->info;
    v->info_page = NULL;
    v->info_ipa = NOWHERE;
    if (d->shared_info)
        v->info = default_info(v);
    spin_unlock(&d->evtchn.lock);
    if (p)
        unpin(p, there);
}
