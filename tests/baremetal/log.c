/* SPDX-License-Identifier: BSD-2-Clause */
/* Compares a guest's dirty log with what a test expects, bit for bit. */
#include "bm.h"

void *memset(void *p, int c, size_t n);

#define WORDS (LOG_GFNS / 64)
#define FILL  0xa5ull

static uint64_t *bitmap, *known, *once;

static void set_bit(uint64_t *set, uint64_t gfn, bool value)
{
    set[gfn / 64] &= ~(1ull << gfn % 64);
    set[gfn / 64] |= (uint64_t)value << gfn % 64;
}

void log_known(uint64_t gfn, bool is_known) { set_bit(known, gfn, is_known); }
void log_once(uint64_t gfn) { set_bit(once, gfn, true); }
void log_expect_nothing(void) { memset(once, 0, WORDS * 8); }

void log_watch(struct guest *g)
{
    if (!bitmap) {
        bitmap = bm_alloc(WORDS * 8 / PAGE + 1);
        known = bm_alloc(WORDS * 8 / PAGE + 1);
        once = bm_alloc(WORDS * 8 / PAGE + 1);
    }
    memset(known, 0, WORDS * 8);
    log_expect_nothing();
    for (unsigned v = 0; v < g->vcpu_count; v++)
        log_known(GUEST_GFN + GUEST_MAILS / PAGE + v, true);
}

long log_op(struct guest *g, uint32_t op)
{
    for (uint64_t i = 0; i < WORDS; i++)
        bitmap[i] = FILL * 0x0101010101010101ull;
    memset(&g->op.u, 0, sizeof(g->op.u));
    g->op.u.shadow_op.op = op;
    g->op.u.shadow_op.pages = LOG_GFNS;
    set_xen_guest_handle(g->op.u.shadow_op.dirty_bitmap, (void *)bitmap);
    return domctl(g, XEN_DOMCTL_shadow_op);
}

/* Word i of the returned bitmap.  Bytes beyond the guest's last page must keep the fill pattern;
 * one that does not reads as all ones here. */
static uint64_t told_word(uint64_t i, uint64_t pages)
{
    uint64_t word = 0;
    if (i * 64 + 64 <= pages)
        return bitmap[i];
    for (uint64_t b = 0; b < 8; b++) {
        uint64_t byte = bitmap[i] >> b * 8 & 0xff;
        if (i * 8 + b < (pages + 7) / 8)
            word |= byte << b * 8;
        else if (byte != FILL)
            word |= 0xffull << b * 8;
    }
    return word;
}

static bool as_expected(struct guest *g, uint32_t op, const char *name)
{
    long rc = log_op(g, op);
    uint64_t pages = g->op.u.shadow_op.pages;
    if (rc) {
        bm_check(false, name, "the log answers %ld", rc);
        return false;
    }
    for (uint64_t i = 0; i < WORDS; i++)
        if (told_word(i, pages) != (known[i] | once[i])) {
            bm_check(
                false, name,
                "gfn 0x%jx..: log has 0x%016jx, expected 0x%016jx of them 0x%016jx in every round",
                i * 64, told_word(i, pages), known[i] | once[i], known[i]);
            return false;
        }
    bm_check(true, name, "as expected");
    return true;
}

bool log_round(struct guest *g, const char *name)
{
    bool ok = as_expected(g, XEN_DOMCTL_SHADOW_OP_CLEAN, name);
    log_expect_nothing();
    return ok;
}

bool log_peek(struct guest *g, const char *name)
{
    return as_expected(g, XEN_DOMCTL_SHADOW_OP_PEEK, name);
}
