/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page-table walker (pt.h).  Theory of operation:
 *
 * A map is a tree of 4 KiB tables with 512 descriptors each.  Level 3 holds pages; levels 1 and 2
 * may hold blocks.  Exactly one entry decides about an address: the first on the way down that is
 * not a table.  The functions find the deciding entry (pt_entry), make one at the wanted level
 * (pt_entry_at), and change entries through pt_write.
 *
 * Only pt_write knows what the hardware demands of a live entry:
 * - An invalid entry is never cached in a TLB: it can simply be overwritten.
 * - A table must be complete before it is linked, so a barrier precedes the link.
 * - A valid entry may be cached by any CPU.  If only permissions or software bits change, the old
 * and the new entry may coexist, and a flush after the store is enough.
 * - Any other change of a valid entry could leave two translations of one address in a TLB, which
 * is CONSTRAINED UNPREDICTABLE (Arm ARM D8.14.1).  It takes break-before-make: make the entry
 * invalid, flush, and only then store the new one. Between break and make, an access faults.  The
 * p2m's fault handler takes the p2m lock, under which the change is made, and then finds the new
 * entry.
 */
#include "abi.h"
#include "arch.h"
#include "mm.h"
#include "pt.h"
#include <asm/cpu.h>
#include <asm/mm.h>

const struct pt_geometry pt_geometry_stage2 = {
    .input_bits = IPA_BITS, .root_level = 1, .root_pages = 2, .stage2 = true
};
_Static_assert(IPA_BITS == 12 + 9 * 3 + 1, "two root pages at level 1");

/* Bits that may change in a live translation without break-before-make. */
#define PTE_SOFTWARE (0xffull << 55) /* 55..58 software, 59..62 ignored by stage 2 leaves */
#define PTE_PERMISSION \
    (PTE_S2_R | PTE_S2_W | PTE_S2_XN_MASK | PTE_DBM) /* EL2: AP[2:1] and XN are the same bits */
/* Both names are one value: that is the assertion. */
/* NOLINTNEXTLINE(misc-redundant-expression) */
_Static_assert(PTE_EL2_RO == PTE_S2_W && PTE_EL2_XN == PTE_S2_XN,
               "permission bits of both regimes");

static unsigned index_of(uint64_t addr, unsigned level)
{
    return (unsigned)(addr >> pt_shift(level)) & 511u;
}
static bool is_table(uint64_t desc, unsigned level)
{
    return level < 3 && (desc & 3) == (PTE_VALID | PTE_TABLE);
}
static bool is_leaf(uint64_t desc, unsigned level)
{
    return (desc & PTE_VALID) && !is_table(desc, level);
}
static uint64_t leaf_kind(unsigned level) { return PTE_VALID | (level == 3 ? PTE_TABLE : 0); }
static uint64_t *table_va(uint64_t desc) { return pa_to_va(PA(desc & PTE_ADDR)); }
static uint64_t load(const uint64_t *entry) { return __atomic_load_n(entry, __ATOMIC_ACQUIRE); }

static bool range_ok(const struct pt *pt, uint64_t addr, uint64_t bytes)
{
    uint64_t limit = 1ull << pt->geo->input_bits;
    return !((addr | bytes) & ~PAGE_MASK) && addr < limit && bytes <= limit - addr;
}

/* The entry for addr at level `until`, or at a higher level if no table continues there. */
static uint64_t *entry_until(const struct pt *pt, uint64_t addr, unsigned until, unsigned *level)
{
    *level = pt->geo->root_level;
    uint64_t *entry = (uint64_t *)pa_to_va(pt->root) +
                      (addr >> pt_shift(*level)); /* the two root pages are adjacent */
    while (*level < until) {
        uint64_t desc = load(entry);
        if (!is_table(desc, *level))
            break;
        ++*level;
        entry = table_va(desc) + index_of(addr, *level);
    }
    return entry;
}

uint64_t *pt_entry(const struct pt *pt, uint64_t addr, unsigned *level)
{
    return entry_until(pt, addr, 3, level);
}

uint64_t *pt_entry_upto(const struct pt *pt, uint64_t addr, unsigned until, unsigned *level)
{
    return entry_until(pt, addr, until, level);
}

uint64_t pt_lookup(const struct pt *pt, uint64_t addr, unsigned *level)
{
    return load(pt_entry(pt, addr, level));
}

uint64_t pt_write(struct pt *pt, uint64_t addr, unsigned level, uint64_t *entry, uint64_t desc)
{
    uint64_t old = load(entry), changed = old ^ desc;
    addr &= ~(pt_span(level) - 1);
    if (is_table(desc, level))
        arch_dsb(); /* the table's content goes before the link to it */
    if (!(old & PTE_VALID)) {
        __atomic_store_n(entry, desc, __ATOMIC_RELEASE);
        return old;
    }
    bool table = is_table(old, level);
    if ((desc & PTE_VALID) && (table || (changed & ~(PTE_PERMISSION | PTE_SOFTWARE)))) {
        old = __atomic_exchange_n(entry, 0, __ATOMIC_SEQ_CST);
        pt->flush(pt, addr, level, table);
        __atomic_store_n(entry, desc, __ATOMIC_RELEASE);
        return old;
    }
    /*
     * An exchange, because hardware or a fault handler may set the dirty bit up to this moment. The
     * caller sees it in `old`.
     */
    old = __atomic_exchange_n(entry, desc, __ATOMIC_SEQ_CST);
    if ((old ^ desc) & ~PTE_SOFTWARE)
        pt->flush(pt, addr, level, table);
    return old;
}

static paddr_t table_alloc(struct pt *pt)
{
    paddr_t pa = PA(0);
    if (pt->alloc_table) {
        pa = pt->alloc_table(pt);
    } else {
        void *va = mem_alloc(PAGE_SIZE);
        if (va)
            pa = va_to_pa(va);
    }
    if (pa.v && pt->table_pages)
        ++*pt->table_pages;
    return pa;
}

static void table_free(struct pt *pt, paddr_t pa)
{
    if (pt->table_pages)
        --*pt->table_pages;
    if (pt->free_table)
        pt->free_table(pt, pa);
    else
        mem_free(pa_to_va(pa), PAGE_SIZE);
}

static void free_tree(struct pt *pt, unsigned level, uint64_t desc)
{
    uint64_t *child = table_va(desc);
    if (level + 1 < 3)
        for (unsigned i = 0; i < 512; i++)
            if (is_table(child[i], level + 1))
                free_tree(pt, level + 1, child[i]);
    table_free(pt, PA(desc & PTE_ADDR));
}

void pt_free_below(struct pt *pt, uint64_t addr, unsigned level, uint64_t old)
{
    if (!is_table(old, level))
        return;
    if (pt->table_gone)
        pt->table_gone(pt, addr & ~(pt_span(level) - 1), level + 1);
    free_tree(pt, level, old);
}

void pt_free_all(struct pt *pt)
{
    uint64_t *root = pa_to_va(pt->root);
    for (unsigned i = 0; i < 512u * pt->geo->root_pages; i++) {
        uint64_t desc = root[i];
        root[i] = 0;
        if (is_table(desc, pt->geo->root_level))
            free_tree(pt, pt->geo->root_level, desc);
    }
}

/*
 * Puts a table in the place of `entry`, which is empty or a block.  A block is split into 512
 * entries.
 */
static bool push_down(struct pt *pt, uint64_t addr, unsigned level, uint64_t *entry)
{
    uint64_t desc = load(entry);
    paddr_t table = table_alloc(pt);
    if (!table.v)
        return false;
    if (is_leaf(desc, level)) {
        uint64_t *child = pa_to_va(table);
        uint64_t part = (desc & ~(leaf_kind(level))) | leaf_kind(level + 1);
        for (unsigned i = 0; i < 512; i++)
            child[i] = part + i * pt_span(level + 1);
    }
    desc = table.v | PTE_VALID | PTE_TABLE | pt->table_bits;
    pt_write(pt, addr, level, entry, desc);
    if (level == pt->geo->root_level && pt->table_linked)
        pt->table_linked(pt, addr, desc);
    return true;
}

uint64_t *pt_entry_at(struct pt *pt, uint64_t addr, unsigned level)
{
    for (;;) {
        unsigned at;
        uint64_t *entry = entry_until(pt, addr, level, &at);
        if (at == level)
            return entry;
        if (!push_down(pt, addr, at, entry))
            return NULL;
    }
}

static unsigned best_level(uint64_t addr, uint64_t pa, uint64_t bytes, unsigned min_level)
{
    unsigned level = min_level;
    while (level < 3 && (((addr | pa) & (pt_span(level) - 1)) || bytes < pt_span(level)))
        level++;
    return level;
}

int pt_map(struct pt *pt, uint64_t addr, paddr_t pa, uint64_t bytes, uint64_t attrs,
           unsigned min_level)
{
    if (!range_ok(pt, addr, bytes) || (pa.v & ~PAGE_MASK) || min_level < 1)
        return -XEN_EINVAL;
    unsigned level;
    /* Prepare all tables and splits first; then nothing below can fail. */
    for (uint64_t done = 0; done < bytes; done += pt_span(level)) {
        level = best_level(addr + done, pa.v + done, bytes - done, min_level);
        if (!pt_entry_at(pt, addr + done, level)) {
            arch_dsb();
            return -XEN_ENOMEM;
        }
    }
    for (uint64_t done = 0; done < bytes; done += pt_span(level)) {
        level = best_level(addr + done, pa.v + done, bytes - done, min_level);
        uint64_t *entry = pt_entry_at(pt, addr + done, level);
        uint64_t old = pt_write(pt, addr + done, level, entry,
                                (pa.v + done) | attrs | leaf_kind(level));
        pt_free_below(pt, addr + done, level, old);
    }
    arch_dsb();
    return 0;
}

int pt_walk(struct pt *pt, uint64_t addr, uint64_t bytes, pt_visitor *visit, void *arg)
{
    uint64_t end = addr + bytes;
    if (!range_ok(pt, addr, bytes))
        return -XEN_EINVAL;
    while (addr < end) {
        unsigned level;
        uint64_t *entry = pt_entry(pt, addr, &level);
        uint64_t span = pt_span(level);
        unsigned left = 512 - index_of(addr, level);
        addr &= ~(span - 1);
        do { /* neighbours in the same table need no new descent */
            int stop = visit(pt, addr, level, entry, arg);
            if (stop)
                return stop;
            addr += span;
            entry++;
        } while (--left && addr < end && !is_table(load(entry), level));
    }
    return 0;
}

bool pt_merge(struct pt *pt, uint64_t addr, unsigned level)
{
    unsigned at;
    uint64_t *entry = entry_until(pt, addr, level, &at);
    uint64_t desc = load(entry);
    if (at != level || !(desc & PTE_VALID) || level < 1)
        return false;
    if (!is_table(desc, level))
        return true;
    const uint64_t *child = table_va(desc);
    uint64_t first = load(&child[0]);
    if (!is_leaf(first, level + 1) || (first & PTE_ADDR & (pt_span(level) - 1)))
        return false;
    for (unsigned i = 1; i < 512; i++)
        if (load(&child[i]) != first + i * pt_span(level + 1))
            return false;
    pt_write(pt, addr, level, entry, (first & ~leaf_kind(level + 1)) | leaf_kind(level));
    arch_dsb();
    pt_free_below(pt, addr, level, desc);
    return true;
}
