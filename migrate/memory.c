/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t *bits_new(uint64_t bits)
{
    return calloc((bits + 63) / 64 + 1, sizeof(uint64_t));
}

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

int memory_init(struct memory *m, struct hyp *h, uint64_t max_pages, struct failure *f)
{
    struct xlm_run bank[4];
    memset(m, 0, sizeof *m);
    m->h = h;
    m->bank_count = hyp_layout(h, max_pages, bank);
    for (int i = 0; i < m->bank_count; i++) {
        m->bank[i] = (struct memory_bank){bank[i].gfn, bank[i].count, m->slots};
        m->slots += (bank[i].count + MEMORY_BATCH - 1) / MEMORY_BATCH * MEMORY_BATCH;
        m->gfn_end = bank[i].gfn + bank[i].count;
    }
    m->populated = bits_new(m->slots);
    m->batch = calloc(m->slots / MEMORY_BATCH + 1, sizeof *m->batch);
    m->known = calloc(m->slots / MEMORY_BATCH + 1, sizeof *m->known);
    if (m->populated && m->batch && m->known)
        return 0;
    memory_free(m);
    return fail(f, XLM_E_MEMORY, "no memory for the maps of a guest of %llu pages", (unsigned long long)max_pages);
}

void memory_attach(struct memory *m, uint32_t domid, bool writable)
{
    m->domid = domid;
    m->writable = writable;
}

static uint64_t batch_size(const struct memory *m, uint64_t batch, uint64_t *gfn)
{
    uint64_t slot = batch * MEMORY_BATCH;
    *gfn = memory_gfn(m, slot);
    for (int i = 0; i < m->bank_count; i++) {
        const struct memory_bank *b = &m->bank[i];
        if (*gfn >= b->gfn && *gfn < b->gfn + b->count) {
            uint64_t left = b->gfn + b->count - *gfn;
            return left < MEMORY_BATCH ? left : MEMORY_BATCH;
        }
    }
    return 0;
}

static void unmap(struct memory *m, uint64_t batch)
{
    uint64_t gfn;
    if (!m->batch[batch])
        return;
    hyp_unmap(m->h, m->batch[batch], batch_size(m, batch, &gfn));
    m->batch[batch] = NULL;
    m->unmaps++;
}

void memory_forget(struct memory *m)
{
    for (uint64_t b = 0; b < m->slots / MEMORY_BATCH; b++) {
        unmap(m, b);
        m->known[b] = false;
    }
    memset(m->populated, 0, (m->slots + 63) / 64 * 8);
}

void memory_free(struct memory *m)
{
    if (m->batch && m->known && m->populated)
        memory_forget(m);
    free(m->populated);
    free(m->batch);
    free(m->known);
    memset(m, 0, sizeof *m);
}

uint64_t memory_slot(const struct memory *m, uint64_t gfn)
{
    for (int i = 0; i < m->bank_count; i++)
        if (gfn >= m->bank[i].gfn && gfn - m->bank[i].gfn < m->bank[i].count)
            return m->bank[i].slot + (gfn - m->bank[i].gfn);
    return NO_SLOT;
}

uint64_t memory_gfn(const struct memory *m, uint64_t slot)
{
    int i = m->bank_count - 1;
    while (i > 0 && slot < m->bank[i].slot)
        i--;
    return m->bank[i].gfn + (slot - m->bank[i].slot);
}

/* Makes room by giving up another mapping; false if there is none. */
static bool evict_one(struct memory *m)
{
    uint64_t batches = m->slots / MEMORY_BATCH;
    for (uint64_t i = 0; i < batches; i++) {
        uint64_t b = m->evict++ % batches;
        if (m->batch[b]) {
            unmap(m, b);
            return true;
        }
    }
    return false;
}

int memory_scan(struct memory *m, uint64_t batch, struct failure *f)
{
    int error[MEMORY_BATCH] = {0};
    uint64_t gfn, count = batch_size(m, batch, &gfn);
    void *va;
    if (m->batch[batch])
        return 0;
    while (!(va = hyp_map(m->h, m->domid, m->writable, gfn, count, error)))
        if (!evict_one(m))
            return fail(f, XLM_E_MEMORY, "cannot map the guest's memory at frame %llx: %s", (unsigned long long)gfn,
                        strerror(errno));
    m->batch[batch] = va;
    m->known[batch] = true;
    for (uint64_t i = 0; i < count; i++) {
        if (error[i])
            bit_clear(m->populated, batch * MEMORY_BATCH + i);
        else
            bit_set(m->populated, batch * MEMORY_BATCH + i);
    }
    return 0;
}

int memory_scan_all(struct memory *m, uint64_t *populated_pages, struct failure *f)
{
    for (uint64_t b = 0; b < m->slots / MEMORY_BATCH; b++)
        if (!m->known[b] && memory_scan(m, b, f) < 0)
            return -1;
    *populated_pages = bits_count(m->populated, m->slots);
    return 0;
}

void *memory_page(struct memory *m, uint64_t slot, bool populate, struct failure *f)
{
    uint64_t batch = slot / MEMORY_BATCH, gfn = memory_gfn(m, slot);
    if (!m->batch[batch] && memory_scan(m, batch, f) < 0)
        return NULL;
    if (!bit_get(m->populated, slot) && populate) {
        unmap(m, batch);
        int error = hyp_populate(m->h, m->domid, gfn);
        if (error < 0)
            fail(f, XLM_E_MEMORY, "cannot give frame %llx memory: %s", (unsigned long long)gfn, strerror(-error));
        if (error < 0 || memory_scan(m, batch, f) < 0)
            return NULL;
    }
    if (!bit_get(m->populated, slot)) {
        fail(f, XLM_E_MEMORY, "frame %llx cannot be mapped", (unsigned long long)gfn);
        return NULL;
    }
    return m->batch[batch] + slot % MEMORY_BATCH * XLM_PAGE_BYTES;
}

int memory_punch(struct memory *m, uint64_t slot, struct failure *f)
{
    uint64_t gfn = memory_gfn(m, slot);
    unmap(m, slot / MEMORY_BATCH);
    int error = hyp_depopulate(m->h, m->domid, gfn);
    if (error < 0)
        return fail(f, XLM_E_MEMORY, "cannot take frame %llx: %s", (unsigned long long)gfn, strerror(-error));
    bit_clear(m->populated, slot);
    return 0;
}
