/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's stage 2: guest-physical to physical addresses, with a type per page. p2m.c and
 * p2m_map.c, on the walker of pt.c; vlpt.c has the fast look-up, dirty.c the log.  The functions
 * take the domain's p2m lock, so callers hold no p2m lock.
 */
#ifndef XL_P2M_H
#define XL_P2M_H

#include "types.h"
#include "p2m_types.h"
#include "pt.h"
struct domain;
struct vcpu;
struct page;

enum p2m_type {
    P2M_NONE,
    P2M_RAM,    /* a page of the domain; the entry holds a reference */
    P2M_DEVICE, /* MMIO of a passed-through device */
    /*
     * Another domain's page, with a reference.  The first write makes this domain an external
     * writer of the page.
     */
    P2M_FOREIGN,
    P2M_FOREIGN_RO,
    P2M_GRANT,
    P2M_GRANT_RO, /* through the grant table, which counts references and writers */
    P2M_SHARED,   /* a page of the hypervisor (shared_info, grant frames), without a reference */
    P2M_MMIO,     /* emulated: an invalid descriptor that carries the handler (mmio.h) */
    /*
     * Only an argument of p2m_map: P2M_FOREIGN, already counted as an external writer by the
     * caller.
     */
    P2M_FOREIGN_COUNTED,
};

/*
 * `writable`: the domain has the right to write, even if the log or the state of a foreign mapping
 * makes the leaf read-only now.  `order`: log2 of the pages that the leaf maps.
 */
struct p2m_entry {
    enum p2m_type type;
    paddr_t pa;
    uint8_t order;
    bool writable;
};

int p2m_init(struct domain *d); /* root pages, dirty log, VLPT slot; 0, -XEN_ENOMEM */
/*
 * Drops all entries and their references, for teardown. 0, or -XEN_ERESTART if there is more to do.
 */
int p2m_relinquish(struct domain *d);
void p2m_destroy(struct domain *d); /* frees the tables; after p2m_relinquish */

/*
 * Maps `pages` pages, in 2 MiB blocks where both addresses are aligned.  Replaces earlier entries
 * and drops their references.  For P2M_RAM and P2M_FOREIGN* it takes over the caller's references.
 * 0; -XEN_ENOMEM with nothing changed; -XEN_EINVAL.
 */
int p2m_map(struct domain *d, ipa_t ipa, paddr_t pa, uint64_t pages, enum p2m_type type);
int p2m_unmap(struct domain *d, ipa_t ipa, uint64_t pages);
/*
 * Unmaps the page at `ipa` only if the entry maps `pa`, for the grant table and
 * remove_from_physmap. 0; -XEN_ENOENT: nothing is mapped; -XEN_EINVAL: another page is mapped;
 * -XEN_ENOMEM: no table to split a block.
 */
int p2m_unmap_exact(struct domain *d, ipa_t ipa, paddr_t pa);
/*
 * Like p2m_unmap_exact, at a lower cost for a caller that unmaps many pages in a row (tools:
 * foreign pages; a balloon driver: own pages).  The entry is cleared at once.  The TLB flush and
 * the drop of the page's reference are deferred and done for many pages together by
 * p2m_flush_deferred.  Until then this domain can still reach the page, so no other domain gets it.
 */
int p2m_unmap_later(struct domain *d, ipa_t ipa, paddr_t pa);
/*
 * Completes the unmaps that p2m_unmap_later deferred.  A timer calls it after a few milliseconds,
 * and every operation that maps pages or tears the domain down calls it first.
 */
void p2m_flush_deferred(struct domain *d);
/* False: nothing is mapped and no MMIO is emulated at `ipa`. */
bool p2m_lookup(struct domain *d, ipa_t ipa, struct p2m_entry *e);
/*
 * The page behind an address, with a reference; *type, if type is not NULL, is the entry's type.
 * NULL: no page is mapped, the entry is a device, or `write` is set and the domain has no right to
 * write.
 *
 * It marks nothing in the dirty log.  A caller that writes to the page marks it once, AFTER the
 * write (dirty_mark_page, or dirty_mark_ram if it is the domain's RAM): a harvest between a mark
 * and the write would report the page as clean too early (dirty.c).
 */
struct page *p2m_get_page(struct domain *d, ipa_t ipa, bool write, enum p2m_type *type);
/* Like p2m_get_page, for the domain's own RAM only: NULL for any other type. */
struct page *p2m_get_ram(struct domain *d, uint64_t gfn, bool write);
uint64_t p2m_max_gfn(const struct domain *d);
void p2m_cache_flush(struct domain *d, uint64_t gfn, uint64_t pages); /* XEN_DOMCTL_cacheflush */
void p2m_dump(struct domain *d);

/*
 * The control domain's devices, mapped one to one (p2m_device.c).  Addresses in bytes.
 *
 * p2m_device_add enters a range; it maps a small range at once and leaves a large one to
 * p2m_device_on_demand.  Errors as p2m_map. p2m_device_on_demand maps the page or block at `ipa` if
 * it is in a large range; true: it is mapped now. p2m_device_overlaps: true if [start, end) meets a
 * range that was entered.
 */
int p2m_device_add(struct domain *d, uint64_t start, uint64_t end);
bool p2m_device_on_demand(struct domain *d, ipa_t ipa);
bool p2m_device_overlaps(uint64_t start, uint64_t end);

/*
 * The descriptor that a translation of ipa ends at, and its level: 3 is a page or empty, 2 a block
 * or empty, 1 empty.  Two or three loads through the VLPT windows, usually without a lock. 0 for an
 * address outside the map.
 */
uint64_t p2m_leaf(struct domain *d, ipa_t ipa, unsigned *level);
static inline enum p2m_type p2m_leaf_type(uint64_t leaf)
{
    return (enum p2m_type)((leaf & PTE_SW_TYPE) >> PTE_SW_TYPE_SHIFT);
}
/*
 * An invalid leaf of type P2M_MMIO has 48 bits of payload for mmio.c: the handler's index and the
 * generation.
 */
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
/*
 * Stores the payload in an empty entry. 0; -XEN_EEXIST: the entry is in use; -XEN_ENOMEM: no table,
 * so the handler is not cached and each access searches for it.
 */
int p2m_mmio_set(struct domain *d, ipa_t ipa, uint64_t payload);
/* Clears all such leaves, before a generation number is used again. */
void p2m_mmio_zap(struct domain *d);

#endif
