# SPDX-License-Identifier: BSD-2-Clause
# The bare-metal control domain: runs where it is loaded, so position-independent, with relative relocations alone (checked).

BM := $(OUT)/baremetal
BM_CFLAGS = $(BARE_CFLAGS) -fno-stack-protector -fno-jump-tables -fpic -fvisibility=hidden \
        -iquote tests/baremetal -iquote xen-lite/include -Iarch/$(ARCH)/include
bm_objects := $(patsubst %,$(BM)/%.o,$(basename $(notdir $(wildcard tests/baremetal/*.c tests/baremetal/*.S))) printf)

TEST_GUESTS += $(BM)/payload debug
.PHONY: baremetal
baremetal: $(BM)/payload        ## build/$ARCH/baremetal/payload, the control domain of tests/qemu/baremetal.py

$(BM)/%.o: tests/baremetal/%.c $(headers) $(flags) tests/baremetal/rules.mk
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(BM_CFLAGS) -MMD -MP -c -o $@ $<
$(BM)/%.o: tests/baremetal/%.S $(headers) $(flags) tests/baremetal/rules.mk
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(CC) $(BM_CFLAGS) -D__ASSEMBLY__ -MMD -MP -c -o $@ $<
# The hypervisor's own printf, as tested as any.
$(BM)/printf.o: xen-lite/printf.c $(headers) $(flags) tests/baremetal/rules.mk
	@mkdir -p $(@D)
	@echo "  CC      $< (payload)"
	@$(CC) $(BM_CFLAGS) -MMD -MP -c -o $@ $<

$(BM)/payload: $(bm_objects) tests/baremetal/payload.lds
	@echo "  LINK    $@"
	@$(CC) -nostdlib -static-pie -Wl,--build-id=none -Wl,-z,norelro -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments \
	    -Wl,-T,tests/baremetal/payload.lds -o $@.elf $(bm_objects)
	@! $(READELF) -rW $@.elf | grep R_AARCH64 | grep -v R_AARCH64_RELATIVE || { echo "relocations that start.S cannot do" >&2; exit 1; }
	@$(OBJCOPY) -O binary $@.elf $@

-include $(bm_objects:.o=.d)
