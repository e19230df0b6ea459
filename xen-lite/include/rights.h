/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which domain may act on which, as in stock Xen on Arm by default (its "silo" policy): the control
 * domain may do everything, a guest may act on itself, and two guests share neither memory nor
 * event channels.
 */
#ifndef XL_RIGHTS_H
#define XL_RIGHTS_H
#include "cpu.h"
#include "domain_ref.h"

static inline bool may_act_on(const struct domain *d)
{
    const struct domain *self = current_vcpu()->domain;

    return d == self || domain_is_control(self);
}

static inline bool may_talk(const struct domain *a, const struct domain *b)
{
    return a == b || domain_is_control(a) || domain_is_control(b) ||
           domain_is_control(current_vcpu()->domain);
}

#endif
