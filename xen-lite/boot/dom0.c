/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds the control domain: memory mapped one to one, devices passed through, kernel and ramdisk
 * copied to where the kernel's boot protocol wants them (dom0_image.c).
 */
#include <libfdt.h>
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/hvm/params.h>
#include "hw.h"
#include "boot.h"
#include "domain.h"
#include "hypercall.h"
#include "irq.h"

/* For errors that the user can correct: logs one line and powers the machine off. */
#define STOP(...)             \
    do {                      \
        log_err(__VA_ARGS__); \
        boot_stop();          \
    } while (0)

#define DOM0_DEFAULT_BYTES (512ull << 20)
#define DOM0_ORDER_MAX     18u /* 1 GiB */
#define DTB_ROOM           (256u << 10)

static struct dom0_layout layout;
static struct kernel_image image;

static void add_bank(uint64_t start, uint64_t end)
{
    unsigned at = 0;
    while (at < layout.bank_count && layout.bank[at].start < start)
        at++;
    if (at && layout.bank[at - 1].end == start) {
        layout.bank[at - 1].end = end;
        if (at < layout.bank_count && layout.bank[at].start == end) {
            layout.bank[at - 1].end = layout.bank[at].end;
            memmove(&layout.bank[at], &layout.bank[at + 1],
                    (--layout.bank_count - at) * sizeof(layout.bank[0]));
        }
        return;
    }
    if (at < layout.bank_count && layout.bank[at].start == end) {
        layout.bank[at].start = start;
        return;
    }
    if (layout.bank_count == BOOT_REGIONS_MAX)
        STOP("dom0: memory is in more than %u pieces: ask for less with dom0_mem=\n",
             BOOT_REGIONS_MAX);
    memmove(&layout.bank[at + 1], &layout.bank[at],
            (layout.bank_count++ - at) * sizeof(layout.bank[0]));
    layout.bank[at] = (struct mem_region){ start, end };
}

static uint64_t add_memory(struct domain *d, const struct page *p, unsigned order)
{
    uint64_t start = page_pa(p).v, size = (uint64_t)PAGE_SIZE << order;
    if (p2m_map(d, IPA(start), PA(start), 1ull << order, P2M_RAM))
        panic("dom0: no memory for its page tables");
    add_bank(start, start + size);
    return size;
}

static _Noreturn void too_little(uint64_t bytes, const char *where)
{
    STOP("dom0: dom0_mem= asks for 0x%llx bytes more than there are free%s\n",
         (unsigned long long)bytes, where);
}

/* Largest blocks first: few banks, and 2 MiB blocks in the map. */
static void give_memory(struct domain *d, uint64_t bytes)
{
    for (unsigned order = DOM0_ORDER_MAX; bytes >= PAGE_SIZE;) {
        while (order && (uint64_t)PAGE_SIZE << order > bytes)
            order--;
        /* Uncleared: the kernel clears what it uses. */
        const struct page *p = page_alloc(d, order, ALLOC_RAW);
        if (p)
            bytes -= add_memory(d, p, order);
        else if (order-- < BLOCK_SHIFT - PAGE_SHIFT)
            too_little(bytes, "");
    }
}

/*
 * The same below `limit`, from the bottom up.  Returns the number of bytes that are still missing.
 */
static uint64_t give_blocks_below(struct domain *d, uint64_t bytes, unsigned order, uint64_t limit)
{
    uint64_t size = (uint64_t)PAGE_SIZE << order;
    for (unsigned i = 0; i < boot.ram_count; i++)
        for (uint64_t at = ROUND_UP(boot.ram[i].start, size);
             bytes >= size && at + size <= MIN(boot.ram[i].end, limit); at += size) {
            const struct page *p = page_alloc_at(d, PA(at), order);
            if (p)
                bytes -= add_memory(d, p, order);
        }
    return bytes;
}

/* Memory of a 32-bit kernel, which may not know addresses of more than 32 bits. */
static void give_low_memory(struct domain *d, uint64_t bytes)
{
    for (unsigned order = DOM0_ORDER_MAX + 1; order--;)
        bytes = give_blocks_below(d, bytes, order, 4ull << 30);
    if (bytes >= PAGE_SIZE)
        too_little(bytes, " below 4 GiB");
}

/*
 * A ramdisk of whole pages becomes the control domain's memory where it lies; the kernel frees it
 * for its own use after unpacking.  arm64 Linux wants the ramdisk within 32 GiB of the kernel,
 * counted from a GiB boundary, so this is done only if all of RAM is.  32-bit Linux wants it near
 * the kernel, so there it is copied.  Returns its size in bytes; 0: it must be copied.
 */
static uint64_t adopt_ramdisk(struct domain *d, uint64_t bytes)
{
    uint64_t start = boot.ramdisk.start,
             end = ROUND_UP(start + boot.ramdisk.bytes, (uint64_t)PAGE_SIZE);
    uint64_t low = ROUND_DOWN(boot.ram[0].start, 1ull << 30),
             high = boot.ram[boot.ram_count - 1].end;
    if (!boot.ramdisk.present || image.aarch32 || (start & ~PAGE_MASK) || end - start > bytes / 2 ||
        high - low > 32ull << 30)
        return 0;
    for (unsigned i = 0; i < boot.reserved_count; i++) {
        const struct mem_region *r = &boot.reserved[i];
        if (r->start < end && start < r->end && (r->start != start || r->end != end))
            return 0; /* its last page also has something else */
    }
    if (!page_adopt(d, start, end))
        return 0;
    if (p2m_map(d, IPA(start), PA(start), (end - start) >> PAGE_SHIFT, P2M_RAM))
        panic("dom0: no memory for its page tables");
    layout.ramdisk_start = start;
    layout.ramdisk_end = start + boot.ramdisk.bytes;
    return end - start;
}

static int note_device(void *arg, uint64_t start, uint64_t end)
{
    return p2m_device_add(arg, start, end);
}

static bool range_used(uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < boot.ram_count; i++)
        if (start < boot.ram[i].end && boot.ram[i].start < end)
            return true;
    return p2m_device_overlaps(start, end);
}

static bool within(uint64_t start, uint64_t end, paddr_t at, uint64_t bytes)
{
    return bytes && start < at.v + bytes && at.v < end;
}

/* True for memory that is hidden from the control domain: nothing else may be placed there. */
static bool range_hidden(uint64_t start, uint64_t end)
{
    return within(start, end, gic_info.dist, gic_info.dist_bytes) ||
           within(start, end, gic_info.redist, gic_info.redist_bytes) ||
           within(start, end, gic_info.cpu_if, gic_info.cpu_if_bytes) ||
           within(start, end, gic_info.vcpu_if, gic_info.cpu_if_bytes) ||
           within(start, end, uart_base, uart_base.v ? PAGE_SIZE : 0);
}

/*
 * Grant frames of a 32-bit kernel: below 4 GiB, as high as possible.  The kernel maps other
 * domains' pages in place of its own.
 */
static void find_low_region(void)
{
    layout.grant_bytes = (uint64_t)GRANT_FRAMES_MAX << PAGE_SHIFT;
    for (uint64_t start = (4ull << 30) - BLOCK_SIZE; start; start -= BLOCK_SIZE)
        if (!range_used(start, start + BLOCK_SIZE) && !range_hidden(start, start + BLOCK_SIZE)) {
            layout.grant_start = start;
            return;
        }
    panic("dom0: no unused guest-physical space of 2 MiB below 4 GiB for grants");
}

/*
 * Guest-physical space with nothing behind it on this machine.  The control domain maps grants and
 * other domains' pages there, and need not give up RAM for them.  Above 4 GiB; the largest of a few
 * sizes that fits.
 */
static void find_extended_region(void)
{
    for (uint64_t size = 16ull << 30; size >= 1ull << 30; size >>= 1)
        for (uint64_t start = 4ull << 30; start + size <= 1ull << 38; start += 1ull << 30)
            if (!range_used(start, start + size)) {
                layout.grant_start = start;
                layout.grant_bytes = (uint64_t)GRANT_FRAMES_MAX << PAGE_SHIFT;
                layout.extended_start = start + (1ull << 29);
                layout.extended_bytes = size - (1ull << 29);
                return;
            }
    panic("dom0: no unused guest-physical space of 1 GiB below 2^38 for grants");
}

static void copy_in(struct domain *d, uint64_t to, const void *from, size_t bytes, const char *what)
{
    if (copy_to_ipa(d, IPA(to), from, bytes))
        panic("dom0: cannot write the %s to 0x%llx", what, (unsigned long long)to);
}

/* Copies a module, which may lie anywhere in RAM. */
static void copy_module(struct domain *d, uint64_t to, const struct boot_module *m,
                        const char *what)
{
    for (uint64_t done = 0; done < m->bytes;) {
        const struct page *p = pfn_page((m->start + done) >> PAGE_SHIFT);
        size_t offset = (m->start + done) & (PAGE_SIZE - 1),
               n = (size_t)MIN(m->bytes - done, (uint64_t)(PAGE_SIZE - offset));
        const uint8_t *from = page_map(p);
        copy_in(d, to + done, from + offset, n, what);
        page_unmap(p, from);
        done += n;
    }
}

/* A place of `bytes` in bank `b`, 2 MiB aligned, as high as possible below `*top`. */
static uint64_t place_high(const struct mem_region *b, uint64_t *top, uint64_t bytes,
                           const char *what)
{
    if (bytes + BLOCK_SIZE > *top - b->start)
        STOP("dom0: the %s (0x%llx bytes) does not fit into its first memory bank 0x%llx-0x%llx: "
             "raise dom0_mem=\n",
             what, (unsigned long long)bytes, (unsigned long long)b->start,
             (unsigned long long)b->end);
    *top = ROUND_DOWN(*top - bytes, (uint64_t)BLOCK_SIZE);
    return *top;
}

static const struct mem_region *bank_for(uint64_t bytes)
{
    const struct mem_region *best = NULL;
    for (unsigned i = 0; i < layout.bank_count && !best; i++)
        if (layout.bank[i].end - layout.bank[i].start >= bytes)
            best = &layout.bank[i];
    if (!best)
        STOP("dom0: no memory bank holds kernel and ramdisk (0x%llx bytes): raise dom0_mem=\n",
             (unsigned long long)bytes);
    return best;
}

/* Determines the kind of the kernel module.  Stops if it cannot run here. */
static void look_at_kernel(void)
{
    const struct boot_module *m = &boot.kernel;
    const struct page *p = pfn_page(m->start >> PAGE_SHIFT);
    size_t offset = m->start & (PAGE_SIZE - 1);
    const uint8_t *page = page_map(p);
    uint8_t start[KERNEL_HEADER_BYTES] = { 0 };
    /* Loaders align modules, so the header does not cross a page. */
    memcpy(start, page + offset, MIN(sizeof(start), PAGE_SIZE - offset));
    page_unmap(p, page);
    int rc = dom0_image_probe(start, m->bytes, &image);
    if (!rc)
        return;
    if (rc == -XEN_EOPNOTSUPP)
        log_err("boot: %s (kernel, 0x%llx bytes at 0x%llx): is %s, and EL1 of this CPU is %s only: "
                "load a kernel of that width\n",
                m->name, (unsigned long long)m->bytes, (unsigned long long)m->start,
                image.aarch32 ? "a 32-bit zImage" : "an arm64 Image",
                image.aarch32 ? "AArch64" : "32-bit");
    else
        log_err(
            "boot: %s (kernel, 0x%llx bytes at 0x%llx): is neither an arm64 Image nor a zImage, "
            "or not all of it is there\n",
            m->name, (unsigned long long)m->bytes, (unsigned long long)m->start);
    boot_stop();
}

static void place_ramdisk(struct domain *d, const struct mem_region *bank, uint64_t *top)
{
    if (layout.ramdisk_end) {
        add_bank(layout.ramdisk_start,
                 ROUND_UP(layout.ramdisk_end,
                          (uint64_t)PAGE_SIZE)); /* computed last: nothing else is placed there */
    } else if (boot.ramdisk.present) {
        layout.ramdisk_start = place_high(bank, top, boot.ramdisk.bytes, "ramdisk");
        layout.ramdisk_end = layout.ramdisk_start + boot.ramdisk.bytes;
        copy_module(d, layout.ramdisk_start, &boot.ramdisk, "ramdisk");
    }
}

static void make_tree(struct domain *d, const void *fdt, uint64_t to)
{
    void *out = mem_alloc(DTB_ROOM);
    int bytes = out ? dom0_fdt_make(fdt, out, DTB_ROOM, &layout) : -XEN_ENOMEM;
    if (bytes < 0)
        panic("dom0: cannot make its device tree (error %d)", bytes);
    copy_in(d, to, out, (size_t)bytes, "device tree");
    mem_free(out, DTB_ROOM);
}

/*
 * Copies kernel, ramdisk and device tree into the domain.  Returns the entry point; *dtb is the
 * tree's address.
 */
static uint64_t load(struct domain *d, const void *fdt, uint64_t *dtb)
{
    uint64_t ramdisk_bytes = layout.ramdisk_end ? 0 : boot.ramdisk.bytes, entry;
    const struct mem_region bank = *bank_for(image.room + ramdisk_bytes + DTB_ROOM +
                                             4 * BLOCK_SIZE);
    uint64_t top = dom0_image_data_end(&image, &bank);
    *dtb = place_high(&bank, &top, DTB_ROOM, "device tree");
    place_ramdisk(d, &bank, &top);
    if (!dom0_image_place(&image, bank.start, top, &entry))
        STOP("dom0: the kernel (0x%llx bytes) and the ramdisk do not fit into bank "
             "0x%llx-0x%llx: raise dom0_mem=\n",
             (unsigned long long)image.bytes, (unsigned long long)bank.start,
             (unsigned long long)bank.end);
    copy_module(d, entry, &boot.kernel, "kernel");
    make_tree(d, fdt, *dtb);
    /* The kernel starts with caches off. */
    p2m_cache_flush(d, entry >> PAGE_SHIFT,
                    ROUND_UP(image.bytes, (uint64_t)PAGE_SIZE) >> PAGE_SHIFT);
    p2m_cache_flush(d, *dtb >> PAGE_SHIFT, DTB_ROOM >> PAGE_SHIFT);
    return entry;
}

/* x0 is the device tree.  32-bit: r2 is, and r1 tells that it is not a list of ATAGs. */
static void start_vcpu(struct vcpu *v, uint64_t entry, uint64_t dtb)
{
    arch_vcpu_reset(v, entry, image.aarch32 ? 0 : dtb, image.aarch32);
    if (image.aarch32) {
        arch_reg_set(v, 1, 0xffffffff);
        arch_reg_set(v, 2, dtb);
    }
    v->online = true;
    v->initialised = true;
}

/* The control domain gets every SPI of the machine, except the console's. */
static void give_interrupts(struct domain *d)
{
    for (uint32_t intid = INTID_SPI; intid < gic_info.irq_count; intid++)
        if (intid != uart_intid && irq_give(d, intid, false))
            panic("dom0: interrupt %u is taken already", intid);
}

void dom0_build(const void *fdt)
{
    look_at_kernel();
    uint64_t bytes = cmdline.dom0_mem_bytes ? cmdline.dom0_mem_bytes : DOM0_DEFAULT_BYTES;
    layout.vcpu_count = cmdline.dom0_max_vcpus ? MIN(cmdline.dom0_max_vcpus, MAX_VCPUS) : cpu_count;
    struct xen_domctl_createdomain cfg = {
        .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
        .max_vcpus = layout.vcpu_count,
        .max_evtchn_port = -1u,
        .max_grant_frames = GRANT_FRAMES_MAX,
        .max_maptrack_frames = 1024,
        .grant_opts = 1,
        .arch = { .gic_version = gic->version == 3 ? XEN_DOMCTL_CONFIG_GIC_V3
                                                   : XEN_DOMCTL_CONFIG_GIC_V2,
                  .nr_spis = gic_info.irq_count - INTID_SPI },
    };
    struct domain *d;
    int rc = domain_create(DOMID_DOM0, &cfg, true, &d);
    if (rc)
        panic("dom0: cannot create the control domain (error %d)", rc);
    dom0 = d;
    d->aarch32 = layout.aarch32 = image.aarch32;
    d->max_pages = (uint32_t)(bytes >> PAGE_SHIFT);
    for (unsigned i = 0; i < layout.vcpu_count; i++)
        if (!d->vcpu[i] && (rc = vcpu_create(d, i)))
            panic("dom0: cannot create vCPU %u (error %d)", i, rc);
    uint64_t ramdisk = adopt_ramdisk(d, bytes);
    if (ramdisk) /* whole blocks instead of small pieces for the last MiB */
        bytes = ramdisk + ROUND_DOWN(bytes - ramdisk, (uint64_t)BLOCK_SIZE);
    if (image.aarch32)
        give_low_memory(d, bytes - ramdisk);
    else
        give_memory(d, bytes - ramdisk);
    if ((rc = dom0_for_each_device(fdt, note_device, d)))
        panic("dom0: cannot map its devices (error %d)", rc);
    if (image.aarch32)
        find_low_region();
    else
        find_extended_region();
    give_interrupts(d);
    layout.evtchn_ppi = d->evtchn_ppi;
    uint64_t dtb, entry = load(d, fdt, &dtb);
    d->max_pages = (uint32_t)(bytes >> PAGE_SHIFT);
    log_info("dom0: %s, %llu MiB in %u bank(s) from 0x%llx, %u vCPU(s), kernel at 0x%llx, device "
             "tree at 0x%llx\n",
             image.aarch32 ? "32-bit" : "64-bit", (unsigned long long)bytes >> 20,
             layout.bank_count, (unsigned long long)layout.bank[0].start, layout.vcpu_count,
             (unsigned long long)entry, (unsigned long long)dtb);
    start_vcpu(d->vcpu[0], entry, dtb);
    d->counter_offset = counter();
    domain_unpause_by_controller(d);
}
