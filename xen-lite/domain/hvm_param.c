/* SPDX-License-Identifier: BSD-2-Clause */
/* HVM parameters: who may write which.  public/hvm/params.h */
#include "abi.h"
#include "domain.h"
#include "domain_types.h"
#include <xen/hvm/params.h>

/*
 * The tools may write these parameters; the guest may not.  All other indices are unused, or mean
 * something on x86 only.
 */
int hvm_param_may_set(const struct domain *d, const struct domain *by, uint32_t index)
{
    switch (index) {
    case HVM_PARAM_CALLBACK_IRQ:
    case HVM_PARAM_STORE_PFN:
    case HVM_PARAM_STORE_EVTCHN:
    case HVM_PARAM_CONSOLE_PFN:
    case HVM_PARAM_CONSOLE_EVTCHN:
    case HVM_PARAM_MONITOR_RING_PFN: return d == by ? -XEN_EPERM : 0;
    default: return -XEN_EINVAL;
    }
}
