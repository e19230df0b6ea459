/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of the hypervisor's command line, in Xen's syntax: words separated by blanks, NAME,
 * no-NAME or NAME=VALUE.  An unknown option or a bad value is only a warning, because the same line
 * must boot stock Xen and this hypervisor.
 */
#include "lib.h"
#include "log.h"
#include "options.h"

#define WORD_BYTES 160u

struct cmdline cmdline = {
    .vlpt = true, .dirty_mode = DIRTY_AUTO, .loglvl = LOGLVL_INFO, .guest_loglvl = LOGLVL_WARN
};

/* Options of Xen that have no effect here, or whose value is the only one here. */
static const char *const ignored[] = {
    "bootscrub", /* free memory is cleared when it is allocated */
    "bootscrub_chunk",
    "console_timestamps",
    "console_to_ring",
    "conring_size",
    "conswitch",
    "sync_console",
    "sched",
    "sched_credit2_migrate_resist",
    "sched_ratelimit_us",
    "sched_smt_power_savings",
    "sched-gran",
    "cpufreq",
    "iommu",
    "gnttab",
    "gnttab_max_frames",
    "gnttab_max_maptrack_frames",
    "hap",
    "hmp-unsafe",
    "vwfi",
    "vpl011",
    "serrors",
    "badpage",
    "maxcpus",
    "dom0_vcpus_pin",
    "dom0_iommu",
    "dom0",
    "watchdog",
    "xsave",
    "smt",
    "efi",
    "acpi",
    "low_mem_virq_limit",
    "debug_stack_lines",
    "tbuf_size",
    "tevt_mask",
    "xsm",
    "flask",
    "placeholder",
};

static bool text_equal(const char *a, const char *b) { return strcmp(a, b) == 0; }

/* 1, 0, or -1 for neither.  A missing value counts as yes. */
static int parse_bool(const char *s)
{
    static const char *const yes[] = { "", "1", "on", "yes", "true", "enable" };
    static const char *const no[] = { "0", "off", "no", "false", "disable" };

    for (unsigned i = 0; i < ARRAY_SIZE(yes); i++)
        if (text_equal(s, yes[i]))
            return 1;
    for (unsigned i = 0; i < ARRAY_SIZE(no); i++)
        if (text_equal(s, no[i]))
            return 0;
    return -1;
}

/*
 * Decimal or 0x digits, then B, K, M, G or T; without a unit K, as in Xen.  False if malformed or
 * too large.
 */
static bool parse_size(const char *s, const char **end, uint64_t *bytes)
{
    unsigned base = 10, shift = 10;
    uint64_t n = 0;
    const char *digits;

    if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
        base = 16;
        s += 2;
    }
    for (digits = s;; s++) {
        unsigned digit = *s >= '0' && *s <= '9'                 ? (unsigned)(*s - '0')
                         : *s >= 'a' && *s <= 'f' && base == 16 ? (unsigned)(*s - 'a') + 10
                         : *s >= 'A' && *s <= 'F' && base == 16 ? (unsigned)(*s - 'A') + 10
                                                                : 99;
        if (digit >= base)
            break;
        if (n > (UINT64_MAX - digit) / base)
            return false;
        n = n * base + digit;
    }
    if (s == digits)
        return false;
    switch (*s | 0x20) { /* to lower case; other characters match nothing */
    case 'b':
        shift = 0;
        s++;
        break;
    case 'k':
        shift = 10;
        s++;
        break;
    case 'm':
        shift = 20;
        s++;
        break;
    case 'g':
        shift = 30;
        s++;
        break;
    case 't':
        shift = 40;
        s++;
        break;
    default: break;
    }
    *end = s;
    *bytes = n << shift;
    return n <= UINT64_MAX >> shift;
}

/*
 * "768M", also "768M,max:1G" and "max:768M".  A maximum alone is the amount; a minimum has no
 * effect here.
 */
static bool parse_dom0_mem(const char *s)
{
    uint64_t amount = 0, max = 0;

    while (*s) {
        bool is_max = strncmp(s, "max:", 4) == 0, is_min = strncmp(s, "min:", 4) == 0;
        uint64_t bytes;
        if (is_max || is_min)
            s += 4;
        if (!parse_size(s, &s, &bytes) || (*s && *s != ','))
            return false;
        if (is_max)
            max = bytes;
        else if (!is_min)
            amount = bytes;
        s += *s == ',';
    }
    if (amount && max)
        amount = MIN(amount, max);
    cmdline.dom0_mem_bytes = amount ? amount : max;
    return cmdline.dom0_mem_bytes != 0;
}

/* "4", and Xen's "2-4": the upper end counts. */
static bool parse_dom0_vcpus(const char *s)
{
    char *end;
    unsigned long n = strtoul(s, &end, 10);

    if (end == s)
        return false;
    if (*end == '-') {
        s = end + 1;
        n = strtoul(s, &end, 10);
        if (end == s)
            return false;
    }
    if (*end || n == 0)
        return false;
    if (n > MAX_VCPUS) {
        log_warn("dom0_max_vcpus=%lu: too many, using %u\n", n, MAX_VCPUS);
        n = MAX_VCPUS;
    }
    cmdline.dom0_max_vcpus = (unsigned)n;
    return true;
}

/*
 * "all", or "warning/info".  The second part is Xen's rate limit, which exists here for guests
 * only.
 */
static bool parse_level(const char *s, int *level)
{
    static const struct {
        const char *name;
        int level;
    } names[] = {
        { "none", LOGLVL_ERR },  { "error", LOGLVL_ERR }, { "warning", LOGLVL_WARN },
        { "info", LOGLVL_INFO }, { "debug", LOGLVL_ALL }, { "all", LOGLVL_ALL },
    };
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        size_t n = strlen(names[i].name);
        if (strncmp(s, names[i].name, n) == 0 && (!s[n] || s[n] == '/')) {
            *level = names[i].level;
            return true;
        }
    }
    return false;
}

static bool set_dtuart(const char *s)
{
    return strlcpy(cmdline.dtuart, s, sizeof(cmdline.dtuart)) < sizeof(cmdline.dtuart) ||
           (cmdline.dtuart[0] = 0);
}
static bool set_console(const char *s)
{
    /* A list whose last word is the console.  Here the console is always the device tree's UART. */
    const char *last = strrchr(s, ',');
    return text_equal(last ? last + 1 : s, "dtuart");
}
static bool set_loglvl(const char *s)
{
    int level;
    if (!parse_level(s, &level))
        return false;
    cmdline.loglvl = (typeof(cmdline.loglvl))level;
    return true;
}
static bool set_guest_loglvl(const char *s)
{
    int level;
    if (!parse_level(s, &level))
        return false;
    cmdline.guest_loglvl = (typeof(cmdline.guest_loglvl))level;
    return true;
}
static const char *const dirty_modes[] = {
    [DIRTY_AUTO] = "auto", [DIRTY_SW] = "sw", [DIRTY_HW] = "hw"
};
bool cmdline_set_dirty(const char *s)
{
    for (unsigned i = 0; i < ARRAY_SIZE(dirty_modes); i++)
        if (text_equal(s, dirty_modes[i])) {
            __atomic_store_n(&cmdline.dirty_mode, (int)i, __ATOMIC_RELAXED);
            return true;
        }
    return false;
}
const char *cmdline_dirty(void)
{
    return dirty_modes[__atomic_load_n(&cmdline.dirty_mode, __ATOMIC_RELAXED)];
}
static bool set_split(const char *s)
{
    cmdline.split_eager = text_equal(s, "eager");
    return cmdline.split_eager || text_equal(s, "lazy");
}
static bool set_bool(const char *s, bool *out)
{
    int b = parse_bool(s);
    if (b >= 0)
        *out = b;
    return b >= 0;
}
static bool set_vlpt(const char *s) { return set_bool(s, &cmdline.vlpt); }
static bool set_noreboot(const char *s) { return set_bool(s, &cmdline.noreboot); }
static bool set_sync_console(const char *s) { return set_bool(s, &cmdline.sync_console); }

static const struct {
    const char *name;
    bool (*set)(const char *value);
    bool is_bool;
} options[] = {
    { "dom0_mem", parse_dom0_mem, false },
    { "dom0_max_vcpus", parse_dom0_vcpus, false },
    { "dtuart", set_dtuart, false },
    { "console", set_console, false },
    { "loglvl", set_loglvl, false },
    { "guest_loglvl", set_guest_loglvl, false },
    { "vlpt", set_vlpt, true },
    { "dirty", cmdline_set_dirty, false },
    { "split", set_split, false },
    { "noreboot", set_noreboot, true },
    { "sync_console", set_sync_console, true },
};

static bool is_ignored(const char *name)
{
    if (strncmp(name, "no-", 3) == 0)
        name += 3;
    for (unsigned i = 0; i < ARRAY_SIZE(ignored); i++)
        if (text_equal(name, ignored[i]))
            return true;
    return false;
}

static void parse_word(char *word)
{
    char *value = strchr(word, '=');
    const char *name = word;
    bool negated;

    if (value)
        *value++ = '\0';
    negated = !value && strncmp(name, "no-", 3) == 0;
    for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
        if (!text_equal(negated && options[i].is_bool ? name + 3 : name, options[i].name))
            continue;
        if (!value && !options[i].is_bool)
            log_warn("option %s needs a value: %s=VALUE\n", name, name);
        else if (!options[i].set(value ? value : negated ? "no" : ""))
            log_warn("option %s: bad value \"%s\"\n", name, value ? value : "");
        return;
    }
    if (!is_ignored(name))
        log_warn("unknown option %s%s%s\n", name, value ? "=" : "", value ? value : "");
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

void cmdline_parse(const char *s)
{
    strlcpy(cmdline.text, s, sizeof(cmdline.text));
    for (;;) {
        char word[WORD_BYTES];
        size_t n = 0;

        while (is_blank(*s))
            s++;
        if (!*s || strncmp(s, "-- ", 3) == 0) /* the rest belongs to the control domain */
            return;
        for (; *s && !is_blank(*s); s++)
            if (n < sizeof(word) - 1)
                word[n++] = *s;
        word[n] = '\0';
        parse_word(word);
    }
}
