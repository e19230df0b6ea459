/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMIDs with generations.  Theory of operation:
 *
 * A VMID tags TLB entries.  Number 0 belongs to no domain.  A domain's tag is `generation << 16 |
 * VMID`.  It is valid while its generation is the current one, or while a CPU still has it active.
 * Within a generation, numbers are given out upwards and never again.  So a domain that must lose
 * all its TLB entries takes the next number (vmid_renew), and its old entries can never be used
 * again.  When the numbers run out, a new generation begins.  Numbers that are active on CPUs at
 * that moment stay with their domains, so no running guest has to be stopped.  All other entries
 * are flushed, once, on all CPUs.
 *
 * active[cpu] is the tag in that CPU's VTTBR.  Only that CPU sets it (vmid_enter).  Beginning a
 * generation copies it to reserved[cpu] and clears it.  All this happens under vmid_lock, except
 * the first test of vmid_enter: "my active tag is the domain's tag".  That test needs no lock. Only
 * vmid_renew takes a tag away from a domain, and only when the tag is active on no CPU, so not
 * while it is active on this one.  If a generation begins just after the test, this CPU's number is
 * among the reserved ones.
 *
 * vmid_renew on a domain that is active on CPUs (perhaps in its guest at this instant) must not
 * return before none of them can use an old entry.  It gives the domain its next number and tells
 * those CPUs (WORK_VMID, and a kick that ends the guest or an idle CPU's sleep).  Then it waits
 * until each of them has passed guest_prepare.  There, vmid_enter loads the new number after a DSB,
 * which completes the guest's accesses through old entries, and sets active[].  A CPU that merely
 * ran the domain last passes there as well.  sched_wait.c argues why the wait ends: only a domctl
 * renews, it holds no lock that others wait for, and a CPU in EL2 gets to guest_prepare.  Nothing
 * is flushed.  So a round of the dirty log costs the machine's TLBs only what the domain's new
 * entries displace.
 *
 * While CPUs change from one number to the next, the domain has TLB entries under both.  A flush in
 * that time (vmid_flush_*) is done for d->vttbr and for d->vttbr_leaving.  The flusher changes the
 * table, has a full barrier, then reads vttbr, then vttbr_leaving.  Renewal writes vttbr_leaving
 * first and vttbr second.  So a flusher that reads the new number also reads the old one, unless
 * all CPUs have left it.  A flusher that reads the old number has changed the table before any CPU
 * walks it under the new number.
 */
#include "arch.h"
#include "domain_types.h"
#include "hooks.h"
#include "lib.h"
#include "log.h"
#include "panic.h"
#include "vmid.h"

static spinlock_t vmid_lock;
static uint64_t generation = 1;
static uint64_t active[MAX_CPUS], reserved[MAX_CPUS];
static uint32_t next_vmid = 1, vmid_limit;
/* Numbers reserved by active tags at the start of this generation. */
static uint64_t used[65536 / 64];
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
    ASSERT_LOCKED(&vmid_lock);
    generation++;
    rollover_count++;
    next_vmid = 1;
    memset(used, 0, sizeof(used));
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        uint64_t tag = __atomic_exchange_n(&active[cpu], 0, __ATOMIC_SEQ_CST);
        /*
         * 0: this CPU has entered no domain since the last generation began, so the tag that was
         * reserved then is still active.
         */
        if (tag)
            reserved[cpu] = tag;
        if (reserved[cpu])
            bit_set(used, (unsigned)(reserved[cpu] & 0xffff));
    }
    arch_tlb_flush_all_guests();
}

/* `old` was active when this generation began: all its copies get the new generation's tag. */
static bool keep_reserved(uint64_t old, uint64_t tag)
{
    ASSERT_LOCKED(&vmid_lock);
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
    ASSERT_LOCKED(&vmid_lock);
    for (;;) {
        while (next_vmid < vmid_limit && bit_test(used, next_vmid))
            next_vmid++;
        if (next_vmid < vmid_limit)
            return next_vmid++;
        open_generation(); /* at most MAX_CPUS numbers are reserved, so the next pass finds one */
    }
}

static void assign(struct domain *d)
{
    ASSERT_LOCKED(&vmid_lock);
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

/* Separate from the usual path, which then needs no registers saved. */
static __attribute__((noinline)) uint64_t enter_anew(struct domain *d)
{
    unsigned cpu = cpu_id();
    arch_dsb(); /* completes accesses through the entries that are given up */
    spin_lock(&vmid_lock);
    assign(d);
    __atomic_store_n(&active[cpu], d->vmid_generation, __ATOMIC_SEQ_CST);
    /* Left over from an earlier switch: that tag is active here no more. */
    __atomic_store_n(&reserved[cpu], 0, __ATOMIC_RELAXED);
    uint64_t vttbr = d->vttbr;
    spin_unlock(&vmid_lock);
    /*
     * A CPU that changed the p2m and found no VMID to flush (p2m.c) did so before walks here begin.
     */
    arch_dsb();
    return vttbr;
}

uint64_t vmid_enter(struct domain *d)
{
    /* Before the tag is read: renewal writes the tag first and vttbr second. */
    uint64_t vttbr = __atomic_load_n(&d->vttbr, __ATOMIC_ACQUIRE);
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

/* The next number for a domain that CPUs are in. */
static void move_on(struct domain *d)
{
    ASSERT_LOCKED(&vmid_lock);
    __atomic_store_n(&d->vttbr_leaving, d->vttbr, __ATOMIC_RELAXED);
    d->vmid = next_number();
    __atomic_store_n(&d->vmid_generation, tag_of(generation, d->vmid), __ATOMIC_RELEASE);
    __atomic_store_n(&d->vttbr, arch_make_vttbr(d->p2m.pt.root, (uint16_t)d->vmid),
                     __ATOMIC_RELEASE);
}

/*
 * Makes the CPUs in `left` take their domain's new number, and waits for them.  This CPU may be one
 * of them, or others may wait for it in the same way.  It is in EL2 and translates nothing for the
 * guest, so it counts as having left meanwhile.  Afterwards it takes its own domain's current
 * number.
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
            vgic_serve(); /* the other CPU may itself wait for this CPU's list registers */
        }
    if (self->current)
        arch_load_vttbr(vmid_enter(self->current->domain));
}

void vmid_renew(struct domain *d)
{
    arch_dsb(); /* the caller's table writes come before the look at who runs */
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
    /*
     * 0: nothing can be cached, and a CPU that enters from now on sees the table as it is
     * (vmid_enter)
     */
    if (vttbr)
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
    log_info("vmid: %u bits, generation %llu, next %u; %llu renewals, %llu of them of running "
             "domains; %llu generations opened by flush; %llu flushes of a "
             "number\n",
             arch_vmid_bits(), (unsigned long long)generation, next_vmid,
             (unsigned long long)renew_count, (unsigned long long)move_count,
             (unsigned long long)rollover_count, (unsigned long long)flush_count);
    for (unsigned cpu = 0; cpu < cpu_count; cpu++)
        log_info("  cpu%u: active 0x%llx, reserved 0x%llx\n", cpu, (unsigned long long)active[cpu],
                 (unsigned long long)reserved[cpu]);
    spin_unlock(&vmid_lock);
}
