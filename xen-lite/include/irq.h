/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's interrupts and the domains that they belong to: irq.c alone changes either
 * (host_irq itself is in arch.h).  Only SPIs are given away.
 */
#ifndef XL_IRQ_H
#define XL_IRQ_H
#include "types.h"
struct domain;
/*
 * Give a physical SPI to a domain under the same number (dom0 builder, per device-tree interrupt):
 * sets its trigger type, grants it, and ties it; it stays disabled until the domain enables it.  0;
 * -EINVAL: no such SPI; -EBUSY: the hypervisor's own, or given away already (the same domain may
 * ask twice: 0).
 */
int irq_give(struct domain *d, uint32_t intid, bool edge);
/* XEN_DOMCTL_irq_permission: the domain may have the SPI, or may not any more (a tie stays).  0;
 * -EINVAL: no SPI */
int irq_permit(struct domain *d, uint32_t phys, bool allow);
bool irq_permitted(const struct domain *d, uint32_t phys);
/* XEN_DOMCTL_bind_pt_irq: tie an SPI to the domain's SPI of the same number.  The caller has
 * checked irq_permitted.  0; -EINVAL: no SPI, or the console's; -EBUSY: the domain has no such SPI,
 * or it is taken, or another domain has the machine's. */
int irq_bind(struct domain *d, uint32_t intid);
int irq_unbind(struct domain *d, uint32_t intid); /* 0, also when it was not bound; -EINVAL */
#endif
