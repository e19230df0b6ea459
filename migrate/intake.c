/* SPDX-License-Identifier: BSD-2-Clause */
#include "intake.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

/* A record that came before the domain: its checked part, then its pages. */
struct intake_queued {
    struct intake_queued *next;
    struct xlm_header header;
    uint64_t offset;
    uint8_t *checked, *data;
};

int intake_init(struct intake *in, struct hyp *h, uint64_t max_pages, struct failure *f)
{
    memset(in, 0, sizeof *in);
    in->failure = f;
    in->last = &in->first;
    in->round = 1;
    if (memory_init(&in->memory, h, max_pages, f) < 0)
        return -1;
    uint64_t slots = in->memory.slots;
    in->got = bits_new(slots);
    in->bad_now = bits_new(slots);
    in->bad_before = bits_new(slots);
    in->where = calloc(slots, sizeof *in->where);
    in->bounce = malloc(XLM_PAGE_BYTES);
    if (in->got && in->bad_now && in->bad_before && in->where && in->bounce)
        return 0;
    intake_free(in);
    return fail(f, XLM_E_MEMORY, "no memory to receive a guest of %llu pages", (unsigned long long)max_pages);
}

static void free_queued(struct intake_queued *q)
{
    free(q->checked);
    free(q->data);
    free(q);
}

void intake_free(struct intake *in)
{
    for (struct intake_queued *q = in->first, *next; q; q = next) {
        next = q->next;
        free_queued(q);
    }
    memory_free(&in->memory);
    free(in->got);
    free(in->bad_now);
    free(in->bad_before);
    free(in->where);
    free(in->bounce);
    memset(in, 0, sizeof *in);
}

static int bad_record(struct intake *in, const struct xlm_header *h, uint64_t offset, const char *what, uint64_t value)
{
    return fail_record(in->failure, XLM_E_STREAM, h->type, h->index, offset, what, (unsigned long long)value);
}

/* Every frame inside the guest, and of the round that is under way. */
static int check_frames(struct intake *in, const struct xlm_header *h, uint64_t offset, const struct xlm_pages *p)
{
    const struct xlm_run *run = (const struct xlm_run *)(p + 1);
    if (p->round != in->round)
        return bad_record(in, h, offset, "pages of round %llu", p->round);
    for (uint32_t i = 0; i < p->run_count; i++) {
        uint64_t first = memory_slot(&in->memory, run[i].gfn), last = memory_slot(&in->memory, run[i].gfn + run[i].count - 1);
        if (first == NO_SLOT || last == NO_SLOT || last - first != run[i].count - 1)
            return bad_record(in, h, offset, "frame %llx is outside the guest",
                              first == NO_SLOT ? run[i].gfn : run[i].gfn + run[i].count - 1);
    }
    return 0;
}

/* Walks the slots of a record's runs. */
struct walk {
    const struct xlm_run *run;
    uint64_t in_run;
};

static uint64_t walk_next(const struct intake *in, struct walk *w)
{
    uint64_t slot = memory_slot(&in->memory, w->run->gfn + w->in_run);
    if (++w->in_run == w->run->count) {
        w->run++;
        w->in_run = 0;
    }
    return slot;
}

static struct walk walk_start(const struct xlm_pages *p)
{
    return (struct walk){(const struct xlm_run *)(p + 1), 0};
}

static void note_page(struct intake *in, uint64_t slot, bool good, const struct xlm_header *h, uint64_t offset)
{
    bit_set(in->got, slot);
    bit_clear(in->bad_before, slot);
    if (good) {
        bit_clear(in->bad_now, slot);
        return;
    }
    bit_set(in->bad_now, slot);
    in->where[slot] = (struct intake_place){h->index, offset};
}

/* The pages are in guest memory: compares their checksums. */
static int verify(struct intake *in, const struct xlm_header *h, uint64_t offset, const struct xlm_pages *p)
{
    struct walk w = walk_start(p);
    const uint64_t *sum = (const uint64_t *)((const struct xlm_run *)(p + 1) + p->run_count);
    for (uint32_t i = 0; i < p->page_count; i++) {
        uint64_t slot = walk_next(in, &w);
        const void *page = memory_page(&in->memory, slot, true, in->failure);
        if (!page)
            return -1;
        note_page(in, slot, codec_page_sum(page) == sum[i], h, offset);
    }
    in->pages += p->page_count;
    return 0;
}

/* Where the record's pages go, neighbours joined; false if mapping one took another's mapping away. */
static int gather(struct intake *in, const struct xlm_pages *p, struct iovec *part, int *count, bool *stable)
{
    struct walk w = walk_start(p);
    uint64_t unmaps = in->memory.unmaps;
    *count = 0;
    for (uint32_t i = 0; i < p->page_count; i++) {
        uint8_t *page = memory_page(&in->memory, walk_next(in, &w), true, in->failure);
        if (!page)
            return -1;
        struct iovec *end = *count ? &part[*count - 1] : NULL;
        if (end && (uint8_t *)end->iov_base + end->iov_len == page)
            end->iov_len += XLM_PAGE_BYTES;
        else
            part[(*count)++] = (struct iovec){page, XLM_PAGE_BYTES};
    }
    *stable = unmaps == in->memory.unmaps;
    return 0;
}

/* One page at a time, for the case that mappings come and go. */
static int read_slowly(struct intake *in, struct conn *conn, const struct xlm_pages *p)
{
    struct walk w = walk_start(p);
    for (uint32_t i = 0; i < p->page_count; i++) {
        struct iovec part = {in->bounce, XLM_PAGE_BYTES};
        if (conn_read_data(conn, &part, 1) < 0)
            return -1;
        void *page = memory_page(&in->memory, walk_next(in, &w), true, in->failure);
        if (!page)
            return -1;
        memcpy(page, in->bounce, XLM_PAGE_BYTES);
    }
    return 0;
}

static int place_copy(struct intake *in, const struct xlm_pages *p, const uint8_t *data)
{
    struct walk w = walk_start(p);
    for (uint32_t i = 0; i < p->page_count; i++) {
        void *page = memory_page(&in->memory, walk_next(in, &w), true, in->failure);
        if (!page)
            return -1;
        memcpy(page, data + (size_t)i * XLM_PAGE_BYTES, XLM_PAGE_BYTES);
    }
    return 0;
}

/* A page of the new domain may hold what its builder left there; reading is cheaper than writing where it does not. */
static int place_zero(struct intake *in, const struct xlm_header *h, uint64_t offset, const struct xlm_pages *p)
{
    struct walk w = walk_start(p);
    for (uint32_t i = 0; i < p->page_count; i++) {
        uint64_t slot = walk_next(in, &w);
        void *page = memory_page(&in->memory, slot, true, in->failure);
        if (!page)
            return -1;
        if (!codec_page_is_zero(page))
            memset(page, 0, XLM_PAGE_BYTES);
        note_page(in, slot, true, h, offset);
    }
    in->zero_pages += p->page_count;
    return 0;
}

static struct intake_queued *queue(struct intake *in, const struct record *record)
{
    struct intake_queued *q = calloc(1, sizeof *q);
    if (q) {
        q->header = record->header;
        q->offset = record->offset;
        q->checked = malloc(record->checked_length);
        q->data = record->data_length ? malloc(record->data_length) : NULL;
    }
    if (!q || !q->checked || (record->data_length && !q->data)) {
        if (q)
            free_queued(q);
        fail(in->failure, XLM_E_MEMORY, "no memory for pages that come before the domain");
        return NULL;
    }
    memcpy(q->checked, record->payload, record->checked_length);
    *in->last = q;
    in->last = &q->next;
    in->queued_bytes += record->checked_length + record->data_length;
    return q;
}

int intake_pages(struct intake *in, struct conn *conn, const struct record *record)
{
    const struct xlm_pages *p = (const struct xlm_pages *)record->payload;
    struct iovec part[XLM_PAGES_MAX];
    int count;
    bool stable;
    if (check_frames(in, &record->header, record->offset, p) < 0)
        return -1;
    if (!in->ready) {
        struct intake_queued *q = queue(in, record);
        if (!q)
            return -1;
        part[0] = (struct iovec){q->data, record->data_length};
        return conn_read_data(conn, part, 1);
    }
    if (gather(in, p, part, &count, &stable) < 0)
        return -1;
    if ((stable ? conn_read_data(conn, part, count) : read_slowly(in, conn, p)) < 0)
        return -1;
    return verify(in, &record->header, record->offset, p);
}

int intake_zero(struct intake *in, const struct record *record)
{
    const struct xlm_pages *p = (const struct xlm_pages *)record->payload;
    if (check_frames(in, &record->header, record->offset, p) < 0)
        return -1;
    if (!in->ready)
        return queue(in, record) ? 0 : -1;
    return place_zero(in, &record->header, record->offset, p);
}

int intake_attach(struct intake *in, uint32_t domid)
{
    memory_attach(&in->memory, domid, true);
    in->ready = true;
    while (in->first) {
        struct intake_queued *q = in->first;
        const struct xlm_pages *p = (const struct xlm_pages *)q->checked;
        int error = q->header.type == XLM_ZERO ? place_zero(in, &q->header, q->offset, p)
                    : place_copy(in, p, q->data) < 0 ? -1 : verify(in, &q->header, q->offset, p);
        if (error < 0)
            return -1;
        in->first = q->next;
        free_queued(q);
    }
    in->last = &in->first;
    in->queued_bytes = 0;
    return 0;
}

static int damaged(struct intake *in, const uint64_t *bad)
{
    uint64_t slots = in->memory.slots, slot = bits_next(bad, slots, 0);
    if (slot == slots)
        return 0;
    return fail_record(in->failure, XLM_E_DAMAGED, XLM_PAGES, in->where[slot].index, in->where[slot].offset,
                       "the page of frame %llx was damaged on the way", (unsigned long long)memory_gfn(&in->memory, slot));
}

int intake_round_end(struct intake *in, const struct xlm_round *round)
{
    if (round->round != in->round)
        return fail(in->failure, XLM_E_STREAM, "round %u ends where %u should", round->round, in->round);
    /* A page that was wrong a round ago because it was being written has been sent again by now. */
    if (damaged(in, in->bad_before) < 0 || ((round->flags & XLM_ROUND_FINAL) && damaged(in, in->bad_now) < 0))
        return -1;
    uint64_t *old = in->bad_before;
    in->bad_before = in->bad_now;
    in->bad_now = old;
    in->round++;
    return 0;
}

static int mark_ranges(struct intake *in, uint64_t *want, const struct xlm_run *range, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint64_t n = 0; n < range[i].count; n++) {
            uint64_t slot = memory_slot(&in->memory, range[i].gfn + n);
            if (slot == NO_SLOT || bit_get(want, slot))
                return fail(in->failure, XLM_E_STREAM, "frame %" PRIx64 " of its ranges is outside the guest or there twice",
                            range[i].gfn + n);
            bit_set(want, slot);
        }
    return 0;
}

static int settle_frames(struct intake *in, const uint64_t *want)
{
    uint64_t slots = in->memory.slots, pages;
    if (memory_scan_all(&in->memory, &pages, in->failure) < 0)
        return -1;
    for (uint64_t slot = bits_next(want, slots, 0); slot < slots; slot = bits_next(want, slots, slot + 1))
        if (!bit_get(in->got, slot))
            return fail(in->failure, XLM_E_STREAM, "frame %llx never came",
                        (unsigned long long)memory_gfn(&in->memory, slot));
    for (uint64_t slot = bits_next(in->memory.populated, slots, 0); slot < slots;
         slot = bits_next(in->memory.populated, slots, slot + 1))
        if (!bit_get(want, slot) && memory_punch(&in->memory, slot, in->failure) < 0)
            return -1;
    return 0;
}

int intake_finish(struct intake *in, const struct xlm_run *range, uint32_t count, uint64_t *populated)
{
    if (damaged(in, in->bad_before) < 0 || damaged(in, in->bad_now) < 0)
        return -1;
    uint64_t *want = bits_new(in->memory.slots);
    if (!want)
        return fail(in->failure, XLM_E_MEMORY, "no memory");
    int error = mark_ranges(in, want, range, count) < 0 ? -1 : settle_frames(in, want);
    *populated = bits_count(want, in->memory.slots);
    free(want);
    return error;
}
