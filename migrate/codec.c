/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec.h"

#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the structures are the wire's bytes");

/* Name, smallest and greatest payload length, by type. */
static const struct {
    const char *name;
    uint32_t fixed, cap;
} type_info[XLM_TYPE_COUNT] = {
#define EXACT(t, n, s) [t] = { n, sizeof(s), sizeof(s) }
    EXACT(XLM_HELLO, "HELLO", struct xlm_hello),
    [XLM_ERROR] = { "ERROR", sizeof(struct xlm_error), sizeof(struct xlm_error) + XLM_TEXT_MAX },
    EXACT(XLM_PING, "PING", struct xlm_ping),
    EXACT(XLM_PONG, "PONG", struct xlm_pong),
    [XLM_DOMAIN] = { "DOMAIN", sizeof(struct xlm_domain),
                     sizeof(struct xlm_domain) + XLM_CONFIG_MAX + XLM_CONTEXT_MAX +
                         2 * XLM_PATH_MAX + 32 },
    [XLM_ACCEPT] = { "ACCEPT", sizeof(struct xlm_accept),
                     sizeof(struct xlm_accept) + XLM_TEXT_MAX },
    [XLM_FILE] = { "FILE", sizeof(struct xlm_file), sizeof(struct xlm_file) + XLM_FILE_CHUNK },
    [XLM_PAGES] = { "PAGES", sizeof(struct xlm_pages),
                    sizeof(struct xlm_pages) +
                        XLM_PAGES_MAX *(sizeof(struct xlm_run) + 8 + XLM_PAGE_BYTES) },
    [XLM_ZERO] = { "ZERO", sizeof(struct xlm_pages),
                   sizeof(struct xlm_pages) + XLM_RUNS_MAX * sizeof(struct xlm_run) },
    EXACT(XLM_ROUND, "ROUND", struct xlm_round),
    EXACT(XLM_ROUND_ACK, "ROUND_ACK", struct xlm_round_ack),
    [XLM_STATE] = { "STATE", sizeof(struct xlm_state),
                    sizeof(struct xlm_state) + XLM_CONTEXT_MAX +
                        XLM_RUNS_MAX * sizeof(struct xlm_run) + XLM_NODE_BYTES_MAX },
    EXACT(XLM_END, "END", struct xlm_end),
    [XLM_VERIFIED] = { "VERIFIED", 0, 0 },
    [XLM_COMMIT] = { "COMMIT", 0, 0 },
    EXACT(XLM_RUNNING, "RUNNING", struct xlm_running),
    [XLM_DONE] = { "DONE", 0, 0 },
    EXACT(XLM_RESOLVE, "RESOLVE", struct xlm_resolve),
    EXACT(XLM_RESOLVED, "RESOLVED", struct xlm_resolved),
    EXACT(XLM_WANT, "WANT", struct xlm_want),
#undef EXACT
};

const char *codec_type_name(uint32_t type)
{
    return type < XLM_TYPE_COUNT && type_info[type].name ? type_info[type].name : "unknown";
}

int codec_fail(struct failure *f, uint32_t code, uint32_t type, uint64_t index, uint64_t offset,
               const char *format, ...)
{
    if (f->code)
        return -1;
    f->code = code;
    f->record_type = type;
    f->record_index = index;
    f->record_offset = offset;
    int n = snprintf(f->text, sizeof(f->text),
                     "record %llu (%s) at offset %llu: ", (unsigned long long)index,
                     codec_type_name(type), (unsigned long long)offset);
    va_list args;
    va_start(args, format);
    vsnprintf(f->text + n, sizeof(f->text) - (size_t)n, format, args);
    va_end(args);
    return -1;
}

uint64_t codec_page_sum(const void *page) { return XXH64(page, XLM_PAGE_BYTES, 0); }

bool codec_page_is_zero(const void *page)
{
    const uint64_t *word = page;
    for (unsigned i = 0; i < XLM_PAGE_BYTES / 8; i += 8)
        if (word[i] | word[i + 1] | word[i + 2] | word[i + 3] | word[i + 4] | word[i + 5] |
            word[i + 6] | word[i + 7])
            return false;
    return true;
}

static uint64_t sum_start(XXH64_state_t *state, const struct xlm_header *header)
{
    struct xlm_header copy = *header;
    copy.checksum = 0;
    copy.header_sum = 0;
    XXH64_reset(state, 0);
    XXH64_update(state, &copy, sizeof(copy));
    return header->checksum;
}

static uint32_t header_sum(const struct xlm_header *header)
{
    XXH64_state_t state;
    sum_start(&state, header);
    return (uint32_t)XXH64_digest(&state);
}

void codec_seal(struct xlm_header *header, const struct iovec *checked, int count)
{
    XXH64_state_t state;
    header->magic = XLM_RECORD_MAGIC;
    header->header_sum = header_sum(header);
    sum_start(&state, header);
    for (int i = 0; i < count; i++)
        if (checked[i].iov_len)
            XXH64_update(&state, checked[i].iov_base, checked[i].iov_len);
    header->checksum = XXH64_digest(&state);
}

bool codec_sum_ok(const struct xlm_header *header, const void *checked, size_t length)
{
    XXH64_state_t state;
    uint64_t want = sum_start(&state, header);
    if (length)
        XXH64_update(&state, checked, length);
    return XXH64_digest(&state) == want;
}

int codec_check_header(const struct xlm_header *h, uint64_t index, uint64_t offset,
                       struct failure *f)
{
    uint32_t type = h->type;
#define BAD(...) return codec_fail(f, XLM_E_STREAM, type, index, offset, __VA_ARGS__)
    if (h->magic != XLM_RECORD_MAGIC)
        BAD("no record starts here (magic number %08x)", h->magic);
    if (h->header_sum != header_sum(h))
        return codec_fail(f, XLM_E_DAMAGED, type, index, offset,
                          "the header was damaged on the way");
    if (h->index != index)
        BAD("out of order: the header has the index %llu", (unsigned long long)h->index);
    if (h->stream)
        BAD("the header has stream %u, which must be 0", h->stream);
    if (type & XLM_OPTIONAL) {
        if (h->length > XLM_FILE_CHUNK)
            BAD("an optional record of %u bytes is too long", h->length);
        return 0;
    }
    if (type >= XLM_TYPE_COUNT || !type_info[type].name)
        BAD("unknown type %u", type);
    if (h->length > type_info[type].cap || h->length < type_info[type].fixed)
        BAD("length %u is not within %u to %u", h->length, type_info[type].fixed,
            type_info[type].cap);
    return 0;
}

int codec_checked_length(const struct xlm_header *h, const struct xlm_pages *p, uint64_t offset,
                         size_t *length, struct failure *f)
{
    *length = h->length;
    if (h->type != XLM_PAGES)
        return 0;
    uint32_t type = h->type;
    uint64_t index = h->index;
    if (p->page_count == 0 || p->page_count > XLM_PAGES_MAX || p->run_count == 0 ||
        p->run_count > p->page_count)
        BAD("%u pages in %u runs are not allowed", p->page_count, p->run_count);
    if (p->codec != XLM_RAW)
        BAD("unknown codec %u", p->codec);
    size_t checked = sizeof(*p) + p->run_count * sizeof(struct xlm_run) +
                     p->page_count * sizeof(uint64_t);
    if (h->length != checked + (size_t)p->page_count * XLM_PAGE_BYTES)
        BAD("length %u does not fit %u pages in %u runs", h->length, p->page_count, p->run_count);
    *length = checked;
    return 0;
}

static int check_runs(const struct xlm_header *h, const struct xlm_run *run, uint32_t count,
                      uint64_t offset, uint64_t *pages, struct failure *f)
{
    uint32_t type = h->type;
    uint64_t index = h->index;
    *pages = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (run[i].count == 0 || run[i].count > XLM_GUEST_PAGES_MAX || run[i].gfn >> 40)
            BAD("run %u is not valid: %llu frames from %llx on", i,
                (unsigned long long)run[i].count, (unsigned long long)run[i].gfn);
        *pages += run[i].count;
    }
    return 0;
}

static int check_pages(const struct xlm_header *h, const struct xlm_pages *p, size_t length,
                       uint64_t offset, struct failure *f)
{
    uint32_t type = h->type;
    uint64_t index = h->index, pages;
    size_t runs = length - sizeof(*p);
    if (type == XLM_PAGES)
        runs -= p->page_count * sizeof(uint64_t);
    if (p->codec || p->run_count == 0 || runs != p->run_count * sizeof(struct xlm_run))
        BAD("%u runs do not fit its length", p->run_count);
    if (check_runs(h, (const struct xlm_run *)(p + 1), p->run_count, offset, &pages, f) < 0)
        return -1;
    if (pages != p->page_count)
        BAD("its runs have %llu pages, but its page count is %u", (unsigned long long)pages,
            p->page_count);
    return 0;
}

static size_t path_bytes(const struct xlm_domain *d, int i)
{
    return xlm_pad(d->file[i].path_length);
}

static int check_domain(const struct xlm_header *h, const struct xlm_domain *d, size_t length,
                        uint64_t offset, struct failure *f)
{
    uint32_t type = h->type;
    uint64_t index = h->index;
    if (d->config_length > XLM_CONFIG_MAX || d->context_length > XLM_CONTEXT_MAX)
        BAD("a configuration of %u bytes or a context of %u bytes is too long", d->config_length,
            d->context_length);
    size_t want = sizeof(*d) + xlm_pad(d->config_length) + xlm_pad(d->context_length);
    for (int i = 0; i < XLM_FILE_KINDS; i++) {
        const struct xlm_file_offer *o = &d->file[i];
        if (o->path_length >= XLM_PATH_MAX || o->size > XLM_FILE_MAX || o->pad ||
            (o->size == 0) != (o->path_length == 0))
            BAD("file %d is not valid: %llu bytes, a path of %u bytes", i,
                (unsigned long long)o->size, o->path_length);
        want += path_bytes(d, i);
    }
    if (want != length || d->pad)
        BAD("its parts take %zu bytes", want);
    if (!memchr(d->name, 0, sizeof(d->name)) || !d->name[0])
        BAD("the name is empty or does not end");
    if (d->vcpu_count == 0 || d->vcpu_count > XLM_VCPUS_MAX)
        BAD("%u vCPUs are not allowed", d->vcpu_count);
    if (d->max_pages == 0 || d->max_pages > XLM_GUEST_PAGES_MAX || d->tot_pages > d->max_pages)
        BAD("%llu pages of at most %llu are not allowed", (unsigned long long)d->tot_pages,
            (unsigned long long)d->max_pages);
    struct domain_parts parts;
    codec_domain_parts(d, &parts);
    if (memchr(parts.config, 0, d->config_length))
        BAD("the configuration contains a NUL");
    for (int i = 0; i < XLM_FILE_KINDS; i++)
        if (memchr(parts.path[i], 0, d->file[i].path_length))
            BAD("a path contains a NUL");
    return 0;
}

void codec_domain_parts(const struct xlm_domain *d, struct domain_parts *parts)
{
    const uint8_t *at = (const uint8_t *)(d + 1);
    parts->config = (const char *)at;
    at += xlm_pad(d->config_length);
    parts->context = at;
    at += xlm_pad(d->context_length);
    for (int i = 0; i < XLM_FILE_KINDS; at += path_bytes(d, i), i++)
        parts->path[i] = (const char *)at;
}

void codec_state_parts(const struct xlm_state *s, struct state_parts *parts)
{
    const uint8_t *at = (const uint8_t *)(s + 1);
    parts->context = at;
    at += xlm_pad(s->context_length);
    parts->range = (const struct xlm_run *)at;
    parts->nodes = at + s->range_count * sizeof(struct xlm_run);
}

bool codec_next_node(const uint8_t *bytes, size_t length, size_t *at, const char **path,
                     const uint8_t **value, uint32_t *value_length)
{
    if (*at >= length)
        return false;
    const uint8_t *start = bytes + *at, *end = memchr(start, 0, length - *at);
    if (!end || (size_t)(bytes + length - end) < 1 + sizeof(uint32_t))
        return false;
    memcpy(value_length, end + 1, sizeof(uint32_t));
    *path = (const char *)start;
    *value = end + 1 + sizeof(uint32_t);
    if (*value_length > (size_t)(bytes + length - *value))
        return false;
    *at = (size_t)(*value + *value_length - bytes);
    return true;
}

static int check_state(const struct xlm_header *h, const struct xlm_state *s, size_t length,
                       uint64_t offset, struct failure *f)
{
    uint32_t type = h->type;
    uint64_t index = h->index, pages;
    if (s->context_length > XLM_CONTEXT_MAX || s->range_count > XLM_RUNS_MAX ||
        s->node_count > XLM_NODES_MAX || s->node_bytes > XLM_NODE_BYTES_MAX)
        BAD("too long: context of %u bytes, %u ranges, %u nodes of %u bytes", s->context_length,
            s->range_count, s->node_count, s->node_bytes);
    size_t want = sizeof(*s) + xlm_pad(s->context_length) +
                  s->range_count * sizeof(struct xlm_run) + xlm_pad(s->node_bytes);
    if (want != length)
        BAD("its parts take %zu bytes", want);
    struct state_parts parts;
    codec_state_parts(s, &parts);
    if (check_runs(h, parts.range, s->range_count, offset, &pages, f) < 0)
        return -1;
    size_t at = 0;
    const char *path;
    const uint8_t *value;
    uint32_t n = 0, value_length;
    while (codec_next_node(parts.nodes, s->node_bytes, &at, &path, &value, &value_length))
        n++;
    if (n != s->node_count || at != s->node_bytes)
        BAD("%u xenstore nodes, but its node count is %u", n, s->node_count);
    return 0;
}

int codec_check_payload(const struct xlm_header *h, const void *checked, size_t length,
                        uint64_t offset, struct failure *f)
{
    uint32_t type = h->type;
    uint64_t index = h->index;
    switch (type) {
    case XLM_PAGES:
    case XLM_ZERO: return check_pages(h, checked, length, offset, f);
    case XLM_DOMAIN: return check_domain(h, checked, length, offset, f);
    case XLM_STATE: return check_state(h, checked, length, offset, f);
    case XLM_FILE: {
        const struct xlm_file *file = checked;
        if (file->kind >= XLM_FILE_KINDS || file->pad || file->offset > XLM_FILE_MAX)
            BAD("file %u at offset %llu is not valid", file->kind,
                (unsigned long long)file->offset);
        return 0;
    }
    case XLM_HELLO: {
        const struct xlm_hello *hello = checked;
        if (hello->magic != XLM_HELLO_MAGIC || hello->pad)
            BAD("its magic number is wrong");
        return 0;
    }
    default: return 0;
    }
#undef BAD
}
