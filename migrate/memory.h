/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's memory, mapped.  Frames are numbered densely as *slots* (the banks one after the other, each from a multiple of
 * MEMORY_BATCH), so that bitmaps are small; a batch of slots is consecutive frames and one mapping.  Batches are mapped when first
 * touched and stay, unless the control domain runs out of room for mappings: then the oldest goes.
 */
#ifndef MIGRATE_MEMORY_H
#define MIGRATE_MEMORY_H

#include "common.h"
#include "hyp.h"

#define MEMORY_BATCH 1024u
#define NO_SLOT UINT64_MAX

struct memory_bank { uint64_t gfn, count, slot; };
struct memory {
    struct hyp *h;
    uint32_t domid;
    bool writable;
    int bank_count;
    struct memory_bank bank[4];
    uint64_t slots;             /* a multiple of MEMORY_BATCH */
    uint64_t gfn_end;           /* beyond the last frame */
    uint64_t *populated;        /* bitmap by slot, right for the batches that were ever mapped */
    uint8_t **batch;            /* the mappings, or NULL */
    bool *known;                /* batch was mapped once: `populated` is right */
    uint64_t evict;
    uint64_t unmaps;            /* counts: pointers from before are void */
};

/* The layout only; nothing is mapped before memory_attach().  -1 with *f set. */
int memory_init(struct memory *m, struct hyp *h, uint64_t max_pages, struct failure *f);
void memory_attach(struct memory *m, uint32_t domid, bool writable);
void memory_free(struct memory *m);

uint64_t memory_slot(const struct memory *m, uint64_t gfn);     /* NO_SLOT: outside the guest */
uint64_t memory_gfn(const struct memory *m, uint64_t slot);

/* Finds the holes of a batch (or of all), mapping it.  -1 with *f set. */
int memory_scan(struct memory *m, uint64_t batch, struct failure *f);
int memory_scan_all(struct memory *m, uint64_t *populated_pages, struct failure *f);

/* Forgets every mapping and what is known of holes. */
void memory_forget(struct memory *m);

/* The mapped page; NULL with *f set if it cannot be mapped or (not `populate`) is a hole.  Good until the next call that may map. */
void *memory_page(struct memory *m, uint64_t slot, bool populate, struct failure *f);

/* Makes a populated slot a hole. */
int memory_punch(struct memory *m, uint64_t slot, struct failure *f);

/* Bitmaps. */
uint64_t *bits_new(uint64_t bits);
static inline bool bit_get(const uint64_t *map, uint64_t n) { return map[n / 64] >> (n % 64) & 1; }
static inline void bit_set(uint64_t *map, uint64_t n) { map[n / 64] |= 1ull << (n % 64); }
static inline void bit_clear(uint64_t *map, uint64_t n) { map[n / 64] &= ~(1ull << (n % 64)); }
uint64_t bits_count(const uint64_t *map, uint64_t bits);
/* The first set bit at or after `from`, or `bits`. */
uint64_t bits_next(const uint64_t *map, uint64_t bits, uint64_t from);

#endif
