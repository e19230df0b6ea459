/* SPDX-License-Identifier: BSD-2-Clause */
/* HVM parameters: who may write which.  public/hvm/params.h */
#include "abi.h"
#include "domain.h"
#include "domain_types.h"
#include <xen/hvm/params.h>

/* The tools' to write, and not by the guest itself; all others are holes, x86's, or nobody's. */
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
