/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot, in the order in which things become possible: read the device tree, make the frame table
 * for all RAM, start console, interrupts and CPUs, build the control domain, and enter guests for
 * ever.
 */
#include <libfdt.h>
#include "boot.h"
#include "domain.h"
#include "hw.h"
#include "hypercall.h"
#include "version.h"

#define FDT_MAX_BYTES        (2u << 20)
#define CPU_START_TIMEOUT_MS 1000u
#define LAST_WORDS_MS        20u

_Noreturn void boot_stop(void)
{
    log_err("boot: the control domain cannot start: %s\n",
            cmdline.noreboot ? "halted" : "power off");
    if (cmdline.noreboot)
        arch_halt();
    /* The UART must have sent the rest of the line before the power is off. */
    for (uint64_t end = counter() + counter_hz / 1000 * LAST_WORDS_MS; counter() < end;)
        cpu_relax_();
    arch_poweroff();
}

static void read_tree(paddr_t pa, const void *fdt)
{
    extern const char image_start[], image_end[];
    uint64_t start = va_to_pa(image_start).v;
    struct mem_region image = { start, start + (uint64_t)(image_end - image_start) };
    int rc = boot_scan(fdt, pa, image);
    cmdline_parse(boot.cmdline);
    console_init(boot.cmdline);
    if (rc)
        boot_stop();
}

static void start_memory(void)
{
    for (unsigned i = 0; i < boot.ram_count; i++)
        arch_map_ram(PA(boot.ram[i].start), boot.ram[i].end - boot.ram[i].start);
    page_init(boot.ram, boot.ram_count, boot.reserved, boot.reserved_count);
}

/*
 * The device tree as the boot loader left it is in a reserved region.  This makes a copy that stays
 * valid when the region is reused.  The copy is packed: QEMU's tree has a MiB of padding, for which
 * editing would need room.
 */
static const void *keep_tree(const void *early)
{
    unsigned bytes = fdt_totalsize(early);
    void *copy = bytes <= FDT_MAX_BYTES ? mem_alloc(bytes) : NULL;
    if (!copy)
        panic("boot: no memory for the device tree (%u bytes)", bytes);
    memcpy(copy, early, bytes);
    if (fdt_pack(copy))
        panic("boot: the device tree cannot be packed");
    return copy;
}

static void start_cpus(void)
{
    for (unsigned i = 1; i < boot.cpu_count; i++) {
        int rc = arch_cpu_on(i, boot.cpu_mpidr[i]);
        if (rc) {
            log_warn("boot: CPU %u (MPIDR 0x%llx) did not start: PSCI error %d\n", i,
                     (unsigned long long)boot.cpu_mpidr[i], rc);
            break; /* CPUs are numbered without gaps */
        }
        uint64_t end = counter() + counter_hz / 1000 * CPU_START_TIMEOUT_MS;
        while (!__atomic_load_n(&cpus[i].online, __ATOMIC_ACQUIRE))
            if (counter() > end)
                panic("boot: CPU %u (MPIDR 0x%llx) was started and never came up", i,
                      (unsigned long long)boot.cpu_mpidr[i]);
    }
}

/*
 * Returns memory that only booting needed to the allocator: modules that were copied into the
 * control domain.
 */
static void free_modules(void)
{
    const struct boot_module *m[] = { &boot.kernel, &boot.ramdisk };
    for (unsigned i = 0; i < ARRAY_SIZE(m); i++)
        if (m[i]->present)
            page_free_region(ROUND_UP(m[i]->start, (uint64_t)PAGE_SIZE),
                             ROUND_DOWN(m[i]->start + m[i]->bytes, (uint64_t)PAGE_SIZE));
}

_Noreturn void core_boot(paddr_t fdt_pa)
{
    stack_guard_init();
    const void *fdt = arch_early_map(fdt_pa, FDT_MAX_BYTES);
    uart_probe(fdt, NULL);
    int psci = psci_probe(fdt); /* before the first line that may be the last */
    read_tree(fdt_pa, fdt);
    start_memory();
    if (boot_modules_check())
        boot_stop();
    fdt = keep_tree(fdt);
    if (cmdline.dtuart[0] && uart_probe(fdt, cmdline.dtuart))
        log_warn("boot: dtuart=%s is no supported UART: the console stays\n", cmdline.dtuart);
    log_info("xen-lite " XL_VERSION ": %llu MiB of RAM, %u CPU(s)\n",
             (unsigned long long)boot.ram_bytes >> 20, boot.cpu_count);
    if (psci)
        log_warn("boot: no usable PSCI firmware (error %d): one CPU, no power off\n", psci);
    int rc = gic_probe(fdt);
    if (rc)
        panic("boot: no usable interrupt controller (error %d)", rc);
    this_cpu()->mpidr = boot.cpu_mpidr[0];
    gic->cpu_init();
    vmid_init();
    sched_init();
    sched_cpu_start();
    start_cpus();
    dom0_build(fdt);
    free_modules();
    uart_irq_enable();
    log_info("xen-lite: %llu MiB free, control domain starts\n",
             (unsigned long long)page_free_count() >> 8);
    arch_enter_guest();
}

_Noreturn void core_secondary(unsigned cpu)
{
    cpus[cpu].mpidr = boot.cpu_mpidr[cpu];
    gic->cpu_init();
    sched_cpu_start();
    __atomic_store_n(&cpus[cpu].online, true, __ATOMIC_RELEASE);
    arch_enter_guest();
}
