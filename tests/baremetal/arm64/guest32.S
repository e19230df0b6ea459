/* SPDX-License-Identifier: BSD-2-Clause */
/* The program of arm32's guests, taken from arm32's payload, and the probe of aarch32/ (see
 * rules.mk). */
    .section .rodata
    .balign 4096
    .global guest32_start, guest32_end, probe_start, probe_end
    .hidden guest32_start, guest32_end, probe_start, probe_end
guest32_start:
    .incbin "guest32.bin"
guest32_end:
    .balign 4096
probe_start:
    .incbin "probe.bin"
probe_end:
