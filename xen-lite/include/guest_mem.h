/* SPDX-License-Identifier: BSD-2-Clause */
/* Access to guest memory.  guest_mem.c */
#ifndef XL_GUEST_MEM_H
#define XL_GUEST_MEM_H

#include "types.h"
struct domain;

/*
 * Guest memory.  gva: of the current vCPU, through its stage 1 and stage 2 (hypercall handles). All
 * copies mark written pages dirty, honour read-only mappings, and return the number of bytes NOT
 * copied (0 is success).
 */
size_t copy_from_guest(void *dst, uint64_t gva, size_t bytes);
size_t copy_to_guest(uint64_t gva, const void *src, size_t bytes);
size_t clear_guest(uint64_t gva, size_t bytes);
/* Between the two, on the same CPU, a translation that was asked for is kept: the guest's vCPU does
 * not run meanwhile. */
void guest_mem_begin_call(void);
void guest_mem_end_call(void);
/* By guest-physical address of any domain. 0 or -EFAULT (nothing promised about partial writes). */
int copy_from_ipa(struct domain *d, void *dst, ipa_t ipa, size_t bytes);
int copy_to_ipa(struct domain *d, ipa_t ipa, const void *src, size_t bytes);

#endif
