/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual-linear page table.  Theory of operation:
 *
 * A domain's two root pages are linked into EL2's own map as level-2 tables (2 GiB of VA).  The
 * hardware then walks the stage 2 with one level shifted: level-1 descriptors act as level-2 table
 * descriptors, level-2 table descriptors as level-3 page descriptors, so that what it reaches are
 * the level-3 tables as data: window[gfn] is the leaf.  The same root pages linked one level lower
 * (4 MiB of VA) show the level-2 tables: upper[ipa >> 21].  The entries are the live ones, there is
 * no copy to keep; linking a new table is seen at once, since an invalid descriptor is never
 * cached.
 *
 * Not everything in a stage 2 is a table.  Seen through the leaf window, an empty level-2 entry and
 * a 2 MiB block (bits 1:0 = 01, reserved at level 3) are translation faults; so the upper window is
 * read first and says which of the three it is.  An empty root entry would fault there, so the root
 * page is looked at before that, in the direct map.  A 1 GiB block would show guest memory as
 * descriptors; p2m.c never makes one.  So nothing faults, unless a merge takes a table away between
 * two loads: the caller uses accesses that may fault and falls back on the lock.
 *
 * A table that is unlinked may still be in EL2's TLB: vlpt_forget comes before it is freed, and its
 * TLBI with DSB ends when all CPUs have finished what they did through the old entry.  So an access
 * through the window touches the old table before it is freed, or faults, or sees what is there
 * now: the window needs no other protection against freed memory.
 *
 * Reach.  On 64-bit each domain has its windows in EL2's map, and they show all of its address
 * space.  On 32-bit, virtual addresses are few: each CPU has one window, for addresses below
 * 2^VLPT_IPA_BITS, in which it shows one domain at a time, by copies of that domain's root entries;
 * arch_vlpt_linked keeps the copies true.  Look-ups beyond the window walk.
 *
 * Off and on.  Each domain has its window for its life; `vlpt=` says whether look-ups take it, on
 * the command line and while domains run.  A look-up reads vlpt_slot once, and may go on through
 * the window after it was turned off: what it finds there is as true as before, and who walks holds
 * the lock against who changes the structure, not against who sets W.
 */
#include "arch.h"
#include "options.h"
#include "spinlock.h"
#include "vlpt.h"

static spinlock_t slot_lock;
static struct p2m *owner[VLPT_SLOTS];

static void direct(struct p2m *p2m)
{
    bool on = cmdline.vlpt && p2m->vlpt_window >= 0;
    __atomic_store_n(&p2m->vlpt_slot, on ? p2m->vlpt_window : -1, __ATOMIC_RELAXED);
    __atomic_store_n(&p2m->window, on ? vlpt_window((unsigned)p2m->vlpt_window) : NULL,
                     __ATOMIC_RELAXED);
}

void vlpt_attach(struct p2m *p2m)
{
    p2m->vlpt_window = -1;
    spin_lock(&slot_lock);
    for (unsigned i = 0; i < VLPT_SLOTS && p2m->vlpt_window < 0; i++)
        if (!owner[i]) {
            owner[i] = p2m;
            p2m->vlpt_window = (int)i;
            arch_vlpt_attach(i, p2m->pt.root);
        }
    direct(p2m);
    spin_unlock(&slot_lock);
}

void vlpt_detach(struct p2m *p2m)
{
    if (p2m->vlpt_window < 0)
        return;
    spin_lock(&slot_lock);
    __atomic_store_n(&p2m->window, NULL, __ATOMIC_RELAXED);
    arch_vlpt_detach((unsigned)p2m->vlpt_window);
    owner[p2m->vlpt_window] = NULL;
    p2m->vlpt_window = p2m->vlpt_slot = -1;
    spin_unlock(&slot_lock);
}

void vlpt_use(bool on)
{
    spin_lock(&slot_lock);
    cmdline.vlpt = on;
    for (unsigned i = 0; i < VLPT_SLOTS; i++)
        if (owner[i])
            direct(owner[i]);
    spin_unlock(&slot_lock);
}

bool vlpt_used(void) { return cmdline.vlpt; }

void vlpt_linked(struct p2m *p2m, uint64_t ipa, uint64_t desc)
{
    if (p2m->vlpt_window >= 0 && vlpt_reaches(ipa))
        arch_vlpt_linked((unsigned)p2m->vlpt_window, IPA(ipa), desc);
}

void vlpt_forget(struct p2m *p2m, uint64_t ipa, unsigned level)
{
    if (p2m->vlpt_window >= 0 && vlpt_reaches(ipa)) /* turned off or not: somebody may still be in
                                                       it, and its TLB entries would stay */
        arch_vlpt_forget((unsigned)p2m->vlpt_window, IPA(ipa), level);
}

uint64_t *vlpt_leaf(const struct p2m *p2m, unsigned slot, uint64_t ipa, uint64_t *desc,
                    unsigned *level)
{
    *level = 1;
    *desc = __atomic_load_n((const uint64_t *)pa_to_va(p2m->pt.root) + (ipa >> 30),
                            __ATOMIC_ACQUIRE);
    if (!(*desc & PTE_VALID))
        return NULL;
    *level = 2;
    if (!load64_may_fault(&vlpt_upper(slot)[ipa >> BLOCK_SHIFT], desc)) {
        *desc = 0; /* another CPU's new table that our walk does not see yet: as if it were empty */
        return NULL;
    }
    if ((*desc & (PTE_VALID | PTE_TABLE)) != (PTE_VALID | PTE_TABLE))
        return NULL;
    *level = 3;
    return &vlpt_window(slot)[ipa >> PAGE_SHIFT];
}
