/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: a guest's UART.  vuart.h has the functions. */
#ifndef XL_VUART_TYPES_H
#define XL_VUART_TYPES_H

#include "types.h"
#include "spinlock.h"
struct page;
struct xencons_interface;

struct vuart {
    bool enabled; /* set last, by vuart_init */
    /* For the hypervisor's end of the ring.  Taken before the vGIC's locks. */
    spinlock_t lock;
    /* With a reference; mapped lasting at `ring`. */
    struct page *ring_page;
    struct xencons_interface *ring;
    uint32_t evtchn;    /* port in the guest's table, used by the hypervisor */
    uint32_t ctl, imsc; /* UARTCR and UARTIMSC as written */
    ipa_t ring_ipa;
};

#endif
