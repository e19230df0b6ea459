/* SPDX-License-Identifier: BSD-2-Clause */
#include "outflow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

int outflow_init(struct outflow *out, struct backend *backend, const struct memory *memory,
                 struct failure *f)
{
    memset(out, 0, sizeof(*out));
    out->failure = f;
    out->memory = *memory;
    out->memory.backend = backend;
    out->todo = bits_new(memory->slots);
    out->log = bits_new(memory->gfn_end);
    out->copy = aligned_alloc(64, (size_t)OUTFLOW_BATCH * XLM_PAGE_BYTES);
    if (out->todo && out->log && out->copy)
        return 0;
    outflow_free(out);
    return fail(f, XLM_E_MEMORY, "no memory to send a guest");
}

void outflow_free(struct outflow *out)
{
    memory_free(&out->memory);
    free(out->todo);
    free(out->log);
    free(out->copy);
    memset(out, 0, sizeof(*out));
}

int outflow_harvest(struct outflow *out, uint64_t *dirty)
{
    struct memory *m = &out->memory;
    int error = backend_log_harvest(m->backend, m->domid, out->log, m->gfn_end);
    if (error < 0)
        return fail(out->failure, XLM_E_INTERNAL, "cannot read the dirty log: %s",
                    strerror(-error));
    for (int i = 0; i < m->bank_count; i++) {
        uint64_t end = m->bank[i].gfn + m->bank[i].count;
        for (uint64_t g = bits_next(out->log, end, m->bank[i].gfn); g < end;
             g = bits_next(out->log, end, g + 1)) {
            uint64_t slot = m->bank[i].slot + (g - m->bank[i].gfn);
            if (bit_get(m->populated, slot))
                bit_set(out->todo, slot);
            else
                out->holes_moved = true;
        }
    }
    *dirty = bits_count(out->todo, m->slots);
    return 0;
}

int outflow_rescan(struct outflow *out)
{
    struct memory *m = &out->memory;
    uint64_t pages, *before = bits_new(m->slots);
    size_t words = (size_t)((m->slots + 63) / 64);
    if (!before)
        return fail(out->failure, XLM_E_MEMORY, "no memory");
    memcpy(before, m->populated, words * sizeof(*before));
    int error = memory_scan(m, &pages, NULL, out->failure);
    for (size_t i = 0; i < words && !error; i++)
        out->todo[i] = (out->todo[i] | ~before[i]) & m->populated[i];
    free(before);
    return error;
}

static int flush_zero(struct outflow *out)
{
    if (!out->zero_count)
        return 0;
    struct xlm_pages head = { out->round, XLM_RAW, out->zero_runs, out->zero_count };
    struct iovec part[2] = { { &head, sizeof(head) },
                             { out->zero_run, out->zero_runs * sizeof(*out->zero_run) } };
    out->round_zero_pages += out->zero_count;
    out->zero_count = out->zero_runs = 0;
    return conn_send(out->conn, XLM_ZERO, part, 2, 2);
}

static void add_run(struct xlm_run *run, uint32_t *count, uint64_t gfn)
{
    struct xlm_run *last = *count ? &run[*count - 1] : NULL;
    if (last && last->gfn + last->count == gfn)
        last->count++;
    else
        run[(*count)++] = (struct xlm_run){ gfn, 1 };
}

static int add_zero(struct outflow *out, uint64_t gfn)
{
    add_run(out->zero_run, &out->zero_runs, gfn);
    out->zero_count++;
    return out->zero_runs == OUTFLOW_BATCH ? flush_zero(out) : 0;
}

/* The pages of a window that go into one PAGES record. */
struct batch {
    uint32_t pages, runs, parts;
    struct xlm_run run[OUTFLOW_BATCH];
    uint64_t sum[OUTFLOW_BATCH];
    struct iovec
        part[3 + OUTFLOW_BATCH]; /* head, runs, sums, then pages; adjacent pages share one part */
};

static void add_page(struct batch *b, uint64_t gfn, const uint8_t *page)
{
    struct iovec *end = &b->part[b->parts - 1];
    add_run(b->run, &b->runs, gfn);
    b->sum[b->pages++] = codec_page_sum(page);
    if (b->parts > 3 && (const uint8_t *)end->iov_base + end->iov_len == page)
        end->iov_len += XLM_PAGE_BYTES;
    else
        b->part[b->parts++] = (struct iovec){ (void *)(uintptr_t)page, XLM_PAGE_BYTES };
}

/*
 * Sends the pages of a window that have data, and collects those of zeroes for a ZERO record. When
 * the guest is stopped, the daemons of console and xenstore still write to their rings. In the
 * final round the checksum must match, so each page is copied before it is hashed and sent.
 */
static int send_window(struct outflow *out, const uint64_t *slot, const struct memory_window *w)
{
    struct batch b = { .parts = 3 };
    for (uint32_t i = 0; i < w->count; i++) {
        const uint8_t *page = w->va + (size_t)i * XLM_PAGE_BYTES;
        uint64_t gfn = memory_gfn(&out->memory, slot[i]);
        if (w->error[i]) {
            out->holes_moved = true; /* the page has become a hole since the scan */
            continue;
        }
        if (out->final)
            page = memcpy(out->copy + (size_t)i * XLM_PAGE_BYTES, page, XLM_PAGE_BYTES);
        if (!codec_page_is_zero(page))
            add_page(&b, gfn, page);
        else if (add_zero(out, gfn) < 0)
            return -1;
    }
    if (!b.pages)
        return 0;
    struct xlm_pages head = { out->round, XLM_RAW, b.runs, b.pages };
    b.part[0] = (struct iovec){ &head, sizeof(head) };
    b.part[1] = (struct iovec){ b.run, b.runs * sizeof(*b.run) };
    b.part[2] = (struct iovec){ b.sum, b.pages * sizeof(*b.sum) };
    out->round_pages += b.pages;
    return conn_send(out->conn, XLM_PAGES, b.part, (int)b.parts, 3);
}

/* Sends the pages in `todo`; maps as many at a time as fit one record. */
static int send_todo(struct outflow *out)
{
    uint64_t slots = out->memory.slots, slot[OUTFLOW_BATCH] = { 0 },
             at = bits_next(out->todo, slots, 0);
    while (at < slots) {
        struct memory_window w;
        uint32_t n = 0;
        for (; at < slots && n < OUTFLOW_BATCH; at = bits_next(out->todo, slots, at + 1)) {
            slot[n++] = at;
            bit_clear(out->todo, at);
        }
        if (memory_map(&out->memory, slot, n, &w, out->failure) < 0)
            return -1;
        int error = send_window(out, slot, &w);
        memory_unmap(&out->memory, &w); /* the kernel has copied the data to the socket's buffer */
        if (error < 0 || (out->between && out->between(out->between_argument) < 0))
            return -1;
    }
    return 0;
}

static void begin_round(struct outflow *out)
{
    if (out->begun)
        return;
    out->begun = true;
    out->round++;
    out->round_pages = out->round_zero_pages = 0;
}

int outflow_start(struct outflow *out, uint64_t *populated)
{
    struct memory *m = &out->memory;
    uint64_t *zero = bits_new(m->slots);
    if (!zero)
        return fail(out->failure, XLM_E_MEMORY, "no memory");
    begin_round(out);
    int error = memory_scan(m, populated, zero, out->failure);
    for (uint64_t i = 0; i < (m->slots + 63) / 64; i++)
        out->todo[i] = m->populated[i] & ~zero[i];
    for (uint64_t slot = bits_next(zero, m->slots, 0); slot < m->slots && !error;
         slot = bits_next(zero, m->slots, slot + 1))
        error = add_zero(out, memory_gfn(m, slot));
    free(zero);
    return error < 0 ? -1 : flush_zero(out);
}

int outflow_round(struct outflow *out)
{
    begin_round(out);
    if (send_todo(out) < 0 || flush_zero(out) < 0)
        return -1;
    struct xlm_round round = { out->round, out->final ? XLM_ROUND_FINAL : 0, out->round_pages,
                               out->round_zero_pages };
    out->pages += out->round_pages;
    out->zero_pages += out->round_zero_pages;
    out->begun = false;
    return conn_send_struct(out->conn, XLM_ROUND, &round, sizeof(round));
}

struct xlm_run *outflow_ranges(struct outflow *out, uint32_t *count, uint64_t *populated)
{
    struct xlm_run *run = malloc(XLM_RUNS_MAX * sizeof(*run));
    uint64_t slots = out->memory.slots;
    *count = 0;
    *populated = bits_count(out->memory.populated, slots);
    if (!run) {
        fail(out->failure, XLM_E_MEMORY, "no memory");
        return NULL;
    }
    for (uint64_t s = bits_next(out->memory.populated, slots, 0); s < slots;
         s = bits_next(out->memory.populated, slots, s + 1)) {
        uint64_t gfn = memory_gfn(&out->memory, s);
        bool joins = *count && run[*count - 1].gfn + run[*count - 1].count == gfn;
        if (!joins && *count == XLM_RUNS_MAX) {
            fail(out->failure, XLM_E_MEMORY, "the guest's memory has more than %u holes",
                 XLM_RUNS_MAX);
            free(run);
            return NULL;
        }
        add_run(run, count, gfn);
    }
    return run;
}
