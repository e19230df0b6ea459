/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console: lines that guests write to the log, and characters typed on the UART, which go to
 * the control domain or to the debug keys.
 */
#include "abi.h"
#include "console.h"
#include "domain_types.h"
#include "evtchn.h"
#include "hooks.h"
#include "hw.h"
#include "lib.h"
#include "log.h"
#include "options.h"
#include "timer.h"
#include <xen/xen.h>

#define INPUT_BYTES 256u
static char input[INPUT_BYTES];
static uint32_t input_head, input_tail;
static spinlock_t input_lock = SPINLOCK_INIT;
static bool input_to_hypervisor;
static unsigned switch_count;

/*
 * Output of guests.  It is collected by line, so that lines of several guests do not mix.  Its rate
 * is limited, so that a guest cannot push the hypervisor's own messages out of the ring.
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
            log_printf(LOG_WARN, "%u lines of guest output dropped (rate limit)\n",
                       (unsigned)guest_dropped);
        guest_dropped = 0;
        log_printf(LOG_INFO, "(d%u) %s\n", (unsigned)d->id, d->console.buf);
    }
    d->console.len = 0;
}

void console_write_guest(struct domain *d, const char *s, size_t n)
{
    spin_lock(&guest_lock);
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\n' || d->console.len == sizeof(d->console.buf) - 1)
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
        log_write_raw(to_xl, sizeof(to_xl) - 1);
    else
        log_write_raw(to_dom0, sizeof(to_dom0) - 1);
}

/* Handles one typed character.  Returns true if the control domain has something to read. */
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
    /* A Ctrl-A that is not part of a switch is lost, as in Xen. */
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
        /* debug_key takes other locks and prints much, so input_lock is not held. */
        if (!for_dom0 && key)
            debug_key(key);
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
