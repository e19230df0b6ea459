/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's stage 2: guest-physical to physical, with types.  p2m.c on the walker of pt.c; vlpt.c;
 * dirty.c. Callers hold no p2m lock; the functions take it.
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
 * dropped for many together, by p2m_flush_deferred.  Until then the page is still this domain's to
 * reach, and so nobody else's.
 */
int p2m_unmap_later(struct domain *d, ipa_t ipa, paddr_t pa);
/* Make an end of what p2m_unmap_later left: after a few milliseconds, and by all that maps or tears
 * down. */
void p2m_flush_deferred(struct domain *d);
bool p2m_lookup(struct domain *d, ipa_t ipa, struct p2m_entry *e); /* false: nothing there */
/*
 * The page behind an address with a reference taken; NULL if not RAM-like, or `write` and not
 * writable by right.  Marks nothing.  A caller that writes to the page marks it once, AFTER the
 * write (dirty_mark_page, or dirty_mark_ram if it is the domain's RAM): a harvest between a mark
 * and the write would clean the page too early (dirty.c).
 */
struct page *p2m_get_page(struct domain *d, ipa_t ipa, bool write, enum p2m_type *type);
/* The same for the domain's own RAM: NULL for any other type. */
struct page *p2m_get_ram(struct domain *d, uint64_t gfn, bool write);
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

#endif
