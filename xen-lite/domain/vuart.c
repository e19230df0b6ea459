/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SBSA generic UART (a subset of PL011; SBSA 7.1, appendix B) on top of a ring of
 * public/io/console.h, which the console daemon drains.  The ring is the UART's FIFO: all status
 * and interrupt bits are computed from its indices.  Guest and daemon can write the indices as
 * well, so the code reads each one once and does not trust it.  TX and RX interrupts are levels:
 * ICR cannot clear a level that still holds.
 */
#include "abi.h"
#include "dirty.h"
#include "domain_types.h"
#include "evtchn.h"
#include "hooks.h"
#include "lib.h"
#include "mm.h"
#include "mmio.h"
#include "p2m.h"
#include "panic.h"
#include "vgic.h"
#include "vuart.h"
#include <xen/arch-arm.h>
#include <xen/io/console.h>

enum {
    UART_DR = 0x00,
    UART_RSR = 0x04,
    UART_FR = 0x18,
    UART_CR = 0x30,
    UART_IMSC = 0x38,
    UART_RIS = 0x3c,
    UART_MIS = 0x40,
    UART_PERIPHID0 = 0xfe0
};
enum {
    FR_CTS = 1u << 0,
    FR_RXFE = 1u << 4,
    FR_TXFF = 1u << 5,
    FR_RXFF = 1u << 6,
    FR_TXFE = 1u << 7
};
enum { INT_RX = 1u << 4, INT_TX = 1u << 5, INT_RT = 1u << 6, INT_ALL = 0x7ff };

/*
 * Bytes between two indices.  A peer that writes nonsense can make it more than fits: taken as
 * full.
 */
static uint32_t filled(const XENCONS_RING_IDX *prod, const XENCONS_RING_IDX *cons, uint32_t size)
{
    uint32_t n = __atomic_load_n(prod, __ATOMIC_ACQUIRE) - __atomic_load_n(cons, __ATOMIC_ACQUIRE);

    return MIN(n, size);
}

static uint32_t in_filled(const struct xencons_interface *r)
{
    return filled(&r->in_prod, &r->in_cons, sizeof(r->in));
}
static uint32_t out_filled(const struct xencons_interface *r)
{
    return filled(&r->out_prod, &r->out_cons, sizeof(r->out));
}

static uint32_t raw_interrupts(const struct xencons_interface *r)
{
    return (in_filled(r) ? INT_RX | INT_RT : 0u) |
           (out_filled(r) <= sizeof(r->out) / 2 ? INT_TX : 0u);
}

static uint32_t flags(const struct xencons_interface *r)
{
    uint32_t in = in_filled(r), out = out_filled(r);

    return FR_CTS | (in == 0 ? FR_RXFE : 0u) | (in == sizeof(r->in) ? FR_RXFF : 0u) |
           (out == 0 ? FR_TXFE : 0u) | (out == sizeof(r->out) ? FR_TXFF : 0u);
}

static void update_line(struct domain *d)
{
    ASSERT_LOCKED(&d->vuart.lock);
    vgic_inject(d, NULL, GUEST_VPL011_SPI, raw_interrupts(d->vuart.ring) & d->vuart.imsc);
}

/* Both return true if the backend must be notified. */
static bool read_data(struct vuart *u, uint64_t *value)
{
    struct xencons_interface *r = u->ring;

    *value = 0;
    if (!in_filled(r))
        return false;
    uint32_t at = __atomic_load_n(&r->in_cons, __ATOMIC_RELAXED);
    *value = (uint8_t)r->in[MASK_XENCONS_IDX(at, r->in)];
    __atomic_store_n(&r->in_cons, at + 1, __ATOMIC_RELEASE);
    return true;
}

static bool write_data(struct vuart *u, char c)
{
    struct xencons_interface *r = u->ring;

    if (out_filled(r) == sizeof(r->out))
        return false; /* overrun: the byte is lost, as in hardware */
    uint32_t at = __atomic_load_n(&r->out_prod, __ATOMIC_RELAXED);
    r->out[MASK_XENCONS_IDX(at, r->out)] = c;
    __atomic_store_n(&r->out_prod, at + 1, __ATOMIC_RELEASE);
    return true;
}

static bool read_register(struct vuart *u, uint32_t offset, uint64_t *value)
{
    const struct xencons_interface *r = u->ring;
    static const uint8_t id[8] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

    switch (offset) {
    case UART_DR: return read_data(u, value);
    case UART_FR: *value = flags(r); break;
    case UART_CR: *value = u->ctl; break;
    case UART_IMSC: *value = u->imsc; break;
    case UART_RIS: *value = raw_interrupts(r); break;
    case UART_MIS: *value = raw_interrupts(r) & u->imsc; break;
    default: *value = offset >= UART_PERIPHID0 ? id[(offset - UART_PERIPHID0) / 4] : 0; break;
    }
    return false;
}

static bool write_register(struct vuart *u, uint32_t offset, uint64_t value)
{
    switch (offset) {
    case UART_DR: return write_data(u, (char)value);
    case UART_CR: u->ctl = (uint32_t)value & 0xffff; break;
    case UART_IMSC: u->imsc = (uint32_t)value & INT_ALL; break;
    default: break; /* ICR: see above; baud rate and line control: there is no line */
    }
    return false;
}

static bool uart_access(struct vcpu *v, void *arg, struct mmio_access *a)
{
    struct domain *d = arg;
    struct vuart *u = &d->vuart;
    uint32_t offset = (uint32_t)a->offset & ~3u;

    (void)v;
    if (a->size == 8 || (a->offset & 3) || !__atomic_load_n(&u->enabled, __ATOMIC_ACQUIRE))
        return false;
    spin_lock(&u->lock);
    bool tell = a->write ? write_register(u, offset, a->value)
                         : read_register(u, offset, &a->value);
    if (tell)
        dirty_mark_page(u->ring_page);
    if (a->write || tell)
        update_line(d);
    spin_unlock(&u->lock);
    if (tell)
        evtchn_notify_port(d, u->evtchn);
    return true;
}

int vuart_init(struct domain *d, uint64_t gfn, uint16_t console_domid, uint32_t *evtchn)
{
    struct vuart *u = &d->vuart;

    if (u->enabled)
        return -XEN_EINVAL;
    if (d->privileged || d->vgic.spi_count <= GUEST_VPL011_SPI - INTID_SPI)
        return -XEN_EOPNOTSUPP;
    struct page *page = p2m_get_ram(d, gfn, true);
    if (!page)
        return -XEN_EINVAL;
    void *ring = page_map_lasting(page);
    int ret = !ring ? -XEN_ENOMEM
                    : evtchn_alloc_consumer(d, console_domid, EVTCHN_CONSUMER_VUART, evtchn);
    if (!ret) /* on failure the port is freed with the domain */
        ret = mmio_register(d, IPA(GUEST_PL011_BASE), GUEST_PL011_SIZE, uart_access, d);
    if (ret) {
        if (ring)
            page_unmap_lasting(page, ring);
        page_put(page);
        return ret;
    }
    vgic_reserve(d, GUEST_VPL011_SPI);
    u->ring_page = page;
    u->ring = ring;
    u->ring_ipa = GFN(gfn);
    u->evtchn = *evtchn;
    u->ctl = 0x301; /* SBSA: firmware has enabled it */
    __atomic_store_n(&u->enabled, true, __ATOMIC_RELEASE);
    return 0;
}

void vuart_destroy(struct domain *d)
{
    struct vuart *u = &d->vuart;

    spin_lock(&u->lock);
    struct page *page = u->ring_page;
    const void *ring = u->ring;
    u->enabled = false;
    u->ring_page = NULL;
    u->ring = NULL;
    spin_unlock(&u->lock);
    if (page) {
        page_unmap_lasting(page, ring);
        page_put(page);
    }
}

void vuart_event(struct domain *d)
{
    struct vuart *u = &d->vuart;

    if (!__atomic_load_n(&u->enabled, __ATOMIC_ACQUIRE))
        return;
    spin_lock(&u->lock);
    if (u->enabled)
        update_line(d);
    spin_unlock(&u->lock);
}
