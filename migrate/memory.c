/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t *bits_new(uint64_t bits) { return calloc_many(bits / 64 + 2, sizeof(uint64_t)); }

uint64_t bits_count(const uint64_t *map, uint64_t bits)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < (bits + 63) / 64; i++)
        n += (uint64_t)__builtin_popcountll(map[i]);
    return n;
}

uint64_t bits_next(const uint64_t *map, uint64_t bits, uint64_t from)
{
    while (from < bits) {
        uint64_t word = map[from / 64] >> (from % 64);
        if (word) {
            from += (uint64_t)__builtin_ctzll(word);
            return from < bits ? from : bits;
        }
        from = (from | 63) + 1;
    }
    return bits;
}

int memory_init(struct memory *m, struct backend *backend, uint64_t max_pages, struct failure *f)
{
    struct xlm_run bank[4];
    memset(m, 0, sizeof(*m));
    m->backend = backend;
    m->bank_count = backend_layout(backend, max_pages, bank);
    for (int i = 0; i < m->bank_count; i++) {
        m->bank[i] = (struct memory_bank){ bank[i].gfn, bank[i].count, m->slots };
        m->slots += bank[i].count;
        m->gfn_end = bank[i].gfn + bank[i].count;
    }
    m->populated = bits_new(m->slots);
    return m->populated ? 0
                        : fail(f, XLM_E_MEMORY, "no memory for the maps of a guest of %llu pages",
                               (unsigned long long)max_pages);
}

void memory_attach(struct memory *m, uint32_t domid, bool writable)
{
    m->domid = domid;
    m->writable = writable;
}

void memory_free(struct memory *m)
{
    free(m->populated);
    memset(m, 0, sizeof(*m));
}

uint64_t memory_slot(const struct memory *m, uint64_t gfn)
{
    for (int i = 0; i < m->bank_count; i++)
        if (gfn >= m->bank[i].gfn && gfn - m->bank[i].gfn < m->bank[i].count)
            return m->bank[i].slot + (gfn - m->bank[i].gfn);
    return NO_SLOT;
}

static const struct memory_bank *bank_of(const struct memory *m, uint64_t slot)
{
    int i = m->bank_count - 1;
    while (i > 0 && slot < m->bank[i].slot)
        i--;
    return &m->bank[i];
}

uint64_t memory_gfn(const struct memory *m, uint64_t slot)
{
    const struct memory_bank *b = bank_of(m, slot);
    return b->gfn + (slot - b->slot);
}

static void note_frame(struct memory *m, uint64_t *zero, uint64_t slot, enum backend_frame frame)
{
    if (frame == BACKEND_HOLE)
        bit_clear(m->populated, slot);
    else
        bit_set(m->populated, slot);
    if (zero && frame == BACKEND_ZERO)
        bit_set(zero, slot);
}

int memory_scan_some(struct memory *m, uint64_t *slot, uint64_t *zero, struct failure *f)
{
    enum backend_frame frame[BACKEND_FRAMES_MAX];
    const struct memory_bank *b = bank_of(m, *slot);
    uint64_t at = *slot - b->slot, left = b->count - at;
    size_t n = left < BACKEND_FRAMES_MAX ? (size_t)left : BACKEND_FRAMES_MAX;
    int error = backend_frames(m->backend, m->domid, b->gfn + at, n, zero != NULL, frame);
    if (error < 0)
        return fail(f, XLM_E_INTERNAL, "cannot read which of the guest's frames are populated: %s",
                    strerror(-error));
    for (size_t k = 0; k < n; k++)
        note_frame(m, zero, *slot + k, frame[k]);
    *slot += n;
    return 0;
}

int memory_scan(struct memory *m, uint64_t *populated_pages, uint64_t *zero, struct failure *f)
{
    for (uint64_t slot = 0; slot < m->slots;)
        if (memory_scan_some(m, &slot, zero, f) < 0)
            return -1;
    *populated_pages = bits_count(m->populated, m->slots);
    return 0;
}

int memory_populate(struct memory *m, uint64_t slot, struct failure *f)
{
    uint64_t gfn = memory_gfn(m, slot);
    if (bit_get(m->populated, slot))
        return 0;
    int error = backend_populate(m->backend, m->domid, gfn);
    if (error < 0)
        return fail(f, XLM_E_MEMORY, "cannot populate frame %llx: %s", (unsigned long long)gfn,
                    strerror(-error));
    bit_set(m->populated, slot);
    return 0;
}

int memory_punch(struct memory *m, uint64_t slot, struct failure *f)
{
    uint64_t gfn = memory_gfn(m, slot);
    int error = backend_depopulate(m->backend, m->domid, gfn);
    if (error < 0)
        return fail(f, XLM_E_MEMORY, "cannot make a hole of frame %llx: %s",
                    (unsigned long long)gfn, strerror(-error));
    bit_clear(m->populated, slot);
    return 0;
}

int memory_map(struct memory *m, const uint64_t *slot, uint32_t count, struct memory_window *w,
               struct failure *f)
{
    uint64_t gfn[BACKEND_MAP_MAX] = { 0 };
    for (uint32_t i = 0; i < count; i++)
        gfn[i] = memory_gfn(m, slot[i]);
    w->count = count;
    w->va = backend_map(m->backend, m->domid, m->writable, gfn, count, w->error);
    if (!w->va)
        return fail(f, XLM_E_MEMORY,
                    "cannot map %u pages of the guest's memory from frame %llx on: %s", count,
                    (unsigned long long)gfn[0], strerror(errno));
    for (uint32_t i = 0; i < count; i++)
        if (w->error[i])
            bit_clear(m->populated, slot[i]);
    return 0;
}

void memory_unmap(struct memory *m, struct memory_window *w)
{
    if (w->va)
        backend_unmap(m->backend, w->va, w->count);
    w->va = NULL;
}
