/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE 1
#include "fake_backend.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/hvm/save.h>

#include "../../migrate/config.h"
#include "../../migrate/backend.h"
#include "../../migrate/state.h"

#define MAGIC_PAGES 4u
#define SLOTS       (MAGIC_PAGES + FAKE_PAGES_MAX)

struct domain {
    bool exists, paused, suspended, logging;
    uint32_t domid, pages, vcpu_count, width;
    uint8_t uuid[16];
    char name[64], config[4096], node[64];
    uint64_t max_pages, target_kib, counter;
    int object;      /* SLOTS pages: magic, then RAM */
    uint8_t *memory; /* all pages, mapped */
    bool hole[SLOTS], dirty[SLOTS], built[SLOTS];
};

struct backend {
    int host;
    uint64_t create_ns;
    char create_path[512];
};

struct fake_options fake_options[2];
static struct domain domain[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int mappings;
static bool ran_twice, log_clash;
static uint32_t harvests, peeks;
static uint32_t next_domid;

static void enter(void) { pthread_mutex_lock(&lock); }
static void leave(void) { pthread_mutex_unlock(&lock); }

static bool runs(const struct domain *d) { return d->exists && !d->paused && !d->suspended; }

static void note_running(void) { ran_twice |= runs(&domain[0]) && runs(&domain[1]); }

static void drop(struct domain *d)
{
    if (d->memory) {
        munmap(d->memory, (size_t)SLOTS * 4096);
        close(d->object);
    }
    memset(d, 0, sizeof(*d));
}

void fake_reset(void)
{
    enter();
    for (int i = 0; i < 2; i++) {
        drop(&domain[i]);
        fake_options[i] = (struct fake_options){ .free_pages = 100000,
                                                 .gic = XLR_GIC_V3,
                                                 .isar0 = 0x11120,
                                                 .midr = 0x411fd070,
                                                 .el1_widths = 2 };
    }
    mappings = 0;
    ran_twice = log_clash = false;
    harvests = peeks = 0;
    leave();
}

static void make(struct domain *d, uint32_t pages)
{
    drop(d);
    d->exists = true;
    d->domid = ++next_domid;
    d->pages = pages;
    d->max_pages = pages + 256;
    d->object = memfd_create("guest", MFD_CLOEXEC);
    if (ftruncate(d->object, (off_t)SLOTS * 4096) < 0)
        abort();
    d->memory = mmap(NULL, (size_t)SLOTS * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, d->object, 0);
    for (uint32_t i = MAGIC_PAGES + pages; i < SLOTS; i++)
        d->hole[i] = true;
    d->target_kib = pages * 4;
}

void fake_make_guest(int host, const char *name, uint32_t pages, const char *kernel_path)
{
    struct domain *d = &domain[host];
    enter();
    make(d, pages);
    snprintf(d->name, sizeof(d->name), "%s", name);
    memset(d->uuid, 0x5a, sizeof(d->uuid));
    d->vcpu_count = 2;
    d->width = XLR_WIDTH_64;
    d->counter = 1000;
    snprintf(d->node, sizeof(d->node), "written by the guest");
    snprintf(d->config, sizeof(d->config),
             "name = \"%s\"\nmemory = %u\nvcpus = 2\nkernel = '%s'\nextra = \"console=hvc0\" # c\n",
             name, pages * 4 / 1024, kernel_path);
    leave();
}

static void pattern(uint64_t *page, uint32_t n, uint64_t sequence)
{
    for (uint64_t i = 0; i < 512; i++)
        page[i] = sequence ? (sequence * 0x9e3779b97f4a7c15ull) ^ ((uint64_t)n << 32) ^ i : 0;
}

bool fake_guest_write(int host, uint32_t n, uint64_t sequence)
{
    struct domain *d = &domain[host];
    enter();
    bool can = runs(d) && !d->hole[MAGIC_PAGES + n];
    if (can) {
        pattern((uint64_t *)(void *)(d->memory + (size_t)(MAGIC_PAGES + n) * 4096), n, sequence);
        d->dirty[MAGIC_PAGES + n] = true;
    }
    leave();
    return can;
}

bool fake_guest_check(int host, uint32_t n, uint64_t sequence)
{
    uint64_t want[512];
    pattern(want, n, sequence);
    enter();
    bool same = domain[host].exists &&
                !memcmp(want, domain[host].memory + (size_t)(MAGIC_PAGES + n) * 4096, 4096);
    leave();
    return same;
}

void fake_balloon(int host, uint32_t n, bool hole)
{
    enter();
    domain[host].hole[MAGIC_PAGES + n] = hole;
    memset(domain[host].memory + (size_t)(MAGIC_PAGES + n) * 4096, 0, 4096);
    domain[host].dirty[MAGIC_PAGES + n] |= !hole;
    leave();
}

bool fake_is_hole(int host, uint32_t n) { return domain[host].hole[MAGIC_PAGES + n]; }
bool fake_exists(int host) { return domain[host].exists; }
bool fake_logging(int host) { return domain[host].logging; }
const char *fake_name(int host) { return domain[host].name; }
uint64_t fake_counter(int host) { return domain[host].counter; }
const char *fake_node(int host) { return domain[host].node; }
uint32_t fake_width(int host) { return domain[host].width; }
void fake_set_width(int host, uint32_t width) { domain[host].width = width; }
const char *fake_config(int host) { return domain[host].config; }
int fake_mappings(void) { return mappings; }
bool fake_ran_twice(void) { return ran_twice; }
bool fake_log_clash(void) { return log_clash; }
uint32_t fake_harvests(void) { return harvests; }
uint32_t fake_peeks(void) { return peeks; }

bool fake_runs(int host)
{
    enter();
    bool does = runs(&domain[host]);
    leave();
    return does;
}

void fake_pause(int host, bool pause)
{
    enter();
    domain[host].paused = pause;
    note_running();
    leave();
}

void fake_suspend(int host, bool suspend)
{
    enter();
    domain[host].suspended = suspend;
    leave();
}

void fake_destroy(int host)
{
    enter();
    drop(&domain[host]);
    leave();
}

/* ---- migrate/backend.h ---- */

struct backend *backend_open(const char *host, struct failure *f)
{
    struct backend *backend = calloc(1, sizeof(*backend));
    if (!backend)
        fail(f, XLM_E_MEMORY, "no memory");
    else
        backend->host = host[0] - 'A';
    return backend;
}

void backend_close(struct backend *backend) { free(backend); }

static uint64_t populated(const struct domain *d)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < SLOTS; i++)
        n += !d->hole[i];
    return n;
}

static int describe(const struct domain *d, bool match, struct backend_domain *out)
{
    if (d->exists && match) {
        *out = (struct backend_domain){ .domid = d->domid,
                                        .vcpu_count = d->vcpu_count,
                                        .max_pages = d->max_pages,
                                        .tot_pages = populated(d),
                                        .paused = d->paused,
                                        .suspended = d->suspended,
                                        .shut_down = d->suspended };
        memcpy(out->uuid, d->uuid, 16);
        copy_text(out->name, sizeof(out->name), d->name);
    }
    leave();
    return d->exists && match ? 0 : -ESRCH;
}

int backend_find(struct backend *backend, const char *guest, struct backend_domain *d)
{
    enter();
    if (!strcmp(guest, "Domain-0")) {
        *d = (struct backend_domain){ .vcpu_count = 1 };
        leave();
        return 0;
    }
    return describe(&domain[backend->host], !strcmp(domain[backend->host].name, guest), d);
}

int backend_find_uuid(struct backend *backend, const uint8_t uuid[16], struct backend_domain *d)
{
    enter();
    return describe(&domain[backend->host], !memcmp(domain[backend->host].uuid, uuid, 16), d);
}

int backend_info(struct backend *backend, uint32_t domid, struct backend_domain *d)
{
    enter();
    return describe(&domain[backend->host], domain[backend->host].domid == domid, d);
}

int backend_free_pages(struct backend *backend, uint64_t *pages)
{
    *pages = fake_options[backend->host].free_pages;
    return 0;
}

struct blob {
    uint8_t *at;
};

static void put(struct blob *b, uint16_t type, uint16_t instance, const void *payload,
                size_t length)
{
    struct hvm_save_descriptor d = { .typecode = type,
                                     .instance = instance,
                                     .length = (uint32_t)length };
    memcpy(b->at, &d, sizeof(d));
    memset(b->at + sizeof(d), 0, xlm_pad(length));
    if (length)
        memcpy(b->at + sizeof(d), payload, length);
    b->at += sizeof(d) + xlm_pad(length);
}

static int build_context(int host, uint32_t width, uint32_t vcpus, uint64_t counter, void *buffer,
                         size_t capacity)
{
    struct blob b = { buffer };
    struct xlr_header header = { XLR_MAGIC, XLR_VERSION, fake_options[host].gic, width, vcpus,
                                 40,        62500000 };
    struct xlr_cpu_features features = { .count = XLR_ID_REG_COUNT };
    struct xlr_time time = { counter, 62500000 };
    if (width == XLR_WIDTH_64) {
        features.reg[XLR_ID_PFR0] = fake_options[host].el1_widths << 4;
        features.reg[XLR_ID_ISAR0] = fake_options[host].isar0;
    }
    features.reg[XLR_ID_MIDR] = fake_options[host].midr;
    if (capacity < 4096)
        return -ENOBUFS;
    put(&b, XLR_HEADER, 0, &header, sizeof(header));
    put(&b, XLR_CPU_FEATURES, 0, &features, sizeof(features));
    put(&b, XLR_TIME, 0, &time, sizeof(time));
    put(&b, XLR_END, 0, NULL, 0);
    return (int)(b.at - (uint8_t *)buffer);
}

int backend_host_context(struct backend *backend, void *buffer, size_t capacity)
{
    return build_context(backend->host,
                         fake_options[backend->host].el1_widths ? XLR_WIDTH_64 : XLR_WIDTH_32, 1, 0,
                         buffer, capacity);
}

int backend_get_context(struct backend *backend, uint32_t domid, void *buffer, size_t capacity)
{
    struct domain *d = &domain[backend->host];
    return d->exists && d->domid == domid
               ? build_context(backend->host, d->width, d->vcpu_count, d->counter, buffer, capacity)
               : -ESRCH;
}

int backend_set_context(struct backend *backend, uint32_t domid, const void *context, size_t bytes)
{
    struct domain *d = &domain[backend->host];
    struct failure f = { 0 };
    struct xlr_time time;
    size_t length;
    if (!d->exists || d->domid != domid || !d->paused ||
        fake_options[backend->host].set_context_fails || state_check(context, bytes, &f) < 0 ||
        state_width(context, bytes) != d->width)
        return -EINVAL;
    memcpy(&time, state_find(context, bytes, XLR_TIME, &length), sizeof(time));
    d->counter = time.counter;
    return 0;
}

int backend_layout(struct backend *backend, uint64_t max_pages, struct xlm_run bank[4])
{
    (void)backend;
    bank[0] = (struct xlm_run){ FAKE_MAGIC_GFN, MAGIC_PAGES };
    uint64_t pages = max_pages < FAKE_PAGES_MAX ? max_pages : FAKE_PAGES_MAX;
    bank[1] = (struct xlm_run){ FAKE_RAM_GFN, pages < FAKE_LOW_PAGES ? pages : FAKE_LOW_PAGES };
    bank[2] = (struct xlm_run){ FAKE_HIGH_GFN, pages - bank[1].count };
    return bank[2].count ? 3 : 2;
}

/* The index of a frame in `memory`, or -1. */
static int64_t place(uint64_t gfn)
{
    if (gfn >= FAKE_MAGIC_GFN && gfn < FAKE_MAGIC_GFN + MAGIC_PAGES)
        return (int64_t)(gfn - FAKE_MAGIC_GFN);
    if (gfn >= FAKE_RAM_GFN && gfn < FAKE_RAM_GFN + FAKE_LOW_PAGES)
        return (int64_t)(gfn - FAKE_RAM_GFN + MAGIC_PAGES);
    bool high = gfn >= FAKE_HIGH_GFN && gfn < FAKE_HIGH_GFN + FAKE_PAGES_MAX - FAKE_LOW_PAGES;
    return high ? (int64_t)(gfn - FAKE_HIGH_GFN + FAKE_LOW_PAGES + MAGIC_PAGES) : -1;
}

static uint64_t frame_at(uint32_t p)
{
    return p < MAGIC_PAGES ? FAKE_MAGIC_GFN + p : fake_gfn(p - MAGIC_PAGES);
}

int backend_log_enable(struct backend *backend, uint32_t domid)
{
    struct domain *d = &domain[backend->host];
    if (!d->exists || d->domid != domid || fake_options[backend->host].log_fails)
        return -ENOMEM;
    enter();
    log_clash |= d->logging;
    d->logging = true;
    memset(domain[backend->host].dirty, 0, sizeof(domain[backend->host].dirty));
    leave();
    return 0;
}

int backend_log_disable(struct backend *backend, uint32_t domid)
{
    struct domain *d = &domain[backend->host];
    if (!d->exists || d->domid != domid)
        return -ESRCH;
    d->logging = false;
    return 0;
}

static int read_log(struct domain *d, uint32_t domid, uint64_t *bitmap, uint64_t bits, bool clear)
{
    memset(bitmap, 0, (size_t)((bits + 63) / 64 * 8));
    enter();
    bool can = d->exists && d->domid == domid && d->logging;
    for (uint32_t p = 0; can && p < SLOTS; p++) {
        uint64_t gfn = frame_at(p);
        if (gfn >= bits || !d->dirty[p])
            continue;
        bitmap[gfn / 64] |= 1ull << (gfn % 64);
        d->dirty[p] = !clear;
    }
    leave();
    return can ? 0 : -EINVAL;
}

int backend_log_harvest(struct backend *backend, uint32_t domid, uint64_t *bitmap, uint64_t bits)
{
    __atomic_fetch_add(&harvests, 1, __ATOMIC_SEQ_CST);
    usleep(fake_options[backend->host].stall_ms * 1000);
    fake_options[backend->host].stall_ms = 0;
    return fake_options[backend->host].harvest_fails
               ? -EIO
               : read_log(&domain[backend->host], domid, bitmap, bits, true);
}

int backend_log_peek(struct backend *backend, uint32_t domid, uint64_t *bitmap, uint64_t bits)
{
    __atomic_fetch_add(&peeks, 1, __ATOMIC_SEQ_CST);
    return read_log(&domain[backend->host], domid, bitmap, bits, false);
}

int backend_suspend(struct backend *backend, uint32_t domid, uint32_t timeout_ms, int cancel_fd,
                    uint64_t *stopped_ns, struct failure *f)
{
    struct domain *d = &domain[backend->host];
    (void)cancel_fd;
    if (!d->exists || d->domid != domid || fake_options[backend->host].ignores_suspend)
        return fail(f, XLM_E_STATE, "the guest did not suspend within %u ms", timeout_ms);
    enter();
    d->suspended = true;
    /* The console daemon writes to its ring even while the guest is stopped. */
    d->dirty[0] = true;
    leave();
    *stopped_ns = now_ns();
    return 0;
}

int backend_resume(struct backend *backend, uint32_t domid)
{
    struct domain *d = &domain[backend->host];
    if (!d->exists || d->domid != domid || !d->suspended)
        return -EINVAL;
    enter();
    d->suspended = false;
    note_running();
    leave();
    return 0;
}

int backend_unpause(struct backend *backend, uint32_t domid)
{
    if (!domain[backend->host].exists || domain[backend->host].domid != domid)
        return -ESRCH;
    fake_pause(backend->host, false);
    return 0;
}

int backend_destroy(struct backend *backend, uint32_t domid)
{
    struct domain *d = &domain[backend->host];
    if (!d->exists || d->domid != domid)
        return -ESRCH;
    enter();
    drop(d);
    leave();
    return 0;
}

int backend_frames(struct backend *backend, uint32_t domid, uint64_t gfn, size_t count, bool zero,
                   enum backend_frame *frame)
{
    static const uint8_t nothing[4096];
    struct domain *d = &domain[backend->host];
    if (!d->exists || d->domid != domid)
        return -ESRCH;
    enter();
    for (size_t i = 0; i < count; i++) {
        int64_t p = place(gfn + i);
        bool there = p >= 0 && !d->hole[p];
        frame[i] = !there                                                 ? BACKEND_HOLE
                   : zero && !memcmp(d->memory + p * 4096, nothing, 4096) ? BACKEND_ZERO
                                                                          : BACKEND_MEMORY;
    }
    leave();
    return 0;
}

int backend_written(struct backend *backend, uint32_t domid, uint64_t *bitmap, uint64_t bits)
{
    struct domain *d = &domain[backend->host];
    if (!d->exists || d->domid != domid)
        return -ESRCH;
    for (uint32_t p = 0; p < SLOTS; p++)
        if (d->built[p] && frame_at(p) < bits)
            bitmap[frame_at(p) / 64] |= 1ull << (frame_at(p) % 64);
    return 0;
}

/* Maps the pages that the frames have now. All mappings are views of one memory object, so
 * writes reach the guest. */
void *backend_map(struct backend *backend, uint32_t domid, bool writable, const uint64_t *gfn,
                  size_t count, int *error)
{
    struct domain *d = &domain[backend->host];
    (void)writable;
    if (!d->exists || d->domid != domid || !count || count > BACKEND_MAP_MAX) {
        errno = EINVAL;
        return NULL;
    }
    uint8_t *va = mmap(NULL, count * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < count; i++) {
        int64_t p = place(gfn[i]);
        error[i] = p < 0 || d->hole[p] ? ENOENT : 0;
        if (!error[i])
            mmap(va + i * 4096, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, d->object,
                 p * 4096);
    }
    __atomic_fetch_add(&mappings, (int)count, __ATOMIC_SEQ_CST);
    return va;
}

void backend_unmap(struct backend *backend, void *va, size_t count)
{
    (void)backend;
    munmap(va, count * 4096);
    __atomic_fetch_sub(&mappings, (int)count, __ATOMIC_SEQ_CST);
}

int backend_populate(struct backend *backend, uint32_t domid, uint64_t gfn)
{
    (void)domid;
    if (place(gfn) < 0)
        return -EINVAL;
    domain[backend->host].hole[place(gfn)] = false;
    return 0;
}

int backend_depopulate(struct backend *backend, uint32_t domid, uint64_t gfn)
{
    (void)domid;
    domain[backend->host].hole[place(gfn)] = true;
    return 0;
}

int backend_set_max_pages(struct backend *backend, uint32_t domid, uint64_t pages)
{
    (void)domid;
    domain[backend->host].max_pages = pages;
    return 0;
}

int backend_store_save(struct backend *backend, uint32_t domid, uint8_t **bytes, size_t *length,
                       uint32_t *count)
{
    const char *value = domain[backend->host].node;
    uint32_t n = (uint32_t)strlen(value);
    (void)domid;
    *length = 10 + 4 + n;
    *bytes = malloc(*length);
    memcpy(*bytes, "data/note", 10);
    memcpy(*bytes + 10, &n, 4);
    memcpy(*bytes + 14, value, n);
    *count = 1;
    return 0;
}

int backend_store_load(struct backend *backend, uint32_t domid, const uint8_t *bytes, size_t length)
{
    (void)domid;
    if (length < 14 || memcmp(bytes, "data/note", 10) || length - 14 >= sizeof(domain[0].node))
        return length ? -EINVAL : 0;
    memcpy(domain[backend->host].node, bytes + 14, length - 14);
    domain[backend->host].node[length - 14] = 0;
    return 0;
}

int backend_get_target(struct backend *backend, uint32_t domid, uint64_t *kib)
{
    (void)domid;
    *kib = domain[backend->host].target_kib;
    return 0;
}

int backend_set_target(struct backend *backend, uint32_t domid, uint64_t kib)
{
    (void)domid;
    domain[backend->host].target_kib = kib;
    return 0;
}

char *backend_stored_config(struct backend *backend, const struct backend_domain *d,
                            struct failure *f)
{
    (void)d;
    char *text = strdup(domain[backend->host].config);
    if (!text)
        fail(f, XLM_E_MEMORY, "no memory");
    return text;
}

int backend_create_start(struct backend *backend, const char *config_path, struct failure *f)
{
    (void)f;
    backend->create_ns = now_ns() + fake_options[backend->host].create_ms * 1000000ull;
    snprintf(backend->create_path, sizeof(backend->create_path), "%s", config_path);
    return 0;
}

static uint64_t config_number(const struct config *c, const char *key)
{
    for (int i = 0; i < c->count; i++)
        if (!strcmp(c->entry[i].key, key))
            return c->entry[i].number;
    return 0;
}

/* As in libxc: a zImage has its magic number at this offset. */
static uint32_t kernel_width(const char *path)
{
    uint32_t word[10] = { 0 };
    FILE *in = path ? fopen(path, "r") : NULL;
    size_t n = in ? fread(word, sizeof(word), 1, in) : 0;
    if (in)
        fclose(in);
    return n && word[9] == 0x016f2818 ? XLR_WIDTH_32 : XLR_WIDTH_64;
}

static int create(struct backend *backend, struct failure *f)
{
    char text[4096] = "";
    struct config c;
    struct domain *d = &domain[backend->host];
    FILE *in = fopen(backend->create_path, "r");
    if (!in)
        return fail(f, XLM_E_CREATE, "no configuration %s", backend->create_path);
    text[fread(text, 1, sizeof(text) - 1, in)] = 0;
    fclose(in);
    if (config_parse(&c, text, f) < 0)
        return -1;
    enter();
    uint64_t memory = config_number(&c, "memory");
    make(d, memory && memory * 256 <= FAKE_PAGES_MAX ? (uint32_t)memory * 256 : 256);
    d->paused = true;
    d->vcpu_count = (uint32_t)config_number(&c, "vcpus");
    d->width = kernel_width(config_string(&c, "kernel"));
    snprintf(d->name, sizeof(d->name), "%s", config_string(&c, "name"));
    uuid_parse(config_string(&c, "uuid"), d->uuid);
    snprintf(d->config, sizeof(d->config), "%s", text);
    memset(d->memory + 5 * 4096, 0xa5, 3 * 4096); /* the pages that the domain builder wrote */
    memset(d->built + 5, true, 3);
    leave();
    config_free(&c);
    return 0;
}

int backend_create_wait(struct backend *backend, int timeout_ms, struct failure *f)
{
    if (!backend->create_ns)
        return fail(f, XLM_E_CREATE, "nothing is being created");
    uint64_t now = now_ns();
    if (now < backend->create_ns) {
        uint64_t wait = backend->create_ns - now, most = (uint64_t)timeout_ms * 1000000u;
        struct timespec t = { 0, (long)(wait < most ? wait : most) };
        nanosleep(&t, NULL);
        if (wait > most)
            return -EAGAIN;
    }
    backend->create_ns = 0;
    return fake_options[backend->host].create_fails
               ? fail(f, XLM_E_CREATE, "xl create failed: no luck")
               : create(backend, f);
}

void backend_create_abandon(struct backend *backend) { backend->create_ns = 0; }
