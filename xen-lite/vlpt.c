/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual-linear page table.  Theory of operation:
 *
 * A domain's two root pages are linked into EL2's own map as level-2 tables (2 GiB of VA).  The hardware then walks the stage 2 with
 * one level shifted: level-1 descriptors act as level-2 table descriptors, level-2 table descriptors as level-3 page
 * descriptors, so that what it reaches are the level-3 tables as data: window[gfn] is the leaf.  The same root pages linked one
 * level lower (4 MiB of VA) show the level-2 tables: upper[ipa >> 21].  The entries are the live ones, there is no copy to keep;
 * linking a new table is seen at once, since an invalid descriptor is never cached.
 *
 * Not everything in a stage 2 is a table.  Seen through the leaf window, an empty level-2 entry and a 2 MiB block (bits
 * 1:0 = 01, reserved at level 3) are translation faults; so the upper window is read first and says which of the three it
 * is.  An empty root entry would fault there, so the root page is looked at before that, in the direct map.  A 1 GiB block would show
 * guest memory as descriptors; p2m.c never makes one.  So nothing faults, unless a merge takes a table away
 * between two loads: the caller uses accesses that may fault and falls back on the lock.
 *
 * A table that is unlinked may still be in EL2's TLB: vlpt_forget comes before it is freed, and its TLBI with DSB ends when all CPUs
 * have finished what they did through the old entry.  So an access through the window touches the old table before it is
 * freed, or faults, or sees what is there now: the window needs no other protection against freed memory.
 */
#include "lib.h"
#include "domain.h"
#include "hypercall.h"
#include "vlpt.h"

static spinlock_t slot_lock;
static uint64_t slots[(VLPT_SLOTS + 63) / 64];

void vlpt_attach(struct p2m *p2m)
{
    p2m->vlpt_slot = -1;
    p2m->window = NULL;
    if (!cmdline.vlpt)
        return;
    spin_lock(&slot_lock);
    for (unsigned i = 0; i < VLPT_SLOTS && p2m->vlpt_slot < 0; i++)
        if (!bit_test(slots, i)) {
            bit_set(slots, i);
            p2m->vlpt_slot = (int)i;
            arch_vlpt_attach(i, p2m->pt.root);
            p2m->window = vlpt_window(i);
        }
    spin_unlock(&slot_lock);
}

void vlpt_detach(struct p2m *p2m)
{
    if (p2m->vlpt_slot < 0)
        return;
    spin_lock(&slot_lock);
    p2m->window = NULL;
    arch_vlpt_detach((unsigned)p2m->vlpt_slot);
    bit_clear(slots, (unsigned)p2m->vlpt_slot);
    p2m->vlpt_slot = -1;
    spin_unlock(&slot_lock);
}

void vlpt_forget(struct p2m *p2m, uint64_t ipa, unsigned level)
{
    if (p2m->vlpt_slot >= 0)
        arch_vlpt_forget((unsigned)p2m->vlpt_slot, IPA(ipa), level);
}

uint64_t *vlpt_leaf(const struct p2m *p2m, uint64_t ipa, uint64_t *desc, unsigned *level)
{
    unsigned slot = (unsigned)p2m->vlpt_slot;
    *level = 1;
    *desc = __atomic_load_n((const uint64_t *)pa_to_va(p2m->pt.root) + (ipa >> 30), __ATOMIC_ACQUIRE);
    if (!(*desc & PTE_VALID))
        return NULL;
    *level = 2;
    if (!load64_may_fault(&vlpt_upper(slot)[ipa >> BLOCK_SHIFT], desc)) {
        *desc = 0;                      /* another CPU's new table that our walk does not see yet: as if it were empty */
        return NULL;
    }
    if ((*desc & (PTE_VALID | PTE_TABLE)) != (PTE_VALID | PTE_TABLE))
        return NULL;
    *level = 3;
    return &vlpt_window(slot)[ipa >> PAGE_SHIFT];
}
