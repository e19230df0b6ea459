/* SPDX-License-Identifier: BSD-2-Clause */
/* Types: a guest's UART.  vuart.h has the functions. */
#ifndef XL_VUART_TYPES_H
#define XL_VUART_TYPES_H

#include "types.h"
#include "spinlock.h"
struct page;
struct xencons_interface;

struct vuart {
    bool enabled;    /* set last, by vuart_init */
    spinlock_t lock; /* for the hypervisor's end of the ring; taken before the vGIC's locks */
    struct page *ring_page; /* a reference is held; mapped lasting at `ring` */
    struct xencons_interface *ring;
    uint32_t evtchn;    /* port in the guest's table; the hypervisor is its consumer */
    uint32_t ctl, imsc; /* UARTCR and UARTIMSC as written */
    ipa_t ring_ipa;
};

#endif
