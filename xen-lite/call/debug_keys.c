/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dumps for people: `xl debug-keys KEY`, or a key typed on the UART after three Ctrl-A.  They go to
 * the log.
 */
#include "debug_keys.h"
#include "domctl.h"
#include "types.h"
#include <xen/xen.h>
#include "domain.h"
#include "hypercall.h"
#include "vlpt.h"

static void help(void);

static void for_each_domain(void (*fn)(struct domain *d))
{
    for (struct domain *d = domain_get_next(0); d;) {
        domid_t next = (domid_t)(d->id + 1u);
        fn(d);
        domain_put(d);
        d = domain_get_next(next);
    }
}

static void dump_events(void) { for_each_domain(evtchn_dump); }
static void dump_grants(void) { for_each_domain(grant_dump); }
static void dump_vgic(void) { for_each_domain(vgic_dump); }
static void time_lookups(void) { for_each_domain(vlpt_time); }
static void dump_p2m(void) { for_each_domain(p2m_dump); }

static void print_exits(const char *who, unsigned id, const uint64_t *count)
{
    char line[256];
    unsigned n = 0;

    for (unsigned i = 0; i < EXIT_COUNT; i++) {
        int more = snprintf(line + n, sizeof(line) - n, " %s=%llu", exit_names[i],
                            (unsigned long long)count[i]);
        n += more > 0 ? (unsigned)more : 0;
        if (n >= sizeof(line))
            break;
    }
    log_info("%s%u exits:%s\n", who, id, line);
}

static void domain_exits(struct domain *d)
{
    uint64_t sum[EXIT_COUNT] = { 0 };

    for (unsigned i = 0; i < d->max_vcpus; i++)
        for (unsigned n = 0; d->vcpu[i] && n < EXIT_COUNT; n++)
            sum[n] += d->vcpu[i]->exits[n];
    print_exits("d", d->id, sum);
}

static void dump_exits(void)
{
    for_each_domain(domain_exits);
    for (unsigned nr = 0; nr < HYPERCALL_COUNT; nr++)
        if (hypercall_longest_ns(nr))
            log_info("hypercall %u: %llu ns at most\n", nr,
                     (unsigned long long)hypercall_longest_ns(nr));
}

static void dump_cpus(void)
{
    for (unsigned i = 0; i < cpu_count; i++) {
        const struct cpu *c = &cpus[i];
        const struct vcpu *v = c->current;
        log_info("CPU%u mpidr %llx %s work %x idle %llu ms busy %llu ms\n", i,
                 (unsigned long long)c->mpidr, c->idle ? "idle" : "running", c->work,
                 (unsigned long long)(ticks_to_ns(c->idle_ticks) / 1000000),
                 (unsigned long long)(ticks_to_ns(c->busy_ticks) / 1000000));
        if (v && v->domain)
            log_info("  d%uv%u pc %016llx\n", (unsigned)v->domain->id, v->id,
                     (unsigned long long)v->arch.regs.pc);
    }
}

/* As of each vCPU's last exit; a vCPU that runs on another CPU has gone on since. */
static void dump_dom0_registers(void)
{
    for (unsigned i = 0; dom0 && i < dom0->max_vcpus; i++) {
        const struct vcpu *v = dom0->vcpu[i];
        if (!v)
            continue;
        log_info("d0v%u%s: pc %016llx pstate %llx\n", i,
                 v->sched.running && v != current_vcpu() ? " (running)" : "",
                 (unsigned long long)v->arch.regs.pc, (unsigned long long)v->arch.regs.pstate);
        for (unsigned n = 0; n < 30; n += 3)
            log_info("  x%-2u %016llx %016llx %016llx\n", n, (unsigned long long)arch_reg_get(v, n),
                     (unsigned long long)arch_reg_get(v, n + 1),
                     (unsigned long long)arch_reg_get(v, n + 2));
        log_info("  x30 %016llx\n", (unsigned long long)arch_reg_get(v, 30));
    }
}

static void reboot(void)
{
    log_warn("'R' pressed: rebooting\n");
    arch_reboot();
}

static const struct {
    char key;
    bool dump;
    void (*fn)(void);
    const char *what;
} keys[] = {
    { 'h', false, help, "this list" },
    { '*', false, debug_keys_dump_all, "all dumps" },
    { '0', true, dump_dom0_registers, "control domain's registers" },
    { 'd', true, dump_cpus, "CPUs and what they run" },
    { 'e', true, dump_events, "event channels" },
    { 'g', true, dump_grants, "grant tables" },
    { 'i', true, dump_vgic, "virtual interrupt controllers" },
    { 'L', false, time_lookups, "what finding a leaf takes" },
    { 'm', true, page_dump, "memory" },
    { 'M', false, mmio_debug_change, "another device map for the control domain (debug builds)" },
    { 'p', true, dump_p2m, "guest-physical maps" },
    { 'q', true, domain_dump_all, "domains and vCPUs" },
    { 'r', true, sched_dump, "run queue" },
    { 'v', false, dump_vgic, "virtual interrupt controllers" },
    { 'V', true, vmid_dump, "VMIDs" },
    { 'x', true, dump_exits, "guest exit counts, and the longest hypercalls" },
    { 'R', false, reboot, "reboot the machine" },
};

static void help(void)
{
    log_info("keys:\n");
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
        log_info(" key '%c': %s\n", keys[i].key, keys[i].what);
}

void debug_keys_dump_all(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].dump) {
            log_info("--- '%c' %s\n", keys[i].key, keys[i].what);
            keys[i].fn();
        }
}

void debug_key(char key)
{
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].key == key) {
            log_info("'%c' pressed: %s\n", key, keys[i].what);
            keys[i].fn();
            return;
        }
    log_info("'%c' pressed: no such key, 'h' lists them\n", key >= ' ' && key < 0x7f ? key : '?');
}
