# SPDX-License-Identifier: BSD-2-Clause
# xen-lite. `make help` lists the targets. All output goes to build/, that of one width to
# build/$(ARCH)/.

# The width of the hosts and of all programs that run on them.
ARCH ?= arm64
WIDTHS := arm64 arm32
OTHER_WIDTH := $(filter-out $(ARCH),$(WIDTHS))
$(if $(filter $(ARCH),$(WIDTHS)),,$(error ARCH=$(ARCH): must be one of: $(WIDTHS)))

# CROSS_COMPILE= is the toolchain for $(ARCH); CROSS_COMPILE_arm64= and CROSS_COMPILE_arm32= are for
# one width each, whatever ARCH is. A toolchain without Linux's C library (aarch64-none-elf-,
# arm-none-eabi-) builds the hypervisor and the bare-metal programs; Debian's builds the rest.
CROSS_COMPILE_arm64 ?= $(linux_cross_arm64)
CROSS_COMPILE_arm32 ?= $(linux_cross_arm32)
linux_cross_arm64 := aarch64-linux-gnu-
linux_cross_arm32 := arm-linux-gnueabihf-
cross_of = $(or $(and $(filter $(1),$(ARCH)),$(CROSS_COMPILE)),$(CROSS_COMPILE_$(1)))
bare_of = $(filter %-none-elf- %-none-eabi- %-elf- %-eabi-,$(call cross_of,$(1)))
linux_cc_of = $(if $(call bare_of,$(1)),$(linux_cross_$(1)),$(call cross_of,$(1)))gcc

CROSS    := $(call cross_of,$(ARCH))
CC       := $(CROSS)gcc
NM       := $(CROSS)nm
OBJCOPY  := $(CROSS)objcopy
READELF  := $(CROSS)readelf
LINUX_CC := $(call linux_cc_of,$(ARCH))
HOSTCC   ?= gcc
CLANG    ?= clang
# Debian's name for the width in its library folders; also clang's target.
TRIPLET_arm64 := aarch64-linux-gnu
TRIPLET_arm32 := arm-linux-gnueabihf
TRIPLET  := $(TRIPLET_$(ARCH))
SYSROOT  := build/sysroot/$(ARCH)
OUT      := build/$(ARCH)
OBJ      := $(OUT)/obj

export ARCH
bench: export CROSS := $(CROSS)
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/pycache

.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := help

##@ Use
.PHONY: help demo run image figures bench bench-peers check check-busy soak check-host \
        check-matrix model build images build-clang build-bare lint layers format clean distclean \
        deps
help:           ## this list
	@echo "xen-lite: a hypervisor for Arm that live-migrates its guests. README.md says what it is."
	@echo
	@echo "Where to start:"
	@echo "  make demo                                 a guest moves from host A to host B and back"
	@echo "  make run                                  one host, its control domain's shell on this terminal"
	@echo "  make check                                all tests"
	@echo "  make build/test-x86/test_p2m && build/test-x86/test_p2m       one host test"
	@echo "  make build test-guests && tools/check.py -k lifecycle qemu    one scenario"
	@echo "  docs/reading-order.md                     where to begin to read; CONTRIBUTING.md: to change"
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
	    /^[a-z0-9_.-]+:.*## / { \
	        line = sprintf("  %-24s", $$1); n = split($$2, word, " "); \
	        for (i = 1; i <= n; i++) { \
	            if (length(line) + 1 + length(word[i]) > 100) { print line; line = sprintf("%26s", "") } \
	            line = line " " word[i] \
	        } \
	        print line }' Makefile
	@echo
	@echo "Variables (docs/usage.md has all of them):"
	@echo "  ARCH=arm64 or arm32       the width that is built, run and measured (default arm64)"
	@echo "  GIC=3 or 2                the hosts' interrupt controller (default 3; arm32: 2)"
	@echo "  XEN=FILE BOOT=direct|uboot|tftp CPU=NAME SMP=N              of demo and run"
	@echo "  GUEST_ARCH GUEST_MEM VCPUS DIRTY_MBPS WORKING_SET GUEST_KERNEL LINK_MTU    of demo"
	@echo "  CROSS_COMPILE_arm64=PREFIX CROSS_COMPILE_arm32=PREFIX       the compilers"

# BOOT=uboot or tftp needs U-Boot's packages, too.
deps_of_hosts := $(if $(filter-out direct,$(BOOT)),boot,build)
demo:           ## migrate a Debian guest from host A to B and back; report in build/demo/
	@tools/deps $(deps_of_hosts)
	@tools/demo.py --check-variables
	@$(MAKE) --no-print-directory build \
	    $(if $(filter-out $(ARCH),$(GUEST_ARCH)),build/$(GUEST_ARCH)/images/payload.cpio)
	@tools/demo.py

run:            ## one host, its control domain's shell on this terminal; Ctrl-A X ends it
	@tools/deps $(deps_of_hosts)
	@$(MAKE) --no-print-directory build
	@tools/run.py

image:          ## a disk image for U-Boot on QEMU or a board: build/$ARCH/images/disk.img
	@tools/deps boot
	@$(MAKE) --no-print-directory build
	@tools/uboot.py --xen $(OUT)/xen-lite --kernel $(KERNEL_$(ARCH))/vmlinuz \
	    --initrd $(IMAGES)/dom0.cpio --initrd $(IMAGES)/payload.cpio -o $(IMAGES)/disk.img

figures:        ## measure the project's figures (10 minutes); build/figures.json
	@tools/deps build
	@$(MAKE) --no-print-directory build test-guests
	@tools/fetch --arch $(ARCH) stock-xen
	@tools/figures.py

# Results: dirty-log.json and plots.
bench:          ## costs of the hypervisor's paths (2 minutes); build/bench/, arm32: .../arm32/
	@tools/deps bench
	@$(MAKE) --no-print-directory hypervisor test-guests
	@tools/bench.py

bench-peers:    ## costs compared with Xen and KVM (10 minutes); build/bench/peers.*
	@tools/deps bench
	@$(MAKE) --no-print-directory hypervisor test-guests kvm-tests
	@tools/fetch --arch $(ARCH) stock-xen
	@tools/bench_peers.py

check:          ## all tests; the last line is `N passed, N failed`
	@tools/deps check
	@tools/check.py

check-busy:     ## all tests while 6 processes compete for the CPUs: slower, never red
	@tools/deps check
	@tools/busy 6 tools/check.py

SOAK_MINUTES ?= 60
known-faults:   ## cases of known faults, red until the fault is fixed; not part of check
	@$(MAKE) --no-print-directory known-cases
	@tests/known/run

soak:           ## search for a lost write, SOAK_MINUTES=60; SOAK_SEED=N repeats a failure
	@tools/deps check
	@$(MAKE) --no-print-directory hypervisor baremetal
	@tests/qemu/soak.py --minutes $(SOAK_MINUTES)

check-matrix:   ## the scenarios on all their machines (40 minutes), as in docs/status.md
	@tools/deps check
	@for arch in arm64 arm32; do \
	    $(MAKE) --no-print-directory ARCH=$$arch build test-guests || exit 1; done
	@tools/check.py --matrix qemu

check-host:     ## the host tests alone
	@tools/check.py host

model:          ## search the dirty log's model (tests/model/); it must find injected faults
	@tools/deps check
	@tools/check.py model

deps:           ## install the Debian packages that the build needs
	@tools/deps check

# --------------------------------------------------------------------------------------------------
# Flags. Each component has access to its own headers and to those that it may use. -iquote, because
# some have the name of a header of the C library (sched.h).

WARN := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wmissing-prototypes \
        -Wstrict-prototypes -Wpointer-arith -Wundef -Werror
COMMON := -std=gnu11 -O2 -g $(WARN) -ffile-prefix-map=$(CURDIR)/= $(CFLAGS_EXTRA)
# The compiler's own headers (such as stdint.h), and no C library.
FREESTANDING = -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
        -isystem build/$(ARCH)/include
# Bare-metal code uses general registers alone, and aligned accesses alone (the MMU may be off).
# arm32: armv7ve is Armv7-A with the virtualization extensions, so it has LPAE and 32-bit division.
BARE_arm64 := -march=armv8-a -mgeneral-regs-only -mstrict-align -mno-outline-atomics -mcmodel=small
BARE_arm32 = -march=armv7ve -marm -mfloat-abi=soft -mno-unaligned-access $(int32_is_int)
# arm-none-eabi- alone defines int32_t as long.
int32_is_int := -U__INT32_TYPE__ -D__INT32_TYPE__=int -U__UINT32_TYPE__ -D__UINT32_TYPE__=unsigned
BARE_CFLAGS = $(COMMON) $(FREESTANDING) -ffreestanding $(BARE_$(ARCH)) -fno-common -D__XEN_TOOLS__
XEN_CFLAGS = $(BARE_CFLAGS) -fno-pic -fno-pie -fstack-protector-strong -fno-omit-frame-pointer
# <asm/...>: what both widths share, and <asm/width/...>.
INCLUDE_asm      := -Iarch/common/include -Iarch/$(ARCH)/include
INCLUDE_xen-lite := -iquote xen-lite/include -iquote build $(INCLUDE_asm)
INCLUDE_arch     := -iquote arch/common -iquote arch/$(ARCH) -iquote xen-lite/include $(INCLUDE_asm)
INCLUDE_drivers  := -iquote xen-lite/include $(INCLUDE_asm) -iquote drivers/include
# File offsets and times have 64 bits on both widths.
LINUX_CFLAGS := $(COMMON) -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
TOOLS_CFLAGS := $(LINUX_CFLAGS)
MIGRATE_CFLAGS := $(LINUX_CFLAGS) --sysroot=$(SYSROOT) -iquote migrate -iquote xen-lite/include \
        -iquote build
MIGRATE_LIBS := -Wl,--as-needed -lxenctrl -lxenforeignmemory -lxenevtchn -lxenstore \
        -lxentoollog -lxencall -lxendevicemodel -lxentoolcore -lxxhash -lm -lpthread

# --------------------------------------------------------------------------------------------------
##@ Build
build: hypervisor images        ## everything that `make demo` runs

fetched := build/$(ARCH)/fetched.stamp
$(WIDTHS:%=build/%/fetched.stamp): build/%/fetched.stamp: tools/fetch
	@mkdir -p $(@D)
	@tools/fetch --arch $* kernel dom0 sysroot
	@touch $@

# Copies of Xen's public headers and of libfdt's: the sysroot also has headers that the hypervisor
# must not use. libfdt_env.h is the core's own, because the hypervisor has no C library.
headers := build/$(ARCH)/include/headers.stamp
$(WIDTHS:%=build/%/include/headers.stamp): build/%/include/headers.stamp: build/%/fetched.stamp \
        xen-lite/include/libfdt_env.h
	@rm -rf $(@D) && mkdir -p $(@D)
	@cp -r build/sysroot/$*/usr/include/xen $(@D)/xen
	@cp $(addprefix build/sysroot/$*/usr/include/,fdt.h libfdt.h) \
	    xen-lite/include/libfdt_env.h $(@D)/
	@touch $@

# The version of all programs: VERSION, and the commit if this is a git repository. The files that
# include the header are rebuilt only when the text changes.
version_h := build/version.h
$(version_h): force
	@mkdir -p $(@D); commit=$$(git describe --always --dirty 2>/dev/null); \
	 echo "#define XL_VERSION \"$$(cat VERSION)$${commit:+ ($$commit)}\"" > $@.new; \
	 if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# When flags change, all objects that were built with the old flags are rebuilt.
flags := $(OBJ)/flags
$(flags): force
	@mkdir -p $(@D); echo '$(all_flags)' | cmp -s - $@ || echo '$(all_flags)' > $@
all_flags = $(CC) $(XEN_CFLAGS) $(LINUX_CC) $(MIGRATE_CFLAGS)
.PHONY: force
force:

# --- the hypervisor
core_sources := $(wildcard xen-lite/*/*.c)
arch_sources := $(filter-out arch/common/offsets.c,$(wildcard arch/common/*.c arch/$(ARCH)/*.c))
arch_assembly := $(wildcard arch/$(ARCH)/*.S)
driver_sources := $(wildcard drivers/*.c)
xen_sources := $(core_sources) $(arch_sources) $(driver_sources)
xen_objects := $(patsubst %,$(OBJ)/%.o,$(basename $(xen_sources) $(arch_assembly)))
lds := arch/common/xen-lite.lds.S
# On arm32 a 64-bit division calls a function of libgcc.
libgcc = $(shell $(CROSS)gcc $(BARE_$(ARCH)) -print-libgcc-file-name)
libraries_arm64 = $(SYSROOT)/usr/lib/$(TRIPLET)/libfdt.a
# Debian's libraries pass floating-point arguments in VFP registers. The functions that are used
# have no such arguments, so the mismatch is harmless.
libraries_arm32 = -Wl,--no-warn-mismatch $(SYSROOT)/usr/lib/$(TRIPLET)/libfdt.a $(libgcc)

.PHONY: hypervisor objects
hypervisor: $(OUT)/xen-lite     ## build/$ARCH/xen-lite (the image) and xen-lite.elf
objects: $(xen_objects)

# The files that include version.h: the header must exist before their first build.
$(OBJ)/xen-lite/boot/main.o $(addprefix $(OBJ)/migrate/,local_socket.o xlm.o xlmd.o): $(version_h)
$(foreach f,x86 fuzz arm64 arm32,build/test-$(f)/migrate/local_socket.o \
    build/test-$(f)/tests/host/test_migrate_measure.o): $(version_h)

# Dependencies by -MD rather than -MMD: -MMD omits system headers, and the compiler treats headers
# that libfdt's include as such.
$(OBJ)/%.o: %.c $(headers) $(flags)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(XEN_CFLAGS) $(INCLUDE_$(firstword $(subst /, ,$<))) -MD -MP -c -o $@ $<

# Offsets of structures and the like, for assembly.
offsets_h := $(OBJ)/generated/offsets.h
$(offsets_h): arch/common/offsets.c $(headers) $(flags)
	@mkdir -p $(@D)
	@$(CC) $(XEN_CFLAGS) $(INCLUDE_arch) -MD -MP -MT $@ -MF $(OBJ)/generated/offsets.d \
	    -S -o $(OBJ)/generated/offsets.s $<
	@sed -n 's/^[[:space:]]*\.ascii[[:space:]]*"->\([A-Z0-9_]*\) [#$$]*\(-*[0-9]*\)".*/#define \1 \2/p' \
	    $(OBJ)/generated/offsets.s > $@

$(OBJ)/%.o: %.S $(headers) $(flags) $(offsets_h)
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(CC) $(XEN_CFLAGS) $(INCLUDE_arch) -iquote $(OBJ)/generated -D__ASSEMBLY__ \
	    -MD -MP -c -o $@ $<

$(OBJ)/xen-lite.lds: $(lds) $(headers) $(flags)
	@mkdir -p $(@D)
	@$(CC) $(XEN_CFLAGS) $(INCLUDE_arch) -D__ASSEMBLY__ -E -P -x assembler-with-cpp \
	    -MD -MP -MT $@ -MF $@.d -o $@ $<

# Two links: the second contains the symbol table of the first. The table is read-only data after
# all code, so no function moves; tools/symtab checks this.
xen_link = $(CC) -nostdlib -static -Wl,--build-id=none -Wl,--fatal-warnings -Wl,-z,max-page-size=4096 \
        -Wl,-z,noexecstack -T $(OBJ)/xen-lite.lds -o $(1) $(xen_objects) $(2) $(libraries_$(ARCH))
symtab_cc = $(CC) $(XEN_CFLAGS) -c -o $(1).o $(1).c

$(OUT)/xen-lite.elf: $(xen_objects) $(OBJ)/xen-lite.lds tools/symtab
	@echo "  LINK    $@"
	@tools/symtab $(NM) > $(OBJ)/symtab0.c && $(call symtab_cc,$(OBJ)/symtab0)
	@$(call xen_link,$(OBJ)/first.elf,$(OBJ)/symtab0.o)
	@tools/symtab $(NM) $(OBJ)/first.elf > $(OBJ)/symtab.c && $(call symtab_cc,$(OBJ)/symtab)
	@$(call xen_link,$@,$(OBJ)/symtab.o)
	@tools/symtab --same $(NM) $(OBJ)/first.elf $@ || \
	    { echo "the symbol table moved the code" >&2; exit 1; }

$(OUT)/xen-lite: $(OUT)/xen-lite.elf
	@$(OBJCOPY) -O binary $< $@
	@echo "  IMAGE   $@ ($$(wc -c < $@) bytes)"

.PHONY: debug
# The device map's generation has 3 bits here, so it wraps during tests.
debug: $(headers)          ## build/$ARCH-debug/xen-lite: with assertions
	@$(MAKE) --no-print-directory OUT=build/$(ARCH)-debug \
	    CFLAGS_EXTRA='$(CFLAGS_EXTRA) -DXL_DEBUG=1 -DMMIO_GENERATION_BITS=3' hypervisor

clang = $(CLANG) --target=$(TRIPLET)
build-clang: $(headers)         ## build/$ARCH-clang/xen-lite and the daemon's objects, by clang
	@$(MAKE) --no-print-directory OUT=build/$(ARCH)-clang CC='$(clang)' LINUX_CC='$(clang)' \
	    hypervisor migrate-objects

# Arm's bare-metal toolchains, aarch64-none-elf- and arm-none-eabi-. Debian has only the latter.
build-bare: $(headers)          ## build/$ARCH-bare/xen-lite, by a toolchain without a C library
	@$(MAKE) --no-print-directory OUT=build/$(ARCH)-bare CROSS_COMPILE=$(BARE_CROSS_$(ARCH)) hypervisor
BARE_CROSS_arm64 := aarch64-none-elf-
BARE_CROSS_arm32 := arm-none-eabi-

# --- migration: xlmd and xlm have one main file each; the host tests link the other files, too
migrate_mains := $(filter migrate/xlmd.c migrate/xlm.c,$(wildcard migrate/*.c))
migrate_common := $(filter-out $(migrate_mains),$(wildcard migrate/*.c))
migrate_objects := $(patsubst %.c,$(OBJ)/%.o,$(migrate_mains) $(migrate_common))
migrate_programs := $(patsubst migrate/%.c,$(OUT)/migrate/%,$(migrate_mains))
.PHONY: migrate migrate-objects
migrate: $(migrate_programs)    ## build/$ARCH/migrate/xlmd and xlm
migrate-objects: $(migrate_objects)

$(OBJ)/migrate/%.o: migrate/%.c $(headers) $(flags)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(LINUX_CC) $(MIGRATE_CFLAGS) -MD -MP -c -o $@ $<

$(OUT)/migrate/%: $(OBJ)/migrate/%.o $(patsubst %.c,$(OBJ)/%.o,$(migrate_common))
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	@$(LINUX_CC) --sysroot=$(SYSROOT) -o $@ $^ $(MIGRATE_LIBS)

# --- small static programs for the images
tool_programs := $(addprefix $(OUT)/tools/,agent netbench workload)
$(OUT)/tools/%: tools/%.c $(flags)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(LINUX_CC) $(TOOLS_CFLAGS) -static -pthread -MD -MP -o $@ $<

# --- images. GUEST_KERNEL=FILE is another kernel for the guest, GUEST_ARCH its width (default ARCH)
KERNEL_arm64 := build/kernel/cloud
KERNEL_arm32 := build/kernel/armmp-lpae
kernel_of = $(or $(and $(filter $(1),$(or $(GUEST_ARCH),$(ARCH))),$(GUEST_KERNEL)),$\
    $(KERNEL_$(1))/vmlinuz)
guest_kernel := $(call kernel_of,$(ARCH))
IMAGES := $(OUT)/images
dom0_programs := $(OUT)/tools/agent $(OUT)/tools/netbench $(migrate_programs) $(DOM0_PROGRAMS)
images: $(IMAGES)/dom0.cpio $(IMAGES)/payload.cpio        ## initramfs of control domain and guest

$(IMAGES)/dom0.cpio: $(dom0_programs) tools/mkimage-dom0 tools/initramfs.py tools/dom0-init \
        $(fetched)
	@tools/mkimage-dom0 --arch $(ARCH) -o $@ $(addprefix --program ,$(dom0_programs))

guest_kernel_stamp := $(IMAGES)/guest-kernel
$(guest_kernel_stamp): force
	@mkdir -p $(@D); echo '$(guest_kernel)' | cmp -s - $@ || echo '$(guest_kernel)' > $@

$(IMAGES)/payload.cpio: $(OUT)/tools/workload tools/mkimage-guest tools/initramfs.py \
        tools/guest-init $(guest_kernel_stamp) $(fetched) $(wildcard $(guest_kernel))
	@tools/mkimage-guest --arch $(ARCH) -o $(IMAGES)/guest.cpio --payload $@ \
	    --kernel '$(guest_kernel)'

# A make for the other width builds that width's files, such as its guest for a host of this width.
build/$(OTHER_WIDTH)/%: force
	@$(MAKE) --no-print-directory ARCH=$(OTHER_WIDTH) CROSS_COMPILE= GUEST_ARCH= \
	    GUEST_KERNEL=$(call kernel_of,$(OTHER_WIDTH)) $@

# --- Linux's tests of KVM, static, by Linux's Makefile: tools/bench_peers.py compares xen-lite with
# KVM. One make builds all of them, because they share objects.
kvm_tests := $(addprefix build/kvm-tests/bin/,dirty_log_perf_test kvm_page_table_test)
.PHONY: kvm-tests
kvm-tests: $(kvm_tests)
build/kvm-tests/linux/.fetched: tools/fetch
	@tools/fetch kvm-tests
	@touch $@
$(kvm_tests) &: build/kvm-tests/linux/.fetched $(fetched)
	@mkdir -p build/kvm-tests/bin
	@echo "  MAKE    $(kvm_tests)"
	@$(MAKE) --no-print-directory -s -C build/kvm-tests/linux/tools/testing/selftests/kvm \
	    ARCH=arm64 CROSS_COMPILE=$(CROSS) CC='$(LINUX_CC) --sysroot=$(CURDIR)/$(SYSROOT)' \
	    LDFLAGS='-static -pthread -no-pie' OUTPUT=$(CURDIR)/build/kvm-tests/bin \
	    $(addprefix $(CURDIR)/,$(kvm_tests)) >build/kvm-tests/make.log 2>&1 || \
	    { cat build/kvm-tests/make.log >&2; exit 1; }
	@touch $(kvm_tests)

# --------------------------------------------------------------------------------------------------
##@ Tests
# One program per tests/host/test_*.c, for this machine with sanitizers and for both widths, and one
# per file of tests/known/; see tools/testrules.
test_mains := $(wildcard tests/host/test_*.c)
fuzz_mains := $(wildcard tests/fuzz/fuzz_*.c)
known_mains := $(wildcard tests/known/*/*.c)
# New, removed and moved files change which files the patterns of tests/host/link-sets match.
build/test-sources: force
	@mkdir -p build; \
	    echo '$(wildcard xen-lite/*/*.c drivers/*.c migrate/*.c tests/host/*.c)' | cmp -s - $@ || \
	    echo '$(wildcard xen-lite/*/*.c drivers/*.c migrate/*.c tests/host/*.c)' > $@
build/tests.mk: tools/testrules tests/host/link-sets build/test-sources \
        $(test_mains) $(fuzz_mains) $(known_mains) Makefile
	@mkdir -p build
	@tools/testrules $(test_mains) $(fuzz_mains) $(known_mains) > $@
-include build/tests.mk

TEST_CFLAGS := $(COMMON) -fno-omit-frame-pointer -D__XEN_TOOLS__ -DXL_HOST_TEST \
        -Itests/host/fake/include -iquote tests/host -iquote xen-lite/include -iquote migrate \
        -iquote build -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
# -O1 with sanitizers takes half the time to compile; the programs for both widths have -O2.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
.PHONY: host-tests host-tests-arm64 host-tests-arm32 fuzzers known-cases known-faults
host-tests: $(TEST_PROGRAMS_x86)                ## host tests for this machine, with sanitizers
host-tests-arm64: $(TEST_PROGRAMS_arm64)        ## host tests for arm64, to run under qemu-user
host-tests-arm32: $(TEST_PROGRAMS_arm32)        ## host tests for arm32, to run under qemu-user
fuzzers: $(TEST_PROGRAMS_fuzz)                  ## libFuzzer targets
known-cases: $(TEST_PROGRAMS_known)

build/test-x86/%.o: %.c $(headers)
	@mkdir -p $(@D)
	@echo "  HOSTCC  $<"
	@$(HOSTCC) $(TEST_CFLAGS) -O1 -isystem build/$(ARCH)/include $(SANITIZE) $(EXTRA) \
	    -MD -MP -c -o $@ $<
build/test-fuzz/%.o: %.c $(headers)
	@mkdir -p $(@D)
	@echo "  CLANG   $<"
	@$(CLANG) $(TEST_CFLAGS) -O1 -isystem build/$(ARCH)/include $(SANITIZE) \
	    -fsanitize=fuzzer-no-link $(EXTRA) -MD -MP -c -o $@ $<
test_cc_of = $(call linux_cc_of,$(1)) --sysroot=build/sysroot/$(1)
build/test-arm64/%.o: %.c build/arm64/include/headers.stamp
	@mkdir -p $(@D)
	@echo "  CC      $< (arm64)"
	@$(call test_cc_of,arm64) $(TEST_CFLAGS) -isystem build/arm64/include $(EXTRA) \
	    -MD -MP -c -o $@ $<
build/test-arm32/%.o: %.c build/arm32/include/headers.stamp
	@mkdir -p $(@D)
	@echo "  CC      $< (arm32)"
	@$(call test_cc_of,arm32) $(TEST_CFLAGS) -isystem build/arm32/include $(EXTRA) \
	    -MD -MP -c -o $@ $<

link_test = echo "  LINK    $@"; $(1) $(LDFLAGS) -o $@ $^ $(LIBS) -lpthread
$(TEST_PROGRAMS_x86) $(TEST_PROGRAMS_known): ; @$(call link_test,$(HOSTCC) $(SANITIZE))
$(TEST_PROGRAMS_arm64): ; @$(call link_test,$(call test_cc_of,arm64))
$(TEST_PROGRAMS_arm32): ; @$(call link_test,$(call test_cc_of,arm32))
$(TEST_PROGRAMS_fuzz): ; @$(call link_test,$(CLANG) $(SANITIZE) -fsanitize=fuzzer)

format:         ## lay out all C sources (.clang-format)
	@git ls-files '*.c' '*.h' | grep -v '^tests/host/fake/include/xen/' | xargs clang-format -i

layers: $(xen_objects) $(migrate_objects)       ## check calls between layers, and headers alone
	@tools/layers --compile xen-lite '$(call xen_command,xen-lite)' \
	    --compile arch '$(call xen_command,arch) -Iarch/$(ARCH)' \
	    --compile drivers '$(call xen_command,drivers)' \
	    --compile migrate '$(LINUX_CC) $(MIGRATE_CFLAGS)' $(NM) $(OBJ)

lint:           ## cppcheck, clang-tidy, layers, layout of the sources, tests of the tools
	@tools/check.py lint

xen_command = $(CC) $(XEN_CFLAGS) $(INCLUDE_$(1))
compile_commands := build/$(ARCH)/compile_commands.json
compile_commands.json: $(compile_commands)      ## for editors
	@cp $< $@
$(compile_commands): Makefile $(xen_sources) $(migrate_mains) $(migrate_common) tools/compdb \
        $(headers) $(flags) | $(version_h)
	@tools/compdb $@ '$(call xen_command,xen-lite)' $(core_sources) -- \
	    '$(call xen_command,arch)' $(arch_sources) -- \
	    '$(call xen_command,drivers)' $(driver_sources) -- \
	    '$(LINUX_CC) $(MIGRATE_CFLAGS)' $(migrate_mains) $(migrate_common) -- \
	    '$(LINUX_CC) $(TOOLS_CFLAGS)' $(wildcard tools/*.c) --

# tests/*/rules.mk builds bare-metal guests and other programs of a folder of tests, and adds to
# TEST_GUESTS what the scenarios need.
-include $(wildcard tests/*/rules.mk)
.PHONY: test-guests
test-guests: $(TEST_GUESTS)     ## bare-metal programs for the scenarios (tests/*/rules.mk)

##@ Documents and releases
VERSION := $(shell cat VERSION)
pictures := $(wildcard docs/diagrams/*.msc docs/diagrams/*.bits docs/diagrams/*.boxes)
man_pages := build/man/xlm.1 build/man/xlmd.8
.PHONY: docs man dist
docs: man       ## the pictures of docs/ from their sources, and the man pages
	@tools/deps docs
	@tools/diagrams $(pictures)

man:            ## build/man/xlm.1 and xlmd.8, from docs/xlm.1.md and docs/xlmd.8.md
	@tools/deps docs
	@$(MAKE) --no-print-directory $(man_pages)

build/man/%: docs/%.md VERSION
	@mkdir -p $(@D)
	@lowdown -s -Tman --out-no-smarty -M title=$(shell echo $(basename $*) | tr a-z A-Z) \
	    -M section=$(subst .,,$(suffix $*)) -M source='xen-lite $(VERSION)' -o $@ $<

# The sources of the commit that is checked out. gzip omits name and time, so the same commit gives
# the same bytes.
dist:           ## build/dist/: a tarball of the committed sources, and its SHA-256
	@mkdir -p build/dist
	@name=xen-lite-$(VERSION); \
	git describe --exact-match --match 'v$(VERSION)' HEAD >/dev/null 2>&1 || \
	    name=$$name-g$$(git rev-parse --short=12 HEAD); \
	git archive --format=tar --prefix=$$name/ -o build/dist/$$name.tar HEAD && \
	gzip -9nf build/dist/$$name.tar && cd build/dist && \
	sha256sum $$name.tar.gz > $$name.tar.gz.sha256 && cat $$name.tar.gz.sha256

##@ Other
clean:          ## remove what was built; fetched packages stay
	@if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +; fi
	@rm -f compile_commands.json

distclean:      ## remove the packages too
	@rm -rf build compile_commands.json

-include $(patsubst %.o,%.d,$(xen_objects) $(migrate_objects) $(TEST_OBJECTS)) \
        $(addsuffix .d,$(tool_programs)) $(OBJ)/xen-lite.lds.d $(OBJ)/generated/offsets.d
