/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's stage 2: guest-physical to physical, with types.  p2m.c on the walker of pt.c; vlpt.c;
 * dirty.c. Callers hold no p2m lock; the functions take it.
 */
#ifndef XL_P2M_H
#define XL_P2M_H

#include "types.h"
#include "spinlock.h"
#include "pt.h"
#include "sched.h"
struct domain;
struct vcpu;
struct page;

enum p2m_type {
    P2M_NONE,
    P2M_RAM,     /* owner's page, reference held by the entry */
    P2M_DEVICE,  /* passed-through MMIO */
    P2M_FOREIGN, /* another domain's page (referenced); first write makes it count as external
                    writer */
    P2M_FOREIGN_RO,
    P2M_GRANT,
    P2M_GRANT_RO,        /* through the grant table: which accounts references and writers itself */
    P2M_SHARED,          /* a hypervisor's page (shared_info, grant frames): no reference */
    P2M_MMIO,            /* emulated: an invalid descriptor that carries the handler (mmio.h) */
    P2M_FOREIGN_COUNTED, /* for p2m_map only: a FOREIGN that its caller has counted as external
                            writer already */
};

#define DIRTY_REGIONS (1u << (IPA_BITS - BLOCK_SHIFT))
/*
 * One bit for each 2 MiB of guest-physical space: something in it may be dirty (not kept when the
 * hardware sets dirty state).  It lives as long as its domain: a handler that has set its W may be
 * on the way to the region's bit when logging has long been turned off.
 */
struct dirty_log {
    enum { DIRTY_OFF, DIRTY_ENABLING, DIRTY_ON, DIRTY_DISABLING } state;
    bool of_new_domain; /* ENABLING, and it has never run: what its builder wrote starts dirty */
    uint64_t cursor;    /* gfn: progress of enabling and disabling */
    uint64_t rounds;
    uint64_t *region; /* DIRTY_REGIONS bits */
    bool splitting;   /* dirty_eager.c: in the background, gfns from split_cursor on */
    uint64_t split_cursor;
};

struct p2m {
    spinlock_t lock;
    struct pt pt;
    int vlpt_slot;    /* for look-ups, by vlpt_slot(); -1: walk */
    int vlpt_window;  /* the one it has, or -1 */
    uint64_t *window; /* leaf window of vlpt_slot: index with gfn (entry.S does), vlpt_leaves()
                         gives it; NULL: walk */
    uint64_t max_gfn; /* highest mapped so far */
    bool logging, hw_dirty; /* dirty.c: new RAM leaves are logged; by DBM */
    struct dirty_log log;
    uint64_t relinquish_gfn;   /* cursor of p2m_relinquish */
    uint64_t relinquish_table; /* descriptor of the table before it, out of the map, whose leaves
                                  are being dropped; 0: none */
    unsigned relinquish_entry; /* which is next */
    unsigned gone_count;
    uint64_t *gone; /* p2m_unmap_later: leaves that TLBs may still have, some hundred at most; a
                       page, or NULL */
    struct timer gone_timer;
    uint64_t eager_count; /* of split_count, in the background */
    uint64_t split_count, merge_count, fault_count, spurious_count, table_pages;
};

/* `writable`: by right, whatever the log or a foreign mapping's state make of it now. */
struct p2m_entry {
    enum p2m_type type;
    paddr_t pa;
    uint8_t order;
    bool writable;
};

int p2m_init(struct domain *d);       /* root pages, VLPT slot */
int p2m_relinquish(struct domain *d); /* drop all entries and references; -ERESTART after a while */
void p2m_destroy(struct domain *d);   /* tables themselves; after relinquish */

/*
 * Map `pages` pages; uses 2 MiB blocks where both sides are aligned.  Replaces what was there (and
 * drops its references). P2M_RAM: takes over the caller's references.  FOREIGN*: likewise the
 * caller's references.  0, -ENOMEM (nothing changed), -EINVAL.
 */
int p2m_map(struct domain *d, ipa_t ipa, paddr_t pa, uint64_t pages, enum p2m_type type);
int p2m_unmap(struct domain *d, ipa_t ipa, uint64_t pages);
/* Unmap `ipa` only if it maps `pa`: the grant table's and remove_from_physmap's check. -ENOENT,
 * -EINVAL */
int p2m_unmap_exact(struct domain *d, ipa_t ipa, paddr_t pa);
/*
 * The same for pages of which many are unmapped in a row (other domains', by tools; own ones, by a
 * balloon): the entry is empty at once, but TLBs are flushed and the reference and external writer
 * dropped for many together, by p2m_settle.  Until then the page is still this domain's to reach,
 * and so nobody else's.
 */
int p2m_unmap_later(struct domain *d, ipa_t ipa, paddr_t pa);
/* Make an end of what p2m_unmap_later left: after a few milliseconds, and by all that maps or tears
 * down. */
void p2m_settle(struct domain *d);
bool p2m_lookup(struct domain *d, ipa_t ipa, struct p2m_entry *e); /* false: nothing there */
/*
 * The page behind an address with a reference taken; NULL if not RAM-like, or `write` and not
 * writable by right.  Marks dirty when `write`; whoever keeps writing, or writes later, marks again
 * AFTER the write (dirty_mark, dirty_mark_page): a harvest may come in between.
 */
struct page *p2m_get_page(struct domain *d, ipa_t ipa, bool write, enum p2m_type *type);
uint64_t p2m_max_gfn(const struct domain *d);
void p2m_cache_flush(struct domain *d, uint64_t gfn, uint64_t pages); /* XEN_DOMCTL_cacheflush */
void p2m_dump(struct domain *d);

/*
 * The control domain's devices, one to one (p2m_device.c).  Add a range of bytes: 0 or as p2m_map.
 * on_demand: true when it owns the page, which is mapped now: ranges too large to map up front.
 * overlaps: some range that was added lies in [start, end).
 */
int p2m_device_add(struct domain *d, uint64_t start, uint64_t end);
bool p2m_device_on_demand(struct domain *d, ipa_t ipa);
bool p2m_device_overlaps(uint64_t start, uint64_t end);

/*
 * The descriptor that decides about ipa now, and its level (3: page or empty, 2: block or empty, 1:
 * empty).  Two or three loads through the VLPT windows; no lock.  0 for an address outside the map.
 */
uint64_t p2m_leaf(struct domain *d, ipa_t ipa, unsigned *level);
static inline enum p2m_type p2m_leaf_type(uint64_t leaf)
{
    return (enum p2m_type)((leaf & PTE_SW_TYPE) >> PTE_SW_TYPE_SHIFT);
}
/* An invalid leaf that says P2M_MMIO carries 48 bits of payload for mmio.c: its handler's index and
 * generation. */
#define P2M_MMIO_PAYLOAD_BITS 48
static inline uint64_t p2m_mmio_leaf(uint64_t payload)
{
    return payload << 2 | (uint64_t)P2M_MMIO << PTE_SW_TYPE_SHIFT;
}
static inline bool p2m_leaf_is_mmio(uint64_t leaf)
{
    return !(leaf & PTE_VALID) && p2m_leaf_type(leaf) == P2M_MMIO;
}
static inline uint64_t p2m_mmio_payload(uint64_t leaf)
{
    return (leaf >> 2) & ((1ull << P2M_MMIO_PAYLOAD_BITS) - 1);
}
/* Write the payload where nothing is mapped.  0, -ENOMEM (no table: not cached, no harm), -EEXIST:
 * something is mapped there. */
int p2m_mmio_set(struct domain *d, ipa_t ipa, uint64_t payload);
void p2m_mmio_zap(
    struct domain *d); /* forget all of them: before a generation number is used again */

/* The VMID goes for good, with all TLB entries: the tables are about to be freed.  vmid.c; from
 * p2m_destroy */
void vmid_forget(struct domain *d);

/*
 * Dirty log (dirty.c).  The leaf is the record.  All 0 or -errno; -ERESTART: call again with the
 * same arguments (progress is kept in the arguments or the log).
 */
int dirty_enable(struct domain *d);    /* -EINVAL twice, -ENOMEM; -ERESTART */
int dirty_disable(struct domain *d);   /* merges blocks again; -ERESTART */
bool dirty_on(const struct domain *d); /* enabled, to the end */
/*
 * The first page of [gfn, end) in a region that may have dirty pages, or `end`; in *pages, how many
 * there are of which that can be said, up to `end`.  Logging is on.
 */
uint64_t dirty_next(const struct domain *d, uint64_t gfn, uint64_t end, uint64_t *pages);
/* Harvest [gfn, gfn+pages) into `words` (bit 0 = gfn, a multiple of 64), clearing if asked. Number
 * of dirty pages in *count. */
int dirty_harvest(struct domain *d, uint64_t gfn, uint64_t pages, uint64_t *words, bool clear,
                  uint64_t *count);
/* After the last piece of a clearing harvest: fresh VMID so that no stale writable entry survives.
 * (Writers see the cleared leaf only then: bits collected before are of this round, writes through
 * stale entries must not be lost: dirty.c argues the order.) */
void dirty_round_end(struct domain *d);
/* For CPUs with nothing else to do: split a block of a logged domain, with split=eager.  False:
 * there is none. */
bool dirty_split_idle(void);
/* A write hit a logged leaf: true when resolved.  The common case is arch's to do by itself, with
 * dirty_log.region (entry.S on arm64). */
bool dirty_fault(struct vcpu *v, ipa_t ipa);
void dirty_mark(struct domain *d,
                ipa_t ipa); /* the hypervisor (or a copy for another domain) wrote there */
void dirty_mark_page(struct page *p); /* by page: its owner's leaf, through p->gfn */
void dirty_ext_writer(struct page *p,
                      int delta); /* a writable mapping by another domain came (+1) or went (-1) */

#endif
