/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A parsed context (records.h): the address of each record's payload in the block.  Shared by
 * records*.c.
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
    const struct xlr_hvm_params *params; /* the pairs follow */
    const struct xlr_vcpu *vcpu[XLR_MAX_VCPUS];
    const struct xlr_fpsimd *fpsimd[XLR_MAX_VCPUS];
    const struct xlr_vgic_cpu *vgic_cpu[XLR_MAX_VCPUS];
    const struct xlr_vtimer *vtimer[XLR_MAX_VCPUS];
};
struct hvm_param_pair {
    uint64_t index, value;
};

/*
 * Checks framing and sizes only; `buf` is aligned to 8.  -XEN_EINVAL: the log has the record and
 * its offset.  records_parse.c
 */
int records_parse(const struct domain *d, const uint8_t *buf, uint32_t bytes,
                  struct parsed_records *c);
/*
 * Does this machine have everything that a guest that saw `f` may rely on?  0; -XEN_EOPNOTSUPP: the
 * log has the field.  records_features.c
 */
int features_check(const struct domain *d, const struct xlr_cpu_features *f);
/*
 * The same for two sets of registers.  `seen` has `count` of them, at least XLR_ID_REG_COUNT_1.
 * Returns the index of the first register in which `have` falls short of `seen`, or -1; *shift: the
 * field.
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
