/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log and the UART.  Every message goes into a ring that `xl dmesg` reads; those at or above
 * `loglvl=` also go out on the UART, polled, under the same lock, so lines of several CPUs do not
 * mix.  The lock is the last in the order: anybody may log.  A panic goes on without the lock when
 * its holder does not let go.
 */
#include "types.h"
#include <xen/xen.h>
#include "domain.h"
#include "hypercall.h"

#define RING_BYTES  32768u /* a power of two: indices run freely and wrap */
#define LINE_BYTES  384u
#define INPUT_BYTES 256u
#define FORCE_SPINS 2000000u

static char ring[RING_BYTES];
static uint32_t ring_head, ring_tail; /* next to write; oldest that a reader may have */
static spinlock_t log_lock = SPINLOCK_INIT;
static bool forced;

static char input[INPUT_BYTES];
static uint32_t input_head, input_tail;
static spinlock_t input_lock = SPINLOCK_INIT;
static bool input_to_hypervisor;
static unsigned switch_count;

void console_force(void) { __atomic_store_n(&forced, true, __ATOMIC_SEQ_CST); }

/* false: the lock was not had (its holder is stopped), go on all the same and do not unlock. */
static bool log_enter(void)
{
    for (unsigned spins = 0; !spin_trylock(&log_lock); spins++) {
        if (__atomic_load_n(&forced, __ATOMIC_RELAXED) && spins > FORCE_SPINS)
            return false;
        cpu_relax_();
    }
    return true;
}

static void log_leave(bool locked)
{
    if (locked)
        spin_unlock(&log_lock);
}

static void ring_put(char c)
{
    ring[ring_head % RING_BYTES] = c;
    __atomic_store_n(&ring_head, ring_head + 1, __ATOMIC_RELEASE);
    if (ring_head - ring_tail > RING_BYTES)
        ring_tail = ring_head - RING_BYTES;
}

static void uart_put(char c)
{
    if (c == '\n')
        uart_putc('\r');
    uart_putc(c);
}

void console_write_raw(const char *s, size_t n)
{
    bool locked = log_enter();
    for (size_t i = 0; i < n; i++)
        uart_put(s[i]);
    log_leave(locked);
}

/* "(XL) [   12.345678] " */
static unsigned put_stamp(char *to, size_t room)
{
    uint64_t us = counter_hz ? system_time_ns() / 1000
                             : 0; /* before the counter is known, time stands still */
    int n = snprintf(to, room, "(XL) [%5lu.%06lu] ", (unsigned long)(us / 1000000),
                     (unsigned long)(us % 1000000));
    return n > 0 ? MIN((unsigned)n, (unsigned)room - 1) : 0;
}

static void log_line(const char *line, size_t n, bool to_uart)
{
    bool locked = log_enter();
    for (size_t i = 0; i < n; i++) {
        ring_put(line[i]);
        if (to_uart)
            uart_put(line[i]);
    }
    log_leave(locked);
}

void log_printf(enum log_level level, const char *fmt, ...)
{
    char line[LINE_BYTES];
    unsigned n = put_stamp(line, sizeof line);
    va_list ap;

    va_start(ap, fmt);
    int more = vsnprintf(line + n, sizeof line - n, fmt, ap);
    va_end(ap);
    n += more > 0 ? (unsigned)more : 0;
    if (n >= sizeof line) { /* cut: end the line all the same */
        n = sizeof line - 1;
        line[n - 1] = '\n';
    }
    log_line(line, n, (int)level <= (int)cmdline.loglvl);
}

uint32_t console_read_ring(char *dst, uint32_t max, uint32_t *index, bool incremental, bool clear)
{
    bool locked = log_enter();
    uint32_t at = ring_tail, n = 0;

    if (incremental && (int32_t)(*index - at) > 0 && (int32_t)(ring_head - *index) >= 0)
        at = *index;
    while (n < max && at != ring_head)
        dst[n++] = ring[at++ % RING_BYTES];
    *index = at;
    if (clear)
        ring_tail = ring_head;
    log_leave(locked);
    return n;
}

/*
 * Guests' own output.  It is kept by lines, so that guests do not mix, and it is limited: a guest
 * must not be able to push the hypervisor's messages out of the ring.
 */
#define GUEST_LINES_BURST 256u
#define GUEST_LINES_PER_S 64u
static spinlock_t guest_lock = SPINLOCK_INIT;
static uint32_t guest_tokens = GUEST_LINES_BURST, guest_dropped;
static uint64_t guest_refill_ns;

static bool guest_line_allowed(void)
{
    uint64_t now = system_time_ns(), step = 1000000000ull / GUEST_LINES_PER_S;
    uint64_t gained = (now - guest_refill_ns) / step;

    if (gained) {
        guest_tokens = (uint32_t)MIN(guest_tokens + gained, (uint64_t)GUEST_LINES_BURST);
        guest_refill_ns += gained * step;
    }
    if (!guest_tokens) {
        guest_dropped++;
        return false;
    }
    guest_tokens--;
    return true;
}

static void guest_line_end(struct domain *d)
{
    d->console.buf[d->console.len] = '\0';
    if (cmdline.guest_loglvl >= LOGLVL_WARN && guest_line_allowed()) {
        if (guest_dropped)
            log_printf(LOG_WARN, "%u lines of guests left out\n", (unsigned)guest_dropped);
        guest_dropped = 0;
        log_printf(LOG_INFO, "(d%u) %s\n", (unsigned)d->id, d->console.buf);
    }
    d->console.len = 0;
}

void console_write_guest(struct domain *d, const char *s, size_t n)
{
    spin_lock(&guest_lock);
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\n' || d->console.len == sizeof d->console.buf - 1)
            guest_line_end(d);
        if (s[i] == '\t' || (s[i] >= ' ' && s[i] < 0x7f))
            d->console.buf[d->console.len++] = s[i];
    }
    spin_unlock(&guest_lock);
}

#define SWITCH_CHAR  ('a' & 0x1f) /* Ctrl-A */
#define SWITCH_TIMES 3u

static void switch_input(void)
{
    static const char to_xl[] =
        "\n(XL) *** Serial input to the hypervisor (type CTRL-a three times to switch input)\n";
    static const char to_dom0[] =
        "\n(XL) *** Serial input to DOM0 (type CTRL-a three times to switch input)\n";

    input_to_hypervisor = !input_to_hypervisor;
    if (input_to_hypervisor)
        console_write_raw(to_xl, sizeof to_xl - 1);
    else
        console_write_raw(to_dom0, sizeof to_dom0 - 1);
}

/* One typed character. true: the control domain has something to read. */
static bool input_char(char c, char *key)
{
    *key = '\0';
    if (c == SWITCH_CHAR) {
        if (++switch_count == SWITCH_TIMES) {
            switch_input();
            switch_count = 0;
        }
        return false;
    }
    /* Ctrl-A that turned out not to be part of a switch is lost, as with Xen. */
    switch_count = 0;
    if (input_to_hypervisor) {
        *key = c;
        return false;
    }
    if (input_head - input_tail < INPUT_BYTES)
        input[input_head++ % INPUT_BYTES] = c;
    return true;
}

void console_input(void)
{
    bool tell = false;
    int c;

    for (;;) {
        char key;
        spin_lock(&input_lock);
        c = uart_getc();
        bool for_dom0 = c >= 0 && input_char((char)c, &key);
        spin_unlock(&input_lock);
        if (c < 0)
            break;
        tell |= for_dom0;
        if (!for_dom0 && key)
            debug_key(key); /* takes other locks, prints much: not under ours */
    }
    if (tell)
        evtchn_send_global_virq(VIRQ_CONSOLE);
}

uint32_t console_take_input(char *dst, uint32_t max)
{
    uint32_t n = 0;

    spin_lock(&input_lock);
    while (n < max && input_tail != input_head)
        dst[n++] = input[input_tail++ % INPUT_BYTES];
    spin_unlock(&input_lock);
    return n;
}

void console_init(const char *text)
{
    log_info("xen-lite, Xen ABI %u.%u%s\n", XL_VERSION_MAJOR, XL_VERSION_MINOR, XL_EXTRAVERSION);
    if (text)
        log_info("command line: %s\n", text);
}
