/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Panic: prints where and why, stops the other CPUs, and restarts the machine unless `noreboot` is
 * set.
 */
#include "arch.h"
#include "domain_types.h"
#include "log.h"
#include "options.h"
#include "panic.h"
#include <xen/xen.h>

#define REBOOT_AFTER_S 5u

bool panic_in_progress;

_Noreturn void panic_stop_cpu(void) { arch_halt(); }

static void stop_other_cpus(unsigned self)
{
    for (unsigned i = 0; i < cpu_count; i++)
        if (i != self && cpus[i].online) {
            __atomic_fetch_or(&cpus[i].work, (uint32_t)WORK_RESCHED, __ATOMIC_SEQ_CST);
            arch_kick_cpu(i);
        }
}

/*
 * Prints the location of the caller, and what the CPU was running: after an exit all the guest's
 * registers are in memory.
 */
static void print_registers(const void *pc, const void *frame)
{
    const struct cpu *c = this_cpu();
    const struct vcpu *v = c->current;

    log_err("CPU%u: pc %p fp %p\n", c->id, pc, frame);
    if (!v || !v->domain)
        return;
    log_err("running d%uv%u: pc %016llx\n", (unsigned)v->domain->id, v->id,
            (unsigned long long)v->arch.regs.pc);
    for (unsigned n = 0; n < 31; n += 4)
        log_err("  x%-2u %016llx %016llx %016llx %016llx\n", n,
                (unsigned long long)arch_reg_get(v, n), (unsigned long long)arch_reg_get(v, n + 1),
                (unsigned long long)arch_reg_get(v, n + 2),
                (unsigned long long)(n + 3 < 31 ? arch_reg_get(v, n + 3) : 0));
}

static _Noreturn void finish(void)
{
    if (cmdline.noreboot) {
        log_err("noreboot: halted\n");
        arch_halt();
    }
    log_err("reboot in %u seconds\n", REBOOT_AFTER_S);
    for (uint64_t end = counter() + REBOOT_AFTER_S * counter_hz; counter() < end;)
        cpu_relax_();
    arch_reboot();
}

_Noreturn void panic_at(const char *file, int line, const char *fmt, ...)
{
    static unsigned panics;
    char text[256];
    va_list ap;

    unsigned nth = __atomic_fetch_add(&panics, 1, __ATOMIC_SEQ_CST);
    if (nth > 1)
        arch_halt(); /* a third panic within the first: print nothing */
    __atomic_store_n(&panic_in_progress, true, __ATOMIC_SEQ_CST);
    log_force();
    cmdline.loglvl = LOGLVL_ALL;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    log_err("\n");
    log_err("****************************************\n");
    log_err("panic at %s:%d: %s\n", file, line, text);
    if (nth == 0) {
        stop_other_cpus(cpu_id());
        print_registers(__builtin_return_address(0), __builtin_frame_address(0));
        arch_backtrace();
    }
    log_err("****************************************\n");
    finish();
}
