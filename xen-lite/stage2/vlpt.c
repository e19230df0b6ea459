/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual-linear page table (VLPT).  Theory of operation:
 *
 * A domain's two root pages are linked into EL2's own map as if they were level-2 tables (2 GiB of
 * VA).  The hardware then walks the guest's stage 2 one level lower than it was built: level-1
 * descriptors act as level-2 table descriptors, and level-2 table descriptors act as level-3 page
 * descriptors.  So this range of VA, the leaf window, shows the guest's level-3 tables as data:
 * window[gfn] is the leaf.  The same root pages linked one level lower (4 MiB of VA) form the upper
 * window, which shows the level-2 tables: upper[ipa >> 21].  The windows show the live entries;
 * there is no copy to update.  A newly linked table is visible at once, because an invalid
 * descriptor is never cached.
 *
 * A level-2 entry of stage 2 need not be a table.  An empty entry and a 2 MiB block (bits 1:0 = 01,
 * reserved at level 3) give a translation fault in the leaf window.  So a look-up reads the upper
 * window first, which tells table, block and empty entry apart.  An empty root entry would fault
 * there, so the look-up reads the root page even before that, through the direct map.  A 1 GiB
 * block would show guest memory as descriptors; p2m.c never makes one.  So no look-up faults,
 * except if a merge removes a table between two of its loads.  Look-ups therefore use loads that
 * may fault, and fall back to a walk under the lock.
 *
 * A table that was unlinked may still be in EL2's TLB.  vlpt_forget comes before the table is
 * freed.  Its TLBI and DSB complete when all CPUs have finished their accesses through the old
 * entry.  So an access through the window touches the old table before it is freed, or faults, or
 * sees the new state.  The window needs no other protection against freed memory.
 *
 * Reach.  On 64-bit each domain has its own windows in EL2's map, which cover its whole address
 * space.  On 32-bit virtual addresses are scarce.  Each CPU has one window, for addresses below
 * 2^VLPT_IPA_BITS.  It shows one domain at a time, by copies of that domain's root entries;
 * arch_vlpt_linked updates the copies.  Look-ups beyond the window walk the tables.
 *
 * Switching off and on.  Each domain has its window for its whole life.  The option `vlpt=`, on the
 * command line and at run time, decides whether look-ups use it.  A look-up reads vlpt_slot once
 * and may continue through the window after the option was switched off: what it finds is still
 * true.  A look-up that walks takes the lock against changes of the structure, not against CPUs
 * that set W.
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
    /*
     * Even if it is switched off: a look-up may still be using it, and its TLB entries would stay.
     */
    if (p2m->vlpt_window >= 0 && vlpt_reaches(ipa))
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
        /*
         * A table that another CPU has just linked and this walk does not see yet: taken as empty.
         */
        *desc = 0;
        return NULL;
    }
    if ((*desc & (PTE_VALID | PTE_TABLE)) != (PTE_VALID | PTE_TABLE))
        return NULL;
    *level = 3;
    return &vlpt_window(slot)[ipa >> PAGE_SHIFT];
}
