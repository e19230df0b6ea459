/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical interrupts and the domains that own them.  Only irq.c changes this (host_irq is in
 * arch.h).  A domain can own only SPIs.
 */
#ifndef XL_IRQ_H
#define XL_IRQ_H
#include "types.h"
struct domain;
/*
 * Gives a physical SPI to a domain as the virtual SPI of the same number, for dom0's builder: sets
 * the trigger type, permits the SPI and ties it.  It stays disabled until the domain enables it.
 * 0, also if the domain has it already; -XEN_EINVAL: no such SPI; -XEN_EBUSY: the hypervisor or
 * another domain uses it.
 */
int irq_give(struct domain *d, uint32_t intid, bool edge);
/*
 * XEN_DOMCTL_irq_permission: permits or forbids an SPI to a domain; an existing tie stays.  0;
 * -XEN_EINVAL: not an SPI.  irq_permitted: true if permitted.
 */
int irq_permit(struct domain *d, uint32_t phys, bool allow);
bool irq_permitted(const struct domain *d, uint32_t phys);
/*
 * XEN_DOMCTL_bind_pt_irq: ties a physical SPI to the domain's SPI of the same number.  The caller
 * has checked irq_permitted.  0; -XEN_EINVAL: not an SPI, or the console's; -XEN_EBUSY: the
 * domain's SPI is in use or does not exist, or another domain has the physical one.
 */
int irq_bind(struct domain *d, uint32_t intid);
/* Unties the SPI.  0, also if it was not tied; -XEN_EINVAL: not an SPI, or the console's. */
int irq_unbind(struct domain *d, uint32_t intid);
#endif
