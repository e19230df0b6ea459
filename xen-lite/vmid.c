/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMIDs with generations.  Theory of operation:
 *
 * A VMID is a TLB tag; number 0 is nobody's.  A domain's tag is `generation << 16 | VMID`, and it is current while its generation is
 * the open one, or while a CPU still has it active.  Numbers are handed out once a generation, upwards, and never come back
 * within it: a domain that wants to be rid of all its TLB entries takes the next number (vmid_renew) and leaves the old
 * entries to die.  When the numbers run out, a new generation opens: numbers that are active on CPUs at that moment
 * stay with their domains (so no running guest has to be stopped), everything else is flushed, once, everywhere.
 *
 * active[cpu] is the tag that CPU's VTTBR carries; only that CPU sets it (vmid_enter), and opening a generation clears it after noting
 * it in reserved[cpu].  All of this is done under vmid_lock, except vmid_enter's first test: "my active tag is the
 * domain's tag".  It needs no lock: a domain's tag is only ever taken away by vmid_renew, when it is active on no CPU, so
 * not while ours has it; and if a generation opens just after the test, our number is among the reserved.
 *
 * vmid_renew with a domain active on a CPU (perhaps in its guest, at this instant) must not return before that CPU can use no old entry.
 * It then keeps the number and broadcasts one flush of it: TLBI ...IS with its DSB completes only when all CPUs have dropped the
 * entries and finished the accesses made through them.  That is cheaper than an interrupt to make the CPU leave its guest,
 * cannot deadlock (nobody waits for anybody), and asks nothing of the entry path.  A CPU that merely was the last to run the domain
 * counts too; it costs a flush, never correctness.
 */
#include "lib.h"
#include "domain.h"

static spinlock_t vmid_lock;
static uint64_t generation = 1;
static uint64_t active[MAX_CPUS], reserved[MAX_CPUS];
static uint32_t next_vmid = 1, vmid_limit;
static uint64_t used[65536 / 64];       /* reserved by active tags at the start of this generation */
static uint64_t flush_count, rollover_count, renew_count;

static uint64_t tag_of(uint64_t gen, uint32_t vmid) { return gen << 16 | vmid; }

void vmid_init(void)
{
    vmid_limit = 1u << arch_vmid_bits();
    generation = 1;
    next_vmid = 1;
    flush_count = rollover_count = renew_count = 0;
    memset(active, 0, sizeof(active));
    memset(reserved, 0, sizeof(reserved));
    memset(used, 0, sizeof(used));
}

static void open_generation(void)
{
    generation++;
    rollover_count++;
    next_vmid = 1;
    memset(used, 0, sizeof(used));
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        uint64_t tag = __atomic_exchange_n(&active[cpu], 0, __ATOMIC_SEQ_CST);
        if (tag)
            reserved[cpu] = tag;        /* 0: nothing entered since the last time: what was reserved then still runs */
        if (reserved[cpu])
            bit_set(used, (unsigned)(reserved[cpu] & 0xffff));
    }
    arch_tlb_flush_all_guests();
}

/* A tag from before, of a number that was active when this generation opened: bring all its copies up to date. */
static bool keep_reserved(uint64_t old, uint64_t tag)
{
    bool hit = false;
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        if (reserved[cpu] == old) {
            reserved[cpu] = tag;
            hit = true;
        }
    return hit;
}

static uint32_t next_number(void)
{
    for (;;) {
        while (next_vmid < vmid_limit && bit_test(used, next_vmid))
            next_vmid++;
        if (next_vmid < vmid_limit)
            return next_vmid++;
        open_generation();              /* at most MAX_CPUS numbers are reserved: the next turn finds one */
    }
}

static void assign(struct domain *d)
{
    uint64_t old = d->vmid_generation;
    if (old >> 16 == generation)
        return;
    if (old && keep_reserved(old, tag_of(generation, d->vmid))) {
        d->vmid_generation = tag_of(generation, d->vmid);
        return;
    }
    d->vmid = next_number();
    d->vmid_generation = tag_of(generation, d->vmid);
    __atomic_store_n(&d->vttbr, arch_make_vttbr(d->p2m.pt.root, (uint16_t)d->vmid), __ATOMIC_RELEASE);
}

uint64_t vmid_enter(struct domain *d)
{
    unsigned cpu = cpu_id();
    uint64_t tag = __atomic_load_n(&d->vmid_generation, __ATOMIC_ACQUIRE);
    if (likely(tag && tag == __atomic_load_n(&active[cpu], __ATOMIC_RELAXED)))
        return d->vttbr;
    spin_lock(&vmid_lock);
    assign(d);
    __atomic_store_n(&active[cpu], d->vmid_generation, __ATOMIC_SEQ_CST);
    reserved[cpu] = 0;                  /* of an older entry: that one runs here no more */
    uint64_t vttbr = d->vttbr;
    spin_unlock(&vmid_lock);
    arch_dsb();     /* whoever changed the p2m and saw no VMID (p2m.c's flush) did it before our walks begin */
    return vttbr;
}

void vmid_renew(struct domain *d)
{
    arch_dsb();                         /* what the caller wrote into the tables, before we look who runs */
    spin_lock(&vmid_lock);
    uint64_t tag = d->vmid_generation;
    bool running = false;
    for (unsigned cpu = 0; tag && cpu < MAX_CPUS; cpu++)
        running |= active[cpu] == tag || reserved[cpu] == tag;
    renew_count++;
    if (running) {
        flush_count++;
        arch_tlb_flush_vmid(d->vttbr);
    } else {
        d->vmid_generation = 0;
        d->vmid = 0;
        __atomic_store_n(&d->vttbr, 0, __ATOMIC_RELEASE);
    }
    spin_unlock(&vmid_lock);
}

void vmid_forget(struct domain *d)
{
    spin_lock(&vmid_lock);
    uint64_t tag = d->vmid_generation;
    for (unsigned cpu = 0; tag && cpu < MAX_CPUS; cpu++) {
        if (reserved[cpu] == tag)
            reserved[cpu] = 0;
        if (active[cpu] == tag)
            active[cpu] = 0;
    }
    if (tag)
        arch_tlb_flush_vmid(d->vttbr);
    d->vmid_generation = 0;
    d->vmid = 0;
    __atomic_store_n(&d->vttbr, 0, __ATOMIC_RELEASE);
    spin_unlock(&vmid_lock);
}

void vmid_dump(void)
{
    spin_lock(&vmid_lock);
    log_info("vmid: %u bits, generation %llu, next %u; %llu renewals, of them %llu by flush; %llu generations opened by flush\n",
             arch_vmid_bits(), (unsigned long long)generation, next_vmid, (unsigned long long)renew_count,
             (unsigned long long)flush_count, (unsigned long long)rollover_count);
    for (unsigned cpu = 0; cpu < cpu_count; cpu++)
        log_info("  cpu%u: active 0x%llx, reserved 0x%llx\n", cpu, (unsigned long long)active[cpu],
                 (unsigned long long)reserved[cpu]);
    spin_unlock(&vmid_lock);
}
