/* SPDX-License-Identifier: BSD-2-Clause */
#include <xen_arm.h>
