/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A parsed context: where each record's payload (records.h) is in the block.  Shared by records*.c.
 */
#ifndef XL_RECORDS_INTERNAL_H
#define XL_RECORDS_INTERNAL_H
#include "records.h"
struct domain;

struct parsed_records {
    const struct xlr_header *header;
    const struct xlr_cpu_features *features;
    const struct xlr_time *time;
    const struct xlr_vgic_dist *dist; /* irq[spi_count] follows */
    const struct xlr_places *places;
    const struct xlr_evtchn *evtchn; /* port[count] follows */
    const struct xlr_grant *grant;
    const struct xlr_hvm_params *params; /* pairs follow */
    const struct xlr_vcpu *vcpu[XLR_MAX_VCPUS];
    const struct xlr_fpsimd *fpsimd[XLR_MAX_VCPUS];
    const struct xlr_vgic_cpu *vgic_cpu[XLR_MAX_VCPUS];
    const struct xlr_vtimer *vtimer[XLR_MAX_VCPUS];
};
struct hvm_param_pair {
    uint64_t index, value;
};

/*
 * Finds the records and checks framing and sizes, not contents.  `buf` is aligned to 8 bytes.  0;
 * -XEN_EINVAL: the log names record and offset.  records_parse.c
 */
int records_parse(const struct domain *d, const uint8_t *buf, uint32_t bytes,
                  struct parsed_records *c);
/*
 * Checks that this machine has every feature of `f`, on which the guest may rely.  0;
 * -XEN_EOPNOTSUPP: the log names the field.  records_features.c
 */
int features_check(const struct domain *d, const struct xlr_cpu_features *f);
/*
 * The same comparison between two sets of ID registers, of which `seen` has `count` (at least
 * XLR_ID_REG_COUNT_1).  Returns the index of the first register in which `have` lacks a feature of
 * `seen`, with the field's lowest bit in *shift; -1: none.
 */
int features_shortfall(const uint64_t *seen, unsigned count, const uint64_t *have, unsigned *shift);

static inline const struct xlr_irq *records_spis(const struct parsed_records *c)
{
    return (const struct xlr_irq *)(const void *)(c->dist + 1);
}
static inline const struct xlr_evtchn_port *records_ports(const struct parsed_records *c)
{
    return (const struct xlr_evtchn_port *)(const void *)(c->evtchn + 1);
}
static inline const struct hvm_param_pair *records_params(const struct parsed_records *c)
{
    return (const struct hvm_param_pair *)(const void *)(c->params + 1);
}
#endif
