/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's SBSA UART (xl's vuart="sbsa_uart"), backed by a PV console ring in its memory.  vuart.c
 */
#ifndef XL_VUART_H
#define XL_VUART_H
#include "types.h"
#include "spinlock.h"
struct domain;
struct page;
struct vuart {
    bool enabled;           /* set last, by vuart_init */
    spinlock_t lock;        /* the hypervisor's end of the ring; outside of the vGIC's locks */
    struct page *ring_page; /* referenced, and mapped lasting at `ring` */
    struct xencons_interface *ring;
    uint32_t evtchn;    /* port in the guest's table whose consumer we are */
    uint32_t ctl, imsc; /* UARTCR, UARTIMSC as written */
    ipa_t ring_ipa;
};
/* XEN_DOMCTL_VUART_OP_INIT: the ring's page, who drains it; *evtchn: the port for that one to bind.
 * 0 or -errno, nothing changed */
int vuart_init(struct domain *d, uint64_t gfn, uint16_t console_domid, uint32_t *evtchn);
void vuart_destroy(struct domain *d); /* the domain does not run any more */
void vuart_event(struct domain *d);   /* the backend notified */
#endif
