/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
bool bench_dirty(const char *text) { (void)text; return false; }
bool bench_vmid(const char *text) { (void)text; return false; }
