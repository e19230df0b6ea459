/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's interrupts: who they belong to.  irq.c (host_irq itself is in arch.h) */
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
/* The same with a number of its own in the domain. Caller has checked irq_permitted. */
int irq_route_to_domain(struct domain *d, uint32_t phys, uint32_t virt, bool edge);
void irq_take_back(struct domain *d, uint32_t virt);
/* XEN_DOMCTL_irq_permission */
int irq_permit(struct domain *d, uint32_t phys, bool allow); /* -EINVAL */
bool irq_permitted(const struct domain *d, uint32_t phys);
#endif
