/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Emulated MMIO: finding the handler of an address, and the register side of an access.
 *
 * The leaf of an emulated page is an invalid descriptor.  It caches which region the page is in,
 * with the generation of the domain's device map that this is true of.  If the leaf is empty or its
 * generation is old, the region is searched and the leaf written again.  Only pages that are wholly
 * inside one region are cached.
 */
#include "abi.h"
#include "arch.h"
#include "domain_types.h"
#include "mmio.h"
#include "panic.h"
#include "vlpt.h"

/* Payload of a leaf: generation << 8 | region. */
#define PAYLOAD_REGION 0xffull
static uint64_t payload_of(const struct mmio_map *m, unsigned region)
{
    return (uint64_t)m->generation << 8 | region;
}
_Static_assert(MMIO_GENERATION_BITS <= 32 && 32 + 8 <= P2M_MMIO_PAYLOAD_BITS && MMIO_REGIONS <= 256,
               "payload of an emulated page's leaf");

/*
 * Makes all region numbers in leaves stale.  When the generation number wraps, leaves of its last
 * use would be taken as valid, so all are erased then.
 */
static void next_generation(struct domain *d)
{
    struct mmio_map *m = &d->mmio;

    m->generation = (m->generation + 1) & MMIO_GENERATION_MAX;
    if (m->generation == 0)
        p2m_mmio_zap(d);
}

/* Regions are sorted by address. */
int mmio_register(struct domain *d, ipa_t start, uint64_t size, mmio_handler fn, void *arg)
{
    struct mmio_map *m = &d->mmio;
    unsigned at = 0;

    if (m->count == MMIO_REGIONS)
        return -XEN_ENOSPC;
    if (!size || start.v + size < start.v)
        return -XEN_EINVAL;
    while (at < m->count && m->region[at].start < start.v)
        at++;
    if ((at > 0 && m->region[at - 1].start + m->region[at - 1].size > start.v) ||
        (at < m->count && start.v + size > m->region[at].start))
        return -XEN_EEXIST;
    memmove(&m->region[at + 1], &m->region[at], (m->count - at) * sizeof(m->region[0]));
    m->region[at] = (struct mmio_region){ .start = start.v, .size = size, .fn = fn, .arg = arg };
    m->count++;
    next_generation(d);
    return 0;
}

int mmio_unregister(struct domain *d, ipa_t start)
{
    struct mmio_map *m = &d->mmio;

    for (unsigned at = 0; at < m->count; at++)
        if (m->region[at].start == start.v) {
            m->count--;
            memmove(&m->region[at], &m->region[at + 1], (m->count - at) * sizeof(m->region[0]));
            next_generation(d);
            return 0;
        }
    return -XEN_ENOENT;
}

static const struct mmio_region *find(const struct mmio_map *m, uint64_t ipa)
{
    unsigned low = 0, high = m->count;

    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (m->region[mid].start + m->region[mid].size <= ipa)
            low = mid + 1;
        else
            high = mid;
    }
    return low < m->count && ipa >= m->region[low].start ? &m->region[low] : NULL;
}

static bool holds(const struct mmio_region *r, uint64_t ipa) { return ipa - r->start < r->size; }

static const struct mmio_region *region_of(struct domain *d, ipa_t ipa)
{
    struct mmio_map *m = &d->mmio;
    unsigned level;
    uint64_t leaf = p2m_leaf(d, ipa, &level);

    if (p2m_leaf_is_mmio(leaf)) {
        uint64_t payload = p2m_mmio_payload(leaf), n = payload & PAYLOAD_REGION;
        if (likely(payload == payload_of(m, (unsigned)n) && n < m->count &&
                   holds(&m->region[n], ipa.v))) {
            m->hits++;
            return &m->region[n];
        }
    }
    const struct mmio_region *r = find(m, ipa.v);
    m->slow++;
    /* On failure accesses stay slow. */
    if (r && holds(r, ipa.v & PAGE_MASK) && holds(r, ipa.v | ~PAGE_MASK))
        (void)p2m_mmio_set(d, IPA(ipa.v & PAGE_MASK), payload_of(m, (unsigned)(r - m->region)));
    return r;
}

static inline uint64_t extended(unsigned bytes, bool sign_extend, bool reg64, uint64_t value)
{
    unsigned unused = 64 - 8 * bytes;

    if (unlikely(sign_extend))
        value = (uint64_t)((int64_t)(value << unused) >> unused);
    else
        value = value << unused >> unused;
    return reg64 ? value : (uint32_t)value;
}

static inline uint64_t low_bytes(unsigned bytes, uint64_t value)
{
    return value & ~0ull >> ((0u - 8 * bytes) & 63);
}

/* Data abort syndrome: SAS, SSE, SRT, SF, WnR. */
#define ISS_SIZE_LOG2(iss) ((iss) >> 22 & 3)
#define ISS_SIGN_EXTEND    (1u << 21)
#define ISS_REG(iss)       ((iss) >> 16 & 0x1f)
#define ISS_REG64          (1u << 15)
#define ISS_WRITE          (1u << 6)

/* The function has no array, so it needs no canary. */
__attribute__((no_stack_protector)) struct vcpu *mmio_leaf_access(struct vcpu *v, uint32_t iss,
                                                                  ipa_t ipa)
{
    const struct domain *d = v->domain;
    unsigned size = 1u << ISS_SIZE_LOG2(iss);
    uint64_t leaf, *window = vlpt_leaves(&d->p2m, ipa.v);

    if (unlikely(!window || !load64_may_fault(&window[ipa.v >> PAGE_SHIFT], &leaf)))
        return NULL;
    /* A leaf of this generation names a region that exists and contains the whole page. */
    if (unlikely((leaf & ~(PAYLOAD_REGION << 2)) != p2m_mmio_leaf(payload_of(&d->mmio, 0)) ||
                 (ipa.v & (size - 1))))
        return NULL;
    const struct mmio_region *r = &d->mmio.region[p2m_mmio_payload(leaf) & PAYLOAD_REGION];
    ASSERT(r < &d->mmio.region[d->mmio.count] && holds(r, ipa.v & PAGE_MASK) &&
           holds(r, ipa.v | ~PAGE_MASK));
    struct mmio_access a;
    a.offset = ipa.v - r->start;
    a.size = (uint8_t)size;
    a.write = iss & ISS_WRITE;
    a.value = a.write ? low_bytes(size, arch_reg_get(v, ISS_REG(iss))) : 0;
    /*
     * The slow path calls the handler again and injects the abort: a handler that refuses an access
     * has changed nothing.
     */
    if (unlikely(!r->fn(v, r->arg, &a)))
        return NULL;
    if (!(iss & ISS_WRITE))
        arch_reg_set(v, ISS_REG(iss),
                     likely(!(iss & ISS_SIGN_EXTEND))
                         ? low_bytes(a.size, a.value)
                         : extended(a.size, true, iss & ISS_REG64, a.value));
    arch_skip_instruction(v);
    v->exits[EXIT_MMIO]++;
    return v;
}

bool mmio_dispatch(struct vcpu *v, const struct stage2_fault *f)
{
    const struct mmio_region *r = region_of(v->domain, f->ipa);
    unsigned size = 1u << f->size_log2;

    if (!r || !f->decoded || f->instruction || f->s1_walk || (f->ipa.v & (size - 1)))
        return false;
    struct mmio_access a = { .offset = f->ipa.v - r->start,
                             .size = (uint8_t)size,
                             .write = f->write };
    if (size > r->size - a.offset)
        return false;
    if (f->write) {
        uint64_t value = arch_reg_get(v, f->reg);
        a.value = size == 8 ? value : value & ((1ull << (8 * size)) - 1);
    }
    if (!r->fn(v, r->arg, &a))
        return false;
    if (!f->write && f->reg < 31)
        arch_reg_set(v, f->reg, extended(size, f->sign_extend, f->reg64, a.value));
    arch_skip_instruction(v);
    return true;
}
