/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's memory.  Frames are numbered densely as *slots*, the banks one after the other, so that
 * bitmaps are small.
 *
 * Pages are mapped for as long as a record's worth of them is looked at, and no longer: Linux gives
 * up a page of the control domain's own for each page that it maps, so what stays mapped is missing
 * there; and what is mapped anew is what the guest has at that place now, whatever its balloon did
 * meanwhile.
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
    uint64_t gfn_end;    /* beyond the last frame */
    uint64_t *populated; /* bitmap by slot, as of the last memory_scan() and what was found since */
};

/* Some pages, mapped one behind the other. */
struct memory_window {
    uint8_t *va;
    uint32_t count;
    int error[BACKEND_MAP_MAX]; /* of each: 0, or why it is not there */
};

/* The layout only; nothing can be mapped before memory_attach().  -1 with *f set. */
int memory_init(struct memory *m, struct backend *backend, uint64_t max_pages, struct failure *f);
void memory_attach(struct memory *m, uint32_t domid, bool writable);
void memory_free(struct memory *m);

uint64_t memory_slot(const struct memory *m, uint64_t gfn); /* NO_SLOT: outside the guest */
uint64_t memory_gfn(const struct memory *m, uint64_t slot);

/* Finds out which slots have memory, and (if not NULL) which of those are all zero: bitmap by slot.
 * -1 with *f set. */
int memory_scan(struct memory *m, uint64_t *populated_pages, uint64_t *zero, struct failure *f);
/* A piece of that, from *slot on, which it moves; the end is at m->slots. */
int memory_scan_some(struct memory *m, uint64_t *slot, uint64_t *zero, struct failure *f);

/* Gives a hole memory, all zero; nothing if it has some. */
int memory_populate(struct memory *m, uint64_t slot, struct failure *f);

/* Makes a populated slot a hole. */
int memory_punch(struct memory *m, uint64_t slot, struct failure *f);

/* Maps `count` slots (BACKEND_MAP_MAX at most).  A page that is not there is marked in w->error and
 * in `populated`.  -1 with *f set. */
int memory_map(struct memory *m, const uint64_t *slot, uint32_t count, struct memory_window *w,
               struct failure *f);
void memory_unmap(struct memory *m, struct memory_window *w);

/* Bitmaps. */
uint64_t *bits_new(uint64_t bits);
static inline bool bit_get(const uint64_t *map, uint64_t n) { return map[n / 64] >> (n % 64) & 1; }
static inline void bit_set(uint64_t *map, uint64_t n) { map[n / 64] |= 1ull << (n % 64); }
static inline void bit_clear(uint64_t *map, uint64_t n) { map[n / 64] &= ~(1ull << (n % 64)); }
uint64_t bits_count(const uint64_t *map, uint64_t bits);
/* The first set bit at or after `from`, or `bits`. */
uint64_t bits_next(const uint64_t *map, uint64_t bits, uint64_t from);

#endif
