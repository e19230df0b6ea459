/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's workload: memory that a migration must not damage, and a measurement of the blackout
 * from inside the guest.
 *
 * It fills memory with incompressible pages, rewrites a working set at a steady rate, and verifies
 * all pages in rotation.  A page contains its address, its sequence number (how often it was
 * written) and a checksum over all of it.  The expected sequence number is stored elsewhere, so a
 * page that is stale, torn, misplaced or damaged is detected.  One worker per CPU owns a slice of
 * the pages and does all three, so there are no locks.
 *
 * A thread with real-time priority, the ticker, wakes every few milliseconds and keeps the longest
 * gap between two wake-ups.  It reads the counter (CNTVCT) itself, because Linux stops
 * CLOCK_MONOTONIC while it is suspended: that clock would hide the blackout.
 *
 * Parameters, from the kernel's command line or as arguments:
 *   wl.mem=MIB     memory to fill       (default: 70 % of what is available)
 *   wl.ws=MIB      working set          (default: 32, at most wl.mem)
 *   wl.mbps=MIB/S  rewritten per second (default: 4; fractions allowed; 0 writes nothing)
 *   wl.verify=MIB/S verified per second (default: 32)
 *   wl.beat=MS     time between heartbeats (default: 200)
 *   wl.tick=MS     of the ticker (default: 20)
 *   wl.off         (for init) do not start
 *
 * It prints one line per heartbeat:
 *   WL t=S seq=N pages=N filled=N written=N verified=N passes=N errors=N mbps=X gap_ms=X
 *      max_gap_ms=X ct=N cf=N
 * t: CLOCK_MONOTONIC; mbps: MiB/s rewritten since the last line; passes: rotations that all workers
 * have finished; gap_ms: longest gap since the last line; ct, cf: the counter and its frequency.
 *
 * For a bad page it prints:
 *   WL-ERROR page=N want_seq=N got_seq=N addr=X reason=...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES    4096u
#define PAGE_WORDS    (PAGE_BYTES / 8)
#define PAGES_PER_MIB 256u
#define WORKERS_MAX   8u
#define SLICE_NS \
    20000000ull /* the period of a worker: it writes and verifies its share, then sleeps */
#define ERRORS_SHOWN 20u

enum { WORD_ADDRESS, WORD_SEQ, WORD_CHECKSUM, WORD_CONTENT };

struct worker {
    pthread_t thread;
    uint64_t first, count; /* pages */
    uint64_t ws_count;     /* the first ws_count pages are rewritten */
    _Atomic uint64_t filled, written, verified, passes, errors;
};

static struct {
    double mem_mib, ws_mib, mbps, verify_mbps, beat_ms, tick_ms;
} params = {
    .mem_mib = -1, .ws_mib = 32, .mbps = 4, .verify_mbps = 32, .beat_ms = 200, .tick_ms = 20
};

static uint64_t *memory;
static uint32_t *sequences; /* the expected sequence number of each page; 0: never written */
static struct worker workers[WORKERS_MAX];
static unsigned worker_count;
static _Atomic uint64_t longest_gap; /* counter ticks, since the last heartbeat */

/* The virtual counter. Its value moves with the guest from host to host. */
static uint64_t counter(void)
{
    uint64_t value;

#if defined(__aarch64__)
    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value) : : "memory");
#elif defined(__arm__)
    __asm__ volatile("isb; mrrc p15, 1, %Q0, %R0, c14" : "=r"(value) : : "memory");
#else
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    value = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
    return value;
}

static uint64_t counter_frequency(void)
{
#if defined(__aarch64__)
    uint64_t value;

    __asm__("mrs %0, cntfrq_el0" : "=r"(value));
    return value;
#elif defined(__arm__)
    uint32_t value;

    __asm__("mrc p15, 0, %0, c14, c0, 0" : "=r"(value));
    return value;
#else
    return 1000000000u;
#endif
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/*
 * Sleeps until the next multiple of NS, so that all threads wake at the same moments. An emulator
 * flushes its TLB whenever a CPU switches between domains. So the cost depends on how often the
 * guest wakes, not on how long it then runs.
 */
static void sleep_to_next(uint64_t ns)
{
    uint64_t step = ns < 1000000 ? 1000000 : ns, at = (monotonic_ns() / step + 1) * step;
    struct timespec when = { .tv_sec = (time_t)(at / 1000000000u),
                             .tv_nsec = (long)(at % 1000000000u) };

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

static uint64_t mix(uint64_t checksum, uint64_t word)
{
    return (((checksum << 7) | (checksum >> 57)) ^ word) * 0x9e3779b97f4a7c15u;
}

/* The checksum covers the address and the sequence number, so an intact page at the wrong
 * address is a bad page. */
static void write_page(uint64_t page)
{
    uint64_t *words = memory + page * PAGE_WORDS;
    uint32_t seq = sequences[page] + 1;
    uint64_t state = ((page + 1) * 0x9e3779b97f4a7c15u) ^ ((uint64_t)seq * 0xbf58476d1ce4e5b9u);
    uint64_t checksum = mix(mix(1, (uintptr_t)words), seq);

    if (!state)
        state = 1;
    words[WORD_ADDRESS] = (uintptr_t)words;
    words[WORD_SEQ] = seq;
    for (unsigned i = WORD_CONTENT; i < PAGE_WORDS; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        words[i] = state;
        checksum = mix(checksum, state);
    }
    words[WORD_CHECKSUM] = checksum;
    sequences[page] = seq;
}

static const char *page_fault(uint64_t page)
{
    const volatile uint64_t *words = memory + page * PAGE_WORDS;
    uint64_t checksum = mix(mix(1, words[WORD_ADDRESS]), words[WORD_SEQ]);

    for (unsigned i = WORD_CONTENT; i < PAGE_WORDS; i++)
        checksum = mix(checksum, words[i]);
    if (words[WORD_ADDRESS] != (uintptr_t)words)
        return "address";
    if (words[WORD_SEQ] != sequences[page])
        return words[WORD_SEQ] < sequences[page] ? "stale" : "sequence";
    return checksum == words[WORD_CHECKSUM] ? NULL : "checksum";
}

static void verify_page(struct worker *worker, uint64_t page)
{
    const char *reason = page_fault(page);

    if (!reason)
        return;
    if (atomic_fetch_add(&worker->errors, 1) < ERRORS_SHOWN) {
        const uint64_t *words = memory + page * PAGE_WORDS;

        printf("WL-ERROR page=%llu want_seq=%u got_seq=%llu addr=%llx reason=%s\n",
               (unsigned long long)page, sequences[page], (unsigned long long)words[WORD_SEQ],
               (unsigned long long)words[WORD_ADDRESS], reason);
        fflush(stdout);
    }
}

/* The number of pages due after ELAPSED_NS at PER_SECOND. After a stall, at most the pages of
 * one period are made up for. */
static uint64_t due(double per_second, uint64_t elapsed_ns, double *carry)
{
    uint64_t whole;

    if (elapsed_ns > 5 * SLICE_NS)
        elapsed_ns = 5 * SLICE_NS;
    *carry += per_second * (double)elapsed_ns / 1e9;
    whole = (uint64_t)*carry;
    *carry -= (double)whole;
    return whole;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    double write_rate = params.mbps * PAGES_PER_MIB / worker_count, write_carry = 0;
    double verify_rate = params.verify_mbps * PAGES_PER_MIB / worker_count, verify_carry = 0;
    uint64_t write_at = 0, verify_at = 0, last;

    for (uint64_t i = 0; i < worker->count; i++) {
        write_page(worker->first + i);
        atomic_fetch_add(&worker->filled, 1);
    }
    for (last = monotonic_ns();;) {
        uint64_t now = monotonic_ns(), writes, verifies;

        writes = worker->ws_count ? due(write_rate, now - last, &write_carry) : 0;
        verifies = due(verify_rate, now - last, &verify_carry);
        last = now;
        for (; writes; writes--) {
            write_page(worker->first + write_at);
            write_at = (write_at + 1) % worker->ws_count;
            atomic_fetch_add(&worker->written, 1);
        }
        for (; verifies; verifies--) {
            verify_page(worker, worker->first + verify_at);
            atomic_fetch_add(&worker->verified, 1);
            if (++verify_at == worker->count) {
                verify_at = 0;
                atomic_fetch_add(&worker->passes, 1);
            }
        }
        if (monotonic_ns() - last < SLICE_NS)
            sleep_to_next(write_rate > 0 || verify_rate > 0 ? SLICE_NS : 100 * SLICE_NS);
    }
    return NULL;
}

static void *tick(void *argument)
{
    struct sched_param priority = { .sched_priority = 50 };
    uint64_t last = counter();

    (void)argument;
    pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
    for (;;) {
        uint64_t now, gap, seen;

        sleep_to_next((uint64_t)(params.tick_ms * 1e6));
        now = counter();
        gap = now > last ? now - last : 0;
        last = now;
        seen = atomic_load(&longest_gap);
        while (gap > seen && !atomic_compare_exchange_weak(&longest_gap, &seen, gap))
            ;
    }
    return NULL;
}

static uint64_t sum(size_t field)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < worker_count; i++)
        total += atomic_load((_Atomic uint64_t *)(void *)((char *)&workers[i] + field));
    return total;
}

static uint64_t passes_of_all(void)
{
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < worker_count; i++)
        if (workers[i].count && atomic_load(&workers[i].passes) < least)
            least = atomic_load(&workers[i].passes);
    return least == UINT64_MAX ? 0 : least;
}

static void heartbeats(uint64_t pages)
{
    uint64_t frequency = counter_frequency(), last_count = counter(), last_written = 0;
    double longest_ms = 0;

    for (uint64_t seq = 0;; seq++) {
        uint64_t count = counter(), now = monotonic_ns();
        uint64_t written = sum(offsetof(struct worker, written));
        double gap_ms = (double)atomic_exchange(&longest_gap, 0) * 1e3 / (double)frequency;
        double span = (double)(count - last_count) / (double)frequency;
        double mbps = span > 0 ? (double)(written - last_written) / PAGES_PER_MIB / span : 0;

        if (gap_ms > longest_ms)
            longest_ms = gap_ms;
        printf(
            "WL t=%llu.%03llu seq=%llu pages=%llu filled=%llu written=%llu verified=%llu passes=%llu errors=%llu "
            "mbps=%.2f gap_ms=%.1f max_gap_ms=%.1f ct=%llu cf=%llu\n",
            (unsigned long long)(now / 1000000000u), (unsigned long long)(now / 1000000u % 1000u),
            (unsigned long long)seq, (unsigned long long)pages,
            (unsigned long long)sum(offsetof(struct worker, filled)), (unsigned long long)written,
            (unsigned long long)sum(offsetof(struct worker, verified)),
            (unsigned long long)passes_of_all(),
            (unsigned long long)sum(offsetof(struct worker, errors)), mbps, gap_ms, longest_ms,
            (unsigned long long)count, (unsigned long long)frequency);
        fflush(stdout);
        last_count = count;
        last_written = written;
        sleep_to_next((uint64_t)(params.beat_ms * 1e6));
    }
}

static double available_mib(void)
{
    FILE *f = fopen("/proc/meminfo", "r");
    char line[128];
    unsigned long kib = 0;

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "MemAvailable: %lu", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return (double)kib / 1024;
}

/* Parses a parameter that begins with "wl.". False if there is no such parameter, or its value
 * is wrong. */
static bool parse_word(const char *word)
{
    static const struct {
        const char *name;
        double *value;
    } known[] = {
        { "wl.mem=", &params.mem_mib },  { "wl.ws=", &params.ws_mib },
        { "wl.mbps=", &params.mbps },    { "wl.verify=", &params.verify_mbps },
        { "wl.beat=", &params.beat_ms }, { "wl.tick=", &params.tick_ms },
    };

    if (strncmp(word, "wl.", 3))
        return true;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        size_t length = strlen(known[i].name);
        char *end;

        if (strncmp(word, known[i].name, length))
            continue;
        *known[i].value = strtod(word + length, &end);
        return end != word + length && !*end && *known[i].value >= 0;
    }
    return false;
}

static void parse_cmdline(void)
{
    char line[4096] = "";
    FILE *f = fopen("/proc/cmdline", "r");

    if (!f)
        return;
    if (fgets(line, sizeof(line), f))
        for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
            if (!parse_word(word))
                printf("WL-WARNING parameter not understood: %s\n", word);
    fclose(f);
}

int main(int argc, char **argv)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t pages, ws_pages, first = 0, ws_first = 0;
    pthread_t ticker;

    parse_cmdline();
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "wl.", 3) || !parse_word(argv[i])) {
            fprintf(stderr, "workload: not understood: %s\n", argv[i]);
            return 2;
        }
    if (params.mem_mib < 0)
        params.mem_mib = available_mib() * 0.7;
    pages = (uint64_t)(params.mem_mib * PAGES_PER_MIB);
    ws_pages = (uint64_t)(params.ws_mib * PAGES_PER_MIB);
    ws_pages = ws_pages < pages ? ws_pages : pages;
    worker_count = cpus < 1 ? 1 : cpus > (long)WORKERS_MAX ? WORKERS_MAX : (unsigned)cpus;
    if (pages > (SIZE_MAX / 2) / PAGE_BYTES) {
        fprintf(stderr, "workload: %.0f MiB are more than a process of this machine can have\n",
                params.mem_mib);
        return 2;
    }
    memory = mmap(NULL, (size_t)pages * PAGE_BYTES + 1, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    sequences = calloc((size_t)pages + 1, sizeof(*sequences));
    if (memory == MAP_FAILED || !sequences) {
        printf("WL-FATAL no memory for %llu pages\n", (unsigned long long)pages);
        return 1;
    }
    if (pthread_create(&ticker, NULL, tick, NULL)) {
        printf("WL-FATAL no thread\n");
        return 1;
    }
    for (unsigned i = 0; i < worker_count; i++) {
        struct worker *worker = &workers[i];
        uint64_t last = pages * (i + 1) / worker_count, ws_last = ws_pages * (i + 1) / worker_count;

        worker->first = first;
        worker->count = last - first;
        worker->ws_count = ws_last - ws_first;
        first = last;
        ws_first = ws_last;
        if (worker->count && pthread_create(&worker->thread, NULL, work, worker)) {
            printf("WL-FATAL no thread\n");
            return 1;
        }
    }
    heartbeats(pages);
    return 0;
}
