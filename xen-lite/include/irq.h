/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical interrupts and the domains that own them.  Only irq.c changes the owner.  (arch.h
 * declares host_irq.)  Only SPIs can be given to a domain.
 */
#ifndef XL_IRQ_H
#define XL_IRQ_H
#include "types.h"
struct domain;
/*
 * For the control domain's builder: gives a physical SPI to a domain under the same number.  Sets
 * its trigger type, grants it and ties it; it stays disabled until the domain enables it.  0 (also
 * if the same domain has it already); -EINVAL: no such SPI; -EBUSY: it belongs to the hypervisor or
 * to another domain.
 */
int irq_give(struct domain *d, uint32_t intid, bool edge);
/*
 * XEN_DOMCTL_irq_permission: allows or forbids the SPI to the domain; an existing tie stays.  0;
 * -EINVAL: no such SPI.
 */
int irq_permit(struct domain *d, uint32_t phys, bool allow);
bool irq_permitted(const struct domain *d, uint32_t phys);
/*
 * XEN_DOMCTL_bind_pt_irq: ties a physical SPI to the domain's SPI of the same number.  The caller
 * has checked irq_permitted.  0; -EINVAL: no such SPI, or it is the console's; -EBUSY: the domain
 * has no such SPI or uses it already, or another domain has the physical one.
 */
int irq_bind(struct domain *d, uint32_t intid);
int irq_unbind(struct domain *d, uint32_t intid); /* 0, also when it was not bound; -EINVAL */
#endif
