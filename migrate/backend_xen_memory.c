/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of guests: layout, mapping, dirty log, balloon. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "backend_xen.h"

/* XEN_DOMCTL_getpageframeinfo3. libxenctrl 4.17 exports this function, but declares it only in a
 * private header. */
int xc_get_pfn_type_batch(xc_interface *xch, uint32_t dom, unsigned int num, xen_pfn_t *arr);

/* public/arch-arm.h defines where xl puts the memory of an Arm guest. The magic pages are those
 * of console, xenstore, memory event and vuart. */
#define MAGIC_PAGES 4u

int backend_layout(struct backend *backend, uint64_t max_pages, struct xlm_run bank[4])
{
    static const uint64_t base[] = GUEST_RAM_BANK_BASES, size[] = GUEST_RAM_BANK_SIZES;
    int count = 0;
    (void)backend;
    bank[count++] = (struct xlm_run){ GUEST_MAGIC_BASE / XLM_PAGE_BYTES, MAGIC_PAGES };
    for (int i = 0; i < GUEST_RAM_BANKS && max_pages; i++) {
        uint64_t most = size[i] / XLM_PAGE_BYTES, n = max_pages < most ? max_pages : most;
        bank[count++] = (struct xlm_run){ base[i] / XLM_PAGE_BYTES, n };
        max_pages -= n;
    }
    return count;
}

/* An extension of xen-lite (docs/hypercalls.md): if a frame is passed with the type XALLOC, the
 * hypervisor returns XALLOC for a page that contains only zeroes. */
int backend_frames(struct backend *backend, uint32_t domid, uint64_t gfn, size_t count, bool zero,
                   enum backend_frame *frame)
{
    xen_pfn_t type[BACKEND_FRAMES_MAX];
    for (size_t i = 0; i < count; i++)
        type[i] = (gfn + i) | (zero ? XEN_DOMCTL_PFINFO_XALLOC : 0);
    if (xc_get_pfn_type_batch(backend->xc, domid, (unsigned)count, type) < 0)
        return -errno;
    for (size_t i = 0; i < count; i++) {
        xen_pfn_t kind = type[i] & XEN_DOMCTL_PFINFO_LTAB_MASK;
        frame[i] = kind == XEN_DOMCTL_PFINFO_XTAB     ? BACKEND_HOLE
                   : kind == XEN_DOMCTL_PFINFO_XALLOC ? BACKEND_ZERO
                                                      : BACKEND_MEMORY;
    }
    return 0;
}

void *backend_map(struct backend *backend, uint32_t domid, bool writable, const uint64_t *gfn,
                  size_t count, int *error)
{
    _Static_assert(sizeof(xen_pfn_t) == sizeof(*gfn), "frame numbers");
    return xenforeignmemory_map(backend->memory, domid,
                                writable ? PROT_READ | PROT_WRITE : PROT_READ, count, gfn, error);
}

void backend_unmap(struct backend *backend, void *va, size_t count)
{
    xenforeignmemory_unmap(backend->memory, va, count);
}

int backend_log_enable(struct backend *backend, uint32_t domid)
{
    /* The log may still be on from a daemon that died. Off and on again makes it start empty. */
    if (xc_shadow_control(backend->xc, domid, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0) >= 0)
        return 0;
    xc_shadow_control(backend->xc, domid, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0);
    return xc_shadow_control(backend->xc, domid, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0) < 0
               ? -errno
               : 0;
}

int backend_log_disable(struct backend *backend, uint32_t domid)
{
    return xc_shadow_control(backend->xc, domid, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0) < 0 ? -errno
                                                                                        : 0;
}

/* The hypervisor may return fewer bits than requested, if they include the guest's last frame. */
static int check_reach(struct backend *backend, uint32_t domid, uint64_t got, uint64_t bits)
{
    xen_pfn_t last;
    if (got >= bits)
        return 0;
    if (xc_domain_maximum_gpfn(backend->xc, domid, &last) < 0)
        return -errno;
    return got > last ? 0 : -EIO;
}

static int read_log(struct backend *backend, uint32_t domid, unsigned op, uint64_t *bitmap,
                    uint64_t bits)
{
    DECLARE_HYPERCALL_BUFFER(uint64_t, buffer);
    size_t bytes = (size_t)((bits + 63) / 64 * 8);
    int pages = (int)((bytes + XLM_PAGE_BYTES - 1) / XLM_PAGE_BYTES);
    xc_shadow_op_stats_t stats;
    buffer = xc_hypercall_buffer_alloc_pages(backend->xc, buffer, pages);
    if (!buffer)
        return -ENOMEM;
    memset(buffer, 0, bytes);
    long long got = xc_logdirty_control(backend->xc, domid, op, HYPERCALL_BUFFER(buffer),
                                        (unsigned long)bits, 0, &stats);
    int error = got < 0 ? -errno : check_reach(backend, domid, (uint64_t)got, bits);
    if (!error)
        memcpy(bitmap, buffer, bytes);
    xc_hypercall_buffer_free_pages(backend->xc, buffer, pages);
    return error;
}

int backend_log_harvest(struct backend *backend, uint32_t domid, uint64_t *bitmap, uint64_t bits)
{
    return read_log(backend, domid, XEN_DOMCTL_SHADOW_OP_CLEAN, bitmap, bits);
}

int backend_log_peek(struct backend *backend, uint32_t domid, uint64_t *bitmap, uint64_t bits)
{
    return read_log(backend, domid, XEN_DOMCTL_SHADOW_OP_PEEK, bitmap, bits);
}

/* If the log is switched on before a domain has ever run, it starts with the pages that the
 * domain builder wrote: dirty.c. */
int backend_written(struct backend *backend, uint32_t domid, uint64_t *bitmap, uint64_t bits)
{
    int error = backend_log_enable(backend, domid);
    if (!error) {
        error = backend_log_harvest(backend, domid, bitmap, bits);
        backend_log_disable(backend, domid);
    }
    return error;
}

int backend_populate(struct backend *backend, uint32_t domid, uint64_t gfn)
{
    xen_pfn_t frame = gfn;
    return xc_domain_populate_physmap_exact(backend->xc, domid, 1, 0, 0, &frame) < 0 ? -errno : 0;
}

int backend_depopulate(struct backend *backend, uint32_t domid, uint64_t gfn)
{
    xen_pfn_t frame = gfn;
    return xc_domain_decrease_reservation_exact(backend->xc, domid, 1, 0, &frame) < 0 ? -errno : 0;
}

int backend_set_max_pages(struct backend *backend, uint32_t domid, uint64_t pages)
{
    return xc_domain_setmaxmem(backend->xc, domid, pages * 4) < 0 ? -errno : 0;
}
