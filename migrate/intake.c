/* SPDX-License-Identifier: BSD-2-Clause */
#include "intake.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

/* A record that arrived before the domain existed: its checked part and its page data. */
struct intake_queued {
    struct intake_queued *next;
    struct xlm_header header;
    uint64_t offset;
    uint8_t *checked, *data;
};

int intake_init(struct intake *in, struct backend *backend, uint64_t max_pages, struct failure *f)
{
    memset(in, 0, sizeof(*in));
    in->failure = f;
    in->last = &in->first;
    in->round = 1;
    if (memory_init(&in->memory, backend, max_pages, f) < 0)
        return -1;
    uint64_t slots = in->memory.slots;
    in->got = bits_new(slots);
    in->blank = bits_new(slots);
    in->bad_now = bits_new(slots);
    in->bad_before = bits_new(slots);
    in->where = calloc_many(slots, sizeof(*in->where));
    if (in->got && in->blank && in->bad_now && in->bad_before && in->where)
        return 0;
    intake_free(in);
    return fail(f, XLM_E_MEMORY, "no memory to receive a guest of %llu pages",
                (unsigned long long)max_pages);
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
    free(in->blank);
    free(in->bad_now);
    free(in->bad_before);
    free(in->where);
    memset(in, 0, sizeof(*in));
}

static int bad_record(struct intake *in, const struct xlm_header *h, uint64_t offset,
                      const char *what, uint64_t value)
{
    return codec_fail(in->failure, XLM_E_STREAM, h->type, h->index, offset, what,
                      (unsigned long long)value);
}

/* Checks that the record is of the current round, and that all of its frames are inside the
 * guest. */
static int check_frames(struct intake *in, const struct xlm_header *h, uint64_t offset,
                        const struct xlm_pages *p)
{
    const struct xlm_run *run = (const struct xlm_run *)(p + 1);
    if (p->round != in->round)
        return bad_record(in, h, offset, "it is of round %llu, which is not the current one",
                          p->round);
    for (uint32_t i = 0; i < p->run_count; i++) {
        uint64_t first = memory_slot(&in->memory, run[i].gfn),
                 last = memory_slot(&in->memory, run[i].gfn + run[i].count - 1);
        if (first == NO_SLOT || last == NO_SLOT || last - first != run[i].count - 1)
            return bad_record(in, h, offset, "frame %llx is outside the guest",
                              first == NO_SLOT ? run[i].gfn : run[i].gfn + run[i].count - 1);
    }
    return 0;
}

/* Iterates over the slots of a record's runs. */
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
    return (struct walk){ (const struct xlm_run *)(p + 1), 0 };
}

static void note_page(struct intake *in, uint64_t slot, bool good, const struct xlm_header *h,
                      uint64_t offset)
{
    bit_set(in->got, slot);
    bit_clear(in->bad_before, slot);
    if (good) {
        bit_clear(in->bad_now, slot);
        return;
    }
    bit_set(in->bad_now, slot);
    in->where[slot] = (struct intake_origin){ h->index, offset };
}

/* Maps slots that must all be populated. */
static int map_all(struct intake *in, const uint64_t *slot, uint32_t count, struct memory_window *w)
{
    if (memory_map(&in->memory, slot, count, w, in->failure) < 0)
        return -1;
    for (uint32_t i = 0; i < count; i++)
        if (w->error[i]) {
            memory_unmap(&in->memory, w);
            return fail(in->failure, XLM_E_MEMORY, "frame %llx cannot be mapped: %s",
                        (unsigned long long)memory_gfn(&in->memory, slot[i]),
                        strerror(w->error[i]));
        }
    return 0;
}

/* Determines the slots of a record, and populates those that are holes. */
static int take_slots(struct intake *in, const struct xlm_pages *p, uint64_t *slot)
{
    struct walk walk = walk_start(p);
    for (uint32_t i = 0; i < p->page_count; i++) {
        slot[i] = walk_next(in, &walk);
        if (memory_populate(&in->memory, slot[i], in->failure) < 0)
            return -1;
        bit_clear(in->blank, slot[i]);
    }
    return 0;
}

/* Writes a record's pages to guest memory, from the queue (`data`) or from the connection, and
 * then compares their checksums. */
static int write_pages(struct intake *in, const struct xlm_header *h, uint64_t offset,
                       const struct xlm_pages *p, const uint8_t *data, struct conn *conn)
{
    uint64_t slot[BACKEND_MAP_MAX] = { 0 };
    struct memory_window w;
    const uint64_t *sum = (const uint64_t *)((const struct xlm_run *)(p + 1) + p->run_count);
    struct iovec all = { NULL, (size_t)p->page_count * XLM_PAGE_BYTES };
    if (take_slots(in, p, slot) < 0 || map_all(in, slot, p->page_count, &w) < 0)
        return -1;
    all.iov_base = w.va;
    int error = 0;
    if (data)
        memcpy(w.va, data, all.iov_len);
    else
        error = conn_read_data(conn, &all, 1);
    for (uint32_t i = 0; i < p->page_count && !error; i++)
        note_page(in, slot[i], codec_page_sum(w.va + (size_t)i * XLM_PAGE_BYTES) == sum[i], h,
                  offset);
    memory_unmap(&in->memory, &w);
    in->pages += p->page_count;
    return error;
}

/* Clears pages that may contain data. A page is read first, because reading is cheaper than
 * writing, and most of these pages are zero already. */
static int clear_pages(struct intake *in, const uint64_t *slot, uint32_t count)
{
    struct memory_window w;
    if (!count)
        return 0;
    if (map_all(in, slot, count, &w) < 0)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *page = w.va + (size_t)i * XLM_PAGE_BYTES;
        if (!codec_page_is_zero(page))
            memset(page, 0, XLM_PAGE_BYTES);
    }
    memory_unmap(&in->memory, &w);
    return 0;
}

static int write_zero_pages(struct intake *in, const struct xlm_header *h, uint64_t offset,
                            const struct xlm_pages *p)
{
    uint64_t slot[BACKEND_MAP_MAX] = { 0 };
    struct walk walk = walk_start(p);
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->page_count; i++) {
        uint64_t s = walk_next(in, &walk);
        note_page(in, s, true, h, offset);
        if (memory_populate(&in->memory, s, in->failure) < 0)
            return -1;
        if (bit_get(in->blank, s))
            continue;
        slot[n++] = s;
        if (n == BACKEND_MAP_MAX) {
            if (clear_pages(in, slot, n) < 0)
                return -1;
            n = 0;
        }
    }
    in->zero_pages += p->page_count;
    return clear_pages(in, slot, n);
}

static struct intake_queued *queue(struct intake *in, const struct record *record)
{
    struct intake_queued *q = calloc(1, sizeof(*q));
    if (q) {
        q->header = record->header;
        q->offset = record->offset;
        q->checked = malloc(record->checked_length);
        q->data = record->data_length ? malloc(record->data_length) : NULL;
    }
    if (!q || !q->checked || (record->data_length && !q->data)) {
        if (q)
            free_queued(q);
        fail(in->failure, XLM_E_MEMORY, "no memory to buffer pages until the domain exists");
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
    if (check_frames(in, &record->header, record->offset, p) < 0)
        return -1;
    if (in->ready)
        return write_pages(in, &record->header, record->offset, p, NULL, conn);
    struct intake_queued *q = queue(in, record);
    if (!q)
        return -1;
    struct iovec part = { q->data, record->data_length };
    return conn_read_data(conn, &part, 1);
}

int intake_zero(struct intake *in, const struct record *record)
{
    const struct xlm_pages *p = (const struct xlm_pages *)record->payload;
    if (check_frames(in, &record->header, record->offset, p) < 0)
        return -1;
    if (!in->ready)
        return queue(in, record) ? 0 : -1;
    return write_zero_pages(in, &record->header, record->offset, p);
}

/* Finds the pages of the new domain that have never been written. */
static int find_blank(struct intake *in)
{
    struct memory *m = &in->memory;
    uint64_t pages, *written = bits_new(m->gfn_end);
    if (!written)
        return fail(in->failure, XLM_E_MEMORY, "no memory");
    int error = memory_scan(m, &pages, NULL, in->failure);
    if (!error && (error = backend_written(m->backend, m->domid, written, m->gfn_end)) < 0)
        fail(in->failure, XLM_E_INTERNAL,
             "cannot read which pages of the new domain have been written: %s", strerror(-error));
    for (uint64_t slot = bits_next(m->populated, m->slots, 0); !error && slot < m->slots;
         slot = bits_next(m->populated, m->slots, slot + 1))
        if (!bit_get(written, memory_gfn(m, slot)))
            bit_set(in->blank, slot);
    free(written);
    return error ? -1 : 0;
}

int intake_attach(struct intake *in, uint32_t domid)
{
    memory_attach(&in->memory, domid, true);
    if (find_blank(in) < 0)
        return -1;
    in->ready = true;
    while (in->first) {
        struct intake_queued *q = in->first;
        const struct xlm_pages *p = (const struct xlm_pages *)q->checked;
        int error = q->header.type == XLM_ZERO
                        ? write_zero_pages(in, &q->header, q->offset, p)
                        : write_pages(in, &q->header, q->offset, p, q->data, NULL);
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
    return codec_fail(in->failure, XLM_E_DAMAGED, XLM_PAGES, in->where[slot].index,
                      in->where[slot].offset, "the page of frame %llx was damaged on the way",
                      (unsigned long long)memory_gfn(&in->memory, slot));
}

int intake_round_end(struct intake *in, const struct xlm_round *round)
{
    if (round->round != in->round)
        return fail(in->failure, XLM_E_STREAM, "ROUND has the number %u, but %u was expected",
                    round->round, in->round);
    /* A page whose checksum was wrong in the previous round because the guest wrote it has come
     * again by now. */
    if (damaged(in, in->bad_before) < 0 ||
        ((round->flags & XLM_ROUND_FINAL) && damaged(in, in->bad_now) < 0))
        return -1;
    uint64_t *old = in->bad_before;
    in->bad_before = in->bad_now;
    in->bad_now = old;
    in->round++;
    return 0;
}

static int mark_ranges(struct intake *in, uint64_t *want, const struct xlm_run *range,
                       uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint64_t n = 0; n < range[i].count; n++) {
            uint64_t slot = memory_slot(&in->memory, range[i].gfn + n);
            if (slot == NO_SLOT || bit_get(want, slot))
                return fail(in->failure, XLM_E_STREAM,
                            "STATE lists frame %" PRIx64 " twice, or it is outside the guest",
                            range[i].gfn + n);
            bit_set(want, slot);
        }
    return 0;
}

static int match_frames(struct intake *in, const uint64_t *want)
{
    uint64_t slots = in->memory.slots;
    for (uint64_t slot = bits_next(want, slots, 0); slot < slots;
         slot = bits_next(want, slots, slot + 1))
        if (!bit_get(in->got, slot))
            return fail(in->failure, XLM_E_STREAM, "frame %llx is populated but was never sent",
                        (unsigned long long)memory_gfn(&in->memory, slot));
    for (uint64_t slot = bits_next(in->memory.populated, slots, 0); slot < slots;
         slot = bits_next(in->memory.populated, slots, slot + 1))
        if (!bit_get(want, slot) && memory_punch(&in->memory, slot, in->failure) < 0)
            return -1;
    return 0;
}

int intake_finish(struct intake *in, const struct xlm_run *range, uint32_t count,
                  uint64_t *populated)
{
    if (damaged(in, in->bad_before) < 0 || damaged(in, in->bad_now) < 0)
        return -1;
    uint64_t *want = bits_new(in->memory.slots);
    if (!want)
        return fail(in->failure, XLM_E_MEMORY, "no memory");
    int error = mark_ranges(in, want, range, count) < 0 ? -1 : match_frames(in, want);
    *populated = bits_count(want, in->memory.slots);
    free(want);
    return error;
}
