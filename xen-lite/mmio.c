/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Emulated MMIO: which handler an address has, and the register side of an access.
 *
 * The leaf of an emulated page, an invalid descriptor, says which region the page is in, as of which generation of the
 * domain's device map; a stale or empty leaf is looked up and written anew.  Only pages that are wholly in one region are cached.
 */
#include "hypercall.h"
#include "domain.h"
#include "vlpt.h"

/* A leaf's payload: generation << 8 | region. */
static uint64_t payload_of(const struct mmio_map *m, unsigned region) { return (uint64_t)m->generation << 8 | region; }
_Static_assert(32 + 8 <= P2M_MMIO_PAYLOAD_BITS && MMIO_REGIONS <= 256, "payload of an emulated page's leaf");

/* Regions are sorted by address and never removed: they live as long as their domain. */
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
    if (++m->generation == 0)           /* numbers of regions in leaves are stale now; those of 2^32 changes ago would not be */
        p2m_mmio_zap(d);
    return 0;
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

static bool holds(const struct mmio_region *r, uint64_t ipa)
{
    return ipa - r->start < r->size;
}

static const struct mmio_region *region_of(struct domain *d, ipa_t ipa)
{
    struct mmio_map *m = &d->mmio;
    unsigned level;
    uint64_t leaf = p2m_leaf(d, ipa, &level);

    if (p2m_leaf_is_mmio(leaf)) {
        uint64_t payload = p2m_mmio_payload(leaf), n = payload & 0xff;
        if (likely(payload == payload_of(m, (unsigned)n) && n < m->count && holds(&m->region[n], ipa.v))) {
            m->hits++;
            return &m->region[n];
        }
    }
    const struct mmio_region *r = find(m, ipa.v);
    m->slow++;
    if (r && holds(r, ipa.v & PAGE_MASK) && holds(r, ipa.v | ~PAGE_MASK))
        (void)p2m_mmio_set(d, IPA(ipa.v & PAGE_MASK), payload_of(m, (unsigned)(r - m->region)));    /* else it stays slow */
    return r;
}

static inline uint64_t extended(unsigned size_log2, bool sign_extend, bool reg64, uint64_t value)
{
    unsigned unused = 64 - (8u << size_log2);

    if (unlikely(sign_extend))
        value = (uint64_t)((int64_t)(value << unused) >> unused);
    else
        value = value << unused >> unused;
    return reg64 ? value : (uint32_t)value;
}

/* No array is in it: no canary. */
__attribute__((no_stack_protector)) bool mmio_leaf_access(struct vcpu *v, ipa_t ipa, uint32_t iss)
{
    const struct mmio_map *m = &v->domain->mmio;
    unsigned size_log2 = iss >> 22 & 3, reg = iss >> 16 & 0x1f;
    int slot = vlpt_slot(&v->domain->p2m);
    uint64_t leaf;

    if (unlikely(slot < 0 || !load64_may_fault(&vlpt_window((unsigned)slot)[ipa.v >> PAGE_SHIFT], &leaf) || !p2m_leaf_is_mmio(leaf)))
        return false;
    uint64_t payload = p2m_mmio_payload(leaf), n = payload & 0xff;
    /* A leaf of this generation names a region that there is, and that holds its whole page. */
    if (unlikely(payload >> 8 != m->generation || (ipa.v & ((1u << size_log2) - 1))))
        return false;
    const struct mmio_region *r = &m->region[n];
    struct mmio_access a;
    a.ipa = ipa;
    a.offset = ipa.v - r->start;
    a.size = (uint8_t)(1u << size_log2);
    a.write = iss >> 6 & 1;
    a.value = a.write ? extended(size_log2, false, true, arch_reg_get(v, reg)) : 0;
    if (unlikely(!r->fn(v, r->arg, &a)))
        return false;                   /* the long way calls it again, and injects the abort: a refusal changes nothing */
    if (!a.write)
        arch_reg_set(v, reg, extended(size_log2, iss >> 21 & 1, iss >> 15 & 1, a.value));
    arch_skip_instruction(v);
    return true;
}

bool mmio_dispatch(struct vcpu *v, const struct stage2_fault *f)
{
    const struct mmio_region *r = region_of(v->domain, f->ipa);
    unsigned size = 1u << f->size_log2;

    if (!r || !f->decoded || f->instruction || f->s1_walk || (f->ipa.v & (size - 1)))
        return false;
    struct mmio_access a = { .ipa = f->ipa, .offset = f->ipa.v - r->start, .size = (uint8_t)size, .write = f->write };
    if (size > r->size - a.offset)
        return false;
    if (f->write) {
        uint64_t value = arch_reg_get(v, f->reg);
        a.value = size == 8 ? value : value & ((1ull << (8 * size)) - 1);
    }
    if (!r->fn(v, r->arg, &a))
        return false;
    if (!f->write && f->reg < 31)
        arch_reg_set(v, f->reg, extended(f->size_log2, f->sign_extend, f->reg64, a.value));
    arch_skip_instruction(v);
    return true;
}
