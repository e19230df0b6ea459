/* SPDX-License-Identifier: BSD-2-Clause */
// link: @fake @records
// libs: -lcmocka
/*
 * State records: saved from one domain and loaded into another, byte for byte.  Truncated blocks of
 * every length and thousands of damaged blocks are refused, and the target stays unchanged.  Also
 * CPU features.  Stand-ins replace the parts with state (vGIC, timers, event channels, grants, the
 * map), and remember what they were given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "domain.h"
#include "hypercall.h"
#include "records_internal.h"
#include "fake.h"

#define SPIS       64u
#define VCPUS      2u
#define RAM_GFN    0x40000u
#define RAM_PAGES  16u
#define SHARED_GFN (RAM_GFN + 3)

struct side {
    struct domain d;
    struct vcpu v[VCPUS];
    struct xlr_vgic_cpu vgic[VCPUS];
    struct xlr_vtimer timer[VCPUS];
    struct xlr_vgic_dist dist;
    struct xlr_irq spi[SPIS];
    struct xlr_evtchn_port port[2];
    unsigned port_count;
    struct xlr_grant grant;
    uint64_t shared_at; /* gfn of the shared page; 0: none */
    uint8_t shared[4096] __attribute__((aligned(4096)));
    uint8_t came[4096]; /* contents of the shared frame that arrived with memory */
    unsigned changes, upcalls, wallclocks;
    bool grant_fails;
};
static struct side *a, *b;
static struct side *side_of(const struct domain *d) { return d == &a->d ? a : b; }

/* ---- stand-ins ---- */
void vgic_get_dist(struct domain *d, struct xlr_vgic_dist *r, struct xlr_irq *irq)
{
    *r = side_of(d)->dist;
    memcpy(irq, side_of(d)->spi, sizeof(side_of(d)->spi));
}
int vgic_check_dist(struct domain *d, const struct xlr_vgic_dist *r)
{
    return r->spi_count == d->vgic.spi_count ? 0 : -XEN_EINVAL;
}
int vgic_check_spis(struct domain *d, const struct xlr_irq *irq, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (irq[i].flags & 0xc0)
            return -XEN_EINVAL;
    return n == d->vgic.spi_count ? 0 : -XEN_EINVAL;
}
void vgic_set_dist(struct domain *d, const struct xlr_vgic_dist *r, const struct xlr_irq *irq)
{
    side_of(d)->dist = *r;
    memcpy(side_of(d)->spi, irq, sizeof(side_of(d)->spi));
    side_of(d)->changes++;
}
void vgic_get_cpu(struct vcpu *v, struct xlr_vgic_cpu *r) { *r = side_of(v->domain)->vgic[v->id]; }
int vgic_check_cpu(const struct domain *d, const struct xlr_vgic_cpu *r)
{
    (void)d;
    return r->pad[0] ? -XEN_EINVAL : 0;
}
int vgic_set_cpu(struct vcpu *v, const struct xlr_vgic_cpu *r)
{
    side_of(v->domain)->vgic[v->id] = *r;
    return 0;
}
uint64_t guest_counter(const struct domain *d) { return counter() - d->counter_offset; }
void vtimer_get(struct vcpu *v, struct xlr_vtimer *r) { *r = side_of(v->domain)->timer[v->id]; }
void vtimer_set(struct vcpu *v, const struct xlr_vtimer *r)
{
    side_of(v->domain)->timer[v->id] = *r;
    side_of(v->domain)->changes++;
}
unsigned evtchn_get(struct domain *d, struct xlr_evtchn_port *out, unsigned max)
{
    unsigned n = MIN(side_of(d)->port_count, max);
    memcpy(out, side_of(d)->port, n * sizeof(*out));
    return n;
}
int evtchn_check(struct domain *d, const struct xlr_evtchn_port *p, unsigned n)
{
    (void)d;
    for (unsigned i = 0; i < n; i++)
        if (p[i].port >= EVTCHN_PORTS || p[i].vcpu >= VCPUS)
            return -XEN_EINVAL;
    return n <= 2 ? 0 : -XEN_EINVAL;
}
void evtchn_set(struct domain *d, const struct xlr_evtchn_port *p, unsigned n)
{
    memcpy(side_of(d)->port, p, n * sizeof(*p));
    side_of(d)->port_count = n;
    side_of(d)->changes++;
}
void evtchn_upcall(struct vcpu *v) { side_of(v->domain)->upcalls++; }
void grant_get(struct domain *d, struct xlr_grant *r) { *r = side_of(d)->grant; }
int grant_check(struct domain *d, const struct xlr_grant *r)
{
    (void)d;
    return r->version == 1 ? 0 : -XEN_EINVAL;
}
int grant_set(struct domain *d, const struct xlr_grant *r)
{
    if (side_of(d)->grant_fails)
        return -XEN_ENOMEM;
    side_of(d)->grant = *r;
    side_of(d)->changes++;
    return 0;
}
static bool ram(const struct side *s, uint64_t gfn)
{
    return gfn - RAM_GFN < RAM_PAGES && gfn != s->shared_at;
}
bool p2m_lookup(struct domain *d, ipa_t ipa, struct p2m_entry *e)
{
    uint64_t gfn = ipa_gfn(ipa);
    bool is_ram = ram(side_of(d), gfn), is_shared = gfn && gfn == side_of(d)->shared_at;
    *e = (struct p2m_entry){ .type = is_ram ? P2M_RAM : P2M_SHARED,
                             .pa = is_ram ? PA(0x999000) : page_pa(d->shared_page),
                             .writable = true };
    return is_ram || is_shared;
}
int p2m_map(struct domain *d, ipa_t ipa, paddr_t pa, uint64_t pages, enum p2m_type type)
{
    assert_int_equal(type, P2M_SHARED);
    assert_int_equal(pages, 1);
    assert_int_equal(pa.v, page_pa(d->shared_page).v);
    side_of(d)->shared_at = ipa_gfn(ipa);
    side_of(d)->changes++;
    return 0;
}
int p2m_unmap_exact(struct domain *d, ipa_t ipa, paddr_t pa)
{
    (void)d;
    (void)ipa;
    (void)pa;
    return 0;
}
void *page_va(const struct page *p) { return p == a->d.shared_page ? a->shared : b->shared; }
int copy_from_ipa(struct domain *d, void *dst, ipa_t ipa, size_t bytes)
{
    assert_true(ram(side_of(d), ipa_gfn(ipa)));
    memcpy(dst, side_of(d)->came, bytes);
    return 0;
}
int vcpu_restore_info(struct vcpu *v, ipa_t where)
{
    v->info_ipa = where;
    v->info_page = v->domain->shared_page; /* any page will do */
    side_of(v->domain)->changes++;
    return 0;
}
int vcpu_place_runstate(struct vcpu *v, gva_t where, ipa_t ipa)
{
    v->runstate_va = where;
    v->runstate_ipa = ipa;
    side_of(v->domain)->changes++;
    return 0;
}
void domain_map_shared_info(struct domain *d) { side_of(d)->wallclocks++; }
size_t copy_from_guest(void *dst, uint64_t from, size_t n)
{
    (void)dst;
    (void)from;
    return n;
}
size_t copy_to_guest(uint64_t to, const void *src, size_t n)
{
    (void)to;
    (void)src;
    return n;
}
struct page *frame_table;
uint64_t frame_base, frame_count = 2;
static struct xlr_cpu_features machine;
void arch_get_features(const struct domain *d, struct xlr_cpu_features *f)
{
    (void)d;
    *f = machine;
}

/* ---- two sides ---- */
static struct page pages[2];

static struct side *make(domid_t id)
{
    struct side *s = aligned_alloc(4096, ROUND_UP(sizeof(*s), 4096u));
    memset(s, 0, sizeof(*s));
    s->d.id = id;
    s->d.max_vcpus = VCPUS;
    s->d.vgic.version = 3;
    s->d.vgic.spi_count = s->dist.spi_count = SPIS;
    s->d.shared_ipa = IPA(~0ull);
    s->d.shared_page = &pages[id == 1];
    s->grant.version = 1;
    for (unsigned i = 0; i < VCPUS; i++) {
        s->v[i].domain = &s->d;
        s->v[i].id = i;
        s->v[i].info_ipa = s->v[i].runstate_ipa = IPA(~0ull);
        s->v[i].arch.regs.pstate = 0x3c5;
        s->d.vcpu[i] = &s->v[i];
    }
    return s;
}

/* The source has a value in every field. */
static void fill(struct side *s)
{
    for (unsigned i = 0; i < VCPUS; i++) {
        struct vcpu *v = &s->v[i];
        for (unsigned n = 0; n < 31; n++)
            v->arch.regs.x[n] = 0x1000 * (i + 1) + n;
        v->arch.regs.pc = 0xffff800008001000 + i;
        for (unsigned n = 0; n < XLR_SYS_COUNT; n++)
            v->arch.sysreg[n] = 0xabc000 + n + i;
        v->online = i == 0;
        v->blocked = i == 0;
        memset(&s->vgic[i], 0x11 * (int)(i + 1), sizeof(s->vgic[i]));
        memset(s->vgic[i].pad, 0, sizeof(s->vgic[i].pad));
        s->timer[i] = (struct xlr_vtimer){ .virt_cval = 0x123456 + i, .virt_ctl = 1 };
        v->info_page = s->d.shared_page;
        v->info_ipa = IPA((uint64_t)RAM_GFN << 12 | 0x100 | 64 * i);
        v->runstate_va = GVA(0xffff000000005f80 + 0x40 * i);
        v->runstate_ipa = IPA((RAM_GFN + 5ull) << 12 | (0xf80 + 0x40 * i));
    }
    for (unsigned i = 0; i < SPIS; i++)
        s->spi[i] = (struct xlr_irq){ .flags = (uint8_t)(i & 0x3f),
                                      .priority = (uint8_t)i,
                                      .affinity = i & 1 };
    s->port_count = 2;
    s->port[0] =
        (struct xlr_evtchn_port){ .port = 1, .state = EVTCHNSTAT_interdomain, .remote_port = 9 };
    s->port[1] = (struct xlr_evtchn_port){ .port = 2, .state = EVTCHNSTAT_unbound, .vcpu = 1 };
    s->grant.frame_count = 4;
    s->d.hvm_param[HVM_PARAM_STORE_PFN] = 0x39001;
    s->d.hvm_param[HVM_PARAM_CALLBACK_IRQ] = 0x0200000000000000 | 31;
    s->d.shared_ipa = GFN(SHARED_GFN);
    s->shared_at = SHARED_GFN;
    s->d.counter_offset = 1000;
}

static uint8_t *block;
static uint32_t block_bytes;

static int start(void **state)
{
    (void)state;
    fake_init(1 << 20, 1);
    frame_table = pages;
    machine.count = XLR_ID_REG_COUNT;
    a = make(1);
    b = make(2);
    fill(a);
    memset(b->came, 0x5a, sizeof(b->came));
    block = mem_alloc(XLR_MAX_BYTES);
    block_bytes = XLR_MAX_BYTES;
    assert_int_equal(records_save(&a->d, block, &block_bytes), 0);
    return 0;
}
static int end(void **state)
{
    (void)state;
    mem_free(block, XLR_MAX_BYTES);
    free(a);
    free(b);
    return 0;
}

/* ---- tests ---- */
static void test_round_trip(void **state)
{
    (void)state;
    assert_int_equal(records_load(&b->d, block, block_bytes), 0);
    for (unsigned i = 0; i < VCPUS; i++) {
        assert_memory_equal(&a->v[i].arch.regs, &b->v[i].arch.regs, sizeof(a->v[i].arch.regs));
        assert_memory_equal(a->v[i].arch.sysreg, b->v[i].arch.sysreg, sizeof(a->v[i].arch.sysreg));
        assert_int_equal(b->v[i].online, i == 0);
        assert_true(b->v[i].initialised);
        assert_false(b->v[i].blocked);
        assert_int_equal(a->v[i].info_ipa.v, b->v[i].info_ipa.v);
        assert_int_equal(a->v[i].runstate_ipa.v, b->v[i].runstate_ipa.v);
        assert_int_equal(a->v[i].runstate_va.v, b->v[i].runstate_va.v);
    }
    assert_memory_equal(a->vgic, b->vgic, sizeof(a->vgic));
    assert_memory_equal(a->timer, b->timer, sizeof(a->timer));
    assert_memory_equal(&a->dist, &b->dist, sizeof(a->dist));
    assert_memory_equal(a->spi, b->spi, sizeof(a->spi));
    assert_memory_equal(a->port, b->port, sizeof(a->port));
    assert_memory_equal(&a->grant, &b->grant, sizeof(a->grant));
    assert_memory_equal(a->d.hvm_param, b->d.hvm_param, sizeof(a->d.hvm_param));
    assert_int_equal(b->shared_at, SHARED_GFN);
    /* the contents that arrived with memory are now in the page */
    assert_int_equal(b->shared[17], 0x5a);
    assert_int_equal(b->upcalls, VCPUS);
    assert_int_equal(b->wallclocks, 1);
    /* The guest's counter continues where it was, up to the time between the reads. */
    assert_true(guest_counter(&b->d) <= guest_counter(&a->d) &&
                guest_counter(&a->d) - guest_counter(&b->d) < 200);
    /* Saved again, the records are the same, except for the time, the addresses and the waiting
     * vCPUs. */
    uint8_t *again = mem_alloc(XLR_MAX_BYTES);
    uint32_t bytes = XLR_MAX_BYTES;
    assert_int_equal(records_save(&b->d, again, &bytes), 0);
    assert_int_equal(bytes, block_bytes);
    mem_free(again, XLR_MAX_BYTES);
    /* Loading twice is allowed. */
    assert_int_equal(records_load(&b->d, block, block_bytes), 0);
}

static void test_buffer_too_small(void **state)
{
    uint8_t *small = mem_alloc(XLR_MAX_BYTES);
    (void)state;
    for (uint32_t room = 0; room < block_bytes; room += 13) {
        uint32_t bytes = room;
        assert_int_equal(records_save(&a->d, small, &bytes), -XEN_ENOSPC);
        assert_true(bytes >= block_bytes);
    }
    uint32_t exact = block_bytes;
    assert_int_equal(records_save(&a->d, small, &exact), 0);
    mem_free(small, XLR_MAX_BYTES);
}

static struct side *snapshot(void)
{
    struct side *s = malloc(sizeof(*s));
    memcpy(s, b, sizeof(*s));
    return s;
}

/* The last line printed to the log. */
static char said[256];
void log_printf(enum log_level level, const char *fmt, ...)
{
    va_list ap;
    (void)level;
    va_start(ap, fmt);
    vsnprintf(said, sizeof(said), fmt, ap);
    va_end(ap);
}

static void refused(const uint8_t *bytes, uint32_t n, int error)
{
    struct side *before = snapshot();
    int result = records_load(&b->d, bytes, n);
    if (error)
        assert_int_equal(result, error);
    assert_true(result < 0);
    assert_memory_equal(before, b, sizeof(*b));
    free(before);
}

/* The header of the record of that type; payload behind it. */
static struct hvm_save_descriptor *find(uint8_t *buf, unsigned type, unsigned instance)
{
    struct hvm_save_descriptor *h = (void *)buf;
    while (h->typecode != type || h->instance != instance) {
        assert_int_not_equal(h->typecode, XLR_END);
        h = (void *)((uint8_t *)h + 8 + ROUND_UP(h->length, 8u));
    }
    return h;
}
static void *payload(unsigned type, unsigned instance) { return find(block, type, instance) + 1; }

static void test_truncated_refused(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < block_bytes; n += n < 256 ? 1 : 8) {
        /* A buffer of exact size, so that the sanitizer detects a read beyond it. */
        uint8_t *cut = malloc(n ? n : 1);
        memcpy(cut, block, n);
        refused(cut, n, -XEN_EINVAL);
        free(cut);
    }
    /* Bytes behind the end record. */
    refused(block, block_bytes + 8, -XEN_EINVAL);
}

static void test_unknown_records(void **state)
{
    (void)state;
    struct hvm_save_descriptor *h = find(block, XLR_GRANT, 0);
    h->typecode = 77;
    refused(block, block_bytes, -XEN_EINVAL);
    h->typecode = 77 | XLR_OPTIONAL;
    /* an unknown optional record is skipped; the grant table is missing then */
    refused(block, block_bytes, -XEN_EINVAL);
    h->typecode = XLR_TIME;
    refused(block, block_bytes, -XEN_EINVAL); /* twice */
    h->typecode = XLR_GRANT;
    h->instance = 1;
    refused(block, block_bytes, -XEN_EINVAL);
    h->instance = 0;
    /* A longer record of a later version, and an optional one, are read. */
    uint8_t *more = mem_alloc(XLR_MAX_BYTES);
    uint32_t at = (uint32_t)((uint8_t *)(h + 1) - block) + h->length;
    memcpy(more, block, at);
    memset(more + at, 0xee, 16);
    struct hvm_save_descriptor optional = { 0x8123, 5, 3 };
    memcpy(more + at + 16, &optional, sizeof(optional));
    memset(more + at + 24, 0xdd, 8);
    memcpy(more + at + 32, block + at, block_bytes - at);
    find(more, XLR_GRANT, 0)->length += 16;
    assert_int_equal(records_load(&b->d, more, block_bytes + 32), 0);
    mem_free(more, XLR_MAX_BYTES);
}

/* A record of CPU features that ends before AArch32's registers is enough for a 64-bit guest. */
static void test_early_features(void **state)
{
    (void)state;
    uint8_t *early = mem_alloc(XLR_MAX_BYTES);
    struct hvm_save_descriptor *h = find(block, XLR_CPU_FEATURES, 0);
    uint32_t dropped = (XLR_ID_REG_COUNT - XLR_ID_REG_COUNT_1) * 8,
             end = (uint32_t)((uint8_t *)(h + 1) - block) + h->length;

    /* A signed field of -1 is less than that of an unread register, which counts as zero. */
    machine.reg[XLR_ID_A32_MMFR3] = 0xfu << 28;
    memcpy(early, block, end - dropped);
    memcpy(early + end - dropped, block + end, block_bytes - end);
    h = find(early, XLR_HEADER, 0);
    h = (void *)((uint8_t *)h + 8 + ROUND_UP(h->length, 8u));
    h->length -= dropped;
    refused(early, block_bytes - dropped, -XEN_EINVAL); /* the count exceeds the payload */
    ((struct xlr_cpu_features *)(h + 1))->count = XLR_ID_REG_COUNT_1;
    assert_int_equal(records_load(&b->d, early, block_bytes - dropped), 0);
    b->d.aarch32 = true;
    ((struct xlr_header *)(find(early, XLR_HEADER, 0) + 1))->width = XLR_WIDTH_32;
    refused(early, block_bytes - dropped, -XEN_EOPNOTSUPP);
    machine.reg[XLR_ID_A32_MMFR3] = 0;
    mem_free(early, XLR_MAX_BYTES);
}

#define WITH(type, instance, member, kind, value, error) \
    do {                                                 \
        kind *p_ = payload(type, instance);              \
        kind old_ = *p_;                                 \
        p_->member = (value);                            \
        refused(block, block_bytes, error);              \
        *p_ = old_;                                      \
    } while (0)

static void test_bad_records_refused(void **state)
{
    (void)state;
    WITH(XLR_HEADER, 0, magic, struct xlr_header, 1, -XEN_EINVAL);
    WITH(XLR_HEADER, 0, version, struct xlr_header, 2, -XEN_EOPNOTSUPP);
    WITH(XLR_HEADER, 0, gic, struct xlr_header, XLR_GIC_V2, -XEN_EOPNOTSUPP);
    assert_non_null(strstr(said, "the guest has a GICv2, this host a GICv3"));
    WITH(XLR_HEADER, 0, gic, struct xlr_header, 7, -XEN_EOPNOTSUPP);
    assert_non_null(strstr(said, "unknown interrupt controller"));
    b->d.vgic.version = 2;
    refused(block, block_bytes, -XEN_EOPNOTSUPP);
    assert_non_null(strstr(said, "the guest has a GICv3, this host a GICv2"));
    b->d.vgic.version = 3;
    WITH(XLR_HEADER, 0, width, struct xlr_header, 32, -XEN_EINVAL);
    WITH(XLR_HEADER, 0, vcpu_count, struct xlr_header, 3, -XEN_EINVAL);
    WITH(XLR_HEADER, 0, vcpu_count, struct xlr_header, 1, -XEN_EINVAL);
    WITH(XLR_HEADER, 0, vcpu_count, struct xlr_header, ~0u, -XEN_EINVAL);
    WITH(XLR_HEADER, 0, ipa_bits, struct xlr_header, 48, -XEN_EOPNOTSUPP);
    WITH(XLR_HEADER, 0, counter_hz, struct xlr_header, 24000000, -XEN_EOPNOTSUPP);
    WITH(XLR_CPU_FEATURES, 0, count, struct xlr_cpu_features, 3, -XEN_EINVAL);
    WITH(XLR_CPU_FEATURES, 0, reg[XLR_ID_ISAR0], struct xlr_cpu_features, 0x10, -XEN_EOPNOTSUPP);
    WITH(XLR_VCPU, 1, sysreg_count, struct xlr_vcpu, 2, -XEN_EINVAL);
    /* EL2 mode: the second vCPU is refused, and the first is restored */
    WITH(XLR_VCPU, 1, pstate, struct xlr_vcpu, 0x3c9, -XEN_EINVAL);
    WITH(XLR_VGIC_DIST, 0, spi_count, struct xlr_vgic_dist, 32, -XEN_EINVAL);
    WITH(XLR_VGIC_DIST, 0, spi_count, struct xlr_vgic_dist, ~0u, -XEN_EINVAL);
    WITH(XLR_VGIC_CPU, 1, pad[0], struct xlr_vgic_cpu, 1, -XEN_EINVAL);
    WITH(XLR_PLACES, 0, shared_info_gfn, struct xlr_places, 1ull << 40, -XEN_EINVAL);
    WITH(XLR_PLACES, 0, vcpu_count, struct xlr_places, 8, -XEN_EINVAL);
    WITH(XLR_PLACES, 0, vcpu[0].vcpu_info_gpa, struct xlr_places, 0x1000, -XEN_EINVAL);
    WITH(XLR_PLACES, 0, vcpu[0].vcpu_info_gpa, struct xlr_places, ((uint64_t)RAM_GFN << 12) + 0xff8,
         -XEN_EINVAL);
    WITH(XLR_PLACES, 0, vcpu[0].vcpu_info_gpa, struct xlr_places, ((uint64_t)RAM_GFN << 12) + 1,
         -XEN_EINVAL);
    WITH(XLR_PLACES, 0, vcpu[1].runstate_gpa, struct xlr_places, (RAM_GFN + 5ull) << 12,
         -XEN_EINVAL);
    WITH(XLR_PLACES, 0, vcpu[1].runstate_gpa, struct xlr_places, XLR_NOWHERE, -XEN_EINVAL);
    WITH(XLR_EVTCHN, 0, count, struct xlr_evtchn, 3, -XEN_EINVAL);
    WITH(XLR_EVTCHN, 0, count, struct xlr_evtchn, ~0u, -XEN_EINVAL);
    WITH(XLR_GRANT, 0, version, struct xlr_grant, 2, -XEN_EINVAL);
    WITH(XLR_GRANT, 0, frame_count, struct xlr_grant, 65, -XEN_EINVAL);
    WITH(XLR_HVM_PARAMS, 0, count, struct xlr_hvm_params, 100, -XEN_EINVAL);
    struct hvm_param_pair *p = (void *)((struct xlr_hvm_params *)payload(XLR_HVM_PARAMS, 0) + 1);
    p->index = 1ull << 33; /* index 0 if truncated to 32 bits */
    refused(block, block_bytes, -XEN_EINVAL);
    p->index = HVM_PARAM_IDENT_PT;
    refused(block, block_bytes, -XEN_EINVAL);
}

static void test_load_out_of_memory(void **state)
{
    (void)state;
    b->grant_fails = true;
    refused(block, block_bytes, -XEN_ENOMEM);
    b->grant_fails = false;
    assert_int_equal(records_load(&b->d, block, block_bytes), 0);
}

/* Random damage: whatever the result, no read leaves the block (the sanitizer checks). */
static void test_random_damage(void **state)
{
    uint64_t seed = 88172645463325252ull;
    uint8_t *good = malloc(block_bytes);

    (void)state;
    memcpy(good, block, block_bytes);
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t *bad = aligned_alloc(8, ROUND_UP(block_bytes, 8u));
        memcpy(bad, good, block_bytes);
        for (unsigned i = 0; i < 1 + round % 4; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            /* Mostly in headers and counts. */
            uint32_t at = (uint32_t)(seed >> 8) % block_bytes & (seed & 1 ? ~7u : ~0u);
            bad[at] = (uint8_t)(seed >> 40);
        }
        if (records_load(&b->d, bad, block_bytes) == 0) {
            free(b);
            b = make(2);
        }
        free(bad);
    }
    free(good);
}

static void test_features(void **state)
{
    uint64_t seen[XLR_ID_REG_COUNT] = { 0 }, have[XLR_ID_REG_COUNT] = { 0 };
    unsigned shift;

    (void)state;
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), -1);
    seen[XLR_ID_ISAR0] = 0x2ull << 20; /* atomics */
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), XLR_ID_ISAR0);
    assert_int_equal(shift, 20);
    have[XLR_ID_ISAR0] = 0x3ull << 20;
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), -1);
    have[XLR_ID_PFR0] = 0xffull << 16; /* no FP here, FP there */
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), XLR_ID_PFR0);
    seen[XLR_ID_PFR0] = 0xffull << 16;
    have[XLR_ID_PFR0] = 0;
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), -1);
    seen[XLR_ID_MMFR0] = 0; /* 4 KiB granule there, not here */
    have[XLR_ID_MMFR0] = 0xfull << 28;
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), XLR_ID_MMFR0);
    have[XLR_ID_MMFR0] = 0;
    seen[XLR_ID_ISAR1] = 1ull << 4; /* another pointer-authentication algorithm */
    have[XLR_ID_ISAR1] = 3ull << 4;
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), XLR_ID_ISAR1);
    have[XLR_ID_ISAR1] = 1ull << 4;
    seen[XLR_ID_CTR] = 4ull << 16; /* lines of 64 bytes there, of 32 here */
    have[XLR_ID_CTR] = 3ull << 16;
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), XLR_ID_CTR);
    have[XLR_ID_CTR] = 5ull << 16;
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), -1);
    seen[XLR_ID_CTR] |= 1ull << 28; /* no clean needed there */
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), XLR_ID_CTR);
    have[XLR_ID_CTR] |= 1ull << 28;
    seen[XLR_ID_DCZID] = 4;
    have[XLR_ID_DCZID] = 5;
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), XLR_ID_DCZID);
    seen[XLR_ID_DCZID] = 0x10;
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), -1);
}

static void test_features_a32(void **state)
{
    uint64_t seen[XLR_ID_REG_COUNT] = { 0 }, have[XLR_ID_REG_COUNT] = { 0 };
    unsigned shift;

    (void)state;
    seen[XLR_ID_A32_ISAR5] = 1u << 4; /* AES */
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), XLR_ID_A32_ISAR5);
    assert_int_equal(shift, 4);
    /* the record does not have this register */
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT_1, have, &shift), -1);
    have[XLR_ID_A32_ISAR5] = 2u << 4;
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), -1);
    have[XLR_ID_A32_MMFR3] = 0xfu << 28; /* supersections there, none here */
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), XLR_ID_A32_MMFR3);
    seen[XLR_ID_A32_MMFR3] = 0xfu << 28;
    have[XLR_ID_A32_MMFR3] = 0;
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), -1);
    seen[XLR_ID_A32_MMFR0] = 2u << 20; /* auxiliary registers: not compared */
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), -1);
    seen[XLR_ID_A32_MVFR0] = 2; /* 32 double registers there, 16 here */
    have[XLR_ID_A32_MVFR0] = 1;
    assert_int_equal(features_shortfall(seen, XLR_ID_REG_COUNT, have, &shift), XLR_ID_A32_MVFR0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, start, end),
        cmocka_unit_test_setup_teardown(test_buffer_too_small, start, end),
        cmocka_unit_test_setup_teardown(test_truncated_refused, start, end),
        cmocka_unit_test_setup_teardown(test_unknown_records, start, end),
        cmocka_unit_test_setup_teardown(test_bad_records_refused, start, end),
        cmocka_unit_test_setup_teardown(test_load_out_of_memory, start, end),
        cmocka_unit_test_setup_teardown(test_random_damage, start, end),
        cmocka_unit_test(test_features),
        cmocka_unit_test_setup_teardown(test_early_features, start, end),
        cmocka_unit_test(test_features_a32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
