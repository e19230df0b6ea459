/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's SBSA UART (xl's vuart="sbsa_uart"), backed by a PV console ring in its memory.  vuart.c
 */
#ifndef XL_VUART_H
#define XL_VUART_H
#include "types.h"
struct domain;
/*
 * XEN_DOMCTL_VUART_OP_INIT.  `gfn`: page of the console ring.  `console_domid`: domain of the
 * backend.  *evtchn: port in d for that domain to bind.  0 or -XEN_E* with nothing changed.
 */
int vuart_init(struct domain *d, uint64_t gfn, uint16_t console_domid, uint32_t *evtchn);
void vuart_destroy(struct domain *d); /* no vCPU of the domain runs any more */
#endif
