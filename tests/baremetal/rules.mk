# SPDX-License-Identifier: BSD-2-Clause
# The bare-metal control domain.  It runs wherever it is loaded, so it is position-independent and
# has only relative relocations (checked below).  arm64/ and arm32/ have the width's own parts,
# under the same names.

BM := $(OUT)/baremetal
BM_CFLAGS = $(BARE_CFLAGS) -fno-stack-protector -fno-jump-tables -fpic -fvisibility=hidden \
        -iquote tests/baremetal -iquote tests/baremetal/$(ARCH) \
        -iquote xen-lite/include $(INCLUDE_asm)
bm_sources := $(wildcard tests/baremetal/*.c tests/baremetal/$(ARCH)/*.[cS])
bm_objects := $(patsubst %,$(BM)/%.o,$(basename $(notdir $(bm_sources))) printf)
# On arm32 a 64-bit division is a function of the compiler's library.  The functions used of that
# library pass no arguments in VFP registers, so the mismatch of float ABIs is harmless.
bm_libraries_arm32 = -Wl,--no-warn-mismatch $(libgcc)

TEST_GUESTS += $(BM)/payload debug
.PHONY: baremetal
baremetal: $(BM)/payload        ## build/$ARCH/baremetal/payload, the control domain of tests/qemu/baremetal.py

bm_compile = mkdir -p $(@D); echo "  CC      $<"; $(CC) $(BM_CFLAGS) -MD -MP -c -o $@ $<
$(BM)/%.o: tests/baremetal/%.c $(headers) $(flags) tests/baremetal/rules.mk
	@$(bm_compile)
$(BM)/%.o: tests/baremetal/$(ARCH)/%.c $(headers) $(flags) tests/baremetal/rules.mk
	@$(bm_compile)
$(BM)/%.o: tests/baremetal/$(ARCH)/%.S $(headers) $(flags) tests/baremetal/rules.mk
	@$(bm_compile) -D__ASSEMBLY__
# arm64's payload can make arm32's guests too: their program is extracted from arm32's payload.
$(BM)/guest32.bin: build/arm32/baremetal/payload
	@mkdir -p $(@D)
	@$(call cross_of,arm32)objcopy -O binary -j .guest $<.elf $@
# The probe, a 32-bit guest for cases that no kernel has on purpose.
$(BM)/probe.bin: tests/baremetal/aarch32/probe.S tests/baremetal/aarch32/slots.h tests/baremetal/rules.mk
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(call cross_of,arm32)gcc -c -o $(@:.bin=.o) $<
	@$(call cross_of,arm32)objcopy -O binary -j .text $(@:.bin=.o) $@
$(BM)/guest32.o: $(BM)/guest32.bin $(BM)/probe.bin
$(BM)/guest32.o: BM_CFLAGS += -Wa,-I$(BM)
# The payload uses the hypervisor's own printf.
$(BM)/printf.o: xen-lite/lib/printf.c $(headers) $(flags) tests/baremetal/rules.mk
	@$(bm_compile)

$(BM)/payload: $(bm_objects) tests/baremetal/payload.lds
	@echo "  LINK    $@"
	@$(CC) -nostdlib -static-pie -Wl,--build-id=none -Wl,-z,norelro -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments \
	    -Wl,-T,tests/baremetal/payload.lds -o $@.elf $(bm_objects) $(bm_libraries_$(ARCH))
	@! $(READELF) -rW $@.elf | grep ' R_' | grep -v '_RELATIVE' || { echo "relocations that start.S cannot do" >&2; exit 1; }
	@$(CROSS)objdump -d -j .guest --no-show-raw-insn $@.elf | awk '/^[0-9a-f]+ </ { gsub(/[<>:]/, "", $$2); own[$$2] } \
	    $$2 == "bl" { gsub(/[<>]/, "", $$4); call[$$4] } END { for (f in call) if (!(f in own)) { print f; bad = 1 } exit bad }' || \
	    { echo "a guest's code calls what is not in the guest" >&2; exit 1; }
	@$(OBJCOPY) -O binary $@.elf $@

-include $(bm_objects:.o=.d)
