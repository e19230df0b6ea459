/* SPDX-License-Identifier: BSD-2-Clause */
/* See world.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "world.h"

struct domain *world[3];
unsigned world_injected[3][2], world_unblocked[3][2], world_vuart_events,
    world_dirty[3][WORLD_GFNS];
bool world_p2m_fails;
struct gic_info gic_info;
paddr_t uart_base;
spinlock_t domctl_lock;
static struct domain domains[3];
static struct vcpu vcpus[3][2];
static struct p2m_entry map[3][WORLD_GFNS];
static uint64_t free_at_start;

/* ---- p2m.h ---- */

static struct p2m_entry *at(struct domain *d, ipa_t ipa)
{
    assert_true(ipa_gfn(ipa) < WORLD_GFNS);
    return &map[d->id][ipa_gfn(ipa)];
}

static void drop(struct p2m_entry *e)
{
    if (e->type == P2M_RAM)
        pfn_page(pa_pfn(e->pa))->gfn = PAGE_NO_GFN;
    if (e->type == P2M_RAM || e->type == P2M_FOREIGN || e->type == P2M_FOREIGN_RO)
        page_put(pfn_page(pa_pfn(e->pa)));
    *e = (struct p2m_entry){ .type = P2M_NONE };
}

int p2m_map(struct domain *d, ipa_t ipa, paddr_t pa, uint64_t pages, enum p2m_type type)
{
    assert_false(spin_is_locked(&d->p2m.lock) || spin_is_locked(&d->evtchn.lock));
    if (world_p2m_fails) {
        world_p2m_fails = false;
        return -XEN_ENOMEM;
    }
    if (ipa_gfn(ipa) + pages > WORLD_GFNS)
        return -XEN_EINVAL;
    for (uint64_t i = 0; i < pages; i++) {
        struct p2m_entry *e = at(d, GFN(ipa_gfn(ipa) + i)), old = *e;
        *e = (struct p2m_entry){
            .type = type,
            .pa = PA(pa.v + i * PAGE_SIZE),
            .writable = type != P2M_FOREIGN_RO && type != P2M_GRANT_RO,
        };
        drop(&old);
        if (type == P2M_RAM)
            pfn_page(pa_pfn(e->pa))->gfn = (uint32_t)(ipa_gfn(ipa) + i);
    }
    d->p2m.max_gfn = MAX(d->p2m.max_gfn, ipa_gfn(ipa) + pages - 1);
    return 0;
}

int p2m_unmap(struct domain *d, ipa_t ipa, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++)
        drop(at(d, GFN(ipa_gfn(ipa) + i)));
    return 0;
}

int p2m_unmap_exact(struct domain *d, ipa_t ipa, paddr_t pa)
{
    struct p2m_entry *e = at(d, ipa);
    if (e->type == P2M_NONE)
        return -XEN_ENOENT;
    if (e->pa.v != pa.v)
        return -XEN_EINVAL;
    drop(e);
    return 0;
}

bool p2m_lookup(struct domain *d, ipa_t ipa, struct p2m_entry *e)
{
    if (ipa_gfn(ipa) >= WORLD_GFNS)
        return false;
    *e = *at(d, ipa);
    return e->type != P2M_NONE;
}

struct page *p2m_get_page(struct domain *d, ipa_t ipa, bool write, enum p2m_type *type)
{
    struct p2m_entry e;
    if (!p2m_lookup(d, ipa, &e) || e.type == P2M_DEVICE || (write && !e.writable))
        return NULL;
    if (type)
        *type = e.type;
    page_get_known(pfn_page(pa_pfn(e.pa)));
    return pfn_page(pa_pfn(e.pa));
}

struct page *p2m_get_ram(struct domain *d, uint64_t gfn, bool write)
{
    enum p2m_type type;
    struct page *p = gfn < WORLD_GFNS ? p2m_get_page(d, GFN(gfn), write, &type) : NULL;
    if (p && type != P2M_RAM) {
        page_put(p);
        p = NULL;
    }
    return p;
}

uint64_t p2m_max_gfn(const struct domain *d) { return d->p2m.max_gfn; }
void dirty_mark(struct domain *d, ipa_t ipa)
{
    assert_false(spin_is_locked(&d->evtchn.lock));
    if (ipa_gfn(ipa) < WORLD_GFNS)
        world_dirty[d->id][ipa_gfn(ipa)]++;
}
void dirty_mark_page(struct page *p)
{
    if (p->owner < 3 && p->gfn != PAGE_NO_GFN)
        world_dirty[p->owner][p->gfn]++;
}
void dirty_ext_writer(struct page *p, int delta)
{
    assert_true(delta > 0 || p->ext_writers > 0);
    p->ext_writers += (unsigned)delta;
}

struct page *world_page(unsigned dom, uint64_t gfn)
{
    return map[dom][gfn].type == P2M_NONE ? NULL : pfn_page(pa_pfn(map[dom][gfn].pa));
}
enum p2m_type world_type(unsigned dom, uint64_t gfn) { return map[dom][gfn].type; }

/* ---- the rest of the core ---- */

size_t copy_from_guest(void *dst, uint64_t from, size_t bytes)
{
    if (from < WORLD_BAD)
        return bytes;
    memcpy(dst, (const void *)(uintptr_t)from, bytes);
    return 0;
}
size_t copy_to_guest(uint64_t to, const void *src, size_t bytes)
{
    if (to < WORLD_BAD)
        return bytes;
    memcpy((void *)(uintptr_t)to, src, bytes);
    return 0;
}
void vgic_inject(struct domain *d, struct vcpu *v, uint32_t intid, bool level)
{
    assert_true(level);
    assert_int_equal(intid, d->evtchn_ppi);
    world_injected[d->id][v->id]++;
}
void vcpu_unblock(struct vcpu *v)
{
    v->blocked = v->poll_mask = false;
    world_unblocked[v->domain->id][v->id]++;
}
void vuart_event(struct domain *d)
{
    assert_false(spin_is_locked(&d->evtchn.lock));
    world_vuart_events++;
}
void domain_pause_nosync(struct domain *d) { d->pause_count++; }
void domain_unpause(struct domain *d) { d->pause_count--; }

static void start_domain(unsigned id)
{
    struct domain *d = &domains[id];

    *d = (struct domain){ .id = (domid_t)id,
                          .privileged = id == 0,
                          .state = DOM_ALIVE,
                          .refs = 1,
                          .max_vcpus = 2,
                          .max_pages = 4096,
                          .evtchn_ppi = 31,
                          .shared_ipa = { ~0ull } };
    for (unsigned i = 0; i < 2; i++) {
        vcpus[id][i] = (struct vcpu){ .domain = d, .id = i, .info_ipa = { ~0ull } };
        d->vcpu[i] = &vcpus[id][i];
        d->vcpu[i]->info = mem_alloc(sizeof(struct vcpu_info));
    }
    d->shared_page = page_alloc(NULL, 0, ALLOC_ZERO);
    d->shared_info = page_va(d->shared_page);
    assert_int_equal(evtchn_init(d), 0);
    assert_int_equal(grant_init(d, 4, 1), 0);
    for (unsigned i = 0; i < GUEST_RAM_PAGES; i++) {
        struct page *p = page_alloc(d, 0, 0);
        assert_non_null(p);
        p2m_map(d, GFN(GUEST_RAM + i), page_pa(p), 1, P2M_RAM);
    }
    world[id] = d;
    fake_domain_add(d);
}

void world_start(void)
{
    fake_init(64 << 20, 2);
    fake_page_init();
    fake_domains_clear();
    memset(map, 0, sizeof(map));
    memset(world_injected, 0, sizeof(world_injected));
    memset(world_unblocked, 0, sizeof(world_unblocked));
    memset(world_dirty, 0, sizeof(world_dirty));
    world_vuart_events = 0;
    fake_preempt = world_p2m_fails = false;
    free_at_start = page_free_count();
    for (unsigned i = 0; i < 3; i++)
        start_domain(i);
    dom0 = world[0];
    world_be(0, 0);
}

void world_be(unsigned dom, unsigned vcpu) { this_cpu()->current = world[dom]->vcpu[vcpu]; }

void world_kill(unsigned dom)
{
    struct domain *d = world[dom];

    d->state = DOM_DYING;
    evtchn_destroy(d);
    while (grant_release_mappings(d) == -XEN_ERESTART)
        ;
    for (unsigned gfn = 0; gfn < WORLD_GFNS; gfn++)
        drop(&map[dom][gfn]);
}

void world_end(void)
{
    for (unsigned i = 0; i < 3; i++)
        world_kill(i);
    for (unsigned i = 0; i < 3; i++) {
        struct domain *d = world[i];

        assert_int_equal(d->refs, 1);
        grant_destroy(d);
        evtchn_destroy(d);
        page_put(d->shared_page);
        for (unsigned v = 0; v < 2; v++)
            mem_free(d->vcpu[v]->info, sizeof(struct vcpu_info));
        assert_int_equal(d->pause_count, 0);
    }
    assert_int_equal(page_free_count(), free_at_start);
}
