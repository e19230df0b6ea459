#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# emulators: 1
# timeout: 300
# seconds: 60
# machines: arm64-gicv3 arm32-gicv2
# more: arm64-gicv2
# shows: U-Boot, from disk and by TFTP; wrong modules
"""Debian's U-Boot starts xen-lite, from the disk image that `make image` makes and by TFTP.

When a boot script describes a module wrongly, the hypervisor names the mistake on the console and
powers the machine off.

usage: boot.py [WORD]       only cases whose names contain WORD: disk, tftp, trees, or a mistake
"""
import os
import subprocess
import sys
import tempfile
import time

from scenario import TOP, pace, Host, HostError, Tap, built, expect, xl_list
import uboot

MEM, DOM0_MEM = 1024, 256
OFF_S = 60
# How two lines of the boot script begin: before the first the script looks for the device tree;
# at the second everything is ready for the start.
TREE, START = "# The machine's device tree", "# The two widths differ"
# {mistake: (the script's wrong command, what the console must show)}. RAM is 0x40000000 to
# 0x80000000; QEMU's device tree is at its start.
MISTAKES = {
    "missing: no kernel": (
        "fdt rm /chosen/module@${kernel_at}",
        "boot: no kernel for the control domain",
    ),
    "missing: an empty ramdisk": (
        "fdt set /chosen/module@${ramdisk_at} reg <0x${ramdisk_at} 0x0>",
        "(ramdisk, 0x0 bytes at 0x",
    ),
    "outside: a kernel below RAM": (
        "fdt set /chosen/module@${kernel_at} reg <0x3f000000 0x${kernel_bytes}>",
        "at 0x3f000000): is not in RAM",
    ),
    "overlap: two modules": (
        "fdt set /chosen/module@${ramdisk_at} reg <0x${kernel_at} 0x1000>",
        "overlaps module@",
    ),
    "overlap: with the hypervisor": (
        "fdt set /chosen/module@${ramdisk_at} reg <${kernel_addr_r} 0x1000>",
        "overlaps the hypervisor at",
    ),
    "overlap: with the device tree": (
        "setenv fdt_high ffffffffffffffff; "
        "fdt set /chosen/module@${ramdisk_at} reg <0x40000000 0x1000>",
        "overlaps the device tree at 0x40000000",
    ),
    "truncated: half a kernel": (
        "setexpr half ${kernel_bytes} / 2; "
        "fdt set /chosen/module@${kernel_at} reg <0x${kernel_at} 0x${half}>",
        "): is truncated: by its own header it has 0x",
    ),
    "truncated: half a ramdisk": (
        "setexpr half ${ramdisk_bytes} / 2; "
        "fdt set /chosen/module@${ramdisk_at} reg <0x${ramdisk_at} 0x${half}>",
        "): is truncated: its cpio archive has no end",
    ),
}


class Scripted(Host):
    """A host without an agent. Its boot script has LINE inserted before the line that begins with
    MARK.
    """

    def __init__(self, name, mark, line, dtb=None):
        super().__init__(
            name, images=[built("images/dom0.cpio")], agent=False, mem=MEM, dom0_mem=DOM0_MEM
        )
        self.mark, self.line, self.dtb = mark, line, dtb

    def loader(self, payload):
        with open(uboot.SCRIPT, encoding="ascii") as f:
            before, after = f.read().split(self.mark)
        script = os.path.join(self._dir, "boot.cmd")
        with open(script, "w", encoding="ascii") as out:
            out.write(f"{before}{self.line}\n{self.mark}{after}")
        return uboot.arguments("uboot", self.arch, payload, self._dir, script=script, dtb=self.dtb)


class Bare(Host):
    """A host whose boot partition has no kernel."""

    def loader(self, payload):
        return uboot.arguments("uboot", self.arch, payload._replace(kernel=None), self._dir)


def comes_up(host, options):
    """Wait until the control domain answers. Its kernel's command line must contain OPTIONS."""
    seconds = host.wait_ready(120)
    expect("Domain-0" in xl_list(host), "xl list has no Domain-0")
    line = host.get("/proc/cmdline")
    expect(options in line, f"the kernel's command line is {line}")
    return seconds


def disk(tap):
    with tempfile.TemporaryDirectory(prefix="xl-boot-") as folder:
        image = os.path.join(folder, "disk.img")
        with tap.case("disk: tools/uboot.py makes an image and prints how to write it"):
            said = subprocess.run(
                [
                    os.path.join(TOP, "tools/uboot.py"),
                    "--xen",
                    built("xen-lite"),
                    "--kernel",
                    Host("x").machine.kernel,
                    "--initrd",
                    built("images/dom0.cpio"),
                    "--initrd",
                    built("images/payload.cpio"),
                    "-o",
                    image,
                ],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            ).stdout
            expect(f"dd if={image} of=/dev/sdX" in said, said)
            table = subprocess.run(
                ["sfdisk", "--dump", image], stdout=subprocess.PIPE, text=True, check=True
            ).stdout
            expect("label: dos" in table and "type=c, bootable" in table, table)
        with Host("disk", boot="uboot", disk=image, mem=2048) as host, tap.case(
            "disk: U-Boot starts xen-lite", host
        ):
            seconds = comes_up(host, uboot.DEFAULT_DOM0_ARGS)
            expect(
                "Hit any key to stop autoboot:  0" in host.console_text(), "U-Boot waited for a key"
            )
            expect(host.run("ls /guest/vmlinuz").status == 0, "the ramdisk has no /guest/vmlinuz")
            tap.note(f"ready after {seconds:.1f} s")


def tftp(tap):
    with Host(
        "tftp", boot="tftp", images=[built("images/dom0.cpio")], mem=MEM, dom0_mem=DOM0_MEM
    ) as host, tap.case("tftp: U-Boot starts xen-lite", host):
        tap.note(f"ready after {comes_up(host, 'xl.host=tftp'):.1f} s")
        expect(
            "TFTP from server 10.0.2.2" in host.console_text(),
            "U-Boot did not load the files by TFTP",
        )


def trees(tap):
    """Device trees from other places than QEMU: U-Boot's own, and a file."""
    with Scripted("own", TREE, "setenv fdt_addr") as host, tap.case(
        "trees: U-Boot's own, when the firmware leaves none", host
    ):
        host.wait_console("control domain starts", OFF_S)
        expect(
            "Booting using the fdt blob at 0x41000000" in host.console_text(),
            "U-Boot used another device tree",
        )
    with tempfile.TemporaryDirectory(prefix="xl-dtb-") as folder:
        dtb, machine = os.path.join(folder, "virt.dtb"), Host("x")
        subprocess.run(
            [
                machine.machine.emulator,
                "-M",
                f"virt,virtualization=on,gic-version={machine.gic}{machine.machine.options},"
                f"dumpdtb={dtb}",
                "-cpu",
                machine.cpu,
                "-m",
                str(MEM),
                "-nographic",
            ],
            stderr=subprocess.DEVNULL,
            check=True,
        )
        subprocess.run(["fdtput", "-t", "s", dtb, "/", "model", "a tree of its own"], check=True)
        with Scripted("file", TREE, "", dtb) as host, tap.case(
            "trees: a file in the script's folder", host
        ):
            host.wait_console("Machine model: a tree of its own", OFF_S)


def wait_off(host):
    """Wait until the machine is off; return what its console shows."""
    deadline = pace.Deadline(OFF_S)
    while host.alive():
        if deadline.over():
            raise HostError(host.describe(f"still on after {OFF_S} s"))
        time.sleep(0.05)
    with open(host.console_log, encoding="utf-8", errors="replace") as log:
        return log.read()


def mistake(tap, name, line, said):
    with Scripted("misled", START, line) as host, tap.case(
        f"{name}: the console names the mistake, and the machine powers off", host
    ):
        text = wait_off(host)
        last = [line for line in text.replace("\r", "").split("\n") if line][-1]
        expect(said in text, f"{said!r} is not on the console")
        expect("the control domain cannot start: power off" in last, f"the last line is {last}")
        expect("panic" not in text and "CPU0: pc" not in text, "the hypervisor panicked")
        tap.note(next(line for line in text.replace("\r", "").split("\n") if said in line))


def no_file(tap):
    with Bare("bare", agent=False, mem=MEM, dom0_mem=DOM0_MEM) as host, tap.case(
        "missing: the script names a file that is not there", host
    ):
        host.wait_console("xen-lite: vmlinuz cannot be read: not started", OFF_S)
        expect("Starting kernel" not in host.console_text(), "U-Boot started something")


def main():
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    tap = Tap()
    if word in "disk":
        disk(tap)
    # U-Boot does not depend on the version of the GIC: one case covers another version, and the
    # rest run with the machine's default alone.
    if Host("x").gic == Host("x").machine.gic:
        if word in "tftp":
            tftp(tap)
        if word in "trees":
            trees(tap)
        for name, (line, said) in MISTAKES.items():
            if word in name:
                mistake(tap, name, line, said)
        if word in "missing":
            no_file(tap)
    tap.end()


if __name__ == "__main__":
    main()
