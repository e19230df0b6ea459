/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMIDs with generations.  Theory of operation:
 *
 * A VMID is a TLB tag; number 0 is nobody's.  A domain's tag is `generation << 16 | VMID`, and it
 * is current while its generation is the open one, or while a CPU still has it active.  Numbers are
 * handed out once a generation, upwards, and never come back within it: a domain that wants to be
 * rid of all its TLB entries takes the next number (vmid_renew) and leaves the old entries to die.
 * When the numbers run out, a new generation opens: numbers that are active on CPUs at that moment
 * stay with their domains (so no running guest has to be stopped), everything else is flushed,
 * once, everywhere.
 *
 * active[cpu] is the tag that CPU's VTTBR carries; only that CPU sets it (vmid_enter), and opening
 * a generation clears it after noting it in reserved[cpu].  All of this is done under vmid_lock,
 * except vmid_enter's first test: "my active tag is the domain's tag".  It needs no lock: a
 * domain's tag is only ever taken away by vmid_renew, when it is active on no CPU, so not while
 * ours has it; and if a generation opens just after the test, our number is among the reserved.
 *
 * vmid_renew with a domain active on CPUs (perhaps in its guest, at this instant) must not return
 * before none of them can use an old entry.  It gives the domain its next number, tells those CPUs
 * (WORK_VMID, and a kick that ends a guest or an idle CPU's sleep), and waits until each has passed
 * guest_prepare: there vmid_enter loads the new number, after a DSB that completes what the guest
 * did through old entries, and active[] says so.  A CPU that merely was the last to run the domain
 * passes there too.  Why the wait ends is argued in sched_wait.c: only a domctl renews, it holds no
 * lock that is waited for, and a CPU that is in EL2 comes back from there. No flush, so a round of
 * the dirty log costs the TLB of the machine nothing but what the domain's own new entries
 * displace.
 *
 * While CPUs are on their way from one number to the next, the domain has entries under both:
 * whoever flushes in that time (vmid_flush_*) does it for d->vttbr and for d->vttbr_leaving.  The
 * flusher changes the table, has a full barrier, then reads vttbr, then vttbr_leaving; renewal
 * writes vttbr_leaving first and vttbr second.  So a flusher that finds the new number finds the
 * old one, too, unless all have left it; and one that finds the old number has changed the table
 * before anybody walks it under the new one.
 */
#include "arch.h"
#include "domain_types.h"
#include "hooks.h"
#include "lib.h"
#include "log.h"
#include "vmid.h"

static spinlock_t vmid_lock;
static uint64_t generation = 1;
static uint64_t active[MAX_CPUS], reserved[MAX_CPUS];
static uint32_t next_vmid = 1, vmid_limit;
static uint64_t used[65536 / 64]; /* reserved by active tags at the start of this generation */
static uint64_t flush_count, rollover_count, renew_count, move_count;

static uint64_t tag_of(uint64_t gen, uint32_t vmid) { return gen << 16 | vmid; }

void vmid_init(void)
{
    vmid_limit = 1u << arch_vmid_bits();
    generation = 1;
    next_vmid = 1;
    flush_count = rollover_count = renew_count = move_count = 0;
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
            reserved[cpu] =
                tag; /* 0: nothing entered since the last time: what was reserved then still runs */
        if (reserved[cpu])
            bit_set(used, (unsigned)(reserved[cpu] & 0xffff));
    }
    arch_tlb_flush_all_guests();
}

/* A tag from before, of a number that was active when this generation opened: bring all its copies
 * up to date. */
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
        open_generation(); /* at most MAX_CPUS numbers are reserved: the next turn finds one */
    }
}

static void assign(struct domain *d)
{
    uint64_t old = d->vmid_generation;
    if (old >> 16 == generation)
        return;
    if (old && keep_reserved(old, tag_of(generation, d->vmid))) {
        __atomic_store_n(&d->vmid_generation, tag_of(generation, d->vmid), __ATOMIC_RELAXED);
        return;
    }
    d->vmid = next_number();
    __atomic_store_n(&d->vmid_generation, tag_of(generation, d->vmid), __ATOMIC_RELAXED);
    __atomic_store_n(&d->vttbr, arch_make_vttbr(d->p2m.pt.root, (uint16_t)d->vmid),
                     __ATOMIC_RELEASE);
}

/* Apart from the way that is nearly always taken, which needs no registers saved. */
static __attribute__((noinline)) uint64_t enter_anew(struct domain *d)
{
    unsigned cpu = cpu_id();
    arch_dsb(); /* accesses made through the entries that we leave are complete */
    spin_lock(&vmid_lock);
    assign(d);
    __atomic_store_n(&active[cpu], d->vmid_generation, __ATOMIC_SEQ_CST);
    __atomic_store_n(&reserved[cpu], 0,
                     __ATOMIC_RELAXED); /* of an older entry: that one runs here no more */
    uint64_t vttbr = d->vttbr;
    spin_unlock(&vmid_lock);
    arch_dsb(); /* whoever changed the p2m and saw no VMID (p2m.c's flush) did it before our walks
                   begin */
    return vttbr;
}

uint64_t vmid_enter(struct domain *d)
{
    uint64_t vttbr = __atomic_load_n(
        &d->vttbr, __ATOMIC_ACQUIRE); /* before the tag, which renewal writes first */
    uint64_t tag = __atomic_load_n(&d->vmid_generation, __ATOMIC_ACQUIRE);
    if (likely(tag && tag == __atomic_load_n(&active[cpu_id()], __ATOMIC_RELAXED)))
        return vttbr;
    return enter_anew(d);
}

void vmid_idle(void)
{
    unsigned cpu = cpu_id();
    arch_dsb();
    spin_lock(&vmid_lock);
    __atomic_store_n(&active[cpu], 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&reserved[cpu], 0, __ATOMIC_RELAXED);
    spin_unlock(&vmid_lock);
}

static bool is_on(unsigned cpu, uint64_t tag)
{
    return __atomic_load_n(&active[cpu], __ATOMIC_ACQUIRE) == tag ||
           __atomic_load_n(&reserved[cpu], __ATOMIC_ACQUIRE) == tag;
}

/* The next number for a domain that CPUs are in.  vmid_lock held. */
static void move_on(struct domain *d)
{
    __atomic_store_n(&d->vttbr_leaving, d->vttbr, __ATOMIC_RELAXED);
    d->vmid = next_number();
    __atomic_store_n(&d->vmid_generation, tag_of(generation, d->vmid), __ATOMIC_RELEASE);
    __atomic_store_n(&d->vttbr, arch_make_vttbr(d->p2m.pt.root, (uint16_t)d->vmid),
                     __ATOMIC_RELEASE);
}

/*
 * Have the CPUs of `left` take up the new number of the domain that they are in.  We may be one of
 * them, or others may wait for us likewise: so meanwhile this CPU, which is in EL2 and translates
 * nothing, counts as having left; afterwards it takes up what is its domain's now.
 */
static void wait_until_left(uint64_t tag, uint64_t left)
{
    const struct cpu *self = this_cpu();
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        if ((left >> cpu & 1) && cpu != self->id) {
            __atomic_fetch_or(&cpus[cpu].work, WORK_VMID, __ATOMIC_RELEASE);
            arch_kick_cpu(cpu);
        }
    vmid_idle();
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        while (is_on(cpu, tag)) {
            cpu_relax_();
            vgic_serve(); /* it may itself wait for our list registers */
        }
    if (self->current)
        arch_load_vttbr(vmid_enter(self->current->domain));
}

void vmid_renew(struct domain *d)
{
    arch_dsb(); /* what the caller wrote into the tables, before we look who runs */
    spin_lock(&vmid_lock);
    uint64_t tag = d->vmid_generation, on = 0;
    for (unsigned cpu = 0; tag && cpu < MAX_CPUS; cpu++)
        on |= (uint64_t)is_on(cpu, tag) << cpu;
    renew_count++;
    if (on) {
        move_count++;
        move_on(d);
    } else {
        __atomic_store_n(&d->vmid_generation, 0, __ATOMIC_RELAXED);
        d->vmid = 0;
        __atomic_store_n(&d->vttbr, 0, __ATOMIC_RELEASE);
    }
    spin_unlock(&vmid_lock);
    if (on) {
        wait_until_left(tag, on);
        __atomic_store_n(&d->vttbr_leaving, 0, __ATOMIC_RELEASE);
    }
}

static void flush_both(struct domain *d, void (*flush)(uint64_t vttbr, ipa_t ipa), ipa_t ipa)
{
    arch_dsb();
    uint64_t vttbr = __atomic_load_n(&d->vttbr, __ATOMIC_ACQUIRE),
             leaving = __atomic_load_n(&d->vttbr_leaving, __ATOMIC_ACQUIRE);
    if (vttbr) /* 0: nothing can be cached, and who enters from now on sees the table as it is
                  (vmid_enter) */
        flush(vttbr, ipa);
    if (unlikely(leaving))
        flush(leaving, ipa);
}
static void whole(uint64_t vttbr, ipa_t ipa)
{
    (void)ipa;
    arch_tlb_flush_vmid(vttbr);
}
void vmid_flush_ipa(struct domain *d, ipa_t ipa) { flush_both(d, arch_tlb_flush_ipa, ipa); }
void vmid_flush(struct domain *d)
{
    __atomic_fetch_add(&flush_count, 1, __ATOMIC_RELAXED);
    flush_both(d, whole, IPA(0));
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
    log_info(
        "vmid: %u bits, generation %llu, next %u; %llu renewals, %llu of them of running domains; %llu generations opened by flush; %llu flushes of a "
        "number\n",
        arch_vmid_bits(), (unsigned long long)generation, next_vmid,
        (unsigned long long)renew_count, (unsigned long long)move_count,
        (unsigned long long)rollover_count, (unsigned long long)flush_count);
    for (unsigned cpu = 0; cpu < cpu_count; cpu++)
        log_info("  cpu%u: active 0x%llx, reserved 0x%llx\n", cpu, (unsigned long long)active[cpu],
                 (unsigned long long)reserved[cpu]);
    spin_unlock(&vmid_lock);
}
