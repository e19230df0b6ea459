/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's memory.  The frames of a guest lie in up to four banks with large gaps between them.  A
 * *slot* numbers the frames of all banks without gaps, so that bitmaps are small.
 *
 * Pages are mapped only while one record is built or read, for two reasons.  Without
 * CONFIG_XEN_UNPOPULATED_ALLOC, Linux gives up a page of the control domain for each page that it
 * maps, so long mappings would cost the control domain memory.  And the guest's balloon may
 * exchange the page behind a frame: a new mapping always shows the present one.
 */
#ifndef MIGRATE_MEMORY_H
#define MIGRATE_MEMORY_H

#include "common.h"
#include "backend.h"

#define NO_SLOT UINT64_MAX

struct memory_bank {
    uint64_t gfn, count, slot;
};
struct memory {
    struct backend *backend;
    uint32_t domid;
    bool writable;
    int bank_count;
    struct memory_bank bank[4];
    uint64_t slots;
    uint64_t gfn_end;    /* one more than the highest frame number */
    uint64_t *populated; /* bitmap by slot; updated by memory_scan() and by failed mappings */
};

/* Pages that are mapped at consecutive addresses. */
struct memory_window {
    uint8_t *va;
    uint32_t count;
    int error[BACKEND_MAP_MAX]; /* of each page: 0, or the errno why it could not be mapped */
};

/* memory_init() computes the layout from the size; -1 with *f set on failure.  memory_attach() sets
 * the domain, before which nothing can be mapped. */
int memory_init(struct memory *m, struct backend *backend, uint64_t max_pages, struct failure *f);
void memory_attach(struct memory *m, uint32_t domid, bool writable);
void memory_free(struct memory *m);

uint64_t memory_slot(const struct memory *m,
                     uint64_t gfn); /* NO_SLOT if the frame is outside the guest */
uint64_t memory_gfn(const struct memory *m, uint64_t slot);

/*
 * Sets `populated` from what the hypervisor reports, for all slots.  If `zero` is not NULL, also
 * sets the bits of slots whose page contains only zeroes.  -1 with *f set on failure.
 */
int memory_scan(struct memory *m, uint64_t *populated_pages, uint64_t *zero, struct failure *f);
/* The same for some slots from *slot on; advances *slot.  The scan is complete at m->slots. */
int memory_scan_some(struct memory *m, uint64_t *slot, uint64_t *zero, struct failure *f);

/* Gives memory to a slot that is a hole; the page contains only zeroes.  Does nothing if the slot
 * is populated.  -1 with *f set on failure. */
int memory_populate(struct memory *m, uint64_t slot, struct failure *f);

/* Makes a hole of a populated slot.  -1 with *f set on failure. */
int memory_punch(struct memory *m, uint64_t slot, struct failure *f);

/* Maps `count` slots, at most BACKEND_MAP_MAX.  A slot that turns out to be a hole gets w->error
 * set and its bit in `populated` cleared.  -1 with *f set if nothing could be mapped. */
int memory_map(struct memory *m, const uint64_t *slot, uint32_t count, struct memory_window *w,
               struct failure *f);
void memory_unmap(struct memory *m, struct memory_window *w);

/* Bitmaps.  bits_new() returns a cleared one from calloc(), or NULL. */
uint64_t *bits_new(uint64_t bits);
static inline bool bit_get(const uint64_t *map, uint64_t n) { return map[n / 64] >> (n % 64) & 1; }
static inline void bit_set(uint64_t *map, uint64_t n) { map[n / 64] |= 1ull << (n % 64); }
static inline void bit_clear(uint64_t *map, uint64_t n) { map[n / 64] &= ~(1ull << (n % 64)); }
uint64_t bits_count(const uint64_t *map, uint64_t bits);
/* The first set bit at or after `from`, or `bits`. */
uint64_t bits_next(const uint64_t *map, uint64_t bits, uint64_t from);

#endif
