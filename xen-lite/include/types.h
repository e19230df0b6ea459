/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses are one-member structs, 64 bits on both widths: mixing a physical and a guest address
 * does not compile. */
#ifndef XL_TYPES_H
#define XL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 1 in a debug build (`make debug`) and in the host tests, which check more than others can
 * afford to. */
#ifndef XL_DEBUG
#ifdef XL_HOST_TEST
#define XL_DEBUG 1
#else
#define XL_DEBUG 0
#endif
#endif

#define PAGE_SHIFT  12u
#define PAGE_SIZE   4096u
#define PAGE_MASK   (~(uint64_t)4095)
#define BLOCK_SHIFT 21u /* a level-2 block: 2 MiB */
#define BLOCK_SIZE  (1u << BLOCK_SHIFT)
#define BLOCK_PAGES 512u
#define IPA_BITS    40u /* the same for every guest */

typedef struct {
    uint64_t v;
} paddr_t; /* physical */
typedef struct {
    uint64_t v;
} ipa_t; /* guest-physical */
typedef struct {
    uint64_t v;
} gva_t; /* guest-virtual, EL1&0 stage 1 */

#define PA(x)  ((paddr_t){ (x) })
#define IPA(x) ((ipa_t){ (x) })
#define GVA(x) ((gva_t){ (x) })
#define GFN(x) ((ipa_t){ (uint64_t)(x) << PAGE_SHIFT })

static inline uint64_t pa_pfn(paddr_t pa) { return pa.v >> PAGE_SHIFT; }
static inline uint64_t ipa_gfn(ipa_t ipa) { return ipa.v >> PAGE_SHIFT; }
static inline paddr_t pfn_pa(uint64_t pfn) { return PA(pfn << PAGE_SHIFT); }

#define MAX_CPUS    8u
#define MAX_VCPUS   8u
#define MAX_DOMAINS 128u

#endif
