/* SPDX-License-Identifier: BSD-2-Clause */
/* The grant table itself: frames, pins, state records.  Theory of operation: grant.h. */
#include "abi.h"
#include "dirty.h"
#include "domain_types.h"
#include "grant.h"
#include "guest_atomic.h"
#include "log.h"
#include "mm.h"
#include "p2m.h"
#include "panic.h"
#include "preempt.h"
#include "records.h"

_Static_assert(GRANT_FRAMES_MAX == XLR_GRANT_MAX_FRAMES, "a record holds all frames");
/* Frames allocated between two checks whether another task needs the CPU. */
#define FRAMES_A_LOOK 8u
#define PIN_BYTES     (GRANT_FRAME_ENTRIES * sizeof(struct grant_pin))

/* ---- frames ---- */

int grant_grow(struct domain *d, uint32_t frames)
{
    ASSERT_LOCKED(&d->grant.lock);
    struct grant_table *t = &d->grant;

    if (frames > t->max_frames)
        return -XEN_EINVAL;
    while (t->frame_count < frames) {
        uint32_t n = t->frame_count;
        struct grant_pin *pin = mem_alloc(PIN_BYTES);
        struct page *page = pin ? page_alloc(NULL, 0, ALLOC_ZERO) : NULL;

        if (!page) {
            if (pin)
                mem_free(pin, PIN_BYTES);
            return -XEN_ENOMEM;
        }
        t->pin[n] = pin;
        t->frame[n] = page;
        t->gfn[n] = GRANT_NO_GFN;
        t->frame_count = n + 1;
        if (t->frame_count % FRAMES_A_LOOK == 0 && t->frame_count < frames &&
            hypercall_preempt_check())
            return -XEN_ERESTART;
    }
    return 0;
}

int grant_get_frame(struct domain *d, uint64_t idx, struct page **page)
{
    struct grant_table *t = &d->grant;

    if (idx >= t->max_frames)
        return -XEN_EINVAL;
    spin_lock(&t->lock);
    int rc = grant_grow(d, (uint32_t)idx + 1);
    if (rc == 0) {
        *page = t->frame[idx];
        page_get_known(*page);
    }
    spin_unlock(&t->lock);
    return rc;
}

static bool mapped_at(struct domain *d, uint64_t gfn, const struct page *page)
{
    struct p2m_entry e;

    return gfn != GRANT_NO_GFN && p2m_lookup(d, GFN(gfn), &e) && e.pa.v == page_pa(page).v;
}

/* New place first, so that the frame is never nowhere. */
static int map_frame_at(struct domain *d, uint32_t n, uint64_t gfn)
{
    ASSERT_LOCKED(&d->grant.lock);
    struct grant_table *t = &d->grant;
    uint64_t old = t->gfn[n];

    if (gfn == old && mapped_at(d, gfn, t->frame[n]))
        return 0;
    int rc = p2m_map(d, GFN(gfn), page_pa(t->frame[n]), 1, P2M_SHARED);
    if (rc)
        return rc;
    t->gfn[n] = gfn;
    /* Fails if the guest unmapped it itself, which is harmless. */
    if (old != GRANT_NO_GFN && old != gfn)
        p2m_unmap_exact(d, GFN(old), page_pa(t->frame[n]));
    return 0;
}

int grant_map_frame(struct domain *d, uint64_t idx, uint64_t gfn, struct page **page)
{
    struct grant_table *t = &d->grant;

    if (idx >= t->max_frames || gfn >> (IPA_BITS - PAGE_SHIFT))
        return -XEN_EINVAL;
    spin_lock(&t->lock);
    int rc = grant_grow(d, (uint32_t)idx + 1);
    if (rc == 0)
        rc = map_frame_at(d, (uint32_t)idx, gfn);
    if (rc == 0 && page)
        *page = t->frame[idx];
    spin_unlock(&t->lock);
    return rc;
}

/* ---- pins ---- */

static struct grant_entry_v1 *entry(struct grant_table *t, uint32_t ref)
{
    return (struct grant_entry_v1 *)page_va(t->frame[ref / GRANT_FRAME_ENTRIES]) +
           ref % GRANT_FRAME_ENTRIES;
}

static struct grant_pin *pin_of(struct grant_table *t, uint32_t ref)
{
    return &t->pin[ref / GRANT_FRAME_ENTRIES][ref % GRANT_FRAME_ENTRIES];
}

static bool ref_valid(const struct grant_table *t, uint32_t ref)
{
    return ref / GRANT_FRAME_ENTRIES < t->frame_count;
}

/* The hypervisor wrote to the entry's frame. */
static void mark_frame(struct domain *d, uint32_t ref)
{
    ASSERT_UNLOCKED(&d->grant.lock);
    uint64_t gfn = d->grant.gfn[ref / GRANT_FRAME_ENTRIES];

    if (d->p2m.logging && gfn != GRANT_NO_GFN)
        dirty_mark(d, GFN(gfn));
}

/*
 * Show in the entry that it is in use.  Flags and domid are one word, so the check and the change
 * are one step.  If the granter keeps changing the word, the call fails after a few tries.
 */
static int16_t set_status(struct domain *d, struct grant_entry_v1 *e, const struct grant_pin *pin,
                          domid_t by, bool readonly)
{
    uint32_t *word = (uint32_t *)(void *)e;
    uint32_t old = __atomic_load_n(word, __ATOMIC_RELAXED);
    bool pinned = pin->readers || pin->writers;

    for (int tries = 0; tries < 5; tries++) {
        uint16_t flags = (uint16_t)old;
        uint32_t wanted = old | GTF_reading;

        if (!pinned && ((flags & GTF_type_mask) != GTF_permit_access || (domid_t)(old >> 16) != by))
            return GNTST_general_error;
        if (!readonly) {
            if (flags & GTF_readonly)
                return GNTST_general_error;
            wanted |= GTF_writing;
        }
        if (guest_cas32(d, word, &old, wanted))
            return GNTST_okay;
    }
    return GNTST_general_error;
}
_Static_assert(offsetof(struct grant_entry_v1, domid) == 2 &&
                   __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "flags below domid");

static void clear_status(struct domain *d, struct grant_entry_v1 *e, const struct grant_pin *pin)
{
    unsigned gone = 0;

    if (pin->writers == 0)
        gone |= GTF_writing;
    if (pin->writers == 0 && pin->readers == 0)
        gone |= GTF_reading;
    if (gone)
        guest_and16(d, &e->flags, (uint16_t)~gone);
}

/* The page that the entry names now.  A domain can only grant memory of its own. */
static struct page *named_page(struct domain *d, const struct grant_entry_v1 *e, bool readonly)
{
    return p2m_get_ram(d, __atomic_load_n(&e->frame, __ATOMIC_RELAXED), !readonly);
}

/* *wrote: the entry was changed. */
static int16_t pin_entry(struct domain *d, uint32_t ref, domid_t by, bool readonly,
                         struct page **page, bool *wrote)
{
    ASSERT_LOCKED(&d->grant.lock);
    struct grant_table *t = &d->grant;

    if (!ref_valid(t, ref))
        return GNTST_bad_gntref;
    struct grant_pin *pin = pin_of(t, ref);
    struct grant_entry_v1 *e = entry(t, ref);
    bool pinned = pin->readers || pin->writers;

    if (pinned && (pin->domid != by || pin->readers == UINT16_MAX || pin->writers == UINT16_MAX))
        return GNTST_general_error;
    if (!pinned || (!readonly && !pin->writers)) {
        int16_t rc = set_status(d, e, pin, by, readonly);
        if (rc != GNTST_okay)
            return rc;
        *wrote = true;
    }
    if (pinned) {
        page_get_known(pin->page);
    } else {
        pin->page = named_page(d, e, readonly);
        if (!pin->page) {
            clear_status(d, e, pin);
            return GNTST_bad_page;
        }
        pin->domid = by;
    }
    *page = pin->page;
    if (readonly)
        pin->readers++;
    else
        pin->writers++;
    return GNTST_okay;
}

int16_t grant_acquire(struct domain *granter, uint32_t ref, domid_t by, bool readonly,
                      struct page **page)
{
    bool wrote = false;

    spin_lock(&granter->grant.lock);
    int16_t rc = pin_entry(granter, ref, by, readonly, page, &wrote);
    spin_unlock(&granter->grant.lock);
    if (wrote)
        mark_frame(granter, ref);
    return rc;
}

void grant_release(struct domain *granter, uint32_t ref, bool readonly)
{
    struct grant_table *t = &granter->grant;

    spin_lock(&t->lock);
    struct grant_pin *pin = pin_of(t, ref);
    struct page *page = pin->page;
    bool wrote;
    if (readonly)
        pin->readers--;
    else
        pin->writers--;
    wrote = pin->writers == 0 && (!readonly || pin->readers == 0);
    if (wrote)
        clear_status(granter, entry(t, ref), pin);
    if (pin->readers == 0 && pin->writers == 0)
        pin->page = NULL;
    spin_unlock(&t->lock);
    if (wrote)
        mark_frame(granter, ref);
    page_put(page);
}

int16_t grant_swap(struct domain *d, uint32_t a, uint32_t b)
{
    struct grant_table *t = &d->grant;
    int16_t rc = GNTST_okay;

    spin_lock(&t->lock);
    if (!ref_valid(t, a) || !ref_valid(t, b)) {
        rc = GNTST_bad_gntref;
    } else if (a != b) {
        const struct grant_pin *pa = pin_of(t, a), *pb = pin_of(t, b);

        if (pa->page || pb->page) {
            rc = GNTST_eagain;
        } else {
            struct grant_entry_v1 saved = *entry(t, a);
            *entry(t, a) = *entry(t, b);
            *entry(t, b) = saved;
        }
    }
    spin_unlock(&t->lock);
    if (rc == GNTST_okay && a != b) {
        mark_frame(d, a);
        mark_frame(d, b);
    }
    return rc;
}

/* ---- life ---- */

static size_t track_bytes(const struct grant_table *t)
{
    return t->max_maptrack / GRANT_CHUNK_HANDLES * sizeof(t->track[0]);
}

int grant_init(struct domain *d, uint32_t max_frames, uint32_t max_maptrack)
{
    struct grant_table *t = &d->grant;

    if ((int32_t)max_frames < 0)
        max_frames = GRANT_FRAMES_MAX;
    if ((int32_t)max_maptrack < 0)
        max_maptrack = GRANT_MAPTRACK_FRAMES_MAX;
    if (max_frames == 0 || max_frames > GRANT_FRAMES_MAX ||
        max_maptrack > GRANT_MAPTRACK_FRAMES_MAX)
        return -XEN_EINVAL;
    *t = (struct grant_table){
        .max_frames = max_frames,
        .max_maptrack = max_maptrack * GRANT_FRAME_HANDLES,
        .track_free = ~0u,
    };
    if (max_maptrack) {
        t->track = mem_alloc(track_bytes(t));
        if (!t->track)
            return -XEN_ENOMEM;
    }
    spin_lock(&t->lock);
    int rc = grant_grow(d, 1);
    spin_unlock(&t->lock);
    if (rc)
        grant_destroy(d);
    return rc;
}

void grant_destroy(struct domain *d)
{
    struct grant_table *t = &d->grant;

    for (uint32_t i = 0; i < t->frame_count; i++) {
        page_put(t->frame[i]);
        mem_free(t->pin[i], PIN_BYTES);
    }
    for (uint32_t i = 0; i < t->track_count; i += GRANT_CHUNK_HANDLES)
        mem_free(t->track[i / GRANT_CHUNK_HANDLES], GRANT_CHUNK_HANDLES * sizeof(struct grant_map));
    if (t->track)
        mem_free(t->track, track_bytes(t));
    *t = (struct grant_table){ .track_free = ~0u };
}

void grant_dump(struct domain *d)
{
    struct grant_table *t = &d->grant;

    log_info("grant table of domain %u: %u of %u frames, %u handles\n", d->id, t->frame_count,
             t->max_frames, t->track_count);
    spin_lock(&t->lock);
    for (uint32_t ref = 0; ref < t->frame_count * GRANT_FRAME_ENTRIES; ref++) {
        const struct grant_pin *pin = pin_of(t, ref);
        const struct grant_entry_v1 *e = entry(t, ref);

        if (pin->page)
            log_info(
                "  [%5u] dom %u: %u readers, %u writers of frame %llx; entry flags %x gfn %x\n",
                ref, pin->domid, pin->readers, pin->writers,
                (unsigned long long)page_pfn(pin->page), e->flags, e->frame);
    }
    spin_unlock(&t->lock);
}

/* ---- records ---- */

void grant_get(struct domain *d, struct xlr_grant *r)
{
    struct grant_table *t = &d->grant;

    spin_lock(&t->lock);
    *r = (struct xlr_grant){ .version = 1, .frame_count = t->frame_count };
    for (uint32_t i = 0; i < XLR_GRANT_MAX_FRAMES; i++)
        r->gfn[i] = i < t->frame_count && mapped_at(d, t->gfn[i], t->frame[i]) ? t->gfn[i]
                                                                               : XLR_NOWHERE;
    spin_unlock(&t->lock);
}

int grant_check(struct domain *d, const struct xlr_grant *r)
{
    if (r->version != 1 || r->frame_count > d->grant.max_frames)
        return -XEN_EINVAL;
    for (uint32_t i = 0; i < r->frame_count; i++)
        if (r->gfn[i] != XLR_NOWHERE && r->gfn[i] >> (IPA_BITS - PAGE_SHIFT))
            return -XEN_EINVAL;
    return 0;
}

int grant_set(struct domain *d, const struct xlr_grant *r)
{
    struct grant_table *t = &d->grant;
    int rc;

    spin_lock(&t->lock);
    rc = grant_grow(d, r->frame_count);
    for (uint32_t i = 0; rc == 0 && i < r->frame_count; i++)
        if (r->gfn[i] != XLR_NOWHERE)
            rc = map_frame_at(d, i, r->gfn[i]);
    spin_unlock(&t->lock);
    return rc;
}
