/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake architecture: see README and fake.h. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <threads.h>
#include <unistd.h>

#include <xen/xen.h>
#include "domain.h"
#include "hypercall.h"
#include "pt.h"
#include "fake.h"
#include <asm/atomic.h>

#define WEAK __attribute__((weak))

_Thread_local unsigned fake_cpu;
uint64_t counter_hz = 62500000, fake_counter, fake_counter_step = 1;
uint64_t fake_timer_deadline[MAX_CPUS], fake_loaded_vttbr[MAX_CPUS];
void (*fake_on_wfi)(void);
bool fake_irq_pending;
unsigned fake_kicks[MAX_CPUS], fake_vmid_bits = 8, fake_vlpt_forgets;
void (*fake_on_kick)(unsigned cpu);
int (*fake_gva_to_ipa)(gva_t va, bool write, ipa_t *ipa);
struct fake_vtimer fake_vtimer[MAX_CPUS];
bool fake_hw_dirty;
unsigned fake_flush_ipa_count, fake_flush_vmid_count, fake_flush_all_count;
unsigned long fake_cleaned_bytes;
uint8_t *fake_directmap;
uint64_t fake_ram_bytes, fake_direct_bytes;
unsigned fake_moments, fake_lasting;
unsigned long fake_moment_count;
static uint8_t *all_ram; /* another map of it, when the direct map does not have all */
static int ram_fd = -1;

static void die(const char *why, uint64_t a, uint64_t b)
{
    fprintf(stderr, "fake machine: %s (%llx, %llx)\n", why, (unsigned long long)a,
            (unsigned long long)b);
    abort();
}

/* ---- time, CPUs ---- */
WEAK uint64_t counter(void)
{
    return __atomic_add_fetch(&fake_counter, fake_counter_step, __ATOMIC_SEQ_CST);
}
WEAK void arch_timer_set(uint64_t deadline) { fake_timer_deadline[fake_cpu] = deadline; }
WEAK void arch_wfi(void)
{
    if (fake_on_wfi)
        fake_on_wfi();
    else
        thrd_yield();
}
WEAK void arch_kick_cpu(unsigned cpu)
{
    __atomic_add_fetch(&fake_kicks[cpu], 1, __ATOMIC_SEQ_CST);
    if (fake_on_kick)
        fake_on_kick(cpu);
}
WEAK int arch_cpu_on(unsigned cpu, uint64_t mpidr)
{
    (void)cpu;
    (void)mpidr;
    return 0;
}
WEAK void arch_reboot(void)
{
    die("reboot", 0, 0);
    abort();
}
WEAK void arch_poweroff(void)
{
    die("power off", 0, 0);
    abort();
}
WEAK void arch_halt(void)
{
    die("halt", 0, 0);
    abort();
}
WEAK void arch_backtrace(void) {}
void fake_cpu_set(unsigned cpu) { fake_cpu = cpu; }
WEAK uint32_t spin_self(void) { return fake_cpu + 1; }

/* ---- memory ---- */
WEAK void *pa_to_va(paddr_t pa)
{
    if (!pa_in_direct_map(pa))
        die("pa_to_va: not in the direct map", pa.v, 0);
    return fake_directmap + (pa.v - FAKE_RAM);
}
WEAK paddr_t va_to_pa(const void *va)
{
    uint64_t offset = (uint64_t)((const uint8_t *)va - fake_directmap);
    if (offset >= fake_direct_bytes)
        die("va_to_pa: not of the direct map", (uint64_t)(uintptr_t)va, 0);
    return PA(FAKE_RAM + offset);
}
void *fake_ram(paddr_t pa)
{
    if (pa.v - FAKE_RAM >= fake_ram_bytes)
        die("not RAM", pa.v, 0);
    return (all_ram ? all_ram : fake_directmap) + (pa.v - FAKE_RAM);
}

static uint8_t *reserve(size_t bytes)
{
    void *m = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m == MAP_FAILED)
        die("mmap of addresses", bytes, 0);
    return m;
}

static void map_ram(void *at, paddr_t pa, uint64_t bytes)
{
    if (mmap(at, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, ram_fd,
             (off_t)(pa.v - FAKE_RAM)) != at)
        die("mmap of RAM", pa.v, bytes);
}

static void map_nothing(void *at, uint64_t bytes)
{
    if (mmap(at, (size_t)bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
             -1, 0) != at)
        die("mmap of a hole", (uintptr_t)at, bytes);
}

/* Places: those of each CPU for a moment, then those for long. */
#define PLACES (MAX_CPUS * FAKE_MOMENTS + FAKE_LASTING)
static uint8_t *places;
static bool place_used[PLACES];
static spinlock_t places_lock;

void fake_small_direct_map(uint64_t bytes)
{
    fake_direct_bytes = bytes;
    all_ram = reserve((size_t)fake_ram_bytes);
    map_ram(all_ram, PA(FAKE_RAM), fake_ram_bytes);
    map_nothing(fake_directmap + bytes, fake_ram_bytes - bytes);
    if (!places)
        places = reserve(PLACES * PAGE_SIZE);
}

static void *use_place(unsigned first, unsigned count, paddr_t pa)
{
    if (pa_in_direct_map(pa) || pa.v - FAKE_RAM >= fake_ram_bytes)
        die("a map of what needs none, or is no RAM", pa.v, 0);
    spin_lock(&places_lock);
    unsigned n = first;
    while (n < first + count && place_used[n])
        n++;
    if (n < first + count)
        place_used[n] = true;
    spin_unlock(&places_lock);
    if (n == first + count)
        return NULL;
    map_ram(places + n * PAGE_SIZE, pa, PAGE_SIZE);
    return places + n * PAGE_SIZE;
}

static void leave_place(unsigned first, unsigned count, const void *va, bool last)
{
    uint64_t n = (uint64_t)((uintptr_t)va - (uintptr_t)places) / PAGE_SIZE;
    if (n < first || n >= first + count || !place_used[n])
        die("not mapped there", (uintptr_t)va, n);
    if (last && n + 1 < first + count && place_used[n + 1])
        die("not the last that was mapped", (uintptr_t)va, n);
    map_nothing(places + n * PAGE_SIZE, PAGE_SIZE);
    place_used[n] = false;
}

WEAK void *arch_map_page(paddr_t pa)
{
    void *va = use_place(fake_cpu * FAKE_MOMENTS, FAKE_MOMENTS, pa);
    if (!va)
        die("too many pages mapped for a moment", pa.v, 0);
    __atomic_add_fetch(&fake_moments, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&fake_moment_count, 1, __ATOMIC_RELAXED);
    return va;
}
WEAK void arch_unmap_page(const void *va)
{
    leave_place(fake_cpu * FAKE_MOMENTS, FAKE_MOMENTS, va, true);
    __atomic_sub_fetch(&fake_moments, 1, __ATOMIC_RELAXED);
}
WEAK void *arch_map_lasting(paddr_t pa)
{
    void *va = use_place(MAX_CPUS * FAKE_MOMENTS, FAKE_LASTING, pa);
    __atomic_add_fetch(&fake_lasting, va != NULL, __ATOMIC_RELAXED);
    return va;
}
WEAK void arch_unmap_lasting(const void *va)
{
    leave_place(MAX_CPUS * FAKE_MOMENTS, FAKE_LASTING, va, false);
    __atomic_sub_fetch(&fake_lasting, 1, __ATOMIC_RELAXED);
}
WEAK void *arch_map_device(paddr_t pa, uint64_t bytes)
{
    (void)pa;
    return calloc(1, (size_t)bytes);
}
WEAK void arch_map_ram(paddr_t pa, uint64_t bytes)
{
    (void)pa;
    (void)bytes;
}
WEAK void arch_dcache_clean(const void *va, size_t bytes)
{
    (void)va;
    __atomic_add_fetch(&fake_cleaned_bytes, bytes, __ATOMIC_RELAXED);
}
WEAK void arch_dcache_clean_invalidate(const void *va, size_t bytes)
{
    arch_dcache_clean(va, bytes);
}
WEAK void arch_clear_pages(void *va, size_t pages, bool clean)
{
    memset(va, 0, pages * PAGE_SIZE);
    if (clean)
        arch_dcache_clean(va, pages * PAGE_SIZE);
}
WEAK void arch_icache_invalidate_all(void) {}
WEAK unsigned arch_pa_bits(void) { return 40; }

/* ---- VLPT windows: what EL2's own walk would find, mapped on the first access, kept until flushed
 * ---- */
#define WINDOWS_BYTES                                                 \
    (sizeof(void *) == 8 ? VLPT_SLOTS * ((2ull << 30) + (4ull << 20)) \
                         : MAX_CPUS * VLPT_SLOTS * FAKE_WINDOW_STRIDE)
#define COPIES 16u /* root entries of the first 16 GiB */
bool fake_one_window = sizeof(void *) == 4;
unsigned fake_vlpt_shows;
static uint8_t *windows;
static paddr_t slot_root[VLPT_SLOTS];
static int shown[MAX_CPUS]; /* one window: of which slot, or -1 */
static uint64_t copied[MAX_CPUS][COPIES];
static spinlock_t show_lock; /* both */
static _Thread_local sigjmp_buf may_fault_jmp;
static _Thread_local volatile bool may_fault;

static uint64_t place_of(unsigned cpu, unsigned slot)
{
    return (fake_one_window ? cpu * VLPT_SLOTS + slot : slot) * FAKE_WINDOW_STRIDE;
}

static uint64_t root_entry(paddr_t root, uint64_t index)
{
    return __atomic_load_n((const uint64_t *)pa_to_va(root) + index,
                           __ATOMIC_SEQ_CST); /* two root pages are adjacent */
}

/* The page that EL2 would reach at `offset` in the slot's windows; PA(0): a translation fault. */
static paddr_t window_walk(paddr_t root, uint64_t offset)
{
    bool upper = offset >= FAKE_WINDOW_BYTES;
    if (upper)
        offset -= FAKE_WINDOW_BYTES;
    const uint64_t need = PTE_AF | PTE_SH_INNER | PTE_EL2_AP1 | PTE_EL2_XN;
    uint64_t index = upper ? offset >> 12 : offset >> 21;
    uint64_t desc = fake_one_window ? __atomic_load_n(&copied[fake_cpu][index], __ATOMIC_SEQ_CST)
                                    : root_entry(root, index);
    if (upper) {
        if ((desc & 3) != 3)
            return PA(0);
    } else {
        if ((desc & 3) == 1)
            die("1 GiB block seen through a window", offset, desc);
        if ((desc & 3) != 3)
            return PA(0);
        if (desc & (0x1full << 59))
            die("table descriptor restricts what is below", offset, desc);
        desc = ((const uint64_t *)pa_to_va(PA(desc & PTE_ADDR)))[(offset >> 12) & 511];
        if ((desc & 3) != 3)
            return PA(0);
    }
    if ((desc & need) != need || (desc & (PTE_EL2_RO | (7ull << 2))))
        die("table descriptor is no valid EL2 page", offset, desc);
    return PA(desc & PTE_ADDR);
}

static void on_segv(int sig, siginfo_t *info, void *context)
{
    (void)context;
    uint64_t offset = (uint64_t)((uintptr_t)info->si_addr - (uintptr_t)windows);
    if (windows && offset < WINDOWS_BYTES) {
        uint64_t in = offset % FAKE_WINDOW_STRIDE, place = offset / FAKE_WINDOW_STRIDE;
        unsigned slot = (unsigned)place % VLPT_SLOTS;
        if (fake_one_window && (place / VLPT_SLOTS != fake_cpu || (int)slot != shown[fake_cpu]))
            die("an access through a window that this CPU does not show", place / VLPT_SLOTS, slot);
        paddr_t pa = slot_root[slot].v ? window_walk(slot_root[slot], in) : PA(0);
        if (pa.v) {
            map_ram(windows + (offset & PAGE_MASK), pa, PAGE_SIZE);
            return;
        }
    }
    if (may_fault)
        siglongjmp(may_fault_jmp, 1);
    static const char text[] = "fake machine: a fault at EL2\n";
    if (write(2, text, sizeof(text) - 1) < 0)
        _exit(3);
    signal(sig, SIG_DFL);
}

static void window_drop(uint64_t offset, uint64_t bytes) { map_nothing(windows + offset, bytes); }

uint8_t *fake_window(unsigned slot)
{
    if (fake_one_window && shown[fake_cpu] != (int)slot) {
        if (shown[fake_cpu] >= 0)
            window_drop(place_of(fake_cpu, (unsigned)shown[fake_cpu]), FAKE_WINDOW_STRIDE);
        fake_vlpt_shows++;
        spin_lock(&show_lock);
        shown[fake_cpu] = (int)slot;
        for (unsigned i = 0; i < COPIES; i++)
            __atomic_store_n(&copied[fake_cpu][i], root_entry(slot_root[slot], i),
                             __ATOMIC_SEQ_CST);
        spin_unlock(&show_lock);
    }
    return windows + place_of(fake_cpu, slot);
}

WEAK void arch_vlpt_attach(unsigned slot, paddr_t root) { slot_root[slot] = root; }
WEAK void arch_vlpt_detach(unsigned slot)
{
    for (unsigned cpu = 0; cpu < (fake_one_window ? cpu_count : 1); cpu++) {
        if (shown[cpu] == (int)slot)
            shown[cpu] = -1;
        window_drop(place_of(cpu, slot), FAKE_WINDOW_STRIDE);
    }
    slot_root[slot] = PA(0);
}
WEAK void arch_vlpt_linked(unsigned slot, ipa_t ipa, uint64_t desc)
{
    spin_lock(&show_lock);
    for (unsigned cpu = 0; cpu < cpu_count; cpu++)
        if (shown[cpu] == (int)slot)
            __atomic_store_n(&copied[cpu][ipa.v >> 30], desc, __ATOMIC_SEQ_CST);
    spin_unlock(&show_lock);
}
WEAK void arch_vlpt_forget(unsigned slot, ipa_t ipa, unsigned level)
{
    fake_vlpt_forgets++;
    if (level < 3)
        arch_vlpt_linked(slot, ipa, 0);
    for (unsigned cpu = 0; cpu < (fake_one_window ? cpu_count : 1); cpu++) {
        uint64_t base = place_of(cpu, slot);
        if (level == 3) {
            window_drop(base + (ipa.v >> 21 << 12), PAGE_SIZE);
        } else {
            window_drop(base + (ipa.v >> 30 << 21), BLOCK_SIZE);
            window_drop(base + FAKE_WINDOW_BYTES + (ipa.v >> 30 << 12), PAGE_SIZE);
        }
    }
}

WEAK bool load64_may_fault(const uint64_t *p, uint64_t *out)
{
    if (sigsetjmp(may_fault_jmp, 0)) {
        may_fault = false;
        return false;
    }
    may_fault = true;
    uint64_t value = __atomic_load_n(p, __ATOMIC_RELAXED);
    may_fault = false;
    *out = value;
    return true;
}
WEAK int cas64_may_fault(uint64_t *p, uint64_t *expect, uint64_t wanted)
{
    volatile uint64_t desired = wanted; /* in memory, where longjmp leaves it */
    if (sigsetjmp(may_fault_jmp, 0)) {
        may_fault = false;
        return -1;
    }
    may_fault = true;
    uint64_t found = *expect;
    bool done = __atomic_compare_exchange_n(p, &found, desired, false, __ATOMIC_SEQ_CST,
                                            __ATOMIC_SEQ_CST);
    may_fault = false;
    if (!done)
        *expect = found;
    return done;
}

/* ---- stage-2 TLB ---- */
struct tlb_entry {
    struct tlb_entry *next;
    uint64_t tag; /* vmid << 48 | ipa >> shift of level */
    uint64_t desc, ipa;
    unsigned level;
    uint16_t vmid;
    paddr_t root;
};
#define TLB_BUCKETS 4096u
static struct tlb_entry *tlb[TLB_BUCKETS];
static mtx_t tlb_lock;

static uint16_t vttbr_vmid(uint64_t vttbr) { return (uint16_t)(vttbr >> 48); }
static paddr_t vttbr_root(uint64_t vttbr) { return PA(vttbr & PTE_ADDR); }
static unsigned shift_of(unsigned level) { return level == 3 ? 12 : level == 2 ? 21 : 30; }
static struct tlb_entry **bucket(uint64_t tag, unsigned level)
{
    return &tlb[((tag ^ (tag >> 13) ^ (tag >> 40)) * 2654435761u + level) % TLB_BUCKETS];
}
static struct tlb_entry **tlb_find(uint16_t vmid, ipa_t ipa, unsigned level)
{
    uint64_t tag = (uint64_t)vmid << 48 | ipa.v >> shift_of(level);
    struct tlb_entry **at = bucket(tag, level);
    while (*at && ((*at)->tag != tag || (*at)->level != level))
        at = &(*at)->next;
    return at;
}

static uint64_t *walk(paddr_t root, ipa_t ipa, unsigned *level)
{
    uint64_t *e = (uint64_t *)pa_to_va(root) + (ipa.v >> 30);
    for (*level = 1;; ++*level) {
        uint64_t desc = __atomic_load_n(e, __ATOMIC_SEQ_CST);
        if ((desc & 3) != 3 || *level == 3)
            return e;
        e = (uint64_t *)pa_to_va(PA(desc & PTE_ADDR)) + ((ipa.v >> shift_of(*level + 1)) & 511);
    }
}

/*
 * The VTTBR that each CPU used last, for each of a few tables. No CPU uses a VMID that all have
 * exchanged for another one of the same table, until a flush makes it free again; a late flush may
 * still find its entries.
 */
#define LAST_TABLES 8u
static uint64_t last_vttbr[MAX_CPUS][LAST_TABLES];
static void note_vttbr(uint64_t vttbr)
{
    uint64_t *last = last_vttbr[fake_cpu], *at = last;
    while (at < last + LAST_TABLES - 1 && *at && vttbr_root(*at).v != vttbr_root(vttbr).v)
        at++;
    *at = vttbr;
}
static bool is_used(uint16_t vmid, paddr_t root)
{
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        for (unsigned i = 0; i < LAST_TABLES; i++)
            if (vttbr_vmid(last_vttbr[cpu][i]) == vmid &&
                vttbr_root(last_vttbr[cpu][i]).v == root.v)
                return true;
    return false;
}

/* A stale entry about to go: what the table says now, if anything, must be the same translation. */
static void check_bbm(const struct tlb_entry *t)
{
    unsigned level;
    if (!is_used(t->vmid, t->root))
        return;
    uint64_t now = *walk(t->root, IPA(t->ipa), &level);
    if (!(now & 1))
        return;
    uint64_t same = PTE_ADDR | (0xfull << 2) | PTE_SH_INNER;
    if (level != t->level || ((now ^ t->desc) & same))
        die("break-before-make: a live translation was replaced by another", t->ipa, now);
}
static void tlb_remove(struct tlb_entry **at)
{
    struct tlb_entry *t = *at;
    check_bbm(t);
    *at = t->next;
    free(t);
}
static void tlb_drop_vmid(int vmid)
{
    for (unsigned b = 0; b < TLB_BUCKETS; b++)
        for (struct tlb_entry **at = &tlb[b]; *at;) {
            if (vmid < 0 || (*at)->vmid == vmid)
                tlb_remove(at);
            else
                at = &(*at)->next;
        }
}
static void tlb_forget_all(void) /* a new machine: nothing to check */
{
    memset(last_vttbr, 0, sizeof(last_vttbr));
    for (unsigned b = 0; b < TLB_BUCKETS; b++)
        while (tlb[b]) {
            struct tlb_entry *t = tlb[b];
            tlb[b] = t->next;
            free(t);
        }
}

static enum fake_fault access_entry(struct tlb_entry *t, ipa_t ipa, bool write, paddr_t *pa)
{
    if (write && !(t->desc & PTE_S2_W)) {
        if (!fake_hw_dirty || !(t->desc & PTE_DBM))
            return FAKE_PERMISSION;
        unsigned level;
        uint64_t *e = walk(t->root, ipa, &level);
        uint64_t old = t->desc;
        if (level != t->level || !atomic_cas64(e, old, old | PTE_S2_W)) {
            if ((*e & ~PTE_S2_W) != (old & ~PTE_S2_W))
                return FAKE_TRANSLATION; /* changed meanwhile: the access is made again */
            __atomic_or_fetch(e, PTE_S2_W, __ATOMIC_SEQ_CST);
        }
        t->desc |= PTE_S2_W;
    }
    if (!write && !(t->desc & PTE_S2_R))
        return FAKE_PERMISSION;
    uint64_t in = (1ull << shift_of(t->level)) - 1;
    *pa = PA((t->desc & PTE_ADDR & ~in) | (ipa.v & in));
    return FAKE_OK;
}

static void check_no_other_size(uint16_t vmid, ipa_t ipa, unsigned level)
{
    if (level == 3 && *tlb_find(vmid, ipa, 2))
        die("a page was cached below a cached block", ipa.v, vmid);
    if (level == 2)
        for (uint64_t i = 0; i < 512; i++)
            if (*tlb_find(vmid, IPA((ipa.v & ~(uint64_t)(BLOCK_SIZE - 1)) + i * PAGE_SIZE), 3))
                die("a block was cached above a cached page", ipa.v, i);
}

static enum fake_fault translate(uint64_t vttbr, ipa_t ipa, bool write, paddr_t *pa)
{
    uint16_t vmid = vttbr_vmid(vttbr);
    note_vttbr(vttbr);
    struct tlb_entry *t = *tlb_find(vmid, ipa, 3);
    if (!t)
        t = *tlb_find(vmid, ipa, 2);
    if (!t) {
        unsigned level;
        uint64_t desc = __atomic_load_n(walk(vttbr_root(vttbr), ipa, &level), __ATOMIC_SEQ_CST);
        if ((desc & 1) && (level < 3 || (desc & 2))) {
            if (!(desc & PTE_AF))
                die("access flag clear in a leaf", ipa.v, desc);
            check_no_other_size(vmid, ipa, level);
            t = calloc(1, sizeof(*t));
            *t = (struct tlb_entry){ .tag = (uint64_t)vmid << 48 | ipa.v >> shift_of(level),
                                     .desc = desc,
                                     .level = level,
                                     .vmid = vmid,
                                     .root = vttbr_root(vttbr),
                                     .ipa = ipa.v & PAGE_MASK };
            struct tlb_entry **at = bucket(t->tag, level);
            t->next = *at;
            *at = t;
        }
    }
    return t ? access_entry(t, ipa, write, pa) : FAKE_TRANSLATION;
}

enum fake_fault fake_access(uint64_t vttbr, ipa_t ipa, bool write, paddr_t *pa)
{
    mtx_lock(&tlb_lock);
    enum fake_fault result = translate(vttbr, ipa, write, pa);
    mtx_unlock(&tlb_lock);
    return result;
}

enum fake_fault fake_store64(uint64_t vttbr, ipa_t ipa, uint64_t value)
{
    paddr_t pa;
    mtx_lock(&tlb_lock);
    enum fake_fault result = translate(vttbr, ipa, true, &pa);
    if (result == FAKE_OK)
        __atomic_store_n((uint64_t *)fake_ram(pa), value, __ATOMIC_SEQ_CST);
    mtx_unlock(&tlb_lock);
    return result;
}

WEAK void arch_tlb_flush_ipa(uint64_t vttbr, ipa_t ipa)
{
    mtx_lock(&tlb_lock);
    fake_flush_ipa_count++;
    for (unsigned level = 2; level <= 3; level++) {
        struct tlb_entry **at = tlb_find(vttbr_vmid(vttbr), ipa, level);
        if (*at)
            tlb_remove(at);
    }
    mtx_unlock(&tlb_lock);
}
WEAK void arch_tlb_flush_vmid(uint64_t vttbr)
{
    mtx_lock(&tlb_lock);
    fake_flush_vmid_count++;
    tlb_drop_vmid(vttbr_vmid(vttbr));
    mtx_unlock(&tlb_lock);
}
WEAK void arch_tlb_flush_all_guests(void)
{
    mtx_lock(&tlb_lock);
    fake_flush_all_count++;
    tlb_forget_all();
    mtx_unlock(&tlb_lock);
}
WEAK uint64_t arch_make_vttbr(paddr_t root, uint16_t vmid) { return (uint64_t)vmid << 48 | root.v; }
WEAK void arch_load_vttbr(uint64_t vttbr) { fake_loaded_vttbr[fake_cpu] = vttbr; }
WEAK void arch_unload_vttbr(void) { fake_loaded_vttbr[fake_cpu] = 0; }
WEAK unsigned arch_vmid_bits(void) { return fake_vmid_bits; }
WEAK uint64_t arch_vtcr(void) { return 0; }
WEAK bool arch_has_hw_dirty(void) { return fake_hw_dirty; }
WEAK int arch_gva_to_ipa(gva_t va, bool write, ipa_t *ipa)
{
    if (fake_gva_to_ipa)
        return fake_gva_to_ipa(va, write, ipa);
    *ipa = IPA(va.v);
    return 0;
}

/* ---- vCPUs ---- */
WEAK int arch_vcpu_init(struct vcpu *v)
{
    v->arch.vmpidr = 1ull << 31 | v->id;
    return 0;
}
WEAK void arch_vcpu_destroy(struct vcpu *v) { (void)v; }
WEAK void arch_vcpu_reset(struct vcpu *v, uint64_t pc, uint64_t x0, bool aarch32)
{
    v->arch.regs = (struct guest_regs){ .pc = pc, .pstate = aarch32 ? 0x1d3 : 0x3c5 };
    v->arch.regs.x[0] = x0;
    v->arch.resets++;
}
WEAK void arch_vcpu_save(struct vcpu *v) { v->arch.saves++; }
WEAK void arch_vcpu_load(struct vcpu *v) { v->arch.loads++; }
WEAK void arch_inject_undef(struct vcpu *v) { v->arch.undefs++; }
WEAK void arch_inject_abort(struct vcpu *v, gva_t far, bool instruction)
{
    (void)instruction;
    v->arch.aborts++;
    v->arch.abort_far = far;
}
WEAK uint64_t arch_reg_get(const struct vcpu *v, unsigned n)
{
    return n < 31 ? v->arch.regs.x[n] : 0;
}
WEAK void arch_reg_set(struct vcpu *v, unsigned n, uint64_t value)
{
    if (n < 31)
        v->arch.regs.x[n] = value;
}
WEAK void arch_skip_instruction(struct vcpu *v)
{
    v->arch.regs.pc += 4;
    v->arch.skipped++;
}
WEAK uint64_t arch_hypercall_arg(const struct vcpu *v, unsigned n) { return v->arch.regs.x[n]; }
WEAK void arch_hypercall_set_arg(struct vcpu *v, unsigned n, uint64_t value)
{
    v->arch.regs.x[n] = v->domain->aarch32 ? (uint32_t)value : value;
}
WEAK void arch_hypercall_return(struct vcpu *v, int64_t value)
{
    v->arch.result = value;
    v->arch.regs.x[0] = (uint64_t)value;
}
WEAK void arch_hypercall_restart(struct vcpu *v) { v->arch.restarts++; }
WEAK bool arch_vcpu_in_user_mode(const struct vcpu *v) { return (v->arch.regs.pstate & 0xf) == 0; }
WEAK void arch_get_record(const struct vcpu *v, struct xlr_vcpu *r, struct xlr_fpsimd *f)
{
    memset(r, 0, sizeof(*r));
    memset(f, 0, sizeof(*f));
    memcpy(r->x, v->arch.regs.x, sizeof(r->x));
    r->pc = v->arch.regs.pc;
    r->pstate = v->arch.regs.pstate;
    r->mpidr = v->arch.vmpidr;
    r->sysreg_count = XLR_SYS_COUNT;
    memcpy(r->sysreg, v->arch.sysreg, sizeof(r->sysreg));
}
WEAK int arch_set_record(struct vcpu *v, const struct xlr_vcpu *r, const struct xlr_fpsimd *f)
{
    (void)f;
    if (r->sysreg_count != XLR_SYS_COUNT || (r->pstate & 0xf) > 5)
        return -XEN_EINVAL;
    memcpy(v->arch.regs.x, r->x, sizeof(r->x));
    v->arch.regs.pc = r->pc;
    v->arch.regs.pstate = r->pstate;
    memcpy(v->arch.sysreg, r->sysreg, sizeof(r->sysreg));
    return 0;
}
bool fake_el1_64 = true, fake_el1_32;
WEAK bool arch_el1_width_ok(bool aarch32) { return aarch32 ? fake_el1_32 : fake_el1_64; }
WEAK void arch_get_features(const struct domain *d, struct xlr_cpu_features *f)
{
    (void)d;
    memset(f, 0, sizeof(*f));
    f->count = XLR_ID_REG_COUNT;
    f->reg[XLR_ID_MIDR] = 0x411fd070;
}
WEAK void arch_vtimer_write(uint64_t cval, uint32_t ctl, uint64_t voff, uint32_t cntkctl)
{
    fake_vtimer[fake_cpu] =
        (struct fake_vtimer){ .cval = cval, .ctl = ctl, .voff = voff, .cntkctl = cntkctl };
}
WEAK void arch_vtimer_read(uint64_t *cval, uint32_t *ctl, uint32_t *cntkctl)
{
    *cval = fake_vtimer[fake_cpu].cval;
    *ctl = fake_vtimer[fake_cpu].ctl;
    *cntkctl = fake_vtimer[fake_cpu].cntkctl;
}
WEAK void arch_vtimer_mask(void)
{
    fake_vtimer[fake_cpu].ctl |= 2;
    fake_vtimer[fake_cpu].masks++;
}

/* ---- the machine itself ---- */
static void windows_init(void)
{
    if (!windows) {
        windows = reserve((size_t)WINDOWS_BYTES);
        mtx_init(&tlb_lock, mtx_plain);
    }
    window_drop(0, WINDOWS_BYTES);
    /* Each time: cmocka puts its own handlers in at the start of each test. */
    struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_NODEFER };
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    for (unsigned i = 0; i < VLPT_SLOTS; i++)
        slot_root[i] = PA(0);
    for (unsigned i = 0; i < MAX_CPUS; i++)
        shown[i] = -1;
}

#define ALIGNMENT BLOCK_SIZE
void fake_init(uint64_t ram_bytes, unsigned cpu_total)
{
    if (fake_directmap) {
        munmap(fake_directmap, (size_t)fake_ram_bytes);
        close(ram_fd);
    }
    if (all_ram)
        munmap(all_ram, (size_t)fake_ram_bytes);
    all_ram = NULL;
    ram_fd = memfd_create("ram", 0);
    if (ram_fd < 0 || ftruncate(ram_fd, (off_t)ram_bytes))
        die("memfd", ram_bytes, 0);
    /* The direct map is aligned as the real one is: what is aligned in physical memory is so in
     * virtual memory. */
    uint8_t *room = reserve((size_t)(ram_bytes + ALIGNMENT)),
            *m = room + (-(uintptr_t)room & (ALIGNMENT - 1));
    map_ram(m, PA(FAKE_RAM), ram_bytes);
    fake_directmap = m;
    fake_ram_bytes = fake_direct_bytes = ram_bytes;
    memset(fake_directmap, 0xa5, (size_t)ram_bytes);
    memset(place_used, 0, sizeof(place_used));
    fake_moments = fake_lasting = 0;
    fake_moment_count = 0;
    windows_init();
    tlb_forget_all();
    fake_cpu = 0;
    fake_counter = 0;
    fake_hw_dirty = fake_preempt = fake_el1_32 = false;
    fake_el1_64 = true;
    fake_vmid_bits = 8;
    fake_flush_ipa_count = fake_flush_vmid_count = fake_flush_all_count = fake_vlpt_forgets =
        fake_vlpt_shows = 0;
    fake_gva_to_ipa = NULL;
    fake_on_kick = NULL;
    fake_on_wfi = NULL;
    cpu_count = cpu_total;
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        cpus[i] = (struct cpu){ .id = i, .online = i < cpu_total, .mpidr = i, .armed = ~0ull };
        list_init(&cpus[i].timers);
        fake_timer_deadline[i] = ~0ull;
        fake_kicks[i] = 0;
        fake_loaded_vttbr[i] = 0;
        fake_vtimer[i] = (struct fake_vtimer){ 0 };
    }
}
