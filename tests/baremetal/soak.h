/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of the soak; test_soak.c has the theory of operation. */
#ifndef SOAK_H
#define SOAK_H

#include "bm.h"

#pragma GCC visibility push(hidden)

/* Each writer owns one word in every page that it may write to, and stores the number of its write
 * there. */
enum { SLOT_FOREIGN = 8, SLOT_COPY, SLOT_GRANT, SOAK_SLOTS };
#define SOAK_RUNSTATE 2048u /* offset of vCPU n's runstate area in page 16 * n */

/* In each group of 16 pages the second 8 are private: page p is written by vCPU p % 8 only. */
static inline bool soak_private(uint64_t p) { return p & 8; }

/*
 * In each mailbox: the orders to its vCPU.  `acked` follows `sequence` when everything begun under
 * the previous order has been written.  A vCPU that has set `asleep` begins nothing before it has
 * read the newest order.  vCPU 0 never sleeps, and wakes the others.
 */
struct soak_order {
    volatile uint64_t sleep, asleep, wake;
    /* With `duelling` set the vCPU does nothing but this: it writes to two pages with a pause
     * between them, then sets `fought` to `duel`. */
    volatile uint64_t duelling, duel, fought, first, second, between;
    volatile uint64_t sequence, acked, stop, data_pages, base, pages, stride, delay, hole_first,
        hole_pages, written, wrong;
    struct vcpu_register_runstate_memory_area runstate;
};
static inline struct soak_order *soak_order(struct mailbox *m)
{
    return (struct soak_order *)(uintptr_t)&m->page[0];
}
static inline bool soak_in_hole(const struct soak_order *o, uint64_t p)
{
    return p - o->hole_first < o->hole_pages;
}

struct soak {
    struct guest g;
    unsigned data_pages;
    uint64_t *copy, *bitmap, *one, *peeked; /* bitmaps of the guest's whole IPA range */
    uint8_t *owed;                          /* per page: OWED_* */
    /* `map`: where all of its data is mapped, for reading only.  `spare`: for single pages, mapped
     * briefly. */
    uint64_t map, spare;
    uint64_t hole_first, hole_pages; /* pages taken out of the guest */
    uint64_t next_pages;             /* size of the next harvest; 0: any */
    bool peek_valid, writer;         /* writer: the second CPU writes to this guest too */
    uint64_t round, on_since;
};
enum { OWED_NOTHING, OWED_SOON, OWED_NOW };

struct soak_stats {
    uint64_t rounds, harvested, compared, checks, late, toggles, vlpt_toggles, holes, pauses, moves,
        guests, peeks, duels;
};
extern struct soak_stats soak_stats;
extern uint64_t soak_seed;
extern char soak_dirty_mode[4]; /* the last mode set; "": none yet */
extern bool soak_vlpt;

static inline uint64_t *soak_data(const struct soak *s, uint64_t page)
{
    return (uint64_t *)(uintptr_t)(s->map + page * PAGE);
}
static inline uint64_t soak_gfn(uint64_t page) { return GUEST_GFN + GUEST_DATA / PAGE + page; }
uint64_t soak_random(uint64_t below);
bool soak_one_in(unsigned n);
void soak_fail(const struct soak *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* test_soak.c */
bool soak_log(struct soak *s, bool on); /* turn logging on (and copy all pages) or off */
/* With all writers stopped, the copy equals the guest and no page is dirty. */
bool soak_check(struct soak *s);
/* Single writes race with single harvests.  Nobody else writes, and there is no hole. */
bool soak_duels(struct soak *s, unsigned count);
bool soak_map(struct soak *s, uint64_t at, uint64_t page, uint64_t pages);
bool soak_unmap(uint64_t at, uint64_t pages);

/* soak_events.c: a random event, or none.  Returns false after a failure, which it has reported. */
bool soak_event(struct soak *s);
bool soak_acked(struct soak *s); /* issue a new order; true when all writers have acknowledged it */
/* Choose another pattern, by which `awake` of its vCPUs write from now on. */
void soak_pattern(struct soak *s, unsigned awake);
/* The control domain's scheduler weight compared with the guests'; 256: the same. */
bool soak_weigh(struct soak *s, uint16_t weight);

/* soak_writer.c: the second CPU writes to the guest through other mappings than the guest's own. */
bool soak_writer_start(struct soak *s);
/* returns when the writer has stopped and mapped nothing, or runs again */
void soak_writer_hold(bool hold);
/* No writes for a while: the writer's marks would hide missing marks in the same region. */
void soak_writer_rest(bool rest);
void soak_writer_order(uint64_t hole_first, uint64_t hole_pages);
extern uint64_t soak_writes[SOAK_SLOTS];

#pragma GCC visibility pop

#endif
