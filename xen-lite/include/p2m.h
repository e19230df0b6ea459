/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's stage 2: guest-physical to physical addresses, with types.  p2m*.c, on top of the
 * walker in pt.c.  Callers hold no p2m lock; the functions take it.
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
    P2M_RAM,    /* the owner's page; the entry holds a reference */
    P2M_DEVICE, /* passed-through MMIO */
    /* Another domain's page, with a reference; an external writer from the first write on. */
    P2M_FOREIGN,
    P2M_FOREIGN_RO,
    P2M_GRANT,
    P2M_GRANT_RO, /* mapped by the grant table, which counts references and writers itself */
    P2M_SHARED,   /* a page of the hypervisor (shared_info, grant frames): no reference */
    P2M_MMIO,     /* emulated: an invalid descriptor that carries the handler (mmio.h) */
    /* For p2m_map only: a FOREIGN page whose caller has counted the external writer already. */
    P2M_FOREIGN_COUNTED,
};

/* `writable`: by right, whatever the log or the state of a foreign mapping allow now. */
struct p2m_entry {
    enum p2m_type type;
    paddr_t pa;
    uint8_t order;
    bool writable;
};

int p2m_init(struct domain *d); /* allocates root pages and a VLPT slot */
/* Drops all entries and references; -ERESTART from time to time. */
int p2m_relinquish(struct domain *d);
void p2m_destroy(struct domain *d); /* frees the tables; call after p2m_relinquish */

/*
 * Maps `pages` pages, as 2 MiB blocks where both sides are aligned.  Replaces existing entries and
 * drops their references.  For P2M_RAM and FOREIGN* it takes over the caller's references.  0,
 * -ENOMEM (nothing changed), -EINVAL.
 */
int p2m_map(struct domain *d, ipa_t ipa, paddr_t pa, uint64_t pages, enum p2m_type type);
int p2m_unmap(struct domain *d, ipa_t ipa, uint64_t pages);
/*
 * Unmaps `ipa` only if it maps `pa`: for the grant table and remove_from_physmap.  -ENOENT,
 * -EINVAL.
 */
int p2m_unmap_exact(struct domain *d, ipa_t ipa, paddr_t pa);
/*
 * The same for pages that are unmapped in great numbers (other domains' pages by tools, own pages
 * by a balloon).  The entry becomes empty at once.  p2m_flush_deferred later flushes TLBs and drops
 * references and external writers for many pages together.  Until then this domain may still reach
 * the page, so the page is given to no other domain.
 */
int p2m_unmap_later(struct domain *d, ipa_t ipa, paddr_t pa);
/*
 * Finishes what p2m_unmap_later has left.  Called after a few milliseconds, and by everything that
 * maps or tears down.
 */
void p2m_flush_deferred(struct domain *d);
bool p2m_lookup(struct domain *d, ipa_t ipa, struct p2m_entry *e); /* false: nothing is mapped */
/*
 * The page at an address, with a reference.  NULL if it is not RAM-like, or if `write` and not
 * writable by right.  Marks nothing.  A caller that writes to the page marks it once, AFTER the
 * write (dirty_mark_page, or dirty_mark_ram for the domain's RAM): a harvest between a mark and the
 * write would clean the page too early (dirty.c).
 */
struct page *p2m_get_page(struct domain *d, ipa_t ipa, bool write, enum p2m_type *type);
/* The same for the domain's own RAM: NULL for any other type. */
struct page *p2m_get_ram(struct domain *d, uint64_t gfn, bool write);
uint64_t p2m_max_gfn(const struct domain *d);
void p2m_cache_flush(struct domain *d, uint64_t gfn, uint64_t pages); /* XEN_DOMCTL_cacheflush */
void p2m_dump(struct domain *d);

/*
 * The control domain's devices, mapped one to one (p2m_device.c).  p2m_device_add: adds a range of
 * bytes; 0 or as p2m_map.  p2m_device_on_demand: true if the control domain owns the page, which it
 * maps then; for ranges too large to map up front.  p2m_device_overlaps: true if a range that was
 * added lies in [start, end).
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
/*
 * An invalid leaf of type P2M_MMIO carries 48 bits of payload for mmio.c: index and generation of
 * its handler.
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
 * Writes the payload if nothing is mapped there.  0; -ENOMEM: no table, so it is not cached, which
 * does no harm; -EEXIST: something is mapped.
 */
int p2m_mmio_set(struct domain *d, ipa_t ipa, uint64_t payload);
/* Erases all leaves of type P2M_MMIO, before a generation number is used again. */
void p2m_mmio_zap(struct domain *d);

#endif
