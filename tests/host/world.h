/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three domains for tests of hypercalls: dom0 and two guests, two vCPUs each.  They run on the fake
 * machine with the real page allocator.  The guest-physical map is a plain array with the contracts
 * of p2m.h.  Guest virtual addresses are pointers of the test; addresses below WORLD_BAD fault.
 */
#ifndef WORLD_H
#define WORLD_H
#include "lib.h"
#include "domain.h"
#include "hypercall.h"
#include "fake.h"

#define WORLD_GFNS      0x44000u /* up to the end of the fake machine's RAM */
#define WORLD_BAD       4096u
#define GUEST_RAM       256u /* gfns 256..319 of a guest are its memory */
#define GUEST_RAM_PAGES 64u

extern struct domain *world[3];       /* ids 0, 1, 2 */
extern unsigned world_injected[3][2]; /* event interrupts, by domain and vCPU */
extern unsigned world_unblocked[3][2];
extern unsigned world_vuart_events;
extern unsigned world_dirty[3][WORLD_GFNS]; /* marks, by domain and gfn */
extern bool world_p2m_fails;                /* the next p2m_map fails with -ENOMEM */

void world_start(void);
/* Tears everything down.  Fails the test if a page or a reference is left. */
void world_end(void);
void world_be(unsigned dom, unsigned vcpu); /* the vCPU that makes the next hypercalls */
void world_kill(unsigned dom);              /* teardown in the order of domain_kill */
/* the page mapped at gfn, or NULL; takes no reference */
struct page *world_page(unsigned dom, uint64_t gfn);
enum p2m_type world_type(unsigned dom, uint64_t gfn);
static inline uint64_t gva(const void *p) { return (uint64_t)(uintptr_t)p; }
#endif
