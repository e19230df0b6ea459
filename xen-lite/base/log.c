/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log.  Every message goes into a ring that `xl dmesg` reads.  Messages at or above the level
 * of `loglvl=` also go to the UART, polled, under the same lock, so lines of different CPUs do not
 * mix.  The lock is the innermost of all, so any code may log.  A panic continues without the lock
 * if its holder does not release it.
 */
#include "arch.h"
#include "hw.h"
#include "lib.h"
#include "log.h"
#include "options.h"
#include "spinlock.h"
#include "timer.h"
#include <xen/xen.h>

#define RING_BYTES  32768u /* a power of two: indices run freely and wrap */
#define LINE_BYTES  384u
#define FORCE_SPINS 2000000u

static char ring[RING_BYTES];
static uint32_t ring_head, ring_tail; /* next to write; oldest that a reader may have */
static spinlock_t log_lock = SPINLOCK_INIT;
static bool forced;

void log_force(void) { __atomic_store_n(&forced, true, __ATOMIC_SEQ_CST); }

/*
 * False: the lock's holder has stopped, so the caller goes on without the lock and does not unlock.
 */
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

void log_write_raw(const char *s, size_t n)
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
    unsigned n = put_stamp(line, sizeof(line));
    va_list ap;

    va_start(ap, fmt);
    int more = vsnprintf(line + n, sizeof(line) - n, fmt, ap);
    va_end(ap);
    n += more > 0 ? (unsigned)more : 0;
    if (n >= sizeof(line)) { /* cut: end the line all the same */
        n = sizeof(line) - 1;
        line[n - 1] = '\n';
    }
    log_line(line, n, (int)level <= (int)cmdline.loglvl);
}

uint32_t log_read_ring(char *dst, uint32_t max, uint32_t *index, bool incremental, bool clear)
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
