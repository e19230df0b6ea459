/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the soak share; test_soak.c has the theory. */
#ifndef SOAK_H
#define SOAK_H

#include "bm.h"

#pragma GCC visibility push(hidden)

/* Each writer has a word of every page that it may write to, with the number of its write. */
enum { SLOT_FOREIGN = 8, SLOT_COPY, SLOT_GRANT, SOAK_SLOTS };
#define SOAK_RUNSTATE 2048u /* offset of a vCPU's runstate area, in page 16 * its number */

/* Of 16 pages the second 8 are private: page p is written by vCPU p % 8 and by nobody else. */
static inline bool soak_private(uint64_t p) { return p & 8; }

/*
 * In each mailbox: what its vCPU is to do.  `acked` follows `sequence` when all that was begun
 * before is written.  One that has `asleep` set begins nothing before it has seen the newest order;
 * vCPU 0 never sleeps, and wakes the others.
 */
struct soak_order {
    volatile uint64_t sleep, asleep, wake;
    /* Only that: writes to two pages with a pause between them; then `fought` follows `duel`. */
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
    uint64_t *copy, *bitmap, *one, *peeked; /* bitmaps of the guest's whole map */
    uint8_t *owed;                          /* of each page: OWED_* */
    uint64_t map, spare; /* where all of its data is mapped, only to be read; and single pages, for
                            a moment */
    uint64_t hole_first, hole_pages; /* pages that are not there */
    uint64_t next_pages;             /* the next harvest is to be of so many; 0: of any number */
    bool peek_valid, writer;         /* the second CPU writes to this one, too */
    uint64_t round, on_since;
};
enum { OWED_NOTHING, OWED_SOON, OWED_NOW };

struct soak_stats {
    uint64_t rounds, harvested, compared, checks, late, toggles, vlpt_toggles, holes, pauses, moves,
        guests, peeks, duels;
};
extern struct soak_stats soak_stats;
extern uint64_t soak_seed;
extern char soak_dirty_mode[4]; /* as asked for; "": not yet */
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
bool soak_log(struct soak *s, bool on); /* turn logging on (and copy everything) or off */
bool soak_check(struct soak *s); /* all stand still: the copy is the guest, and nothing is dirty */
bool soak_duels(
    struct soak *s,
    unsigned count); /* single writes against single harvests; nobody else writes; no hole */
bool soak_map(struct soak *s, uint64_t at, uint64_t page, uint64_t pages);
bool soak_unmap(uint64_t at, uint64_t pages);

/* soak_events.c: something happens to the guest, or nothing.  false: a failure, told */
bool soak_event(struct soak *s);
bool soak_acked(struct soak *s); /* a new order, known to all who write */
void soak_pattern(struct soak *s,
                  unsigned awake); /* from now on so many of its vCPUs write, by another pattern */
bool soak_weigh(struct soak *s, uint16_t weight); /* how much of the CPUs the control domain gets
                                                     beside the guests; 256: no more */

/* soak_writer.c: the second CPU writes to the guest past its map */
bool soak_writer_start(struct soak *s);
void soak_writer_hold(bool hold); /* returns when it has stopped, with nothing mapped, or goes on */
void soak_writer_rest(
    bool rest); /* nothing for a while: what it marks hides what is not marked beside it */
void soak_writer_order(uint64_t hole_first, uint64_t hole_pages);
extern uint64_t soak_writes[SOAK_SLOTS];

#pragma GCC visibility pop

#endif
