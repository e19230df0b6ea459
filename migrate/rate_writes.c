/* SPDX-License-Identifier: BSD-2-Clause */
#include "rate_writes.h"

#include <stdlib.h>
#include <string.h>

/*
 * The number of pages of a bank that are plotted. xl lays the bank out for the guest's maximum
 * size, so the plot ends at the last populated page. A bank smaller than a region is not RAM but
 * the pages of console and xenstore, and is not plotted.
 */
static uint64_t extent(const struct memory *m, const struct memory_bank *b)
{
    uint64_t n = b->count;
    while (n && !bit_get(m->populated, b->slot + n - 1))
        n--;
    return b->count < RATE_WRITES_REGION_PAGES ? 0 : n;
}

static uint64_t regions_of(const struct rate_writes *w, uint64_t region_pages)
{
    uint64_t n = 0;
    for (int i = 0; i < w->memory->bank_count; i++)
        n += (w->bank_pages[i] + region_pages - 1) / region_pages;
    return n;
}

static void add_region(struct rate_writes *w, int bank, uint64_t at)
{
    const struct memory_bank *b = &w->memory->bank[bank];
    struct rate_writes_region *r = &w->region[w->region_count++];
    r->gfn = b->gfn + at;
    for (uint64_t n = at; n < at + w->region_pages && n < w->bank_pages[bank]; n++)
        r->pages += bit_get(w->memory->populated, b->slot + n);
}

static void make_regions(struct rate_writes *w)
{
    const struct memory *m = w->memory;
    for (int i = 0; i < m->bank_count; i++)
        w->bank_pages[i] = extent(m, &m->bank[i]);
    for (w->region_pages = RATE_WRITES_REGION_PAGES;
         regions_of(w, w->region_pages) > RATE_WRITES_REGIONS_MAX;)
        w->region_pages *= 2;
    for (int i = 0; i < m->bank_count; i++) {
        w->bank_region[i] = w->region_count;
        for (uint64_t at = 0; at < w->bank_pages[i]; at += w->region_pages)
            add_region(w, i, at);
    }
}

int rate_writes_init(struct rate_writes *w, const struct memory *memory, uint32_t intervals,
                     struct failure *f)
{
    memset(w, 0, sizeof(*w));
    w->memory = memory;
    w->interval = 1;
    w->last = calloc_many(memory->slots, sizeof(*w->last));
    w->pauses = calloc(intervals + 2ul, sizeof(*w->pauses));
    if (!w->last || !w->pauses) {
        rate_writes_free(w);
        return fail(f, XLM_E_MEMORY, "no memory for the record of %llu pages",
                    (unsigned long long)memory->slots);
    }
    make_regions(w);
    return 0;
}

void rate_writes_free(struct rate_writes *w)
{
    free(w->last);
    free(w->pauses);
    w->last = NULL;
    w->pauses = NULL;
}

/* NULL if the slot is not plotted, or was a hole when the measurement began. */
static struct rate_writes_region *region_of(struct rate_writes *w, uint64_t slot)
{
    const struct memory *m = w->memory;
    int i = m->bank_count - 1;
    while (i > 0 && slot < m->bank[i].slot)
        i--;
    uint64_t n = slot - m->bank[i].slot;
    return n < w->bank_pages[i] ? &w->region[w->bank_region[i] + n / w->region_pages] : NULL;
}

void rate_writes_note(struct rate_writes *w, uint64_t slot)
{
    uint32_t last = w->last[slot];
    if (last == w->interval)
        return;
    struct rate_writes_region *r = region_of(w, slot);
    w->pauses[w->interval - last - 1]++;
    w->last[slot] = w->interval;
    w->now_pages++;
    w->ever_pages += !last;
    if (r) {
        r->written += !last;
        r->writes++;
    }
}

void rate_writes_next_interval(struct rate_writes *w)
{
    w->total_pages += w->now_pages;
    if (w->now_pages > w->most_pages)
        w->most_pages = w->now_pages;
    w->now_pages = 0;
    w->interval++;
}

void rate_writes_close(struct rate_writes *w)
{
    for (uint64_t slot = 0; slot < w->memory->slots; slot++)
        if (w->last[slot])
            w->pauses[rate_writes_intervals(w) - w->last[slot]]++;
}

double rate_writes_mean(const struct rate_writes *w, uint32_t intervals)
{
    uint64_t missed = 0, windows = rate_writes_intervals(w) - intervals + 1;
    for (uint32_t length = intervals; length <= rate_writes_intervals(w); length++)
        missed += w->pauses[length] * (length - intervals + 1);
    return (double)w->ever_pages - (double)missed / (double)windows;
}
